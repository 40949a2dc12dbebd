import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import type { Steps } from "../amqp/long_work.ts";
import { doBatch } from "../amqp/batches.ts";
import { atEndOfTurn, pollSockets } from "../amqp/turn.ts";
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

/** How many dead messages may wait. */
export interface DeadLetterLimits {
  /** True while the broker has no memory to spare. Default: never. */
  readonly isShort?: () => boolean;
  /** When more than so many wait, whatever they died of, those that die often are let go. While memory is
   * short it is a hundredth of that. Default: 1 000 000. */
  readonly max?: number;
  /** The same of those that died of other dead ones: there is a fanout among queues that are full, or keep
   * nothing. Default: a tenth of it. */
  readonly multipliedMax?: number;
  /** With so many, or so many bytes of bodies, the row is full: queues keep what would die in them by itself.
   * Default: 8192 and 16 MiB. */
  readonly full?: { readonly count: number; readonly bytes: number };
}

/** What surrounds a row of dead letters. */
export interface DeadLettersOptions extends DeadLetterLimits {
  /**
   * Publishes a dead message once more. It must not throw.
   *
   * @param deathsMax One that has died by itself in so many queues is let go instead; mostly `Infinity`.
   */
  readonly publish: (dead: DeadMessage, deathsMax: number) => Burial;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** So long dead messages are published before others get their turn, in milliseconds, ... */
const SLICE_MS = 2;
/** ... and so many at least: few are never waited for, however slow the machine is. */
const SLICE_LEAST = 32;
/** After so long without any, others have had their turn. */
const FORGOTTEN_MS = 5;
/** So many of one queue are published before those of the next one. */
const TURN = 16;
/** A dead message that nobody could take is tried again after so long. */
const RETRY_MS = 1000;
/** After so many failures the dead messages of a queue wait for the next time. */
const FAILURES_MAX = 32;

/** Default of `full`. */
const FULL = { count: 8192, bytes: 16 * 1024 * 1024 };
/** With this part of it the row is long. */
const LONG = 4;

const WAITING_MAX = 1_000_000;
/** When too many wait, no more is made of those that have died by themselves in so many queues. */
const DEATHS_MAX = 4;
/** When they are let go with their vhost, so many at a time. */
const BURIED_IN_A_STEP = 8;
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
 *
 * What waits here is objects. So when the row is full, queues keep what would die in them by itself, as
 * bytes, until there is room, and while it is long, who publishes pays for some of it (`isLong`).
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
  /** Size of the bodies that wait. */
  #bytes = 0;
  /** Queues that keep their dead messages until there is room. */
  readonly #keeping = new Set<Queue>();
  #isPublishing = false;
  /** True while others have their turn. */
  #resting = false;
  /** For how long some were published since others had their turn, until when, in milliseconds, and how
   * many. */
  #spentMs = 0;
  #spentAt = 0;
  #spentCount = 0;
  /** Queues whose dead messages nobody could take, by how many were tried since the last retry. */
  readonly #failed = new Map<Queue, Failed>();
  #stopRetry: (() => void) | undefined = undefined;
  #dropped = 0;
  #toldAt = -Infinity;
  #stopped = false;

  constructor(options: DeadLettersOptions) {
    this.#options = options;
  }

  /** True when so many wait that who publishes, or rejects, is to pay for some of them. */
  get isLong(): boolean {
    return this.#reaches(1 / LONG);
  }

  #reaches(part: number): boolean {
    const { count, bytes } = this.#options.full ?? FULL;
    return this.waiting >= count * part || this.#bytes >= bytes * part;
  }

  /**
   * Asked by a queue in which something would die by itself. True when it must wait: `Queue.buryOn` tells
   * when it need not any more.
   *
   * @param patiently True when nothing else waits for it, so that it may take as long as nobody takes what
   * has died before.
   */
  mustKeep(queue: Queue, patiently: boolean): boolean {
    const failed = this.#failed.get(queue);
    if (failed?.waiting !== undefined) {
      return patiently && (failed.keeps ||= this.#isEnough(failed.waiting));
    }
    // each has its turn, however long the rows of others are
    if ((this.#rows.get(queue)?.length ?? 0) < TURN || !this.#reaches(1)) return false;
    this.#keeping.add(queue);
    return true;
  }

  #isEnough(row: Row): boolean {
    const { count, bytes } = this.#options.full ?? FULL;
    return row.length >= count || row.bytes >= bytes;
  }

  /** A message has died. `goOn` publishes it. */
  add(queue: Queue, entry: QueueEntry, reason: DeathReason): void {
    const dead = { queue, entry, reason, multiplied: this.#isPublishing };
    let row = this.#rows.get(queue);
    if (row === undefined) {
      const failed = this.#failed.get(queue);
      // behind those that wait for the next retry
      if (failed !== undefined && hasFailed(failed, queue)) {
        return (failed.waiting ??= new Row()).push(dead);
      }
      this.#rows.set(queue, row = new Row());
    }
    row.push(dead);
    this.#count(dead, 1);
  }

  #count({ multiplied, entry }: DeadMessage, by: 1 | -1): void {
    this.waiting += by;
    this.#bytes += by * entry.message.size;
    if (multiplied) this.#multiplied += by;
  }

  /**
   * Publishes those that wait, as many as there is time for; the others a little later.
   *
   * @param least So many at least, whatever the time.
   */
  goOn(least = 0): void {
    // what is left when the broker closes stays where the store has it
    if (this.#isPublishing || this.#stopped || (this.#resting && least === 0)) return;
    const begun = performance.now();
    // each death of a queue whose messages become too old is a call of its own
    if (begun - this.#spentAt > FORGOTTEN_MS) this.#spentMs = this.#spentCount = 0;
    const end = this.#resting ? 0 : begun + SLICE_MS - this.#spentMs;
    if (!this.#resting) least = Math.max(least, SLICE_LEAST - this.#spentCount);
    let [now, count] = [begun, 0];
    for (const [queue, row] of this.#rows) {
      for (; this.#inTurn < TURN; this.#inTurn++) {
        if (row.length === 0) break;
        if (now >= end && count >= least) return this.#rest();
        this.#take(row.shift()!);
        count++;
        now = performance.now();
      }
      this.#inTurn = 0;
      // to the end of the line, which is gone round until nobody is left
      this.#rows.delete(queue);
      if (row.length === 0) this.#tellOfRoom(queue);
      else if (!this.#mustWait(queue, row)) this.#rows.set(queue, row);
    }
    this.#spentMs += now - begun;
    this.#spentAt = now;
    this.#spentCount += count;
  }

  #take(dead: DeadMessage): void {
    const { queue, entry } = dead;
    this.#count(dead, -1);
    const { max = WAITING_MAX, multipliedMax = max / 10, isShort } = this.#options;
    // what others keep lives on, for all that one knows
    const waiting = this.waiting + (this.#keeping.has(queue) ? queue.messageCount : 0);
    const isTooMuch = this.#multiplied > multipliedMax || waiting > max ||
      waiting > max / 100 && (isShort?.() ?? false);
    this.#isPublishing = true;
    const burial = this.#options.publish(dead, isTooMuch ? DEATHS_MAX : Infinity);
    this.#isPublishing = false;
    if (burial === "later") return this.#tryAgainLater(dead);
    if (burial === "dropped") this.#tell(queue);
    queue.bury(entry);
  }

  #rest(): void {
    if (this.#resting) return;
    this.#resting = true;
    if (!this.#reaches(1 / 2)) { for (const queue of this.#keeping) this.#tellOfRoom(queue); }
    void pollSockets().then(() => {
      this.#resting = false;
      this.#spentMs = this.#spentCount = 0;
      this.goOn();
    });
  }

  /** Not within this call: what dies then is published in its turn. */
  #tellOfRoom(queue: Queue): void {
    if (this.#keeping.delete(queue)) atEndOfTurn(() => doBatch(() => queue.buryOn()));
  }

  // ---- those that nobody could take

  #tryAgainLater(dead: DeadMessage): void {
    const failed = this.#failed.get(dead.queue);
    if (failed === undefined) {
      this.#failed.set(dead.queue, { tried: [dead], waiting: undefined, keeps: false });
    } else failed.tried.push(dead);
    this.#stopRetry ??= this.#options.clock.after(RETRY_MS, () => this.#retry());
  }

  /** After some failures the others of a queue are not tried before the next retry: then true. */
  #mustWait(queue: Queue, row: Row): boolean {
    const failed = this.#failed.get(queue);
    if (failed === undefined || !hasFailed(failed, queue)) return false;
    row.forEach((dead) => this.#count(dead, -1));
    failed.waiting = row;
    this.#tellOfRoom(queue);
    return true;
  }

  #retry(): void {
    this.#stopRetry = undefined;
    const failed = [...this.#failed];
    this.#failed.clear();
    for (const [queue, { tried, waiting, keeps }] of failed) {
      if (keeps) this.#keeping.add(queue);
      const row = waiting ?? this.#rows.get(queue) ?? new Row();
      // they died before all that waits
      row.prepend(tried);
      this.#rows.set(queue, row);
      (waiting === undefined ? tried : row).forEach((dead) => this.#count(dead, 1));
    }
    this.goOn();
  }

  // ---- the end

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

  /** Lets go of all that wait, step by step: their vhost is gone. */
  *ending(): Steps {
    this.stop();
    const rows = [...this.#rows.values()];
    for (const { tried, waiting } of this.#failed.values()) {
      const row = waiting ?? new Row();
      row.prepend(tried);
      rows.push(row);
    }
    this.#rows.clear();
    this.#failed.clear();
    this.#keeping.clear();
    this.waiting = this.#bytes = 0;
    let count = 0;
    for (const row of rows) {
      for (let dead = row.shift(); dead !== undefined; dead = row.shift()) {
        dead.queue.bury(dead.entry);
        if (++count % BURIED_IN_A_STEP === 0) yield 1;
      }
    }
  }
}

/** What became of the dead messages of a queue that nobody takes. */
interface Failed {
  /** Those that were tried. */
  readonly tried: DeadMessage[];
  /** All others, once so many failed that they are not tried; undefined before. */
  waiting: Row | undefined;
  /** True when there are so many that the queue keeps more. */
  keeps: boolean;
}

/** True when no more of a queue are to be tried before the next retry. */
function hasFailed({ tried }: Failed, queue: Queue): boolean {
  return tried.length >= FAILURES_MAX && !queue.deleted;
}

/** Those of one queue, in order. */
class Row {
  /** Size of the bodies. */
  bytes = 0;
  #items: DeadMessage[] = [];
  #taken = 0;

  get length(): number {
    return this.#items.length - this.#taken;
  }

  push(dead: DeadMessage): void {
    this.bytes += dead.entry.message.size;
    this.#items.push(dead);
  }

  /** Puts some in front of all others: a few, in the place of those that were taken. */
  prepend(dead: readonly DeadMessage[]): void {
    for (const { entry } of dead) this.bytes += entry.message.size;
    if (this.#taken < dead.length) {
      this.#items = [...dead, ...this.#items.slice(this.#taken)];
      this.#taken = 0;
      return;
    }
    this.#taken -= dead.length;
    for (let index = 0; index < dead.length; index++) {
      this.#items[this.#taken + index] = dead[index]!;
    }
  }

  shift(): DeadMessage | undefined {
    if (this.length === 0) return undefined;
    const dead = this.#items[this.#taken++]!;
    this.bytes -= dead.entry.message.size;
    // half of it at a time, since each piece by itself would move all others
    if (this.#taken > this.#items.length >> 1) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return dead;
  }

  forEach(callback: (dead: DeadMessage) => void): void {
    for (let index = this.#taken; index < this.#items.length; index++) {
      callback(this.#items[index]!);
    }
  }
}
