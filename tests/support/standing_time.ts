import { doBatch } from "../../broker/amqp/batches.ts";
import { pollAllSockets } from "../../broker/amqp/turn.ts";

/** What `performance.now()` shows while a test says how it goes on. */
export interface StandingTime extends Disposable {
  /** Lets so many milliseconds pass: what a test's work takes, on whatever machine. */
  pass(ms: number): void;
}

/**
 * Has `performance.now()` stand still until it is disposed of: what is done at a stretch depends on how
 * long it took, and a machine that is busy with other things makes two reads out of one.
 *
 * @param lookMs So much passes each time somebody looks, for what waits until some time has passed.
 * Default: nothing.
 * @returns What lets it go on.
 */
export function standingTime(lookMs = 0): StandingTime {
  const { now } = performance;
  let at = now.call(performance);
  performance.now = () => at += lookMs;
  return {
    pass: (ms) => void (at += ms),
    [Symbol.dispose]() {
      // it never goes back: what was seen last is remembered where it is looked at
      const ahead = Math.max(0, at - now.call(performance));
      performance.now = ahead === 0 ? now : () => now.call(performance) + ahead;
    },
  };
}

/**
 * The same, in a turn that follows no others: what was done before, by other tests as well, counts no longer,
 * so that ends of turn are microtasks and batches are done at once.
 */
export async function freshTurn(): Promise<StandingTime> {
  const time = standingTime();
  await pollAllSockets();
  await new Promise<void>((resolve) => doBatch(resolve));
  return time;
}
