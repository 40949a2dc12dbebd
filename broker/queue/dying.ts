import type { DropSome } from "./discard.ts";
import type { StoreError } from "../store/error.ts";
import type { QueueEntry } from "./entry.ts";
import type { DeathReason } from "./queue.ts";
import type { QueueStorage } from "./storage.ts";
import { Backlog, type LoadLimit } from "./backlog.ts";

/** So much is made objects of at once. */
const SOME: LoadLimit = { count: 32, bytes: 256 * 1024 };
/** By their places here reasons are numbers. */
const REASONS: readonly DeathReason[] = ["rejected", "expired", "maxlen", "delivery_limit"];
/** In a number of `#runs`: the reason, and how many died of it one after another. */
const RUN = 4;
/** So many runs that are gone are forgotten at once. */
const GONE_MAX = 64;

/**
 * Messages of a queue that are dead and wait, in the order in which they died, until the row of dead letters
 * has room: while nobody takes them, clients may reject a million. None of them is an object that need
 * not be; of those that the store has, memory has only where.
 */
export class Dying {
  readonly #backlog: Backlog;
  /** Of what they died: a number for those of the same reason that follow one another. */
  #runs: number[] = [];
  /** How many of these are gone. */
  #gone = 0;
  /** Why the last one that was lost is. */
  #lastDamage: StoreError | undefined = undefined;

  /** @param onLost Called for one that cannot be read any more, with the size of its body. */
  constructor(storage: QueueStorage, onLost: (size: number) => void) {
    this.#backlog = new Backlog(storage, (position, size, error) => {
      this.#nextReason();
      onLost(size);
      // all of a page are lost at once
      if (error !== this.#lastDamage) storage.onUnreadable(position, error);
      this.#lastDamage = error;
    });
  }

  /** How many there are. */
  get length(): number {
    return this.#backlog.length;
  }

  /** Adds one. */
  add(entry: QueueEntry, reason: DeathReason): void {
    this.#note(reason);
    this.#backlog.pushEntry(entry);
  }

  /** Adds one of so many bytes that the store has, and that is no object. */
  addStored(position: number, size: number, reason: DeathReason): void {
    this.#note(reason);
    this.#backlog.pushStored(position, size);
  }

  #note(reason: DeathReason): void {
    const number = REASONS.indexOf(reason);
    const runs = this.#runs;
    const last = runs.length - 1;
    if (last >= this.#gone && runs[last]! % RUN === number) runs[last]! += RUN;
    else runs.push(number + RUN);
  }

  /**
   * Takes out some of the first ones.
   *
   * @returns False when the next one cannot be read at present.
   */
  take(visit: (entry: QueueEntry, reason: DeathReason) => void): boolean {
    const entries: QueueEntry[] = [];
    const reasons: DeathReason[] = [];
    const canRead = this.#backlog.load(SOME, (entry) => {
      entries.push(entry);
      reasons.push(this.#nextReason());
    });
    // not while the store reads: it is written to, and others are read, where these are published
    for (let index = 0; index < entries.length; index++) visit(entries[index]!, reasons[index]!);
    return canRead;
  }

  #nextReason(): DeathReason {
    const runs = this.#runs;
    const run = runs[this.#gone]! -= RUN;
    if (run < RUN && ++this.#gone >= GONE_MAX && this.#gone >= runs.length / 2) {
      this.#runs = runs.slice(this.#gone);
      this.#gone = 0;
    }
    return REASONS[run % RUN]!;
  }

  /** Those that are objects. */
  heldEntries(): Iterable<QueueEntry> {
    return this.#backlog.heldEntries();
  }

  /** Lets go of all, up to so many at a time: their queue is gone. */
  dropping(): DropSome {
    return (max) => {
      this.#backlog.drop(max, () => {});
      return this.length === 0;
    };
  }
}
