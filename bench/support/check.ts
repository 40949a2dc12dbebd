/**
 * Throws unless the work that was measured had the expected result: a benchmark must not become fast
 * by doing nothing, nor lose what it measures to the optimiser.
 */
export function check<Value>(actual: Value, expected: Value): void {
  if (actual !== expected) throw new Error(`Cannot measure: got ${actual} instead of ${expected}`);
}
