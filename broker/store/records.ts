/**
 * What lies in a segment: records, one after another, up to a header of zeros.
 *
 * ```text
 * 0       4        8      9         10       12             12+length
 * +-------+--------+------+---------+--------+--------------+
 * | crc   | length | kind | version | marker | payload      |   little endian
 * +-------+--------+------+---------+--------+--------------+
 * ```
 *
 * The checksum covers all after itself and begins with the segment's sequence number, so that what a
 * recycled segment held before is not taken for records. This is the one file that knows what is in
 * a record; all numbers of the format are here.
 *
 * @module
 */

import { joinUint32 } from "../amqp/small_integers.ts";
import { crc32c } from "./crc32c.ts";
import { StoreError } from "./error.ts";

/** The newest format of records and segments that this code reads, and the one that it writes. */
export const FORMAT_VERSION = 1;
/** Size of a record's header. */
export const HEADER_SIZE = 12;
/** Room for the zeros that end what is written. */
export const END_SIZE = HEADER_SIZE;
const MARKER = 0x5752;

/** Kinds of records. */
export const RECORD = {
  /** Begins each write: how much of the segment is known to be on disk. */
  batch: 1,
  /** A definition: key and value. */
  define: 2,
  /** A definition that is gone: key. */
  undefine: 3,
  /** A message, and the queues that took it. */
  message: 4,
  /** A piece of a large body. Dead unless a message names it. */
  part: 5,
  /** Messages of one queue in one segment that are settled. */
  settle: 6,
  /** Messages of one queue in one segment that came back, and how often. */
  returned: 7,
  /** The highest position that was delivered, queue by queue. */
  mark: 8,
  /** All definitions and queues, so that older records of them can go. */
  checkpoint: 9,
} as const;

/** Size of a batch record. */
export const BATCH_SIZE: number = HEADER_SIZE + 8;

/** Flags of a message record. */
export const MESSAGE_FLAG = {
  /** Not for recovery: it is only here because memory is short. */
  transient: 1,
  /** Each queue has a deadline. */
  deadlines: 2,
  /** In the body's place there are the places of its parts. */
  parts: 4,
  /** Its publisher says that its priority is 0; else he says nothing of it, if it is. */
  lowest: 8,
} as const;

/** Where things are in a message record, counted from its header. */
export const MESSAGE = {
  flags: HEADER_SIZE,
  priority: HEADER_SIZE + 1,
  addressSize: HEADER_SIZE + 2,
  propertiesSize: HEADER_SIZE + 4,
  bodySize: HEADER_SIZE + 8,
  queueCount: HEADER_SIZE + 12,
  queues: HEADER_SIZE + 16,
  /** Size of a queue without a deadline: id, position, delivery count. */
  queueSize: 12,
  /** Size of a queue with a deadline. */
  queueSizeWithDeadline: 20,
  /** Size of a part's place: segment, offset, size. */
  partSize: 12,
} as const;

/** Bits of a checkpoint record. */
export const CHECKPOINT = {
  /** It is the first of its row. */
  first: 1,
  /** It is the last of its row: only with it does the row count. */
  last: 2,
  /** An item: sizes of key (16 bits) and value (32), key, value. */
  definition: 1,
  /** An item: queue id, mark, highest position. */
  queue: 2,
  /** An item: the number of a segment that there was. */
  segment: 3,
} as const;

/** Before the key of a definition in a checkpoint: its kind and both sizes. */
export const DEFINITION_HEAD_SIZE = 7;

/** The number that a segment's checksums begin with. */
export function checksumSeed(sequence: number): number {
  return Math.imul(sequence, 0x9e3779b1) >>> 0;
}

/** Writes a record's header but for its checksum. */
export function writeHeader(view: DataView, at: number, kind: number, length: number): void {
  view.setUint32(at + 4, length, true);
  // kind, version and marker
  view.setUint32(at + 8, kind | FORMAT_VERSION << 8 | MARKER << 16, true);
}

/** Writes the checksum of a finished record. */
export function seal(bytes: Uint8Array, view: DataView, at: number, seed: number): void {
  const end = at + HEADER_SIZE + view.getUint32(at + 4, true);
  view.setUint32(at, crc32c(bytes, at + 4, end, seed, view), true);
}

/** Writes the checksum of a record whose payload lies elsewhere. */
export function sealWith(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  { seed, payload }: {
    seed: number;
    payload: { readonly bytes: Uint8Array; readonly start: number; readonly end: number };
  },
): void {
  const header = crc32c(bytes, at + 4, at + HEADER_SIZE, seed, view);
  view.setUint32(at, crc32c(payload.bytes, payload.start, payload.end, header), true);
}

/** True when a record's header and its payload, which lies elsewhere, are whole. */
export function isPart(
  header: DataView,
  { seed, payload }: {
    seed: number;
    payload: { readonly bytes: Uint8Array; readonly start: number; readonly end: number };
  },
): boolean {
  const { bytes, start, end } = payload;
  const headerBytes = new Uint8Array(header.buffer, header.byteOffset, HEADER_SIZE);
  return header.getUint32(4, true) === end - start && header.getUint8(8) === RECORD.part &&
    crc32c(bytes, start, end, crc32c(headerBytes, 4, HEADER_SIZE, seed)) ===
      header.getUint32(0, true);
}

/** What {@linkcode recordSize} tells when there is no record. */
export const NO_RECORD = { end: 0, bad: -1 } as const;

/**
 * Size of the record at `at`, header included; `NO_RECORD.end` when what is written ends here, and
 * `NO_RECORD.bad` when it is no record or a broken one.
 *
 * @throws {StoreError} When a whole record has a newer format.
 */
export function recordSize(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  seed: number,
): number {
  if (end - at < HEADER_SIZE) return NO_RECORD.end;
  const length = view.getUint32(at + 4, true);
  if (length === 0 && view.getUint32(at + 8, true) === 0 && view.getUint32(at, true) === 0) {
    return NO_RECORD.end;
  }
  if (view.getUint16(at + 10, true) !== MARKER) return NO_RECORD.bad;
  const size = HEADER_SIZE + length;
  if (size > end - at) return NO_RECORD.bad;
  if (crc32c(bytes, at + 4, at + size, seed, view) !== view.getUint32(at, true)) {
    return NO_RECORD.bad;
  }
  const version = view.getUint8(at + 9);
  if (version > FORMAT_VERSION) throw newerFormat("record", version);
  return size;
}

/** The next place behind `at` where there is a whole record; 0: none. */
export function nextRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  { end, seed }: { end: number; seed: number },
): number {
  const low = MARKER & 255;
  // The runtime passes over zeros much faster than a loop does.
  for (let found = bytes.indexOf(low, at + 11); found >= 0; found = bytes.indexOf(low, found + 1)) {
    const next = found - 10;
    if (next + HEADER_SIZE > end) return 0;
    if (bytes[found + 1] !== MARKER >>> 8) continue;
    if (recordSize(bytes, view, next, end, seed) > 0) return next;
  }
  return 0;
}

/** The error for what a newer Warren wrote. */
export function newerFormat(what: string, version: number): StoreError {
  return new StoreError(
    "newer-format",
    `Cannot read ${what} of store format ${version}: this Warren reads up to ${FORMAT_VERSION}`,
  );
}

/** Reads a position: 48 bits. */
export function readPosition(view: DataView, at: number): number {
  return joinUint32(view.getUint16(at + 4, true), view.getUint32(at, true));
}

/** Writes a position: 48 bits. */
export function writePosition(view: DataView, at: number, position: number): void {
  // the view takes the lower bits itself, which is quicker than a remainder
  view.setUint32(at, position, true);
  view.setUint16(at + 4, position / 0x100000000, true);
}

/** Room that a number of up to 53 bits takes at most. */
export const VARINT_MAX = 8;

/** Writes a number of up to 53 bits, seven bits a byte; tells where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value > 127) {
    bytes[at++] = value % 128 | 128;
    value = Math.floor(value / 128);
  }
  bytes[at++] = value;
  return at;
}

/** Reads numbers that {@linkcode writeVarint} wrote. */
export class VarintReader {
  /** Where the next one begins. */
  at = 0;
  private _bytes: Uint8Array = new Uint8Array(0);

  /** Begins anew. */
  reset(bytes: Uint8Array, at: number): void {
    this._bytes = bytes;
    this.at = at;
  }

  /** The next number. */
  next(): number {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this._bytes[this.at++];
      if (byte === undefined || factor > 2 ** 49) {
        throw new StoreError("corrupt", "Cannot read number in record: it does not end");
      }
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  }
}
