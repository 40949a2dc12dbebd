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
  private readonly _clock: Clock;
  private _blocked = false;
  /** Until when it is counted. */
  private _until: number;
  private _activeMs = 0;
  private _blockedMs = 0;
  private _average = 1;

  constructor(clock: Clock) {
    this._clock = clock;
    this._until = turnTime(clock);
  }

  /** No consumer has room, from now on. */
  block(): void {
    if (this._blocked) return;
    this._count();
    this._blocked = true;
  }

  /** One has. */
  unblock(): void {
    if (!this._blocked) return;
    this._count();
    this._blocked = false;
  }

  /** A part from 0 to 1, of the last seconds. */
  get capacity(): number {
    this._count();
    const sum = this._activeMs + this._blockedMs;
    return sum === 0 ? this._average : this._averageWith(sum);
  }

  private _count(): void {
    const now = turnTime(this._clock);
    const ms = Math.max(0, now - this._until);
    this._until = now;
    if (this._blocked) this._blockedMs += ms;
    else this._activeMs += ms;
    const sum = this._activeMs + this._blockedMs;
    if (sum < FOLD_MS) return;
    this._average = this._averageWith(sum);
    this._activeMs = this._blockedMs = 0;
  }

  private _averageWith(sum: number): number {
    const weight = Math.exp(-sum / MEMORY_MS);
    return this._average * weight + this._activeMs / sum * (1 - weight);
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
