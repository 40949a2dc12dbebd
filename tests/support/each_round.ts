import { setImmediate } from "node:timers";

/**
 * Calls back each time the event loop goes round, until it is disposed of. A timer does not tell that: it
 * waits for a millisecond, in which a fast machine does much.
 */
export function eachRound(callback: () => void): Disposable {
  let isOver = false;
  const next = () => {
    if (isOver) return;
    callback();
    setImmediate(next);
  };
  setImmediate(next);
  return { [Symbol.dispose]: () => void (isOver = true) };
}
