import { Message } from "../message.ts";
import { QueueEntry } from "./entry.ts";
import { readEntries } from "./stored_message.ts";
import type { QueueStorage } from "./storage.ts";
import { type TakenMessage, waitingEntry, type WaitingMessage } from "./waiting.ts";

/** Messages in a chunk. */
const CHUNK_SIZE = 1024;

/** Places that are not in a page. */
const IN_STORE = 0;
const HELD = -1;
/** One that was taken out of the middle. */
const GONE = -2;

/** Some neighbouring messages. */
class Chunk {
  /** Position of the first one that was added. */
  #first = 0;
  /** That of each; undefined while every one follows the one before it, as in a queue without priorities
   * all do. */
  #positions: Float64Array | undefined = undefined;
  /** Where each lies (`Message.pack`), or one of the constants above. Undefined: all in the store. */
  places: Float64Array | undefined = undefined;
  /** When each that is not in the store is too old; undefined while none ever is. */
  deadlines: Float64Array | undefined = undefined;

  /** The position of a message. */
  position(index: number): number {
    return this.#positions === undefined ? this.#first + index : this.#positions[index]!;
  }

  /** Says the position of the next message, which is at `index`. */
  add(index: number, position: number): void {
    if (index === 0) this.#first = position;
    if (this.#positions === undefined) {
      if (position === this.#first + index) return;
      const positions = this.#positions = new Float64Array(CHUNK_SIZE);
      for (let before = 0; before < index; before++) positions[before] = this.#first + before;
    }
    this.#positions[index] = position;
  }

  /** Ready for other messages. */
  clear(): void {
    this.#positions = undefined;
    this.places?.fill(IN_STORE);
    this.deadlines = undefined;
  }
}

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
 * from looking at them again and again.
 *
 * Nearly all of them are new: none of those was ever delivered since the broker started.
 */
export class Backlog {
  readonly #storage: Pick<QueueStorage, "pages" | "durability">;
  readonly #onUnreadable: QueueStorage["onUnreadable"];
  readonly #chunks: Chunk[] = [];
  /** Those that have buffers of their own or were delivered before, by position. */
  readonly #held = new Map<number, QueueEntry>();
  /** Index of the first message in the first chunk. */
  #first = 0;
  /** Index behind the last message in the last chunk. */
  #end = CHUNK_SIZE;
  #length = 0;
  /** False when positions may not grow from each message to the next. */
  #ordered = true;
  #lastPosition = 0;
  #spare: Chunk | undefined;
  /** How many, and bytes of bodies, only the store has. */
  readonly onDisk: { count: number; bytes: number } = { count: 0, bytes: 0 };
  /** Used again for each load. */
  readonly #positions: number[] = [];

  readonly #priority: number;

  /**
   * @param onUnreadable Called for a stored message that cannot be read any more; it is passed over.
   * @param priority The priority of all messages in it.
   */
  constructor(
    storage: Pick<QueueStorage, "pages" | "durability">,
    onUnreadable: QueueStorage["onUnreadable"],
    priority = 0,
  ) {
    this.#storage = storage;
    this.#onUnreadable = (position, error) => {
      this.#leaveDisk(storage.durability!.stored.bodySize(position));
      onUnreadable(position, error);
    };
    this.#priority = priority;
  }

  /** How many there are. */
  get length(): number {
    return this.#length;
  }

  /** How many of them are no objects. */
  get numbers(): number {
    return this.#length - this.#held.size;
  }

  /** Adds a message of which the store has all, its body of so many bytes. */
  pushStored(position: number, size: number): void {
    this.onDisk.count++;
    this.onDisk.bytes += size;
    this.#push(position, IN_STORE);
  }

  /** Adds a message that the store does not have. */
  push(message: Message, position: number, deadline = 0): void {
    const place = message.pack(this.#storage.pages);
    if (place === 0) {
      message.hold(this.#storage.pages);
      this.pushEntry(new QueueEntry(message, position, false, deadline, this.#priority));
      return;
    }
    this.#push(position, place);
    if (deadline === 0) return;
    const chunk = this.#chunks[this.#chunks.length - 1]!;
    (chunk.deadlines ??= new Float64Array(CHUNK_SIZE))[this.#end - 1] = deadline;
  }

  /** Adds a message that stays an object. */
  pushEntry(entry: QueueEntry): void {
    this.#held.set(entry.position, entry);
    this.#push(entry.position, HELD);
  }

  #push(position: number, place: number): void {
    if (position < this.#lastPosition) this.#ordered = false;
    this.#lastPosition = position;
    if (this.#end === CHUNK_SIZE) {
      this.#chunks.push(this.#spare ?? new Chunk());
      this.#spare = undefined;
      this.#end = 0;
    }
    const chunk = this.#chunks[this.#chunks.length - 1]!;
    chunk.add(this.#end, position);
    if (chunk.places !== undefined) chunk.places[this.#end] = place;
    else if (place !== IN_STORE) {
      chunk.places = new Float64Array(CHUNK_SIZE);
      chunk.places[this.#end] = place;
    }
    this.#end++;
    this.#length++;
  }

  /**
   * Takes out the first messages as entries, at least one if there is any.
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
    while (this.#length > 0 && count < limit.count && bytes < limit.bytes) {
      const place = this.#chunks[0]!.places?.[this.#first] ?? IN_STORE;
      if (place === GONE) this.#skip();
      else if (place === HELD) take(this.#shiftHeld());
      else if (place !== IN_STORE) {
        const deadline = this.#chunks[0]!.deadlines?.[this.#first] ?? 0;
        const message = Message.unpack(this.#storage.pages, place);
        take(new QueueEntry(message, this.#shift(), false, deadline, this.#priority));
      } else {
        const rest = { count: limit.count - count, bytes: limit.bytes - bytes };
        if (!this.#loadStored(rest, take)) return count > 0;
      }
    }
    return true;
  }

  #shiftHeld(): QueueEntry {
    const position = this.#shift();
    const entry = this.#held.get(position)!;
    this.#held.delete(position);
    return entry;
  }

  /** Takes out the first messages as far as they are in the store, with few reads. */
  #loadStored(limit: LoadLimit, visit: (entry: QueueEntry) => void): boolean {
    const positions = this.#findStored(limit);
    const take = (entry: QueueEntry) => {
      this.#leaveDisk(entry.message.size);
      visit(entry);
    };
    const done = readEntries(this.#storage, positions, take, this.#onUnreadable);
    for (let index = 0; index < done; index++) this.#shift();
    return done === positions.length;
  }

  #leaveDisk(size: number): void {
    this.onDisk.count--;
    this.onDisk.bytes -= size;
  }

  /** Positions of the first messages, as far as they are in the store. */
  #findStored(limit: LoadLimit): readonly number[] {
    const { stored } = this.#storage.durability!;
    const positions = this.#positions;
    positions.length = 0;
    let bytes = 0;
    let index = this.#first;
    for (let chunkIndex = 0; chunkIndex < this.#chunks.length; chunkIndex++, index = 0) {
      const chunk = this.#chunks[chunkIndex]!;
      const { places } = chunk;
      const end = chunkIndex === this.#chunks.length - 1 ? this.#end : CHUNK_SIZE;
      for (; index < end; index++) {
        if (positions.length === limit.count || bytes >= limit.bytes) return positions;
        if (places !== undefined && places[index] !== IN_STORE) return positions;
        const position = chunk.position(index);
        positions.push(position);
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
    const { pages } = this.#storage;
    let count = 0;
    while (this.#length > 0 && count < max) {
      const place = this.#chunks[0]!.places?.[this.#first] ?? IN_STORE;
      if (place === GONE) {
        this.#skip();
        continue;
      }
      count++;
      if (place === IN_STORE) onStored(this.#shift());
      else if (place === HELD) {
        const entry = this.#shiftHeld();
        if (entry.stored) onStored(entry.position);
        entry.message.release(pages);
      } else {
        Message.releasePacked(pages, place);
        this.#shift();
      }
    }
    return count;
  }

  /** Looks at those behind a position: as many as are wanted, the first ones among them. */
  browse(after: number, count: number): WaitingMessage[] {
    const found: WaitingMessage[] = [];
    let index = this.#first;
    for (let at = 0; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at]!;
      const end = at === this.#chunks.length - 1 ? this.#end : CHUNK_SIZE;
      if (this.#ordered && chunk.position(end - 1) <= after) continue;
      for (; index < end; index++) {
        if (this.#ordered && found.length >= count) return found;
        const position = chunk.position(index);
        const place = chunk.places?.[index] ?? IN_STORE;
        if (position <= after || place === GONE) continue;
        found.push(this.#look(position, place, chunk.deadlines?.[index] ?? 0));
      }
    }
    return found;
  }

  #look(position: number, place: number, deadline: number): WaitingMessage {
    if (place === HELD) return waitingEntry(this.#held.get(position)!);
    const message = place === IN_STORE ? undefined : Message.look(this.#storage.pages, place);
    return { position, message, entry: undefined, deadline, retryTime: 0 };
  }

  /** Takes those at some positions out, wherever they are. */
  take(positions: ReadonlySet<number>): TakenMessage[] {
    const taken: TakenMessage[] = [];
    const least = Math.min(...positions);
    let index = this.#first;
    for (let at = 0; at < this.#chunks.length; at++, index = 0) {
      const chunk = this.#chunks[at]!;
      const end = at === this.#chunks.length - 1 ? this.#end : CHUNK_SIZE;
      if (this.#ordered && chunk.position(end - 1) < least) continue;
      for (; index < end && taken.length < positions.size; index++) {
        const position = chunk.position(index);
        const place = chunk.places?.[index] ?? IN_STORE;
        if (!positions.has(position) || place === GONE) continue;
        chunk.places ??= new Float64Array(CHUNK_SIZE);
        chunk.places[index] = GONE;
        taken.push({
          position,
          entry: this.#takeEntry(position, place, chunk.deadlines?.[index] ?? 0),
          retryTime: 0,
        });
      }
    }
    this.#length -= taken.length;
    if (this.#length === 0) this.#reset();
    return taken;
  }

  #takeEntry(position: number, place: number, deadline: number): QueueEntry | undefined {
    if (place === IN_STORE) {
      this.#leaveDisk(this.#storage.durability!.stored.bodySize(position));
      return undefined;
    }
    if (place !== HELD) {
      const message = Message.unpack(this.#storage.pages, place);
      return new QueueEntry(message, position, false, deadline, this.#priority);
    }
    const entry = this.#held.get(position)!;
    this.#held.delete(position);
    return entry;
  }

  /** Passes over the first one, which was taken out before. */
  #skip(): void {
    if (++this.#first === CHUNK_SIZE) this.#dropChunk();
  }

  /** Forgets the first one and tells its position. */
  #shift(): number {
    const position = this.#chunks[0]!.position(this.#first++);
    this.#length--;
    if (this.#length === 0) this.#reset();
    else if (this.#first === CHUNK_SIZE) this.#dropChunk();
    return position;
  }

  /** Nothing is left, but maybe some that were taken out before. */
  #reset(): void {
    while (this.#chunks.length > 0) this.#dropChunk();
    this.#end = CHUNK_SIZE;
    this.#ordered = true;
    this.#lastPosition = 0;
  }

  #dropChunk(): void {
    const chunk = this.#chunks.shift()!;
    this.#first = 0;
    chunk.clear();
    this.#spare = chunk;
  }
}
