import type { Clock } from "../../broker/amqp/clock.ts";

interface Timer {
  next: number;
  /** Undefined for a timer that goes off once. */
  readonly intervalMs: number | undefined;
  readonly callback: () => void;
}

/** A clock that stands still until a test lets time pass. */
export class ManualClock implements Clock {
  #now: number;
  /** What the wall clock shows more than time has passed. */
  #aheadMs = 0;
  readonly #timers = new Set<Timer>();

  /** @param now What it shows at first. */
  constructor(now = 0) {
    this.#now = now;
  }

  /** How many timers are set: none when everything that used the clock has ended. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now + this.#aheadMs;
  }

  elapsed(): number {
    return this.#now;
  }

  /** Sets the wall clock, forward or back: no time passes. */
  setWallClock(byMs: number): void {
    this.#aheadMs += byMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#add({ next: this.#now + delayMs, intervalMs: undefined, callback });
  }

  every(intervalMs: number, callback: () => void): () => void {
    return this.#add({ next: this.#now + intervalMs, intervalMs, callback });
  }

  /** Lets time pass; timers go off in the order of their times. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let due = this.#firstUntil(end); due !== undefined; due = this.#firstUntil(end)) {
      this.#now = due.next;
      if (due.intervalMs === undefined) this.#timers.delete(due);
      else due.next += due.intervalMs;
      due.callback();
    }
    this.#now = end;
  }

  #firstUntil(end: number): Timer | undefined {
    const due = [...this.#timers].filter((timer) => timer.next <= end);
    return due.sort((one, other) => one.next - other.next)[0];
  }

  #add(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}
