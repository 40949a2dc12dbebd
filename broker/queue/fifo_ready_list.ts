import type { Message } from "../message.ts";
import type { StoreError } from "../store/error.ts";
import { Backlog, type LoadLimit } from "./backlog.ts";
import { QueueEntry } from "./entry.ts";
import { EntryFifo } from "./entry_fifo.ts";
import type { ReadyList } from "./ready_list.ts";
import { ReturnedFifo } from "./returned_fifo.ts";
import { ReturnedHeap } from "./returned_heap.ts";
import { ReturnedStored, type StoredReturn, type TakenReturn } from "./returned_stored.ts";
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
  /** Those that came back and only the store has; undefined while there are none. */
  private _stored: ReturnedStored | undefined = undefined;
  /** Up to where the last of them were read, when there were any. */
  private _readTo = 0;
  private readonly _inOrderOfReturn: boolean;

  constructor(
    storage: QueueStorage,
    { windowMax = WINDOW, priority = 0, inOrderOfReturn = false }: FifoOptions = {},
  ) {
    this._storage = storage;
    this._inOrderOfReturn = inOrderOfReturn;
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
    return this._backlog ??= new Backlog(
      this._storage,
      (position, size, error) => this._lose(position, size, error),
      this._priority,
    );
  }

  private _lose(position: number, size: number, error: StoreError): void {
    this.bytes -= size;
    if (--this.length === 0) this.bytes = 0;
    // all messages of a page are lost at once
    if (error !== this._lastDamage) this._storage.onUnreadable(position, error);
    this._lastDamage = error;
  }

  private get _hasBacklog(): boolean {
    return this._backlog !== undefined && this._backlog.length > 0;
  }

  get onDisk(): { readonly count: number; readonly bytes: number } {
    const onDisk = this._backlog?.onDisk ?? NOTHING;
    if (this._stored === undefined) return onDisk;
    return { count: onDisk.count + this._stored.length, bytes: onDisk.bytes + this._stored.bytes };
  }

  get objects(): number {
    return this.length - (this._backlog?.numbers ?? 0) - (this._stored?.length ?? 0);
  }

  get hasReturned(): boolean {
    return this._returned.length > 0 || this._stored !== undefined && this._stored.length > 0;
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
    if (this._stored !== undefined && this._isNext(this._stored)) return undefined;
    return this._returned.peek() ?? this._window.peek();
  }

  peek(): QueueEntry | undefined {
    if (this._stored !== undefined && !this._read(this._stored)) return undefined;
    return this._returned.peek() ?? this._filledWindow().peek();
  }

  /** True when one that has to be read goes out next. */
  private _isNext(stored: ReturnedStored): boolean {
    const head = this._returned.peek();
    return head === undefined || !this._inOrderOfReturn && stored.firstKey < head.position;
  }

  /** Reads some, if one of them goes out next; false when that is so and it cannot be read at present. */
  private _read(stored: ReturnedStored): boolean {
    while (stored.length > 0 && this._isNext(stored)) {
      const canRead = stored.load(
        this._storage.pages.short ? SMALL_REFILL : REFILL,
        this._returned.peek()?.position ?? Infinity,
        (entry) => this._returned.push(entry),
        (position, size, error) => this._lose(position, size, error),
      );
      if (!canRead) return stored.length === 0 || !this._isNext(stored);
    }
    this._letGo(stored);
    return true;
  }

  /** Those that have to be read are gone, if there are none. */
  private _letGo(stored: ReturnedStored): void {
    if (stored.length > 0) return;
    this._readTo = stored.readTo;
    this._stored = undefined;
  }

  shift(): QueueEntry | undefined {
    if (this._stored !== undefined && !this._read(this._stored)) return undefined;
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
      // where it would overtake those that came back before it
      if (this._stored !== undefined && this._inOrderOfReturn) this._putBehind(this._stored, entry);
      else this._returned.push(entry);
    }
  }

  private _putBehind(stored: ReturnedStored, entry: QueueEntry): void {
    const { position, message } = entry;
    const number = entry.stored ? entry.toNumber() : undefined;
    if (number === undefined) return this._returned.push(entry);
    stored.add({ position, number });
    message.release(this._storage.pages);
  }

  putBackStored(returns: readonly StoredReturn[], last: boolean): void {
    const { stored } = this._storage.durability!;
    for (const { position, number } of returns) {
      const size = stored.bodySize(position);
      this.length++;
      this.bytes += size;
      if (last) this._neededBacklog().pushStored(position, size, number);
      else this._neededStored().add({ position, number });
    }
  }

  private _neededStored(): ReturnedStored {
    return this._stored ??= new ReturnedStored(this._storage, this._inOrderOfReturn, this._readTo);
  }

  putFirst(entries: readonly QueueEntry[], returned = entries.length): void {
    this._countIn(entries);
    const rest = entries.slice(returned);
    this._returned.putFirst(entries.slice(0, returned));
    this._window.putFirst(rest);
    for (const { message } of rest) this._windowBytes += message.size;
    this._storage.pages.objects += rest.length;
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
    if (this._stored !== undefined) found.push(...this._stored.browse(after, count));
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
    const asleep = this._stored?.take(positions) ?? [];
    for (const { position, number } of asleep) {
      const acquiredCount = QueueEntry.acquiredCountOf(number);
      taken.push({ position, entry: undefined, acquiredCount, retryTime: 0 });
    }
    if (this._stored !== undefined) this._letGo(this._stored);
    this.length -= taken.length;
    for (const { position, entry } of taken) {
      this.bytes -= entry?.message.size ?? this._storage.durability!.stored.bodySize(position);
    }
    return {
      messages: taken,
      putBack: (entries) => {
        this._countIn(entries);
        if (asleep.length > 0) entries = this._putAsleep(entries, asleep);
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

  /** Puts those back that only the store had, and gives the others. */
  private _putAsleep(
    entries: readonly QueueEntry[],
    asleep: readonly TakenReturn[],
  ): readonly QueueEntry[] {
    const were = new Map(asleep.map((one) => [one.position, one]));
    return entries.filter(({ position, message }) => {
      const one = were.get(position);
      if (one === undefined) return true;
      this._neededStored().putBack(one);
      message.release(this._storage.pages);
      return false;
    });
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
    count += this._stored?.drop(max - count, onStored) ?? 0;
    count += this._backlog?.drop(max - count, onStored) ?? 0;
    this.length -= count;
    return count;
  }
}
