import { keyAndValue } from "./definitions.ts";
import type { StoreFile } from "./file_system.ts";
import type { BodyPart } from "./stored_body.ts";
import {
  BATCH_SIZE,
  END_SIZE,
  HEADER_SIZE,
  RECORD,
  seal,
  sealWith,
  VARINT_MAX,
  writeHeader,
  writeVarint,
} from "./records.ts";

const INITIAL_SIZE = 64 * 1024;
const INITIAL_COUNT = 512;
const ENCODER = new TextEncoder();

/** A part of a large body that waits to be written: its bytes stay where they are. */
export interface WaitingPart {
  /** The part. */
  readonly part: BodyPart;
  /** Holds its bytes, unchanged as long as the part is needed. */
  readonly bytes: Uint8Array;
  /** Start of them. */
  readonly start: number;
  /** End of them. */
  readonly end: number;
  /** Where its record begins in what is written. Set on the way there. */
  offset: number;
}

/**
 * Records on their way to disk, in the form in which they will lie there, but for checksums: these
 * are made when it is known into which segment they go. Of a part of a large body only the header is
 * here; it is written straight from the buffer that holds it.
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
  /** Size of the parts' bytes, which are not in it. */
  outsideSize = 0;
  /** How many of the records, from the first on, were here when a round of writing began. */
  due = 0;
  /** How many records there are, dropped ones included. */
  count = 0;
  /** Size of what has been dropped. */
  droppedSize = 0;
  /** Where each record begins; 0: it was dropped, and its room is given up. Good up to `count`, as are
   * the next two. */
  starts: Uint32Array = new Uint32Array(INITIAL_COUNT);
  /** What each is about: a message's slot, a settlement's segment. */
  subjects: Uint32Array = new Uint32Array(INITIAL_COUNT);
  /** The segment that a record was copied from; 0: it is new. */
  origins: Uint32Array = new Uint32Array(INITIAL_COUNT);
  /** Parts of large bodies by their record's number, in order. */
  readonly parts: Map<number, WaitingPart> = new Map();

  /** True when nothing is to be written. */
  get isEmpty(): boolean {
    return this.size - this.droppedSize === BATCH_SIZE;
  }

  /** Size of what is to be written. */
  get writeSize(): number {
    return this.size - this.droppedSize + this.outsideSize;
  }

  /** Room that it takes in a segment. */
  get diskSize(): number {
    return this.writeSize + END_SIZE;
  }

  /** Begins a record with room for so many bytes and tells where it begins. */
  begin(payloadMax: number): number {
    this._reserve(HEADER_SIZE + payloadMax);
    return this.size;
  }

  /** Ends the record, which takes the bytes up to `end`; tells its number. */
  end(kind: number, end: number, subject: number, origin: number): number {
    const start = this.size;
    writeHeader(this.view, start, kind, end - start - HEADER_SIZE);
    this.size = end;
    const number = this.count++;
    if (number === this.starts.length) this._growCount();
    this.starts[number] = start;
    this.subjects[number] = subject;
    this.origins[number] = origin;
    return number;
  }

  /** Size of a record on disk. */
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
    const start = this.starts[number]!;
    if (this.bytes[start + 8] === RECORD.part) {
      this.outsideSize -= this.recordSize(number) - HEADER_SIZE;
      this.view.setUint32(start + 4, 0, true);
      this.parts.delete(number);
    }
    this.droppedSize += this.recordSize(number);
    this.bytes[start + 8] = 0;
  }

  /** How many records, from the first on, can be written with so many bytes; at least one. */
  fitting(sizeMax: number): number {
    let size = 0;
    for (let number = 0; number < this.count; number++) {
      if (this.kind(number) === 0) continue;
      const recordSize = this.recordSize(number);
      if (size > 0 && size + recordSize > sizeMax) return number;
      size += recordSize;
    }
    return this.count;
  }

  /** Forgets all records from this one on, which was not dropped. */
  cut(count: number): void {
    this.size = this.starts[count]!;
    for (const [number, { start, end }] of this.parts) {
      if (number < count) continue;
      this.outsideSize -= end - start;
      this.parts.delete(number);
    }
    this.count = count;
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
      at = start + this._insideSize(number);
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
    this._reserve(END_SIZE);
    writeHeader(this.view, 0, RECORD.batch, BATCH_SIZE - HEADER_SIZE);
    this.view.setUint32(HEADER_SIZE, syncedEnd, true);
    this.view.setUint32(HEADER_SIZE + 4, 0, true);
    seal(this.bytes, this.view, 0, seed);
    for (let number = 0; number < this.count; number++) {
      const start = this.starts[number]!;
      if (start === 0) continue;
      const part = this.bytes[start + 8] === RECORD.part ? this.parts.get(number) : undefined;
      if (part === undefined) seal(this.bytes, this.view, start, seed);
      else sealWith(this.bytes, this.view, start, { seed, payload: part });
    }
    this.bytes.fill(0, this.size, this.size + END_SIZE);
  }

  /** Writes it, parts and the zeros at the end included, once it is finished. */
  writeTo(file: StoreFile, position: number): void {
    let from = 0;
    for (const [number, { bytes, start, end }] of this.parts) {
      const to = this.starts[number]! + HEADER_SIZE;
      file.write(this.bytes, from, to - from, position);
      position += to - from;
      file.write(bytes, start, end - start, position);
      position += end - start;
      from = to;
    }
    file.write(this.bytes, from, this.size + END_SIZE - from, position);
  }

  /** Empties it. */
  clear(): void {
    this.size = BATCH_SIZE;
    this.count = 0;
    this.droppedSize = 0;
    this.outsideSize = 0;
    this.due = 0;
    if (this.parts.size > 0) this.parts.clear();
  }

  /** Adds a part of a large body and tells its number. */
  addPart(waiting: WaitingPart, origin: number): number {
    const { start, end } = waiting;
    const at = this.begin(0);
    const number = this.end(RECORD.part, at + HEADER_SIZE, 0, origin);
    this.view.setUint32(at + 4, end - start, true);
    this.outsideSize += end - start;
    this.parts.set(number, waiting);
    waiting.part.segment = 0;
    waiting.part.offset = number;
    return number;
  }

  /** Copies a whole record, which is no part. */
  copy(from: Uint8Array, start: number, size: number, subject: number, origin: number): number {
    const at = this.begin(size);
    this.bytes.set(from.subarray(start, start + size), at);
    return this.end(this.bytes[at + 8]!, at + size, subject, origin);
  }

  /** Writes a definition, which is given as a checkpoint has it. */
  define(entry: Uint8Array): void {
    const { bytes, keySize } = keyAndValue(entry);
    const at = this.begin(2 + bytes.length);
    this.view.setUint16(at + HEADER_SIZE, keySize, true);
    this.bytes.set(bytes, at + HEADER_SIZE + 2);
    this.end(RECORD.define, at + HEADER_SIZE + 2 + bytes.length, 0, 0);
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

  /** Size of a record in the buffer. */
  private _insideSize(number: number): number {
    return this.kind(number) === RECORD.part ? HEADER_SIZE : this.recordSize(number);
  }

  private _growCount(): void {
    this.starts = twice(this.starts);
    this.subjects = twice(this.subjects);
    this.origins = twice(this.origins);
  }

  private _reserve(size: number): void {
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

function twice(numbers: Uint32Array): Uint32Array {
  const larger = new Uint32Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}
