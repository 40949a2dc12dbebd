import {
  DEFAULT_FRAME_MAX,
  FRAME_END,
  FRAME_HEAD_SIZE,
  FRAME_HEARTBEAT,
  FRAME_OVERHEAD,
} from "./constants.ts";
import { AmqpError } from "./error.ts";

/** A buffer for an idle peer; it grows while reads fill it. */
const SMALLEST_BUFFER = 512;
/** Larger reads of the smallest frames were not faster, and kept the loop from other peers for longer. */
const LARGEST_BUFFER = 64 * 1024;
/** A frame of which a part is in the buffer has several like it in a larger one from this size on, ... */
const MEDIUM_FRAME = 128;
const MEDIUM_FRAMES_BUFFER = 256 * 1024;
/** ... and in one larger still from this size on: every one that a read cuts in two is moved. With bodies of
 * 4 KiB that takes a third less CPU than 64 KiB would. */
const LARGE_FRAME = 2 * 1024;
const LARGE_FRAMES_BUFFER = 512 * 1024;
/** So many bytes in all are in buffers larger than `LARGEST_BUFFER`, or a thousand busy peers would cost
 * half a gigabyte: who comes later has no larger one than a frame needs. */
const LARGE_BYTES_MAX = 16 * 1024 * 1024;
/** After so many reads in a row that needed next to nothing of the buffer it shrinks. */
const SMALL_READS = 16;
/** So many octets of a frame that is refused are shown. */
const SHOWN_MAX = 16;

/** How many bytes are in them. */
let largeBytes = 0;

/** Who takes the frames that a {@linkcode FrameReader} finds. */
export interface FrameSink {
  /**
   * A whole frame is there: its payload is `reader.bytes` from `start` to `end`, valid until
   * the next call of `room`.
   *
   * @returns False to stop for now: the frames after it stay in the reader.
   */
  onFrame(type: number, channel: number, start: number, end: number): boolean;
}

/**
 * Cuts a byte stream into frames without copying or allocating: it is read into one buffer, and
 * frames are positions in that buffer.
 *
 * ```text
 *        0      1         3             7                 7+size
 *        +------+---------+-------------+-----------------+------+
 *        | type | channel | size        | payload         | 0xCE |
 *        +------+---------+-------------+-----------------+------+
 *
 * buffer [ taken | whole frames ... | part of a frame | room ]
 *                low                                  high
 * ```
 *
 * The caller reads into {@linkcode FrameReader.room}, reports {@linkcode FrameReader.filled}, then
 * calls {@linkcode FrameReader.drain}. The buffer belongs to the reader, which uses it again: whoever
 * keeps a payload past the next call of `room` copies it. It starts small, so that ten thousand idle
 * peers are cheap, grows while reads fill it, always has room for a frame of frame-max, and becomes
 * small again when little comes for a while.
 *
 * @example Two frames in one read
 * ```ts
 * import { FrameReader } from "@warren/amqp/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * const reader = new FrameReader();
 * const heartbeat = [8, 0, 0, 0, 0, 0, 0, 0xce];
 * reader.room().set([...heartbeat, ...heartbeat, 1, 0]);
 * reader.filled(18);
 * const types: number[] = [];
 * reader.drain({ onFrame: (type) => types.push(type) > 0 });
 * assertEquals(types, [8, 8]);
 * assertEquals(reader.waiting, 2);
 * ```
 */
export class FrameReader {
  /** The buffer in which the frames lie. Changes identity when it grows, never during `onFrame`. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SMALLEST_BUFFER);
  /** The same buffer as numbers. */
  view: DataView<ArrayBuffer> = new DataView(this.bytes.buffer);
  private _low = 0;
  private _high = 0;
  /** Size of the frame of which only a part has come; 0 when that is not known. */
  private _needed = 0;
  private _payloadMax: number;
  private _smallReads = 0;
  private _resting = false;
  /** How many of `largeBytes` are this one's. */
  private _largeBytes = 0;

  /**
   * Starts with a small buffer.
   *
   * @param frameMax The largest frame that the peer may send, in bytes; 0 for no limit.
   */
  constructor(frameMax: number = DEFAULT_FRAME_MAX) {
    this._payloadMax = payloadLimit(frameMax);
  }

  /** Sets the limit that was agreed on. RabbitMQ accepts payloads of up to frame-max itself. */
  set frameMax(frameMax: number) {
    this._payloadMax = payloadLimit(frameMax);
  }

  /** How many bytes have come and are not yet taken as frames. */
  get waiting(): number {
    return this._high - this._low;
  }

  /**
   * The part of the buffer that the next read may fill; never empty. Asking for it moves what waits
   * in the buffer or the buffer itself: positions handed out before are void.
   */
  room(): Uint8Array<ArrayBuffer> {
    this._makeRoom();
    return this._high === 0 ? this.bytes : this.bytes.subarray(this._high);
  }

  /** Tells that so many bytes were read into {@linkcode FrameReader.room}. */
  filled(count: number): void {
    this._high += count;
  }

  /** The peer is idle: the buffer becomes small again as soon as nothing waits in it. */
  rest(): void {
    this._resting = true;
  }

  /** Nothing is read any more: others may have large buffers instead. */
  close(): void {
    largeBytes -= this._largeBytes;
    this._largeBytes = 0;
  }

  /** Takes `count` raw bytes that are no frame: the protocol header. Undefined when not all came. */
  takeRaw(count: number): Uint8Array | undefined {
    if (this.waiting < count) return undefined;
    const raw = this.bytes.slice(this._low, this._low + count);
    this._low += count;
    return raw;
  }

  /** Where what waits begins in the buffer. */
  get low(): number {
    return this._low;
  }

  /** And where it ends. */
  get high(): number {
    return this._high;
  }

  /** The largest payload that a frame may have, in bytes. */
  get payloadMax(): number {
    return this._payloadMax;
  }

  /** Takes what waits up to a place: whole frames that the caller has looked at. */
  takeTo(place: number): void {
    this._low = place;
  }

  /** The first octets that wait, without taking them. */
  peek(count: number): Uint8Array {
    return this.bytes.subarray(this._low, Math.min(this._high, this._low + count));
  }

  /**
   * Hands out each whole frame, in order, until none is left or the sink says stop.
   *
   * @throws {AmqpError} 501 when the bytes are no frame: unknown type, too large, or without the end
   * octet. Nothing after that can be understood.
   */
  drain(sink: FrameSink): void {
    const { bytes, view } = this;
    const high = this._high;
    const payloadMax = this._payloadMax;
    let low = this._low;
    this._needed = 0;
    while (high - low >= FRAME_OVERHEAD) {
      // as a signed number: what lies in a buffer is in its range, and the engine adds those fastest
      const size = view.getInt32(low + 3);
      const start = low + FRAME_HEAD_SIZE;
      const end = start + size | 0;
      if (size < 0 || size > payloadMax || end < 0) {
        const announced = size >>> 0;
        if (announced <= payloadMax) {
          this._needed = announced + FRAME_OVERHEAD;
          break;
        }
        this._low = low;
        // RabbitMQ names what a sender may use, and takes a little more
        const reason = `{frame_too_large,${announced},${payloadMax - FRAME_OVERHEAD}}`;
        throw frameError(bytes[low]!, bytes, start, start, reason);
      }
      if (end >= high) {
        this._needed = size + FRAME_OVERHEAD;
        break;
      }
      const type = bytes[low]!;
      if (bytes[end] !== FRAME_END) {
        this._low = low;
        throw frameError(type, bytes, start, end, `{invalid_frame_end_marker,${bytes[end]}}`);
      }
      // 1 to 3: method, header, body
      if (type - 1 >>> 0 > 2 && type !== FRAME_HEARTBEAT) {
        this._low = low;
        throw unknownFrame(type, bytes, start, end);
      }
      // taken before it is handed out, so that an exception cannot hand it out twice
      low = this._low = end + 1;
      if (!sink.onFrame(type, view.getUint16(start - 6), start, end)) break;
      // It may have taken more. Asked, not just loaded, so that the next frame need not wait for that.
      if (this._low !== low) low = this._low;
    }
  }

  /** Moves what is left to the front, or grows, so that the next read is worth its while. */
  private _makeRoom(): void {
    const size = this.bytes.length;
    const waiting = this._high - this._low;
    // a read that filled the buffer was probably not the last one of its kind
    const largest = this._largestBuffer();
    const wanted = this._high === size ? Math.min(size * 4, largest) : size;
    // a frame of any size may be announced: of a large one, room doubles with what really comes
    const allowed = waiting === size ? size * 2 : Math.max(size, LARGEST_BUFFER);
    const least = Math.max(Math.min(this._needed, allowed), waiting + 1);
    if (wanted > size || least > size) {
      this._resting = false;
      this._resize(Math.max(wanted, least));
    } else if (waiting === 0) {
      this._smallReads = this._high < size >> 4 ? this._smallReads + 1 : 0;
      this._low = this._high = 0;
      if (this._smallReads === SMALL_READS || this._resting) this._shrink();
    } else if (this._low + least > size || size - this._high < size >> 2) {
      this.bytes.copyWithin(0, this._low, this._high);
      this._high = waiting;
      this._low = 0;
    }
  }

  /** How large the buffer may become for the frames that come. */
  private _largestBuffer(): number {
    const wanted = this._needed > LARGE_FRAME
      ? LARGE_FRAMES_BUFFER
      : this._needed > MEDIUM_FRAME
      ? MEDIUM_FRAMES_BUFFER
      : LARGEST_BUFFER;
    return largeBytes - this._largeBytes + wanted > LARGE_BYTES_MAX ? LARGEST_BUFFER : wanted;
  }

  /** A burst is over: what it needed is not kept for a peer that is idle now. */
  private _shrink(): void {
    const wanted = this._resting ? SMALLEST_BUFFER : this.bytes.length >> 2;
    this._smallReads = 0;
    this._resting = false;
    if (this.bytes.length > SMALLEST_BUFFER) this._resize(Math.max(wanted, SMALLEST_BUFFER));
  }

  /** Goes on in a buffer of this size, with what waits. */
  private _resize(size: number): void {
    const largeSize = size > LARGEST_BUFFER ? size : 0;
    largeBytes += largeSize - this._largeBytes;
    this._largeBytes = largeSize;
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(this._low, this._high));
    this._high -= this._low;
    this._low = 0;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

function payloadLimit(frameMax: number): number {
  return frameMax === 0 ? 0xffff_ffff : frameMax;
}

/** The error for a frame that no frame of its type can be. */
export function unknownFrame(
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): AmqpError {
  return frameError(type, bytes, start, end, "unknown_frame");
}

function frameError(
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  reason: string,
): AmqpError {
  return new AmqpError(501, `${describeFrame(type, bytes, start, end)}: ${reason}`);
}

/** How RabbitMQ's texts call a frame: its type and its first octets, as Erlang prints them. */
export function describeFrame(
  type: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): string {
  const which = end - start > SHOWN_MAX ? `first ${SHOWN_MAX} octets` : "all octets";
  const octets = [...bytes.subarray(start, Math.min(end, start + SHOWN_MAX))];
  const text = octets.length > 0 && octets.every((octet) => octet >= 0x20 && octet < 0x7f)
    ? `"${String.fromCharCode(...octets).replace(/["\\]/g, "\\$&")}"`
    : octets.join(",");
  return `type ${type}, ${which} = <<${text}>>`;
}
