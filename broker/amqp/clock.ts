import { doBatch } from "./batches.ts";

/** Time as the broker and the client see it. It comes in from outside, so that tests own it. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Milliseconds since some moment, as `performance.now()`: unlike `now` it neither stands still nor
   * jumps when somebody sets the machine's clock. For what is a duration. */
  elapsed(): number;
  /** Calls back once after a delay in milliseconds. The result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back each so many milliseconds. The result stops it. */
  every(intervalMs: number, callback: () => void): () => void;
  /** Does what very many may have to do in the same moment, each in its turn. Default: all at once. */
  readonly inTurn?: (batch: () => void) => void;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs);
    return () => clearInterval(timer);
  },
  inTurn: doBatch,
};
