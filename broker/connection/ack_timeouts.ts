import type { Clock } from "../amqp/clock.ts";
import type { Unacked, UnackedDelivery } from "./unacked.ts";

/** How often is looked, at most: RabbitMQ's interval. */
const LOOK_MS = 60_000;
/** And at least: a client may ask for any timeout. */
const LEAST_LOOK_MS = 1000;

/** Something with deliveries that wait for their acks. */
export interface AwaitsAcks {
  /** Ends what has waited too long at this time. */
  checkAcks(now: number): void;
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
      const now = this.#now;
      for (const watched of [...this.#connections]) watched.checkAcks(now);
    });
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
   * Finds what has waited too long, oldest first.
   *
   * @param unacked Deliveries of one channel.
   * @param timeoutOf How long each of them may wait, in milliseconds.
   */
  overdue(
    unacked: Unacked,
    now: number,
    timeoutOf: (delivery: UnackedDelivery) => number,
  ): UnackedDelivery[] {
    const found: UnackedDelivery[] = [];
    for (const delivery of unacked) {
      const age = now - Math.max(delivery.deliveredAt, this.#since);
      if (age >= this.#shortestMs) {
        if (age >= timeoutOf(delivery)) found.push(delivery);
      } else if (now >= this.#unsortedUntil) break;
    }
    return found;
  }
}
