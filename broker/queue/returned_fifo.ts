import type { QueueEntry } from "./entry.ts";
import { EntryFifo } from "./entry_fifo.ts";
import { EntryRow } from "./entry_row.ts";
import type { TakenEntries } from "./waiting.ts";

/** Of more than so many the later ones are kept without objects. */
const OBJECTS_MAX = 4096;

/** Entries that go out in the order in which they came back, a million of them when a connection ends. */
export class ReturnedFifo {
  private readonly _fifo = new EntryFifo();
  /** What comes after those; undefined until there are very many. */
  private _row: EntryRow | undefined = undefined;

  /** How many there are. */
  get length(): number {
    return this._fifo.length + (this._row?.length ?? 0);
  }

  /** Adds one at the end. */
  push(entry: QueueEntry): void {
    if (this._row !== undefined) this._row.push(entry);
    else if (this._fifo.length < OBJECTS_MAX) this._fifo.push(entry);
    else (this._row = new EntryRow()).push(entry);
  }

  /** The first one, without taking it. */
  peek(): QueueEntry | undefined {
    if (this._fifo.length === 0) this._fetch(1);
    return this._fifo.peek();
  }

  /** Takes the first one. */
  shift(): QueueEntry | undefined {
    if (this._fifo.length === 0) this._fetch(1);
    return this._fifo.shift();
  }

  /** So many of those that are no objects come to the others. */
  private _fetch(count: number): void {
    const row = this._row;
    if (row === undefined) return;
    for (; count > 0 && row.length > 0; count--) this._fifo.push(row.shift()!);
    if (row.length === 0) this._row = undefined;
  }

  /** Those that are objects, in no order. Some may come and go meanwhile, and be missed. */
  *heldEntries(): Generator<QueueEntry> {
    yield* this._fifo.values();
    if (this._row !== undefined) yield* this._row.heldEntries();
  }

  /** Visits all at once whose position is wanted; they are valid for the moment. */
  forEach(
    wants: (position: number) => boolean,
    visit: (entry: QueueEntry) => void,
    reaches?: (lowest: number, highest: number) => boolean,
  ): void {
    this._fifo.forEach(wants, visit);
    this._row?.forEach(wants, visit, reaches);
  }

  /** Takes those at some positions out, wherever they are. Looks at all that are objects. */
  take(positions: ReadonlySet<number>): TakenEntries {
    const first = this._fifo.take(positions);
    const row = this._row;
    if (row === undefined) return first;
    const { entries, places } = row.take(positions);
    return {
      entries: [...first.entries, ...entries],
      putBack: (some) => {
        const passed = entries.filter((entry, index) =>
          some.has(entry) && !(row === this._row && row.putBack(entry, places[index]!))
        );
        this._fifo.putFirst(passed);
        first.putBack(some);
      },
    };
  }

  /** Puts some in front of all others. */
  putFirst(entries: readonly QueueEntry[]): void {
    this._fifo.putFirst(entries);
  }
}
