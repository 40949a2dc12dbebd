import type { Clock } from "../amqp/clock.ts";
import { atEndOfTurn } from "../amqp/turn.ts";

/** So much is counted before it goes into the average. */
const FOLD_MS = 1000;
/** After so long the average has forgotten nearly two thirds of what was before. */
const MEMORY_MS = 5000;

/**
 * For which part of the time a queue had a consumer with room: RabbitMQ's `consumer_capacity`. Near 1,
 * more consumers or a higher prefetch would change nothing; near 0, all of them have as much as they
 * may have all the time.
 */
export class ConsumerUse {
  readonly #clock: Clock;
  #blocked = false;
  /** Until when it is counted. */
  #until: number;
  #activeMs = 0;
  #blockedMs = 0;
  #average = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#until = turnTime(clock);
  }

  /** No consumer has room, from now on. */
  block(): void {
    if (this.#blocked) return;
    this.#count();
    this.#blocked = true;
  }

  /** One has. */
  unblock(): void {
    if (!this.#blocked) return;
    this.#count();
    this.#blocked = false;
  }

  /** A part from 0 to 1, of the last seconds. */
  get capacity(): number {
    this.#count();
    const sum = this.#activeMs + this.#blockedMs;
    return sum === 0 ? this.#average : this.#averageWith(sum);
  }

  #count(): void {
    const now = turnTime(this.#clock);
    const ms = Math.max(0, now - this.#until);
    this.#until = now;
    if (this.#blocked) this.#blockedMs += ms;
    else this.#activeMs += ms;
    const sum = this.#activeMs + this.#blockedMs;
    if (sum < FOLD_MS) return;
    this.#average = this.#averageWith(sum);
    this.#activeMs = this.#blockedMs = 0;
  }

  #averageWith(sum: number): number {
    const weight = Math.exp(-sum / MEMORY_MS);
    return this.#average * weight + this.#activeMs / sum * (1 - weight);
  }
}

/** Consumers get and lose room many times a turn, which takes no time: the clock is asked once. */
let time = 0;
let asked: Clock | undefined;

function turnTime(clock: Clock): number {
  if (asked === clock) return time;
  time = clock.now();
  asked = clock;
  atEndOfTurn(forgetTime);
  return time;
}

function forgetTime(): void {
  asked = undefined;
}
