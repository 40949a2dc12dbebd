import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import { pollSockets } from "../amqp/turn.ts";
import type { QueueEntry } from "../queue/entry.ts";
import type { DeathReason, Queue } from "../queue/queue.ts";

/** A message that is dead and not yet published once more. */
export interface DeadMessage {
  /** The queue in which it died. */
  readonly queue: Queue;
  readonly entry: QueueEntry;
  readonly reason: DeathReason;
  /** True when it died since another dead one was published. */
  readonly multiplied: boolean;
}

/** What became of a dead message: published, or nobody wants it; to be tried again; or let go, since there
 * are too many. */
export type Burial = "done" | "later" | "dropped";

/** What surrounds a row of dead letters. */
export interface DeadLettersOptions {
  /**
   * Publishes a dead message once more. It must not throw.
   *
   * @param deathsMax One that has died by itself in so many queues is let go instead; mostly `Infinity`.
   */
  readonly publish: (dead: DeadMessage, deathsMax: number) => Burial;
  readonly clock: Clock;
  readonly logger: Logger;
  /** When more than so many wait that died of other dead ones, those that die often are let go: there is a
   * fanout among queues that are full, or keep nothing. Default: 100 000. */
  readonly multipliedMax?: number;
}

/** So long dead messages are published before others get their turn, in milliseconds, ... */
const SLICE_MS = 2;
/** ... looked at after so many, which no clock is asked for ... */
const LOOK_EVERY = 16;
/** ... and so many at most. */
const SLICE_MAX = 1000;
/** So many of one queue are published before those of the next one. */
const TURN = 16;
/** A dead message that nobody could take is tried again after so long. */
const RETRY_MS = 1000;
/** After so many failures the dead messages of a queue wait for the next time. */
const FAILURES_MAX = 32;

const MULTIPLIED_MAX = 100_000;
/** With so many that wait in all, whatever they died of, it is the same. */
const WAITING_MAX = 1_000_000;
/** Then no more is made of those that have died by themselves in so many queues. */
const DEATHS_MAX = 4;
/** A line a second at most tells of that. */
const LOG_EVERY_MS = 1000;

/**
 * Dead messages of a vhost on their way to their next queue, in the order in which they died in each
 * queue.
 *
 * What dies while a message goes into its queues waits until that one is everywhere. Each queue has a row
 * of its own, and the rows take turns, so that of a long chain of queues no row becomes long but the
 * first one's. A fanout of dead letters among queues that keep nothing has as many deaths as there are ways
 * through them, which is no number that anybody waits for: others get their turn every few milliseconds,
 * and when too many wait, those that have died often are let go.
 */
export class DeadLetters {
  /** How many wait, those that are tried again later not among them. */
  waiting = 0;
  readonly #options: DeadLettersOptions;
  /** In the order in which they have their turn. */
  readonly #rows = new Map<Queue, Row>();
  /** How many of the first queue have been published in its turn. */
  #inTurn = 0;
  /** How many of those that wait died of other dead ones. */
  #multiplied = 0;
  #isPublishing = false;
  /** True while others have their turn. */
  #resting = false;
  /** Those that nobody could take. */
  #undeliverable: DeadMessage[] = [];
  /** How many could not be taken since the last retry, by the queue in which they died. */
  readonly #failures = new Map<Queue, number>();
  #stopRetry: (() => void) | undefined = undefined;
  #dropped = 0;
  #toldAt = -Infinity;
  #stopped = false;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** A message has died. `goOn` publishes it. */
  add(queue: Queue, entry: QueueEntry, reason: DeathReason): void {
    const multiplied = this.#isPublishing;
    if (multiplied) this.#multiplied++;
    let row = this.#rows.get(queue);
    if (row === undefined) this.#rows.set(queue, row = new Row());
    row.push({ queue, entry, reason, multiplied });
    this.waiting++;
  }

  /** Publishes those that wait, as many as there is time for; the others a little later. */
  goOn(): void {
    // what is left when the broker closes stays where the store has it
    if (this.#resting || this.#isPublishing || this.#stopped) return;
    let [count, end] = [0, Infinity];
    for (const [queue, row] of this.#rows) {
      for (; this.#inTurn < TURN; this.#inTurn++) {
        if (isOver(count, end)) return this.#rest();
        const dead = row.shift();
        if (dead === undefined) break;
        this.#take(dead);
        if (++count === LOOK_EVERY) end = performance.now() + SLICE_MS;
      }
      this.#inTurn = 0;
      // to the end of the line, which is gone round until nobody is left
      this.#rows.delete(queue);
      if (row.length > 0) this.#rows.set(queue, row);
    }
  }

  #take(dead: DeadMessage): void {
    const { queue, entry, multiplied } = dead;
    this.waiting--;
    if (multiplied) this.#multiplied--;
    if (this.#hasFailed(queue)) return this.#tryAgainLater(dead);
    const { multipliedMax = MULTIPLIED_MAX } = this.#options;
    const isTooMuch = this.#multiplied > multipliedMax || this.waiting > WAITING_MAX;
    this.#isPublishing = true;
    const burial = this.#options.publish(dead, isTooMuch ? DEATHS_MAX : Infinity);
    this.#isPublishing = false;
    if (burial === "later") return this.#tryAgainLater(dead);
    if (burial === "dropped") this.#tell(queue);
    queue.bury(entry);
  }

  /** True while nobody takes what dies in a queue. */
  #hasFailed(queue: Queue): boolean {
    return !queue.deleted && (this.#failures.get(queue) ?? 0) >= FAILURES_MAX;
  }

  #rest(): void {
    this.#resting = true;
    void pollSockets().then(() => {
      this.#resting = false;
      this.goOn();
    });
  }

  #tryAgainLater(dead: DeadMessage): void {
    this.#failures.set(dead.queue, (this.#failures.get(dead.queue) ?? 0) + 1);
    this.#undeliverable.push(dead);
    this.#stopRetry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#stopRetry = undefined;
      this.#failures.clear();
      const again = this.#undeliverable;
      this.#undeliverable = [];
      this.#rejoin(again);
      this.goOn();
    });
  }

  /** They died before all that waits of their queues. */
  #rejoin(dead: readonly DeadMessage[]): void {
    for (const [queue, ofQueue] of Map.groupBy(dead, ({ queue }) => queue)) {
      const row = this.#rows.get(queue) ?? new Row();
      this.#rows.set(queue, row);
      row.prepend(ofQueue.map((one) => ({ ...one, multiplied: false })));
    }
    this.waiting += dead.length;
  }

  #tell(queue: Queue): void {
    this.#dropped++;
    const now = performance.now();
    if (now - this.#toldAt < LOG_EVERY_MS) return;
    this.#toldAt = now;
    this.#options.logger.log(
      "warning",
      `dead messages multiply: each goes to queues in which it dies again, so ${this.#dropped} that ` +
        `have died in ${DEATHS_MAX} queues or more were let go, the last one in queue '${queue.name}'`,
    );
    this.#dropped = 0;
  }

  /** Publishes nothing any more and sets no timer: the broker closes. */
  stop(): void {
    this.#stopped = true;
    this.#stopRetry?.();
  }
}

/** True when a slice that ends then has had so many, or enough time. */
function isOver(count: number, end: number): boolean {
  return count > 0 && count % LOOK_EVERY === 0 && (count >= SLICE_MAX || performance.now() >= end);
}

/** Those of one queue, in order. */
class Row {
  #items: DeadMessage[] = [];
  #taken = 0;

  get length(): number {
    return this.#items.length - this.#taken;
  }

  push(dead: DeadMessage): void {
    this.#items.push(dead);
  }

  prepend(dead: readonly DeadMessage[]): void {
    this.#items = [...dead, ...this.#items.slice(this.#taken)];
    this.#taken = 0;
  }

  shift(): DeadMessage | undefined {
    if (this.#taken === this.#items.length) return undefined;
    const dead = this.#items[this.#taken++]!;
    // half of it at a time, since each piece by itself would move all others
    if (this.#taken > this.#items.length >> 1) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return dead;
  }
}
