import type { QueueEntry } from "./entry.ts";

const SMALLEST_RING = 4;
/** Nothing is ever put into it. */
const NO_RING: (QueueEntry | undefined)[] = new Array(0);

/** Entries, first in, first out: a ring that grows and shrinks. */
export class EntryRing {
  /** `#head` is the first of `#count` entries. Its size is a power of two. */
  #ring: (QueueEntry | undefined)[] = NO_RING;
  #head = 0;
  #count = 0;

  /** How many there are. */
  get length(): number {
    return this.#count;
  }

  /** Adds one at the end. */
  push(entry: QueueEntry): void {
    if (this.#count === this.#ring.length) this.#resize(this.#ring.length * 2);
    this.#ring[this.#head + this.#count & this.#ring.length - 1] = entry;
    this.#count++;
  }

  /** The first one, without taking it. */
  peek(): QueueEntry | undefined {
    return this.#count > 0 ? this.#ring[this.#head] : undefined;
  }

  /** Takes the first one. */
  shift(): QueueEntry | undefined {
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

  /** Visits all, first things first. */
  forEach(visit: (entry: QueueEntry) => void): void {
    for (let index = 0; index < this.#count; index++) {
      visit(this.#ring[this.#head + index & this.#ring.length - 1]!);
    }
  }

  /** Takes those at some positions out, wherever they are. Looks at all. */
  take(positions: ReadonlySet<number>): QueueEntry[] {
    const taken: QueueEntry[] = [];
    for (let count = this.#count; count > 0; count--) {
      const entry = this.shift()!;
      if (positions.has(entry.position)) taken.push(entry);
      else this.push(entry);
    }
    return taken;
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
