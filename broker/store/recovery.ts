import { type CheckpointContents, CheckpointReader } from "./checkpoint.ts";
import { StoreError, storeError } from "./error.ts";
import {
  BATCH_SIZE,
  checksumSeed,
  END_SIZE,
  HEADER_SIZE,
  MESSAGE,
  MESSAGE_FLAG,
  nextRecord,
  NO_RECORD,
  readPosition,
  RECORD,
  recordSize,
  VarintReader,
} from "./records.ts";
import {
  decodeSegmentHeader,
  goneName,
  parseName,
  Segment,
  SEGMENT_HEADER_SIZE,
  type SegmentHeader,
  segmentName,
  spareName,
} from "./segment.ts";
import type { Segments } from "./segments.ts";
import { BodyPart, StoredBody } from "./stored_body.ts";
import type { StoreIndex } from "./store_index.ts";
import type { StoredQueue } from "./stored_queue.ts";

const DECODER = new TextDecoder();

/** Something in a store that could not be read. */
export interface Damage {
  /** The file. */
  readonly file: string;
  /** Where it begins. */
  readonly offset: number;
  /** How many bytes were passed over. */
  readonly bytes: number;
  /** What is wrong. */
  readonly reason: string;
}

/** What was found in a store. */
export interface RecoveryReport {
  /** How many segments there are. */
  segments: number;
  /** How many records were read. */
  records: number;
  /** Size of what was read. */
  bytes: number;
  /** What was left behind by a write that did not finish: never confirmed, so it was dropped. */
  dropped: Damage | undefined;
  /** What was damaged although it had been whole. The rest was saved. */
  readonly damages: Damage[];
}

/**
 * Reads all segments and fills the index with what is alive in them.
 *
 * A segment is wholly on disk before the next one begins, so only the last can end in a torn write.
 * There, a broken record is a torn tail, unless a later write tells that this place had been on disk
 * before: then it is damage, and the rest is saved as in other segments.
 *
 * @param options `write` is false when nothing is to be removed, as for looking at a store;
 * `onSettled` is called for each message of which the log does not say yet that its queue settled it.
 * @throws {StoreError} When a newer Warren wrote it, or a file cannot be read.
 */
export function recover(
  segments: Segments,
  index: StoreIndex,
  options: RecoveryOptions,
): RecoveryReport {
  try {
    return new Recovery(segments, index, options).run();
  } catch (error) {
    throw storeError(`read store in ${segments.files.directory}`, error);
  }
}

/** How a store is read. */
export interface RecoveryOptions {
  readonly write: boolean;
  readonly onSettled?: (queue: StoredQueue, segment: number, position: number) => void;
}

interface Found {
  readonly segment: Segment;
  readonly header: SegmentHeader | undefined;
}

class Recovery {
  readonly #segments: Segments;
  readonly #index: StoreIndex;
  readonly #write: boolean;
  readonly #onSettled: RecoveryOptions["onSettled"];
  readonly #report: RecoveryReport = {
    segments: 0,
    records: 0,
    bytes: 0,
    dropped: undefined,
    damages: [],
  };
  readonly #checkpoint = new CheckpointReader();
  readonly #varint = new VarintReader();
  /** Segments that went when nobody needed them any more. */
  readonly #gone = new Set<number>();
  /** Segments that the last checkpoint names. */
  #named: readonly number[] = [];
  /** Bodies of which a part is missing. */
  readonly #broken = new Map<StoredBody, { damage: Damage; gone: boolean }>();
  /** Up to where the segment that is read was known to be on disk. */
  #synced = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);

  constructor(segments: Segments, index: StoreIndex, options: RecoveryOptions) {
    this.#segments = segments;
    this.#index = index;
    this.#write = options.write;
    this.#onSettled = options.onSettled;
  }

  run(): RecoveryReport {
    const found = this.#find();
    const ends = new Map<number, number>();
    for (const { header } of found) {
      if (header !== undefined && header.previousEnd > 0) {
        ends.set(header.previous, header.previousEnd);
      }
    }
    found.forEach((each, at) => {
      const last = at === found.length - 1;
      this.#readSegment(each, { end: ends.get(each.segment.sequence), last });
    });
    this.#finish();
    this.#report.segments = found.length;
    return this.#report;
  }

  /** Opens the files of the log. */
  #find(): Found[] {
    const { files } = this.#segments;
    const sequences: number[] = [];
    for (const name of files.list()) {
      const parsed = parseName(name);
      if (parsed === undefined) continue;
      const { sequence, kind } = parsed;
      this.#segments.nextSequence = Math.max(this.#segments.nextSequence, sequence + 1);
      if (kind === "segment") sequences.push(sequence);
      else if (kind === "gone") this.#gone.add(sequence);
      // Its old name may come back with the power, so it is not used again.
      else if (this.#write) files.remove(spareName(sequence));
    }
    if (this.#write) this.#segments.directoryDirty = true;
    sequences.sort((a, b) => a - b);

    const found: Found[] = [];
    for (const sequence of sequences) {
      const segment = new Segment(sequence, files.open(segmentName(sequence)));
      segment.allocated = segment.file.size();
      if (segment.allocated === SEGMENT_HEADER_SIZE && sequence !== sequences.at(-1)) {
        // It went, and its new name did not come as far as the disk.
        segment.file.close();
        if (this.#write) files.rename(segmentName(sequence), goneName(sequence));
        this.#gone.add(sequence);
        continue;
      }
      const bytes = new Uint8Array(SEGMENT_HEADER_SIZE);
      const size = segment.file.read(bytes, 0, bytes.length, 0);
      const header = decodeSegmentHeader(bytes, size);
      found.push({ segment, header: header?.sequence === sequence ? header : undefined });
    }
    // A segment without a header at the end was begun, and at most written to for the first time.
    while (found.length > 0 && found.at(-1)!.header === undefined) {
      const { segment } = found.at(-1)!;
      const first = this.#firstRecord(segment);
      if (first > 0 && (found.length === 1 || this.#headerWasSynced(segment, first))) break;
      if (first > 0) this.#dropSegment(segment, first);
      found.pop();
      segment.file.close();
      if (this.#write) files.remove(segmentName(segment.sequence));
    }
    for (const { segment } of found) this.#segments.adopt(segment);
    const since = this.#segments.nextSequence - 1;
    for (const sequence of this.#gone) this.#segments.addRemains(sequence, since);
    return found;
  }

  /** Where the first whole record of a segment begins; 0: there is none. */
  #firstRecord(segment: Segment): number {
    this.#load(segment);
    return this.#nextRecord(SEGMENT_HEADER_SIZE - 1, segment.allocated, segment.sequence);
  }

  /** True when a segment tells that its header had been on disk, so that it is damaged. */
  #headerWasSynced({ allocated: end, sequence }: Segment, first: number): boolean {
    return this.#wasSynced(0, first, { end, sequence });
  }

  /** Tells of a last segment of which nothing was known to be on disk, nor is its header. */
  #dropSegment({ allocated: end, sequence }: Segment, first: number): void {
    this.#report.dropped = {
      file: segmentName(sequence),
      offset: 0,
      bytes: this.#tornBytes(0, first, { end, sequence }),
      reason: "the last write did not finish",
    };
  }

  #load(segment: Segment): void {
    const size = segment.allocated;
    if (this.#bytes.length < size) {
      this.#bytes = new Uint8Array(size);
      this.#view = new DataView(this.#bytes.buffer);
    }
    const count = segment.file.read(this.#bytes, 0, size, 0);
    if (count < size) {
      throw new StoreError(
        "failed",
        `Cannot read ${segmentName(segment.sequence)}: it ended at ${count}`,
      );
    }
  }

  #readSegment(
    { segment, header }: Found,
    options: { end: number | undefined; last: boolean },
  ): void {
    const { sequence } = segment;
    const file = segmentName(sequence);
    segment.previous = header?.previous ?? 0;
    segment.previousEnd = header?.previousEnd ?? 0;
    if (segment.previousEnd > 0 && this.#segments.get(segment.previous) !== undefined) {
      segment.copiedFrom.add(segment.previous);
    }
    // One that was given up when a sync failed need not be whole, nor even have a header.
    const givenUp = options.end !== undefined;
    if (header === undefined && !givenUp) {
      this.#report.damages.push({
        file,
        offset: 0,
        bytes: SEGMENT_HEADER_SIZE,
        reason: "the header of the segment is broken",
      });
      segment.damaged = true;
    }
    this.#load(segment);
    const end = Math.min(options.end ?? segment.allocated, segment.allocated);
    const seed = checksumSeed(sequence);
    let at = SEGMENT_HEADER_SIZE;
    this.#synced = 0;
    this.#checkpoint.interrupt();
    while (at < end) {
      const size = recordSize(this.#bytes, this.#view, at, end, seed);
      if (size > 0) {
        this.#apply(segment, at, size);
        at += size;
        continue;
      }
      const next = this.#nextRecord(at, end, sequence);
      if (size === NO_RECORD.end && next === 0) break;
      if (!this.#wasSynced(at, next, { end, sequence })) {
        // Elsewhere, what follows the end is what a torn write left before the next segment began.
        if (size === NO_RECORD.end && !options.last) break;
        if (options.last || givenUp) {
          this.#report.dropped = {
            file,
            offset: at,
            bytes: this.#tornBytes(at, next, { end, sequence }),
            reason: "the last write did not finish",
          };
          // Whatever were written here, a torn write of it might end where something old begins.
          segment.cut = true;
          segment.ended = false;
          break;
        }
      }
      segment.damaged = true;
      const read = this.#checkpoint.interrupt();
      if (read !== undefined) this.#applyCheckpoint(read);
      this.#report.damages.push({
        file,
        offset: at,
        bytes: (next > 0 ? next : end) - at,
        reason: next > 0 ? "a record is broken" : "a record is broken and nothing follows it",
      });
      if (next === 0) break;
      at = next;
    }
    segment.end = segment.foundEnd = at;
    // Others were synced before the next one began.
    segment.synced = options.last ? 0 : at;
    segment.fresh = false;
    if (options.end !== undefined || segment.damaged || !segment.hasCheckpoint) segment.cut = true;
    if (options.last && this.#write) this.#writeAgain(segment);
    this.#report.bytes += at;
  }

  /**
   * What was read may lie in the page cache alone: after a sync that failed, the system takes it for
   * written, and the next sync would do nothing. Writing the same bytes makes it try again. A torn
   * write is cut for good.
   */
  #writeAgain(segment: Segment): void {
    if (!segment.ended) {
      segment.file.write(new Uint8Array(END_SIZE), 0, END_SIZE, segment.end);
      segment.ended = true;
    }
    if (this.#segments.neverSync || this.#synced >= segment.end) return;
    // With the zeros behind it: where a file is used again, old bytes would follow.
    const end = Math.min(segment.end + END_SIZE, segment.allocated);
    const bytes = new Uint8Array(Math.max(end, segment.end) - this.#synced);
    bytes.set(this.#bytes.subarray(this.#synced, segment.end));
    // Without the zeros: what is written behind it by then is all that there is until it is written again.
    segment.foundTail = { bytes: bytes.subarray(0, segment.end - this.#synced), at: this.#synced };
    segment.file.write(bytes, 0, bytes.length, this.#synced);
  }

  /** The next place behind `at` where there is a whole record; 0: none. */
  #nextRecord(at: number, end: number, sequence: number): number {
    return nextRecord(this.#bytes, this.#view, at, { end, seed: checksumSeed(sequence) });
  }

  /** True when a write behind `next` tells that `at` had been on disk. */
  #wasSynced(at: number, next: number, segment: { end: number; sequence: number }): boolean {
    const seed = checksumSeed(segment.sequence);
    while (next > 0) {
      const size = recordSize(this.#bytes, this.#view, next, segment.end, seed);
      if (size <= 0) {
        next = this.#nextRecord(next, segment.end, segment.sequence);
        continue;
      }
      if (
        this.#bytes[next + 8] === RECORD.batch && size === BATCH_SIZE &&
        this.#view.getUint32(next + HEADER_SIZE, true) > at
      ) return true;
      next += size;
    }
    return false;
  }

  /** How far a torn tail reaches: to the last thing in it that can be told from old bytes. */
  #tornBytes(at: number, next: number, segment: { end: number; sequence: number }): number {
    const seed = checksumSeed(segment.sequence);
    let torn = HEADER_SIZE;
    while (next > 0) {
      const size = recordSize(this.#bytes, this.#view, next, segment.end, seed);
      if (size > 0) {
        next += size;
        torn = next - at;
      } else next = this.#nextRecord(next, segment.end, segment.sequence);
    }
    return torn;
  }

  #apply(segment: Segment, at: number, size: number): void {
    this.#report.records++;
    const bytes = this.#bytes;
    const payload = at + HEADER_SIZE;
    const end = at + size;
    switch (bytes[at + 8]) {
      case RECORD.batch:
        this.#synced = Math.max(this.#synced, this.#view.getUint32(payload, true));
        break;
      case RECORD.message:
        this.#applyMessage(segment, at, size);
        break;
      case RECORD.settle:
        this.#applySettle(segment, payload, end);
        break;
      case RECORD.returned:
        this.#applyReturned(segment, payload, end);
        break;
      case RECORD.mark:
        for (let next = payload; next < end; next += 10) {
          const queue = this.#index.queue(this.#view.getUint32(next, true));
          queue.mark = Math.max(queue.mark, readPosition(this.#view, next + 4));
          queue.highest = Math.max(queue.highest, queue.mark);
        }
        break;
      case RECORD.define: {
        const keyEnd = payload + 2 + this.#view.getUint16(payload, true);
        const key = DECODER.decode(bytes.subarray(payload + 2, keyEnd));
        this.#index.definitions.set(key, bytes.subarray(keyEnd, end));
        break;
      }
      case RECORD.undefine:
        this.#index.definitions.delete(DECODER.decode(bytes.subarray(payload, end)));
        break;
      case RECORD.checkpoint: {
        const contents = this.#checkpoint.take(bytes, this.#view, payload, end);
        if (contents === undefined) break;
        this.#applyCheckpoint(contents);
        segment.hasCheckpoint = contents.whole;
        segment.checkpointEnd = end;
      }
    }
  }

  /** A whole one takes the place of all that was defined before it; of another one it is added. */
  #applyCheckpoint({ definitions, queues, segments, whole }: CheckpointContents): void {
    if (whole) this.#index.definitions.clear();
    for (const [key, entry] of definitions) this.#index.definitions.setEntry(key, entry);
    this.#named = segments ?? [];
    for (let at = 0; at < queues.length; at += 3) {
      const queue = this.#index.queue(queues[at]!);
      queue.mark = Math.max(queue.mark, queues[at + 1]!);
      queue.highest = Math.max(queue.highest, queues[at + 2]!);
    }
  }

  #applyMessage(segment: Segment, at: number, size: number): void {
    const view = this.#view;
    const flags = this.#bytes[at + MESSAGE.flags]!;
    if (flags & MESSAGE_FLAG.transient) return;
    const hasDeadlines = (flags & MESSAGE_FLAG.deadlines) !== 0;
    const count = view.getUint32(at + MESSAGE.queueCount, true);
    const queueSize = hasDeadlines ? MESSAGE.queueSizeWithDeadline : MESSAGE.queueSize;
    const queuesEnd = at + MESSAGE.queues + count * queueSize;
    let living = 0;
    for (let next = at + MESSAGE.queues; next < queuesEnd; next += queueSize) {
      if (view.getUint32(next, true) !== 0) living++;
    }
    if (living === 0) return;

    const { table } = this.#index;
    const slot = table.add(
      view.getUint32(at + MESSAGE.bodySize, true),
      this.#bytes[at + MESSAGE.priority]!,
      flags,
      living,
    );
    for (let next = at + MESSAGE.queues; next < queuesEnd; next += queueSize) {
      const id = view.getUint32(next, true);
      if (id === 0) continue;
      const queue = this.#index.queue(id);
      const position = readPosition(view, next + 4);
      const before = queue.slot(position);
      if (before === 0) {
        queue.add(position, slot, hasDeadlines ? view.getFloat64(next + 12, true) : 0);
      } else {
        // It was copied here, and where it lay before is not gone yet.
        const other = table.segment(before);
        if (other !== segment.sequence) segment.copiedFrom.add(other);
        queue.replace(position, slot);
        this.#index.release(before);
      }
      const deliveries = view.getUint16(next + 10, true);
      if (deliveries > 0) queue.setDeliveryCount(position, deliveries);
    }
    this.#index.place(slot, segment.sequence, at, size);
    if ((flags & MESSAGE_FLAG.parts) === 0) return;
    const body = this.#readParts(segment, queuesEnd, at, size);
    body.slot = slot;
    this.#index.bodies.set(slot, body);
    for (const part of body.parts) {
      const holder = this.#segments.get(part.segment);
      if (holder === undefined) continue;
      // An older record of the message may still have it: it counts once.
      if (holder.parts.has(part.offset)) holder.livingBytes -= part.size;
      holder.parts.set(part.offset, part);
      holder.livingBytes += part.size;
    }
  }

  #readParts(
    segment: Segment,
    start: number,
    at: number,
    size: number,
  ): StoredBody {
    const view = this.#view;
    const body = new StoredBody();
    body.size = view.getUint32(at + MESSAGE.bodySize, true);
    start += view.getUint16(at + MESSAGE.addressSize, true) +
      view.getUint32(at + MESSAGE.propertiesSize, true);
    for (let next = start; next < at + size; next += MESSAGE.partSize) {
      const part = new BodyPart(body, view.getUint32(next + 8, true));
      part.segment = view.getUint32(next, true);
      part.offset = view.getUint32(next + 4, true);
      body.parts.push(part);
      if (this.#segments.get(part.segment) !== undefined) continue;
      // No harm if it was settled, or copied to where it has all its parts. Where the part went, it
      // was settled, but a full disk had no room to say so.
      const damage = {
        file: segmentName(segment.sequence),
        offset: at,
        bytes: size,
        reason: `a part of the message's body is missing: ${segmentName(part.segment)} is gone`,
      };
      const gone = this.#gone.has(part.segment) || (this.#broken.get(body)?.gone ?? false);
      this.#broken.set(body, { damage, gone });
    }
    return body;
  }

  #applySettle(segment: Segment, start: number, end: number): void {
    const queueId = this.#view.getUint32(start, true);
    const target = this.#view.getUint32(start + 4, true);
    this.#refer(segment, target, end - start);
    const queue = this.#index.queues.get(queueId);
    if (queue === undefined) return;
    const { table } = this.#index;
    const varint = this.#varint;
    varint.reset(this.#bytes, start + 8);
    let before = 0;
    while (varint.at < end) {
      const first = before + varint.next();
      const last = first + varint.next();
      before = last;
      for (
        let position: number | undefined = first;
        position !== undefined && position <= last;
        position = queue.next(position + 1)
      ) {
        const slot = queue.slot(position);
        if (slot === 0 || table.segment(slot) !== target) continue;
        queue.remove(position);
        this.#index.release(slot);
      }
    }
  }

  #applyReturned(segment: Segment, start: number, end: number): void {
    const queueId = this.#view.getUint32(start, true);
    const target = this.#view.getUint32(start + 4, true);
    this.#refer(segment, target, end - start);
    const queue = this.#index.queues.get(queueId);
    if (queue === undefined) return;
    const { table } = this.#index;
    const varint = this.#varint;
    varint.reset(this.#bytes, start + 8);
    let position = 0;
    while (varint.at < end) {
      position += varint.next();
      const count = varint.next();
      const slot = queue.slot(position);
      if (slot === 0 || table.segment(slot) !== target) continue;
      // Such a record may have been copied behind a newer one; the count only grows.
      if (count > queue.deliveryCount(position)) queue.setDeliveryCount(position, count);
    }
  }

  #refer(segment: Segment, target: number, size: number): void {
    if (target === segment.sequence || this.#segments.get(target) === undefined) return;
    segment.refersTo.set(target, (segment.refersTo.get(target) ?? 0) + HEADER_SIZE + size);
  }

  #finish(): void {
    const { queues } = this.#index;
    for (const sequence of this.#named) {
      if (this.#segments.get(sequence) !== undefined || this.#gone.has(sequence)) continue;
      this.#report.damages.push({
        file: segmentName(sequence),
        offset: 0,
        bytes: 0,
        reason: "the segment is missing",
      });
    }
    for (const [body, { damage, gone }] of this.#broken) {
      if (this.#index.bodies.get(body.slot) !== body) continue;
      if (!gone) this.#report.damages.push(damage);
      // what is gone was settled; who reads this again when its remains are gone too must be told
      for (const queue of queues.values()) this.#removeSlot(queue, body.slot, gone);
    }
    for (const queue of queues.values()) queue.recoveredMark = queue.mark;
    let head: Segment | undefined;
    for (const segment of this.#segments.values()) head = segment;
    this.#segments.head = head;
  }

  #removeSlot(queue: StoredQueue, slot: number, settled: boolean): void {
    for (let at = queue.next(0); at !== undefined; at = queue.next(at + 1)) {
      if (queue.slot(at) !== slot) continue;
      if (settled) this.#onSettled?.(queue, this.#index.table.segment(slot), at);
      queue.remove(at);
      this.#index.release(slot);
      return;
    }
  }
}
