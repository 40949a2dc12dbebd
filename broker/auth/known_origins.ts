import type { Clock } from "../amqp/clock.ts";
import type { PasswordHash } from "./password.ts";

/** So many pairs of a source and a user are known. The one that came in least recently is forgotten. */
const KNOWN_MAX = 10_000;
/** So many wrong passwords of one user are compared for a source before it has to wait with right ones. */
const FREE = 3;
/** After so long one of them is forgiven. */
const FORGIVEN_MS = 30_000;

interface Origin {
  readonly kept: PasswordHash;
  readonly wrong: number;
  readonly time: number;
}

/**
 * From where each user has come in with its password. From there the same password need not wait, though
 * somebody guesses there: a client comes back whoever else shares its address.
 *
 * To anybody else that would tell which password is right: it answers at once where a wrong one waits, and
 * waiting can be cut short. So nowhere else is it compared at all, and those who share the address have few
 * comparisons, no more of which are to be had by logging in.
 */
export class KnownOrigins {
  readonly #clock: Clock;
  /** By source and name. The least recent one first. */
  readonly #origins = new Map<string, Origin>();

  /** @param clock Time. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many are known. */
  get size(): number {
    return this.#origins.size;
  }

  /** A user came in by its password. */
  noteRight(source: string, name: string, kept: PasswordHash): void {
    const key = keyOf(source, name);
    const before = this.#origins.get(key);
    this.#origins.delete(key);
    this.#origins.set(key, { kept, wrong: before?.wrong ?? 0, time: before?.time ?? 0 });
    if (this.#origins.size > KNOWN_MAX) this.#origins.delete(this.#origins.keys().next().value!);
  }

  /** Somebody who has to wait has shown a wrong one, which was compared. */
  noteWrong(source: string, name: string): void {
    const key = keyOf(source, name);
    const origin = this.#origins.get(key);
    if (origin === undefined) return;
    const time = this.#clock.now();
    // its place among the others stays: a guesser keeps nothing known
    this.#origins.set(key, { kept: origin.kept, wrong: left(origin, time) + 1, time });
  }

  /** True when a password may be compared with what was right there before. */
  mayCompare(source: string, name: string, kept: PasswordHash): boolean {
    const origin = this.#origins.get(keyOf(source, name));
    return origin?.kept === kept && left(origin, this.#clock.now()) < FREE;
  }
}

/** No source has a zero in it. */
function keyOf(source: string, name: string): string {
  return `${source}\0${name}`;
}

/** How many are not forgiven yet. */
function left({ wrong, time }: Origin, now: number): number {
  return Math.max(0, wrong - Math.floor((now - time) / FORGIVEN_MS));
}
