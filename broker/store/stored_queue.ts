import type { MessageTable } from "./message_table.ts";
import { rankOf } from "../amqp/strict_priority.ts";
import { MESSAGE_FLAG } from "./records.ts";

/** Positions in a chunk, as a power of two. */
const CHUNK_BITS = 8;
const CHUNK_SIZE = 1 << CHUNK_BITS;

/** What the store knows of some neighbouring positions. */
class Chunk {
  /** The message at a position; 0: none. */
  readonly slots = new Uint32Array(CHUNK_SIZE);
  /** How often each came back; undefined while none did. */
  counts: Uint16Array | undefined = undefined;
  /** When each expires; undefined while none does. */
  deadlines: Float64Array | undefined = undefined;
  /** Positions that have a message. */
  used = 0;
}

/**
 * The stored messages of one queue, by position. A position is given by the queue, grows with each
 * message, and is never used twice; between stored ones there may be others that are not stored.
 *
 * A waiting message costs 4 bytes here and 24 in the table of messages, which all queues share.
 */
export class StoredQueue {
  /** Tells it from other queues, for ever. */
  readonly id: number;
  /**
   * The highest position that was ever delivered, as far as it was written. What is up to it counts
   * as redelivered after a restart.
   */
  mark = 0;
  /** The highest position that was ever taken. */
  highest = 0;
  /** What was settled in this batch: triples of segment, first and last position. For the store. */
  readonly settledRuns: number[] = [];
  /** What came back in this batch: triples of segment, position and count. For the store. */
  readonly returns: number[] = [];
  /** True while the mark is to be written. For the store. */
  markChanged = false;
  /** True while the store has something of it to write. */
  changed = false;
  /** What was delivered before the store was opened. */
  recoveredMark = 0;
  /** False when nobody asks for the deadlines of messages to come: they are only written down. */
  keepsDeadlines = true;
  /** True when the oldest go first, so that no crash may leave an older one without a younger one. */
  dropsInOrder = false;
  /** True when the priorities of its messages are ranks: see `strict_priority.ts`. */
  ranks = false;

  private readonly _table: MessageTable;
  /** By number. Most queues have never had a stored message. */
  private _chunks: Map<number, Chunk> | undefined = undefined;
  private _count = 0;
  private _bodyBytes = 0;
  /** How many of them, and bytes, do not outlive the broker: memory has no room for them. */
  private _transientCount = 0;
  private _transientBytes = 0;
  /** An empty one for the next position: a queue that is always drained needs no new ones. */
  private _spare: Chunk | undefined = undefined;
  private _cachedNumber = -1;
  private _cached: Chunk | undefined = undefined;
  /** No chunk in use has a lower number. */
  private _firstChunk = 0;

  constructor(id: number, table: MessageTable) {
    this.id = id;
    this._table = table;
  }

  /** How many stored messages it has. */
  get count(): number {
    return this._count;
  }

  /** The sizes of their bodies together. */
  get bodyBytes(): number {
    return this._bodyBytes;
  }

  /** How many of them survive a restart. */
  get persistentCount(): number {
    return this._count - this._transientCount;
  }

  /** The sizes of the bodies of these. */
  get persistentBytes(): number {
    return this._bodyBytes - this._transientBytes;
  }

  /** True when a message of this queue is stored at the position. */
  has(position: number): boolean {
    return this.slot(position) !== 0;
  }

  /** Size of a message's body. */
  bodySize(position: number): number {
    const slot = this.slot(position);
    return slot === 0 ? 0 : this._table.bodySize(slot);
  }

  /** Room that a message takes on disk, about: its record, and the parts of a large body. */
  diskSize(position: number): number {
    const slot = this.slot(position);
    if (slot === 0) return 0;
    const inParts = (this._table.flags(slot) & MESSAGE_FLAG.parts) !== 0;
    return this._table.size(slot) + (inParts ? this._table.bodySize(slot) : 0);
  }

  /** Priority of a message, or its rank. */
  priority(position: number): number {
    const slot = this.slot(position);
    if (slot === 0) return 0;
    const priority = this._table.priority(slot);
    if (!this.ranks) return priority;
    return rankOf(priority, priority > 0 || (this._table.flags(slot) & MESSAGE_FLAG.lowest) !== 0);
  }

  /** When a message expires, in milliseconds since 1970; 0: never. */
  deadline(position: number): number {
    return this._chunkOf(position)?.deadlines?.[position % CHUNK_SIZE] ?? 0;
  }

  /** How often a message came back from a consumer. */
  deliveryCount(position: number): number {
    return this._chunkOf(position)?.counts?.[position % CHUNK_SIZE] ?? 0;
  }

  /** True when a message was delivered before the store was opened, or came back since. */
  redelivered(position: number): boolean {
    return position <= this.recoveredMark || this.deliveryCount(position) > 0;
  }

  /** Forgets all deadlines. They stay in the log. */
  forgetDeadlines(): void {
    for (const chunk of this._chunks?.values() ?? []) chunk.deadlines = undefined;
  }

  /** The first stored position from this one on; undefined at the end. */
  next(from: number): number | undefined {
    const chunks = this._chunks;
    if (this._count === 0 || chunks === undefined) return undefined;
    let number = Math.max(Math.floor(from / CHUNK_SIZE), this._firstChunk);
    const lastNumber = Math.floor(this.highest / CHUNK_SIZE);
    let index = number * CHUNK_SIZE >= from ? 0 : from % CHUNK_SIZE;
    let onlyEmpty = from <= this._firstChunk * CHUNK_SIZE;
    for (; number <= lastNumber; number++, index = 0) {
      const chunk = chunks.get(number);
      if (chunk === undefined) {
        // Far apart: rather look at the chunks that exist than at all numbers between.
        if (lastNumber - number > 64 && chunks.size < lastNumber - number) {
          const nextNumber = this._nextChunk(number);
          if (nextNumber === undefined) return undefined;
          number = nextNumber - 1;
        }
        if (onlyEmpty) this._firstChunk = number + 1;
        continue;
      }
      onlyEmpty = false;
      const { slots } = chunk;
      for (; index < CHUNK_SIZE; index++) {
        if (slots[index] !== 0) return number * CHUNK_SIZE + index;
      }
    }
    return undefined;
  }

  /** The message at a position; 0: none. For the store. */
  slot(position: number): number {
    const chunk = this._chunkOf(position);
    return chunk === undefined ? 0 : chunk.slots[position % CHUNK_SIZE]!;
  }

  /** Takes a message in. For the store. */
  add(position: number, slot: number, deadline: number): void {
    const number = Math.floor(position / CHUNK_SIZE);
    let chunk = this._chunkOf(position);
    if (chunk === undefined) {
      chunk = this._spare ?? new Chunk();
      this._spare = undefined;
      (this._chunks ??= new Map()).set(number, chunk);
      this._cachedNumber = number;
      this._cached = chunk;
      if (number < this._firstChunk) this._firstChunk = number;
    }
    const index = position % CHUNK_SIZE;
    chunk.slots[index] = slot;
    chunk.used++;
    if (deadline !== 0 && this.keepsDeadlines) {
      (chunk.deadlines ??= new Float64Array(CHUNK_SIZE))[index] = deadline;
    }
    if (position > this.highest) this.highest = position;
    const size = this._table.bodySize(slot);
    this._count++;
    this._bodyBytes += size;
    if ((this._table.flags(slot) & MESSAGE_FLAG.transient) === 0) return;
    this._transientCount++;
    this._transientBytes += size;
  }

  /** Puts another slot in the place of one. For recovery, when a message was written again. */
  replace(position: number, slot: number): void {
    const chunk = this._chunkOf(position)!;
    const index = position % CHUNK_SIZE;
    this._bodyBytes += this._table.bodySize(slot) - this._table.bodySize(chunk.slots[index]!);
    chunk.slots[index] = slot;
  }

  /** Lets a message go and tells its slot. For the store. */
  remove(position: number): number {
    const chunk = this._chunkOf(position);
    if (chunk === undefined) return 0;
    const index = position % CHUNK_SIZE;
    const slot = chunk.slots[index]!;
    if (slot === 0) return 0;
    chunk.slots[index] = 0;
    if (chunk.counts !== undefined) chunk.counts[index] = 0;
    if (chunk.deadlines !== undefined) chunk.deadlines[index] = 0;
    const size = this._table.bodySize(slot);
    this._count--;
    this._bodyBytes -= size;
    if ((this._table.flags(slot) & MESSAGE_FLAG.transient) !== 0) {
      this._transientCount--;
      this._transientBytes -= size;
    }
    if (--chunk.used === 0) {
      this._chunks!.delete(this._cachedNumber);
      this._spare = chunk;
      this._cachedNumber = -1;
      this._cached = undefined;
    }
    return slot;
  }

  /** Sets how often a message came back. For the store. */
  setDeliveryCount(position: number, count: number): void {
    const chunk = this._chunkOf(position)!;
    if (count === 0 && chunk.counts === undefined) return;
    (chunk.counts ??= new Uint16Array(CHUNK_SIZE))[position % CHUNK_SIZE] = Math.min(count, 65535);
  }

  private _chunkOf(position: number): Chunk | undefined {
    const number = Math.floor(position / CHUNK_SIZE);
    if (number === this._cachedNumber) return this._cached;
    const chunk = this._chunks?.get(number);
    if (chunk !== undefined) {
      this._cachedNumber = number;
      this._cached = chunk;
    }
    return chunk;
  }

  private _nextChunk(from: number): number | undefined {
    let next: number | undefined;
    for (const number of this._chunks!.keys()) {
      if (number >= from && (next === undefined || number < next)) next = number;
    }
    return next;
  }
}
