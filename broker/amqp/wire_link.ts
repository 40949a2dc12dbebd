import { internedText } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";
import {
  DEFAULT_FRAME_MAX,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_SIZE,
  FRAME_HEADER,
  FRAME_METHOD,
  PROTOCOL_HEADER,
  TABLE_DEPTH_MAX,
} from "./constants.ts";
import { leaveBodyBuffer } from "./body_buffers.ts";
import type { ConsumerTag } from "./consumer_tag.ts";
import { type Content, NO_BYTES } from "./content.ts";
import { ContentAssembler } from "./content_assembler.ts";
import { AmqpError } from "./error.ts";
import { describeFrame, FrameReader, type FrameSink, unknownFrame } from "./frame_reader.ts";
import {
  ACK_SIZE,
  deliveryPrefix,
  writeAck,
  writeAgain,
  writeContent,
  writeDelivery,
  writeHeartbeat,
  writeMethod,
} from "./frame_writer.ts";
import { MANY_KEYS } from "./fresh_addresses.ts";
import { leaveLargeBuffer, takeLargeBuffer } from "./large_buffers.ts";
import { leaveSmallBuffer, SMALL_BUFFER, takeSmallBuffer } from "./small_buffers.ts";
import type { ContentMethod, Link, LinkReceiver } from "./link.ts";
import { basicPublish } from "./methods/basic.ts";
import { decodeMethod, type Method, METHODS } from "./methods/mod.ts";
import { PublishScan } from "./publish_scan.ts";
import { TlsError } from "./tls_error.ts";
import { ReadAhead } from "./read_ahead.ts";
import type { Transport } from "./transport.ts";
import { atEndOfTurn, worked } from "./turn.ts";

const BASIC_PUBLISH = 60 << 16 | 40;
const BASIC_ACK = 60 << 16 | 80;
const BASIC_RETURN = 60 << 16 | 50;
const BASIC_DELIVER = 60 << 16 | 60;
const BASIC_GET_OK = 60 << 16 | 71;

/** So many microtasks a read leaves to what the one before it led to. Whoever waits for an answer need
 * not wait for the asking of the next read as well, which takes longer than answering a small message. */
const WRITES_FIRST = 8;
/** More than this waiting to be written makes a link `full`, unless it is told otherwise. */
const HIGH_WATER = 1024 * 1024;
/** And less than this part of it ends it. */
const LOW_WATER_PART = 1 / 4;
/** A peer for which so many times as much waits is not read any more: it asks without taking the
 * answers. */
const STOP_READING_FACTOR = 8;
/** A consumer whose acks are all that comes gets so many bytes of what it is given for them before the end
 * of the turn: while it works on them, the rest of its acks are looked at. Else one of the two would always
 * wait for the other. */
const EARLY_WRITE = 4096;
/** A peer that sends no more bytes than this between two heartbeats of ours is idle: its own ones. */
const IDLE_BYTES = 64;
/** A larger one is left to other links that send much, once there is nothing to write. */
const LARGEST_KEPT = HIGH_WATER;
/** A body of more bytes than this is worth a look for a large buffer. */
const LARGE_BODY = HIGH_WATER / 4;
/** So many acks are taken together at most: then it is looked whether their consumers take what they get
 * for them. */
const ACKS_MAX = 64;
/** What one read brings of other methods than messages and acks may be thousands of them, of which each
 * costs more: after so many it is looked how long they have taken, ... */
const LOOK_AFTER = 32;
/** ... and after so many milliseconds others have their turn before the rest. */
const AT_A_STRETCH_MS = 5;
/** What a read of fewer bytes brings takes so little time, in milliseconds, that looking at the clock before
 * and after would be a good part of it. */
const TIMED_BYTES = 2048;
const UNTIMED_MS = 0.01;

/** A method as {@linkcode WireLink.next} brings it. */
export interface ReceivedMethod {
  /** The channel it came on. */
  readonly channel: number;
  /** The method, without content. */
  readonly method: Method;
}

/** Options of a {@linkcode WireLink}. */
export interface WireLinkOptions {
  /** Largest frame taken and sent until `tune` says otherwise. */
  readonly frameMax?: number;
  /** With more bytes than this waiting to be written it is `full`. Default: 1 MiB. */
  readonly highWater?: number;
  /** How deep tables of the peer may be nested. Default: 64. */
  readonly tableDepthMax?: number;
}

/**
 * A link over a transport: frames on one side, methods with content on the other.
 *
 * It is pulled by {@linkcode WireLink.next} during the handshake, which reads like the
 * specification's diagram then, and pushes to a receiver after {@linkcode WireLink.run}. All that a
 * turn of the event loop sends goes into one buffer and is written once at the turn's end, while a
 * second buffer fills.
 */
export class WireLink implements Link, FrameSink {
  /** Bytes read and written so far; heartbeats watch them. */
  bytesRead = 0;
  /** Bytes handed to be written so far. */
  bytesWritten = 0;
  /** Bytes that the peer has taken so far: written, as far as the system says. */
  bytesTaken = 0;
  /** Told how much each read brought, before its frames are looked at. */
  onRead: ((bytes: number) => void) | undefined = undefined;
  /** Called when the link ends, for those who wait for something else than what it brings. */
  onEnd: (() => void) | undefined = undefined;
  readonly #transport: Transport;
  readonly #reader: FrameReader;
  readonly #highWater: number;
  readonly #stopReading: number;
  readonly #depthMax: number;
  #frameMax: number;
  #receiver: LinkReceiver | undefined;
  #pulled: ReceivedMethod | undefined;

  /** Why nothing more could be read, when it was no orderly end. */
  #readError: unknown;

  /** What had been read when it was last written a heartbeat. */
  #readAtBeat = 0;
  /** By channel, once there was a content. */
  #assemblers: Map<number, ContentAssembler> | undefined = undefined;
  #assembler: ContentAssembler | undefined;

  #out: ByteWriter = takeSmallBuffer();
  #spare: ByteWriter | undefined;
  /** Bytes in the buffer that is being written. */
  #writing = 0;
  #marked = false;
  #wasFull = false;
  /** The buffer that is being written is not needed any more. */
  #resting = false;
  readonly #flush = () => {
    this.#marked = false;
    if (this.#writing === 0) this.#write();
  };

  /** The method of the latest content, which nobody changes, its channel, and its frame once it came twice. */
  #lastMethod: ContentMethod | undefined = undefined;
  #lastChannel = 0;
  #lastFrame: DataView | undefined = undefined;

  #closing = false;
  #closed = false;
  /** Why it ended, and when the transport has. */
  #endError: Error | undefined;
  #goodbye: void | Promise<void> = undefined;
  /** The stream lost its framing: what still comes is read and thrown away. */
  #deaf = false;
  #resume: (() => void) | undefined;
  #throttled = false;
  /** No read brings more bytes than this. */
  readMax: number = Infinity;
  /** Frames were left in the reader, since so much waits to be written, or they take so long. */
  #leftFrames = false;
  /** When those were begun that are taken now, 0 while nobody has looked; how many methods of them cost
   * more than most; and whether the rest has to wait. */
  #began = 0;
  #methods = 0;
  #tookLong = false;
  /** No other link has brought anything since the last read of this one. */
  #alone = false;
  /** What is read while the handshake waits for something else than the peer. */
  #ahead: ReadAhead | undefined;

  /**
   * Stands on a transport. Nothing is read before `readProtocolHeader`, `next` or `run`.
   *
   * @param transport The bytes.
   * @param options Limits.
   */
  constructor(transport: Transport, options: WireLinkOptions = {}) {
    this.#transport = transport;
    this.#frameMax = options.frameMax ?? DEFAULT_FRAME_MAX;
    this.#highWater = options.highWater ?? HIGH_WATER;
    this.#stopReading = STOP_READING_FACTOR * this.#highWater;
    this.#depthMax = options.tableDepthMax ?? TABLE_DEPTH_MAX;
    this.#reader = new FrameReader(this.#frameMax);
  }

  /** The peer, for logs and for "from loopback only". */
  get transport(): Transport {
    return this.#transport;
  }

  // ---- the handshake

  /**
   * Sends "AMQP" and a version, by which a client begins, or a server refuses another one.
   *
   * @param version The four octets that follow. Default: those of AMQP 0-9-1.
   */
  sendProtocolHeader(version?: readonly number[]): void {
    const at = this.#out.reserve(PROTOCOL_HEADER.length);
    this.#out.bytes.set(PROTOCOL_HEADER, at);
    if (version !== undefined) this.#out.bytes.set(version, at + 4);
    this.#mark();
  }

  /** Reads the eight octets by which a client begins; undefined when the stream ends before. */
  async readProtocolHeader(): Promise<Uint8Array | undefined> {
    while (true) {
      const header = this.#reader.takeRaw(PROTOCOL_HEADER.length);
      if (header !== undefined) return header;
      if (!await this.#read()) return undefined;
    }
  }

  /**
   * Reads the next method of the handshake.
   *
   * @throws {AmqpError} When what comes is no method or cannot be decoded.
   * @throws {Error} When the stream ends, or the peer answers with a protocol header of its own.
   */
  async next(): Promise<ReceivedMethod> {
    while (true) {
      this.#pulled = undefined;
      const start = this.#reader.peek(4);
      if (start.length === 4 && start[0] === 0x41 && start[1] === 0x4d) {
        throw new Error("Cannot open connection: the peer speaks another protocol version");
      }
      this.#reader.drain(this);
      if (this.#pulled !== undefined) return this.#pulled;
      if (!await this.#read()) throw endedEarly(this.#readError);
    }
  }

  /**
   * Reads while the handshake waits for something else than the peer, so that `onEnd` is called when the
   * peer goes. Once only.
   *
   * @returns Stops it; what is read already, and the read that is under way, are not lost.
   */
  watchForEnd(): () => void {
    const ahead = this.#ahead = new ReadAhead(this.#transport, () => this.onEnd?.());
    return () => ahead.stop();
  }

  /** Reads on and throws away what comes, until the stream ends. */
  async discard(): Promise<void> {
    do this.#reader.takeRaw(this.#reader.waiting); while (await this.#read());
  }

  /** Sets what was agreed on in the handshake. */
  tune(tuned: { readonly frameMax: number }): void {
    this.#frameMax = this.#reader.frameMax = tuned.frameMax;
  }

  /** From now on everything that comes is pushed to the receiver, until the link closes. One that has
   * ended already, since a write failed while the other side was still shaking hands, says so. */
  run(receiver: LinkReceiver): void {
    this.#receiver = receiver;
    this.#pulled = undefined;
    // what the handshake needed is more than what an idle peer needs
    this.#rest();
    if (this.#closed) this.#tellClosed(receiver);
    else this.#readAll();
  }

  // ---- sending

  send(channel: number, method: Method): void {
    if (this.#closing) return;
    writeMethod(this.#out, channel, method, this.#frameMax);
    if (method.name === "channel.close-ok") this.#forget(channel);
    this.#mark();
  }

  sendContent(channel: number, method: ContentMethod, content: Content): void {
    if (this.#closing) return;
    if (content.bodyEnd - content.bodyStart > LARGE_BODY) this.#takeLarge();
    // such a method does not tell its key
    if (method.name === "basic.publish" && method.bears === MANY_KEYS) {
      method = { ...method, routingKey: content.routingKey };
    }
    if (method !== this.#lastMethod || channel !== this.#lastChannel) {
      writeMethod(this.#out, channel, method, this.#frameMax);
      this.#lastMethod = method;
      this.#lastChannel = channel;
      this.#lastFrame = undefined;
    } else if (this.#lastFrame !== undefined) writeAgain(this.#out, this.#lastFrame);
    else this.#writeKept(channel, method);
    writeContent(this.#out, channel, content, this.#frameMax);
    this.#mark();
  }

  /** A publisher sends the same method again and again: from the second time on it is copied. */
  #writeKept(channel: number, method: ContentMethod): void {
    const out = this.#out;
    const start = out.length;
    writeMethod(out, channel, method, this.#frameMax);
    this.#lastFrame = new DataView(out.bytes.slice(start, out.length).buffer);
  }

  sendDelivery(
    channel: number,
    consumerTag: ConsumerTag,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void {
    if (this.#closing) return;
    if (content.bodyEnd - content.bodyStart > LARGE_BODY) this.#takeLarge();
    writeDelivery(
      this.#out,
      channel,
      consumerTag.prefix ??= deliveryPrefix(consumerTag.text),
      deliveryTag,
      redelivered,
      content,
      this.#frameMax,
    );
    this.#mark();
  }

  sendAck(channel: number, deliveryTag: number): void {
    if (this.#closing) return;
    writeAck(this.#out, channel, deliveryTag);
    this.#mark();
  }

  /** They are written at the end of the turn anyway. */
  collectAcks(): void {}

  /** Writes a heartbeat. */
  beat(): void {
    if (this.#closing) return;
    if (this.bytesRead - this.#readAtBeat <= IDLE_BYTES) this.#rest();
    this.#readAtBeat = this.bytesRead;
    writeHeartbeat(this.#out);
    this.#mark();
  }

  /** The peer is idle: the buffers that it needed before are let go. */
  #rest(): void {
    this.#reader.rest();
    this.#spare = undefined;
    this.#resting = this.#writing > 0;
    const { bytes, length } = this.#out;
    if (bytes.length <= SMALL_BUFFER || length > SMALL_BUFFER) return;
    const small = takeSmallBuffer();
    small.bytes.set(bytes.subarray(0, length));
    small.length = length;
    this.#out = small;
  }

  get full(): boolean {
    if (this.#out.length + this.#writing <= this.#highWater) return false;
    this.#wasFull = true;
    return true;
  }

  /** How many bytes wait to be taken by the peer. */
  get bytesWaiting(): number {
    return this.#out.length + this.bytesWritten - this.bytesTaken;
  }

  get unfinishedBytes(): number {
    return this.#unfinished().reduce((sum, { collectedBytes }) => sum + collectedBytes, 0);
  }

  /** True while the rest of a frame, or of a message, is waited for that has begun to come. */
  get awaitsRest(): boolean {
    if (this.#closing || this.#deaf) return false;
    // it is not read, so it is not the peer who makes it wait
    if (this.#throttled || this.#leftFrames || this.#out.length > this.#stopReading) return false;
    return this.#reader.waiting > 0 || this.#unfinished().length > 0;
  }

  #mark(): void {
    if (this.#marked) return;
    this.#marked = true;
    atEndOfTurn(this.#flush);
  }

  /** Writes buffer after buffer until all is written. */
  async #write(): Promise<void> {
    try {
      while (this.#out.length > 0 && !this.#closed) {
        const full = this.#out;
        const { length } = full;
        this.#out = this.#nextBuffer(full);
        this.#writing = length;
        this.bytesWritten += length;
        for (let sent = 0; sent < length;) {
          const taken = await this.#transport.write(full.bytes.subarray(sent, length));
          sent += taken;
          this.bytesTaken += taken;
        }
        this.#writing = 0;
        full.length = 0;
        if (full.bytes.length > LARGEST_KEPT) leaveLargeBuffer(full);
        else if (!this.#resting) this.#spare = full;
        this.#resting = false;
        if (this.#out.length < this.#stopReading) this.#resumeReading();
        if (this.#wasFull && this.#out.length < this.#highWater * LOW_WATER_PART) {
          this.#wasFull = false;
          this.#receiver?.drained();
        }
      }
      if (!this.#closed) this.#tidy();
    } catch (cause) {
      this.#end(this.#closing ? undefined : asError(cause));
      return;
    }
    if (this.#closing) this.#end();
  }

  /** Nothing is left to write: a large buffer is for others, and where one is small, so little is sent
   * that the other one is enough. */
  #tidy(): void {
    const out = this.#out;
    const spare = this.#spare;
    if (out.bytes.length > LARGEST_KEPT) {
      leaveLargeBuffer(out);
      this.#out = spare ?? takeSmallBuffer();
    } else if (spare === undefined) return;
    else if (out.bytes.length === SMALL_BUFFER) {
      leaveSmallBuffer(out);
      this.#out = spare;
    } else if (spare.bytes.length === SMALL_BUFFER) leaveSmallBuffer(spare);
    else return;
    this.#spare = undefined;
  }

  /** Goes on in a large buffer, if one is left over, before one has to grow. */
  #takeLarge(): void {
    if (this.#out.length > 0 || this.#out.bytes.length > LARGEST_KEPT) return;
    const large = takeLargeBuffer();
    if (large === undefined) return;
    this.#spare = this.#out;
    this.#out = large;
  }

  /** What is filled while a buffer is being written. */
  #nextBuffer(full: ByteWriter): ByteWriter {
    const large = full.bytes.length > LARGEST_KEPT ? takeLargeBuffer() : undefined;
    if (large !== undefined) return large;
    const spare = this.#spare ?? takeSmallBuffer();
    this.#spare = undefined;
    return spare;
  }

  // ---- ending

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.throttle(false);
    if (this.#out.length > 0 || this.#writing > 0) this.#mark();
    else this.#end();
  }

  /** Drops the socket at once; what was not yet written is lost. */
  abort(error?: Error): void {
    this.#closing = true;
    this.#end(error);
  }

  #end(error?: Error): void {
    if (this.#closed) return;
    this.#closed = this.#closing = true;
    this.#reader.close();
    if (latestRead === this.#reader) latestRead = undefined;
    this.#out.length = 0;
    this.#throttled = false;
    this.onEnd?.();
    this.#resumeReading();
    this.#endError = error;
    this.#goodbye = this.#transport.close();
    if (this.#receiver !== undefined) this.#tellClosed(this.#receiver);
  }

  #tellClosed(receiver: LinkReceiver): void {
    const tell = () => atEndOfTurn(() => receiver.closed(this.#endError));
    if (this.#goodbye === undefined) tell();
    else this.#goodbye.then(tell);
  }

  // ---- receiving

  throttle(on: boolean): void {
    this.#throttled = on;
    if (!on) this.#resumeReading();
  }

  #resumeReading(): void {
    this.#resume?.();
    this.#resume = undefined;
  }

  async #readAll(): Promise<void> {
    while (this.#ahead !== undefined) {
      this.#takeFrames();
      await this.#takeAhead(this.#ahead);
    }
    while (!this.#closed) {
      const others = worked(this.#takeTimed());
      if (others !== undefined) await others;
      while (this.#throttled || this.#out.length > this.#stopReading) {
        await new Promise<void>((resume) => this.#resume = resume);
      }
      if (this.#leftFrames) continue;
      for (let steps = 0; steps < WRITES_FIRST; steps++) await undefined;
      try {
        const count = await this.#transport.read(this.#room());
        if (count === null) break;
        this.#filled(count);
      } catch (cause) {
        this.#readError = cause; // reset by the peer, or closed by us meanwhile
        break;
      }
    }
    this.#end(
      this.#closing ? undefined : new Error("Connection was lost: the peer closed its socket"),
    );
  }

  /** Tells how many milliseconds it took. */
  #takeTimed(): number {
    this.#began = 0;
    if (this.#reader.waiting < TIMED_BYTES) {
      this.#takeFrames();
      return UNTIMED_MS;
    }
    this.#began = performance.now();
    this.#takeFrames();
    return performance.now() - this.#began;
  }

  #takeFrames(): void {
    this.#leftFrames = this.#tookLong = false;
    if (this.#deaf) {
      this.#reader.takeRaw(this.#reader.waiting);
      return;
    }
    try {
      this.#reader.drain(this);
    } catch (cause) {
      this.#deaf = true;
      this.#receiver!.failed(asAmqpError(cause));
    }
  }

  /** Reads once. False at the end of the stream. */
  async #read(): Promise<boolean> {
    if (this.#ahead !== undefined) return await this.#takeAhead(this.#ahead);
    try {
      const count = await this.#transport.read(this.#room());
      if (count === null) return false;
      this.#filled(count);
      return true;
    } catch (cause) {
      this.#readError = cause;
      return false;
    }
  }

  async #takeAhead(ahead: ReadAhead): Promise<boolean> {
    let bytes = await ahead.take();
    if (ahead.done) this.#ahead = undefined;
    if (bytes === null) {
      this.#readError = ahead.error;
      return false;
    }
    while (bytes.length > 0) {
      const room = this.#room();
      const part: Uint8Array = bytes.subarray(0, room.length);
      room.set(part);
      this.#filled(part.length);
      bytes = bytes.subarray(part.length);
    }
    return true;
  }

  /** Where the next read puts what it brings. */
  #room(): Uint8Array {
    for (const assembler of this.#unfinished()) assembler.leaveReadBuffer();
    const room = this.#reader.room();
    return room.length > this.readMax ? room.subarray(0, this.readMax) : room;
  }

  #filled(count: number): void {
    this.#alone = latestRead === this.#reader;
    latestRead = this.#reader;
    this.#reader.filled(count);
    this.bytesRead += count;
    this.onRead?.(count);
  }

  /** The channels whose content has come in part. */
  #unfinished(): readonly ContentAssembler[] {
    if (this.#assembler === undefined) return NONE;
    if (this.#assemblers!.size === 1) {
      return this.#assembler.expects === "method" ? NONE : [this.#assembler];
    }
    return [...this.#assemblers!.values()].filter((assembler) => assembler.expects !== "method");
  }

  /** Takes one frame from the reader: a step of {@linkcode FrameReader.drain}. */
  onFrame(type: number, channel: number, start: number, end: number): boolean {
    if (this.#receiver === undefined) return this.#pull(type, channel, start, end);
    try {
      this.#push(type, channel, start, end);
    } catch (cause) {
      this.#receiver.failed(asAmqpError(cause));
    }
    // one read may ask for the same large message a thousand times
    this.#leftFrames = this.#tookLong || this.#out.length > this.#stopReading;
    return !this.#closing && !this.#leftFrames;
  }

  #pull(type: number, channel: number, start: number, end: number): boolean {
    if (type === FRAME_METHOD) {
      const method = decodeMethod(this.#reader.bytes, start, end, this.#depthMax);
      this.#pulled = { channel, method };
      return false;
    }
    if (type === FRAME_HEADER || type === FRAME_BODY) {
      throw new AmqpError(505, "expected method frame, got non method frame instead");
    }
    return true;
  }

  #push(type: number, channel: number, start: number, end: number): void {
    const { bytes, view } = this.#reader;
    let assembler = this.#assembler;
    if (assembler === undefined || assembler.channel !== channel) {
      assembler = this.#assemblers?.get(channel);
      if (assembler !== undefined) this.#assembler = assembler;
    }
    if (type === FRAME_METHOD) {
      if (end - start < 4) throw unknownFrame(type, bytes, start, end);
      if (assembler !== undefined && assembler.expects !== "method") {
        const error = assembler.unexpected("method", 0);
        assembler.expects = "method";
        throw error;
      }
      const id = view.getUint32(start);
      if (id === BASIC_PUBLISH) this.#publishes(channel, start, end);
      else if (id === BASIC_DELIVER) this.#deliver(channel, start, end);
      else if (id === BASIC_ACK && isAckOfOne(bytes, start, end)) this.#acks(channel, start);
      else this.#method(channel, id, start, end);
    } else if (type === FRAME_HEADER || type === FRAME_BODY) {
      if (channel === 0) throw new AmqpError(505, describeFrame(type, bytes, start, end));
      if (assembler === undefined) {
        throw new AmqpError(505, "expected method frame, got non method frame instead");
      }
      const whole = type === FRAME_HEADER
        ? assembler.header(bytes, view, start, end)
        : assembler.body(bytes, start, end);
      if (whole) this.#handOver(channel, assembler);
    } else if (end > start) {
      throw unknownFrame(type, bytes, start, end);
    } else if (channel !== 0) {
      throw new AmqpError(505, describeFrame(type, bytes, start, end));
    }
  }

  #handOver(channel: number, assembler: ContentAssembler): void {
    const receiver = this.#receiver!;
    const { method, content } = assembler;
    if (method !== undefined) receiver.receiveContent(channel, method, content);
    else {
      receiver.receiveDelivery(
        channel,
        assembler.consumerTag,
        assembler.deliveryTag,
        assembler.redelivered,
        content,
      );
    }
    if (content.pooled) this.#takeBackBody(content);
  }

  /** Nobody has taken over the buffer of a body, so it is not needed any more. */
  #takeBackBody(content: Content): void {
    const { body } = content;
    content.pooled = false;
    content.body = NO_BYTES;
    content.bodyStart = content.bodyEnd = 0;
    leaveBodyBuffer(body);
  }

  /** A publish, and those that follow right behind it. */
  #publishes(channel: number, start: number, end: number): void {
    const reader = this.#reader;
    const receiver = this.#receiver!;
    const { bytes, view, high, payloadMax } = reader;
    const depthMax = this.#depthMax;
    let low = start - FRAME_HEAD_SIZE;
    if (
      channel === 0 || !publishScan.finds(bytes, view, low, high, channel, payloadMax, depthMax)
    ) {
      return this.#publish(channel, start, end);
    }
    do {
      // taken before it is handed out, as the reader does it
      reader.takeTo(low = publishScan.end);
      receiver.receiveContent(channel, publishScan.method, publishScan.content);
      if (this.#closing || this.#out.length > this.#stopReading) return;
    } while (publishScan.finds(bytes, view, low, high, channel, payloadMax, depthMax));
  }

  /** `basic.publish`: ticket, exchange, routing key, bits. Its content comes in frames of its own. */
  #publish(channel: number, start: number, end: number): void {
    const { bytes, view } = this.#reader;
    const address = start + 6;
    const keyAt = address + 1 + bytes[address]!;
    const bitsAt = keyAt < end ? keyAt + 1 + bytes[keyAt]! : end;
    if (bitsAt >= end) throw new AmqpError(501, "basic.publish is too short");
    const exchange = shortString(bytes, view, address);
    const routingKey = shortString(bytes, view, keyAt);
    const bits = bytes[bitsAt]!;
    const method = basicPublish({
      exchange,
      routingKey,
      mandatory: (bits & 1) !== 0,
      immediate: (bits & 2) !== 0,
    });
    this.#assemblerOf(channel).begin(method, exchange, routingKey, bytes, address, bitsAt);
  }

  /** `basic.deliver`: consumer tag, delivery tag, redelivered, exchange, routing key. */
  #deliver(channel: number, start: number, end: number): void {
    const { bytes, view } = this.#reader;
    const tagAt = start + 4;
    const numberAt = tagAt + 1 + bytes[tagAt]!;
    const address = numberAt + 9;
    const keyAt = address < end ? address + 1 + bytes[address]! : end;
    if (keyAt >= end || keyAt + 1 + bytes[keyAt]! > end) {
      throw new AmqpError(501, "basic.deliver is too short");
    }
    const assembler = this.#assemblerOf(channel);
    assembler.consumerTag = shortString(bytes, view, tagAt);
    assembler.deliveryTag = view.getUint32(numberAt) * 0x1_0000_0000 + view.getUint32(numberAt + 4);
    assembler.redelivered = (bytes[numberAt + 8]! & 1) !== 0;
    assembler.begin(
      undefined,
      shortString(bytes, view, address),
      shortString(bytes, view, keyAt),
      bytes,
      address,
      keyAt + 1 + bytes[keyAt]!,
    );
  }

  /** `basic.ack` of one delivery, and those that follow right behind it: deliveries in a row are mostly
   * acked in a row, and so taken together. */
  #acks(channel: number, start: number): void {
    const receiver = this.#receiver!;
    if (receiver.receiveAcks === undefined) {
      return receiver.receive(channel, decodeMethod(this.#reader.bytes, start, start + ACK_SIZE));
    }
    const reader = this.#reader;
    const { bytes, view, high } = reader;
    const head = FRAME_METHOD << 24 | channel << 8;
    let first = view.getUint32(start + 4) * 0x1_0000_0000 + view.getUint32(start + 8);
    let last = first;
    while (true) {
      const frame = start + ACK_SIZE + 1;
      start = frame + FRAME_HEAD_SIZE;
      const end = start + ACK_SIZE;
      const isNext = end < high && view.getInt32(frame) === head &&
        view.getUint32(frame + 3) === ACK_SIZE && view.getUint32(start) === BASIC_ACK &&
        bytes[end] === FRAME_END && isAckOfOne(bytes, start, end);
      if (!isNext) return receiver.receiveAcks(channel, first, last);
      const next = view.getUint32(start + 4) * 0x1_0000_0000 + view.getUint32(start + 8);
      if (next !== last + 1 || next - first >= ACKS_MAX) {
        receiver.receiveAcks(channel, first, last);
        if (this.#closing || this.#out.length > this.#stopReading) return;
        if (this.#alone && this.#writing === 0 && this.#out.length > EARLY_WRITE) this.#write();
        first = next;
      }
      last = next;
      reader.takeTo(end + 1);
    }
  }

  #method(channel: number, id: number, start: number, end: number): void {
    if (++this.#methods % LOOK_AFTER === 0) {
      const now = performance.now();
      if (this.#began === 0) this.#began = now;
      this.#tookLong = now - this.#began > AT_A_STRETCH_MS;
    }
    const { bytes } = this.#reader;
    const method = decodeMethod(bytes, start, end, this.#depthMax);
    if (id === BASIC_RETURN || id === BASIC_GET_OK) {
      const carrier = method as ContentMethod;
      // what comes before the exchange: a reply code and text, or a delivery tag and redelivered
      const address = start + (id === BASIC_RETURN ? 7 + bytes[start + 6]! : 13);
      const keyAt = address + 1 + bytes[address]!;
      const addressEnd = keyAt + 1 + bytes[keyAt]!;
      this.#assemblerOf(channel).begin(
        carrier,
        carrier.exchange,
        carrier.routingKey,
        bytes,
        address,
        addressEnd,
      );
    } else {
      if (method.name === "channel.close-ok") this.#forget(channel);
      this.#receiver!.receive(channel, method);
      // who wants no more has no room for what else came with it: tables take many times their frames
      if (this.#throttled) this.#tookLong = true;
    }
  }

  #assemblerOf(channel: number): ContentAssembler {
    let assembler = this.#assembler;
    if (assembler !== undefined && assembler.channel === channel) return assembler;
    const assemblers = this.#assemblers ??= new Map();
    assembler = assemblers.get(channel);
    if (assembler === undefined) {
      if (channel === 0) {
        throw new AmqpError(504, "unexpected method in connection state running")
          .during(METHODS["basic.publish"]);
      }
      assembler = new ContentAssembler(channel, this.#depthMax);
      assemblers.set(channel, assembler);
    }
    return this.#assembler = assembler!;
  }

  /** A channel has closed: its number may come again with another life. */
  #forget(channel: number): void {
    if (!this.#assemblers?.delete(channel)) return;
    if (this.#assembler?.channel === channel) {
      this.#assembler = undefined;
      for (const assembler of this.#assemblers.values()) this.#assembler = assembler;
    }
  }
}

function isAckOfOne(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === ACK_SIZE && (bytes[end - 1]! & 1) === 0;
}

/** The reader of the link, of all links, that brought something last. */
let latestRead: FrameReader | undefined;
/** One for all links: what it finds is handed out at once. */
const publishScan = new PublishScan();
const NONE: readonly ContentAssembler[] = [];

function shortString(bytes: Uint8Array, view: DataView, at: number): string {
  const start = at + 1;
  const text = internedText(bytes, start, start + bytes[at]!, view);
  if (text === undefined) throw new AmqpError(501, "Malformed UTF-8 in shortstr");
  return text;
}

/** The stream ended in the handshake. TLS 1.3 refuses the certificate of a client as late as that. */
function endedEarly(cause: unknown): Error {
  const why = cause instanceof TlsError ? `: ${cause.message} (${cause.code})` : "";
  const text = `Cannot open connection: the peer closed it during the handshake${why}`;
  return new Error(text, cause === undefined ? {} : { cause });
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** Anything else than an AmqpError is a bug of ours; the peer learns no details. */
function asAmqpError(cause: unknown): AmqpError {
  return cause instanceof AmqpError
    ? cause
    : new AmqpError(541, "the message could not be read", { cause });
}
