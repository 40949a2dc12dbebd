import { Batch } from "./batch.ts";
import { writeCheckpoint } from "./checkpoint.ts";
import type { StoreError } from "./error.ts";
import type { SyncCallback } from "./file_system.ts";
import { checksumSeed, MESSAGE, MESSAGE_FLAG, RECORD } from "./records.ts";
import { type Segment, SEGMENT_HEADER_SIZE } from "./segment.ts";
import type { Segments } from "./segments.ts";
import type { StoreIndex } from "./store_index.ts";

/** So many buffers are kept for the next batches, if they are not larger than this. */
const SPARE_BATCHES = 4;
const SPARE_SIZE_MAX = 4 * 1024 * 1024;

/** A batch that is written and may not be on disk yet. */
interface Written {
  readonly segment: Segment;
  readonly base: number;
  readonly batch: Batch;
}

/** The way from a batch to the head of the log, and back when the disk fails. */
export class Log {
  /** What waits to be written. */
  batch: Batch = new Batch();
  readonly #segments: Segments;
  readonly #index: StoreIndex;
  /** Adds settlements, returns and marks to the batch. */
  readonly #collect: (batch: Batch) => void;
  #written: Written[] = [];
  readonly #spare: Batch[] = [];
  /** True after a sync failed: what was written since the last good one must be taken for lost. */
  #suspect = false;

  constructor(segments: Segments, index: StoreIndex, collect: (batch: Batch) => void) {
    this.#segments = segments;
    this.#index = index;
    this.#collect = collect;
    index.batch = this.batch;
  }

  /** True when the last sync failed. */
  get suspect(): boolean {
    return this.#suspect;
  }

  /**
   * Writes what waits in one write. False: not before a sync, so that a segment is wholly on disk
   * before the next one begins, and only the last one can be torn.
   *
   * @throws {StoreError} When it cannot; everything still waits then.
   */
  write(): boolean {
    const segments = this.#segments;
    const { batch } = this;
    this.#collect(batch);
    if (batch.isEmpty) {
      batch.clear();
      return true;
    }
    if (!segments.hasRoom(batch.diskSize)) {
      if (segments.head?.dirty && !segments.neverSync) return false;
      this.#roll(segments.head?.ended === false ? segments.head.end : 0);
    }
    const head = segments.head!;
    batch.squeeze();
    this.#placeParts(batch, head);
    batch.finish(checksumSeed(head.sequence), segments.neverSync ? 0 : head.synced);
    const base = segments.write(batch);
    head.fresh = false;
    this.#place(batch, head, base);
    this.#retain(head, base);
    return true;
  }

  /** Puts what is written on disk. */
  sync(done: SyncCallback): void {
    this.#segments.sync((error) => {
      // Even then some of it may be on disk: that must not be taken back.
      this.#forgetWritten();
      if (error !== undefined) this.#suspect = true;
      done(error);
    });
  }

  /** The segments that something which waits was copied from; 0 among them: something is new. */
  get waitingOrigins(): Set<number> {
    const origins = new Set<number>();
    const { batch } = this;
    for (let number = 0; number < batch.count; number++) {
      const kind = batch.kind(number);
      if (kind === RECORD.message || kind === RECORD.part || batch.origins[number] !== 0) {
        origins.add(batch.origins[number]!);
      }
    }
    return origins;
  }

  /** The segments that settlements which wait are about. */
  get waitingSettled(): Set<number> {
    const segments = new Set<number>();
    const { batch } = this;
    for (let number = 0; number < batch.count; number++) {
      if (batch.kind(number) === RECORD.settle) segments.add(batch.subjects[number]!);
    }
    return segments;
  }

  /**
   * After a failure: takes back what may be lost, and tries to write again.
   *
   * @param beforeWrite Called when all that was written is on disk.
   */
  repair(done: (error: StoreError | undefined) => void, beforeWrite: () => void): void {
    const retry = () => {
      try {
        if (!this.#suspect) beforeWrite();
        else {
          this.#takeBack();
          this.#rollPastSuspect();
        }
        // After a sync that went well nothing has to be synced before a roll.
        this.write();
      } catch (error) {
        done(error as StoreError);
        return;
      }
      this.sync((error) => done(error as StoreError | undefined));
    };
    if (this.#suspect) retry();
    else this.sync(retry);
  }

  /** Begins a new segment with a checkpoint. */
  roll(): void {
    this.#roll(0);
  }

  #roll(previousEnd: number): void {
    const segments = this.#segments;
    const old = segments.head;
    const head = segments.roll(previousEnd);
    const batch = this.#spare.pop() ?? new Batch();
    try {
      writeCheckpoint(batch, this.#index);
      batch.finish(checksumSeed(head.sequence), 0);
      segments.write(batch);
      head.hasCheckpoint = true;
    } catch (error) {
      segments.unroll(old);
      throw error;
    } finally {
      this.#reuse(batch);
    }
  }

  #placeParts(batch: Batch, head: Segment): void {
    if (this.#index.bodies.size === 0) return;
    for (let number = 0; number < batch.count; number++) {
      const start = batch.starts[number]!;
      if (
        batch.kind(number) !== RECORD.message ||
        (batch.bytes[start + MESSAGE.flags]! & MESSAGE_FLAG.parts) === 0
      ) continue;
      const { parts } = this.#index.bodies.get(batch.subjects[number]!)!;
      let at = start + batch.recordSize(number) - parts.length * MESSAGE.partSize;
      for (const part of parts) {
        const pending = part.segment === 0;
        batch.view.setUint32(at, pending ? head.sequence : part.segment, true);
        batch.view.setUint32(
          at + 4,
          pending ? head.end + batch.starts[part.offset]! : part.offset,
          true,
        );
        batch.view.setUint32(at + 8, part.size, true);
        at += MESSAGE.partSize;
      }
    }
  }

  #place(batch: Batch, head: Segment, base: number): void {
    const { starts, subjects, origins } = batch;
    for (let number = 0; number < batch.count; number++) {
      const start = starts[number]!;
      if (start === 0) continue;
      const subject = subjects[number]!;
      switch (batch.bytes[start + 8]) {
        case RECORD.message: {
          this.#index.place(subject, head.sequence, base + start, batch.recordSize(number));
          if (origins[number] !== 0) head.copiedFrom.add(origins[number]!);
          break;
        }
        case RECORD.part: {
          const part = batch.parts.get(number)!;
          part.segment = head.sequence;
          part.offset = base + start;
          head.parts.set(part.offset, part);
          head.livingBytes += part.size;
          break;
        }
        case RECORD.settle:
        case RECORD.returned: {
          if (subject === head.sequence || !this.#segments.exists(subject)) break;
          const size = (head.refersTo.get(subject) ?? 0) + batch.recordSize(number);
          head.refersTo.set(subject, size);
        }
      }
    }
  }

  #retain(segment: Segment, base: number): void {
    if (this.#segments.neverSync) {
      this.batch.clear();
      return;
    }
    this.#written.push({ segment, base, batch: this.batch });
    this.batch = this.#index.batch = this.#spare.pop() ?? new Batch();
  }

  #forgetWritten(): void {
    let count = 0;
    for (const { segment, base, batch } of this.#written) {
      if (segment.synced < base + batch.size) break;
      this.#reuse(batch);
      count++;
    }
    if (count > 0) this.#written = this.#written.slice(count);
  }

  #reuse(batch: Batch): void {
    batch.clear();
    if (this.#spare.length < SPARE_BATCHES && batch.bytes.length <= SPARE_SIZE_MAX) {
      this.#spare.push(batch);
    }
  }

  /** What was written since the last good sync waits again, before what waits already. */
  #takeBack(): void {
    const waiting = this.batch;
    const written = this.#written;
    this.#written = [];
    const { head } = this.#segments;
    if (head !== undefined) {
      // Nothing behind this counts any more, whatever the disk made of it.
      head.end = head.synced = Math.max(head.synced, head.foundEnd, SEGMENT_HEADER_SIZE);
      head.ended = false;
      head.cut = true;
    }
    this.batch = this.#index.batch = this.#spare.pop() ?? new Batch();
    // Copies are lost with the settlements that name their place, and what they were copied from is
    // still there: it has to be settled instead.
    const settled: number[] = [];
    const origins = new Map<number, number>();
    for (const each of written) {
      for (let number = 0; number < each.batch.count; number++) {
        const origin = originOf(each, number, origins);
        this.#takeRecord(each, number, origin, (queueId, position) => {
          if (origin !== 0) settled.push(queueId, origin, position);
        });
      }
      this.#reuse(each.batch);
    }
    this.#carryOver(waiting);
    // Settlements come last, behind what the messages may have been replaced by.
    for (let at = 0; at < settled.length; at += 3) {
      const run = [settled[at + 1]!, settled[at + 2]!, settled[at + 2]!];
      this.batch.settle(settled[at]!, run, 0, 3);
    }
  }

  #takeRecord(
    { batch, segment, base }: Written,
    number: number,
    origin: number,
    onSettled: (queueId: number, position: number) => void,
  ): void {
    const start = batch.starts[number]!;
    if (start === 0) return;
    const size = batch.recordSize(number);
    const subject = batch.subjects[number]!;
    switch (batch.bytes[start + 8]) {
      case RECORD.message:
        this.#index.copyMessage(batch.bytes, batch.view, start, size, {
          segment: segment.sequence,
          offset: base + start,
          origin,
        }, onSettled);
        break;
      case RECORD.part: {
        const part = batch.parts.get(number)!;
        if (segment.parts.get(base + start) !== part) break;
        segment.parts.delete(base + start);
        segment.livingBytes -= size;
        part.segment = 0;
        part.offset = this.batch.copy(batch.bytes, start, size, 0, origin);
        this.batch.parts.set(part.offset, part);
        break;
      }
      case RECORD.settle:
      case RECORD.returned:
        if (this.#segments.exists(subject)) {
          this.batch.copy(batch.bytes, start, size, subject, origin);
        }
    }
  }

  /** Moves what waits in another batch to the end of this one. */
  #carryOver(other: Batch): void {
    const { batch } = this;
    for (let number = 0; number < other.count; number++) {
      const kind = other.kind(number);
      if (kind === 0) continue;
      const subject = other.subjects[number]!;
      const size = other.recordSize(number);
      const copied = batch.copy(
        other.bytes,
        other.starts[number]!,
        size,
        subject,
        other.origins[number]!,
      );
      if (kind === RECORD.message) this.#index.table.place(subject, 0, copied, size);
      if (kind !== RECORD.part) continue;
      const part = other.parts.get(number)!;
      part.offset = copied;
      batch.parts.set(copied, part);
    }
    this.#reuse(other);
  }

  #rollPastSuspect(): void {
    const { head } = this.#segments;
    // A segment that nothing was ever safe in must not be found again, not even broken.
    if (head !== undefined && head.end === SEGMENT_HEADER_SIZE) this.#segments.abandonHead();
    this.#roll(this.#segments.head?.end ?? 0);
    this.#suspect = false;
  }
}

/** Where a record was copied from at first, when it was copied more than once. */
function originOf(
  { batch, segment }: Written,
  number: number,
  origins: Map<number, number>,
): number {
  const origin = batch.origins[number]!;
  if (origin === 0 || batch.kind(number) !== RECORD.message) return origin;
  const slot = batch.subjects[number]!;
  const first = origins.get(slot);
  if (origin === segment.sequence && first !== undefined) return first;
  origins.set(slot, origin);
  return origin;
}
