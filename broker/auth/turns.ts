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
  /** And so many of one source. Default: 1. */
  readonly atOnceOf?: (source: string) => number;
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
  /** How many of each source are served. */
  readonly #served = new Map<string, number>();
  #servedCount = 0;
  /** Sources that have to wait, each with what stops its timer. */
  readonly #held = new Map<string, () => void>();
  /** Resolved once nobody is served, when that is waited for. */
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Does something when the source's turn comes.
   *
   * @param gone Aborted when nobody waits for it any more: then it takes no turn.
   * @returns What came of it; undefined when too many waited, or for too long, or nobody does any more.
   */
  async take<Result>(
    source: string,
    work: () => Promise<Result>,
    gone?: AbortSignal,
  ): Promise<Result | undefined> {
    if (!this.#beginAtOnce(source) && !await this.#turn(source, gone)) return undefined;
    try {
      return await work();
    } finally {
      this.#release(source);
      this.#toTheEnd(source);
      if (this.#idle === undefined) this.#next(source);
      else if (this.#servedCount === 0) this.#idle.resolve();
    }
  }

  /** True when a source would not have to wait at all. */
  isFree(source: string): boolean {
    return this.#servedCount < this.#options.atOnce && !this.#waiting.has(source) &&
      this.#mayBegin(source);
  }

  /** Nobody of a source is served until so many milliseconds have passed. */
  hold(source: string, ms: number): void {
    if (this.#idle !== undefined || ms <= 0) return;
    this.#held.get(source)?.();
    const stop = this.#options.clock.after(ms, () => {
      this.#held.delete(source);
      this.#next(source);
    });
    this.#held.set(source, stop);
  }

  /** Serves nobody any more. Resolves when those who are served now have been. */
  async close(): Promise<void> {
    this.#idle ??= Promise.withResolvers();
    if (this.#servedCount === 0) this.#idle.resolve();
    for (const stop of this.#held.values()) stop();
    this.#held.clear();
    for (const { begin } of [...this.#waiting.values()].flat()) begin(false);
    this.#waiting.clear();
    await this.#idle.promise;
  }

  /** Most need not wait. */
  #beginAtOnce(source: string): boolean {
    if (this.#idle !== undefined || !this.isFree(source)) return false;
    this.#serve(source);
    return true;
  }

  #serve(source: string): void {
    this.#served.set(source, (this.#served.get(source) ?? 0) + 1);
    this.#servedCount++;
  }

  #mayBegin(source: string): boolean {
    const most = this.#options.atOnceOf?.(source) ?? 1;
    return !this.#held.has(source) && (this.#served.get(source) ?? 0) < most;
  }

  #release(source: string): void {
    this.#servedCount--;
    const left = this.#served.get(source)! - 1;
    if (left === 0) this.#served.delete(source);
    else this.#served.set(source, left);
  }

  /** Who was served waits behind all others, if more of it waits. */
  #toTheEnd(source: string): void {
    const row = this.#waiting.get(source);
    this.#waiting.delete(source);
    if (row !== undefined && row.length > 0) this.#waiting.set(source, row);
  }

  #turn(source: string, gone: AbortSignal | undefined): Promise<boolean> {
    if (this.#idle !== undefined || gone?.aborted === true) return Promise.resolve(false);
    const row = this.#waiting.get(source) ?? [];
    if (row.length >= this.#options.waitingMax) return Promise.resolve(false);
    this.#waiting.set(source, row);
    return new Promise((resolve) => {
      const waiting = {
        since: this.#options.clock.now(),
        begin: (inTime: boolean) => {
          gone?.removeEventListener("abort", leave);
          resolve(inTime);
        },
      };
      const leave = () => {
        this.#leave(source, waiting);
        resolve(false);
      };
      gone?.addEventListener("abort", leave, { once: true });
      row.push(waiting);
      this.#next(source);
    });
  }

  #leave(source: string, waiting: Waiting): void {
    const row = this.#waiting.get(source);
    const at = row?.indexOf(waiting) ?? -1;
    if (row === undefined || at < 0) return;
    row.splice(at, 1);
    if (row.length === 0) this.#waiting.delete(source);
  }

  /** @param changed Of which source one has come, or gone, or may begin again. */
  #next(changed: string): void {
    const { atOnce } = this.#options;
    // no other one has been waiting for that, and there may be thousands that have to wait
    if (atOnce === Infinity) {
      while (this.#mayBegin(changed) && this.#begin(changed));
      return;
    }
    // who begins goes behind all others, and is met once more
    for (const source of this.#waiting.keys()) {
      if (this.#servedCount >= atOnce) return;
      if (this.#mayBegin(source)) this.#begin(source);
    }
  }

  /** Serves the next one of a source; false when there is none, or none that has not waited too long. */
  #begin(source: string): boolean {
    const { clock, waitMaxMs } = this.#options;
    const row = this.#waiting.get(source);
    let next = row?.shift();
    while (next !== undefined && clock.now() - next.since > waitMaxMs) {
      next.begin(false);
      next = row!.shift();
    }
    this.#toTheEnd(source);
    if (next === undefined) return false;
    this.#serve(source);
    next.begin(true);
    return true;
  }
}
