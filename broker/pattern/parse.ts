import {
  ALL_CHARACTERS,
  type CharacterSet,
  NO_LINE_BREAK,
  type PatternNode,
  range,
  setOf,
} from "./node.ts";

/** An expression that was read. */
export interface ParsedPattern {
  /** Its parts. */
  readonly node: PatternNode;
  /** The same for `RegExp`. */
  readonly source: string;
  /** The flags for it. */
  readonly flags: string;
}

/** Sets that have names. */
interface NamedSets {
  readonly letters: CharacterSet;
  /** By the letter behind the backslash. */
  readonly classes: Readonly<Record<string, CharacterSet>>;
  /** What `[:alpha:]` and so on are to `RegExp`. */
  readonly posix: Readonly<Record<string, readonly [source: string, set: CharacterSet]>>;
}

let named: NamedSets | undefined;

/** Made at first use: many a program has no expressions. */
function namedSets(): NamedSets {
  if (named !== undefined) return named;
  const digits = range(0x30, 0x39);
  const letters = range(0x61, 0x7a);
  const word = digits | letters | setOf("_");
  const space = range(9, 13) | setOf(" ") | range(128, 128);
  const classes = {
    d: digits,
    D: ALL_CHARACTERS ^ digits,
    w: word,
    W: ALL_CHARACTERS ^ word,
    s: space,
    S: ALL_CHARACTERS,
  };
  const posix = {
    alnum: ["a-zA-Z0-9", digits | letters],
    alpha: ["a-zA-Z", letters],
    digit: ["0-9", digits],
    lower: ["a-z", letters],
    punct: ["!-\\/:-@\\[-`{-~", range(0x21, 0x7e)],
    space: ["\\s", space],
    upper: ["A-Z", letters],
    word: ["\\w", word],
    xdigit: ["0-9a-fA-F", digits | range(0x61, 0x66)],
  } as const;
  return named = { letters, classes, posix };
}

const CONTROLS: Readonly<Record<string, string>> = {
  a: "\x07",
  e: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/**
 * Reads an expression as RabbitMQ's users write them: Perl's, as far as `RegExp` can do the same.
 *
 * @throws {SyntaxError} When it is malformed, or uses what `RegExp` does not know.
 */
export function parsePattern(text: string): ParsedPattern {
  const caseless = text.startsWith("(?i)");
  const parser = new Parser(text, caseless ? 4 : 0);
  const node = parser.choice();
  if (!parser.ended) throw parser.error("unmatched )");
  return { node, source: parser.source, flags: caseless ? "i" : "" };
}

class Parser {
  source = "";
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#at = at;
  }

  get ended(): boolean {
    return this.#at >= this.#text.length;
  }

  error(reason: string): SyntaxError {
    return new SyntaxError(`${reason} at ${this.#at}`);
  }

  choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#take("|")) {
      this.source += "|";
      options.push(this.#sequence());
    }
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    while (!this.ended && !this.#sees("|") && !this.#sees(")")) {
      items.push(this.#repeated(this.#item()));
    }
    return items.length === 1 ? items[0]! : { kind: "sequence", items };
  }

  #repeated(body: PatternNode): PatternNode {
    const counts = this.#quantifier();
    if (counts === undefined) return body;
    if (body.kind !== "set" && body.kind !== "sequence" && body.kind !== "choice") {
      throw this.error("quantifier does not follow a repeatable item");
    }
    if (this.#sees("+")) throw this.error("possessive quantifiers are not known here");
    if (this.#take("?")) this.source += "?";
    if (this.#quantifier() !== undefined) {
      throw this.error("quantifier does not follow a repeatable item");
    }
    const [min, max] = counts;
    return { kind: "repeat", body, min, max };
  }

  #quantifier(): readonly [min: number, max: number] | undefined {
    const [found, from, comma, to] =
      /^(?:[*+?]|\{(\d{1,5})(,)?(\d{1,5})?\})/.exec(this.#text.slice(this.#at)) ?? [];
    if (found === undefined || (comma === undefined && to !== undefined)) return undefined;
    this.#at += found.length;
    this.source += found;
    if (found === "*") return [0, Infinity];
    if (found === "+") return [1, Infinity];
    if (found === "?") return [0, 1];
    const min = Number(from);
    const max = comma === undefined ? min : to === undefined ? Infinity : Number(to);
    if (max < min) throw this.error("numbers out of order in {} quantifier");
    return [min, max];
  }

  #item(): PatternNode {
    const character = this.#next();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "set", set: this.#class() };
      case "\\":
        return this.#escape();
      case "^":
        this.source += "^";
        return { kind: "start" };
      case "$":
        this.source += "$";
        return { kind: "end" };
      case ".":
        this.source += ".";
        return { kind: "set", set: NO_LINE_BREAK };
      case "*":
      case "+":
      case "?":
        throw this.error("quantifier does not follow a repeatable item");
      default:
        return this.#literal(character);
    }
  }

  #literal(character: string): PatternNode {
    this.source += /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
    return { kind: "set", set: setOf(character) };
  }

  #group(): PatternNode {
    const [opening = ""] = /^\?(?:[:=!]|<[=!]|P?<[A-Za-z_]\w*>)/.exec(this.#rest) ?? [];
    if (opening === "" && this.#sees("?")) {
      throw this.error("this form of (? is not known here");
    }
    this.#at += opening.length;
    this.source += `(${opening.replace("?P<", "?<")}`;
    const body = this.choice();
    if (!this.#take(")")) throw this.error("missing )");
    this.source += ")";
    if (/^\?<?[=!]/.test(opening)) return { kind: "look", body };
    // a group may be repeated, whatever is in it
    return { kind: "sequence", items: [body] };
  }

  #escape(): PatternNode {
    if (this.ended) throw this.error("\\ at end of pattern");
    const character = this.#next();
    const set = namedSets().classes[character];
    if (set !== undefined) {
      this.source += `\\${character}`;
      return { kind: "set", set };
    }
    switch (character) {
      case "A":
        this.source += "^";
        return { kind: "start" };
      case "z":
      case "Z":
        this.source += "$";
        return { kind: "end" };
      case "b":
      case "B":
        this.source += `\\${character}`;
        return { kind: "border" };
      default:
        return this.#literal(this.#escaped(character));
    }
  }

  /** The character that an escape stands for, inside a class or not. */
  #escaped(character: string): string {
    const control = CONTROLS[character];
    if (control !== undefined) return control;
    if (character === "x") {
      const [found, braced, plain] =
        /^(?:\{([0-9a-fA-F]{1,4})\}|([0-9a-fA-F]{2}))/.exec(this.#rest) ?? [];
      if (found === undefined) throw this.error("\\x without a number");
      this.#at += found.length;
      return String.fromCharCode(parseInt((braced ?? plain)!, 16));
    }
    if (/[0-9A-Za-z]/.test(character)) throw this.error(`\\${character} is not known here`);
    return character;
  }

  #class(): CharacterSet {
    const negated = this.#take("^");
    this.source += negated ? "[^" : "[";
    let set = 0n;
    // a ] that comes first is one of them
    for (let first = true; first || !this.#sees("]"); first = false) {
      if (this.ended) throw this.error("missing terminating ] for character class");
      set |= this.#classItem();
    }
    this.#at++;
    this.source += "]";
    return negated ? ALL_CHARACTERS ^ withoutDoubt(set) : set;
  }

  #classItem(): CharacterSet {
    const [found, name] = /^\[:(\w+):\]/.exec(this.#rest) ?? [];
    if (found !== undefined) {
      const posix = namedSets().posix[name!];
      if (posix === undefined) throw this.error("unknown POSIX class name");
      this.#at += found.length;
      this.source += posix[0];
      return posix[1];
    }
    const from = this.#classCharacter();
    if (typeof from === "bigint") return from;
    if (!this.#sees("-") || this.#text[this.#at + 1] === "]") return setOf(from);
    this.#at++;
    this.source += "-";
    if (this.ended) throw this.error("missing terminating ] for character class");
    const to = this.#classCharacter();
    if (typeof to === "bigint") throw this.error("invalid range in character class");
    if (to < from) throw this.error("range out of order in character class");
    return range(from.charCodeAt(0), to.charCodeAt(0));
  }

  /** A character, or the set that an escape stands for. */
  #classCharacter(): string | CharacterSet {
    let character = this.#next();
    if (character === "\\") {
      if (this.ended) throw this.error("\\ at end of pattern");
      character = this.#next();
      const set = namedSets().classes[character];
      if (set !== undefined) {
        this.source += `\\${character}`;
        return set;
      }
      character = character === "b" ? "\b" : this.#escaped(character);
    }
    this.source += /[\\\]^[-]/.test(character) ? `\\${character}` : character;
    return character;
  }

  get #rest(): string {
    return this.#text.slice(this.#at);
  }

  #next(): string {
    return this.#text[this.#at++]!;
  }

  #sees(character: string): boolean {
    return this.#text[this.#at] === character;
  }

  #take(character: string): boolean {
    if (!this.#sees(character)) return false;
    this.#at++;
    return true;
  }
}

/** What is in a set beyond doubt: of a letter it is not known which case, of what is beyond ASCII
 * not which character. */
function withoutDoubt(set: CharacterSet): CharacterSet {
  return set & ~(namedSets().letters | range(128, 128));
}
