import type { Results } from "../compare/results.ts";
import type { Figure } from "./loads.ts";

/**
 * Adds what one round measured of a load, if it was measured before and now: each figure belongs to the one of
 * the other half, and one half alone says nothing.
 *
 * @param halves What was found, by name; undefined where that failed.
 */
export function addRound(
  results: Results,
  load: string,
  halves: ReadonlyMap<string, readonly Figure[] | undefined>,
): void {
  const whole = [...halves.values()].every((figures) => figures !== undefined);
  if (!whole) return;
  for (const [name, figures] of halves) {
    for (const { unit, value } of figures!) results.add(load, unit, name, value);
  }
}
