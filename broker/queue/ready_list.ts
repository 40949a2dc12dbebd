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
 * it waits in a heap of its own, by position, which is emptied first.
 */
export class FifoReadyList implements ReadyList {
  /** A ring: `#head` is the first of `#count` entries. Its size is a power of two. */
  #ring: (QueueEntry | undefined)[] = new Array(SMALLEST_RING);
  #head = 0;
  #count = 0;
  readonly #returned = new ReturnedHeap();

  get length(): number {
    return this.#count + this.#returned.length;
  }

  push(entry: QueueEntry): void {
    if (this.#count === this.#ring.length) this.#resize(this.#ring.length * 2);
    this.#ring[this.#head + this.#count & this.#ring.length - 1] = entry;
    this.#count++;
  }

  peek(): QueueEntry | undefined {
    return this.#returned.peek() ?? (this.#count > 0 ? this.#ring[this.#head] : undefined);
  }

  shift(): QueueEntry | undefined {
    if (this.#returned.length > 0) return this.#returned.shift();
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
    for (let index = 0; index < entries.length; index++) this.#returned.push(entries[index]!);
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

/**
 * Entries of which the one with the lowest position is always at hand: a binary heap. Clients put
 * messages back one by one and in any order, a hundred thousand of them if they like; neither must
 * cost more than the logarithm of how many there are.
 */
class ReturnedHeap {
  readonly #heap: QueueEntry[] = [];

  get length(): number {
    return this.#heap.length;
  }

  peek(): QueueEntry | undefined {
    return this.#heap[0];
  }

  push(entry: QueueEntry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = at - 1 >> 1;
      if (heap[parent]!.position < entry.position) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  shift(): QueueEntry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.position < heap[child]!.position) child++;
      if (heap[child]!.position > last.position) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
