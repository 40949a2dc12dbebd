import type { Message } from "../message.ts";
import type { StoreError } from "../store/error.ts";
import { Backlog, type LoadLimit } from "./backlog.ts";
import { QueueEntry } from "./entry.ts";
import { EntryFifo } from "./entry_fifo.ts";
import type { ReadyList } from "./ready_list.ts";
import { ReturnedHeap } from "./returned_heap.ts";
import type { QueueStorage } from "./storage.ts";
import { firstOf, type TakenMessage, waitingEntry, type WaitingMessage } from "./waiting.ts";

/** So many messages at the head of a queue may be objects, ready to go out: as many as wait while
 * consumers work off what publishers send in bursts, since making numbers of them and objects again
 * costs more than all else that a queue does. */
const WINDOW = 16_384;
/** The same once the queues of the broker have many objects together. */
const SMALL_WINDOW = 1024;
/** How many those are. */
const OBJECTS_MAX = 262_144;
/** Of those that the store has too, so many bytes. */
const WINDOW_BYTES = 4 * 1024 * 1024;
/** The window is filled again by so much when it is empty. */
const REFILL: LoadLimit = { count: 1024, bytes: 1024 * 1024 };
/** The same while memory is short. */
const SMALL_REFILL: LoadLimit = { count: 64, bytes: 128 * 1024 };

const NOTHING = { count: 0, bytes: 0 };

/** What can be chosen about a list. */
export interface FifoOptions {
  /** How many messages at the head are objects. */
  readonly windowMax?: number;
  /** The priority of all messages in it. */
  readonly priority?: number;
  /** True when what comes back goes out in the order in which it came back, not in its old one. */
  readonly inOrderOfReturn?: boolean;
}

/**
 * First in, first out.
 *
 * ```text
 *  out <-- returned, by position <-- window: entries <-- backlog: numbers, bodies elsewhere <-- in
 * ```
 *
 * What comes back after a delivery was ahead of all that has never gone out, so it waits in a heap of
 * its own, by position, which is emptied first. Messages beyond the window wait in the backlog; when
 * there is none, new ones go straight into the window.
 */
export class FifoReadyList implements ReadyList {
  length = 0;
  bytes = 0;
  readonly #storage: QueueStorage;
  readonly #windowMax: number;
  readonly #priority: number;
  readonly #returned: ReturnedHeap | EntryFifo;
  readonly #window = new EntryFifo();
  /** Size of the bodies in the window. */
  #windowBytes = 0;
  #backlog: Backlog | undefined = undefined;
  /** Why the last one that was lost is. */
  #lastDamage: StoreError | undefined = undefined;
  constructor(
    storage: QueueStorage,
    { windowMax = WINDOW, priority = 0, inOrderOfReturn = false }: FifoOptions = {},
  ) {
    this.#storage = storage;
    this.#returned = inOrderOfReturn ? new EntryFifo() : new ReturnedHeap();
    this.#windowMax = windowMax;
    this.#priority = priority;
  }

  #enter(entry: QueueEntry): void {
    this.#windowBytes += entry.message.size;
    this.#storage.pages.objects++;
    this.#window.push(entry);
  }

  /** Made for the first message that waits there: most queues never have one. */
  #neededBacklog(): Backlog {
    const storage = this.#storage;
    return this.#backlog ??= new Backlog(
      storage,
      (position, size, error) => {
        this.bytes -= size;
        if (--this.length === 0) this.bytes = 0;
        // all messages of a page are lost at once
        if (error !== this.#lastDamage) storage.onUnreadable(position, error);
        this.#lastDamage = error;
      },
      this.#priority,
    );
  }

  get #hasBacklog(): boolean {
    return this.#backlog !== undefined && this.#backlog.length > 0;
  }

  get onDisk(): { readonly count: number; readonly bytes: number } {
    return this.#backlog?.onDisk ?? NOTHING;
  }

  get objects(): number {
    return this.#backlog === undefined ? this.length : this.length - this.#backlog.numbers;
  }

  get long(): boolean {
    return this.#hasBacklog || !this.#hasRoom(true);
  }

  push(message: Message, position: number, stored: boolean, deadline = 0): void {
    this.length++;
    this.bytes += message.size;
    if (!this.#hasBacklog && this.#hasRoom(stored)) {
      message.hold(this.#storage.pages);
      this.#enter(new QueueEntry(message, position, stored, deadline, this.#priority));
    } else if (stored) this.#neededBacklog().pushStored(position, message.size);
    else this.#neededBacklog().push(message, position, deadline);
  }

  #hasRoom(stored: boolean): boolean {
    const { length } = this.#window;
    if (length >= this.#windowMax) return false;
    if (length === 0) return true;
    const { pages } = this.#storage;
    if (length >= SMALL_WINDOW && pages.objects >= OBJECTS_MAX || pages.short) return false;
    return !stored || this.#windowBytes < WINDOW_BYTES;
  }

  pushStored(position: number): void {
    this.length++;
    const size = this.#storage.durability!.stored.bodySize(position);
    this.bytes += size;
    this.#neededBacklog().pushStored(position, size);
  }

  get head(): QueueEntry | undefined {
    return this.#returned.peek() ?? this.#window.peek();
  }

  peek(): QueueEntry | undefined {
    return this.#returned.peek() ?? this.#filledWindow().peek();
  }

  shift(): QueueEntry | undefined {
    let entry = this.#returned.shift();
    if (entry === undefined) {
      entry = this.#filledWindow().shift();
      if (entry === undefined) return undefined;
      this.#windowBytes -= entry.message.size;
      this.#storage.pages.objects--;
    }
    this.bytes -= entry.message.size;
    // where something was lost its size was a guess
    if (--this.length === 0) this.bytes = 0;
    return entry;
  }

  shiftExpired(now: number): QueueEntry | undefined {
    const deadline = this.nextDeadline();
    return deadline !== 0 && deadline <= now ? this.shift() : undefined;
  }

  nextDeadline(): number {
    return this.length === 0 ? 0 : this.peek()?.deadline ?? 0;
  }

  /** The window, with something in it if there is anything that can be read. */
  #filledWindow(): EntryFifo {
    if (this.#window.length === 0 && this.#hasBacklog) {
      this.#backlog!.load(
        this.#storage.pages.short ? SMALL_REFILL : REFILL,
        (entry) => this.#enter(entry),
      );
    }
    return this.#window;
  }

  putBack(entries: readonly QueueEntry[]): void {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!;
      this.length++;
      this.bytes += entry.message.size;
      this.#returned.push(entry);
    }
  }

  putLast(entries: readonly QueueEntry[]): void {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!;
      this.length++;
      this.bytes += entry.message.size;
      if (!this.#hasBacklog && this.#hasRoom(entry.stored)) this.#enter(entry);
      else this.#neededBacklog().pushEntry(entry);
    }
  }

  browse(after: number, count: number): WaitingMessage[] {
    const found = this.#backlog?.browse(after, count) ?? [];
    const look = (entry: QueueEntry) => {
      if (entry.position > after) found.push(waitingEntry(entry));
    };
    this.#returned.forEach(look);
    this.#window.forEach(look);
    return firstOf(found, count);
  }

  take(positions: ReadonlySet<number>): TakenMessage[] {
    const inWindow = this.#window.take(positions);
    for (const { message } of inWindow) this.#windowBytes -= message.size;
    this.#storage.pages.objects -= inWindow.length;
    const entries = [...this.#returned.take(positions), ...inWindow];
    const taken: TakenMessage[] = entries.map((entry) => (
      { position: entry.position, entry, retryTime: 0 }
    ));
    if (this.#backlog !== undefined) taken.push(...this.#backlog.take(positions));
    this.length -= taken.length;
    for (const { position, entry } of taken) {
      this.bytes -= entry?.message.size ?? this.#storage.durability!.stored.bodySize(position);
    }
    return taken;
  }

  drop(max: number, onStored: (position: number) => void): number {
    const { pages } = this.#storage;
    let count = 0;
    for (; count < max; count++) {
      let entry = this.#returned.shift();
      if (entry === undefined) {
        entry = this.#window.shift();
        if (entry === undefined) break;
        pages.objects--;
      }
      if (entry.stored) onStored(entry.position);
      entry.message.release(pages);
    }
    count += this.#backlog?.drop(max - count, onStored) ?? 0;
    this.length -= count;
    return count;
  }
}
