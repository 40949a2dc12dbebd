/**
 * Figures and goals as tables in Markdown.
 *
 * @module
 */
import type { Verdict } from "./goals.ts";
import { type Figures, ratioOf } from "./results.ts";

/** Medians, and Warren's ratio to each of the others, which is that of rounds and not of medians; undefined
 * when there is nothing to show. */
export function figuresTable(
  figures: readonly Figures[],
  others: readonly string[],
): string | undefined {
  const brokers = ["Warren", ...others];
  const head = ["load", "unit", ...brokers, ...others.map((other) => `Warren : ${other}`)];
  const rows = figures
    .filter(({ medians }) => others.some((other) => medians[other] !== undefined))
    .map(({ load, unit, rounds, medians }) => [
      load,
      unit,
      ...brokers.map((broker) => showFigure(medians[broker])),
      ...others.map((other) => showRatio(ratioOf(rounds["Warren"], rounds[other]))),
    ]);
  return rows.length === 0 ? undefined : markdownTable(head, rows);
}

/** What was to be reached and what was; undefined when nothing was measured. */
export function goalsTable(verdicts: readonly Verdict[]): string | undefined {
  if (verdicts.length === 0) return undefined;
  const rows = verdicts.map(({ goal, reached, met }) => [
    goal,
    showNumber(reached),
    met ? "yes" : "no",
  ]);
  return markdownTable(["goal", "reached", "met"], rows);
}

/** A figure, no more exact than it is. */
export function showFigure(figure: number | undefined): string {
  if (figure === undefined) return "-";
  if (figure >= 1e6) return `${(figure / 1e6).toFixed(2)} M`;
  if (figure >= 1e5) return `${(figure / 1000).toFixed(0)} k`;
  return figure.toLocaleString("en", { maximumFractionDigits: figure < 10 ? 3 : 0 });
}

function showRatio(ratio: number | undefined): string {
  return ratio === undefined ? "-" : showNumber(ratio);
}

/** A ratio, as exact as one can be. */
export function showNumber(ratio: number): string {
  return ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2);
}

/** A table whose columns line up. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
