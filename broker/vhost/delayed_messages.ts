import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import type { PagePool } from "../pages.ts";
import { DelayLine, type DelayLineOptions } from "./delay_line.ts";

/** So many messages go on in one turn, before others get a chance to do something. */
const BATCH = 1000;
/** Timers take no longer delay; the lines are looked at again then. */
const TIMER_MS_MAX = 0x7fff_ffff;

/** What delayed messages need. */
export interface DelayedMessagesOptions {
  readonly clock: Clock;
  readonly pages: PagePool;
  readonly logger: Logger;
}

/**
 * Messages that wait for their time, those of all exchanges of a broker, behind a single timer. Each
 * exchange has a line of its own.
 */
export class DelayedMessages {
  /** Where time comes from. */
  readonly clock: Clock;
  readonly #options: DelayedMessagesOptions;
  readonly #lines = new Set<DelayLine>();
  #stopTimer: (() => void) | undefined = undefined;
  /** When the timer goes off; Infinity when there is none, and minus that when none may be set. */
  #timerTime = Infinity;
  /** True while messages go on: the timer is set when that is done. */
  #busy = false;

  /**
   * @param options Time, where messages are kept, and where it is told what a line threw.
   */
  constructor(options: DelayedMessagesOptions) {
    this.clock = options.clock;
    this.#options = options;
  }

  /** How many messages wait. */
  get size(): number {
    let size = 0;
    for (const line of this.#lines) size += line.length;
    return size;
  }

  /** Opens a line, with what the store has of it. */
  open(options: DelayLineOptions): DelayLine {
    const line = new DelayLine(options, {
      ...this.#options,
      onTimeChanged: (changed) => this.#noteTime(changed.nextTime),
    });
    this.#lines.add(line);
    return line;
  }

  /** Ends a line: its messages are forgotten, those in the store too. */
  remove(line: DelayLine): void {
    this.#lines.delete(line);
    line.remove();
  }

  /** Stops the timer; messages that wait stay where they are. */
  close(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#timerTime = -Infinity;
  }

  /** A line wants to be looked at then. A timer that goes off too early only looks again, but when
   * nothing waits there is none. */
  #noteTime(time: number): void {
    if (this.#busy || this.#timerTime === -Infinity) return;
    if (time < this.#timerTime) this.#setTimer(time);
    else if (time === Infinity && this.#timerTime !== Infinity) this.#setTimer(this.#nextTime());
  }

  #nextTime(): number {
    let next = Infinity;
    for (const { nextTime } of this.#lines) if (nextTime < next) next = nextTime;
    return next;
  }

  #setTimer(time: number): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#timerTime = time;
    if (time === Infinity) return;
    const delayMs = Math.min(Math.max(time - this.clock.now(), 0), TIMER_MS_MAX);
    this.#stopTimer = this.clock.after(delayMs, () => this.#timerWentOff());
  }

  #timerWentOff(): void {
    this.#stopTimer = undefined;
    this.#busy = true;
    const now = this.clock.now();
    for (let count = 0; count < BATCH;) {
      let first: DelayLine | undefined;
      let second = Infinity;
      for (const line of this.#lines) {
        if (first === undefined || line.nextTime < first.nextTime) {
          second = first?.nextTime ?? Infinity;
          first = line;
        } else if (line.nextTime < second) second = line.nextTime;
      }
      if (first === undefined || first.nextTime > now) break;
      // a line from which nothing can go on is not looked at again for a while
      count += Math.max(first.release(Math.min(now, second), BATCH - count), 1);
    }
    this.#busy = false;
    if (this.#timerTime === -Infinity) return; // closed meanwhile
    this.#setTimer(this.#nextTime());
  }
}
