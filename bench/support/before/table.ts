import { type Figures, spreadOf } from "../compare/results.ts";
import { markdownTable, showFigure, showNumber } from "../compare/tables.ts";

/**
 * What was before and is now, the middle of the rounds' ratios, and between which ones the middle half of
 * them lies. Loads of which one half always failed are left out.
 *
 * @returns Undefined when there is nothing to show.
 */
export function ratiosTable(figures: readonly Figures[]): string | undefined {
  const rows = figures.flatMap(({ load, unit, rounds, medians }) => {
    const { before = [], now = [] } = rounds;
    if (before.length === 0 || before.length !== now.length) return [];
    const { median, low, high } = spreadOf(now.map((figure, round) => figure / before[round]!));
    const shown = [medians["before"], medians["now"]].map(showFigure);
    return [[
      load,
      unit,
      ...shown,
      showNumber(median),
      `${showNumber(low)} to ${showNumber(high)}`,
    ]];
  });
  if (rows.length === 0) return undefined;
  return markdownTable(["load", "unit", "before", "now", "now : before", "middle half"], rows);
}
