/**
 * Results as a drawing: ratios as bars, in SVG that follows the reader's colour scheme.
 *
 * @module
 */
import type { GoalOfLoad } from "./goals.ts";
import { ratioOf } from "./results.ts";
import type { StoredResults } from "./stored.ts";
import { showNumber } from "./tables.ts";

const WIDTH = 920;
const LABEL_WIDTH = 376;
const VALUE_WIDTH = 70;
const PADDING = 24;
const BAR_LEFT = PADDING + LABEL_WIDTH + 12;
const BAR_WIDTH = WIDTH - BAR_LEFT - VALUE_WIDTH - PADDING;
const ROW_HEIGHT = 24;
const BAR_HEIGHT = 14;
const TITLE_HEIGHT = 58;
const PANEL_HEAD_HEIGHT = 62;
const FOOT_HEIGHT = 34;

const STYLE = `
  .card { fill: #ffffff; stroke: #d1d9e0; }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
  .title { font-size: 18px; font-weight: 600; }
  .panel { font-size: 14px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 12px; }
  .value { font-weight: 600; font-variant-numeric: tabular-nums; }
  .grid { stroke: #d1d9e0; }
  .base { stroke: #818b98; }
  .more { fill: #0969da; }
  .less { fill: #bc4c00; }
  .goal { stroke: #1f2328; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #3d444d; }
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .grid { stroke: #2a313c; }
    .base { stroke: #656c76; }
    .more { fill: #4493f8; }
    .less { fill: #db6d28; }
    .goal { stroke: #f0f6fc; }
  }`;

/** Ratios to one broker. */
interface Panel {
  readonly title: string;
  readonly note: string;
  readonly rows: readonly Row[];
  readonly scale: Scale;
}

/** A bar. */
interface Row {
  readonly label: string;
  readonly ratio: number;
  readonly goal: number | undefined;
  /** A time is better when it is shorter, so its ratio is turned over. */
  readonly isTime: boolean;
}

/** Where ratios lie between 0 and 1, and where bars begin. */
interface Scale {
  readonly base: number;
  readonly ticks: readonly number[];
  at(ratio: number): number;
  show(ratio: number): string;
}

/** Draws results as an SVG file. */
export function drawChart(results: StoredResults, goals: readonly GoalOfLoad[]): string {
  const panels = panelsOf(results, goals);
  let top = TITLE_HEIGHT;
  const drawn = panels.map((panel) => {
    const svg = drawPanel(panel, top);
    top += PANEL_HEAD_HEIGHT + panel.rows.length * ROW_HEIGHT;
    return svg;
  });
  const height = top + FOOT_HEIGHT;
  const { cpu, cores, deno } = results.machine;
  const rounds = `middle ratios of ${results.rounds} ${results.rounds === 1 ? "round" : "rounds"}`;
  const foot = `${rounds} · ${cpu}, ${cores} cores · Deno ${deno} · ${results.date.slice(0, 10)}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" ` +
    `height="${height}" role="img" aria-label="Warren's speed beside other brokers">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="card" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    text(PADDING, 34, "title", "How fast Warren is"),
    text(WIDTH - PADDING, 34, "quiet", "16-byte messages unless said; a tick is a goal", "end"),
    ...drawn,
    text(PADDING, height - 14, "quiet", foot),
    `</svg>\n`,
  ].join("\n");
}

function panelsOf(results: StoredResults, goals: readonly GoalOfLoad[]): Panel[] {
  const rabbitmq = rowsBeside("RabbitMQ", results, goals);
  const ceiling = rowsBeside("ceiling", results, goals).filter(({ isTime }) => !isTime);
  const smqp = rowsBeside("smqp", results, goals);
  const version = results.versions["RabbitMQ"] ?? "";
  return [
    {
      title: `Times RabbitMQ ${version}`.trim(),
      note: "over TCP on loopback; of times, how much shorter",
      rows: rabbitmq,
      scale: logarithmic(rabbitmq),
    },
    {
      title: "Share of what this runtime can do at most",
      note: "beside the least program that answers the load",
      rows: ceiling,
      scale: LINEAR,
    },
    {
      title: "Times smqp",
      note: "publish to consume in one process",
      rows: smqp,
      scale: logarithmic(smqp),
    },
  ].filter(({ rows }) => rows.length > 0);
}

function rowsBeside(
  broker: string,
  { figures }: StoredResults,
  goals: readonly GoalOfLoad[],
): Row[] {
  return figures.flatMap(({ load, unit, rounds }) => {
    const ratio = ratioOf(rounds["Warren"], rounds[broker]);
    if (!ratio || unit === "binds/s") return [];
    const isTime = unit.startsWith("ms");
    const goal = goals.find((each) =>
      each.load === load && each.unit === unit && each.beside?.broker === broker &&
      each.beside.load === undefined
    );
    const bound = isTime ? goal?.atMost && 1 / goal.atMost : goal?.atLeast;
    const which = isTime ? `, ${unit.replace(/^ms \((.*)\)$/, "$1")}` : "";
    const label = load.replace(/, 16 B$/, "").replace(/^in process: /, "") + which;
    return [{ label, ratio: isTime ? 1 / ratio : ratio, goal: bound, isTime }];
  });
}

/** From 0 on: for shares. A little more than all of it is a matter of chance. */
const LINEAR: Scale = {
  base: 0,
  ticks: [0, 0.25, 0.5, 0.75, 1],
  at: (ratio) => ratio / 1.15,
  show: (ratio) => `${Math.round(ratio * 100)} %`,
};

/** To both sides of 1, where both are equally fast. */
function logarithmic(rows: readonly Row[]): Scale {
  const all = rows.flatMap(({ ratio, goal }) => [ratio, goal ?? ratio]);
  const least = Math.min(0.8, ...all) / 1.1;
  const most = Math.max(2, ...all) * 1.1;
  const ticks = [0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000];
  return {
    base: 1,
    ticks: ticks.filter((tick) => tick >= least && tick <= most),
    at: (ratio) => Math.log(ratio / least) / Math.log(most / least),
    show: (ratio) => `${showNumber(ratio)}x`,
  };
}

function drawPanel({ title, note, rows, scale }: Panel, top: number): string {
  const first = top + PANEL_HEAD_HEIGHT - 10;
  const bottom = first + rows.length * ROW_HEIGHT;
  const ticks = scale.ticks.map((tick) => {
    const x = xOf(scale, tick);
    const shown = scale.base === 0 ? scale.show(tick) : `${tick}x`;
    const line = tick === scale.base ? "base" : "grid";
    return vertical(line, x, first - 4, bottom) + text(x, first - 9, "quiet", shown, "middle");
  });
  return [
    text(PADDING, top + 16, "panel", title),
    text(PADDING, top + 33, "quiet", note),
    ...ticks,
    ...rows.map((row, index) => drawRow(row, scale, first + index * ROW_HEIGHT)),
  ].join("\n");
}

function drawRow({ label, ratio, goal }: Row, scale: Scale, top: number): string {
  const [base, end] = [xOf(scale, scale.base), xOf(scale, ratio)];
  const y = top + (ROW_HEIGHT - BAR_HEIGHT) / 2;
  const baseline = top + ROW_HEIGHT / 2 + 4.5;
  const kind = scale.base === 1 && ratio < 1 ? "less" : "more";
  const size = `x="${round(Math.min(base, end))}" y="${y}" width="${
    round(Math.abs(end - base))
  }" height="${BAR_HEIGHT}"`;
  const tick = goal === undefined
    ? ""
    : vertical("goal", xOf(scale, goal), y - 3, y + BAR_HEIGHT + 3);
  return [
    text(PADDING + LABEL_WIDTH, baseline, "", label, "end"),
    `<rect class="${kind}" ${size} rx="2"/>${tick}`,
    text(WIDTH - PADDING, baseline, "value", scale.show(ratio), "end"),
  ].join("");
}

function xOf(scale: Scale, ratio: number): number {
  return BAR_LEFT + Math.min(Math.max(scale.at(ratio), 0), 1) * BAR_WIDTH;
}

function vertical(kind: string, x: number, from: number, to: number): string {
  return `<line class="${kind}" x1="${round(x)}" x2="${round(x)}" y1="${from}" y2="${to}"/>`;
}

function text(x: number, y: number, kind: string, content: string, anchor = "start"): string {
  const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text class="${kind}" x="${round(x)}" y="${y}" text-anchor="${anchor}">${escaped}</text>`;
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}
