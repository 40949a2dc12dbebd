/**
 * What is to be reached: a ratio between two figures of one run, or seldom a figure by itself.
 *
 * @module
 */
import { type Figures, median, ratioOf } from "./results.ts";

/** What a figure of Warren's is to be at least or at most. */
export interface Goal {
  /** What it is divided by: the figure of a broker, under another load if one is named. Without it
   * the figure counts as it is. */
  readonly beside?: { readonly broker: string; readonly load?: string };
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** A goal, and the figure that it is for. */
export interface GoalOfLoad extends Goal {
  readonly load: string;
  readonly unit: string;
}

/** How far a goal was reached. */
export interface Verdict {
  /** For people. */
  readonly goal: string;
  /** The ratio, or the figure. */
  readonly reached: number;
  readonly met: boolean;
}

/** At least so many times the figure of another broker. */
export function atLeast(ratio: number, broker: string, load?: string): Goal {
  return { beside: { broker, ...(load === undefined ? {} : { load }) }, atLeast: ratio };
}

/** At most so many times the figure of another broker. */
export function atMost(ratio: number, broker: string): Goal {
  return { beside: { broker }, atMost: ratio };
}

/** Says which goals were met. Those that nothing was measured for are left out. */
export function judge(goals: readonly GoalOfLoad[], figures: readonly Figures[]): Verdict[] {
  return goals.flatMap((goal) => {
    const reached = reachedOf(goal, figures);
    if (reached === undefined) return [];
    const met = reached >= (goal.atLeast ?? -Infinity) && reached <= (goal.atMost ?? Infinity);
    return [{ goal: describe(goal), reached, met }];
  });
}

/** The figure that a goal is about, divided by what it is beside of; undefined when one is missing. */
export function reachedOf(goal: GoalOfLoad, figures: readonly Figures[]): number | undefined {
  const { load, unit, beside } = goal;
  const own = roundsOf(figures, load, unit, "Warren");
  if (beside === undefined) return own === undefined ? undefined : median(own);
  return ratioOf(own, roundsOf(figures, beside.load ?? load, unit, beside.broker));
}

function roundsOf(
  figures: readonly Figures[],
  load: string,
  unit: string,
  broker: string,
): readonly number[] | undefined {
  return figures.find((each) => each.load === load && each.unit === unit)?.rounds[broker];
}

/** A goal in words. */
export function describe({ load, unit, beside, atLeast, atMost }: GoalOfLoad): string {
  const bounds = [
    atLeast === undefined ? "" : `at least ${showBound(atLeast)}`,
    atMost === undefined ? "" : `at most ${showBound(atMost)}`,
  ].filter((bound) => bound !== "").join(", ");
  if (beside === undefined) return `${load}, ${unit}: ${bounds}`;
  const whose = beside.broker === "Warren" ? "" : `${beside.broker}'s`;
  const which = beside.load === undefined ? "" : `'${beside.load}'`;
  return `${load}, ${unit}: ${bounds} x ${[whose, which].filter(Boolean).join(" ")}`;
}

function showBound(bound: number): string {
  return String(Math.round(bound * 100) / 100);
}
