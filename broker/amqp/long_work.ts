import { pollSockets } from "./turn.ts";

/**
 * Long work that is done a bounded part at a time: what 65 535 channels leave behind, or a million
 * messages that come back.
 *
 * @module
 */

/** Work in steps, none of them long. Each tells how much it was, in what a channel costs that ends: some
 * microseconds. */
export type Steps = Generator<number, void, undefined>;

/** So much is done before others get a chance to do something. */
const SLICE = 512;
/** Or what takes so many milliseconds, where it takes longer. */
const SLICE_MS = 3;
/** After so much the time is looked at. */
const LOOK_AFTER = 32;

/** Work that goes on: each does what comes next, and tells whether that was the end. */
const waiting: (() => boolean)[] = [];
let isServing = false;

/**
 * Does something in slices. What is little is done within this call. Of all that is more, one slice is
 * done each time that everybody else had a chance, in turn.
 *
 * @param steps What is to be done.
 * @param surround Runs each slice.
 * @param onDone Is called when all is done.
 */
export function workInSlices(
  steps: Steps,
  surround: (slice: () => void) => void,
  onDone: () => void,
): void {
  let isDone = false;
  const slice = () => isDone = doSlice(steps);
  const goOn = () => {
    surround(slice);
    if (isDone) onDone();
    return isDone;
  };
  if (goOn()) return;
  waiting.push(goOn);
  if (!isServing) void serve();
}

/** Does all of it at once. */
export function finish(steps: Steps): void {
  while (steps.next().done !== true);
}

function doSlice(steps: Steps): boolean {
  const end = performance.now() + SLICE_MS;
  let lookAt = LOOK_AFTER;
  for (let amount = 0; amount < SLICE;) {
    const { done, value } = steps.next();
    if (done === true) return true;
    amount += value;
    if (amount < lookAt) continue;
    if (performance.now() >= end) return false;
    lookAt = amount + LOOK_AFTER;
  }
  return false;
}

async function serve(): Promise<void> {
  isServing = true;
  while (waiting.length > 0) {
    await pollSockets();
    const next = waiting.shift()!;
    try {
      if (!next()) waiting.push(next);
    } catch (bug) {
      // the others go on all the same, and the program hears of it as of any uncaught error
      queueMicrotask(() => {
        throw bug;
      });
    }
  }
  isServing = false;
}
