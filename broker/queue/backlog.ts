import { Fifo } from "../amqp/fifo.ts";
import { Message } from "../message.ts";
import { type Page, PAGE_SIZE, type PlaceKeeper } from "../pages.ts";
import { StoreError } from "../store/error.ts";
import { Chunk, CHUNK_SIZE, GONE, HELD, IN_STORE, NUMBERS_MIN } from "./backlog_chunk.ts";
import { QueueEntry } from "./entry.ts";
import { readEntries } from "./stored_message.ts";
import type { QueueStorage } from "./storage.ts";
import {
  FirstOnes,
  hasBetween,
  type TakenMessage,
  waitingEntry,
  type WaitingMessage,
  waitingNumber,
} from "./waiting.ts";

/** A number of an entry (`QueueEntry.toNumber`) of which nothing is said but that the store has it. */
const ONLY_STORED = 1;

/** Called for a message that cannot be read any more, with the size of its body, or what is likely. */
export type UnreadableCallback = (position: number, size: number, error: StoreError) => void;

/** How much to load at once; whichever is reached first. */
export interface LoadLimit {
  /** Messages. */
  readonly count: number;
  /** Bytes of bodies. */
  readonly bytes: number;
}

/**
 * The messages of a queue that wait behind those which go out next. None of them is an object: each
 * is a place in a page, 8 bytes, or in the store, none, and 8 more for its position in a chunk in which one
 * does not follow from the one before. That is what lets ten million wait, and what keeps the garbage collector
 * from looking at them again and again. While memory is short, the pages go to disk as they are filled
 * (`PagePool`).
 *
 * Nearly all of them are new: none of those was ever delivered since the broker started. What there is to say
 * of the others is 8 bytes more.
 */
export class Backlog implements PlaceKeeper {
  private readonly _storage: Pick<QueueStorage, "pages" | "durability">;
  private readonly _onUnreadable: UnreadableCallback;
  private readonly _chunks = new Fifo<Chunk>();
  /** The last one of them, where messages are added. */
  private _last: Chunk | undefined = undefined;
  /** How many were before these. */
  private _dropped = 0;
  /** Those that are objects, mostly since they have buffers of their own, by position. */
  private readonly _held = new Map<number, QueueEntry>();
  /** Index of the first message in the first chunk. */
  private _first = 0;
  /** Index behind the last message in the last chunk. */
  private _end = CHUNK_SIZE;
  private _length = 0;
  /** False when positions may not grow from each message to the next. */
  private _ordered = true;
  private _lastPosition = 0;
  private _spare: Chunk | undefined;
  /** How many, and bytes of bodies, are on disk alone. */
  readonly onDisk: { count: number; bytes: number } = { count: 0, bytes: 0 };
  /** True when its pages' pool knows of it. */
  private _keepsPlaces = false;
  /** Used again for each load. */
  private readonly _positions: number[] = [];
  /** What else there is to say of each of those. */
  private readonly _numbers: number[] = [];

  private readonly _priority: number;

  /**
   * @param onUnreadable Called for a message on disk that cannot be read any more; it is passed over.
   * @param priority The priority of all messages in it.
   */
  constructor(
    storage: Pick<QueueStorage, "pages" | "durability">,
    onUnreadable: UnreadableCallback,
    priority = 0,
  ) {
    this._storage = storage;
    this._onUnreadable = (position, size, error) => {
      this._leaveDisk(size);
      onUnreadable(position, size, error);
    };
    this._priority = priority;
  }

  /** How many there are. */
  get length(): number {
    return this._length;
  }

  /** How many of them are no objects. */
  get numbers(): number {
    return this._length - this._held.size;
  }

  /**
   * Adds a message of which the store has all but maybe that, its body of so many bytes.
   *
   * @param number What else there is to say of it (`QueueEntry.toNumber`).
   */
  pushStored(position: number, size: number, number = ONLY_STORED): void {
    this._enterDisk(size);
    this._push(position, IN_STORE);
    if (number > ONLY_STORED) this._setNumber(number);
  }

  /** Says what else there is to say of the one that was added last. */
  private _setNumber(number: number): void {
    this._last!.setNumber(this._end - 1, number);
  }

  /** Adds a message that the store does not have. */
  push(message: Message, position: number, deadline = 0): void {
    const { pages } = this._storage;
    const place = message.pack(pages, true);
    if (place === 0) {
      message.hold(pages);
      this._hold(new QueueEntry(message, position, false, deadline, this._priority));
      return;
    }
    this._pushPlace(place, position, message.size, deadline);
  }

  private _pushPlace(place: number, position: number, size: number, deadline: number): void {
    if (this._storage.pages.leavesAt(place)) {
      this._enterDisk(size);
      this._keepPlaces();
    }
    this._push(position, place);
    if (deadline !== 0) this._last!.setDeadline(this._end - 1, deadline);
  }

  /**
   * Adds one that was delivered before. It is no object any more, if it can be.
   *
   * @param heldMax It stays one while fewer than so many are.
   */
  pushEntry(entry: QueueEntry, heldMax = 0): void {
    if (this._held.size < heldMax) return this._hold(entry);
    const { message, position, stored, deadline } = entry;
    const { pages } = this._storage;
    const number = entry.toNumber();
    const place = stored || number === undefined ? IN_STORE : this._packAgain(message);
    if (number === undefined || !stored && place === IN_STORE) return this._hold(entry);
    if (stored) this.pushStored(position, message.size, number);
    else {
      this._pushPlace(place, position, message.size, deadline);
      if (number > ONLY_STORED) this._setNumber(number);
    }
    message.release(pages);
  }

  /** Other queues may have it too, and each would have a copy: where memory is short and there is no disk, it
   * stays where it lies. */
  private _packAgain(message: Message): number {
    const { pages } = this._storage;
    return pages.short && !pages.goToDisk ? message.pack(pages, true) : message.packCopy(pages);
  }

  /** Adds one that stays an object. */
  private _hold(entry: QueueEntry): void {
    this._held.set(entry.position, entry);
    this._push(entry.position, HELD);
  }

  private _push(position: number, place: number): void {
    if (position < this._lastPosition) this._ordered = false;
    this._lastPosition = position;
    if (this._end === CHUNK_SIZE) {
      // one behind another is mostly filled as well
      this._last = this._spare ?? new Chunk(this._chunks.length === 0 ? NUMBERS_MIN : CHUNK_SIZE);
      this._chunks.push(this._last);
      this._spare = undefined;
      this._end = 0;
    }
    this._last!.put(this._end++, position, place);
    this._length++;
  }

  /**
   * Takes out the first messages as entries, at least one if there is any, and no more once enough pages
   * were read from disk in this turn.
   *
   * @returns False when the next one cannot be read at present.
   */
  load(limit: LoadLimit, visit: (entry: QueueEntry) => void): boolean {
    let count = 0;
    let bytes = 0;
    const take = (entry: QueueEntry) => {
      count++;
      bytes += entry.message.size;
      visit(entry);
    };
    const { pages } = this._storage;
    while (
      this._length > 0 && count < limit.count && bytes < limit.bytes &&
      (count === 0 || pages.mayRead)
    ) {
      const place = this._chunks.at(0)!.places?.[this._first] ?? IN_STORE;
      if (place === GONE) this._skip();
      else if (place === HELD) take(this._shiftHeld());
      else if (place !== IN_STORE) {
        if (!this._loadPacked(place, take)) return count > 0;
      } else {
        const rest = { count: limit.count - count, bytes: limit.bytes - bytes };
        if (!this._loadStored(rest, take)) return count > 0;
      }
    }
    return true;
  }

  /** Takes out the first message, which is in a page; false when that cannot be read at present. */
  private _loadPacked(place: number, visit: (entry: QueueEntry) => void): boolean {
    const { deadlines, numbers } = this._chunks.at(0)!;
    const deadline = deadlines?.[this._first] ?? 0;
    const number = numbers?.[this._first] ?? 0;
    const found = this._unpack(place);
    if (found === undefined) return false;
    if (found instanceof StoreError) {
      this._lose(place, found);
      return true;
    }
    const position = this._shift();
    visit(this._entryOf(found, position, number, deadline));
    return true;
  }

  /** @param number What else there is to say of it; 0: nothing. */
  private _entryOf(
    message: Message,
    position: number,
    number: number,
    deadline: number,
  ): QueueEntry {
    return number === 0
      ? new QueueEntry(message, position, false, deadline, this._priority)
      : QueueEntry.ofNumber(message, position, number, deadline);
  }

  /** Makes an object of a message in a page, or tells what is wrong with it for ever; undefined when
   * it cannot be read at present. */
  private _unpack(place: number): Message | StoreError | undefined {
    const { pages } = this._storage;
    const { leaves } = pages.pageAt(place);
    try {
      const message = Message.unpack(pages, place);
      if (leaves) this._leaveDisk(message.size);
      return message;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return error.code === "corrupt" ? error : undefined;
    }
  }

  /** The first message is lost, and with it how large it was: the mean is what is likely. */
  private _lose(place: number, error: StoreError): void {
    const { count, bytes } = this.onDisk;
    const size = count === 0 ? 0 : Math.floor(bytes / count);
    Message.releasePacked(this._storage.pages, place);
    this._onUnreadable(this._chunks.at(0)!.position(this._first), size, error);
    this._shift();
  }

  private _shiftHeld(): QueueEntry {
    const position = this._shift();
    const entry = this._held.get(position)!;
    this._held.delete(position);
    return entry;
  }

  /** Takes out the first messages as far as they are in the store, with few reads. */
  private _loadStored(limit: LoadLimit, visit: (entry: QueueEntry) => void): boolean {
    const positions = this._findStored(limit);
    let at = 0;
    const take = (entry: QueueEntry) => {
      this._leaveDisk(entry.message.size);
      while (positions[at] !== entry.position) at++;
      const number = this._numbers[at]!;
      // the store does not know all of it
      visit(
        number === 0
          ? entry
          : QueueEntry.ofNumber(entry.message, entry.position, number, entry.deadline),
      );
    };
    const { stored } = this._storage.durability!;
    const done = readEntries(
      this._storage,
      positions,
      take,
      (position, error) => this._onUnreadable(position, stored.bodySize(position), error),
    );
    for (let index = 0; index < done; index++) this._shift();
    return done === positions.length;
  }

  /** What is in its pages may move from now on. */
  private _keepPlaces(): void {
    if (this._keepsPlaces) return;
    this._keepsPlaces = true;
    this._storage.pages.keepers.add(this);
  }

  visitPlaces(from: number, visit: (place: number, at: number) => void): number {
    const number = Math.max(from, this._dropped);
    const index = number - this._dropped;
    const places = this._chunks.at(index)?.places;
    if (places !== undefined) {
      const end = index === this._chunks.length - 1 ? this._end : CHUNK_SIZE;
      const most = Math.min(end, places.length);
      for (let at = index === 0 ? this._first : 0; at < most; at++) {
        const place = places[at]!;
        if (place > 0) visit(place, number * CHUNK_SIZE + at);
      }
    }
    return index + 1 < this._chunks.length ? number + 1 : -1;
  }

  replace(at: number, place: number, move: (place: number) => number): void {
    const number = Math.floor(at / CHUNK_SIZE) - this._dropped;
    const index = at % CHUNK_SIZE;
    const places = this._chunks.at(number)?.places;
    if (places?.[index] !== place || number === 0 && index < this._first) return;
    const moved = move(place);
    if (moved === 0) return;
    places[index] = moved;
    const { pages } = this._storage;
    // memory has room again
    if (!pages.pageAt(moved).leaves) this._leaveDisk(Message.look(pages, moved).size);
  }

  private _enterDisk(size: number): void {
    this.onDisk.count++;
    this.onDisk.bytes += size;
  }

  private _leaveDisk(size: number): void {
    this.onDisk.count--;
    this.onDisk.bytes -= size;
  }

  /** Positions of the first messages, as far as they are in the store and each is higher than the one before. */
  private _findStored(limit: LoadLimit): readonly number[] {
    const { stored } = this._storage.durability!;
    const positions = this._positions;
    positions.length = this._numbers.length = 0;
    let bytes = 0;
    let last = 0;
    let index = this._first;
    for (let chunkIndex = 0; chunkIndex < this._chunks.length; chunkIndex++, index = 0) {
      const chunk = this._chunks.at(chunkIndex)!;
      const { places } = chunk;
      const end = chunkIndex === this._chunks.length - 1 ? this._end : CHUNK_SIZE;
      for (; index < end; index++) {
        if (positions.length === limit.count || bytes >= limit.bytes) return positions;
        if ((places?.[index] ?? IN_STORE) !== IN_STORE) return positions;
        const position = chunk.position(index);
        if (position < last) return positions;
        positions.push(last = position);
        this._numbers.push(chunk.numbers?.[index] ?? 0);
        bytes += stored.bodySize(position);
      }
    }
    return positions;
  }

  /**
   * Drops up to so many messages. Those that the store has are told of, for their queue to settle.
   *
   * @returns How many were dropped.
   */
  drop(max: number, onStored: (position: number) => void): number {
    const { pages } = this._storage;
    let count = 0;
    while (this._length > 0 && count < max) {
      const place = this._chunks.at(0)!.places?.[this._first] ?? IN_STORE;
      if (place === GONE) {
        this._skip();
        continue;
      }
      if (place > 0) {
        count += this._dropPacked(place, max - count);
        continue;
      }
      count++;
      if (place === IN_STORE) onStored(this._shift());
      else {
        const entry = this._shiftHeld();
        if (entry.stored) onStored(entry.position);
        entry.message.release(pages);
      }
    }
    return count;
  }

  /** Drops the first messages as far as they follow one another in a page. */
  private _dropPacked(place: number, max: number): number {
    const { pages } = this._storage;
    const page = pages.pageAt(place);
    const places = this._chunks.at(0)!.places!;
    const most = Math.min(max, (this._chunks.length > 1 ? CHUNK_SIZE : this._end) - this._first);
    let count = 1;
    while (count < most && isWithin(page, places[this._first + count]!)) count++;
    // nobody looks at them: they are as large as others of this queue, or of the page with their heads
    const { count: all, bytes } = this.onDisk;
    const mean = Math.max(page.live / page.packed, all === 0 ? 0 : bytes / all);
    pages.releasePacked(page, count, Math.floor(mean * count));
    this._length -= count;
    this._first += count - 1;
    this._passOver();
    return count;
  }

  /** Looks for those behind a position: the first ones, as many as are wanted. */
  browse(after: number, count: number): WaitingMessage[] {
    const first = new FirstOnes<WaitingMessage>(after, count);
    const reaches = (lowest: number, highest: number) => first.reaches(lowest, highest);
    let found = 0;
    let index = this._first;
    for (let at = 0; at < this._chunks.length; at++, index = 0) {
      const chunk = this._chunks.at(at)!;
      const end = at === this._chunks.length - 1 ? this._end : CHUNK_SIZE;
      if (!chunk.mayHave(reaches, end)) continue;
      for (; index < end; index++) {
        if (this._ordered && found >= count) return [...first.found()];
        const position = chunk.position(index);
        const place = chunk.places?.[index] ?? IN_STORE;
        if (!first.wants(position) || place === GONE) continue;
        found++;
        first.add(
          place === HELD ? waitingEntry(this._held.get(position)!) : waitingNumber(
            position,
            place,
            chunk.deadlines?.[index] ?? 0,
            chunk.numbers?.[index] ?? 0,
          ),
        );
      }
    }
    return [...first.found()];
  }

  /**
   * Takes those at some positions out, wherever they are.
   *
   * @param places Is told where each was, for `putBack`.
   */
  take(positions: ReadonlySet<number>, places: Map<number, number>): TakenMessage[] {
    const taken: TakenMessage[] = [];
    const sorted = Float64Array.from(positions).sort();
    const wants = (lowest: number, highest: number) => hasBetween(sorted, lowest, highest);
    let index = this._first;
    for (let at = 0; at < this._chunks.length; at++, index = 0) {
      const chunk = this._chunks.at(at)!;
      const end = at === this._chunks.length - 1 ? this._end : CHUNK_SIZE;
      if (taken.length === positions.size) break;
      if (!chunk.mayHave(wants, end)) continue;
      for (; index < end && taken.length < positions.size; index++) {
        const position = chunk.position(index);
        const place = chunk.places?.[index] ?? IN_STORE;
        if (!positions.has(position) || place === GONE) continue;
        const deadline = chunk.deadlines?.[index] ?? 0;
        const number = chunk.numbers?.[index] ?? 0;
        const entry = this._takeEntry(position, place, deadline, number);
        if (entry === "unreadable") continue;
        chunk.setPlace(index, GONE);
        places.set(position, (this._dropped + at) * CHUNK_SIZE + index);
        const acquiredCount = entry === undefined ? QueueEntry.acquiredCountOf(number) : 0;
        taken.push({ position, entry, acquiredCount, retryTime: 0 });
      }
    }
    this._length -= taken.length;
    if (this._length === 0) this._reset();
    return taken;
  }

  /** Those that wait as objects. */
  heldEntries(): Iterable<QueueEntry> {
    return this._held.values();
  }

  /**
   * Puts one back, as an object, that was taken out of the middle.
   *
   * @param at Where it was.
   * @returns False when its place is gone: all that were before it have left.
   */
  putBack(entry: QueueEntry, at: number): boolean {
    const number = Math.floor(at / CHUNK_SIZE) - this._dropped;
    const index = at % CHUNK_SIZE;
    if (number < 0 || number === 0 && index < this._first) return false;
    this._chunks.at(number)!.setPlace(index, HELD);
    this._held.set(entry.position, entry);
    this._length++;
    return true;
  }

  /** Undefined when the store has it; those in pages that cannot be read stay. */
  private _takeEntry(
    position: number,
    place: number,
    deadline: number,
    number: number,
  ): QueueEntry | "unreadable" | undefined {
    if (place === IN_STORE) {
      this._leaveDisk(this._storage.durability!.stored.bodySize(position));
      return undefined;
    }
    if (place !== HELD) {
      const found = this._unpack(place);
      if (!(found instanceof Message)) return "unreadable";
      return this._entryOf(found, position, number, deadline);
    }
    const entry = this._held.get(position)!;
    this._held.delete(position);
    return entry;
  }

  /** Passes over the first one, which was taken out before. */
  private _skip(): void {
    if (++this._first === CHUNK_SIZE) this._dropChunk();
  }

  /** Forgets the first one and tells its position. */
  private _shift(): number {
    const position = this._chunks.at(0)!.position(this._first);
    this._length--;
    this._passOver();
    return position;
  }

  /** Goes on to the one after the first, which counts no longer. */
  private _passOver(): void {
    this._first++;
    if (this._length === 0) this._reset();
    else if (this._first === CHUNK_SIZE) this._dropChunk();
  }

  /** Nothing is left, but maybe some that were taken out before. */
  private _reset(): void {
    while (this._chunks.length > 0) this._dropChunk();
    this._last = undefined;
    this._end = CHUNK_SIZE;
    this._ordered = true;
    this._lastPosition = 0;
    // where something was lost it may not be exact
    this.onDisk.count = this.onDisk.bytes = 0;
    if (!this._keepsPlaces) return;
    this._keepsPlaces = false;
    this._storage.pages.keepers.delete(this);
  }

  private _dropChunk(): void {
    const chunk = this._chunks.shift()!;
    this._dropped++;
    this._first = 0;
    chunk.clear();
    this._spare = chunk;
  }
}

function isWithin(page: Page, place: number): boolean {
  return Math.floor(place / PAGE_SIZE) === page.id;
}
