/** How far back samples are wanted, and how far apart. */
export interface Span {
  /** Seconds from now back. */
  readonly age: number;
  /** Seconds from one to the next. */
  readonly increment: number;
}

/** A value at some time. */
export interface Sample {
  /** The value. */
  readonly sample: number;
  /** The time, in milliseconds since 1970. */
  readonly timestamp: number;
}

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

  /** Adds what is so at this time. */
  push(time: number, values: Readonly<Record<string, number>>): void {
    for (const ring of this.#rings) ring.push(time, this.#names, values);
  }

  /** The values of a number, newest first, at times that are multiples of the increment. */
  samples(name: string, { age, increment }: Span, now: number): Sample[] {
    const at = this.#names.indexOf(name);
    const stepMs = increment * 1000;
    const newest = Math.floor(now / stepMs) * stepMs;
    const oldest = newest - Math.floor(age / increment) * stepMs;
    const ring = this.#rings.find((one) => one.since <= oldest) ?? this.#rings.at(-1)!;
    const samples: Sample[] = [];
    for (let timestamp = newest; timestamp >= oldest; timestamp -= stepMs) {
      samples.push({ sample: at < 0 ? 0 : ring.valueAt(timestamp, at), timestamp });
    }
    return samples;
  }
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

  /** The last value that was known at a time; 0 before anything was. */
  valueAt(time: number, index: number): number {
    const length = this.#times.length;
    const kept = Math.min(this.#count, length);
    let [low, high] = [this.#count - kept, this.#count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#times[middle % length]! <= time) low = middle + 1;
      else high = middle;
    }
    const found = low - 1;
    if (found < this.#count - kept || found < 0) return 0;
    return this.#values[(found % length) * this.#width + index]!;
  }
}
