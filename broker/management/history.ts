/** How far back samples are wanted, and how far apart. */
export interface Span {
  /** Seconds from now back. */
  readonly age: number;
  /** Seconds from one to the next. */
  readonly increment: number;
}

/** A value at some time. */
export type Sample = {
  /** The value. */
  readonly sample: number;
  /** The time, in milliseconds since 1970. */
  readonly timestamp: number;
};

/**
 * The last values of a few numbers, at the times when they were looked at. Each of a row of rings has
 * values further apart than the one before, so that a day takes not much more than an hour.
 */
export class History {
  readonly #names: readonly string[];
  readonly #rings: readonly Ring[];

  /**
   * @param names The numbers.
   * @param rings How many values each ring keeps, and how far apart they are, in milliseconds.
   */
  constructor(
    names: readonly string[],
    rings: readonly { readonly length: number; readonly everyMs: number }[],
  ) {
    this.#names = names;
    this.#rings = rings.map(({ length, everyMs }) => new Ring(names.length, length, everyMs));
  }

  /** Adds what is so at this time; the first one may be so since ever (`-Infinity`). */
  push(time: number, values: Readonly<Record<string, number>>): void {
    for (const ring of this.#rings) ring.push(time, this.#names, values);
  }

  /** The values of a number, newest first, at times that are multiples of the increment. */
  samples(name: string, { age, increment }: Span, now: number): Sample[] {
    const at = this.#names.indexOf(name);
    const { oldest } = boundsOf({ age, increment }, now);
    const ring = this.#rings.find((one) => one.since <= oldest) ?? this.#rings.at(-1)!;
    return sampled({ age, increment }, now, at < 0 ? () => 0 : ring.backwards(at));
  }
}

/** The times of the first and the last sample: multiples of the increment. */
export function boundsOf(
  { age, increment }: Span,
  now: number,
): { readonly newest: number; readonly oldest: number } {
  const stepMs = increment * 1000;
  const newest = Math.floor(now / stepMs) * stepMs;
  return { newest, oldest: newest - Math.floor(age / increment) * stepMs };
}

/** Samples of a time, newest first, of what was so at each moment. */
export function sampled(span: Span, now: number, valueAt: (time: number) => number): Sample[] {
  const { newest, oldest } = boundsOf(span, now);
  const samples: Sample[] = [];
  for (let timestamp = newest; timestamp >= oldest; timestamp -= span.increment * 1000) {
    samples.push({ sample: valueAt(timestamp), timestamp });
  }
  return samples;
}

class Ring {
  readonly #width: number;
  readonly #everyMs: number;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  /** How many were ever kept. */
  #count = 0;

  constructor(width: number, length: number, everyMs: number) {
    this.#width = width;
    this.#everyMs = everyMs;
    this.#times = new Float64Array(length);
    this.#values = new Float64Array(length * width);
  }

  /** The time of the oldest value; all of time when nothing was dropped yet. */
  get since(): number {
    const length = this.#times.length;
    return this.#count <= length ? -Infinity : this.#times[this.#count % length]!;
  }

  push(time: number, names: readonly string[], values: Readonly<Record<string, number>>): void {
    const length = this.#times.length;
    const last = this.#count === 0 ? -Infinity : this.#times[(this.#count - 1) % length]!;
    // a timer may be a little early
    if (time - last < this.#everyMs - 500) return;
    const at = this.#count++ % length;
    this.#times[at] = time;
    for (let index = 0; index < names.length; index++) {
      this.#values[at * this.#width + index] = values[names[index]!] ?? 0;
    }
  }

  /** Finds the last value that was known at a time, of times each of which is before the one asked for
   * before. Before all that is kept it is the oldest; 0 when nothing is. */
  backwards(index: number): (time: number) => number {
    const length = this.#times.length;
    const first = Math.max(0, this.#count - length);
    let at = this.#count - 1;
    return (time) => {
      while (at > first && this.#times[at % length]! > time) at--;
      return this.#values[(at % length) * this.#width + index] ?? 0;
    };
  }
}
