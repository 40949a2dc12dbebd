/**
 * Whether something became slower: by ratios between two measurements of one run, since absolute
 * figures depend on the machine and on what else it does.
 *
 * @module
 */
import { type GoalOfLoad, reachedOf } from "./goals.ts";
import { type Figures, ratioOf } from "./results.ts";

/** Tails of latencies differ several times over from run to run, whatever the code. */
const NOT_CHECKED: ReadonlySet<string> = new Set(["ms (p99)", "ms (p99.9)"]);

/** A ratio between Warren and another measurement of the same run. */
export interface Ratio {
  /** The loads that it takes to measure it. */
  readonly loads: readonly string[];
  /** For people, and the same in each run. */
  readonly name: string;
  /** More is better, always: of times it is the other way round. */
  readonly ratio: number;
}

/** A ratio that is smaller than it was. */
export interface Loss extends Ratio {
  /** What it was. */
  readonly before: number;
  /** How much of that is gone, from 0 to 1. */
  readonly share: number;
}

/** All ratios of a run: Warren to each other broker under a load, and between loads where a goal has
 * two. */
export function ratiosOf(
  figures: readonly Figures[],
  goals: readonly GoalOfLoad[],
): Ratio[] {
  const checked = figures.filter(({ unit }) => !NOT_CHECKED.has(unit));
  const betweenBrokers = checked.flatMap(({ load, unit, rounds }) =>
    Object.keys(rounds).filter((name) => name !== "Warren").flatMap((name) => {
      const ratio = ratioOf(rounds["Warren"], rounds[name]);
      if (!isUsable(ratio)) return [];
      const of = `${load}, ${unit}, to ${name}`;
      return [{ loads: [load], name: of, ratio: isTime(unit) ? 1 / ratio : ratio }];
    })
  );
  const betweenLoads = goals.flatMap((goal) => {
    const { load, unit, beside } = goal;
    const ratio = reachedOf(goal, checked);
    if (beside?.load === undefined || !isUsable(ratio)) return [];
    const name = `${load}, ${unit}, to ${beside.broker} under '${beside.load}'`;
    return [{ loads: [load, beside.load], name, ratio: isTime(unit) ? 1 / ratio : ratio }];
  });
  return [...betweenBrokers, ...betweenLoads];
}

/** The ratios of `fresh` that lost more than this share of what they were. */
export function losses(
  stored: readonly Ratio[],
  fresh: readonly Ratio[],
  shareMax: number,
): Loss[] {
  const before = new Map(stored.map(({ name, ratio }) => [name, ratio]));
  return fresh.flatMap((ratio) => {
    const was = before.get(ratio.name);
    if (was === undefined) return [];
    const share = 1 - ratio.ratio / was;
    return share > shareMax ? [{ ...ratio, before: was, share }] : [];
  });
}

/** How many ratios are in both. */
export function comparable(stored: readonly Ratio[], fresh: readonly Ratio[]): number {
  const names = new Set(stored.map(({ name }) => name));
  return fresh.filter(({ name }) => names.has(name)).length;
}

function isUsable(figure: number | undefined): figure is number {
  return figure !== undefined && figure > 0;
}

function isTime(unit: string): boolean {
  return unit.startsWith("ms");
}
