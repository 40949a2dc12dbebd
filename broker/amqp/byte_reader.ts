import { viewOf } from "./byte_ranges.ts";
import { TABLE_DEPTH_MAX } from "./constants.ts";
import { AmqpError } from "./error.ts";
import { NO_BYTES } from "./no_bytes.ts";
import { joinUint32 } from "./small_integers.ts";

/**
 * A cursor over a range of bytes that reads the protocol's elementary types, and never past the end
 * of its range.
 *
 * One reader serves many ranges ({@linkcode ByteReader.reset}), so that reading makes no objects but
 * those it returns. What it returns never shares memory with the buffer.
 */
export class ByteReader {
  /** The buffer being read. */
  bytes: Uint8Array = NO_BYTES;
  /** Where the next read starts. */
  at = 0;
  /** Where the range ends; a nested table narrows it for a while. */
  end = 0;
  /** True to tell a whole number that came as a float from an integer: as a `Double`. */
  keepsDoubles = false;
  /** How deep tables may be nested. */
  depthMax: number = TABLE_DEPTH_MAX;

  /** Starts with a range of a buffer, if one is given. */
  constructor(bytes: Uint8Array = NO_BYTES, start = 0, end: number = bytes.length) {
    this.reset(bytes, start, end);
  }

  /** Goes to another range. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }

  /** Reads `octet`. */
  uint8(): number {
    const at = this._advance(1);
    return this.bytes[at]!;
  }

  /** Reads an octet as a signed number. */
  int8(): number {
    return this.uint8() << 24 >> 24;
  }

  /** Reads `short`. */
  uint16(): number {
    const at = this._advance(2);
    return this.bytes[at]! << 8 | this.bytes[at + 1]!;
  }

  /** Reads two octets as a signed number. */
  int16(): number {
    return this.uint16() << 16 >> 16;
  }

  /** Reads `long`. */
  uint32(): number {
    return this.int32() >>> 0;
  }

  /** Reads four octets as a signed number. */
  int32(): number {
    const at = this._advance(4);
    const bytes = this.bytes;
    return bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!;
  }

  /** Reads `longlong`, rounded to what a number can hold once it is above 2^53. */
  uint64(): number {
    return joinUint32(this.uint32(), this.uint32());
  }

  /** Reads eight octets as a signed number, or as a bigint where a number would lose digits. */
  int64(): number | bigint {
    const high = this.int32();
    const low = this.uint32();
    const value = high * 0x1_0000_0000 + low;
    return Number.isSafeInteger(value) ? value : BigInt(high) << 32n | BigInt(low);
  }

  /** Reads a float of four octets. */
  float32(): number {
    floats.setInt32(0, this.int32());
    return floats.getFloat32(0);
  }

  /** Reads a float of eight octets. */
  float64(): number {
    floats.setInt32(0, this.int32());
    floats.setInt32(4, this.int32());
    return floats.getFloat64(0);
  }

  /** Reads `shortstr` of a method, which must be UTF-8. */
  shortString(): string {
    const length = this.uint8();
    const start = this._advance(length);
    const text = internedText(this.bytes, start, start + length);
    if (text === undefined) throw new AmqpError(501, "Malformed UTF-8 in shortstr");
    return text;
  }

  /** Reads `shortstr` where RabbitMQ takes any bytes: what is not UTF-8 becomes U+FFFD. */
  lenientShortString(): string {
    const length = this.uint8();
    const start = this._advance(length);
    const end = start + length;
    return internedText(this.bytes, start, end) ??
      lenientDecoder.decode(this.bytes.subarray(start, end));
  }

  /** Reads `longstr` as bytes of its own. */
  longString(): Uint8Array {
    const length = this.uint32();
    const start = this._advance(length);
    return this.bytes.slice(start, start + length);
  }

  /** Reads `longstr` as text, or as bytes when it is not UTF-8. */
  textOrBytes(): string | Uint8Array {
    const length = this.uint32();
    const start = this._advance(length);
    return internedText(this.bytes, start, start + length) ??
      this.bytes.slice(start, start + length);
  }

  /** Reads `longstr` of a method that must be text. */
  text(): string {
    const text = this.textOrBytes();
    if (typeof text !== "string") throw new AmqpError(501, "Malformed UTF-8 in longstr");
    return text;
  }

  /** Moves on by so many octets and tells where they start. */
  private _advance(size: number): number {
    const at = this.at;
    if (size > this.end - at) throw truncated();
    this.at = at + size;
    return at;
  }
}

/** The error for a range that ends in the middle of a value. It names no bytes: they may be secret. */
export function truncated(): AmqpError {
  return new AmqpError(501, "cannot decode: a value goes past the end of its frame or table");
}

/** Longest text that is remembered: names and keys, not bodies of text. */
const INTERNED_SIZE_MAX = 64;
/** Longest text that is faster made from character codes than by a `TextDecoder`. */
const CODES_MAX = 128;
/** An odd number with its bits well mixed (2^32 over the golden ratio). */
const HASH_FACTOR = 0x9e37_79b1;
/** The highest bit of each of four octets. */
const NOT_ASCII = 0x8080_8080 | 0;
/** A power of two. */
const INTERNED_COUNT = 4096;

/** The last text seen for each hash. Bounded, and collisions only cost time. */
const interned: (string | undefined)[] = new Array<string | undefined>(INTERNED_COUNT).fill(
  undefined,
);
/** The hashes of those. */
const internedHashes = new Int32Array(INTERNED_COUNT);
/** Room for the codes of a text, by its length: setting the length of an array is a call into the engine. */
const codesByLength: (number[] | undefined)[] = new Array(CODES_MAX + 1).fill(undefined);
const floats = new DataView(new ArrayBuffer(8));
// ignoreBOM keeps a byte order mark as the character that it is on the wire
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decodes UTF-8. The same few names come again and again, so short ASCII text is looked up by its
 * bytes: a hit makes no string, and gives one whose hash is known when it becomes a key of a map.
 *
 * @param view A view of the bytes, from who has one.
 * @returns Undefined when the bytes are not UTF-8.
 */
export function internedText(
  bytes: Uint8Array,
  start: number,
  end: number,
  view?: DataView,
): string | undefined {
  const length = end - start;
  if (length === 0) return "";
  if (length > INTERNED_SIZE_MAX) return freshText(bytes, start, end);
  const hash = hashOf(bytes, start, end, view);
  const slot = hash & INTERNED_COUNT - 1;
  // text that is new, as keys with an id in them are, mostly shows here
  if (internedHashes[slot] === hash) {
    const known = interned[slot];
    if (known !== undefined && isText(known, bytes, start, length)) return known;
  }
  const text = freshText(bytes, start, end);
  // only ASCII can be compared octet by octet
  if (text !== undefined && text.length === length) {
    interned[slot] = text;
    internedHashes[slot] = hash;
  }
  return text;
}

/** Hashes all octets of a range, four at a time: keys differ at their start, in their middle or at their end. */
export function hashOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  view: DataView = viewOf(bytes),
): number {
  let hash = end - start;
  let at = start;
  for (const last = end - 4; at <= last; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at), HASH_FACTOR);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, HASH_FACTOR);
  return hash ^ hash >>> 15;
}

/** True when all octets of a range are ASCII. */
export function isAscii(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
  let seen = 0;
  for (const last = end - 4; start <= last; start += 4) seen |= view.getInt32(start);
  for (; start < end; start++) seen |= bytes[start]!;
  return (seen & NOT_ASCII) === 0;
}

function isText(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

function freshText(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > CODES_MAX) return decodeUtf8(bytes, start, end);
  const length = end - start;
  const codes = codesByLength[length] ??= new Array<number>(length).fill(0);
  for (let at = start; at < end; at++) {
    const code = bytes[at]!;
    if (code > 0x7f) return decodeUtf8(bytes, start, end);
    codes[at - start] = code;
  }
  return String.fromCharCode.apply(null, codes);
}

function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}
