import { type JsonValue, parsedJson } from "./json.ts";

/** A shorter text is read in one go: that takes less than a millisecond. */
const SHORT = 64 * 1024;

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const BLANK = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** In this bit brackets differ from braces. */
const BRACE = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * Reads a long object of JSON step by step, so that its reader can let others do something in between:
 * `JSON.parse` alone would take a tenth of a second for ten megabytes. Each item of its lists is a step, and
 * so is each field. Nobody can change what comes out.
 *
 * @param what How errors call it.
 * @returns What it says; anything else than an object as soon as it is seen to be none.
 * @throws {SyntaxError} When it is not JSON.
 * @throws {DefinitionError} When it is nested too deep.
 */
export function* readLongJson(text: string, what: string): Generator<void, JsonValue> {
  if (text.length <= SHORT) return parsedJson(text, what);
  const reader = new PartReader(text, what);
  // whatever it is, it is not what somebody wanted
  if (!reader.take("{")) return [];
  const fields = new Map<string, JsonValue>();
  if (!reader.take("}")) {
    do {
      const name = reader.name();
      reader.expect(":");
      fields.set(name, yield* readField(reader, name));
      yield;
    } while (reader.take(","));
    reader.expect("}");
  }
  reader.end();
  // as JSON.parse: a name that comes twice has what it had last
  return Object.freeze(Object.fromEntries(fields));
}

function* readField(reader: PartReader, name: string): Generator<void, JsonValue> {
  if (!reader.take("[")) return reader.value(name, 1);
  const items: JsonValue[] = [];
  if (reader.take("]")) return Object.freeze(items);
  do {
    items.push(reader.value(`${name}[${items.length}]`, 2));
    yield;
  } while (reader.take(","));
  reader.expect("]");
  return Object.freeze(items);
}

/** Takes a text apart into what is JSON by itself. */
class PartReader {
  readonly #text: string;
  readonly #what: string;
  #at = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
  }

  /** Passes a sign, if it is what comes next. */
  take(sign: string): boolean {
    this.#skipSpaces();
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  /** @throws {SyntaxError} When something else comes next. */
  expect(sign: string): void {
    if (!this.take(sign)) throw this.#unexpected();
  }

  /** @throws {SyntaxError} When something follows. */
  end(): void {
    this.#skipSpaces();
    if (this.#at < this.#text.length) throw this.#unexpected();
  }

  /** The name of a field. */
  name(): string {
    this.#skipSpaces();
    if (this.#text.charCodeAt(this.#at) !== QUOTE) throw this.#unexpected();
    return this.value("name of a field", 1) as string;
  }

  /** @param depth How deep it is in the whole. */
  value(name: string, depth: number): JsonValue {
    this.#skipSpaces();
    const start = this.#at;
    this.#skipValue();
    if (this.#at === start) throw this.#unexpected();
    try {
      return parsedJson(this.#text.slice(start, this.#at), this.#what, depth);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new SyntaxError(`${cause.message}, which is ${name} at position ${start}`, { cause });
    }
  }

  #skipSpaces(): void {
    let code = this.#text.charCodeAt(this.#at);
    while (code === BLANK || code === LINE_FEED || code === TAB || code === CARRIAGE_RETURN) {
      code = this.#text.charCodeAt(++this.#at);
    }
  }

  /** Passes what would be a value, if it is one. */
  #skipValue(): void {
    const first = this.#text.charCodeAt(this.#at);
    if (first === QUOTE) this.#skipText();
    else if ((first | BRACE) === OPENING) this.#skipNested();
    else this.#skipWord();
  }

  #skipNested(): void {
    let depth = 0;
    for (; this.#at < this.#text.length; this.#at++) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) {
        this.#skipText();
        this.#at--;
      } else if ((code | BRACE) === OPENING) depth++;
      else if ((code | BRACE) === CLOSING && --depth === 0) {
        this.#at++;
        return;
      }
    }
  }

  #skipText(): void {
    const { length } = this.#text;
    for (let end = this.#at; end < length;) {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) break;
      let before = end;
      while (this.#text.charCodeAt(before - 1) === BACKSLASH) before--;
      if ((end - before) % 2 === 0) {
        this.#at = end + 1;
        return;
      }
    }
    this.#at = length;
  }

  /** A number, true, false or null. */
  #skipWord(): void {
    const isPart = /[\w.+-]/y;
    for (isPart.lastIndex = this.#at; isPart.test(this.#text);) this.#at = isPart.lastIndex;
  }

  #unexpected(): SyntaxError {
    const sign = this.#text[this.#at];
    return new SyntaxError(
      sign === undefined
        ? "Unexpected end of JSON input"
        : `Unexpected token '${sign}' at position ${this.#at}`,
    );
  }
}
