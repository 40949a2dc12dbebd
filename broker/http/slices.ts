import { loopRound, pollSockets } from "../amqp/turn.ts";

/** So long something is done before others get a chance to do something, in milliseconds. */
const SLICE_MS = 2;
/** So many small things are done before the time is looked at. */
const BATCH = 32;

/** Those who rest, in the order in which they go on: one each time that everything else had its chance. A
 * hundred who ask for long lists would otherwise be one long turn of a hundred slices. */
const resting: (() => void)[] = [];
let isServing = false;

/** Divides long work, so that messages go on meanwhile, and other work of the kind. */
export class Slices {
  /** Who begins while others rest waits for a slice at once. */
  #end = resting.length > 0 ? 0 : performance.now() + SLICE_MS;
  #count = resting.length > 0 ? -1 : 0;

  /** True when it is time to `rest`: looks at the clock once in a while. */
  get over(): boolean {
    return ++this.#count % BATCH === 0 && performance.now() >= this.#end;
  }

  /** Lets everything else go on. */
  async rest(): Promise<void> {
    await new Promise<void>((resolve) => {
      resting.push(resolve);
      if (!isServing) void serve();
    });
    this.#end = performance.now() + SLICE_MS;
  }
}

async function serve(): Promise<void> {
  isServing = true;
  while (resting.length > 0) {
    // the loop may go round dozens of times before it looks at sockets, while there is always work
    await (resting.length > 1 ? pollSockets() : loopRound());
    resting.shift()!();
  }
  isServing = false;
}

/** Takes what there is, with pauses. */
export async function gather<T>(
  from: Iterable<T>,
  wanted: (item: T) => boolean = () => true,
): Promise<T[]> {
  const slices = new Slices();
  const items: T[] = [];
  for (const item of from) {
    if (wanted(item)) items.push(item);
    if (slices.over) await slices.rest();
  }
  return items;
}

/** So many are sorted at once: about half a millisecond. */
const RUN = 1024;

/** Sorts a long list with pauses; what compares equal stays in order. */
export async function sortInSlices<T>(
  items: readonly T[],
  compare: (one: T, other: T) => number,
): Promise<T[]> {
  const slices = new Slices();
  let runs: T[][] = [];
  for (let at = 0; at < items.length; at += RUN) {
    runs.push(items.slice(at, at + RUN).sort(compare));
    await slices.rest();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [one, other] = [runs[at]!, runs[at + 1]];
      merged.push(other === undefined ? one : await merge(one, other, compare, slices));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(
  one: readonly T[],
  other: readonly T[],
  compare: (one: T, other: T) => number,
  slices: Slices,
): Promise<T[]> {
  const merged: T[] = [];
  let [i, j] = [0, 0];
  while (i < one.length && j < other.length) {
    merged.push(compare(one[i]!, other[j]!) <= 0 ? one[i++]! : other[j++]!);
    if (slices.over) await slices.rest();
  }
  while (i < one.length) merged.push(one[i++]!);
  while (j < other.length) merged.push(other[j++]!);
  return merged;
}
