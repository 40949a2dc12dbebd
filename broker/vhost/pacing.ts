import type { PacedRow, RecentRows } from "./recent_rows.ts";

/** A message that joins a row with so many counts twice: such a row becomes shorter. */
const VERY_LONG = 2000;

/** So many different rows that are joined between two looks are noted: enough to tell that others are long. */
const NOTED_MAX = 32;

/** A publisher that waits until consumers have taken some of what waits. */
export interface PacedPublisher {
  /** Those that it adds to. */
  readonly rows: RecentRows;
  /** Consumers have taken as much as it has to wait for, or have caught up. */
  goOn(): void;
  /** None of its rows is long any more: it may publish as it likes. Ends its waiting as well. */
  relieved(): void;
}

/**
 * Keeps publishers from outrunning consumers that could keep up if they got their turn.
 *
 * Queues say how much was added to a long row although there are consumers, and how much those took
 * from it. A publisher that adds to a long row waits until consumers have taken as much, so the row
 * stays about as long as it is, or twice as much while it is very long, so that what came at once, or
 * before consumers were at work, does not make all that comes later late. What is not read from the
 * publisher's socket costs nothing here, and what is read and waits costs memory, caches and, for those
 * who consume, time. Who waits goes on in the order in which they began to. How long a wait may last is
 * the publisher's connection's business.
 */
export class Pacing {
  /** How many messages joined long rows since a publisher's connection last looked; those that joined very
   * long ones count twice. */
  pressure = 0;
  /** How many messages consumers took from long rows so far. */
  taken = 0;
  /** What `taken` is when the last of those who wait goes on. */
  #promised = 0;
  /** How many rows are long. */
  #rows = 0;
  /** The first of them are those that messages joined since a publisher's connection last looked. */
  readonly #joined: (PacedRow | undefined)[] = new Array(NOTED_MAX).fill(undefined);
  #joinedCount = 0;
  /** Who waits, in order, and for what `taken` to be. */
  readonly #waiting = new Map<PacedPublisher, number>();
  /** Who has waited since rows were last short. */
  readonly #slowed = new Set<PacedPublisher>();

  /** A message has joined a long row, which has so many now. */
  joined(row: PacedRow, length: number): void {
    this.pressure += length > VERY_LONG ? 2 : 1;
    const count = this.#joinedCount;
    if (count === NOTED_MAX || count > 0 && this.#joined[count - 1] === row) return;
    this.#joined[count] = row;
    this.#joinedCount = count + 1;
  }

  /** A publisher's connection looks: what joined long rows since it did is told, and which those are. */
  feltBy(rows?: RecentRows): number {
    const { pressure } = this;
    this.pressure = 0;
    while (this.#joinedCount > 0) {
      const last = --this.#joinedCount;
      rows?.add(this.#joined[last]!);
      this.#joined[last] = undefined;
    }
    return pressure;
  }

  /** A row has become long, or is so no more. */
  rowChanged(row: PacedRow): void {
    this.#rows += row.behind ? 1 : -1;
    if (row.behind) return;
    if (this.#rows === 0) return this.relieve();
    // one of several does not relieve those who add to the others, and nobody else waits for those
    for (const publisher of [...this.#slowed]) {
      if (!publisher.rows.has(row) || publisher.rows.someLong()) continue;
      this.#slowed.delete(publisher);
      publisher.relieved();
    }
  }

  /** Lets a publisher wait until consumers have taken so many messages more, and what those who wait
   * already wait for. */
  wait(publisher: PacedPublisher, messages: number): void {
    this.#promised = Math.max(this.#promised, this.taken) + messages;
    this.#waiting.set(publisher, this.#promised);
    this.#slowed.add(publisher);
    publisher.rows.age();
  }

  /** A publisher does not wait any more. */
  endWait(publisher: PacedPublisher): void {
    this.#waiting.delete(publisher);
    if (this.#waiting.size === 0) this.#promised = this.taken;
  }

  /** Consumers took messages from a long row. */
  took(messages: number): void {
    this.taken += messages;
    if (this.#waiting.size === 0) return;
    for (const [publisher, until] of this.#waiting) {
      if (until > this.taken) return;
      publisher.goOn();
    }
  }

  /** A publisher's connection has ended. */
  leave(publisher: PacedPublisher): void {
    this.#slowed.delete(publisher);
    this.endWait(publisher);
  }

  /** All rows are short, or a consumer's link has room again: nobody needs to wait any more. */
  relieve(): void {
    // what came before is over, too: a publisher that felt it later would be relieved by nobody
    this.feltBy();
    const slowed = [...this.#slowed];
    this.#slowed.clear();
    for (const publisher of slowed) publisher.relieved();
  }
}
