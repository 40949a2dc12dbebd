/** Marks between which latencies are counted: each is so much larger than the one before. */
const STEP = 1.1;
/** The first mark, in milliseconds. */
const LEAST_MS = 0.01;
/** Enough for half an hour. */
const BUCKETS = 200;

/** How long things took, counted in buckets: it takes the same memory however many they are. */
export class LatencyHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  #count = 0;
  #most = 0;

  /** Counts one that took so many milliseconds. */
  add(ms: number): void {
    const at = ms <= LEAST_MS ? 0 : Math.ceil(Math.log(ms / LEAST_MS) / Math.log(STEP));
    this.#counts[Math.min(at, BUCKETS - 1)]!++;
    this.#count++;
    if (ms > this.#most) this.#most = ms;
  }

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** The longest, in milliseconds. */
  get max(): number {
    return this.#most;
  }

  /** So long took this part of them at most, in milliseconds, within a tenth; 0 when there were none. */
  percentile(part: number): number {
    let left = part * this.#count;
    for (let at = 0; at < BUCKETS; at++) {
      left -= this.#counts[at]!;
      if (left <= 0 && this.#count > 0) return Math.min(LEAST_MS * STEP ** at, this.#most);
    }
    return this.#most;
  }

  /** Lines of a chart: each with its upper mark, a bar and how many. */
  lines(width = 40): string[] {
    // powers of two are enough to look at
    const sums = new Map<number, number>();
    this.#counts.forEach((count, at) => {
      if (count === 0) return;
      const mark = 2 ** Math.ceil(Math.log2(LEAST_MS * STEP ** at) - 1e-9);
      sums.set(mark, (sums.get(mark) ?? 0) + count);
    });
    const most = Math.max(0, ...sums.values());
    return [...sums].sort(([one], [other]) => one - other).map(([mark, count]) => {
      const bar = "█".repeat(Math.max(1, Math.round(count / most * width)));
      return `  up to ${formatMs(mark).padStart(9)}  ${bar.padEnd(width)}  ${count}`;
    });
  }
}

/** Milliseconds with three digits that count. */
export function formatMs(ms: number): string {
  return `${ms >= 100 ? Math.round(ms) : Number(ms.toPrecision(3))} ms`;
}
