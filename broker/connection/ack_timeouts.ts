import type { Clock } from "../amqp/clock.ts";

/** How often is looked, at most: RabbitMQ's interval. */
const LOOK_MS = 60_000;

/** Something with deliveries that wait for their acks. */
export interface AwaitsAcks {
  /** Ends what has waited too long at this time. */
  checkAcks(now: number): void;
}

/**
 * Delivery acknowledgement timeouts: a client that keeps a message for too long without an ack is
 * taken for stuck. RabbitMQ, "Consumers: Delivery Acknowledgement Timeout".
 *
 * Deliveries are stamped with a clock that goes on only when this looks at them, so that a stamp costs
 * nothing; they end up to a minute late, as in RabbitMQ.
 */
export class AckTimeouts {
  /** How long a message may wait for its ack, in milliseconds. */
  readonly timeoutMs: number;
  /** The time when this looked last. */
  now: number;
  readonly #clock: Clock;
  readonly #connections = new Set<AwaitsAcks>();
  #stop: (() => void) | undefined = undefined;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.timeoutMs = timeoutMs;
    this.now = clock.now();
  }

  /** Watches over a connection. */
  add(connection: AwaitsAcks): void {
    this.#connections.add(connection);
    if (this.#stop !== undefined) return;
    this.now = this.#clock.now();
    this.#stop = this.#clock.every(Math.max(1, Math.min(LOOK_MS, this.timeoutMs / 2)), () => {
      this.now = this.#clock.now();
      for (const watched of [...this.#connections]) watched.checkAcks(this.now);
    });
  }

  /** The connection has ended. The timer ends with the last one. */
  remove(connection: AwaitsAcks): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }
}
