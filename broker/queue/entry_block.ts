import { smallInteger } from "../amqp/small_integers.ts";
import { Message } from "../message.ts";
import type { Page } from "../pages.ts";
import { QueueEntry } from "./entry.ts";

/** So many entries have a place in a block. */
export const BLOCK_SIZE = 256;
/** Of each entry: its position, where it begins in its page, and its number. */
const NUMBERS = 3;
/** Nothing is ever put into it. */
const NO_ENTRIES: (QueueEntry | undefined)[] = [];

/**
 * Entries side by side: objects at first, and numbers once it is packed. Of a million objects that stay the
 * garbage collector copies each twice, at a stretch; numbers it does not look at. What is in no page stays
 * an object.
 */
export class EntryBlock {
  private _entries: (QueueEntry | undefined)[] = new Array(BLOCK_SIZE);
  /** The pages of those that are numbers. */
  private _pages: (Page | undefined)[] | undefined = undefined;
  private _numbers: Float64Array | undefined = undefined;
  /** Undefined while none of them is ever too old. */
  private _deadlines: Float64Array | undefined = undefined;

  /** Puts one in, as an object. */
  put(at: number, entry: QueueEntry): void {
    if (this._entries === NO_ENTRIES) this._entries = new Array(BLOCK_SIZE);
    this._entries[at] = entry;
  }

  /** True when there is one at a place. */
  has(at: number): boolean {
    return this._entries[at] !== undefined || this._pages?.[at] !== undefined;
  }

  /** The position of one. */
  position(at: number): number {
    return this._entries[at]?.position ?? smallInteger(this._numbers![at * NUMBERS]!);
  }

  /** One that stays: an object that is valid as long as that is so. */
  look(at: number): QueueEntry {
    return this._entries[at] ?? this._entryOf(at, Message.lookParked);
  }

  /** One that stays, and is an object from now on. */
  wake(at: number): QueueEntry {
    const entry = this._entries[at];
    if (entry !== undefined) return entry;
    const woken = this.take(at);
    this.put(at, woken);
    return woken;
  }

  /** Takes one out; its message is held. */
  take(at: number): QueueEntry {
    const entry = this._entries[at];
    if (entry !== undefined) {
      this._entries[at] = undefined;
      return entry;
    }
    const unparked = this._entryOf(at, Message.unpark);
    this._pages![at] = undefined;
    return unparked;
  }

  private _entryOf(at: number, find: (page: Page, pageStart: number) => Message): QueueEntry {
    const numbers = this._numbers!;
    const first = at * NUMBERS;
    return QueueEntry.ofNumber(
      find(this._pages![at]!, numbers[first + 1]!),
      smallInteger(numbers[first]!),
      numbers[first + 2]!,
      this._deadlines?.[at] ?? 0,
    );
  }

  /** Makes numbers of those that can be. */
  pack(): void {
    const entries = this._entries;
    const pages = this._pages ??= new Array(BLOCK_SIZE);
    const numbers = this._numbers ??= new Float64Array(BLOCK_SIZE * NUMBERS);
    let isEmpty = true;
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at];
      if (entry === undefined) continue;
      const { message, position, deadline } = entry;
      const number = entry.toNumber();
      const { pageStart } = message;
      const page = number === undefined ? undefined : message.park();
      if (page === undefined) {
        isEmpty = false;
        continue;
      }
      entries[at] = undefined;
      pages[at] = page;
      numbers.set([position, pageStart, number!], at * NUMBERS);
      if (deadline !== 0) (this._deadlines ??= new Float64Array(BLOCK_SIZE))[at] = deadline;
      else if (this._deadlines !== undefined) this._deadlines[at] = 0;
    }
    if (isEmpty) this._entries = NO_ENTRIES;
  }

  /** Those that are objects, after those have become objects that lie in pages which few messages keep. */
  *heldEntries(): Generator<QueueEntry> {
    for (let at = 0; at < BLOCK_SIZE; at++) {
      if (this._pages?.[at]?.sparse) this.wake(at);
      const entry = this._entries[at];
      if (entry !== undefined) yield entry;
    }
  }
}
