import type { Batch } from "./batch.ts";
import { Definitions } from "./definitions.ts";
import { MessageTable } from "./message_table.ts";
import { MESSAGE, MESSAGE_FLAG, readPosition, RECORD } from "./records.ts";
import type { Segments } from "./segments.ts";
import type { StoredBody } from "./stored_body.ts";
import { StoredQueue } from "./stored_queue.ts";

/** What the log holds that is alive: definitions, queues, and where their messages lie. */
export class StoreIndex {
  /** Where messages lie. */
  readonly table: MessageTable = new MessageTable();
  /** Queues by id. */
  readonly queues: Map<number, StoredQueue> = new Map();
  /** Definitions by key. */
  readonly definitions: Definitions = new Definitions();
  /** Bodies that lie in parts, by the message's slot. */
  readonly bodies: Map<number, StoredBody> = new Map();
  /** Segments with parts of bodies that nobody needs since the last sync of all that was written. */
  freed: Set<number> = new Set();
  /** What waits to be written; undefined while only reading. */
  batch: Batch | undefined = undefined;
  private readonly _segments: Segments;

  constructor(segments: Segments) {
    this._segments = segments;
  }

  /** The queue of this id, made if it is new. */
  queue(id: number): StoredQueue {
    let queue = this.queues.get(id);
    if (queue === undefined) {
      queue = new StoredQueue(id, this.table);
      this.queues.set(id, queue);
    }
    return queue;
  }

  /** A message lies here now. */
  place(slot: number, segment: number, offset: number, size: number): void {
    this.table.place(slot, segment, offset, size);
    const found = this._segments.get(segment)!;
    found.messages++;
    found.livingBytes += size;
  }

  /** A message no longer lies where it lay; it is not gone for that. */
  displace(slot: number): void {
    const { table } = this;
    const segment = this._segments.get(table.segment(slot));
    if (segment === undefined) return;
    segment.messages--;
    segment.livingBytes -= table.size(slot);
  }

  /** One queue less has a message. Tells whether any still does. */
  release(slot: number): boolean {
    const { table } = this;
    if (table.release(slot) > 0) return true;
    this.displace(slot);
    if ((table.flags(slot) & MESSAGE_FLAG.parts) !== 0) this._releaseBody(slot);
    table.remove(slot);
    return false;
  }

  /** Nobody needs the parts of this body any more. */
  releaseParts(body: StoredBody, batch?: Batch): void {
    for (const part of body.parts) {
      if (part.segment === 0) {
        batch?.drop(part.offset);
        continue;
      }
      const segment = this._segments.get(part.segment);
      if (segment?.parts.get(part.offset) !== part) continue;
      segment.parts.delete(part.offset);
      segment.livingBytes -= part.size;
      this.freed.add(part.segment);
    }
  }

  private _releaseBody(slot: number): void {
    const body = this.bodies.get(slot);
    if (body === undefined) return;
    this.bodies.delete(slot);
    this.releaseParts(body, this.batch);
  }

  /**
   * Appends a copy of a message record with the queues that still have it, if any. Its place is the
   * batch from then on.
   *
   * @param source Where it lies now, and the segment that must not be found again without the copy;
   * 0: none.
   * @param onSettled Called for each queue that does not have it any more.
   */
  copyMessage(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    size: number,
    source: { segment: number; offset: number; origin: number },
    onSettled?: (queueId: number, position: number) => void,
  ): void {
    const { table } = this;
    const batch = this.batch!;
    const flags = bytes[start + MESSAGE.flags]!;
    const queueCount = view.getUint32(start + MESSAGE.queueCount, true);
    const queueSize = flags & MESSAGE_FLAG.deadlines
      ? MESSAGE.queueSizeWithDeadline
      : MESSAGE.queueSize;
    const to = batch.begin(size);
    let writeAt = to + MESSAGE.queues;
    let slot = 0;
    let kept = 0;
    const rest = start + MESSAGE.queues + queueCount * queueSize;
    for (let at = start + MESSAGE.queues; at < rest; at += queueSize) {
      const id = view.getUint32(at, true);
      if (id === 0) continue;
      const queue = this.queues.get(id);
      const position = readPosition(view, at + 4);
      const found = queue?.slot(position) ?? 0;
      if (queue === undefined || found === 0) {
        onSettled?.(id, position);
        continue;
      }
      if (table.segment(found) !== source.segment || table.offset(found) !== source.offset) {
        continue;
      }
      slot = found;
      kept++;
      for (let byte = 0; byte < queueSize; byte++) batch.bytes[writeAt + byte] = bytes[at + byte]!;
      batch.view.setUint16(writeAt + 10, queue.deliveryCount(position), true);
      writeAt += queueSize;
    }
    if (slot === 0) return;
    for (let at = MESSAGE.flags; at < MESSAGE.queueCount; at++) {
      batch.bytes[to + at] = bytes[start + at]!;
    }
    batch.view.setUint32(to + MESSAGE.queueCount, kept, true);
    batch.bytes.set(bytes.subarray(rest, start + size), writeAt);
    const end = writeAt + start + size - rest;
    this.displace(slot);
    const number = batch.end(RECORD.message, end, slot, source.origin);
    table.place(slot, 0, number, end - to);
  }

  /**
   * Moves a message that is not written yet behind all that waits. A message comes after the parts of
   * its body, so that a torn write never leaves it without them.
   */
  moveToEnd(slot: number): void {
    const batch = this.batch!;
    const number = this.table.offset(slot);
    const size = batch.recordSize(number);
    const start = batch.starts[number]!;
    const moved = batch.copy(batch.bytes, start, size, slot, batch.origins[number]!);
    batch.drop(number);
    // Whoever waits for it waits until it is written there.
    if (number < batch.due) batch.due = batch.count;
    this.table.place(slot, 0, moved, size);
  }

  /** Takes a queue out of a message record that is not written yet. */
  eraseQueue(number: number, queueId: number, position: number): void {
    const at = this._findQueue(number, queueId, position);
    if (at !== 0) this.batch!.view.setUint32(at, 0, true);
  }

  /** Changes the delivery count in a message record that is not written yet. */
  setPendingCount(
    number: number,
    queueId: number,
    options: { position: number; count: number },
  ): void {
    const at = this._findQueue(number, queueId, options.position);
    if (at !== 0) this.batch!.view.setUint16(at + 10, Math.min(options.count, 65535), true);
  }

  private _findQueue(number: number, queueId: number, position: number): number {
    const batch = this.batch!;
    const start = batch.starts[number]!;
    const size = batch.bytes[start + MESSAGE.flags]! & MESSAGE_FLAG.deadlines
      ? MESSAGE.queueSizeWithDeadline
      : MESSAGE.queueSize;
    const first = start + MESSAGE.queues;
    const end = first + batch.view.getUint32(start + MESSAGE.queueCount, true) * size;
    for (let at = first; at < end; at += size) {
      if (
        batch.view.getUint32(at, true) === queueId && readPosition(batch.view, at + 4) === position
      ) return at;
    }
    return 0;
  }
}
