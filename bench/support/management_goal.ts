import { type Spread, spreadOf } from "./compare/results.ts";

/** So much of the throughput is to be left with five browsers on the dashboard. */
export const GOAL = 0.95;

/**
 * Whether browsers leave as much of the throughput as they are to: by the median of all pairs, so that one
 * turn does not decide.
 *
 * @param ratios Throughput with browsers to throughput without, of each pair of turns.
 */
export function judged(ratios: readonly number[]): Spread & { readonly met: boolean } {
  const spread = spreadOf(ratios);
  return { ...spread, met: spread.median >= GOAL };
}
