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

/**
 * How many times another's figures some figures are: the middle of the rounds' own ratios. What is measured
 * in one round mostly had the same machine, which from round to round may become twice as slow.
 *
 * @returns Undefined where there is nothing to divide. Where one has more rounds than the other, since some
 * failed or were measured again, it is the ratio of the medians.
 */
export function ratioOf(
  figures: readonly number[] | undefined,
  others: readonly number[] | undefined,
): number | undefined {
  if (!figures?.length || !others?.length) return undefined;
  const ratios = figures.length === others.length
    ? figures.map((figure, round) => figure / others[round]!)
    : [median(figures) / median(others)];
  const usable = ratios.filter(Number.isFinite);
  return usable.length === 0 ? undefined : median(usable);
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
