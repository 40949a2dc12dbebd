import type { Clock } from "../../broker/amqp/clock.ts";
import { backOff, resolveRecovery } from "../recovery/recovery_options.ts";
import type { Call } from "./call.ts";

const PAUSES = resolveRecovery({ initialDelayMs: 10, maxDelayMs: 1000 })!;

/**
 * Calls that came back because no server is running, and are made again: all of them after a pause that
 * grows until one is answered, so that a server that is back later than its client finds them.
 */
export class ReturnedCalls {
  readonly #clock: Clock;
  readonly #again: (call: Call) => void;
  readonly #calls = new Set<Call>();
  #pauses = 0;
  #cancelTimer: (() => void) | undefined;

  /** @param again Makes one again. */
  constructor(clock: Clock, again: (call: Call) => void) {
    this.#clock = clock;
    this.#again = again;
  }

  /** True while a call waits to be made again. */
  has(call: Call): boolean {
    return this.#calls.has(call);
  }

  /** One came back. */
  add(call: Call): void {
    call.sent = 0;
    this.#calls.add(call);
    this.#cancelTimer ??= this.#clock.after(
      backOff(++this.#pauses, PAUSES),
      () => this.#makeAgain(),
    );
  }

  /** One is over. When none is left, the next one that comes back begins with a short pause. */
  leave(call: Call): void {
    if (!this.#calls.delete(call) || this.#calls.size > 0) return;
    this.stop();
    this.#pauses = 0;
  }

  /** There is a server. */
  answered(): void {
    this.#pauses = 0;
  }

  /** Nothing is made again. */
  stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#calls.clear();
  }

  #makeAgain(): void {
    const calls = [...this.#calls];
    this.stop();
    for (const call of calls) {
      if (call.isUnderWay) this.#again(call);
    }
  }
}
