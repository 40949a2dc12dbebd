import { setImmediate } from "node:timers";
import { computedMs } from "./computed.ts";

/** Milliseconds that long work may keep everything else waiting: that in one go would take many times
 * as long. */
export const PAUSE_MAX = 60;

/** To look how much was computed takes as long as many rounds of the loop, so that is not done in each. */
const LOOK_MS = 1;

/** Garbage is collected in some attempts and not in others: the best of so many is what counts. */
export const ATTEMPTS = 4;

/**
 * The longest time that the thread computed between two rounds of the event loop until something is
 * done, and what came of it.
 *
 * A machine with other things to do pauses a process for longer than it takes itself, so a pause counts
 * as no longer than its thread computed meanwhile. Who waits in it for a disk is not seen.
 *
 * @returns Milliseconds, and the result.
 */
export async function watch<Result>(work: () => Promise<Result>): Promise<[number, Result]> {
  let longest = 0;
  let last = now();
  let running = true;
  const ended = new Promise<void>((resolve) => {
    const look = () => {
      if (performance.now() - last.wall >= LOOK_MS) {
        const next = now();
        longest = Math.max(longest, Math.min(next.wall - last.wall, next.computed - last.computed));
        last = next;
      }
      if (running) setImmediate(look);
      else resolve();
    };
    setImmediate(look);
  });
  try {
    const result = await work();
    running = false;
    await ended;
    return [longest, result];
  } finally {
    running = false;
  }
}

function now(): { readonly wall: number; readonly computed: number } {
  return { wall: performance.now(), computed: computedMs() };
}

/** The least of the longest pauses of some attempts; the first that is short enough is the last. */
export async function longestTurn(work: () => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS && least > PAUSE_MAX; attempt++) {
    const [pause] = await watch(work);
    least = Math.min(least, pause);
  }
  return least;
}
