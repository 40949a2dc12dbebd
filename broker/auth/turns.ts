import type { Clock } from "../amqp/clock.ts";

/** Somebody waits for his turn. */
interface Waiting {
  readonly since: number;
  readonly begin: (inTime: boolean) => void;
}

/** How much may be done at once, and how long one may wait for it. */
export interface TurnsOptions {
  /** So many are served at once. */
  readonly atOnce: number;
  /** So many of one source may wait. */
  readonly waitingMax: number;
  /** Whoever has waited longer, in milliseconds, need not be served any more. */
  readonly waitMaxMs: number;
  /** Time. */
  readonly clock: Clock;
}

/**
 * Serves a few at once, source by source in turn, and one of each source at a time: who asks a thousand
 * times does not keep others waiting for a thousand turns.
 */
export class Turns {
  readonly #options: TurnsOptions;
  /** In the order in which they are served. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #served = new Set<string>();
  /** Resolved once nobody is served, when that is waited for. */
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Does something when the source's turn comes.
   *
   * @returns What came of it; undefined when too many waited, or for too long.
   */
  async take<Result>(source: string, work: () => Promise<Result>): Promise<Result | undefined> {
    if (!await this.#turn(source)) return undefined;
    try {
      return await work();
    } finally {
      this.#served.delete(source);
      this.#toTheEnd(source);
      if (this.#idle === undefined) this.#next();
      else if (this.#served.size === 0) this.#idle.resolve();
    }
  }

  /** Serves nobody any more. Resolves when those who are served now have been. */
  async close(): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    if (this.#served.size === 0) this.#idle.resolve();
    for (const { begin } of [...this.#waiting.values()].flat()) begin(false);
    this.#waiting.clear();
    await this.#idle.promise;
  }

  /** Who was served waits behind all others, if more of it waits. */
  #toTheEnd(source: string): void {
    const row = this.#waiting.get(source);
    this.#waiting.delete(source);
    if (row !== undefined && row.length > 0) this.#waiting.set(source, row);
  }

  #turn(source: string): Promise<boolean> {
    if (this.#idle !== undefined) return Promise.resolve(false);
    const row = this.#waiting.get(source) ?? [];
    if (row.length >= this.#options.waitingMax) return Promise.resolve(false);
    this.#waiting.set(source, row);
    return new Promise((begin) => {
      row.push({ since: this.#options.clock.now(), begin });
      this.#next();
    });
  }

  #next(): void {
    const { atOnce, clock, waitMaxMs } = this.#options;
    for (const [source, row] of [...this.#waiting]) {
      if (this.#served.size >= atOnce) return;
      if (this.#served.has(source)) continue;
      let next = row.shift();
      while (next !== undefined && clock.now() - next.since > waitMaxMs) {
        next.begin(false);
        next = row.shift();
      }
      this.#toTheEnd(source);
      if (next === undefined) continue;
      this.#served.add(source);
      next.begin(true);
    }
  }
}
