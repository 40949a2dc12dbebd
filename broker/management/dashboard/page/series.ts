import type { Data } from "./api.ts";

/** Values over time, the oldest first. */
export interface Series {
  readonly times: number[];
  readonly rows: number[][];
}

/** How far back a chart goes, in seconds, and how far apart its values are. */
export interface Range {
  readonly title: string;
  readonly age: number;
  readonly step: number;
}

/** Ranges to choose from. The first is one to watch. */
export const RANGES: readonly Range[] = [
  { title: "Live", age: 120, step: 5 },
  { title: "10 min", age: 600, step: 5 },
  { title: "1 h", age: 3600, step: 30 },
  { title: "24 h", age: 86_400, step: 600 },
];

/** What the API has kept of some numbers that grow, as rates; of others as they were. */
export function kept(details: readonly Data[], kind: "rates" | "values"): Series {
  const samples: Data[][] = details.map((one) => [...one?.samples ?? []].reverse());
  const length = Math.max(0, ...samples.map((one) => one.length));
  const times: number[] = [];
  const rows: number[][] = details.map(() => []);
  for (let at = kind === "rates" ? 1 : 0; at < length; at++) {
    const known = samples.find((one) => one.length === length)!;
    times.push(known[at].timestamp / 1000);
    for (const [index, row] of rows.entries()) {
      const [before, now] = [samples[index]![at - 1], samples[index]![at]];
      if (kind === "values" || before === undefined || now === undefined) {
        row.push(now?.sample ?? 0);
      } else {
        const seconds = (now.timestamp - before.timestamp) / 1000;
        row.push(Math.max(0, now.sample - before.sample) / seconds);
      }
    }
  }
  return { times, rows };
}

/** Adds what was seen just now, and forgets what is older than a range. */
export class Live {
  readonly #age: number;
  readonly #series: Series;
  #last: { readonly time: number; readonly counts: readonly number[] } | undefined;

  constructor(age: number, begun: Series) {
    this.#age = age;
    this.#series = begun;
  }

  get series(): Series {
    return this.#series;
  }

  /** Adds numbers as they are. */
  add(values: readonly number[], time = Date.now() / 1000): void {
    const { times, rows } = this.#series;
    if (time <= (times.at(-1) ?? 0)) return;
    times.push(time);
    for (const [index, row] of rows.entries()) row.push(values[index] ?? 0);
    while (times[0]! < time - this.#age) {
      times.shift();
      for (const row of rows) row.shift();
    }
  }

  /** Adds how fast numbers have grown since the last time. Returns that. */
  grow(counts: readonly number[], time = Date.now() / 1000): readonly number[] | undefined {
    const last = this.#last;
    this.#last = { time, counts };
    if (last === undefined || time - last.time < 0.2) return undefined;
    const rates = counts.map((value, index) =>
      Math.max(0, value - last.counts[index]!) / (time - last.time)
    );
    this.add(rates, time);
    return rates;
  }
}
