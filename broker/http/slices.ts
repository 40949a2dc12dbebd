import { Slices } from "../amqp/slices.ts";

export { Slices };

/**
 * Takes what there is, with pauses.
 *
 * @param wanted Whether one of them is. Default: all.
 * @param batch So many are looked at before the time is. Default: as many as small things.
 */
export async function gather<T>(
  from: Iterable<T>,
  wanted: (item: T) => boolean = () => true,
  batch?: number,
): Promise<T[]> {
  const slices = new Slices(batch);
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
