import type { Clock } from "../../broker/amqp/clock.ts";

/** Time that goes on when it is told to. */
export class VirtualClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  elapsed(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  every(intervalMs: number, callback: () => void): () => void {
    let cancel = () => {};
    const again = () => {
      cancel = this.after(intervalMs, () => {
        again();
        callback();
      });
    };
    again();
    return () => cancel();
  }

  /** How many timers run. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Lets so much time pass. */
  advance(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }

  /** Forgets all timers. */
  clear(): void {
    this.#timers.clear();
  }
}
