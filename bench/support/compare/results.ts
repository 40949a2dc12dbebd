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
}

/** The middle of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The middle of some figures, and between which ones the middle half of them lies. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** The spread of some figures, of which there is at least one. */
export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  const quarter = Math.floor(sorted.length / 4);
  return { median: median(sorted), low: sorted[quarter]!, high: sorted.at(-1 - quarter)! };
}
