import type { QueueEntry } from "./entry.ts";
import type { TakenEntries } from "./waiting.ts";

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

  /** Visits all at once whose position is wanted: much faster than one by one. */
  forEach(wants: (position: number) => boolean, visit: (entry: QueueEntry) => void): void {
    for (const chunk of [this._head, ...this._more ?? []]) {
      for (const entry of chunk) if (entry !== undefined && wants(entry.position)) visit(entry);
    }
  }

  /** Takes those at some positions out, wherever they are. Looks at all, and moves what is next to them. */
  take(positions: ReadonlySet<number>): TakenEntries {
    const entries: QueueEntry[] = [];
    // behind which each was
    const before: (QueueEntry | undefined)[] = [];
    let last: QueueEntry | undefined;
    this._edit((chunk) => {
      const found = entries.length;
      for (const entry of chunk) {
        if (entry === undefined) continue;
        if (!positions.has(entry.position)) last = entry;
        else {
          entries.push(entry);
          before.push(last);
        }
      }
      if (found === entries.length) return undefined;
      return entriesOf(chunk).filter(({ position }) => !positions.has(position));
    });
    this._count -= entries.length;
    return { entries, putBack: (some) => this._putBehind(entries, before, some) };
  }

  /** Puts those that are among some behind those that were before them: first of all where these have left. */
  private _putBehind(
    entries: readonly QueueEntry[],
    before: readonly (QueueEntry | undefined)[],
    some: ReadonlySet<QueueEntry>,
  ): void {
    const rows = new Map<QueueEntry | undefined, QueueEntry[]>();
    for (const [index, entry] of entries.entries()) {
      if (!some.has(entry)) continue;
      const row = rows.get(before[index]);
      if (row === undefined) rows.set(before[index], [entry]);
      else row.push(entry);
    }
    if (rows.size === 0) return;
    this._edit((chunk) => {
      if (!chunk.some((entry) => entry !== undefined && rows.has(entry))) return undefined;
      return entriesOf(chunk).flatMap((entry) => {
        const row = rows.get(entry) ?? [];
        rows.delete(entry);
        this._count += row.length;
        return [entry, ...row];
      });
    });
    this.putFirst([...rows.values()].flat());
  }

  /** Puts some in front of all others. */
  putFirst(entries: readonly QueueEntry[]): void {
    if (entries.length === 0) return;
    let isFirst = true;
    this._edit((chunk) => {
      if (!isFirst) return undefined;
      isFirst = false;
      return [...entries, ...entriesOf(chunk)];
    });
    this._count += entries.length;
  }

  /** Puts some, which are sorted by position, each in front of the first one that has come later. */
  insert(entries: readonly QueueEntry[]): void {
    let next = 0;
    const comes = ({ position }: QueueEntry) =>
      next < entries.length && entries[next]!.position < position;
    this._edit((chunk) => {
      if (!chunk.some((entry) => entry !== undefined && comes(entry))) return undefined;
      return entriesOf(chunk).flatMap((entry) => {
        const first = next;
        while (comes(entry)) next++;
        return [...entries.slice(first, next), entry];
      });
    });
    this._count += next;
    for (const entry of entries.slice(next)) this.push(entry);
  }

  /**
   * Puts other chunks in the place of some.
   *
   * @param edited Tells what is to be in the place of one; undefined: that stays.
   */
  private _edit(edited: (chunk: Chunk) => readonly QueueEntry[] | undefined): void {
    const chunks: Chunk[] = [];
    for (const chunk of [this._head, ...this._more ?? []]) {
      const entries = edited(chunk);
      const next = entries === undefined ? chunk : chunkOf(entries);
      if (next.length > 0) chunks.push(next);
    }
    const head = chunks[0] ?? NO_CHUNK;
    const tail = chunks.at(-1) ?? NO_CHUNK;
    if (head !== this._head) this._start = 0;
    if (tail !== this._tail) this._end = tail.length;
    this._head = head;
    this._tail = tail;
    this._more = chunks.length > 1 ? chunks.slice(1) : undefined;
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

function entriesOf(chunk: Chunk): QueueEntry[] {
  return chunk.filter((entry) => entry !== undefined);
}

/** A chunk that is full, of the same kind as those that are filled. */
function chunkOf(entries: readonly QueueEntry[]): Chunk {
  if (entries.length === 0) return NO_CHUNK;
  const chunk: Chunk = new Array(entries.length);
  for (const [index, entry] of entries.entries()) chunk[index] = entry;
  return chunk;
}
