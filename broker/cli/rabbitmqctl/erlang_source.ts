import { Atom, Float, type Term, Tuple } from "./erlang_pretty.ts";

/** What stands behind a backslash, by its letter. */
const ESCAPED: Readonly<Record<string, number>> = {
  b: 8,
  d: 127,
  e: 27,
  f: 12,
  n: 10,
  r: 13,
  s: 32,
  t: 9,
  v: 11,
};

/** What text consists of, apart from white space and remarks. */
const TOKEN =
  /\s+|%.*|(<<|>>|[[\]{},|.])|(-?\d+\.\d+(?:[eE][+-]?\d+)?)|(-?\d+)(?:#([\da-zA-Z]+))?|\$(\\.|.)|([a-z][\w@]*)|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/suy;

type Token =
  | { readonly kind: "sign"; readonly text: string }
  | { readonly kind: "term"; readonly term: Term }
  | { readonly kind: "text"; readonly letters: readonly number[] };

/**
 * Reads a term as it is written in Erlang: atoms, numbers, texts, binaries, tuples and lists of them.
 * Nothing is computed.
 *
 * @throws {TypeError} When it is no term.
 */
export function parseTerm(text: string): Term {
  const parser = new TermParser(tokensOf(text));
  const term = parser.term();
  if (parser.next() !== undefined) throw new TypeError("there is something behind the term");
  return term;
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const expression = new RegExp(TOKEN);
  while (expression.lastIndex < text.length) {
    const match = expression.exec(text);
    if (match === null) throw new TypeError("this is no term");
    const [, sign, float, integer, digits, letter, atom, quoted, string] = match;
    const add = (term: Term) => tokens.push({ kind: "term", term });
    if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else if (float !== undefined) add(new Float(Number(float)));
    else if (integer !== undefined) {
      add(digits === undefined ? whole(integer) : inBase(integer, digits));
    } else if (letter !== undefined) add(lettersOf(letter)[0]!);
    else if (atom !== undefined) add(atomOf(atom));
    else if (quoted !== undefined) add(atomOf(String.fromCodePoint(...lettersOf(quoted))));
    else if (string !== undefined) tokens.push({ kind: "text", letters: lettersOf(string) });
  }
  return tokens;
}

class TermParser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  term(): Term {
    const token = this.next();
    if (token === undefined) throw new TypeError("there is no term");
    if (token.kind === "term") return token.term;
    if (token.kind === "text") return this.#text(token.letters);
    if (token.text === "{") return new Tuple(...this.#row("}"));
    if (token.text === "[") return this.#row("]");
    if (token.text === "<<") return new Uint8Array(this.#row(">>").flatMap(octets));
    throw new TypeError(`no term begins with ${token.text}`);
  }

  /** Texts that follow each other are one. */
  #text(letters: readonly number[]): Term {
    const all = [...letters];
    for (let more = this.#peek(); more?.kind === "text"; more = this.#peek()) {
      all.push(...more.letters);
      this.#at++;
    }
    return all;
  }

  #row(end: string): Term[] {
    if (this.#takeSign(end)) return [];
    const items: Term[] = [];
    do items.push(this.term()); while (this.#takeSign(","));
    if (this.#takeSign(end)) return items;
    throw new TypeError(`${end} is missing`);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #takeSign(text: string): boolean {
    const token = this.#peek();
    const is = token?.kind === "sign" && token.text === text;
    if (is) this.#at++;
    return is;
  }
}

/** What stands in a binary: numbers and texts, of which the last eight bits count. */
function octets(item: Term): number[] {
  if (typeof item === "number") return [item & 255];
  if (Array.isArray(item)) return item.flatMap(octets);
  throw new TypeError("a binary has numbers and texts in it");
}

function atomOf(name: string): Term {
  return name === "true" ? true : name === "false" ? false : new Atom(name);
}

function whole(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function inBase(base: string, digits: string): number {
  const value = Number.parseInt(digits, Number(base));
  const again = value.toString(Math.min(36, Math.max(2, Number(base))));
  if (again !== digits.toLowerCase().replace(/^0+(?=.)/, "")) throw new TypeError("no such number");
  return value;
}

/** The code points of a text, of which some may be written with a backslash. */
function lettersOf(text: string): number[] {
  const parts = text.matchAll(/\\(?:([0-7]{1,3})|x\{([\da-fA-F]+)\}|x([\da-fA-F]{2})|(.))|(.)/gsu);
  return [...parts].map(([, octal, long, short, escaped, plain]) => {
    if (octal !== undefined) return Number.parseInt(octal, 8);
    const hexadecimal = long ?? short;
    if (hexadecimal !== undefined) return Number.parseInt(hexadecimal, 16);
    if (escaped !== undefined) return ESCAPED[escaped] ?? escaped.codePointAt(0)!;
    return plain!.codePointAt(0)!;
  });
}
