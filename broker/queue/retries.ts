import type { Clock } from "../amqp/clock.ts";
import { DeadlineTimer } from "./deadline_timer.ts";
import { DelayHeap } from "./delay_heap.ts";
import type { DropSome } from "./discard.ts";
import type { QueueEntry } from "./entry.ts";
import type { QueueStorage } from "./storage.ts";
import { readEntries } from "./stored_message.ts";
import { FirstOnes, type TakenMessage, waitingEntry, type WaitingMessage } from "./waiting.ts";

/** So many go on before others get a chance to do something. */
const BATCH = 1000;
/** When the disk does not give them, it is asked again after so long. */
const READ_AGAIN_MS = 1000;

/** Which messages wait before they are tried again, and how long. */
export interface RetrySettings {
  /** `returned`: those that a client gave back. `failed`: those that it rejected, or whose client went
   * away. `all`: both. */
  readonly type: "all" | "failed" | "returned";
  /** How long the first time, in milliseconds; the second time twice as long, and so on. */
  readonly minMs: number;
  /** How long at most. */
  readonly maxMs: number;
}

/** How long a message waits that came back so often, in milliseconds; undefined: not at all. */
export function retryDelay(
  settings: RetrySettings | undefined,
  deliveryCount: number,
  failed: boolean,
): number | undefined {
  if (settings === undefined) return undefined;
  const { type, minMs, maxMs } = settings;
  if (type !== "all" && (type === "failed") !== failed) return undefined;
  return Math.min(minMs * Math.max(deliveryCount, 1), maxMs);
}

/**
 * The messages of a queue that came back and wait until they may go out again. One timer for all of
 * them; of those that the store has, memory has only when and where.
 */
export class Retries {
  readonly #storage: QueueStorage;
  readonly #clock: Clock;
  readonly #onDue: (entries: readonly QueueEntry[]) => void;
  readonly #heap = new DelayHeap();
  /** Those that the store does not have, by position. */
  #entries = new Map<number, QueueEntry>();
  /** The sizes of their bodies together. */
  bytes = 0;
  readonly #timer: DeadlineTimer;

  /** @param onDue Takes those that may go out again, sorted by position. */
  constructor(
    storage: QueueStorage,
    clock: Clock,
    onDue: (entries: readonly QueueEntry[]) => void,
  ) {
    this.#storage = storage;
    this.#clock = clock;
    this.#onDue = onDue;
    this.#timer = new DeadlineTimer(clock, () => this.#goOn());
  }

  /** How many there are. */
  get length(): number {
    return this.#heap.length;
  }

  /** Size of the bodies that the store does not have. */
  get bytesInMemory(): number {
    let bytes = 0;
    for (const { message } of this.#entries.values()) bytes += message.size;
    return bytes;
  }

  /** Those that the store does not have, in no order. */
  heldEntries(): Iterable<QueueEntry> {
    return this.#entries.values();
  }

  /** Adds a message that waits so long. */
  add(entry: QueueEntry, delayMs: number): void {
    this.bytes += entry.message.size;
    if (entry.stored) entry.message.release(this.#storage.pages);
    else this.#entries.set(entry.position, entry);
    this.#add(entry.position, this.#clock.now() + delayMs, entry.acquiredCount);
  }

  /** Adds one that the store has; it was there when the broker started. */
  addStored(position: number, delayMs: number): void {
    this.bytes += this.#storage.durability!.stored.bodySize(position);
    this.#add(position, this.#clock.now() + delayMs, 0);
  }

  /** @param acquiredCount How often it came back, which the store does not know; 0: it does. */
  #add(position: number, due: number, acquiredCount: number): void {
    this.#heap.add(due, position, acquiredCount);
    this.#watch();
  }

  #watch(): void {
    const { firstTime } = this.#heap;
    if (firstTime !== Infinity) this.#timer.watch(firstTime);
  }

  #goOn(): void {
    const now = this.#clock.now();
    const due: number[] = [];
    const counts = new Map<number, number>();
    while (due.length < BATCH && this.#heap.firstTime <= now) {
      const { id, place: acquiredCount } = this.#heap.shift()!;
      due.push(id);
      if (acquiredCount > 0) counts.set(id, acquiredCount);
    }
    const entries = this.#entriesAt(due.sort((a, b) => a - b));
    for (const entry of entries) {
      entry.redelivered = true;
      entry.acquiredCount = counts.get(entry.position) ?? entry.acquiredCount;
    }
    this.#onDue(entries);
    this.#watch();
  }

  /** Takes the entries at these positions out. What cannot be read now waits on. */
  #entriesAt(positions: readonly number[]): QueueEntry[] {
    const found: QueueEntry[] = [];
    const stored: number[] = [];
    for (const position of positions) {
      const entry = this.#entries.get(position);
      if (entry === undefined) {
        this.bytes -= this.#storage.durability!.stored.bodySize(position);
        stored.push(position);
      } else {
        this.bytes -= entry.message.size;
        this.#entries.delete(position);
        found.push(entry);
      }
    }
    if (stored.length === 0) return found;
    const read = readEntries(
      this.#storage,
      stored,
      (entry) => found.push(entry),
      this.#storage.onUnreadable,
    );
    for (const position of stored.slice(read)) this.addStored(position, READ_AGAIN_MS);
    return found.sort((a, b) => a.position - b.position);
  }

  /** Looks at those behind a position: the first ones by position, as many as are wanted. */
  browse(after: number, count: number): WaitingMessage[] {
    const first = new FirstOnes<WaitingMessage>(after, count);
    this.#heap.forEach((position, retryTime) => {
      if (!first.wants(position)) return;
      const entry = this.#entries.get(position);
      first.add(
        entry === undefined
          ? { position, message: undefined, place: 0, entry, deadline: 0, retryTime }
          : waitingEntry(entry, retryTime),
      );
    });
    return [...first.found()];
  }

  /** Takes those at some positions out. */
  take(positions: ReadonlySet<number>): TakenMessage[] {
    return this.#heap.take(positions).map(({ id: position, time: retryTime }) => {
      const entry = this.#entries.get(position);
      this.#entries.delete(position);
      this.bytes -= entry?.message.size ?? this.#storage.durability!.stored.bodySize(position);
      return { position, entry, retryTime };
    });
  }

  /**
   * None waits here any more.
   *
   * @param onStored Is told of those that the store has, for their queue to settle.
   * @returns Lets go of them, up to so many at a time.
   */
  clear(onStored: (position: number) => void): DropSome {
    const entries = this.#entries;
    this.#entries = new Map();
    this.bytes = 0;
    return this.#heap.clear((position) => {
      const entry = entries.get(position);
      if (entry === undefined) onStored(position);
      else entry.message.release(this.#storage.pages);
    });
  }

  /** Sets no timer any more. */
  stop(): void {
    this.#timer.stop();
  }
}
