import type { Message } from "../message.ts";
import type { StoreError } from "../store/error.ts";
import { Backlog, type LoadLimit } from "./backlog.ts";
import { QueueEntry } from "./entry.ts";
import { EntryFifo } from "./entry_fifo.ts";
import type { ReadyList } from "./ready_list.ts";
import { ReturnedFifo } from "./returned_fifo.ts";
import { ReturnedHeap } from "./returned_heap.ts";
import type { QueueStorage } from "./storage.ts";
import {
  firstOf,
  FirstOnes,
  type Taken,
  type TakenMessage,
  waitingEntry,
  type WaitingMessage,
} from "./waiting.ts";

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
/** Of those that are put behind all others so many stay objects. */
const HELD_MAX = 1024;
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
  private readonly _storage: QueueStorage;
  private readonly _windowMax: number;
  private readonly _priority: number;
  private readonly _returned: ReturnedHeap | ReturnedFifo;
  private readonly _window = new EntryFifo();
  /** Size of the bodies in the window. */
  private _windowBytes = 0;
  private _backlog: Backlog | undefined = undefined;
  /** Why the last one that was lost is. */
  private _lastDamage: StoreError | undefined = undefined;
  constructor(
    storage: QueueStorage,
    { windowMax = WINDOW, priority = 0, inOrderOfReturn = false }: FifoOptions = {},
  ) {
    this._storage = storage;
    this._returned = inOrderOfReturn ? new ReturnedFifo() : new ReturnedHeap();
    this._windowMax = windowMax;
    this._priority = priority;
  }

  private _enter(entry: QueueEntry): void {
    this._windowBytes += entry.message.size;
    this._storage.pages.objects++;
    this._window.push(entry);
  }

  /** Made for the first message that waits there: most queues never have one. */
  private _neededBacklog(): Backlog {
    const storage = this._storage;
    return this._backlog ??= new Backlog(
      storage,
      (position, size, error) => {
        this.bytes -= size;
        if (--this.length === 0) this.bytes = 0;
        // all messages of a page are lost at once
        if (error !== this._lastDamage) storage.onUnreadable(position, error);
        this._lastDamage = error;
      },
      this._priority,
    );
  }

  private get _hasBacklog(): boolean {
    return this._backlog !== undefined && this._backlog.length > 0;
  }

  get onDisk(): { readonly count: number; readonly bytes: number } {
    return this._backlog?.onDisk ?? NOTHING;
  }

  get objects(): number {
    return this._backlog === undefined ? this.length : this.length - this._backlog.numbers;
  }

  get long(): boolean {
    return this._hasBacklog || !this._hasRoom(true);
  }

  push(message: Message, position: number, stored: boolean, deadline = 0): void {
    this.length++;
    this.bytes += message.size;
    if (!this._hasBacklog && this._hasRoom(stored)) {
      message.hold(this._storage.pages);
      this._enter(new QueueEntry(message, position, stored, deadline, this._priority));
    } else if (stored) this._neededBacklog().pushStored(position, message.size);
    else this._neededBacklog().push(message, position, deadline);
  }

  private _hasRoom(stored: boolean): boolean {
    const { length } = this._window;
    if (length >= this._windowMax) return false;
    if (length === 0) return true;
    const { pages } = this._storage;
    if (length >= SMALL_WINDOW && pages.objects >= OBJECTS_MAX || pages.short) return false;
    return !stored || this._windowBytes < WINDOW_BYTES;
  }

  pushStored(position: number): void {
    this.length++;
    const size = this._storage.durability!.stored.bodySize(position);
    this.bytes += size;
    this._neededBacklog().pushStored(position, size);
  }

  get head(): QueueEntry | undefined {
    return this._returned.peek() ?? this._window.peek();
  }

  peek(): QueueEntry | undefined {
    return this._returned.peek() ?? this._filledWindow().peek();
  }

  shift(): QueueEntry | undefined {
    let entry = this._returned.shift();
    if (entry === undefined) {
      entry = this._filledWindow().shift();
      if (entry === undefined) return undefined;
      this._windowBytes -= entry.message.size;
      this._storage.pages.objects--;
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
  private _filledWindow(): EntryFifo {
    if (this._window.length === 0 && this._hasBacklog) {
      this._backlog!.load(
        this._storage.pages.short ? SMALL_REFILL : REFILL,
        (entry) => this._enter(entry),
      );
    }
    return this._window;
  }

  putBack(entries: readonly QueueEntry[]): void {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!;
      this.length++;
      this.bytes += entry.message.size;
      this._returned.push(entry);
    }
  }

  putFirst(entries: readonly QueueEntry[]): void {
    this._countIn(entries);
    this._returned.putFirst(entries);
  }

  private _countIn(entries: readonly QueueEntry[]): void {
    this.length += entries.length;
    for (const { message } of entries) this.bytes += message.size;
  }

  putLast(entries: readonly QueueEntry[]): void {
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index]!;
      this.length++;
      this.bytes += entry.message.size;
      if (!this._hasBacklog && this._hasRoom(entry.stored)) this._enter(entry);
      else this._neededBacklog().pushEntry(entry, HELD_MAX);
    }
  }

  browse(after: number, count: number): WaitingMessage[] {
    const found = this._backlog?.browse(after, count) ?? [];
    const first = new FirstOnes<QueueEntry>(after, count);
    const wants = (position: number) => first.wants(position);
    const add = (entry: QueueEntry) => first.add(entry);
    const reaches = (lowest: number, highest: number) => first.reaches(lowest, highest);
    this._returned.forEach(wants, add, reaches);
    this._window.forEach(wants, add);
    for (const entry of first.found()) found.push(waitingEntry(entry));
    return firstOf(found, count);
  }

  *heldEntries(): Generator<QueueEntry> {
    yield* this._returned.heldEntries();
    yield* this._window.values();
    if (this._backlog !== undefined) yield* this._backlog.heldEntries();
  }

  take(positions: ReadonlySet<number>): Taken {
    const returned = this._returned.take(positions);
    const window = this._window.take(positions);
    for (const { message } of window.entries) this._windowBytes -= message.size;
    this._storage.pages.objects -= window.entries.length;
    const taken: TakenMessage[] = [...returned.entries, ...window.entries].map((entry) => (
      { position: entry.position, entry, acquiredCount: 0, retryTime: 0 }
    ));
    // where in the backlog each was
    const places = new Map<number, number>();
    if (this._backlog !== undefined) taken.push(...this._backlog.take(positions, places));
    this.length -= taken.length;
    for (const { position, entry } of taken) {
      this.bytes -= entry?.message.size ?? this._storage.durability!.stored.bodySize(position);
    }
    return {
      messages: taken,
      putBack: (entries) => {
        this._countIn(entries);
        const some = new Set(entries);
        returned.putBack(some);
        window.putBack(some);
        const behind = entries.filter(({ position }) => places.has(position))
          .filter((entry) => !this._backlog!.putBack(entry, places.get(entry.position)!));
        this._window.insert(behind);
        const entered = [...window.entries.filter((entry) => some.has(entry)), ...behind];
        for (const { message } of entered) this._windowBytes += message.size;
        this._storage.pages.objects += entered.length;
      },
    };
  }

  drop(max: number, onStored: (position: number) => void): number {
    const { pages } = this._storage;
    let count = 0;
    for (; count < max; count++) {
      let entry = this._returned.shift();
      if (entry === undefined) {
        entry = this._window.shift();
        if (entry === undefined) break;
        pages.objects--;
      }
      if (entry.stored) onStored(entry.position);
      entry.message.release(pages);
    }
    count += this._backlog?.drop(max - count, onStored) ?? 0;
    this.length -= count;
    return count;
  }
}
