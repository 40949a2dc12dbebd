import type { QueueEntry } from "./entry.ts";
import { BLOCK_SIZE, EntryBlock } from "./entry_block.ts";

/** Entries that stay for a while and leave in any order. But for the latest ones they are no objects. */
export class ParkedEntries {
  /** Undefined where nothing is left. */
  private readonly _blocks: (EntryBlock | undefined)[] = [];
  /** How many there are in each. */
  private readonly _counts: number[] = [];
  /** Where nothing is left. */
  private readonly _free: number[] = [];
  /** The one that is filled, and where. */
  private _current = -1;
  private _next = BLOCK_SIZE;

  /** Adds one, and tells where it is. */
  add(entry: QueueEntry): number {
    if (this._next === BLOCK_SIZE) this._begin();
    this._counts[this._current]!++;
    this._blocks[this._current]!.put(this._next, entry);
    return this._current * BLOCK_SIZE + this._next++;
  }

  private _begin(): void {
    const full = this._current;
    this._next = 0;
    // nearly always, where few wait
    if (full >= 0 && this._counts[full] === 0) return;
    if (full >= 0) this._blocks[full]!.pack();
    this._current = this._free.pop() ?? this._blocks.length;
    this._blocks[this._current] = new EntryBlock();
    this._counts[this._current] = 0;
  }

  /** One that stays: an object that is valid as long as that is so. */
  look(at: number): QueueEntry {
    return this._blocks[Math.floor(at / BLOCK_SIZE)]!.look(at % BLOCK_SIZE);
  }

  /** One that stays, and is an object from now on. */
  wake(at: number): QueueEntry {
    return this._blocks[Math.floor(at / BLOCK_SIZE)]!.wake(at % BLOCK_SIZE);
  }

  /** Takes one out. */
  take(at: number): QueueEntry {
    const block = Math.floor(at / BLOCK_SIZE);
    const entry = this._blocks[block]!.take(at % BLOCK_SIZE);
    if (--this._counts[block]! === 0 && block !== this._current) {
      this._blocks[block] = undefined;
      this._free.push(block);
    }
    return entry;
  }

  /** Those that are objects; first those become objects again that should move to other pages. Some may come
   * and go meanwhile. */
  *heldEntries(): Generator<QueueEntry> {
    for (const block of [...this._blocks]) if (block !== undefined) yield* block.heldEntries();
  }
}
