import type { Clock } from "../amqp/clock.ts";
import { sourceOf } from "../amqp/source.ts";

/** So many failures of one source cost it nothing: everybody mistypes a password. */
const FREE = 3;
/** The next one waits so long, and each after it twice as long as the one before. */
const FIRST_DELAY_MS = 250;
/** But never longer: the handshake has to end, and whoever shares the source with a guesser waits too. */
const LONGEST_DELAY_MS = 5_000;
/** After so long one failure is forgiven. */
const FORGIVEN_MS = 30_000;
/** So many sources are known. The one that has failed least recently is forgotten. */
const SOURCES_MAX = 10_000;

interface Failures {
  readonly count: number;
  readonly time: number;
}

/** How often logins of each address were refused, and how long the next one waits for the news. */
export class LoginFailures {
  readonly #clock: Clock;
  /** The least recent one first. */
  readonly #bySource = new Map<string, Failures>();

  /** @param clock Time. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many sources are known. */
  get size(): number {
    return this.#bySource.size;
  }

  /** How many more logins of an address may be refused before one has to wait. */
  freeOf(source: string): number {
    const known = this.#bySource.get(source);
    return known === undefined ? FREE : Math.max(0, FREE - this.#left(known, this.#clock.now()));
  }

  /** A login was refused. Tells how long its client should wait for the news, in milliseconds. */
  note(hostname: string): number {
    const source = sourceOf(hostname);
    const time = this.#clock.now();
    const before = this.#bySource.get(source);
    const count = (before === undefined ? 0 : this.#left(before, time)) + 1;
    this.#bySource.delete(source);
    this.#bySource.set(source, { count, time });
    if (this.#bySource.size > SOURCES_MAX) {
      this.#bySource.delete(this.#bySource.keys().next().value!);
    }
    if (count <= FREE) return 0;
    return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (count - FREE - 1));
  }

  /** How many are not forgiven yet. */
  #left({ count, time }: Failures, now: number): number {
    return Math.max(0, count - Math.floor((now - time) / FORGIVEN_MS));
  }
}
