import type { Clock } from "../amqp/clock.ts";
import { DeadlineTimer } from "./deadline_timer.ts";

/** What `x-expires` is about. */
export interface UnusedExpiryOptions {
  /** Time. */
  readonly clock: Clock;
  /** How long a queue may be unused, in milliseconds. */
  readonly expiresMs: number;
  /** True while somebody uses it all the time. */
  readonly inUse: () => boolean;
  /** Called when nobody has used it for so long. */
  readonly onExpired: () => void;
}

/** The time for which a queue may be unused, which begins anew whenever it is used. */
export class UnusedExpiry {
  readonly #options: UnusedExpiryOptions;
  readonly #timer: DeadlineTimer;
  #lastUsed: number;

  constructor(options: UnusedExpiryOptions) {
    this.#options = options;
    this.#lastUsed = options.clock.now();
    // nobody waits for the end of a queue that nobody uses: a program that is done need not stay for it
    this.#timer = new DeadlineTimer(options.clock, () => this.#look(), true);
    this.#timer.watch(this.#lastUsed + options.expiresMs);
  }

  /** Somebody uses it. */
  touch(): void {
    this.#lastUsed = this.#options.clock.now();
  }

  #look(): void {
    const { clock, expiresMs, inUse, onExpired } = this.#options;
    if (inUse()) this.touch();
    const end = this.#lastUsed + expiresMs;
    if (end > clock.now()) this.#timer.watch(end);
    else onExpired();
  }

  /** It may be unused for ever. */
  stop(): void {
    this.#timer.stop();
  }
}
