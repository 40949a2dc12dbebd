import type { QueueEntry } from "./entry.ts";
import { BLOCK_SIZE, EntryBlock } from "./entry_block.ts";
import { hasBetween } from "./waiting.ts";

/** So many blocks that are gone are forgotten at once. */
const GONE_MAX = 64;

/** Very many entries one after another. But for the latest ones they are no objects. */
export class EntryRow {
  /** How many there are. */
  length = 0;
  /** The position of the one that was added last. */
  lastPosition = 0;
  private readonly _blocks: EntryBlock[] = [];
  /** No position in the block with the same index is lower, or higher. */
  private readonly _lowest: number[] = [];
  private readonly _highest: number[] = [];
  /** Where the first one may be, and where the next one is put, in the blocks that there are. */
  private _start = 0;
  private _end = 0;
  /** How many places were before these. */
  private _gone = 0;

  /** Adds one at the end. */
  push(entry: QueueEntry): void {
    if (this._end === this._blocks.length * BLOCK_SIZE) {
      this._blocks.at(-1)?.pack();
      this._blocks.push(new EntryBlock());
      this._lowest.push(entry.position);
      this._highest.push(entry.position);
    }
    const last = this._blocks.length - 1;
    this._blocks[last]!.put(this._end++ % BLOCK_SIZE, entry);
    const { position } = entry;
    if (position > this._highest[last]!) this._highest[last] = position;
    else if (position < this._lowest[last]!) this._lowest[last] = position;
    this.lastPosition = position;
    this.length++;
  }

  /** The position of one, as they came, if none was taken from the front. */
  position(index: number): number {
    return this._blockOf(index).position(index % BLOCK_SIZE);
  }

  /** Takes the first one. */
  shift(): QueueEntry | undefined {
    if (this.length === 0) return undefined;
    this._toFirst();
    const entry = this.takeAt(this._start++);
    const gone = Math.floor(this._start / BLOCK_SIZE);
    if (gone < GONE_MAX || gone < this._blocks.length / 2) return entry;
    for (const row of [this._blocks, this._lowest, this._highest]) row.splice(0, gone);
    this._start -= gone * BLOCK_SIZE;
    this._end -= gone * BLOCK_SIZE;
    this._gone += gone * BLOCK_SIZE;
    return entry;
  }

  /** Takes one by when it came, if none was taken from the front. */
  takeAt(index: number): QueueEntry {
    this.length--;
    return this._blockOf(index).take(index % BLOCK_SIZE);
  }

  /** Takes those at some positions out, and tells where each was. Looks at the blocks that they may be in. */
  take(positions: ReadonlySet<number>): { entries: QueueEntry[]; places: number[] } {
    const entries: QueueEntry[] = [];
    const places: number[] = [];
    const sorted = Float64Array.from(positions).sort();
    for (let at = 0; at < this._blocks.length; at++) {
      if (!hasBetween(sorted, this._lowest[at]!, this._highest[at]!)) continue;
      const first = at * BLOCK_SIZE;
      const end = Math.min(first + BLOCK_SIZE, this._end);
      for (let index = Math.max(first, this._start); index < end; index++) {
        if (!this._has(index) || !positions.has(this.position(index))) continue;
        entries.push(this.takeAt(index));
        places.push(this._gone + index);
      }
    }
    return { entries, places };
  }

  /**
   * Puts one back that was taken out.
   *
   * @param place Where it was.
   * @returns False when others that came after it have left.
   */
  putBack(entry: QueueEntry, place: number): boolean {
    const index = place - this._gone;
    if (index < this._start) return false;
    this._blockOf(index).put(index % BLOCK_SIZE, entry);
    this.length++;
    return true;
  }

  /**
   * Visits all at once whose position is wanted; they are valid for the moment.
   *
   * @param reaches False when none from one position to another is wanted.
   */
  forEach(
    wants: (position: number) => boolean,
    visit: (entry: QueueEntry) => void,
    reaches: (lowest: number, highest: number) => boolean = () => true,
  ): void {
    for (let at = 0; at < this._blocks.length; at++) {
      if (!reaches(this._lowest[at]!, this._highest[at]!)) continue;
      const first = at * BLOCK_SIZE;
      const end = Math.min(first + BLOCK_SIZE, this._end);
      for (let index = Math.max(first, this._start); index < end; index++) {
        if (!this._has(index) || !wants(this.position(index))) continue;
        visit(this._blockOf(index).look(index % BLOCK_SIZE));
      }
    }
  }

  /** Those that are objects; first those become objects again that should move to other pages. Some may come
   * and go meanwhile. */
  *heldEntries(): Generator<QueueEntry> {
    for (const block of [...this._blocks]) yield* block.heldEntries();
  }

  private _toFirst(): void {
    while (!this._has(this._start)) this._start++;
  }

  private _has(index: number): boolean {
    return this._blockOf(index).has(index % BLOCK_SIZE);
  }

  private _blockOf(index: number): EntryBlock {
    return this._blocks[Math.floor(index / BLOCK_SIZE)]!;
  }
}
