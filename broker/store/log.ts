import { Batch, type WaitingPart } from "./batch.ts";
import { CheckpointWriter } from "./checkpoint.ts";
import type { StoreError } from "./error.ts";
import type { SyncCallback } from "./file_system.ts";
import { BATCH_SIZE, checksumSeed, END_SIZE, MESSAGE, MESSAGE_FLAG, RECORD } from "./records.ts";
import { type Segment, SEGMENT_HEADER_SIZE } from "./segment.ts";
import type { Segments } from "./segments.ts";
import type { StoreIndex } from "./store_index.ts";

/** So many buffers are kept for the next batches, if they are not larger than this. */
const SPARE_BATCHES = 4;
const SPARE_SIZE_MAX = 4 * 1024 * 1024;

/** So many times less of a checkpoint is written at once than of all else. */
const CHECKPOINT_SHARE = 4;

/**
 * How far a write came: all is written that waited when the round began; there is more, for a later
 * turn; or first what was written has to be synced.
 */
export type WriteResult = "written" | "more" | "sync-first";

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
  /** No more is written at once than this, so that the event loop goes on; but one record is. */
  readonly #writeMax: number;
  /** The same of a checkpoint, whose definitions are looked at one by one. */
  readonly #checkpointMax: number;
  #written: Written[] = [];
  readonly #spare: Batch[] = [];
  /** True after a sync failed: what was written since the last good one must be taken for lost. */
  #suspect = false;
  /** What is still to be written of the checkpoint that the head begins with; undefined: nothing. */
  #checkpoint: { readonly writer: CheckpointWriter; readonly old: Segment | undefined } | undefined;

  constructor(
    segments: Segments,
    index: StoreIndex,
    options: { collect: (batch: Batch) => void; writeMax: number },
  ) {
    this.#segments = segments;
    this.#index = index;
    this.#collect = options.collect;
    this.#writeMax = options.writeMax;
    this.#checkpointMax = options.writeMax / CHECKPOINT_SHARE;
    index.batch = this.batch;
  }

  /** True when the last sync failed. */
  get suspect(): boolean {
    return this.#suspect;
  }

  /** True while a new segment has only a part of its checkpoint, which is not worth a sync. */
  get rolling(): boolean {
    return this.#checkpoint !== undefined;
  }

  /**
   * Writes what waits, or as much of it as is good for a turn. What waits when a round begins is
   * written before the round ends, and what comes meanwhile need not be.
   *
   * @throws {StoreError} When it cannot; everything that was not written before still waits then.
   */
  write(): WriteResult {
    const segments = this.#segments;
    const { batch } = this;
    if (this.#checkpoint !== undefined && !this.#goOnWithCheckpoint()) return "more";
    if (batch.due === 0) {
      this.#collect(batch);
      batch.due = batch.count;
    }
    if (batch.isEmpty) {
      batch.clear();
      return "written";
    }
    const { count, size } = this.#nextWrite();
    if (!segments.hasRoom(size)) {
      // A segment is wholly on disk before the next one begins, so that only the last one is torn.
      if (segments.head?.dirty && !segments.neverSync) return "sync-first";
      this.#roll(segments.head?.ended === false ? segments.head.end : 0);
      if (!this.#goOnWithCheckpoint()) return "more";
    }
    const head = segments.head!;
    batch.squeeze();
    const rest = count < batch.count ? this.#split(count) : undefined;
    this.#placeParts(batch, head);
    batch.finish(checksumSeed(head.sequence), segments.neverSync ? 0 : head.synced);
    let base: number;
    try {
      base = segments.write(batch);
    } catch (error) {
      this.#unwrite(rest);
      throw error;
    }
    head.fresh = false;
    this.#place(batch, head, base);
    this.#retain(head, base, rest);
    return this.batch.due > 0 ? "more" : "written";
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
    const retry = (prepare: () => void) => {
      try {
        prepare();
        this.batch.due = 0;
      } catch (error) {
        done(error as StoreError);
        return;
      }
      this.#writeAll(done);
    };
    const recover = () => {
      this.#takeBack();
      // A segment is wholly on disk before the next one begins.
      this.#segments.syncFound((error) => {
        if (error !== undefined) done(error as StoreError);
        else retry(() => this.#rollPastSuspect());
      });
    };
    if (this.#suspect) {
      recover();
      return;
    }
    try {
      this.#segments.endHead();
    } catch (error) {
      done(error as StoreError);
      return;
    }
    this.sync(() => this.#suspect ? recover() : retry(beforeWrite));
  }

  /** Writes and syncs in turn until nothing is left of what waits. */
  #writeAll(done: (error: StoreError | undefined) => void): void {
    let result: WriteResult;
    try {
      result = this.write();
    } catch (error) {
      done(error as StoreError);
      return;
    }
    this.sync((error) => {
      if (error !== undefined || result === "written") done(error as StoreError | undefined);
      else this.#writeAll(done);
    });
  }

  /** How many records are written next, and the room that they take. */
  #nextWrite(): { count: number; size: number } {
    const { batch } = this;
    const size = batch.diskSize;
    if (size <= this.#writeMax) return { count: batch.count, size };
    const count = batch.fitting(this.#writeMax);
    let part = BATCH_SIZE + END_SIZE;
    for (let number = 0; number < count; number++) {
      if (batch.kind(number) !== 0) part += batch.recordSize(number);
    }
    return { count, size: part };
  }

  /** Moves all records from this one on to a batch of their own, and tells it. */
  #split(count: number): Batch {
    const rest = this.#spare.pop() ?? new Batch();
    this.#carryOver(this.batch, rest, count);
    this.batch.cut(count);
    return rest;
  }

  /** A write failed: what was split waits together again. */
  #unwrite(rest: Batch | undefined): void {
    if (rest !== undefined) {
      const first = this.batch;
      this.batch = this.#index.batch = this.#spare.pop() ?? new Batch();
      this.#carryOver(first, this.batch);
      this.#carryOver(rest, this.batch);
      this.#reuse(first);
      this.#reuse(rest);
    }
  }

  /** Begins a new segment with a checkpoint, all of it. */
  roll(): void {
    this.#roll(0);
    while (!this.#goOnWithCheckpoint());
  }

  /** Begins a new segment. Nothing is written to it before its checkpoint. */
  #roll(previousEnd: number): void {
    const segments = this.#segments;
    const old = segments.head;
    const head = segments.roll(previousEnd);
    const writer = new CheckpointWriter(this.#index, segments.sequencesBefore(head));
    this.#checkpoint = { writer, old };
  }

  /** Writes the next part of the checkpoint; true when that was the last. With very many definitions all of
   * it would take too long. */
  #goOnWithCheckpoint(): boolean {
    const segments = this.#segments;
    const { writer, old } = this.#checkpoint!;
    const head = segments.head!;
    const batch = this.#spare.pop() ?? new Batch();
    try {
      const isDone = writer.write(batch, this.#checkpointMax);
      batch.finish(checksumSeed(head.sequence), 0);
      segments.write(batch);
      if (!isDone) return false;
      head.hasCheckpoint = true;
      head.checkpointEnd = head.end;
      this.#checkpoint = undefined;
      return true;
    } catch (error) {
      this.#checkpoint = undefined;
      segments.unroll(old);
      throw error;
    } finally {
      this.#reuse(batch);
    }
  }

  /** Notes where parts will be, and tells it to the messages that they belong to. */
  #placeParts(batch: Batch, head: Segment): void {
    if (this.#index.bodies.size === 0 && batch.parts.size === 0) return;
    let outside = 0;
    for (let number = 0; number < batch.count; number++) {
      const start = batch.starts[number]!;
      const kind = batch.kind(number);
      if (kind === RECORD.part) {
        const waiting = batch.parts.get(number)!;
        waiting.offset = start + outside;
        outside += waiting.end - waiting.start;
      }
      if (
        kind !== RECORD.message || (batch.bytes[start + MESSAGE.flags]! & MESSAGE_FLAG.parts) === 0
      ) continue;
      const { parts } = this.#index.bodies.get(batch.subjects[number]!)!;
      let at = start + batch.recordSize(number) - parts.length * MESSAGE.partSize;
      for (const part of parts) {
        const pending = part.segment === 0;
        batch.view.setUint32(at, pending ? head.sequence : part.segment, true);
        batch.view.setUint32(
          at + 4,
          pending ? head.end + batch.parts.get(part.offset)!.offset : part.offset,
          true,
        );
        batch.view.setUint32(at + 8, part.size, true);
        at += MESSAGE.partSize;
      }
    }
  }

  #place(batch: Batch, head: Segment, base: number): void {
    const { starts, subjects, origins } = batch;
    const { table } = this.#index;
    const { sequence } = head;
    let outside = 0;
    for (let number = 0; number < batch.count; number++) {
      const start = starts[number]!;
      if (start === 0) continue;
      const subject = subjects[number]!;
      switch (batch.bytes[start + 8]) {
        case RECORD.message: {
          const size = table.size(subject);
          table.place(subject, sequence, base + start + outside, size);
          head.messages++;
          head.livingBytes += size;
          if (origins[number] !== 0) head.copiedFrom.add(origins[number]!);
          break;
        }
        case RECORD.part: {
          const { part, offset, start: from, end } = batch.parts.get(number)!;
          part.segment = head.sequence;
          part.offset = base + offset;
          head.parts.set(part.offset, part);
          head.livingBytes += part.size;
          outside += end - from;
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

  #retain(segment: Segment, base: number, rest: Batch | undefined): void {
    const written = this.batch;
    if (rest === undefined && this.#segments.neverSync) {
      written.clear();
      return;
    }
    this.batch = this.#index.batch = rest ?? this.#spare.pop() ?? new Batch();
    if (this.#segments.neverSync) this.#reuse(written);
    else this.#written.push({ segment, base, batch: written });
  }

  #forgetWritten(): void {
    let count = 0;
    for (const { segment, base, batch } of this.#written) {
      if (segment.synced < base + batch.writeSize) break;
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
    if (this.#checkpoint !== undefined) {
      // Nothing is lost with a part of one.
      this.#checkpoint = undefined;
      head!.end = head!.synced = SEGMENT_HEADER_SIZE;
    } else if (head !== undefined) {
      // Nothing behind this counts any more, whatever the disk made of it.
      head.end = Math.max(head.synced, head.foundEnd, SEGMENT_HEADER_SIZE);
      if (head.foundTail === undefined) head.synced = head.end;
      head.ended = false;
      head.cut = true;
    }
    this.batch = this.#index.batch = this.#spare.pop() ?? new Batch();
    // Copies are lost with the settlements that name their place, and what they were copied from is
    // still there: it has to be settled instead.
    const settled: number[] = [];
    const origins = new Map<number, number>();
    for (const each of written) {
      let outside = 0;
      for (let number = 0; number < each.batch.count; number++) {
        const origin = originOf(each, number, origins);
        this.#takeRecord(each, { number, outside, origin }, (queueId, position) => {
          if (origin !== 0) settled.push(queueId, origin, position);
        });
        outside += outsideSize(each.batch, number);
      }
      this.#reuse(each.batch);
    }
    this.#carryOver(waiting, this.batch);
    this.#reuse(waiting);
    // Settlements come last, behind what the messages may have been replaced by.
    for (let at = 0; at < settled.length; at += 3) {
      const run = [settled[at + 1]!, settled[at + 2]!, settled[at + 2]!];
      this.batch.settle(settled[at]!, run, 0, 3);
    }
  }

  #takeRecord(
    { batch, segment, base }: Written,
    { number, outside, origin }: { number: number; outside: number; origin: number },
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
          offset: base + start + outside,
          origin,
        }, onSettled);
        break;
      case RECORD.part: {
        const waiting = batch.parts.get(number)!;
        const offset = base + waiting.offset;
        if (segment.parts.get(offset) !== waiting.part) break;
        segment.parts.delete(offset);
        segment.livingBytes -= size;
        this.batch.addPart(waiting, origin);
        break;
      }
      case RECORD.settle:
      case RECORD.returned:
        if (this.#segments.exists(subject)) {
          this.batch.copy(batch.bytes, start, size, subject, origin);
        }
    }
  }

  /** Moves what waits in one batch, from a record on, to the end of another one. */
  #carryOver(from: Batch, to: Batch, first = 0): void {
    for (let number = first; number < from.count; number++) {
      const kind = from.kind(number);
      const origin = from.origins[number]!;
      if (kind === RECORD.part) to.addPart(from.parts.get(number)!, origin);
      else if (kind !== 0) {
        const subject = from.subjects[number]!;
        const size = from.recordSize(number);
        const copied = to.copy(from.bytes, from.starts[number]!, size, subject, origin);
        if (kind === RECORD.message) this.#index.table.place(subject, 0, copied, size);
      }
      if (number < from.due) to.due = to.count;
    }
  }

  #rollPastSuspect(): void {
    const { head } = this.#segments;
    // A segment that nothing was ever safe in must not be found again, not even broken.
    if (head !== undefined && head.end === SEGMENT_HEADER_SIZE) this.#segments.abandonHead();
    this.#roll(this.#segments.head?.end ?? 0);
    this.#suspect = false;
  }
}

/** Size of what a record has outside of the batch. */
function outsideSize(batch: Batch, number: number): number {
  if (batch.kind(number) !== RECORD.part) return 0;
  const { start, end }: WaitingPart = batch.parts.get(number)!;
  return end - start;
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
