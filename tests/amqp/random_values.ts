import { type BasicProperties, PROPERTY_FLAGS } from "../../broker/amqp/properties.ts";
import { Decimal, type FieldTable, type FieldValue } from "../../broker/amqp/field_table.ts";

/** Random values that a seed replays. */
export class RandomValues {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    // mulberry32
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return Math.floor(((mixed ^ mixed >>> 14) >>> 0) / 0x1_0000_0000 * limit);
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  boolean(): boolean {
    return this.below(2) === 1;
  }

  /** A text that takes at most so many octets; most are short and ASCII. */
  text(sizeMax: number): string {
    const alphabet = this.pick(["abcdefgh.-_0123456789", "äöü€\u{1f407}\ufeff\0 ~"]);
    let text = "";
    const length = this.below(this.pick([4, 20, 100, sizeMax + 1]));
    while (text.length < length) text += this.pick([...alphabet]);
    while (new TextEncoder().encode(text).length > sizeMax) text = text.slice(1).toWellFormed();
    return text;
  }

  bytes(sizeMax: number): Uint8Array {
    return Uint8Array.from({ length: this.below(sizeMax + 1) }, () => this.below(256));
  }

  /** A date in whole seconds, since only those travel. */
  date(): Date {
    return new Date((this.below(4_000_000_000) - 1_000_000_000) * 1000);
  }

  /** A value that comes back as it went. */
  fieldValue(depth = 0): FieldValue {
    const kinds: readonly (() => FieldValue)[] = [
      () => this.text(300),
      () => this.pick([0, 1, -1, 0x7fff_ffff, -0x8000_0000, 0x8000_0000, -0x8000_0001]),
      () =>
        this.pick([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e300, 0.1, -Infinity, NaN]),
      () => this.pick([2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]),
      () => this.boolean(),
      () => null,
      () => this.date(),
      () => this.bytes(100),
      () => new Decimal(this.below(256), this.below(0x1_0000_0000)),
      () => this.#array(depth + 1),
      () => this.fieldTable(depth + 1),
    ];
    return this.pick(depth < 3 ? kinds : kinds.slice(0, -2))();
  }

  fieldTable(depth = 0): FieldTable {
    const names = Array.from(
      { length: this.below(6) },
      () => this.pick(["__proto__", "x-death", "1", "", this.text(255)]),
    );
    return Object.fromEntries(names.map((name) => [name, this.fieldValue(depth)]));
  }

  properties(): BasicProperties {
    const there = Object.keys(PROPERTY_FLAGS).filter(() => this.boolean());
    return Object.fromEntries(there.map((name) => [name, this.#property(name)]));
  }

  #property(name: string): FieldValue {
    if (name === "headers") return this.fieldTable();
    if (name === "timestamp") return this.date();
    if (name === "priority" || name === "deliveryMode") return this.below(256);
    return this.text(255);
  }

  #array(depth: number): FieldValue[] {
    return Array.from({ length: this.below(5) }, () => this.fieldValue(depth));
  }

  /** Changes, cuts or lengthens bytes a little. */
  damaged(bytes: Uint8Array): Uint8Array {
    const copy = bytes.slice(0, this.boolean() ? bytes.length : this.below(bytes.length + 1));
    for (let changes = this.below(4); changes > 0 && copy.length > 0; changes--) {
      copy[this.below(copy.length)] = this.pick([0, 1, 4, 0x41, 0x46, 0x53, 0xff, this.below(256)]);
    }
    return copy;
  }
}

/** Runs a property for so many seeds; an error tells the seed that it failed for. */
export function forSeeds(count: number, property: (random: RandomValues) => void): void {
  for (let seed = 1; seed <= count; seed++) {
    try {
      property(new RandomValues(seed));
    } catch (cause) {
      throw new Error(`Cannot hold for seed ${seed}`, { cause });
    }
  }
}
