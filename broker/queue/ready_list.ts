import type { QueueEntry } from "./entry.ts";

/** The messages of a queue that wait, in the order in which they go out. */
export interface ReadyList {
  /** How many there are. */
  readonly length: number;
  /** Adds a new one. */
  push(entry: QueueEntry): void;
  /** The next one to go out, without taking it. */
  peek(): QueueEntry | undefined;
  /** Takes the next one. */
  shift(): QueueEntry | undefined;
  /** Puts entries back where they were; they are in the order of their positions. */
  putBack(entries: readonly QueueEntry[]): void;
}

const SMALLEST_RING = 16;

/**
 * First in, first out. What comes back after a delivery was ahead of all that has never gone out, so
 * it waits in a list of its own, sorted by position, which is emptied first.
 */
export class FifoReadyList implements ReadyList {
  /** A ring: `#head` is the first of `#count` entries. Its size is a power of two. */
  #ring: (QueueEntry | undefined)[] = new Array(SMALLEST_RING);
  #head = 0;
  #count = 0;
  /** Sorted by position, the next one to go out last. */
  #returned: QueueEntry[] = [];

  get length(): number {
    return this.#count + this.#returned.length;
  }

  push(entry: QueueEntry): void {
    if (this.#count === this.#ring.length) this.#resize(this.#ring.length * 2);
    this.#ring[this.#head + this.#count & this.#ring.length - 1] = entry;
    this.#count++;
  }

  peek(): QueueEntry | undefined {
    const { length } = this.#returned;
    if (length > 0) return this.#returned[length - 1];
    return this.#count > 0 ? this.#ring[this.#head] : undefined;
  }

  shift(): QueueEntry | undefined {
    if (this.#returned.length > 0) return this.#returned.pop();
    if (this.#count === 0) return undefined;
    const entry = this.#ring[this.#head];
    this.#ring[this.#head] = undefined;
    this.#head = this.#head + 1 & this.#ring.length - 1;
    this.#count--;
    if (this.#count < this.#ring.length >> 3 && this.#ring.length > SMALLEST_RING) {
      this.#resize(this.#ring.length >> 2);
    }
    return entry;
  }

  putBack(entries: readonly QueueEntry[]): void {
    if (entries.length === 0) return;
    const returned = this.#returned;
    if (entries.length === 1) {
      const entry = entries[0]!;
      returned.splice(placeOf(entry, returned), 0, entry);
      return;
    }
    // both are sorted, in opposite directions
    const merged: QueueEntry[] = [];
    let next = 0;
    for (let index = entries.length - 1; index >= 0; index--) {
      const entry = entries[index]!;
      while (next < returned.length && returned[next]!.position > entry.position) {
        merged.push(returned[next++]!);
      }
      merged.push(entry);
    }
    while (next < returned.length) merged.push(returned[next++]!);
    this.#returned = merged;
  }

  #resize(size: number): void {
    const ring: (QueueEntry | undefined)[] = new Array(Math.max(size, SMALLEST_RING));
    for (let index = 0; index < this.#count; index++) {
      ring[index] = this.#ring[this.#head + index & this.#ring.length - 1];
    }
    this.#ring = ring;
    this.#head = 0;
  }
}

/** Where an entry belongs in a list that is sorted by falling positions. */
function placeOf(entry: QueueEntry, sorted: readonly QueueEntry[]): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = low + high >> 1;
    if (sorted[middle]!.position > entry.position) low = middle + 1;
    else high = middle;
  }
  return low;
}
