import { concat } from "@std/bytes";
import { FRAME_METHOD, PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import { FrameReader } from "../../broker/amqp/frame_reader.ts";
import {
  basicCancel,
  channelCloseOk,
  channelOpen,
  connectionCloseOk,
  connectionOpen,
  connectionStartOk,
  connectionTuneOk,
  decodeMethod,
} from "../../broker/amqp/methods/mod.ts";
import { plainResponse } from "../../broker/amqp/sasl.ts";
import type { Transport } from "../../broker/amqp/transport.ts";
import { methodFrame } from "../amqp/frames.ts";
import type { RandomValues } from "../amqp/random_values.ts";
import type { Kind, Phrases } from "./mutations.ts";
import type { Pulse } from "./pulse.ts";

/** Channels that are attacked; the one after them is asked whether all before it has been read. */
const CHANNELS = 8;
const CONTROL = CHANNELS + 1;
/** Phrases of one write. */
const BATCH = 12;
/** What has a wrong size takes what comes after it, the question too: more of it makes an end. It is sent
 * while there is no answer, though another one has got so many. */
const NUDGE_BEATS = 20;
/** More than the largest frame; a record of TLS, or a frame of a WebSocket, takes some of them. */
const NUDGE = new Uint8Array(8192);

/** What is said of a mistake after which there was nothing more. */
export const ENDED = "ended its connection";

/** What the attackers did so far. */
export class AttackTally {
  /** Frames that were sent. */
  sent = 0;
  /** Frames of them that the broker has read for certain: it answered what came after them, or ended
   * the connection because of one, which counts as one. */
  read = 0;
  /** Those of them that were not as the grammar has them. */
  mutatedRead = 0;
  /** What was wrong with these; which one ended its connection is not known. */
  readonly kinds = new Map<Kind | typeof ENDED, number>();
  /** Connections that ended before any AMQP, in TLS or the opening of a WebSocket. */
  sentAway = 0;
  /** Connections that logged in. */
  connections = 0;
  /** Channels that the broker has closed. */
  channelErrors = 0;
  /** Connections that the broker has closed. */
  connectionErrors = 0;

  /** Counts mistakes that the broker has read. */
  noteRead(kinds: readonly (Kind | typeof ENDED)[]): void {
    this.mutatedRead += kinds.length;
    for (const kind of kinds) this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
  }
}

/**
 * One client that sends what is almost right. It keeps a connection as long as the broker does, gives
 * up its channels and opens them again, and after each batch waits until the broker has read it.
 */
export class Attacker {
  readonly #random: RandomValues;
  readonly #phrases: Phrases;
  readonly #tally: AttackTally;
  readonly #pulse: Pulse;
  readonly #name: string;
  readonly #transport: Transport;
  readonly #reader = new FrameReader();
  /** What must be sent before anything else, to go on with channels that were closed. */
  #repairs: Uint8Array[] = [];
  #answer = Promise.withResolvers<void>();
  /** How often it was asked; mutated frames might get the same answer, but not with this number. */
  #asked = 0;
  #ended = false;

  constructor(
    transport: Transport,
    surroundings: {
      readonly random: RandomValues;
      readonly phrases: Phrases;
      readonly tally: AttackTally;
      readonly pulse: Pulse;
      /** What it is called in errors. */
      readonly name: string;
    },
  ) {
    this.#transport = transport;
    ({ random: this.#random, phrases: this.#phrases, tally: this.#tally } = surroundings);
    ({ pulse: this.#pulse, name: this.#name } = surroundings);
  }

  /**
   * Attacks until the connection ends, or there is no more to do.
   *
   * @param goOn Is asked before each batch.
   */
  async run(goOn: () => boolean): Promise<void> {
    const reading = this.#readAll();
    try {
      await this.#write(concat([LOGIN, this.#ask()]));
      if (!await this.#untilAnswered()) return;
      this.#tally.connections++;
      while (goOn()) if (!await this.#batch()) return;
    } finally {
      this.#transport.close();
      await reading;
    }
  }

  /** False when the connection has ended. */
  async #batch(): Promise<boolean> {
    const frames = this.#repairs.splice(0);
    const kinds: Kind[] = [];
    let sent = 0;
    for (let count = 0; count < BATCH; count++) {
      const phrase = this.#phrases.next(this.#random, 1 + this.#random.below(CHANNELS));
      frames.push(...phrase.frames);
      sent += phrase.frames.length;
      if (phrase.kind !== undefined) kinds.push(phrase.kind);
    }
    frames.push(this.#ask());
    this.#tally.sent += sent;
    await this.#write(concat(frames));
    const answered = await this.#untilAnswered();
    this.#tally.read += answered ? sent : 1;
    this.#tally.noteRead(answered ? kinds : [ENDED]);
    return answered;
  }

  /** A question that is answered whatever else there is: nobody has such a consumer. */
  #ask(): Uint8Array {
    const consumerTag = `ask-${++this.#asked}`;
    return methodFrame(CONTROL, basicCancel({ consumerTag }));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#transport.write(bytes.subarray(at));
    } catch {
      // the broker has closed it, as the reading end finds out
    }
  }

  /** False when the connection has ended. */
  async #untilAnswered(): Promise<boolean> {
    let nudging: Promise<void> | undefined;
    await this.#pulse.wait(this.#answer.promise, {
      complaint: () =>
        `Cannot go on: the broker does not answer question ${this.#asked} of ${this.#name}`,
      onTick: (beats) => {
        // one that does not read has not lost anything yet
        if (beats < NUDGE_BEATS || nudging !== undefined) return;
        nudging = this.#write(NUDGE).finally(() => nudging = undefined);
      },
    });
    this.#answer = Promise.withResolvers();
    return !this.#ended;
  }

  async #readAll(): Promise<void> {
    const reader = this.#reader;
    try {
      while (true) {
        const count = await this.#transport.read(reader.room());
        if (count === null) break;
        reader.filled(count);
        // a broker that is spoken to in another protocol says which one it speaks
        const start = reader.peek(4);
        if (start[0] === 0x41 && start.length === 4) reader.takeRaw(8);
        reader.drain(this);
      }
    } catch {
      // it was reset
    }
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#answer.resolve();
  }

  /** Takes a frame; part of {@linkcode FrameReader.drain}. */
  onFrame(type: number, channel: number, start: number, end: number): boolean {
    if (type !== FRAME_METHOD) return true;
    const { bytes, view } = this.#reader;
    // deliveries are not worth a look
    if (view.getUint16(start) === 60 && view.getUint16(start + 2) !== 31) return true;
    const method = decodeMethod(bytes, start, end);
    const { name } = method;
    if (name === "channel.close") {
      this.#tally.channelErrors++;
      this.#reopen(channel, methodFrame(channel, channelCloseOk()));
    } else if (name === "channel.close-ok") this.#reopen(channel);
    else if (name === "connection.close") {
      this.#tally.connectionErrors++;
      // which the broker may not find, behind a frame whose size is wrong: it is not waited for
      void this.#write(methodFrame(0, connectionCloseOk()));
      this.#end();
    } else if (name === "connection.close-ok") {
      // the broker leaves it to the client to close the socket
      this.#end();
    } else if (name === "basic.cancel-ok" && method.consumerTag === `ask-${this.#asked}`) {
      this.#answer.resolve();
    }
    return true;
  }

  #reopen(channel: number, before: Uint8Array = new Uint8Array()): void {
    const frames = [before, methodFrame(channel, channelOpen())];
    if (channel === CONTROL) void this.#write(concat([...frames, this.#ask()]));
    else this.#repairs.push(...frames);
  }
}

const LOGIN = concat([
  PROTOCOL_HEADER,
  methodFrame(
    0,
    connectionStartOk({
      clientProperties: { capabilities: { consumer_cancel_notify: true } },
      mechanism: "PLAIN",
      response: plainResponse({ username: "guest", password: "guest" }),
      locale: "en_US",
    }),
  ),
  methodFrame(0, connectionTuneOk({ channelMax: 2047, frameMax: 4096, heartbeat: 0 })),
  methodFrame(0, connectionOpen({ virtualHost: "/" })),
  ...Array.from({ length: CONTROL }, (_, index) => methodFrame(index + 1, channelOpen())),
]);
