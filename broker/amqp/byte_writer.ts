import { copyRange } from "./byte_ranges.ts";
import { encodeInto } from "./small_integers.ts";

/** Longest text that is written character by character; above, a `TextEncoder` is faster. */
const CODES_MAX = 64;
/** Longest text that is encoded in place, into three times the room that it mostly needs. */
const TEXT_IN_PLACE_MAX = 1024;

/** Up to here a buffer grows to a power of two: those that are kept up to a size are not just above it. */
const ROUNDED_MAX = 1024 * 1024;

const encoder = new TextEncoder();

/**
 * A growing buffer that writes the protocol's elementary types.
 *
 * `bytes`, `view` and `length` are open to whoever owns the writer: a socket's buffer is handed to
 * the socket and replaced by another ({@linkcode ByteWriter.use}), and sizes that are known late are
 * written into {@linkcode ByteWriter.reserve}d places. Keep none of them across a write: growing
 * replaces the buffer.
 *
 * A verb that throws has written nothing.
 */
export class ByteWriter {
  /** The buffer; its first `length` octets are written. */
  bytes: Uint8Array;
  /** A view of the same buffer. */
  view: DataView;
  /** How much is written. Set it back to undo, or to 0 to start again. */
  length = 0;

  /** Starts empty. */
  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Goes on in another buffer, from its start. */
  use(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.length = 0;
  }

  /** What is written, as a view of the buffer. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** Leaves room for so many octets, to be filled in later. What is there now is undefined. */
  reserve(size: number): number {
    const at = this.length;
    if (at + size > this.bytes.length) this._grow(at + size);
    this.length = at + size;
    return at;
  }

  /** Writes `octet`. */
  uint8(value: number): void {
    if (value !== (value & 0xff)) throw outOfRange("octet", value);
    const at = this.reserve(1);
    this.bytes[at] = value;
  }

  /** Writes `short`. */
  uint16(value: number): void {
    if (value !== (value & 0xffff)) throw outOfRange("short", value);
    const at = this.reserve(2);
    this.bytes[at] = value >>> 8;
    this.bytes[at + 1] = value;
  }

  /** Writes `long`. */
  uint32(value: number): void {
    if (value !== value >>> 0) throw outOfRange("long", value);
    this.int32(value | 0);
  }

  /** Writes four octets, signed. */
  int32(value: number): void {
    if (value !== (value | 0)) throw outOfRange("signed long", value);
    const at = this.reserve(4);
    const bytes = this.bytes;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
  }

  /** Writes `longlong`. */
  uint64(value: number): void {
    if (!(Number.isSafeInteger(value) && value >= 0)) throw outOfRange("longlong", value);
    this.int32(value / 0x1_0000_0000 | 0);
    this.int32(value | 0);
  }

  /** Writes eight octets, signed. */
  int64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw outOfRange("signed longlong", value);
    const at = this.reserve(8);
    this.view.setBigInt64(at, value);
  }

  /** Writes a float of eight octets. */
  float64(value: number): void {
    const at = this.reserve(8);
    this.view.setFloat64(at, value);
  }

  /** Writes a whole number that a float holds exactly as eight octets, signed. */
  safeInt64(value: number): void {
    if (!Number.isSafeInteger(value)) throw outOfRange("signed longlong", value);
    this.int32(Math.floor(value / 0x1_0000_0000));
    this.int32(value | 0);
  }

  /** Writes `shortstr`. Throws a `TypeError` when it takes more than 255 octets. */
  shortString(value: string): void {
    if (typeof value !== "string") throw new TypeError(`Cannot write shortstr: ${typeof value}`);
    // room for the longest there can be, so that nothing has to be measured first
    const at = this.reserve(256);
    const end = this._utf8(value, at + 1, at + 256);
    if (end === -1) {
      this.length = at;
      throw new TypeError("Cannot write shortstr: text takes more than 255 octets");
    }
    this.bytes[at] = end - at - 1;
    this.length = end;
  }

  /** Writes text as `longstr`. */
  text(value: string): void {
    if (typeof value !== "string") throw new TypeError(`Cannot write longstr: ${typeof value}`);
    if (value.length > TEXT_IN_PLACE_MAX) return this.longString(encoder.encode(value));
    // a UTF-16 unit takes up to three octets
    const at = this.reserve(4 + value.length * 3);
    const end = this._utf8(value, at + 4, this.length);
    this.view.setUint32(at, end - at - 4);
    this.length = end;
  }

  /** Writes bytes as `longstr`. */
  longString(value: Uint8Array): void {
    if (!(value instanceof Uint8Array)) {
      throw new TypeError(`Cannot write longstr: ${typeof value} instead of Uint8Array`);
    }
    this.uint32(value.length);
    this.copy(value, 0, value.length);
  }

  /** Writes a range of another buffer as it is. */
  copy(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    const at = this.reserve(size);
    copyRange(source, start, end, this.bytes, this.view, at);
  }

  /** Encodes between two places; returns where the text ends, or -1 when it does not fit. */
  private _utf8(value: string, start: number, end: number): number {
    const bytes = this.bytes;
    const length = value.length;
    if (length <= CODES_MAX) {
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 0x7f) break;
        bytes[start + index] = code;
      }
      if (index === length) return start + length;
    }
    const size = encodeInto(value, bytes.subarray(start, end));
    return size < 0 ? -1 : start + size;
  }

  /** Makes room for so many octets in all. */
  private _grow(size: number): void {
    const least = Math.max(size, this.bytes.length * 2);
    const bytes = new Uint8Array(least > ROUNDED_MAX ? least : 1 << 32 - Math.clz32(least - 1));
    bytes.set(this.written());
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

function outOfRange(type: string, value: unknown): RangeError {
  return new RangeError(`Cannot write ${type}: ${String(value)} is out of range`);
}
