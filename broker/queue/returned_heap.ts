import type { QueueEntry } from "./entry.ts";
import { SortedEntries } from "./sorted_entries.ts";
import type { TakenEntries } from "./waiting.ts";

/** What more than so many are is kept without objects. */
const OBJECTS_MAX = 4096;

/**
 * Entries of which the one with the lowest position is always at hand: a binary heap. Clients put
 * messages back one by one and in any order, a million of them if they like; neither must cost more
 * than the logarithm of how many there are. Of very many the later ones are no objects, and those stand
 * sorted, so that some of them are found without a look at all.
 */
export class ReturnedHeap {
  private readonly _heap: QueueEntry[] = [];
  /** Undefined until there are very many. */
  private _sorted: SortedEntries | undefined = undefined;

  /** How many there are. */
  get length(): number {
    return this._heap.length + (this._sorted?.length ?? 0);
  }

  /** The one with the lowest position, without taking it. */
  peek(): QueueEntry | undefined {
    const sorted = this._sorted;
    return sorted !== undefined && this._hasNext(sorted) ? sorted.peek() : this._heap[0];
  }

  /** True when the next one is not in the heap. */
  private _hasNext(sorted: SortedEntries): boolean {
    return this._heap.length === 0 || sorted.firstPosition < this._heap[0]!.position;
  }

  /** Adds one. */
  push(entry: QueueEntry): void {
    const sorted = this._sorted;
    if (
      this._heap.length < OBJECTS_MAX &&
      (sorted === undefined || entry.position < sorted.lastPosition)
    ) this._add(entry);
    else (this._sorted ??= new SortedEntries()).push(entry);
  }

  private _add(entry: QueueEntry): void {
    const heap = this._heap;
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

  /** Takes those at some positions out. Looks at all in the heap. */
  take(positions: ReadonlySet<number>): TakenEntries {
    const heap = this._heap;
    const highest = highestOf(positions);
    const places = new Set<number>();
    for (let at = 0; at < heap.length; at++) {
      const { position } = heap[at]!;
      if (position <= highest && positions.has(position)) places.add(at);
    }
    const taken = Array.from(places, (at) => heap[at]!);
    for (const at of places) {
      places.delete(at);
      this._removeAt(at, places);
    }
    if (this._sorted !== undefined) {
      for (const entry of this._sorted.take(positions)) taken.push(entry);
      this._forgetEmpty(this._sorted);
    }
    return {
      entries: taken,
      // each has its place by itself
      putBack: (some) => this.putFirst(taken.filter((entry) => some.has(entry))),
    };
  }

  private _forgetEmpty(sorted: SortedEntries): void {
    if (sorted.length === 0) this._sorted = undefined;
  }

  /** Removes the one at a place; others that are to go as well may move, and `places` with them. */
  private _removeAt(at: number, places: Set<number>): void {
    const heap = this._heap;
    const last = heap.pop()!;
    if (at === heap.length) return;
    const goesToo = places.delete(heap.length);
    while (at > 0) {
      const parent = at - 1 >> 1;
      if (heap[parent]!.position < last.position) break;
      this._move(parent, at, places);
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.position < heap[child]!.position) child++;
      if (heap[child]!.position > last.position) break;
      this._move(child, at, places);
      at = child;
    }
    heap[at] = last;
    if (goesToo) places.add(at);
  }

  private _move(from: number, to: number, places: Set<number>): void {
    this._heap[to] = this._heap[from]!;
    if (places.delete(from)) places.add(to);
  }

  /** Those that are objects, in no order, some maybe twice. Some may come and go meanwhile, and be missed. */
  *heldEntries(): Generator<QueueEntry> {
    // where one is taken, others only move to the front
    for (let at = this._heap.length - 1; at >= 0; at--) {
      const entry = this._heap[at];
      if (entry !== undefined) yield entry;
    }
    if (this._sorted !== undefined) yield* this._sorted.heldEntries();
  }

  /** Visits all at once whose position is wanted, low ones rather first; they are valid for the moment. */
  forEach(
    wants: (position: number) => boolean,
    visit: (entry: QueueEntry) => void,
    reaches?: (lowest: number, highest: number) => boolean,
  ): void {
    for (const entry of this._heap) if (wants(entry.position)) visit(entry);
    this._sorted?.forEach(wants, visit, reaches);
  }

  /** Adds some, which have their places by themselves. */
  putFirst(entries: readonly QueueEntry[]): void {
    for (const entry of entries) this.push(entry);
  }

  /** Takes the one with the lowest position. */
  shift(): QueueEntry | undefined {
    const sorted = this._sorted;
    if (sorted !== undefined && this._hasNext(sorted)) {
      const next = sorted.shift();
      this._forgetEmpty(sorted);
      return next;
    }
    const heap = this._heap;
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

function highestOf(positions: ReadonlySet<number>): number {
  let highest = -1;
  for (const position of positions) if (position > highest) highest = position;
  return highest;
}
