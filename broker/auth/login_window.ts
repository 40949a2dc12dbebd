import type { Clock } from "../amqp/clock.ts";
import type { LoginFailures } from "./login_failures.ts";

/** So many logins of one address are looked at together, once enough of it were right. */
const MOST = 32;
/** So long an address is known for logins that were right. */
const KNOWN_MS = 30_000;
/** So many addresses are known. The one whose login was right least recently is forgotten. */
const SOURCES_MAX = 10_000;

interface Known {
  readonly right: number;
  readonly time: number;
}

/**
 * How many logins of an address are looked at together: so many that, should all of them be refused, no
 * more were looked at than if one had come after the other, since each that is looked at before the first
 * is refused costs a guesser nothing. Each that was right makes room for one more: those who know their
 * password come in as quickly as ever after a few rounds.
 */
export class LoginWindow {
  readonly #failures: LoginFailures;
  readonly #clock: Clock;
  /** The least recent one first. */
  readonly #bySource = new Map<string, Known>();

  constructor(failures: LoginFailures, clock: Clock) {
    this.#failures = failures;
    this.#clock = clock;
  }

  /** How many of an address are looked at together, at this moment. */
  sizeFor(source: string): number {
    const free = this.#failures.freeOf(source);
    // one that has failed lately is not known for anything else
    return free === 0 ? 1 : Math.min(MOST, free + 1 + this.#rightOf(source));
  }

  /** A login that might have been a guess was right. */
  noteRight(source: string): void {
    const right = Math.min(MOST, this.#rightOf(source) + 1);
    this.#bySource.delete(source);
    this.#bySource.set(source, { right, time: this.#clock.now() });
    if (this.#bySource.size > SOURCES_MAX) {
      this.#bySource.delete(this.#bySource.keys().next().value!);
    }
  }

  /** One was refused. */
  noteWrong(source: string): void {
    this.#bySource.delete(source);
  }

  #rightOf(source: string): number {
    const known = this.#bySource.get(source);
    return known !== undefined && this.#clock.now() - known.time < KNOWN_MS ? known.right : 0;
  }
}
