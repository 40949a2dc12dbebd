/** Into so many parts the way from the lowest key to the highest is divided. */
const PARTS = 4096;
/** So many more than are wanted are sorted. */
const SORTED_MAX = 1024;
/** Of so many and more a sample tells between which keys those are that are wanted. */
const MANY = 65_536;
/** So many of them are the sample. */
const SAMPLE = 2048;
/** How far off, in the sample, it may be: about four times what is usual. */
const OFF = 96;

/** Numbers side by side: those at one place belong together. Where times are the same the ids count, which are
 * never the same. */
export interface Keys {
  readonly times: Float64Array;
  readonly ids: Float64Array;
}

/** Some of them: what they go by, and their places. */
interface Some {
  readonly keys: Float64Array;
  /** Undefined: all of them. */
  readonly places: Uint32Array | undefined;
}

/**
 * Finds those of very many that would be at `start` and up to `end` if they were sorted. A sample tells about where
 * they are. Those there are counted by parts of the time from the first one to the last, or of the ids where all
 * have one time, and only the parts of those that are wanted are looked at further. So it looks at each once, at few
 * a few times, and compares very few.
 *
 * @returns Their places, in order.
 */
export function placesOfRanks(all: Keys, start: number, end: number): number[] {
  const found: number[] = [];
  const some = { keys: all.times, places: undefined };
  const part = all.times.length < MANY ? undefined : partBySample(all.times, start, end);
  if (part === undefined) find(all, some, start, end, found);
  else find(all, part, start - part.before, end - part.before, found);
  return found;
}

/** Those of very many that are likely to be wanted, and how many come before them; undefined when it is not so, or
 * they are not few. */
function partBySample(
  keys: Float64Array,
  start: number,
  end: number,
): Some & { readonly before: number } | undefined {
  const { length } = keys;
  const sample = new Float64Array(SAMPLE);
  for (let at = 0; at < SAMPLE; at++) sample[at] = keys[Math.floor(at * length / SAMPLE)]!;
  sample.sort();
  const lowest = sample[Math.floor(start * SAMPLE / length) - OFF] ?? -Infinity;
  const highest = sample[Math.ceil(end * SAMPLE / length) + OFF] ?? Infinity;
  const room = end - start + Math.floor(length / 4);
  const places = new Uint32Array(room);
  let count = 0;
  let before = 0;
  for (let at = 0; at < length; at++) {
    const key = keys[at]!;
    if (key < lowest) before++;
    else if (key <= highest) {
      if (count === room) return undefined;
      places[count++] = at;
    }
  }
  if (start < before || end > before + count) return undefined;
  const found = new Float64Array(count);
  for (let at = 0; at < count; at++) found[at] = keys[places[at]!]!;
  return { keys: found, places: places.subarray(0, count), before };
}

function find(all: Keys, some: Some, start: number, end: number, found: number[]): void {
  if (start >= end) return;
  if (some.keys.length - (end - start) <= SORTED_MAX) {
    const sorted = [...some.places ?? some.keys.keys()].sort((one, other) =>
      all.times[one]! - all.times[other]! || all.ids[one]! - all.ids[other]!
    );
    for (const place of sorted.slice(start, end)) found.push(place);
    return;
  }
  const [lowest, highest] = rangeOf(some.keys);
  if (lowest === highest) return find(all, byIds(all, some), start, end, found);
  const scale = (PARTS - 1) / (highest - lowest);
  const counts = countParts(some.keys, lowest, scale);
  let first = 0;
  let before = 0;
  while (before + counts[first]! <= start) before += counts[first++]!;
  let last = first;
  let count = counts[first]!;
  while (before + count < end) count += counts[++last]!;
  const within = (from: number, to: number, count: number) =>
    partsOf(some, { lowest, scale, from, to, count });
  if (first === last || count - (end - start) <= SORTED_MAX) {
    return find(all, within(first, last, count), start - before, end - before, found);
  }
  // all between the two ends are wanted
  const atFirst = counts[first]!;
  const atLast = counts[last]!;
  const between = count - atFirst - atLast;
  find(all, within(first, first, atFirst), start - before, atFirst, found);
  if (between > 0) find(all, within(first + 1, last - 1, between), 0, between, found);
  find(all, within(last, last, atLast), 0, end - before - atFirst - between, found);
}

function byIds({ ids }: Keys, { places }: Some): Some {
  if (places === undefined) return { keys: ids, places };
  const keys = new Float64Array(places.length);
  for (let at = 0; at < keys.length; at++) keys[at] = ids[places[at]!]!;
  return { keys, places };
}

function rangeOf(keys: Float64Array): [lowest: number, highest: number] {
  let lowest = Infinity;
  let highest = -Infinity;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    if (key < lowest) lowest = key;
    if (key > highest) highest = key;
  }
  return [lowest, highest];
}

function countParts(keys: Float64Array, lowest: number, scale: number): Uint32Array {
  const counts = new Uint32Array(PARTS);
  for (let at = 0; at < keys.length; at++) counts[(keys[at]! - lowest) * scale | 0]!++;
  return counts;
}

function partsOf(
  { keys, places }: Some,
  { lowest, scale, from, to, count }: {
    readonly lowest: number;
    readonly scale: number;
    readonly from: number;
    readonly to: number;
    readonly count: number;
  },
): Some {
  const found = { keys: new Float64Array(count), places: new Uint32Array(count) };
  let next = 0;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]!;
    const part = (key - lowest) * scale | 0;
    if (part < from || part > to) continue;
    found.keys[next] = key;
    found.places[next++] = places === undefined ? at : places[at]!;
  }
  return found;
}
