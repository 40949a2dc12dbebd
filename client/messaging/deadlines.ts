import type { Clock } from "../../broker/amqp/clock.ts";

/** So long a timer may outlast what it was for: one for each call costs more than the rest of what is
 * done for it. */
const TICK_MS = 1000;

/** One timer for many deadlines, most of which are never reached. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #expire: (now: number) => number;
  /** When the timer fires. */
  #wakesAt = Infinity;
  #cancelTimer: (() => void) | undefined;

  /**
   * @param clock Time.
   * @param expire Ends what is too late now, and tells the next deadline; Infinity when there is none,
   * and then there is no timer.
   */
  constructor(clock: Clock, expire: (now: number) => number) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** There is one more, as `Clock.elapsed` counts. */
  add(deadline: number, now: number): void {
    const wakesAt = Math.min(deadline, now + TICK_MS);
    if (wakesAt >= this.#wakesAt) return;
    this.stop();
    this.#wakesAt = wakesAt;
    this.#cancelTimer = this.#clock.after(wakesAt - now, () => this.#wake());
  }

  /** Forgets all of them. */
  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#wakesAt = Infinity;
  }

  #wake(): void {
    this.stop();
    const now = this.#clock.elapsed();
    const next = this.#expire(now);
    if (next < Infinity) this.add(next, now);
  }
}
