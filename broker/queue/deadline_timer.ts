import type { Clock } from "../amqp/clock.ts";

/** The longest time that a timer takes. */
const TIMER_MAX_MS = 0x7fff_ffff;

/** When a timer has gone off whose owner waits for its turn: no deadline comes before that. */
const DUE = -Infinity;

/** One timer for many deadlines: it is set for the first of them. Owners whose deadlines come at the same
 * time take turns. */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  readonly #idly: boolean;
  /** When it goes off; 0: it is not set. */
  #time = 0;
  #cancel: (() => void) | undefined = undefined;
  #stopped = false;

  /**
   * @param clock Time.
   * @param onDue Called when a deadline has come, or a timer cannot wait that long: it looks what is due,
   * and has the next one watched.
   * @param idly True when a program that has nothing else to do need not go on for it.
   */
  constructor(clock: Clock, onDue: () => void, idly = false) {
    this.#clock = clock;
    this.#onDue = onDue;
    this.#idly = idly;
  }

  /** There is a deadline, in milliseconds since 1970, before which it need not go off. */
  watch(deadline: number): void {
    if (this.#stopped) return;
    if (this.#time !== 0) {
      // one that goes off too early only looks again
      if (this.#time <= deadline) return;
      this.#cancel!();
    }
    this.#time = deadline;
    const delayMs = Math.min(Math.max(0, deadline - this.#clock.now()), TIMER_MAX_MS);
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#time = DUE;
      const { inTurn } = this.#clock;
      if (inTurn === undefined) this.#goOff();
      else inTurn(() => this.#goOff());
    }, this.#idly);
  }

  #goOff(): void {
    this.#time = 0;
    if (!this.#stopped) this.#onDue();
  }

  /** Goes off no more. */
  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }
}
