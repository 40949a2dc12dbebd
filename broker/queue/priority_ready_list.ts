import { priorityOfRank, STRICT_PRIORITY_MAX, USUAL_PRIORITY } from "../amqp/strict_priority.ts";
import type { Message } from "../message.ts";
import type { QueueEntry } from "./entry.ts";
import { FifoReadyList } from "./fifo_ready_list.ts";
import type { ReadyList } from "./ready_list.ts";
import type { StoredReturn } from "./returned_stored.ts";
import type { QueueStorage } from "./storage.ts";
import { firstOf, type Taken, type WaitingMessage } from "./waiting.ts";

/**
 * Higher priorities first, first in first out within each. A message above the highest counts as
 * having the highest. RabbitMQ, "Priority Queue Support".
 *
 * In a quorum queue priorities are given as ranks, and what comes back goes out first, whatever it has:
 * it waits ahead of those that have the usual one.
 */
export class PriorityReadyList implements ReadyList {
  length = 0;
  bytes = 0;
  readonly #storage: QueueStorage;
  readonly #max: number;
  readonly #levels: (FifoReadyList | undefined)[] = [];
  /** None above this one has anything in it. */
  #top = -1;
  /** Where that waits which comes back, if it does not go to its level. */
  readonly #returned: FifoReadyList | undefined;

  /**
   * @param max The highest priority, from 1.
   * @param returned See `ofRanks`.
   */
  constructor(storage: QueueStorage, max: number, returned?: FifoReadyList) {
    this.#storage = storage;
    this.#max = max;
    this.#returned = returned;
  }

  /**
   * Makes the list of a quorum queue.
   *
   * @param usual What waits so far, all of it of the usual rank. It goes on as a part of the list.
   */
  static ofRanks(storage: QueueStorage, usual: FifoReadyList): PriorityReadyList {
    const list = new PriorityReadyList(storage, STRICT_PRIORITY_MAX, usual);
    while (list.#levels.length < USUAL_PRIORITY) list.#levels.push(undefined);
    list.#levels.push(usual);
    list.count();
    return list;
  }

  get onDisk(): { readonly count: number; readonly bytes: number } {
    const sum = { count: 0, bytes: 0 };
    for (const level of this.#levels) {
      if (level === undefined) continue;
      sum.count += level.onDisk.count;
      sum.bytes += level.onDisk.bytes;
    }
    return sum;
  }

  get objects(): number {
    return this.#levels.reduce((sum, level) => sum + (level?.objects ?? 0), 0);
  }

  get long(): boolean {
    for (const level of this.#levels) if (level?.long) return true;
    return false;
  }

  /** The level of a priority, to add something. */
  #level(priority: number): FifoReadyList {
    const at = this.#returned === undefined
      ? priority = Math.min(priority, this.#max)
      : priorityOfRank(priority);
    while (this.#levels.length <= at) this.#levels.push(undefined);
    if (at > this.#top) this.#top = at;
    return this.#levels[at] ??= new FifoReadyList(this.#storage, { priority });
  }

  /** Sums its levels: what cannot be read any more leaves them by itself, and some may be put back there. */
  count(): void {
    this.length = this.bytes = 0;
    this.#top = this.#levels.length - 1;
    for (const level of this.#levels) {
      this.length += level?.length ?? 0;
      this.bytes += level?.bytes ?? 0;
    }
  }

  push(message: Message, position: number, stored: boolean, deadline = 0, priority = 0): void {
    this.#level(priority).push(message, position, stored, deadline);
    this.length++;
    this.bytes += message.size;
  }

  pushStored(position: number): void {
    const { stored } = this.#storage.durability!;
    this.#level(stored.priority(position)).pushStored(position);
    this.length++;
    this.bytes += stored.bodySize(position);
  }

  get head(): QueueEntry | undefined {
    if (this.#returned?.hasReturned) return this.#returned.head;
    return this.#levels.findLast((level) => level !== undefined && level.length > 0)?.head;
  }

  get hasReturned(): boolean {
    return this.#returned?.hasReturned ?? false;
  }

  peek(): QueueEntry | undefined {
    return this.#highest()?.peek();
  }

  shift(): QueueEntry | undefined {
    const level = this.#highest();
    if (level === undefined) return undefined;
    const { length, bytes } = level;
    const entry = level.shift();
    this.length -= length - level.length;
    // where something was lost sizes were guesses
    this.bytes = this.length === 0 ? 0 : this.bytes - (bytes - level.bytes);
    return entry;
  }

  /** The highest level with anything in it. One that cannot be read at present keeps lower ones
   * waiting. */
  #highest(): FifoReadyList | undefined {
    const returned = this.#returned;
    if (returned?.hasReturned) {
      this.#peek(returned);
      if (returned.hasReturned) return returned;
    }
    for (let priority = this.#top; priority >= 0; priority--) {
      const level = this.#levels[priority];
      if (level === undefined || level.length === 0) continue;
      if (this.#peek(level) !== undefined || level.length > 0) {
        this.#top = priority;
        return level;
      }
    }
    return undefined;
  }

  /** The next one of a level; what cannot be read any more counts no longer. */
  #peek(level: FifoReadyList): QueueEntry | undefined {
    const { length } = level;
    const entry = level.peek();
    if (level.length < length) this.count();
    return entry;
  }

  shiftExpired(now: number): QueueEntry | undefined {
    for (const level of this.#levels) {
      const length = level?.length;
      const entry = level?.shiftExpired(now);
      if (level?.length !== length) this.count();
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  nextDeadline(): number {
    let next = 0;
    for (const level of this.#levels) {
      if (level === undefined || level.length === 0) continue;
      const deadline = this.#peek(level)?.deadline ?? 0;
      if (deadline !== 0 && (next === 0 || deadline < next)) next = deadline;
    }
    return next;
  }

  putBack(entries: readonly QueueEntry[]): void {
    if (this.#returned !== undefined) this.#returned.putBack(entries);
    else for (const entry of entries) this.#level(entry.priority).putBack([entry]);
    this.count();
  }

  putFirst(entries: readonly QueueEntry[], returned = entries.length): void {
    if (this.#returned !== undefined) {
      this.#returned.putFirst(entries.slice(0, returned));
      // higher ones to come go out before the others
      const rest = Map.groupBy(entries.slice(returned), ({ priority }) => priority);
      for (const [priority, some] of rest) this.#level(priority).putFirst(some, 0);
    } else {
      this.#levels.forEach((level, priority) => level?.putFirst(this.#ofLevel(entries, priority)));
    }
    this.count();
  }

  #ofLevel(entries: readonly QueueEntry[], priority: number): QueueEntry[] {
    return entries.filter((entry) => Math.min(entry.priority, this.#max) === priority);
  }

  putLast(entries: readonly QueueEntry[]): void {
    for (const entry of entries) this.#level(entry.priority).putLast([entry]);
    this.count();
  }

  putBackStored(returns: readonly StoredReturn[], last: boolean): void {
    const { stored } = this.#storage.durability!;
    if (this.#returned !== undefined && !last) this.#returned.putBackStored(returns, last);
    else {
      for (const one of returns) {
        this.#level(stored.priority(one.position)).putBackStored([one], last);
      }
    }
    this.count();
  }

  browse(after: number, count: number): WaitingMessage[] {
    return firstOf(this.#levels.flatMap((level) => level?.browse(after, count) ?? []), count);
  }

  *heldEntries(): Generator<QueueEntry> {
    for (const level of this.#levels) if (level !== undefined) yield* level.heldEntries();
  }

  take(positions: ReadonlySet<number>): Taken {
    const taken = this.#levels.map((level) => level?.take(positions));
    this.count();
    return {
      messages: taken.flatMap((level) => level?.messages ?? []),
      putBack: (entries) => {
        for (const level of taken) {
          if (level === undefined) continue;
          const were = new Set(level.messages.map(({ position }) => position));
          level.putBack(entries.filter(({ position }) => were.has(position)));
        }
        this.count();
      },
    };
  }

  drop(max: number, onStored: (position: number) => void): number {
    let count = 0;
    for (const level of this.#levels) count += level?.drop(max - count, onStored) ?? 0;
    this.length -= count;
    return count;
  }
}
