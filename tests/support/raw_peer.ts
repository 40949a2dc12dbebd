import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import {
  FRAME_BODY,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FRAME_OVERHEAD,
  PROTOCOL_HEADER,
} from "../../broker/amqp/constants.ts";
import { Content } from "../../broker/amqp/content.ts";
import { FrameReader } from "../../broker/amqp/frame_reader.ts";
import { writeContent, writeHeartbeat, writeMethod } from "../../broker/amqp/frame_writer.ts";
import { channelOpen, channelOpenOk } from "../../broker/amqp/methods/channel.ts";
import {
  connectionCloseOk,
  connectionOpen,
  connectionOpenOk,
  connectionStart,
  connectionStartOk,
  connectionTune,
  connectionTuneOk,
} from "../../broker/amqp/methods/connection.ts";
import { decodeMethod, type Method, METHODS } from "../../broker/amqp/methods/mod.ts";
import { type BasicProperties, decodeProperties } from "../../broker/amqp/properties.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import type { Transport } from "../../broker/amqp/transport.ts";

type MethodName = Method["name"];
type MethodNamed<Name extends MethodName> = Extract<Method, { readonly name: Name }>;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What came: a method, with its content when it has one, or a heartbeat. */
interface Incoming {
  readonly channel: number;
  readonly method: Method | undefined;
  properties: BasicProperties;
  body: Uint8Array;
  missing: number;
}

/** A method that carried content. */
export type MethodWithContent<Name extends MethodName> = MethodNamed<Name> & {
  readonly properties: BasicProperties;
  readonly body: Uint8Array;
  readonly text: string;
};

/** What a peer sends besides a method. */
export interface SentContent {
  readonly properties?: BasicProperties;
  readonly body?: string | Uint8Array;
}

/**
 * A scripted end of a connection, client or broker, that says what it is told and expects what it is
 * told: a test reads like the conversation it plays. It knows frames and methods and no rules.
 */
export class RawPeer implements AsyncDisposable {
  /** Heartbeats that came so far. */
  heartbeats = 0;
  /** Size of the largest frame that came so far, all of its octets counted. */
  largestFrame = 0;
  readonly #transport: Transport;
  readonly #reader = new FrameReader(0);
  readonly #waiting: Incoming[] = [];
  readonly #unfinished = new Map<number, Incoming>();
  #ended = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  // ---- as a broker

  /** Plays a broker's part of the handshake. */
  async acceptClient(
    tune: { channelMax?: number; frameMax?: number; heartbeat?: number } = {},
  ): Promise<{
    startOk: MethodNamed<"connection.start-ok">;
    tuneOk: MethodNamed<"connection.tune-ok">;
    open: MethodNamed<"connection.open">;
  }> {
    const startOk = await this.acceptStartOk();
    await this.send(
      0,
      connectionTune({ channelMax: 2047, frameMax: 131_072, heartbeat: 0, ...tune }),
    );
    const tuneOk = await this.expect(0, "connection.tune-ok");
    const open = await this.expect(0, "connection.open");
    await this.send(0, connectionOpenOk());
    return { startOk, tuneOk, open };
  }

  /** Plays it up to the client's login. */
  async acceptStartOk(mechanisms = "PLAIN AMQPLAIN"): Promise<MethodNamed<"connection.start-ok">> {
    await this.expectProtocolHeader();
    await this.send(
      0,
      connectionStart({
        versionMajor: 0,
        versionMinor: 9,
        serverProperties: { product: "Script" },
        mechanisms,
        locales: "en_US",
      }),
    );
    return await this.expect(0, "connection.start-ok");
  }

  /** Lets the client open a channel. */
  async acceptChannel(channel = 1): Promise<void> {
    await this.expect(channel, "channel.open");
    await this.send(channel, channelOpenOk());
  }

  /** Lets the client close the connection. */
  async acceptClose(): Promise<MethodNamed<"connection.close">> {
    const close = await this.expect(0, "connection.close");
    await this.send(0, connectionCloseOk());
    return close;
  }

  // ---- as a client

  /** Plays a client's part of the handshake and opens channel 1. */
  async login({ username = "guest", password = "guest", virtualHost = "/" } = {}): Promise<void> {
    await this.sendBytes(PROTOCOL_HEADER);
    await this.expect(0, "connection.start");
    const capabilities = { authentication_failure_close: true, consumer_cancel_notify: true };
    await this.send(
      0,
      connectionStartOk({
        clientProperties: { capabilities },
        mechanism: "PLAIN",
        response: plainResponse({ username, password }),
        locale: "en_US",
      }),
    );
    const tune = await this.expect(0, "connection.tune");
    await this.send(0, connectionTuneOk({ ...tune, heartbeat: 0 }));
    await this.send(0, connectionOpen({ virtualHost }));
    await this.expect(0, "connection.open-ok");
    await this.send(1, channelOpen());
    await this.expect(1, "channel.open-ok");
  }

  // ---- sending

  /** Sends a method, with content when its kind has one. */
  async send(channel: number, method: Method, content: SentContent = {}): Promise<void> {
    const writer = new ByteWriter();
    writeMethod(writer, channel, method, 0);
    if (METHODS[method.name].content) {
      const carried = new Content();
      carried.properties = content.properties ?? {};
      carried.body = typeof content.body === "string"
        ? encoder.encode(content.body)
        : content.body ?? new Uint8Array();
      carried.bodyEnd = carried.body.length;
      writeContent(writer, channel, carried, 4096);
    }
    await this.sendBytes(writer.written());
  }

  async sendHeartbeat(): Promise<void> {
    const writer = new ByteWriter();
    writeHeartbeat(writer);
    await this.sendBytes(writer.written());
  }

  async sendBytes(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#transport.write(bytes.subarray(sent));
    }
  }

  // ---- expecting

  async expectProtocolHeader(): Promise<Uint8Array> {
    while (true) {
      const header = this.#reader.takeRaw(PROTOCOL_HEADER.length);
      if (header !== undefined) return header;
      if (!await this.#read()) throw new Error("Cannot read protocol header: the stream ended");
    }
  }

  /** The next method, which must be this one on this channel. */
  async expect<Name extends MethodName>(channel: number, name: Name): Promise<MethodNamed<Name>> {
    return (await this.#next(channel, name)).method as MethodNamed<Name>;
  }

  /** The next method together with its content. */
  async expectContent<Name extends MethodName>(
    channel: number,
    name: Name,
  ): Promise<MethodWithContent<Name>> {
    const { method, properties, body } = await this.#next(channel, name);
    const fields = method as MethodNamed<Name>;
    return { ...fields, properties, body, text: decoder.decode(body) };
  }

  /** The next method, whatever it is, and its body as a text; undefined when the stream ends before. */
  async next(): Promise<
    { readonly channel: number; readonly method: Method; readonly text: string } | undefined
  > {
    while (this.#waiting.length === 0) {
      if (!await this.#readFrames()) return undefined;
    }
    const { channel, method, body } = this.#waiting.shift()!;
    return { channel, method: method!, text: decoder.decode(body) };
  }

  /** Waits for a heartbeat; methods that come meanwhile wait for `expect`. */
  async expectHeartbeat(): Promise<void> {
    for (const before = this.heartbeats; this.heartbeats === before;) {
      if (!await this.#readFrames()) throw new Error("Cannot read heartbeat: the stream ended");
    }
  }

  /** Waits for the end of the stream, before which nothing else may come. */
  async expectEnd(): Promise<void> {
    while (await this.#readFrames()) { /* on to the end */ }
    const next = this.#waiting[0];
    if (next !== undefined) {
      throw new Error(`Cannot accept ${next.method?.name}: expecting the end of the stream`);
    }
  }

  close(): void {
    this.#transport.close();
  }

  /** Closes the stream and reads what is left of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    while (!this.#ended) await this.#read();
  }

  async #next(channel: number, name: MethodName): Promise<Incoming> {
    while (this.#waiting.length === 0) {
      if (!await this.#readFrames()) {
        throw new Error(`Cannot read ${name} on channel ${channel}: the stream ended`);
      }
    }
    const incoming = this.#waiting.shift()!;
    const got = `${incoming.method?.name} on channel ${incoming.channel}`;
    if (got !== `${name} on channel ${channel}`) {
      const details = JSON.stringify(incoming.method);
      throw new Error(`Cannot accept ${got}: expecting ${name} on channel ${channel}: ${details}`);
    }
    return incoming;
  }

  async #readFrames(): Promise<boolean> {
    if (this.#reader.waiting === 0 && !await this.#read()) return false;
    const before = this.#reader.waiting;
    this.#reader.drain(this);
    // part of a frame alone: more must come
    return this.#reader.waiting < before || await this.#read();
  }

  async #read(): Promise<boolean> {
    if (this.#ended) return false;
    const count = await this.#transport.read(this.#reader.room()).catch(() => null);
    if (count === null) this.#ended = true;
    else this.#reader.filled(count);
    return !this.#ended;
  }

  /** Takes a frame; part of {@linkcode FrameReader.drain}. */
  onFrame(type: number, channel: number, start: number, end: number): boolean {
    const { bytes, view } = this.#reader;
    this.largestFrame = Math.max(this.largestFrame, end - start + FRAME_OVERHEAD);
    if (type === FRAME_METHOD) {
      const method = decodeMethod(bytes, start, end);
      const incoming = {
        channel,
        method,
        properties: {},
        body: new Uint8Array(),
        missing: 0,
      };
      if (METHODS[method.name].content) this.#unfinished.set(channel, incoming);
      else this.#waiting.push(incoming);
    } else if (type === FRAME_HEARTBEAT) {
      this.heartbeats++;
    } else if (type === FRAME_HEADER) {
      const incoming = this.#unfinished.get(channel)!;
      incoming.missing = Number(view.getBigUint64(start + 4));
      incoming.properties = decodeProperties(bytes, start + 12, end);
      this.#finish(incoming);
    } else if (type === FRAME_BODY) {
      const incoming = this.#unfinished.get(channel)!;
      const body = new Uint8Array(incoming.body.length + end - start);
      body.set(incoming.body);
      body.set(bytes.subarray(start, end), incoming.body.length);
      incoming.body = body;
      incoming.missing -= end - start;
      this.#finish(incoming);
    }
    return true;
  }

  #finish(incoming: Incoming): void {
    if (incoming.missing > 0) return;
    this.#unfinished.delete(incoming.channel);
    this.#waiting.push(incoming);
  }
}
