import { Slices } from "../amqp/slices.ts";
import type { Changes } from "./changes.ts";

/**
 * Takes the steps of a long change without keeping messages waiting. What fits into one slice is done at
 * once, unless others wait for their next one: those who do long work take turns, whatever it is.
 *
 * @throws {TypeError} When nothing can be changed any more.
 */
export async function inSlices<Result>(
  steps: Generator<void, Result>,
  changes: Pick<Changes, "check">,
): Promise<Result> {
  // after each: to match one name by one pattern can take milliseconds
  const slices = new Slices(1);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (!slices.over) continue;
    await slices.rest();
    changes.check();
  }
}
