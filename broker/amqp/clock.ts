import { doBatch } from "./batches.ts";

/** Time as the broker and the client see it. It comes in from outside, so that tests own it. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Milliseconds since some moment, as `performance.now()`: unlike `now` it neither stands still nor
   * jumps when somebody sets the machine's clock. For what is a duration. */
  elapsed(): number;
  /** Calls back once after a delay in milliseconds. The result cancels it. `idly`: a program that has
   * nothing else to do need not go on for it. */
  after(delayMs: number, callback: () => void, idly?: boolean): () => void;
  /** Calls back each so many milliseconds. The result stops it. `idly`: as for `after`. */
  every(intervalMs: number, callback: () => void, idly?: boolean): () => void;
  /** Does what very many may have to do in the same moment, each in its turn. Default: all at once. */
  readonly inTurn?: (batch: () => void) => void;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, callback, idly = false) {
    const timer = setTimeout(callback, delayMs);
    if (idly) unref(timer);
    return () => clearTimeout(timer);
  },
  every(intervalMs, callback, idly = false) {
    const timer = setInterval(callback, intervalMs);
    if (idly) unref(timer);
    return () => clearInterval(timer);
  },
  inTurn: doBatch,
};

/** Lets a program end though the timer is set. In a browser it is a number, and nothing ends for lack of
 * timers. */
function unref(timer: unknown): void {
  (timer as { readonly unref?: () => void }).unref?.();
}
