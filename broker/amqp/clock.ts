/** Time as the broker and the client see it. It comes in from outside, so that tests own it. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Calls back once after a delay in milliseconds. The result cancels it. */
  after(delayMs: number, callback: () => void): () => void;
  /** Calls back each so many milliseconds. The result stops it. */
  every(intervalMs: number, callback: () => void): () => void;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs);
    return () => clearInterval(timer);
  },
};
