import { Slices } from "../http/slices.ts";
import type { Meter } from "../mod.ts";

/**
 * Sums up what meters count, and goes on to count what those had that are gone: a counter that falls
 * looks to Prometheus as if the broker had been started again, and its rate jumps.
 */
export class KeptSums<Name extends string> {
  readonly #names: readonly Name[];
  /** A number for each thing, so that none is kept alive. */
  readonly #numbers = new WeakMap<object, number>();
  readonly #gone: number[];
  #last = new Map<number, readonly number[]>();
  #nextNumber = 0;

  /** @param names What is summed up of each meter. */
  constructor(names: readonly Name[]) {
    this.#names = names;
    this.#gone = names.map(() => 0);
  }

  /** How many there were at the last look. */
  get count(): number {
    return this.#last.size;
  }

  /** Looks at all meters that there are, with pauses. What was not there at the last look and is not
   * now was never seen. */
  async of(meters: Iterable<Meter>): Promise<Readonly<Record<Name, number>>> {
    const slices = new Slices();
    const seen = new Map<number, readonly number[]>();
    const sums = this.#names.map(() => 0);
    for (const { of, values } of meters) {
      const counts = this.#names.map((name) => values[name] ?? 0);
      seen.set(this.#numberOf(of), counts);
      addTo(sums, counts);
      if (slices.over) await slices.rest();
    }
    for (const [number, counts] of this.#last) {
      if (!seen.has(number)) addTo(this.#gone, counts);
      if (slices.over) await slices.rest();
    }
    this.#last = seen;
    addTo(sums, this.#gone);
    return Object.fromEntries(
      this.#names.map((name, at) => [name, sums[at]!]),
    ) as Record<Name, number>;
  }

  #numberOf(of: object): number {
    let number = this.#numbers.get(of);
    if (number === undefined) this.#numbers.set(of, number = this.#nextNumber++);
    return number;
  }
}

/** Never lets a number fall: one that is a difference of two which were not read at the same time. */
export class Rising {
  readonly #highest = new Map<string, number>();

  /** The highest that was given by this name. */
  of(name: string, value: number): number {
    const highest = Math.max(value, this.#highest.get(name) ?? 0);
    this.#highest.set(name, highest);
    return highest;
  }
}

function addTo(sums: number[], counts: readonly number[]): void {
  for (let at = 0; at < sums.length; at++) sums[at]! += counts[at]!;
}
