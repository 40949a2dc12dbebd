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
  private _head: Chunk = NO_CHUNK;
  private _start = 0;
  /** The one that is written to, and where. */
  private _tail: Chunk = NO_CHUNK;
  private _end = 0;
  /** Those that come after the one that is read, up to the one that is written to. */
  private _more: Chunk[] | undefined = undefined;
  private _count = 0;

  /** How many there are. */
  get length(): number {
    return this._count;
  }

  /** Adds one at the end. */
  push(entry: QueueEntry): void {
    if (this._end === this._tail.length) this._addChunk();
    this._tail[this._end++] = entry;
    this._count++;
  }

  /** The first one, without taking it. */
  peek(): QueueEntry | undefined {
    if (this._count === 0) return undefined;
    return this._start < this._head.length ? this._head[this._start] : this._more![0]![0];
  }

  /** Takes the first one. */
  shift(): QueueEntry | undefined {
    if (this._count === 0) return undefined;
    if (this._start === this._head.length) this._nextChunk();
    const entry = this._head[this._start];
    this._head[this._start++] = undefined;
    if (--this._count === 0) this._beginAnew();
    return entry;
  }

  /** All of them, first things first. Some may come and go meanwhile, and be missed. */
  *values(): Generator<QueueEntry> {
    for (const chunk of [this._head, ...this._more ?? []]) {
      for (const entry of chunk) if (entry !== undefined) yield entry;
    }
  }

  /** All of them, for `putBack`. */
  order(): readonly QueueEntry[] {
    return [...this.values()];
  }

  /** Visits all at once whose position is wanted: much faster than one by one. */
  forEach(wants: (position: number) => boolean, visit: (entry: QueueEntry) => void): void {
    for (const chunk of [this._head, ...this._more ?? []]) {
      for (const entry of chunk) if (entry !== undefined && wants(entry.position)) visit(entry);
    }
  }

  /** Takes those at some positions out, wherever they are. Looks at all. */
  take(positions: ReadonlySet<number>): QueueEntry[] {
    const taken: QueueEntry[] = [];
    for (let count = this._count; count > 0; count--) {
      const entry = this.shift()!;
      if (positions.has(entry.position)) taken.push(entry);
      else this.push(entry);
    }
    return taken;
  }

  /** Puts some in front of all others. */
  putFirst(entries: readonly QueueEntry[]): void {
    this.putBack(new Set(entries), entries);
  }

  /**
   * Puts some back where they were.
   *
   * @param entries Those that are put back.
   * @param order What was here when they were, first things first. What has come since stays behind it.
   */
  putBack(entries: ReadonlySet<QueueEntry>, order: readonly QueueEntry[]): void {
    const others = new Set<QueueEntry>();
    for (let entry = this.shift(); entry !== undefined; entry = this.shift()) others.add(entry);
    for (const entry of order) if (others.delete(entry) || entries.has(entry)) this.push(entry);
    for (const entry of others) this.push(entry);
  }

  /** Puts one in front of the first one that has come later. */
  insert(entry: QueueEntry): void {
    const order = [...this.values()];
    const at = order.findIndex(({ position }) => position > entry.position);
    order.splice(at < 0 ? order.length : at, 0, entry);
    this.putBack(new Set([entry]), order);
  }

  private _addChunk(): void {
    const { length } = this._tail;
    const chunk: Chunk = new Array(Math.min(Math.max(length * 2, SMALLEST_CHUNK), LARGEST_CHUNK));
    if (this._tail === NO_CHUNK) this._head = chunk;
    else (this._more ??= []).push(chunk);
    this._tail = chunk;
    this._end = 0;
  }

  private _nextChunk(): void {
    this._head = this._more!.shift()!;
    this._start = 0;
  }

  /** None is left. */
  private _beginAnew(): void {
    if (this._tail.length > KEPT_CHUNK) this._tail = NO_CHUNK;
    this._head = this._tail;
    this._start = this._end = 0;
  }
}
