/** So many are sorted, or merged, in one step. */
const CHUNK = 256;
/** What such a step costs. */
const COST = 4;

/**
 * A merge sort in steps, since one of a million takes too long to be one of them.
 *
 * @param before What a thing is sorted by: the least comes first. No two are alike.
 */
export function* sortSlowly<Thing>(
  things: readonly Thing[],
  before: (thing: Thing) => number,
): Generator<number, Thing[]> {
  let runs: Thing[][] = [];
  for (let at = 0; at < things.length; at += CHUNK) {
    runs.push(things.slice(at, at + CHUNK).sort((a, b) => before(a) - before(b)));
    yield COST;
  }
  while (runs.length > 1) {
    const merged: Thing[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const [one, other] = [runs[at]!, runs[at + 1]];
      merged.push(other === undefined ? one : yield* mergeSlowly(one, other, before));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

/** Makes one of two that are sorted. */
export function* mergeSlowly<Thing>(
  one: readonly Thing[],
  other: readonly Thing[],
  before: (thing: Thing) => number,
): Generator<number, Thing[]> {
  const merged: Thing[] = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < other.length) {
    const isFromOne = j === other.length ||
      (i < one.length && before(one[i]!) < before(other[j]!));
    merged.push(isFromOne ? one[i++]! : other[j++]!);
    if (merged.length % CHUNK === 0) yield COST;
  }
  return merged;
}
