import type { QueueEntry } from "./entry.ts";

type Chunk = (QueueEntry | undefined)[];

/** A chunk begins so small, and the next one has twice the room. */
const SMALLEST_CHUNK = 4;
/** Up to this. */
const LARGEST_CHUNK = 256;
/** The last chunk is used again if it is not larger. */
const KEPT_CHUNK = 16;
/** Nothing is ever put into it. */
const NO_CHUNK: Chunk = new Array(0);

/**
 * Entries, first in, first out: in arrays that are thrown away when they are read. So it never moves what
 * is in it, and what waits for a moment lies in an array as young as itself: V8 has to note each young
 * object that an old one is given.
 */
export class EntryFifo {
  /** The chunk that is read, and from where. */
  #head: Chunk = NO_CHUNK;
  #start = 0;
  /** The one that is written to, and where. */
  #tail: Chunk = NO_CHUNK;
  #end = 0;
  /** Those that come after the one that is read, up to the one that is written to. */
  #more: Chunk[] | undefined = undefined;
  #count = 0;

  /** How many there are. */
  get length(): number {
    return this.#count;
  }

  /** Adds one at the end. */
  push(entry: QueueEntry): void {
    if (this.#end === this.#tail.length) this.#addChunk();
    this.#tail[this.#end++] = entry;
    this.#count++;
  }

  /** The first one, without taking it. */
  peek(): QueueEntry | undefined {
    if (this.#count === 0) return undefined;
    return this.#start < this.#head.length ? this.#head[this.#start] : this.#more![0]![0];
  }

  /** Takes the first one. */
  shift(): QueueEntry | undefined {
    if (this.#count === 0) return undefined;
    if (this.#start === this.#head.length) this.#nextChunk();
    const entry = this.#head[this.#start];
    this.#head[this.#start++] = undefined;
    if (--this.#count === 0) this.#beginAnew();
    return entry;
  }

  /** Visits all, first things first. */
  forEach(visit: (entry: QueueEntry) => void): void {
    let chunk = this.#head;
    let at = this.#start;
    let next = 0;
    for (let left = this.#count; left > 0; left--) {
      if (at === chunk.length) {
        chunk = this.#more![next++]!;
        at = 0;
      }
      visit(chunk[at++]!);
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

  #addChunk(): void {
    const { length } = this.#tail;
    const chunk: Chunk = new Array(Math.min(Math.max(length * 2, SMALLEST_CHUNK), LARGEST_CHUNK));
    if (this.#tail === NO_CHUNK) this.#head = chunk;
    else (this.#more ??= []).push(chunk);
    this.#tail = chunk;
    this.#end = 0;
  }

  #nextChunk(): void {
    this.#head = this.#more!.shift()!;
    this.#start = 0;
  }

  /** None is left. */
  #beginAnew(): void {
    if (this.#tail.length > KEPT_CHUNK) this.#tail = NO_CHUNK;
    this.#head = this.#tail;
    this.#start = this.#end = 0;
  }
}
