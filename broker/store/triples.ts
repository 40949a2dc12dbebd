/**
 * Rows of triples in plain arrays: segment, position and one more number. Settlements and returns are
 * gathered so, since they come by the million and mostly in order.
 *
 * @module
 */

/**
 * Calls back for each row of triples of one segment, sorted by segment and position.
 *
 * @param inOrder True when they stay as they came: then a segment may have several rows.
 */
export function forEachGroup(
  triples: number[],
  callback: (from: number, to: number) => void,
  inOrder = false,
): void {
  if (!inOrder && !isSorted(triples)) sort(triples);
  let from = 0;
  for (let at = 3; at <= triples.length; at += 3) {
    if (at < triples.length && triples[at] === triples[from] && isAfter(triples, at)) continue;
    callback(from, at);
    from = at;
  }
}

/** True when a triple's position is not below that of the one before. */
function isAfter(triples: readonly number[], at: number): boolean {
  return triples[at + 1]! >= triples[at - 2]!;
}

function isSorted(triples: readonly number[]): boolean {
  for (let at = 3; at < triples.length; at += 3) {
    const bySegment = triples[at]! - triples[at - 3]!;
    if (bySegment < 0 || bySegment === 0 && !isAfter(triples, at)) return false;
  }
  return true;
}

function sort(triples: number[]): void {
  const order = Array.from({ length: triples.length / 3 }, (_, index) => index * 3);
  // Stable: of two with the same position, the later one stays behind.
  order.sort((a, b) => triples[a]! - triples[b]! || triples[a + 1]! - triples[b + 1]!);
  const sorted = order.flatMap((at) => [triples[at]!, triples[at + 1]!, triples[at + 2]!]);
  for (let at = 0; at < sorted.length; at++) triples[at] = sorted[at]!;
}
