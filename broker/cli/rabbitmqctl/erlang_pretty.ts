/**
 * Erlang's terms as text, broken into lines as `io:format("~p")` does, which is what rabbitmqctl's
 * formatter `erlang` prints: scripts read it with `file:consult`.
 *
 * @module
 */

/** A word. */
export class Atom {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A row of terms in braces. */
export class Tuple {
  readonly items: readonly Term[];
  constructor(...items: readonly Term[]) {
    this.items = items;
  }
}

/** A number that is no whole one, or does not look like it. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A term; texts and octets are binaries, arrays lists. A text in Erlang's sense is a list of numbers. */
export type Term =
  | string
  | Uint8Array
  | number
  | bigint
  | boolean
  | Atom
  | Float
  | Tuple
  | readonly Term[];

/** A text as Erlang has it. */
export function chars(text: string): Term {
  return Array.from(text, (letter) => letter.codePointAt(0)!);
}

/** How wide a line may be. */
const LINE = 80;

/**
 * Writes a term. Rows of an atom and something, as properties are, have their rest below its beginning
 * while that leaves room; else it is moved to the left, for all of them alike.
 */
export function prettyTerm(term: Term): string {
  const written = write(term);
  const indents = [-1, 4, 1];
  const indent = indents.find((one) => fits(written, 1, one, 0)) ?? 1;
  return lay(written, { column: 1, tagIndent: indent, indent: 0, closing: 0 });
}

/** A term on one line, and the parts at which it may be broken. */
interface Written {
  readonly text: string;
  readonly kind: "whole" | "list" | "tuple" | "property" | "bytes";
  readonly parts: readonly Written[];
}

function write(term: Term): Written {
  if (typeof term === "string") return writeBinary(new TextEncoder().encode(term));
  if (term instanceof Uint8Array) return writeBinary(term);
  if (typeof term !== "object") return whole(`${term}`);
  if (term instanceof Atom) return whole(atomText(term.name));
  if (term instanceof Float) return whole(floatText(term.value));
  const items = term instanceof Tuple ? term.items : term as readonly Term[];
  if (!(term instanceof Tuple) && items.length > 0 && items.every(isLetter)) {
    return whole(`"${lettersOf(items as readonly number[])}"`);
  }
  if (items.length === 0) return whole(term instanceof Tuple ? "{}" : "[]");
  const parts = items.map(write);
  const inner = parts.map(({ text }) => text).join(",");
  if (!(term instanceof Tuple)) return { text: `[${inner}]`, kind: "list", parts };
  const isProperty = items.length > 1 && items[0] instanceof Atom;
  return { text: `{${inner}}`, kind: isProperty ? "property" : "tuple", parts };
}

function whole(text: string): Written {
  return { text, kind: "whole", parts: [] };
}

function atomText(name: string): string {
  return /^[a-z][\w@]*$/.test(name) ? name : `'${name.replace(/['\\]/g, "\\$&")}'`;
}

const ESCAPES: Readonly<Record<number, string>> = {
  8: "\\b",
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  27: "\\e",
  34: '\\"',
  92: "\\\\",
};

/** With a point, and an exponent as soon as that is shorter. */
function floatText(value: number): string {
  const text = `${value}`.replace(/e\+?/, "e");
  return /^-?\d+$/.test(text) ? `${text}.0` : text.replace(/^(-?\d+)e/, "$1.0e");
}

/** A number that is a letter of Latin-1 is one to Erlang, whatever it was meant to be. */
function isLetter(item: Term): boolean {
  if (typeof item !== "number") return false;
  return item in ESCAPES || item >= 32 && item < 127 || item >= 160 && item < 256;
}

function lettersOf(items: readonly number[]): string {
  return items.map((item) => ESCAPES[item] ?? String.fromCharCode(item)).join("");
}

function writeBinary(bytes: Uint8Array): Written {
  if (bytes.every(isLetter)) {
    return whole(bytes.length === 0 ? "<<>>" : `<<"${lettersOf([...bytes])}">>`);
  }
  const parts = [...bytes].map((byte) => whole(`${byte}`));
  return { text: `<<${bytes.join(",")}>>`, kind: "bytes", parts };
}

/** Where something is to be written. */
interface Place {
  /** The column, from 1. */
  readonly column: number;
  /** How far the rest of a property is moved to the left; -1 when it is not. */
  readonly tagIndent: number;
  /** How many spaces a new line begins with. */
  readonly indent: number;
  /** How many brackets close behind it, and must fit. */
  readonly closing: number;
}

function lay({ text, kind, parts }: Written, place: Place): string {
  const { column, tagIndent, indent, closing } = place;
  if (kind === "whole" || text.length < LINE - column - closing) return text;
  if (kind === "bytes") return `<<${layBytes(parts, column + 2, indent + 2)}>>`;
  const inside = { ...place, column: column + 1, indent: indent + 1 };
  if (kind === "list") return `[${layRow(parts, inside)}]`;
  if (kind === "tuple") return `{${layRow(parts, inside)}}`;
  const [tag, ...rest] = parts;
  const width = tag!.text.length + 2;
  if (tagIndent > 0 && width > tagIndent) {
    const below = { ...place, column: column + tagIndent, indent: indent + tagIndent };
    return `{${tag!.text}${layRest(rest, column + width, below)}}`;
  }
  const behind = { ...place, column: column + width, indent: indent + width };
  return `{${tag!.text},${layRow(rest, behind)}}`;
}

function layRow([first, ...rest]: readonly Written[], place: Place): string {
  if (first === undefined) return "";
  const closing = closingOf(rest, place);
  const from = first.kind === "whole" ? place.column + first.text.length : LINE;
  return lay(first, { ...place, closing }) + layRest(rest, from, place);
}

/** What follows: on the same line while it is small, else each on a line of its own. */
function layRest(parts: readonly Written[], from: number, place: Place): string {
  let column = from;
  let text = "";
  for (const [at, part] of parts.entries()) {
    const closing = closingOf(parts.slice(at + 1), place);
    const length = part.text.length + 1;
    if (staysOnLine(part, column, closing)) {
      text += `,${part.text}`;
      column += length;
    } else {
      text += `,\n${" ".repeat(place.indent)}${lay(part, { ...place, closing })}`;
      column = after(part, place.column);
    }
  }
  return text;
}

/** Where it goes on behind a part that began a line: in another one when that consists of others. */
function after({ text, kind }: Written, column: number): number {
  return kind === "whole" ? column + text.length + 1 : LINE;
}

function staysOnLine({ text, kind }: Written, column: number, closing: number): boolean {
  if (kind !== "whole") return false;
  return text.length + 1 + Math.max(1, closing) < LINE - column;
}

/** Brackets close behind the last one alone. */
function closingOf(after: readonly Written[], { closing }: Place): number {
  return after.length > 0 ? 0 : closing + 1;
}

/** As many on each line as there is room for. */
function layBytes(parts: readonly Written[], column: number, indent: number): string {
  let at = column;
  let text = "";
  for (const [index, part] of parts.entries()) {
    const piece = part.text + (index + 1 < parts.length ? "," : "");
    if (at + piece.length > LINE - 1) {
      text += `\n${" ".repeat(indent)}`;
      at = column;
    }
    text += piece;
    at += piece.length;
  }
  return text;
}

/** True when nothing is pushed too far to the right by this indentation. */
function fits(
  { text, kind, parts }: Written,
  column: number,
  tagIndent: number,
  closing: number,
): boolean {
  if (kind === "whole" || kind === "bytes" || text.length < LINE - column - closing) return true;
  if (kind !== "property") return rowFits(parts, column + 1, tagIndent, closing);
  const [tag, ...rest] = parts;
  const width = tag!.text.length + 2;
  if (tagIndent > 0 && width > tagIndent) {
    const below = column + tagIndent;
    return below <= LINE / 2 && restFits(rest, column + width, below, tagIndent, closing);
  }
  return column + width < LINE / 2 && rowFits(rest, column + width, tagIndent, closing);
}

function rowFits(
  parts: readonly Written[],
  column: number,
  tagIndent: number,
  closing: number,
): boolean {
  const [first, ...rest] = parts;
  if (first === undefined) return true;
  return fits(first, column, tagIndent, rest.length > 0 ? 0 : closing + 1) &&
    restFits(
      rest,
      first.kind === "whole" ? column + first.text.length : LINE,
      column,
      tagIndent,
      closing,
    );
}

function restFits(
  parts: readonly Written[],
  from: number,
  below: number,
  tagIndent: number,
  closing: number,
): boolean {
  let column = from;
  return parts.every((part, at) => {
    const behind = at + 1 < parts.length ? 0 : closing + 1;
    const stays = staysOnLine(part, column, behind);
    column = stays ? column + part.text.length + 1 : after(part, below);
    return stays || fits(part, below, tagIndent, behind);
  });
}
