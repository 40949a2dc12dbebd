import type { Clock } from "../amqp/clock.ts";
import { DeadlineTimer } from "./deadline_timer.ts";
import { DelayHeap } from "./delay_heap.ts";
import type { DropSome } from "./discard.ts";
import type { QueueEntry } from "./entry.ts";
import { ParkedEntries } from "./parked_entries.ts";
import { type StoredReturn, storedReturn } from "./returned_stored.ts";
import type { QueueStorage } from "./storage.ts";
import { FirstOnes, type TakenMessage, waitingEntry, type WaitingMessage } from "./waiting.ts";

/** So many go on before others get a chance to do something. */
const BATCH = 1000;
/** Said of one of which the store knows all but that. */
const CAME_BACK = { redelivered: true, deliveryCount: 0 };

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
 * them; of those that the store has, memory has only when and where, and very many others are no objects.
 */
export class Retries {
  readonly #storage: QueueStorage;
  readonly #clock: Clock;
  readonly #onDue: (entries: readonly QueueEntry[], stored: readonly StoredReturn[]) => void;
  /** A place of 0 or more is how often a message came back, which the store does not know, 0 where it does; the
   * others are those in `#parked`, as `placeOf` says. */
  readonly #heap = new DelayHeap();
  /** Those that the store does not have. */
  #parked = new ParkedEntries();
  /** Size of their bodies. */
  bytesInMemory = 0;
  /** The sizes of their bodies together. */
  bytes = 0;
  readonly #timer: DeadlineTimer;

  /**
   * @param onDue Takes those that may go out again, sorted by position. Those that the store has are not read
   * before it is their turn: together they may be more than memory has room for.
   */
  constructor(
    storage: QueueStorage,
    clock: Clock,
    onDue: (entries: readonly QueueEntry[], stored: readonly StoredReturn[]) => void,
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

  /** Those that the store does not have, in no order. */
  heldEntries(): Iterable<QueueEntry> {
    return this.#parked.heldEntries();
  }

  /** Adds a message that waits so long. */
  add(entry: QueueEntry, delayMs: number): void {
    const { size } = entry.message;
    this.bytes += size;
    let place = entry.acquiredCount;
    if (entry.stored) entry.message.release(this.#storage.pages);
    else {
      this.bytesInMemory += size;
      place = placeOf(this.#parked.add(entry));
    }
    this.#add(entry.position, this.#clock.now() + delayMs, place);
  }

  /** Takes one out that the store does not have. */
  #takeParked(place: number): QueueEntry {
    const entry = this.#parked.take(placeOf(place));
    this.bytes -= entry.message.size;
    this.bytesInMemory -= entry.message.size;
    return entry;
  }

  /**
   * Adds one that the store has, and that is no object.
   *
   * @param acquiredCount How often it came back, if the store does not know it.
   */
  addStored(position: number, delayMs: number, acquiredCount = 0): void {
    this.bytes += this.#storage.durability!.stored.bodySize(position);
    this.#add(position, this.#clock.now() + delayMs, acquiredCount);
  }

  #add(position: number, due: number, place: number): void {
    this.#heap.add(due, position, place);
    this.#watch();
  }

  #watch(): void {
    const { firstTime } = this.#heap;
    if (firstTime !== Infinity) this.#timer.watch(firstTime);
  }

  #goOn(): void {
    const now = this.#clock.now();
    const entries: QueueEntry[] = [];
    const returns: StoredReturn[] = [];
    while (entries.length + returns.length < BATCH && this.#heap.firstTime <= now) {
      const { id: position, place } = this.#heap.shift()!;
      if (place < 0) entries.push(this.#takeParked(place));
      else {
        const { stored } = this.#storage.durability!;
        this.bytes -= stored.bodySize(position);
        returns.push(storedReturn(stored, position, place));
      }
    }
    for (const entry of entries) entry.redelivered = true;
    this.#onDue(entries.sort(byPosition), returns.sort(byPosition));
    this.#watch();
  }

  /** Looks at those behind a position: the first ones by position, as many as are wanted. */
  browse(after: number, count: number): WaitingMessage[] {
    const first = new FirstOnes<WaitingMessage>(after, count);
    this.#heap.visitFirstIds(after, count, (position, retryTime, place) => {
      if (!first.wants(position)) return;
      first.add(
        place < 0 ? waitingEntry(this.#parked.look(placeOf(place)), retryTime) : {
          position,
          message: undefined,
          place: 0,
          entry: place > 0 ? CAME_BACK : undefined,
          deadline: 0,
          retryTime,
        },
      );
    });
    return [...first.found()];
  }

  /** Takes those at some positions out. */
  take(positions: ReadonlySet<number>): TakenMessage[] {
    return this.#heap.take(positions).map(({ id: position, time: retryTime, place }) => {
      if (place < 0) {
        return { position, entry: this.#takeParked(place), acquiredCount: 0, retryTime };
      }
      this.bytes -= this.#storage.durability!.stored.bodySize(position);
      return { position, entry: undefined, acquiredCount: place, retryTime };
    });
  }

  /**
   * None waits here any more.
   *
   * @param onStored Is told of those that the store has, for their queue to settle.
   * @returns Lets go of them, up to so many at a time.
   */
  clear(onStored: (position: number) => void): DropSome {
    const parked = this.#parked;
    this.#parked = new ParkedEntries();
    this.bytes = this.bytesInMemory = 0;
    return this.#heap.clear((position, place) => {
      if (place >= 0) onStored(position);
      else parked.take(placeOf(place)).message.release(this.#storage.pages);
    });
  }

  /** Sets no timer any more. */
  stop(): void {
    this.#timer.stop();
  }
}

/** The place in the heap of one that is parked somewhere, and the other way round. */
function placeOf(at: number): number {
  return ~at;
}

function byPosition(
  one: { readonly position: number },
  other: { readonly position: number },
): number {
  return one.position - other.position;
}
