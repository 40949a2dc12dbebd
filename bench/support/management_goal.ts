import { type Spread, spreadOf } from "./compare/results.ts";

/** So much of the throughput is to be left with five browsers on the dashboard. */
export const GOAL = 0.95;

/**
 * Whether browsers take more of the throughput than they may: the middle half of all pairs says so, so
 * that one bad turn does not.
 *
 * @param ratios Throughput with browsers to throughput without, of each pair of turns.
 */
export function judged(ratios: readonly number[]): Spread & { readonly met: boolean } {
  const spread = spreadOf(ratios);
  return { ...spread, met: spread.median >= GOAL || spread.high >= GOAL };
}
