import { doBatch, inPeerTurn, isCrowded, peerTurn } from "./batches.ts";
import { internedText } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";
import {
  BASIC_CLASS,
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
import { Content, NO_BYTES } from "./content.ts";
import { ContentAssembler } from "./content_assembler.ts";
import { AmqpError } from "./error.ts";
import { describeFrame, FrameReader, type FrameSink, unknownFrame } from "./frame_reader.ts";
import {
  ACK_SIZE,
  announceBody,
  deliveryPrefix,
  writeAck,
  writeAgain,
  writeContent,
  writeDelivery,
  writeHeartbeat,
  writeMethod,
} from "./frame_writer.ts";
import { MANY_KEYS } from "./fresh_addresses.ts";
import { LargeBodies, letWait } from "./large_bodies.ts";
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
import { uint64At } from "./small_integers.ts";

const BASIC_PUBLISH = BASIC_CLASS << 16 | 40;
const BASIC_ACK = BASIC_CLASS << 16 | 80;
const BASIC_RETURN = BASIC_CLASS << 16 | 50;
const BASIC_DELIVER = BASIC_CLASS << 16 | 60;
const BASIC_GET_OK = BASIC_CLASS << 16 | 71;

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
/** A body of fewer bytes is copied whoever else is sent it: a buffer for what comes before it is not less. */
const SHARED_MIN = 1024;
/** So many acks are taken together at most: then it is looked whether their consumers take what they get
 * for them. */
const ACKS_MAX = 64;
/** What one read brings of other methods than messages and acks may be thousands of them, of which each
 * costs more: after so many it is looked how long they have taken, ... */
const LOOK_AFTER = 32;
/** ... and after so many milliseconds others have their turn before the rest. */
const AT_A_STRETCH_MS = 5;
/** A publish may cost nothing, or be a thousand deliveries: it is looked after so many of them that they take
 * about this long, ... */
const PUBLISHES_MS = 1;
/** ... but after so many at most, since what comes next may cost more. */
const PUBLISHES_MAX = 32;
/** What a read of fewer bytes brings takes so little time, in milliseconds, that looking at the clock before
 * and after would be a good part of it. */
const TIMED_BYTES = 2048;
const UNTIMED_MS = 0.01;
/** So long a step of a handshake takes, about, in milliseconds. */
const HANDSHAKE_MS = 0.1;

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
  /** So many bytes are read though too much waits to be written for the peer to be read at all: among them it
   * may say why it takes nothing. Fewer, when as much again comes to wait while it delivers. Default: 0. */
  readonly readsOn?: number;
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
  private readonly _transport: Transport;
  private readonly _reader: FrameReader;
  private readonly _highWater: number;
  private readonly _stopReading: number;
  private readonly _readsOn: number;
  /** How much had been read when it was first found that so much waits, -1 when it does not; how much waited
   * then, and whether something was delivered since. */
  private _stoppedAt = -1;
  private _addedThen = 0;
  private _delivered = false;
  private readonly _depthMax: number;
  private _frameMax: number;
  private _receiver: LinkReceiver | undefined;
  private _pulled: ReceivedMethod | undefined;

  /** Why nothing more could be read, when it was no orderly end. */
  private _readError: unknown;

  /** What had been read when it was last written a heartbeat. */
  private _readAtBeat = 0;
  /** By channel, once there was a content. */
  private _assemblers: Map<number, ContentAssembler> | undefined = undefined;
  private _assembler: ContentAssembler | undefined;

  private _out: ByteWriter = takeSmallBuffer();
  private _spare: ByteWriter | undefined;
  /** What is written before `_out` is: bodies that are too large to be in it. */
  private _largeBodies: LargeBodies | undefined = undefined;
  /** Size of the largest body among what was added since what is being written was begun, if it is one that
   * is large. */
  private _largest = 0;
  /** Bytes in the buffer that is being written. */
  private _writing = 0;
  private _marked = false;
  private _wasFull = false;
  /** The buffer that is being written is not needed any more. */
  private _resting = false;
  private readonly _flush = () => {
    this._marked = false;
    if (this._writing === 0) this._write();
  };

  /** The method of the latest content, which nobody changes, its channel, and its frame once it came twice. */
  private _lastMethod: ContentMethod | undefined = undefined;
  private _lastChannel = 0;
  private _lastFrame: DataView | undefined = undefined;

  private _closing = false;
  private _closed = false;
  /** Why it ended, and when the transport has. */
  private _endError: Error | undefined;
  private _goodbye: void | Promise<void> = undefined;
  /** The stream lost its framing: what still comes is read and thrown away. */
  private _deaf = false;
  private _resume: (() => void) | undefined;
  private _throttled = false;
  /** No read brings more bytes than this. */
  readMax: number = Infinity;
  /** Frames were left in the reader, since so much waits to be written, or they take so long. */
  private _leftFrames = false;
  /** When those were begun that are taken now, 0 while nobody has looked; how many methods of them cost
   * more than most; and whether the rest has to wait. */
  private _began = 0;
  private _methods = 0;
  private _tookLong = false;
  /** When it was last looked how long publishes take, after how many, and how many are left until then. */
  private _lookedAt = 0;
  private _publishesALook = 1;
  private _publishesLeft = 1;
  /** No other link has brought anything since the last read of this one. */
  private _alone = false;
  /** What was read waits until others have had their turn. */
  private _waitsForTurn = false;
  /** What is read while the handshake waits for something else than the peer. */
  private _ahead: ReadAhead | undefined;

  /**
   * Stands on a transport. Nothing is read before `readProtocolHeader`, `next` or `run`.
   *
   * @param transport The bytes.
   * @param options Limits.
   */
  constructor(transport: Transport, options: WireLinkOptions = {}) {
    this._transport = transport;
    this._frameMax = options.frameMax ?? DEFAULT_FRAME_MAX;
    this._highWater = options.highWater ?? HIGH_WATER;
    this._stopReading = STOP_READING_FACTOR * this._highWater;
    this._readsOn = options.readsOn ?? 0;
    this._depthMax = options.tableDepthMax ?? TABLE_DEPTH_MAX;
    this._reader = new FrameReader(this._frameMax);
  }

  /** The peer, for logs and for "from loopback only". */
  get transport(): Transport {
    return this._transport;
  }

  // ---- the handshake

  /**
   * Sends "AMQP" and a version, by which a client begins, or a server refuses another one.
   *
   * @param version The four octets that follow. Default: those of AMQP 0-9-1.
   */
  sendProtocolHeader(version?: readonly number[]): void {
    const at = this._out.reserve(PROTOCOL_HEADER.length);
    this._out.bytes.set(PROTOCOL_HEADER, at);
    if (version !== undefined) this._out.bytes.set(version, at + 4);
    this._mark();
  }

  /** Reads the eight octets by which a client begins; undefined when the stream ends before. */
  async readProtocolHeader(): Promise<Uint8Array | undefined> {
    while (true) {
      const header = this._reader.takeRaw(PROTOCOL_HEADER.length);
      if (header !== undefined) return header;
      if (!await this._read()) return undefined;
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
      this._pulled = undefined;
      const start = this._reader.peek(4);
      if (start.length === 4 && start[0] === 0x41 && start[1] === 0x4d) {
        throw new Error("Cannot open connection: the peer speaks another protocol version");
      }
      this._reader.drain(this);
      if (this._pulled !== undefined) return this._pulled;
      if (!await this._read()) throw endedEarly(this._readError);
    }
  }

  /**
   * Reads while the handshake waits for something else than the peer, so that `onEnd` is called when the
   * peer goes. Once only.
   *
   * @returns Stops it; what is read already, and the read that is under way, are not lost.
   */
  watchForEnd(): () => void {
    const ahead = this._ahead = new ReadAhead(this._transport, () => this.onEnd?.());
    return () => ahead.stop();
  }

  /** Reads on and throws away what comes, until the stream ends. */
  async discard(): Promise<void> {
    do this._reader.takeRaw(this._reader.waiting); while (await this._read());
  }

  /** Sets what was agreed on in the handshake. */
  tune(tuned: { readonly frameMax: number }): void {
    this._frameMax = this._reader.frameMax = tuned.frameMax;
  }

  /** From now on everything that comes is pushed to the receiver, until the link closes. One that has
   * ended already, since a write failed while the other side was still shaking hands, says so. */
  run(receiver: LinkReceiver): void {
    this._receiver = receiver;
    this._pulled = undefined;
    // what the handshake needed is more than what an idle peer needs
    this._rest();
    if (this._closed) this._tellClosed(receiver);
    else this._readAll();
  }

  // ---- sending

  send(channel: number, method: Method): void {
    if (this._closing) return;
    writeMethod(this._out, channel, method, this._frameMax);
    if (method.name === "channel.close-ok") this._forget(channel);
    this._mark();
  }

  sendContent(channel: number, method: ContentMethod, content: Content): void {
    if (this._closing) return;
    const size = content.bodyEnd - content.bodyStart;
    if (size > LARGE_BODY) {
      if (size > this._largest) this._largest = size;
      if (letWait(content)) {
        return this._sendLater(channel, content, (bodiless) => {
          this.sendContent(channel, method, bodiless);
        });
      }
      this._takeLarge();
    }
    // such a method does not tell its key
    if (method.name === "basic.publish" && method.bears === MANY_KEYS) {
      method = { ...method, routingKey: content.routingKey };
    }
    if (method !== this._lastMethod || channel !== this._lastChannel) {
      writeMethod(this._out, channel, method, this._frameMax);
      this._lastMethod = method;
      this._lastChannel = channel;
      this._lastFrame = undefined;
    } else if (this._lastFrame !== undefined) writeAgain(this._out, this._lastFrame);
    else this._writeKept(channel, method);
    writeContent(this._out, channel, content, this._frameMax);
    this._mark();
  }

  /** A publisher sends the same method again and again: from the second time on it is copied. */
  private _writeKept(channel: number, method: ContentMethod): void {
    const out = this._out;
    const start = out.length;
    writeMethod(out, channel, method, this._frameMax);
    this._lastFrame = new DataView(out.bytes.slice(start, out.length).buffer);
  }

  sendDelivery(
    channel: number,
    consumerTag: ConsumerTag,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void {
    if (this._closing) return;
    const size = content.bodyEnd - content.bodyStart;
    if (size > LARGE_BODY) {
      if (size > this._largest) this._largest = size;
      if (letWait(content)) {
        return this._sendLater(channel, content, (bodiless) => {
          this.sendDelivery(channel, consumerTag, deliveryTag, redelivered, bodiless);
        });
      }
      this._takeLarge();
    }
    writeDelivery(
      this._out,
      channel,
      consumerTag.prefix ??= deliveryPrefix(consumerTag.text),
      deliveryTag,
      redelivered,
      content,
      this._frameMax,
    );
    this._mark();
  }

  sendSharedDelivery(
    channel: number,
    consumerTag: ConsumerTag,
    deliveryTag: number,
    content: Content,
  ): void {
    const size = content.bodyEnd - content.bodyStart;
    if (size < SHARED_MIN || this._closing || !this.full) {
      return this.sendDelivery(channel, consumerTag, deliveryTag, false, content);
    }
    if (size > this._largest) this._largest = size;
    this._sendLater(channel, content, (bodiless) => {
      this.sendDelivery(channel, consumerTag, deliveryTag, false, bodiless);
    });
  }

  /** Sends a content whose body stays where it is until the peer takes it. All that is sent after it waits
   * as well, in the next buffer. */
  private _sendLater(
    channel: number,
    content: Content,
    send: (bodiless: Content) => void,
  ): void {
    const bodiless = new Content(content);
    bodiless.framed = false;
    bodiless.body = NO_BYTES;
    bodiless.bodyStart = bodiless.bodyEnd = 0;
    send(bodiless);
    announceBody(this._out, bodiless, content.bodyEnd - content.bodyStart);
    (this._largeBodies ??= new LargeBodies()).add(this._out, channel, content, this._frameMax);
    this._out = takeSmallBuffer();
    // what was read may ask for many of them
    this._tookLong = true;
  }

  newContent(): Content {
    return new Content();
  }

  sendAck(channel: number, deliveryTag: number): void {
    if (this._closing) return;
    writeAck(this._out, channel, deliveryTag);
    this._mark();
  }

  /** They are written at the end of the turn anyway. */
  collectAcks(): void {}

  /** Writes a heartbeat. */
  beat(): void {
    if (this._closing) return;
    if (this.bytesRead - this._readAtBeat <= IDLE_BYTES) this._rest();
    this._readAtBeat = this.bytesRead;
    writeHeartbeat(this._out);
    this._mark();
  }

  /** The peer is idle: the buffers that it needed before are let go. */
  private _rest(): void {
    this._reader.rest();
    this._spare = undefined;
    this._resting = this._writing > 0;
    const { bytes, length } = this._out;
    if (bytes.length <= SMALL_BUFFER || length > SMALL_BUFFER) return;
    const small = takeSmallBuffer();
    small.bytes.set(bytes.subarray(0, length));
    small.length = length;
    this._out = small;
  }

  get full(): boolean {
    if (this._waiting + this._writing <= this._highWater) return false;
    this._wasFull = true;
    return true;
  }

  /** How many bytes wait to be written. */
  private get _waiting(): number {
    const { length } = this._out;
    return this._largeBodies === undefined ? length : length + this._largeBodies.bytes;
  }

  /** How many of them came since what is being written was begun: too many of those stop the reading. The
   * largest body does not count, since it may be a delivery, which nothing but being `full` holds up. */
  private get _added(): number {
    const length = this._out.length - this._largest;
    return this._largeBodies === undefined ? length : length + this._largeBodies.added;
  }

  /** True while so much waits that the peer is not read. */
  private get _readsNothing(): boolean {
    const added = this._added;
    if (added <= this._stopReading) {
      this._stoppedAt = -1;
      return false;
    }
    if (this._readsOn === 0) return true;
    if (this._stoppedAt < 0) {
      this._stoppedAt = this.bytesRead;
      this._addedThen = added;
      this._delivered = false;
    }
    // small deliveries may have large answers
    if (this._delivered && added - this._addedThen > this._stopReading) return true;
    return this.bytesRead - this._stoppedAt >= this._readsOn;
  }

  /** False while the peer is not read, since so much waits for it or others have their turn: then its silence
   * says nothing. */
  get reading(): boolean {
    return !this._leftFrames && !this._readsNothing;
  }

  /** True while others have their turn before what was read is taken, and more is read. */
  get waitsForTurn(): boolean {
    return this._leftFrames && !this._readsNothing;
  }

  /** Grows whenever the peer shows that it lives: it is read, or takes some of so much that it is not. */
  get signsOfLife(): number {
    return this._readsNothing ? this.bytesRead + this.bytesTaken : this.bytesRead;
  }

  /** How many bytes wait to be taken by the peer. */
  get bytesWaiting(): number {
    return this._waiting + this.bytesWritten - this.bytesTaken;
  }

  get unfinishedBytes(): number {
    return this._unfinished().reduce((sum, { collectedBytes }) => sum + collectedBytes, 0);
  }

  /** True while the rest of a frame, or of a message, is waited for that has begun to come. */
  get awaitsRest(): boolean {
    if (this._closing || this._deaf) return false;
    // it is not read, so it is not the peer who makes it wait
    if (this._throttled || this._leftFrames || this._readsNothing) return false;
    return this._reader.waiting > 0 || this._unfinished().length > 0;
  }

  /** There is something to write: it is written at the end of the turn. */
  private _mark(): void {
    if (this._marked) return;
    this._marked = true;
    atEndOfTurn(this._flush);
  }

  /** Writes buffer after buffer until all is written. */
  private async _write(): Promise<void> {
    // how long it took to fill it again, in milliseconds; 0: it was not empty
    let drainedMs = 0;
    try {
      while (this._waiting > 0 && !this._closed) {
        const full = this._largeBodies === undefined ? this._turnOut() : this._nextPiece();
        const { length } = full;
        this._writing = length;
        this.bytesWritten += length;
        // what is being written keeps nobody from reading: the peer may read nothing while it writes as much
        if (this._added <= this._stopReading) {
          this._stoppedAt = -1;
          this._resumeReading();
        }
        for (let sent = 0; sent < length;) {
          const taken = await this._transport.write(full.bytes.subarray(sent, length));
          sent += taken;
          this.bytesTaken += taken;
        }
        if (drainedMs > 0) {
          // one that takes at once whatever it gets would have the loop to itself, with a backlog
          const others = worked(drainedMs);
          drainedMs = 0;
          if (others !== undefined) await others;
          if (this._closed) return;
        }
        this._writing = 0;
        full.length = 0;
        if (full.bytes.length > LARGEST_KEPT) leaveLargeBuffer(full);
        else if (!this._resting) this._spare = full;
        this._resting = false;
        if (this._wasFull && this._waiting < this._highWater * LOW_WATER_PART) {
          this._wasFull = false;
          const began = performance.now();
          this._receiver?.drained();
          drainedMs = performance.now() - began;
        }
      }
      if (!this._closed) this._tidy();
    } catch (cause) {
      // what its peer sent before it went is not lost for that
      if (this._waitsForTurn && !this._closing) this._takeTimed();
      this._end(this._closing ? undefined : asError(cause));
      return;
    }
    if (this._closing) this._end();
  }

  /** Nothing is left to write: a large buffer is for others, and where one is small, so little is sent
   * that the other one is enough. */
  private _tidy(): void {
    const out = this._out;
    const spare = this._spare;
    if (out.bytes.length > LARGEST_KEPT) {
      leaveLargeBuffer(out);
      this._out = spare ?? takeSmallBuffer();
    } else if (spare === undefined) return;
    else if (out.bytes.length === SMALL_BUFFER) {
      leaveSmallBuffer(out);
      this._out = spare;
    } else if (spare.bytes.length === SMALL_BUFFER) leaveSmallBuffer(spare);
    else return;
    this._spare = undefined;
  }

  /** Goes on in a large buffer, if one is left over, before one has to grow. */
  private _takeLarge(): void {
    if (this._out.length > 0 || this._out.bytes.length > LARGEST_KEPT) return;
    const large = takeLargeBuffer();
    if (large === undefined) return;
    this._spare = this._out;
    this._out = large;
  }

  /** Takes what waits to be written, and has another buffer filled meanwhile. */
  private _turnOut(): ByteWriter {
    const full = this._out;
    this._largest = 0;
    const large = full.bytes.length > LARGEST_KEPT ? takeLargeBuffer() : undefined;
    this._out = large ?? this._takeSpare();
    return full;
  }

  /** A buffer that is filled next. */
  private _takeSpare(): ByteWriter {
    const spare = this._spare ?? takeSmallBuffer();
    this._spare = undefined;
    return spare;
  }

  /** The same while large bodies wait. */
  private _nextPiece(): ByteWriter {
    const bodies = this._largeBodies!;
    if (bodies.isDone) {
      const rest = this._out.length > 0 ? this._out : undefined;
      if (rest !== undefined) this._out = this._takeSpare();
      bodies.begin(rest);
      this._largest = 0;
    }
    const piece = bodies.next(() => this._takeSpare());
    if (bodies.isEmpty) this._largeBodies = undefined;
    return piece;
  }

  // ---- ending

  close(): void {
    if (this._closing) return;
    this._closing = true;
    this.throttle(false);
    if (this._waiting > 0 || this._writing > 0) this._mark();
    else this._end();
  }

  /** Drops the socket at once; what was not yet written is lost. */
  abort(error?: Error): void {
    this._closing = true;
    this._end(error);
  }

  /** The link is gone. */
  private _end(error?: Error): void {
    if (this._closed) return;
    this._closed = this._closing = true;
    this._reader.close();
    if (latestRead === this._reader) latestRead = undefined;
    this._out.length = 0;
    this._largeBodies = undefined;
    this._throttled = false;
    this.onEnd?.();
    this._resumeReading();
    this._endError = error;
    this._goodbye = this._transport.close();
    if (this._receiver !== undefined) this._tellClosed(this._receiver);
  }

  /** Tells a receiver that the link is gone, after what had to be said before. */
  private _tellClosed(receiver: LinkReceiver): void {
    const tell = () => atEndOfTurn(() => doBatch(() => receiver.closed(this._endError)));
    if (this._goodbye === undefined) tell();
    else this._goodbye.then(tell);
  }

  // ---- receiving

  throttle(on: boolean): void {
    this._throttled = on;
    if (!on) this._resumeReading();
  }

  /** Goes on reading, if that waits and may. */
  private _resumeReading(): void {
    this._resume?.();
    this._resume = undefined;
  }

  /** Reads and hands out, until the link ends. */
  private async _readAll(): Promise<void> {
    while (this._ahead !== undefined) {
      this._takeFrames();
      await this._takeAhead(this._ahead);
    }
    while (!this._closed) {
      if (isCrowded(this._reader.waiting >= TIMED_BYTES)) await this._takeInTurn();
      else {
        const others = worked(this._takeTimed());
        if (others !== undefined) await others;
      }
      while (this._throttled || this._readsNothing) {
        await new Promise<void>((resume) => this._resume = resume);
      }
      if (this._leftFrames) continue;
      for (let steps = 0; steps < WRITES_FIRST; steps++) await undefined;
      try {
        const count = await this._transport.read(this._room());
        if (count === null) break;
        this._filled(count);
      } catch (cause) {
        this._readError = cause; // reset by the peer, or closed by us meanwhile
        break;
      }
    }
    // thousands may go in the same moment
    doBatch(() =>
      this._end(
        this._closing ? undefined : new Error("Connection was lost: the peer closed its socket"),
      )
    );
  }

  /** Hands out what was read when others have had their turn. */
  private _takeInTurn(): Promise<void> {
    // it is not the peer who makes it wait
    this._leftFrames = this._waitsForTurn = true;
    this._alone = false;
    return inPeerTurn(() => {
      this._waitsForTurn = false;
      // who was throttled meanwhile has it taken when that is over
      if (!this._closed && !this._throttled) this._takeTimed();
    });
  }

  /** Tells how many milliseconds it took. */
  private _takeTimed(): number {
    this._began = 0;
    if (this._reader.waiting >= TIMED_BYTES) this._began = this._lookedAt = performance.now();
    this._takeFrames();
    return this._began === 0 ? UNTIMED_MS : performance.now() - this._began;
  }

  /** Hands out what was read. */
  private _takeFrames(): void {
    this._leftFrames = this._tookLong = false;
    if (this._deaf) {
      this._reader.takeRaw(this._reader.waiting);
      return;
    }
    try {
      this._reader.drain(this);
    } catch (cause) {
      this._deaf = true;
      this._receiver!.failed(asAmqpError(cause));
    }
  }

  /** Reads once. False at the end of the stream. */
  private async _read(): Promise<boolean> {
    if (this._ahead !== undefined) return await this._takeAhead(this._ahead);
    try {
      const count = await this._transport.read(this._room());
      if (count === null) return false;
      this._filled(count);
    } catch (cause) {
      this._readError = cause;
      return false;
    }
    void worked(HANDSHAKE_MS);
    if (isCrowded(false)) await peerTurn(HANDSHAKE_MS);
    return true;
  }

  /** Takes in what was read before there was a link. False at the end of the stream. */
  private async _takeAhead(ahead: ReadAhead): Promise<boolean> {
    let bytes = await ahead.take();
    if (ahead.done) this._ahead = undefined;
    if (bytes === null) {
      this._readError = ahead.error;
      return false;
    }
    while (bytes.length > 0) {
      const room = this._room();
      const part: Uint8Array = bytes.subarray(0, room.length);
      room.set(part);
      this._filled(part.length);
      bytes = bytes.subarray(part.length);
    }
    return true;
  }

  /** Where the next read puts what it brings. */
  private _room(): Uint8Array {
    for (const assembler of this._unfinished()) assembler.leaveReadBuffer();
    const room = this._reader.room();
    return room.length > this.readMax ? room.subarray(0, this.readMax) : room;
  }

  /** So many octets were read. */
  private _filled(count: number): void {
    this._alone = latestRead === this._reader;
    latestRead = this._reader;
    this._reader.filled(count);
    this.bytesRead += count;
    this.onRead?.(count);
  }

  /** The channels whose content has come in part. */
  private _unfinished(): readonly ContentAssembler[] {
    if (this._assembler === undefined) return NONE;
    if (this._assemblers!.size === 1) {
      return this._assembler.expects === "method" ? NONE : [this._assembler];
    }
    return [...this._assemblers!.values()].filter((assembler) => assembler.expects !== "method");
  }

  /** Takes one frame from the reader: a step of {@linkcode FrameReader.drain}. */
  onFrame(type: number, channel: number, start: number, end: number): boolean {
    if (this._receiver === undefined) return this._pull(type, channel, start, end);
    try {
      this._push(type, channel, start, end);
    } catch (cause) {
      this._receiver.failed(asAmqpError(cause));
    }
    // one read may ask for the same large message a thousand times
    this._leftFrames = this._tookLong ||
      this._out.length > this._stopReading && (this._readsOn === 0 || this._readsNothing);
    return !this._closing && !this._leftFrames;
  }

  /** Takes a frame for who waits for the next method. */
  private _pull(type: number, channel: number, start: number, end: number): boolean {
    if (type === FRAME_METHOD) {
      const method = decodeMethod(this._reader.bytes, start, end, this._depthMax);
      this._pulled = { channel, method };
      return false;
    }
    if (type === FRAME_HEADER || type === FRAME_BODY) {
      throw new AmqpError(505, "expected method frame, got non method frame instead");
    }
    return true;
  }

  /** Hands a frame to the receiver, or to what it is a part of. */
  private _push(type: number, channel: number, start: number, end: number): void {
    const { bytes, view } = this._reader;
    let assembler = this._assembler;
    if (assembler === undefined || assembler.channel !== channel) {
      assembler = this._assemblers?.get(channel);
      if (assembler !== undefined) this._assembler = assembler;
    }
    if (type === FRAME_METHOD) {
      if (end - start < 4) throw unknownFrame(type, bytes, start, end);
      if (assembler !== undefined && assembler.expects !== "method") {
        const error = assembler.unexpected("method", 0);
        assembler.expects = "method";
        throw error;
      }
      const id = view.getUint32(start);
      if (id === BASIC_PUBLISH) this._publishes(channel, start, end);
      else if (id === BASIC_DELIVER) this._deliver(channel, start, end);
      else if (id === BASIC_ACK && isAckOfOne(bytes, start, end)) this._acks(channel, start);
      else this._method(channel, id, start, end);
    } else if (type === FRAME_HEADER || type === FRAME_BODY) {
      if (channel === 0) throw new AmqpError(505, describeFrame(type, bytes, start, end));
      if (assembler === undefined) {
        throw new AmqpError(505, "expected method frame, got non method frame instead");
      }
      const whole = type === FRAME_HEADER
        ? assembler.header(bytes, view, start, end)
        : assembler.body(bytes, start, end);
      if (whole) this._handOver(channel, assembler);
    } else if (end > start) {
      throw unknownFrame(type, bytes, start, end);
    } else if (channel !== 0) {
      throw new AmqpError(505, describeFrame(type, bytes, start, end));
    }
  }

  /** A content is whole. */
  private _handOver(channel: number, assembler: ContentAssembler): void {
    const receiver = this._receiver!;
    const { method, content } = assembler;
    if (method !== undefined) {
      receiver.receiveContent(channel, method, content);
      if (--this._publishesLeft <= 0) this._lookAtPublishes();
    } else {
      receiver.receiveDelivery(
        channel,
        assembler.consumerTag,
        assembler.deliveryTag,
        assembler.redelivered,
        content,
      );
    }
    if (content.pooled) this._takeBackBody(content);
  }

  /** Nobody has taken over the buffer of a body, so it is not needed any more. */
  private _takeBackBody(content: Content): void {
    const { body } = content;
    content.pooled = false;
    content.body = NO_BYTES;
    content.bodyStart = content.bodyEnd = 0;
    leaveBodyBuffer(body);
  }

  /** A publish, and those that follow right behind it. */
  private _publishes(channel: number, start: number, end: number): void {
    const reader = this._reader;
    const receiver = this._receiver!;
    const { bytes, view, high, payloadMax } = reader;
    const depthMax = this._depthMax;
    let low = start - FRAME_HEAD_SIZE;
    if (publishScan.content.kept) publishScan.content = contentFor(receiver);
    if (
      channel === 0 || !publishScan.finds(bytes, view, low, high, channel, payloadMax, depthMax)
    ) {
      return this._publish(channel, start, end);
    }
    do {
      // taken before it is handed out, as the reader does it
      reader.takeTo(low = publishScan.end);
      receiver.receiveContent(channel, publishScan.method, publishScan.content);
      if (--this._publishesLeft <= 0 && this._lookAtPublishes()) return;
      if (this._closing || this._out.length > this._stopReading) return;
      if (publishScan.content.kept) publishScan.content = contentFor(receiver);
    } while (publishScan.finds(bytes, view, low, high, channel, payloadMax, depthMax));
  }

  /** Looks how long publishes take, and whether others have their turn before the rest. */
  private _lookAtPublishes(): boolean {
    const now = performance.now();
    if (this._began === 0) {
      // few bytes, but they may cost much
      this._began = now;
      this._publishesALook = 1;
    } else {
      const tookMs = Math.max(now - this._lookedAt, 0.001);
      const many = Math.trunc(this._publishesALook * PUBLISHES_MS / tookMs);
      this._publishesALook = Math.max(1, Math.min(many, 2 * this._publishesALook, PUBLISHES_MAX));
    }
    this._lookedAt = now;
    this._publishesLeft = this._publishesALook;
    return this._tookLong = now - this._began > AT_A_STRETCH_MS;
  }

  /** `basic.publish`: ticket, exchange, routing key, bits. Its content comes in frames of its own. */
  private _publish(channel: number, start: number, end: number): void {
    const { bytes, view } = this._reader;
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
    this._assemblerOf(channel).begin(method, exchange, routingKey, bytes, address, bitsAt);
  }

  /** `basic.deliver`: consumer tag, delivery tag, redelivered, exchange, routing key. */
  private _deliver(channel: number, start: number, end: number): void {
    const { bytes, view } = this._reader;
    const tagAt = start + 4;
    const numberAt = tagAt + 1 + bytes[tagAt]!;
    const address = numberAt + 9;
    const keyAt = address < end ? address + 1 + bytes[address]! : end;
    if (keyAt >= end || keyAt + 1 + bytes[keyAt]! > end) {
      throw new AmqpError(501, "basic.deliver is too short");
    }
    const assembler = this._assemblerOf(channel);
    this._delivered = true;
    assembler.consumerTag = shortString(bytes, view, tagAt);
    assembler.deliveryTag = uint64At(view, numberAt);
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
  private _acks(channel: number, start: number): void {
    const receiver = this._receiver!;
    if (receiver.receiveAcks === undefined) {
      return receiver.receive(channel, decodeMethod(this._reader.bytes, start, start + ACK_SIZE));
    }
    const reader = this._reader;
    const { bytes, view, high } = reader;
    const head = FRAME_METHOD << 24 | channel << 8;
    let first = uint64At(view, start + 4);
    let last = first;
    while (true) {
      const frame = start + ACK_SIZE + 1;
      start = frame + FRAME_HEAD_SIZE;
      const end = start + ACK_SIZE;
      const isNext = end < high && view.getInt32(frame) === head &&
        view.getUint32(frame + 3) === ACK_SIZE && view.getUint32(start) === BASIC_ACK &&
        bytes[end] === FRAME_END && isAckOfOne(bytes, start, end);
      if (!isNext) return receiver.receiveAcks(channel, first, last);
      const next = uint64At(view, start + 4);
      if (next !== last + 1 || next - first >= ACKS_MAX) {
        receiver.receiveAcks(channel, first, last);
        if (this._closing || this._out.length > this._stopReading) return;
        if (this._alone && this._writing === 0 && this._out.length > EARLY_WRITE) this._write();
        first = next;
      }
      last = next;
      reader.takeTo(end + 1);
    }
  }

  /** A method without content came. */
  private _method(channel: number, id: number, start: number, end: number): void {
    // each of the others may cost more than what makes a read worth timing
    const isCostly = id >>> 16 !== BASIC_CLASS;
    if (isCostly && this._began === 0) this._began = this._lookedAt = performance.now();
    if (++this._methods % LOOK_AFTER === 0) {
      const now = performance.now();
      if (this._began === 0) this._began = now;
      this._tookLong = now - this._began > AT_A_STRETCH_MS;
    }
    const { bytes } = this._reader;
    const method = decodeMethod(bytes, start, end, this._depthMax);
    if (id === BASIC_RETURN || id === BASIC_GET_OK) {
      const carrier = method as ContentMethod;
      // what comes before the exchange: a reply code and text, or a delivery tag and redelivered
      const address = start + (id === BASIC_RETURN ? 7 + bytes[start + 6]! : 13);
      const keyAt = address + 1 + bytes[address]!;
      const addressEnd = keyAt + 1 + bytes[keyAt]!;
      this._assemblerOf(channel).begin(
        carrier,
        carrier.exchange,
        carrier.routingKey,
        bytes,
        address,
        addressEnd,
      );
    } else {
      if (method.name === "channel.close-ok") this._forget(channel);
      this._receiver!.receive(channel, method);
      // who wants no more has no room for what else came with it: tables take many times their frames
      if (this._throttled) this._tookLong = true;
    }
  }

  /** What puts the contents of a channel together. */
  private _assemblerOf(channel: number): ContentAssembler {
    let assembler = this._assembler;
    if (assembler !== undefined && assembler.channel === channel) return assembler;
    const assemblers = this._assemblers ??= new Map();
    assembler = assemblers.get(channel);
    if (assembler === undefined) {
      if (channel === 0) {
        throw new AmqpError(504, "unexpected method in connection state running")
          .during(METHODS["basic.publish"]);
      }
      assembler = new ContentAssembler(channel, this._depthMax);
      assemblers.set(channel, assembler);
    }
    return this._assembler = assembler!;
  }

  /** A channel has closed: its number may come again with another life. */
  private _forget(channel: number): void {
    if (!this._assemblers?.delete(channel)) return;
    if (this._assembler?.channel === channel) {
      this._assembler = undefined;
      for (const assembler of this._assemblers.values()) this._assembler = assembler;
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

/** In which the next publish comes. */
function contentFor(receiver: LinkReceiver): Content {
  return receiver.newContent?.() ?? new Content();
}

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
