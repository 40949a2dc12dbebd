import { Message } from "../message.ts";
import type { StoreError } from "../store/error.ts";
import type { StoredQueue } from "../store/stored_queue.ts";
import type { LoadLimit } from "./backlog.ts";
import { DelayHeap } from "./delay_heap.ts";
import { QueueEntry } from "./entry.ts";
import type { QueueStorage } from "./storage.ts";
import { readEntries } from "./stored_message.ts";
import { FirstOnes, type WaitingMessage, waitingNumber } from "./waiting.ts";

/** No count in an entry's number is larger. */
const COUNT_MAX = 2 ** 20 - 1;
/** Nobody looks at it. */
const NO_MESSAGE = new Message();

/** A message that came back, and of which memory has nothing but this. */
export interface StoredReturn {
  /** Where the store has it. */
  readonly position: number;
  /** What else there is to say of it (`QueueEntry.toNumber`). */
  readonly number: number;
}

/** @param acquiredCount How often it came back, if the store does not know it; else 0. */
export function storedReturn(
  stored: StoredQueue,
  position: number,
  acquiredCount: number,
): StoredReturn {
  const entry = new QueueEntry(NO_MESSAGE, position, true, 0, stored.priority(position));
  entry.redelivered = true;
  entry.deliveryCount = Math.min(stored.deliveryCount(position), COUNT_MAX);
  entry.acquiredCount = Math.min(acquiredCount || entry.deliveryCount, COUNT_MAX);
  return { position, number: entry.toNumber()! };
}

/** One that was taken out, to be put where it was. */
export interface TakenReturn extends StoredReturn {
  readonly key: number;
}

/**
 * Of the messages that came back to a queue those that only the store has: very many may do so at once
 * that waited for their next try, and together they may be more than fits into memory. They are read when it
 * is their turn.
 */
export class ReturnedStored {
  /** Size of their bodies. */
  bytes = 0;
  readonly #storage: QueueStorage;
  readonly #heap = new DelayHeap();
  readonly #inOrderOfReturn: boolean;
  #lastKey = 0;
  /** None that comes after this position was read last; not looked at where they go out as they came back. */
  readTo: number;

  /**
   * @param inOrderOfReturn True when they go out as they came back, not by their positions.
   * @param readTo That of the ones that were here before.
   */
  constructor(storage: QueueStorage, inOrderOfReturn: boolean, readTo: number) {
    this.#storage = storage;
    this.#inOrderOfReturn = inOrderOfReturn;
    this.readTo = readTo;
  }

  /** How many there are. */
  get length(): number {
    return this.#heap.length;
  }

  /** The position of the next one, where they go by that; Infinity: there is none. */
  get firstKey(): number {
    return this.#heap.firstTime;
  }

  #size(position: number): number {
    return this.#storage.durability!.stored.bodySize(position);
  }

  /** Adds one. */
  add({ position, number }: StoredReturn): void {
    const key = this.#inOrderOfReturn ? ++this.#lastKey : position;
    this.putBack({ key, position, number });
  }

  /** Adds one that was taken out. */
  putBack({ key, position, number }: TakenReturn): void {
    this.bytes += this.#size(position);
    if (key > this.#lastKey) this.#lastKey = key;
    this.#heap.add(key, position, number);
  }

  /**
   * Reads some of the next ones, at least one, with few reads. None that comes after those that were read
   * before while they wait: or whenever one of these comes back, more would be read that nobody takes.
   *
   * @param head The position of the first one that is read, where they go by that; Infinity: there is none.
   * @param visit Takes each, as an object.
   * @param onUnreadable Called for one that cannot be read any more, with the size of its body.
   * @returns False when the next one cannot be read at present.
   */
  load(
    limit: LoadLimit,
    head: number,
    visit: (entry: QueueEntry) => void,
    onUnreadable: (position: number, size: number, error: StoreError) => void,
  ): boolean {
    const end = head > this.readTo ? Infinity : this.readTo;
    const next = this.#shiftSome(limit, end);
    if (end === Infinity || this.firstKey <= end) this.readTo = next.at(-1)!.key;
    const numbers = new Map(next.map(({ position, number }) => [position, number]));
    const done = readEntries(
      this.#storage,
      next.map(({ position }) => position),
      ({ message, position, deadline }) =>
        visit(QueueEntry.ofNumber(message, position, numbers.get(position)!, deadline)),
      (position, error) => onUnreadable(position, this.#size(position), error),
    );
    for (const one of next.slice(done)) this.putBack(one);
    return done === next.length;
  }

  /** The next ones up to some key, as far as each is at a higher position than the one before. */
  #shiftSome(limit: LoadLimit, end: number): TakenReturn[] {
    const some: TakenReturn[] = [];
    let bytes = 0;
    while (some.length < limit.count && bytes < limit.bytes && this.#heap.length > 0) {
      if (this.#heap.firstTime > end) break;
      if (some.length > 0 && this.#heap.firstId < some.at(-1)!.position) break;
      const { time: key, id: position, place: number } = this.#heap.shift()!;
      const size = this.#size(position);
      bytes += size;
      this.bytes -= size;
      some.push({ key, position, number });
    }
    return some;
  }

  /** Takes those at some positions out. */
  take(positions: ReadonlySet<number>): TakenReturn[] {
    const taken = this.#heap.take(positions);
    for (const { id } of taken) this.bytes -= this.#size(id);
    return taken.map(({ time: key, id: position, place: number }) => ({ key, position, number }));
  }

  /** Looks at those behind a position: the first ones by position, as many as are wanted. */
  browse(after: number, count: number): readonly WaitingMessage[] {
    const first = new FirstOnes<WaitingMessage>(after, count);
    this.#heap.visitFirstIds(after, count, (position, _, number) => {
      if (first.wants(position)) first.add(waitingNumber(position, 0, 0, number));
    });
    return first.found();
  }

  /** Takes out up to so many, of which others are told. Tells how many. */
  drop(max: number, onStored: (position: number) => void): number {
    let count = 0;
    for (; count < max; count++) {
      const dropped = this.#heap.shift();
      if (dropped === undefined) break;
      onStored(dropped.id);
    }
    return count;
  }
}
