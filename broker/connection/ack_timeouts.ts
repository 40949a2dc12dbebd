import type { Clock } from "../amqp/clock.ts";
import { type Steps, workInSlices } from "../amqp/long_work.ts";
import type { Unacked, UnackedDelivery } from "./unacked.ts";

/** How often is looked, at most: RabbitMQ's interval. */
const LOOK_MS = 60_000;
/** And at least: a client may ask for any timeout. */
const LEAST_LOOK_MS = 1000;

/** So many deliveries are looked at in one step. */
const CHUNK = 64;
/** What a look at a connection costs without its channels. */
const CONNECTION_COST = 0.25;

/** Something with deliveries that wait for their acks. */
export interface AwaitsAcks {
  /** Ends what has waited too long at this time. */
  checkAcks(now: number): Steps;
}

/**
 * Delivery acknowledgement timeouts: a client that keeps a message for too long without an ack is
 * taken for stuck. RabbitMQ, "Consumers: Delivery Acknowledgement Timeout".
 *
 * Deliveries are stamped with the time of the next look, so that a stamp costs nothing; none ends too
 * early, and one may be two looks late, each of which is a minute at most. While nobody has a timeout
 * nothing is looked at.
 */
export class AckTimeouts {
  /** What deliveries are stamped with: milliseconds since this object was made. So small a number is no
   * object in V8, as milliseconds since 1970 are. */
  stamp = 0;
  readonly #clock: Clock;
  readonly #began: number;
  readonly #connections = new Set<AwaitsAcks>();
  /** The shortest timeout there is. */
  #shortestMs = Infinity;
  #intervalMs = 0;
  /** What was delivered before this has a stamp that means nothing. */
  #since = 0;
  /** Until then later deliveries may have earlier stamps, since more is looked than before. */
  #unsortedUntil = 0;
  #stop: (() => void) | undefined = undefined;
  /** True when it is time to look, ... */
  #isDue = false;
  /** ... and while that is done: there may be very many. */
  #isLooking = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
  }

  get #now(): number {
    return Math.trunc(this.#clock.now() - this.#began);
  }

  /** Watches over a connection, some of whose deliveries may not wait longer than this. */
  watch(connection: AwaitsAcks, timeoutMs: number): void {
    if (timeoutMs === Infinity) return;
    this.#connections.add(connection);
    if (timeoutMs >= this.#shortestMs) return;
    this.#shortestMs = timeoutMs;
    const intervalMs = Math.ceil(Math.max(LEAST_LOOK_MS, Math.min(LOOK_MS, timeoutMs / 2)));
    if (intervalMs !== this.#intervalMs) this.#lookEvery(intervalMs);
  }

  #lookEvery(intervalMs: number): void {
    const before = this.stamp;
    const stamp = () => this.stamp = this.#now + intervalMs;
    if (this.#stop === undefined) this.#since = stamp();
    else {
      this.#since = Math.min(this.#since, stamp());
      this.#unsortedUntil = before + this.#shortestMs;
    }
    this.#stop?.();
    this.#intervalMs = intervalMs;
    this.#stop = this.#clock.every(intervalMs, () => {
      stamp();
      this.#isDue = true;
      if (!this.#isLooking) workInSlices(this.#look(), (slice) => slice(), () => {});
    });
  }

  *#look(): Steps {
    this.#isLooking = true;
    try {
      // it may be time again before that is done
      while (this.#isDue) {
        this.#isDue = false;
        const now = this.#now;
        // those that come meanwhile have nothing that is old
        for (const watched of [...this.#connections]) {
          if (this.#connections.has(watched)) yield* watched.checkAcks(now);
          yield CONNECTION_COST;
        }
      }
    } finally {
      this.#isLooking = false;
    }
  }

  /** The connection has ended. The timer ends with the last one. */
  remove(connection: AwaitsAcks): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
    this.#shortestMs = Infinity;
    this.#intervalMs = 0;
  }

  /**
   * Finds what has waited too long, oldest first, step by step.
   *
   * @param unacked Deliveries of one channel. Some may be settled meanwhile.
   * @param timeoutOf How long each of them may wait, in milliseconds.
   * @param onFound Takes each, before anything else can happen to it. Returns true when that is enough.
   */
  *overdue(
    unacked: Unacked,
    now: number,
    timeoutOf: (delivery: UnackedDelivery) => number,
    onFound: (delivery: UnackedDelivery) => boolean,
  ): Steps {
    let count = 0;
    for (const delivery of unacked) {
      const age = now - Math.max(delivery.deliveredAt, this.#since);
      if (age >= this.#shortestMs) {
        if (age >= timeoutOf(delivery) && unacked.has(delivery) && onFound(delivery)) return;
      } else if (now >= this.#unsortedUntil) return;
      if (++count % CHUNK === 0) yield 1;
    }
  }
}
