import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

/** Of one source there are some lines so often. */
const EVERY_MS = 1000;
/** So many sources are known. The one that was logged least recently is forgotten, with a last line. */
const SOURCES_MAX = 10_000;

interface Logged {
  readonly time: number;
  /** How many lines there were since. */
  lines: number;
  /** What was not logged since, and stops the timer that will. */
  unlogged: number;
  last: string;
  stop: (() => void) | undefined;
}

/**
 * Logs what anybody can bring about as often as he likes: for each address so many lines at once, and then
 * one a second at most, which says how many there were.
 */
export class SparseLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #atOnce: number;
  /** The least recent one first. */
  readonly #bySource = new Map<string, Logged>();
  #closed = false;

  /**
   * @param clock Time.
   * @param logger Where the lines go.
   * @param atOnce So many lines of an address are logged in a second before they are counted. Default: 1.
   */
  constructor(clock: Clock, logger: Logger, atOnce = 1) {
    this.#clock = clock;
    this.#atOnce = atOnce;
    this.#logger = logger;
  }

  /** Logs a line, or counts it. */
  warn(source: string, line: string): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    const before = this.#bySource.get(source);
    if (before === undefined || (before.stop === undefined && now - before.time >= EVERY_MS)) {
      this.#logger.log("warning", line);
      this.#note(source, now);
      return;
    }
    if (before.lines < this.#atOnce) {
      before.lines++;
      this.#logger.log("warning", line);
      return;
    }
    before.unlogged++;
    before.last = line;
    const rest = Math.max(0, EVERY_MS - (now - before.time));
    before.stop ??= this.#clock.after(rest, () => this.#flush(source, before));
  }

  /** Logs what is left, and nothing more: whoever closes it ends those who wait. */
  close(): void {
    this.#closed = true;
    for (const [source, logged] of [...this.#bySource]) this.#flush(source, logged);
    this.#bySource.clear();
  }

  #note(source: string, time: number): void {
    this.#bySource.delete(source);
    this.#bySource.set(source, { time, lines: 1, unlogged: 0, last: "", stop: undefined });
    if (this.#bySource.size <= SOURCES_MAX) return;
    const [oldest, logged] = this.#bySource.entries().next().value!;
    this.#bySource.delete(oldest);
    this.#tell(logged);
  }

  #flush(source: string, logged: Logged): void {
    if (logged.unlogged > 0) this.#note(source, this.#clock.now());
    this.#tell(logged);
  }

  #tell({ unlogged, last, stop }: Logged): void {
    stop?.();
    if (unlogged === 0) return;
    const others = unlogged === 1
      ? ""
      : ` (${unlogged} lines like this of its address within a second)`;
    this.#logger.log("warning", `${last}${others}`);
  }
}
