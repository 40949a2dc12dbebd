import type { Clock } from "./clock.ts";

/** An interval has so many timers at most. What thousands do at once would hold up others; with so many
 * turns for it, each is short. */
const SLOTS = 32;

/** Something that is done each so many milliseconds. */
export interface Ticking {
  /** It is time. */
  tick(): void;
}

const timersOf = new WeakMap<Clock, Map<number, SharedTimer>>();

/**
 * A timer of many with the same interval, which is not what each has: ten thousand timers are megabytes.
 * Who joins has a first tick that comes up to an interval later; mostly about an interval, since who
 * comes at the same time goes together.
 */
export class SharedTimer {
  /** Its place among those of its clock. */
  readonly #key: number;
  readonly #clock: Clock;
  readonly #members = new Set<Ticking>();
  readonly #stop: () => void;

  private constructor(clock: Clock, intervalMs: number, key: number) {
    this.#key = key;
    this.#clock = clock;
    this.#stop = clock.every(intervalMs, () => {
      for (const member of this.#members) member.tick();
    });
  }

  /** From now on the member's `tick` is called each so many milliseconds, until it leaves the timer. */
  static join(clock: Clock, intervalMs: number, member: Ticking): SharedTimer {
    const timers = timersOf.get(clock) ?? new Map<number, SharedTimer>();
    timersOf.set(clock, timers);
    const slot = Math.floor(clock.now() / intervalMs * SLOTS) % SLOTS;
    const key = intervalMs * SLOTS + slot;
    const timer = timers.get(key) ?? new SharedTimer(clock, intervalMs, key);
    timers.set(key, timer);
    timer.#members.add(member);
    return timer;
  }

  /** Ticks no more for a member. With the last one the timer ends. */
  leave(member: Ticking): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    this.#stop();
    timersOf.get(this.#clock)!.delete(this.#key);
  }
}
