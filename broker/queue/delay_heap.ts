import type { DropSome } from "./discard.ts";
import { placesOfRanks } from "./ranks.ts";

/** Room for so many stays when none is left. */
const KEPT_MAX = 1024;

/** A message in a heap. */
export interface DelayEntry {
  /** When it is due. */
  readonly time: number;
  /** Tells it from the others. */
  readonly id: number;
  /** Where it lies; its owner knows what that means. */
  readonly place: number;
}

/** A part of all so small is dealt with one by one. */
const FEW_PART = 64;
/** Of so many and more a sample tells where the first ids are. */
const MANY = 4096;
/** So many of them are the sample. */
const SAMPLE = 2048;
/** Ids that have these bits in common are looked for in the same way. */
const FILTER = 0xffff;

/**
 * What waits for its time, the first one at hand: a heap with four children to a node, in typed
 * arrays, 24 bytes for each. Those of the same millisecond go by their ids.
 */
export class DelayHeap {
  #times = new Float64Array(16);
  #ids = new Float64Array(16);
  #places = new Float64Array(16);
  #length = 0;

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** When the first one is due; Infinity when there is none. */
  get firstTime(): number {
    return this.#length === 0 ? Infinity : this.#times[0]!;
  }

  /** The id of that one; there must be one. */
  get firstId(): number {
    return this.#ids[0]!;
  }

  /** Adds one. */
  add(time: number, id: number, place: number): void {
    let at = this.#room();
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (!this.#isAfter(parent, time, id)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, time, id, place);
  }

  /** Adds one without looking where it belongs: `sort` comes when all are there. */
  append(time: number, id: number, place: number): void {
    this.#set(this.#room(), time, id, place);
  }

  /** Makes a heap of what was appended. */
  sort(): void {
    for (let at = (this.#length - 2) >> 2; at >= 0; at--) {
      this.#sink(at, this.#times[at]!, this.#ids[at]!, this.#places[at]!);
    }
  }

  /** Takes the first one. */
  shift(): DelayEntry | undefined {
    if (this.#length === 0) return undefined;
    const first = this.#entry(0);
    const last = --this.#length;
    if (last === 0) this.#shrink();
    else this.#sink(0, this.#times[last]!, this.#ids[last]!, this.#places[last]!);
    return first;
  }

  /** Takes those of some ids, first things first. Looks at all. */
  take(ids: ReadonlySet<number>): DelayEntry[] {
    const places = this.#placesOf(ids);
    const taken = Array.from(places, (at) => this.#entry(at));
    if (places.size > this.#length / FEW_PART) this.#removeMany(places);
    else {
      for (const at of places) {
        places.delete(at);
        this.#removeAt(at, places);
      }
    }
    return taken.sort(inOrder);
  }

  /** Where those of some ids are. Most of very many are passed over by a look at a few bits of theirs. */
  #placesOf(ids: ReadonlySet<number>): Set<number> {
    const places = new Set<number>();
    const mayBe = new Uint8Array(FILTER + 1);
    for (const id of ids) mayBe[id & FILTER] = 1;
    for (let at = 0; at < this.#length; at++) {
      const id = this.#ids[at]!;
      if (mayBe[id & FILTER] === 1 && ids.has(id)) places.add(at);
    }
    return places;
  }

  /** Removes those at some places, which are a good part of all. */
  #removeMany(places: ReadonlySet<number>): void {
    let kept = 0;
    for (let at = 0; at < this.#length; at++) if (!places.has(at)) this.#move(at, kept++);
    this.#length = kept;
    if (kept === 0) this.#shrink();
    this.sort();
  }

  /** Removes the one at a place; others that are to go as well may move, and `places` with them. */
  #removeAt(at: number, places: Set<number>): void {
    const last = --this.#length;
    if (at === last) return;
    const goesToo = places.delete(last);
    const { time, id, place } = this.#entry(last);
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (!this.#isAfter(parent, time, id)) break;
      this.#move(parent, at);
      if (places.delete(parent)) places.add(at);
      at = parent;
    }
    for (;;) {
      const least = this.#leastChild(at);
      if (least < 0 || !this.#isBefore(least, time, id)) break;
      this.#move(least, at);
      if (places.delete(least)) places.add(at);
      at = least;
    }
    this.#set(at, time, id, place);
    if (goesToo) places.add(at);
  }

  /**
   * Visits those with the first ids behind another one, in no order, and not very many more. Looks at all ids
   * once, or twice if that was not enough.
   *
   * @param after They are higher than this.
   * @param count So many are wanted.
   */
  visitFirstIds(
    after: number,
    count: number,
    visit: (id: number, time: number, place: number) => void,
  ): void {
    let end = this.#length < MANY ? Infinity : this.#idBehind(after, count);
    let found = 0;
    for (let from = after; found < count; from = end, end = Infinity) {
      for (let at = 0; at < this.#length; at++) {
        const id = this.#ids[at]!;
        if (id <= from || id > end) continue;
        found++;
        visit(id, this.#times[at]!, this.#places[at]!);
      }
      if (end === Infinity) break;
    }
  }

  /** Up to this id there are likely to be so many behind another one, and not many more; Infinity: maybe not. */
  #idBehind(after: number, count: number): number {
    const sample = new Float64Array(SAMPLE);
    let size = 0;
    for (let at = 0; at < SAMPLE; at++) {
      const id = this.#ids[Math.floor(at * this.#length / SAMPLE)]!;
      if (id > after) sample[size++] = id;
    }
    const share = count * SAMPLE / this.#length;
    const at = Math.ceil(share + 4 * Math.sqrt(share) + 4);
    return at < size ? sample.subarray(0, size).sort()[at]! : Infinity;
  }

  /**
   * Takes all.
   *
   * @param visit Is called for each, about in order.
   * @returns Visits so many at most; true when that was the last of them.
   */
  clear(visit: (id: number, place: number) => void): DropSome {
    const ids = this.#ids;
    const places = this.#places;
    const length = this.#length;
    this.#length = 0;
    this.#begin(16);
    let at = 0;
    return (max) => {
      for (const end = Math.min(at + max, length); at < end; at++) visit(ids[at]!, places[at]!);
      return at === length;
    };
  }

  /** Some of them in order, as if all were in a row; they stay. Costs three looks at each, unless they are among
   * the first of very many. */
  slice(start: number, end: number): DelayEntry[] {
    end = Math.min(end, this.#length);
    if (start >= end) return [];
    if (end < this.#length / FEW_PART) return this.#firstOnes(end).slice(start);
    const all = {
      times: this.#times.subarray(0, this.#length),
      ids: this.#ids.subarray(0, this.#length),
    };
    return placesOfRanks(all, start, end).map((at) => this.#entry(at));
  }

  /** The first ones in order: each comes after its parent, so few others are looked at. */
  #firstOnes(count: number): DelayEntry[] {
    const found: DelayEntry[] = [];
    // where those are of which the next one is the first
    const next = new DelayHeap();
    next.add(this.#times[0]!, this.#ids[0]!, 0);
    while (found.length < count) {
      const { place: at } = next.shift()!;
      found.push(this.#entry(at));
      const end = Math.min(4 * at + 5, this.#length);
      for (let child = 4 * at + 1; child < end; child++) {
        next.add(this.#times[child]!, this.#ids[child]!, child);
      }
    }
    return found;
  }

  #entry(at: number): DelayEntry {
    return { time: this.#times[at]!, id: this.#ids[at]!, place: this.#places[at]! };
  }

  /** Puts one at a free place, or further down. */
  #sink(at: number, time: number, id: number, place: number): void {
    for (;;) {
      const least = this.#leastChild(at);
      if (least < 0 || !this.#isBefore(least, time, id)) break;
      this.#move(least, at);
      at = least;
    }
    this.#set(at, time, id, place);
  }

  /** The child of a place that is due first; -1: it has none. */
  #leastChild(at: number): number {
    const first = 4 * at + 1;
    if (first >= this.#length) return -1;
    let least = first;
    const end = Math.min(first + 4, this.#length);
    for (let child = first + 1; child < end; child++) {
      if (this.#isBefore(child, this.#times[least]!, this.#ids[least]!)) least = child;
    }
    return least;
  }

  #isBefore(at: number, time: number, id: number): boolean {
    const own = this.#times[at]!;
    return own < time || (own === time && this.#ids[at]! < id);
  }

  #isAfter(at: number, time: number, id: number): boolean {
    const own = this.#times[at]!;
    return own > time || (own === time && this.#ids[at]! > id);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from]!, this.#ids[from]!, this.#places[from]!);
  }

  #set(at: number, time: number, id: number, place: number): void {
    this.#times[at] = time;
    this.#ids[at] = id;
    this.#places[at] = place;
  }

  /** Nothing is left: the room for very many is given back. */
  #shrink(): void {
    if (this.#times.length > KEPT_MAX) this.#begin(KEPT_MAX);
  }

  #begin(size: number): void {
    this.#times = new Float64Array(size);
    this.#ids = new Float64Array(size);
    this.#places = new Float64Array(size);
  }

  /** Makes room for one more and tells where it is. */
  #room(): number {
    if (this.#length === this.#times.length) {
      const size = 2 * this.#length;
      this.#times = enlarged(this.#times, size);
      this.#ids = enlarged(this.#ids, size);
      this.#places = enlarged(this.#places, size);
    }
    return this.#length++;
  }
}

function inOrder(one: DelayEntry, other: DelayEntry): number {
  return one.time - other.time || one.id - other.id;
}

function enlarged(array: Float64Array<ArrayBuffer>, size: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(size);
  larger.set(array);
  return larger;
}
