import type { BodyPart } from "./stored_body.ts";
import {
  BATCH_SIZE,
  END_SIZE,
  HEADER_SIZE,
  RECORD,
  seal,
  VARINT_MAX,
  writeHeader,
  writeVarint,
} from "./records.ts";

const INITIAL_SIZE = 64 * 1024;
const ENCODER = new TextEncoder();

/**
 * Records on their way to disk, in the form in which they will lie there, but for checksums: these
 * are made when it is known into which segment they go.
 *
 * Records can be dropped again while they wait; they then cost no write at all.
 */
export class Batch {
  /** Holds the records. */
  bytes: Uint8Array = new Uint8Array(INITIAL_SIZE);
  /** The same bytes. */
  view: DataView = new DataView(this.bytes.buffer);
  /** How much of it is taken. The first bytes are kept for the batch record. */
  size: number = BATCH_SIZE;
  /** How many records there are, dropped ones included. */
  count = 0;
  /** Size of what has been dropped. */
  droppedSize = 0;
  /** Where each record begins. */
  readonly starts: number[] = [];
  /** What each is about: a message's slot, a settlement's segment. */
  readonly subjects: number[] = [];
  /** The segment that a record was copied from; 0: it is new. */
  readonly origins: number[] = [];
  /** Parts of large bodies by their record's number. */
  readonly parts: Map<number, BodyPart> = new Map();
  /** How many message and part records wait. */
  messages = 0;

  /** True when nothing is to be written. */
  get isEmpty(): boolean {
    return this.size - this.droppedSize === BATCH_SIZE;
  }

  /** Room that it takes in a segment. */
  get diskSize(): number {
    return this.size - this.droppedSize + END_SIZE;
  }

  /** Begins a record with room for so many bytes and tells where it begins. */
  begin(payloadMax: number): number {
    this.#reserve(HEADER_SIZE + payloadMax);
    return this.size;
  }

  /** Ends the record, which takes the bytes up to `end`; tells its number. */
  end(kind: number, end: number, subject: number, origin: number): number {
    const start = this.size;
    writeHeader(this.view, start, kind, end - start - HEADER_SIZE);
    this.size = end;
    const number = this.count++;
    this.starts[number] = start;
    this.subjects[number] = subject;
    this.origins[number] = origin;
    return number;
  }

  /** Size of a record. */
  recordSize(number: number): number {
    return HEADER_SIZE + this.view.getUint32(this.starts[number]! + 4, true);
  }

  /** Kind of a record; 0 when it was dropped. */
  kind(number: number): number {
    const start = this.starts[number]!;
    return start === 0 ? 0 : this.bytes[start + 8]!;
  }

  /** Drops a record. */
  drop(number: number): void {
    this.droppedSize += this.recordSize(number);
    this.bytes[this.starts[number]! + 8] = 0;
    this.parts.delete(number);
  }

  /** Closes the gaps that dropped records left. Numbers stay as they are. */
  squeeze(): void {
    if (this.droppedSize === 0) return;
    const { bytes, starts } = this;
    let to = BATCH_SIZE;
    let runStart = to;
    let runEnd = to;
    // What stays between two gaps is moved in one go.
    const moveRun = () => {
      if (runStart !== to) bytes.copyWithin(to, runStart, runEnd);
      to += runEnd - runStart;
    };
    let at = BATCH_SIZE;
    for (let number = 0; number < this.count; number++) {
      if (starts[number]! < at) continue;
      const start = starts[number]!;
      const size = this.recordSize(number);
      at = start + size;
      if (this.kind(number) === 0) {
        if (runEnd > runStart) moveRun();
        runStart = runEnd = at;
        starts[number] = 0;
      } else {
        if (runEnd !== start) {
          if (runEnd > runStart) moveRun();
          runStart = start;
        }
        starts[number] = to + (start - runStart);
        runEnd = at;
      }
    }
    if (runEnd > runStart) moveRun();
    this.size = to;
    this.droppedSize = 0;
  }

  /** Makes it ready for its place: the batch record, checksums, zeros at the end. */
  finish(seed: number, syncedEnd: number): void {
    this.#reserve(END_SIZE);
    writeHeader(this.view, 0, RECORD.batch, BATCH_SIZE - HEADER_SIZE);
    this.view.setUint32(HEADER_SIZE, syncedEnd, true);
    this.view.setUint32(HEADER_SIZE + 4, 0, true);
    seal(this.bytes, this.view, 0, seed);
    for (let number = 0; number < this.count; number++) {
      if (this.starts[number] !== 0) seal(this.bytes, this.view, this.starts[number]!, seed);
    }
    this.bytes.fill(0, this.size, this.size + END_SIZE);
  }

  /** Empties it. */
  clear(): void {
    this.size = BATCH_SIZE;
    this.count = 0;
    this.droppedSize = 0;
    this.messages = 0;
    this.starts.length = 0;
    this.subjects.length = 0;
    this.origins.length = 0;
    this.parts.clear();
  }

  /** Copies a whole record. */
  copy(from: Uint8Array, start: number, size: number, subject: number, origin: number): number {
    const at = this.begin(size);
    this.bytes.set(from.subarray(start, start + size), at);
    return this.end(this.bytes[at + 8]!, at + size, subject, origin);
  }

  /** Writes a definition. */
  define(key: string, value: Uint8Array): void {
    const keyBytes = ENCODER.encode(key);
    const at = this.begin(2 + keyBytes.length + value.length);
    this.view.setUint16(at + HEADER_SIZE, keyBytes.length, true);
    this.bytes.set(keyBytes, at + HEADER_SIZE + 2);
    const end = at + HEADER_SIZE + 2 + keyBytes.length;
    this.bytes.set(value, end);
    this.end(RECORD.define, end + value.length, 0, 0);
  }

  /** Writes that a definition is gone. */
  undefine(key: string): void {
    const keyBytes = ENCODER.encode(key);
    const at = this.begin(keyBytes.length);
    this.bytes.set(keyBytes, at + HEADER_SIZE);
    this.end(RECORD.undefine, at + HEADER_SIZE + keyBytes.length, 0, 0);
  }

  /**
   * Writes what a queue settled: triples of segment, first and last position from `from` up to `to`,
   * all of one segment and sorted.
   */
  settle(queueId: number, runs: readonly number[], from: number, to: number): void {
    const segment = runs[from]!;
    const start = this.begin(8 + (to - from) / 3 * 2 * VARINT_MAX);
    this.view.setUint32(start + HEADER_SIZE, queueId, true);
    this.view.setUint32(start + HEADER_SIZE + 4, segment, true);
    let at = start + HEADER_SIZE + 8;
    let before = 0;
    for (let index = from; index < to; index += 3) {
      at = writeVarint(this.bytes, at, runs[index + 1]! - before);
      at = writeVarint(this.bytes, at, runs[index + 2]! - runs[index + 1]!);
      before = runs[index + 2]!;
    }
    this.end(RECORD.settle, at, segment, 0);
  }

  /** Writes what came back to a queue: triples of segment, position and count, as for `settle`. */
  returned(queueId: number, triples: readonly number[], from: number, to: number): void {
    const segment = triples[from]!;
    const start = this.begin(8 + (to - from) / 3 * 2 * VARINT_MAX);
    this.view.setUint32(start + HEADER_SIZE, queueId, true);
    this.view.setUint32(start + HEADER_SIZE + 4, segment, true);
    let at = start + HEADER_SIZE + 8;
    let before = 0;
    for (let index = from; index < to; index += 3) {
      at = writeVarint(this.bytes, at, triples[index + 1]! - before);
      at = writeVarint(this.bytes, at, triples[index + 2]!);
      before = triples[index + 1]!;
    }
    this.end(RECORD.returned, at, segment, 0);
  }

  #reserve(size: number): void {
    const needed = this.size + size + END_SIZE;
    if (needed <= this.bytes.length) return;
    let length = this.bytes.length * 2;
    while (length < needed) length *= 2;
    const bytes = new Uint8Array(length);
    bytes.set(this.bytes.subarray(0, this.size));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
