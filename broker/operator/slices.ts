import { loopRound } from "../amqp/turn.ts";
import type { Changes } from "./changes.ts";

/** For so long something is changed before others get a chance to do something. */
const SLICE_MS = 2;
/** So many steps are taken before the clock is looked at. */
const BATCH = 8;

/**
 * Takes the steps of a long change without keeping messages waiting. What fits into one slice is done at
 * once.
 *
 * @throws {TypeError} When nothing can be changed any more.
 */
export async function inSlices<Result>(
  steps: Generator<void, Result>,
  changes: Pick<Changes, "check">,
): Promise<Result> {
  let end = performance.now() + SLICE_MS;
  for (let done = 1;; done++) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (done % BATCH !== 0 || performance.now() < end) continue;
    await loopRound();
    changes.check();
    end = performance.now() + SLICE_MS;
  }
}
