/** Figures of one load: those of each round, by broker. */
export interface Figures {
  /** The load. */
  readonly load: string;
  /** What is counted. */
  readonly unit: string;
  /** One figure a round. */
  readonly rounds: Readonly<Record<string, readonly number[]>>;
  /** The middle of them. */
  readonly medians: Readonly<Record<string, number>>;
}

/** Collects figures, and tells what came out. */
export class Results {
  readonly #figures = new Map<
    string,
    { load: string; unit: string; rounds: Record<string, number[]> }
  >();

  /** Adds the figure of one round. */
  add(load: string, unit: string, broker: string, figure: number): void {
    const key = `${load}\n${unit}`;
    const figures = this.#figures.get(key) ?? { load, unit, rounds: {} };
    this.#figures.set(key, figures);
    (figures.rounds[broker] ??= []).push(figure);
  }

  /** All figures with their medians, in the order in which they came first. */
  figures(): Figures[] {
    return [...this.#figures.values()].map(({ load, unit, rounds }) => {
      const medians = Object.entries(rounds).map(([broker, all]) => [broker, median(all)]);
      return { load, unit, rounds, medians: Object.fromEntries(medians) };
    });
  }

  /** Medians and Warren's ratio to each of the others, as a table in Markdown; undefined when there is
   * nothing to show. */
  table(others: readonly string[]): string | undefined {
    const brokers = ["Warren", ...others];
    const head = ["load", "unit", ...brokers, ...others.map((other) => `Warren : ${other}`)];
    const rows = this.figures()
      .filter(({ medians }) => others.some((other) => medians[other] !== undefined))
      .map(({ load, unit, medians }) => [
        load,
        unit,
        ...brokers.map((broker) => showFigure(medians[broker])),
        ...others.map((other) => showRatio(medians["Warren"], medians[other])),
      ]);
    return rows.length === 0 ? undefined : markdownTable(head, rows);
  }
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function showFigure(figure: number | undefined): string {
  if (figure === undefined) return "-";
  if (figure >= 1e6) return `${(figure / 1e6).toFixed(2)} M`;
  if (figure >= 1e5) return `${(figure / 1000).toFixed(0)} k`;
  return figure.toLocaleString("en", { maximumFractionDigits: figure < 10 ? 3 : 0 });
}

function showRatio(figure: number | undefined, other: number | undefined): string {
  if (figure === undefined || other === undefined || other === 0) return "-";
  const ratio = figure / other;
  return ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(2);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
