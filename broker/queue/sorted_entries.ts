import { smallInteger } from "../amqp/small_integers.ts";
import type { QueueEntry } from "./entry.ts";
import { ParkedEntries } from "./parked_entries.ts";

/** So many stand in a run. */
const RUN_SIZE = 512;

/** Neighbours by position: where they stand lies between `start` and `end`. */
class Run {
  readonly positions = new Float64Array(RUN_SIZE);
  /** Where each is parked. */
  readonly places = new Uint32Array(RUN_SIZE);
  start: number;
  end: number;

  /** @param at Where the first one will be put, or in front of what. */
  constructor(at: number) {
    this.start = this.end = at;
  }

  get length(): number {
    return this.end - this.start;
  }

  get lowest(): number {
    return smallInteger(this.positions[this.start]!);
  }

  get highest(): number {
    return smallInteger(this.positions[this.end - 1]!);
  }

  /** Where the first one is whose position is not lower. */
  find(position: number): number {
    let [low, high] = [this.start, this.end];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.positions[middle]! < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds one at the end; there must be room. */
  append(position: number, place: number): void {
    this.positions[this.end] = position;
    this.places[this.end++] = place;
  }

  /** Adds one in front of all; there must be room. */
  prepend(position: number, place: number): void {
    this.positions[--this.start] = position;
    this.places[this.start] = place;
  }

  /** Puts one where it belongs; there must be room somewhere. */
  insert(position: number, place: number): void {
    let at = this.find(position);
    if (this.end < RUN_SIZE) this._move(at, this.end++, 1);
    else this._move(this.start--, at--, -1);
    this.positions[at] = position;
    this.places[at] = place;
  }

  /** Takes one out, and tells where it is parked. */
  remove(at: number): number {
    const place = this.places[at]!;
    if (at === this.start) this.start++;
    else {
      this._move(at + 1, this.end, -1);
      this.end--;
    }
    return place;
  }

  private _move(from: number, end: number, by: number): void {
    this.positions.copyWithin(from + by, from, end);
    this.places.copyWithin(from + by, from, end);
  }

  /** The second half goes to a run of its own. */
  split(): Run {
    const other = new Run(0);
    const from = this.start + (this.length >> 1);
    other.positions.set(this.positions.subarray(from, this.end));
    other.places.set(this.places.subarray(from, this.end));
    other.end = this.end - from;
    this.end = from;
    return other;
  }
}

/** Very many entries by their positions, in whatever order they come. But for the latest ones they are no
 * objects. */
export class SortedEntries {
  /** How many there are. */
  length = 0;
  /** The lowest positions first; none is empty. */
  private readonly _runs: Run[] = [];
  private readonly _parked = new ParkedEntries();

  /** The lowest position; there must be one. */
  get firstPosition(): number {
    return this._runs[0]!.lowest;
  }

  /** The highest position; there must be one. */
  get lastPosition(): number {
    return this._runs[this._runs.length - 1]!.highest;
  }

  /** Adds one. */
  push(entry: QueueEntry): void {
    const { position } = entry;
    const place = this._parked.add(entry);
    this.length++;
    // those that come in order fill their runs, and those that come the other way round do so, too
    const runs = this._runs;
    if (this.length === 1 || position > this.lastPosition) {
      if (this.length === 1 || runs[runs.length - 1]!.end === RUN_SIZE) runs.push(new Run(0));
      runs[runs.length - 1]!.append(position, place);
    } else if (position < this.firstPosition) {
      if (runs[0]!.start === 0) runs.unshift(new Run(RUN_SIZE));
      runs[0]!.prepend(position, place);
    } else this._insert(position, place);
  }

  private _insert(position: number, place: number): void {
    const at = this._runOf(position);
    let run = this._runs[at]!;
    if (run.length === RUN_SIZE) {
      const other = run.split();
      this._runs.splice(at + 1, 0, other);
      if (position > other.lowest) run = other;
    }
    run.insert(position, place);
  }

  /** The last run that begins at a position or before it, or the first one. */
  private _runOf(position: number): number {
    let [low, high] = [1, this._runs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this._runs[middle]!.lowest <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The one with the lowest position, without taking it: who looks takes it next, mostly, and so it is not made
   * an object twice. */
  peek(): QueueEntry | undefined {
    const first = this._runs[0];
    return first && this._parked.wake(first.places[first.start]!);
  }

  /** Takes the one with the lowest position. */
  shift(): QueueEntry | undefined {
    const first = this._runs[0];
    return first && this._takeAt(0, first.start);
  }

  private _takeAt(at: number, index: number): QueueEntry {
    const run = this._runs[at]!;
    const place = run.remove(index);
    if (run.length === 0) this._runs.splice(at, 1);
    this.length--;
    return this._parked.take(place);
  }

  /** Takes those at some positions out, without a look at the others. */
  take(positions: Iterable<number>): QueueEntry[] {
    const taken: QueueEntry[] = [];
    for (const position of positions) {
      if (this.length === 0) break;
      const at = this._runOf(position);
      const run = this._runs[at]!;
      const index = run.find(position);
      if (index < run.end && run.positions[index] === position) {
        taken.push(this._takeAt(at, index));
      }
    }
    return taken;
  }

  /**
   * Visits all at once whose position is wanted, low ones first; they are valid for the moment.
   *
   * @param reaches False when none from one position to another is wanted.
   */
  forEach(
    wants: (position: number) => boolean,
    visit: (entry: QueueEntry) => void,
    reaches: (lowest: number, highest: number) => boolean = () => true,
  ): void {
    for (const run of this._runs) {
      if (!reaches(run.lowest, run.highest)) continue;
      for (let index = run.start; index < run.end; index++) {
        if (wants(smallInteger(run.positions[index]!))) {
          visit(this._parked.look(run.places[index]!));
        }
      }
    }
  }

  /** Those that are objects; first those become objects again that should move to other pages. Some may come
   * and go meanwhile. */
  heldEntries(): Iterable<QueueEntry> {
    return this._parked.heldEntries();
  }
}
