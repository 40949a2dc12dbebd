import type { QueueEntry } from "./entry.ts";

/**
 * Entries of which the one with the lowest position is always at hand: a binary heap. Clients put
 * messages back one by one and in any order, a hundred thousand of them if they like; neither must
 * cost more than the logarithm of how many there are.
 */
export class ReturnedHeap {
  private readonly _heap: QueueEntry[] = [];

  /** How many there are. */
  get length(): number {
    return this._heap.length;
  }

  /** The one with the lowest position, without taking it. */
  peek(): QueueEntry | undefined {
    return this._heap[0];
  }

  /** Adds one. */
  push(entry: QueueEntry): void {
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

  /** Takes those at some positions out. Looks at all. */
  take(positions: ReadonlySet<number>): QueueEntry[] {
    const taken = this._heap.filter(({ position }) => positions.has(position));
    if (taken.length === 0) return taken;
    const rest = this._heap.filter(({ position }) => !positions.has(position));
    this._heap.length = 0;
    for (const entry of rest) this.push(entry);
    return taken;
  }

  /** All of them, in no order, some maybe twice. Some may come and go meanwhile, and be missed. */
  *values(): Generator<QueueEntry> {
    // where one is taken, others only move to the front
    for (let at = this._heap.length - 1; at >= 0; at--) {
      const entry = this._heap[at];
      if (entry !== undefined) yield entry;
    }
  }

  /** Visits all at once, low positions rather first: much faster than one by one. */
  forEach(visit: (entry: QueueEntry) => void): void {
    this._heap.forEach(visit);
  }

  /** Adds some, which have their places by themselves. */
  putFirst(entries: readonly QueueEntry[]): void {
    this.putBack(entries);
  }

  /** The same. */
  putBack(entries: Iterable<QueueEntry>, _order?: readonly QueueEntry[]): void {
    for (const entry of entries) this.push(entry);
  }

  /** Takes the one with the lowest position. */
  shift(): QueueEntry | undefined {
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
