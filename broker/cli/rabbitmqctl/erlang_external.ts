/**
 * Erlang's external term format: terms as octets.
 *
 * @see https://www.erlang.org/doc/apps/erts/erl_ext_dist
 *
 * @module
 */
import { Atom, Float, type Term, Tuple } from "./erlang_pretty.ts";

const VERSION = 131;
/** What a term begins with. */
const TAG = {
  newFloat: 70,
  smallInteger: 97,
  integer: 98,
  atom: 100,
  smallTuple: 104,
  largeTuple: 105,
  nil: 106,
  string: 107,
  list: 108,
  binary: 109,
  smallBig: 110,
  smallAtom: 115,
  atomUtf8: 118,
  smallAtomUtf8: 119,
} as const;

/** Writes a term as `term_to_binary` does. */
export function encodeTerm(term: Term): Uint8Array<ArrayBuffer> {
  return new Uint8Array([VERSION, ...bytesOf(term)]);
}

/**
 * Reads what `term_to_binary` has written.
 *
 * @throws {TypeError} When it is something else, or a term of a kind that no configuration has.
 */
export function decodeTerm(bytes: Uint8Array): Term {
  const reader = new TermReader(bytes);
  if (reader.octet() !== VERSION) throw new TypeError("these octets are no term");
  const term = reader.term();
  if (!reader.atEnd) throw new TypeError("there are octets behind the term");
  return term;
}

function bytesOf(term: Term): number[] {
  if (typeof term === "string") return bytesOf(new TextEncoder().encode(term));
  if (term instanceof Uint8Array) return [TAG.binary, ...uint32(term.length), ...term];
  if (typeof term === "number" || typeof term === "bigint") return integer(term);
  if (typeof term === "boolean") return atom(`${term}`);
  if (term instanceof Atom) return atom(term.name);
  if (term instanceof Float) {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, term.value);
    return [TAG.newFloat, ...new Uint8Array(view.buffer)];
  }
  if (term instanceof Tuple) {
    const { items } = term;
    const head = items.length < 256
      ? [TAG.smallTuple, items.length]
      : [TAG.largeTuple, ...uint32(items.length)];
    return [...head, ...items.flatMap(bytesOf)];
  }
  return list(term as readonly Term[]);
}

function list(items: readonly Term[]): number[] {
  if (items.length === 0) return [TAG.nil];
  const isOctet = (item: Term) =>
    typeof item === "number" && Number.isInteger(item) && item >= 0 && item < 256;
  if (items.length < 65_536 && items.every(isOctet)) {
    return [TAG.string, items.length >> 8, items.length & 255, ...items as readonly number[]];
  }
  return [TAG.list, ...uint32(items.length), ...items.flatMap(bytesOf), TAG.nil];
}

function integer(value: number | bigint): number[] {
  if (value >= 0 && value < 256) return [TAG.smallInteger, Number(value)];
  if (value >= -(2 ** 31) && value < 2 ** 31) return [TAG.integer, ...uint32(Number(value))];
  const digits: number[] = [];
  const whole = BigInt(value);
  for (let rest = whole < 0n ? -whole : whole; rest > 0n; rest >>= 8n) {
    digits.push(Number(rest & 255n));
  }
  return [TAG.smallBig, digits.length, whole < 0n ? 1 : 0, ...digits];
}

function atom(name: string): number[] {
  const bytes = new TextEncoder().encode(name);
  const head = bytes.length < 256
    ? [TAG.smallAtomUtf8, bytes.length]
    : [TAG.atomUtf8, bytes.length >> 8, bytes.length & 255];
  return [...head, ...bytes];
}

function uint32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

class TermReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  octet(): number {
    return this.#take(1)[0]!;
  }

  term(): Term {
    const tag = this.octet();
    switch (tag) {
      case TAG.smallInteger:
        return this.octet();
      case TAG.integer:
        return this.#uint32() | 0;
      case TAG.newFloat: {
        const at = this.#at;
        this.#take(8);
        return new Float(this.#view.getFloat64(at));
      }
      case TAG.atom:
        return named(latin1(this.#take(this.#uint16())));
      case TAG.smallAtom:
        return named(latin1(this.#take(this.octet())));
      case TAG.atomUtf8:
        return named(new TextDecoder().decode(this.#take(this.#uint16())));
      case TAG.smallAtomUtf8:
        return named(new TextDecoder().decode(this.#take(this.octet())));
      case TAG.smallTuple:
        return new Tuple(...this.#terms(this.octet()));
      case TAG.largeTuple:
        return new Tuple(...this.#terms(this.#uint32()));
      case TAG.nil:
        return [];
      case TAG.string:
        return [...this.#take(this.#uint16())];
      case TAG.list: {
        const items = this.#terms(this.#uint32());
        if (this.octet() === TAG.nil) return items;
        throw new TypeError("a list ends with something else than nothing");
      }
      case TAG.binary:
        return this.#take(this.#uint32()).slice();
      case TAG.smallBig:
        return this.#big();
      default:
        throw new TypeError(`a term cannot begin with ${tag} here`);
    }
  }

  /** Each of them is an octet at least: what says that there are more is not believed. */
  #terms(count: number): Term[] {
    if (count > this.#bytes.length - this.#at) throw new TypeError("the term is cut off");
    return Array.from({ length: count }, () => this.term());
  }

  #big(): number | bigint {
    const length = this.octet();
    const negative = this.octet() === 1;
    let value = 0n;
    for (const digit of this.#take(length).toReversed()) value = value << 8n | BigInt(digit);
    const whole = negative ? -value : value;
    return Number.isSafeInteger(Number(whole)) ? Number(whole) : whole;
  }

  #uint16(): number {
    return this.octet() << 8 | this.octet();
  }

  #uint32(): number {
    const at = this.#at;
    this.#take(4);
    return this.#view.getUint32(at);
  }

  #take(count: number): Uint8Array {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new TypeError("the term is cut off");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

function named(name: string): Atom | boolean {
  return name === "true" ? true : name === "false" ? false : new Atom(name);
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
