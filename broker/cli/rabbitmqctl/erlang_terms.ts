import type { JsonObject, JsonValue } from "../../policy/json.ts";
import { Address, CtlAtom, CtlAtoms, type CtlRow, CtlTable, type CtlValue } from "./command.ts";
import { Atom, type Term, Tuple } from "./erlang_pretty.ts";

/**
 * How rabbitmqctl writes values: scripts pick its tables apart.
 *
 * @module
 */

/** A value in a line of a table or as text: what is a term in RabbitMQ is written as one. */
export function plainValue(value: CtlValue): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return escaped(value);
  if (value instanceof Address) return value.text;
  if (value instanceof CtlAtom) return escaped(value.word);
  if (value instanceof CtlAtoms) return `[${value.words.join(", ")}]`;
  if (value instanceof CtlTable) return tableTerm(value.entries);
  if (Array.isArray(value)) return `[${value.map((one) => plainValue(one)).join(", ")}]`;
  if (typeof value === "object") return tableTerm(value as Readonly<Record<string, JsonValue>>);
  return `${value}`;
}

/** A value in JSON. */
export function jsonValue(value: CtlValue): JsonValue {
  if (value instanceof Address) return addressBytes(value.text);
  if (value instanceof CtlAtom) return value.word;
  if (value instanceof CtlAtoms) return [...value.words];
  if (value instanceof CtlTable) {
    return Object.entries(value.entries).map(([name, item]) => [name, ...typed(item)]);
  }
  return value;
}

/** A line of a list as an Erlang term: properties. */
export function rowTerm(row: CtlRow): Term {
  return Object.entries(row).map(([name, value]) => new Tuple(new Atom(name), valueTerm(value)));
}

/** A value in JSON as an Erlang term: texts are binaries, objects properties. */
export function jsonTerm(value: JsonValue): Term {
  if (value === null) return new Atom("undefined");
  if (Array.isArray(value)) return value.map(jsonTerm);
  if (typeof value !== "object") return value as string | number | boolean;
  return Object.entries(value).map(([name, item]) => new Tuple(new Atom(name), jsonTerm(item)));
}

function valueTerm(value: CtlValue): Term {
  if (value instanceof CtlAtom) return atomTerm(value.word);
  if (value instanceof CtlAtoms) return value.words.map((word) => new Atom(word));
  if (value instanceof CtlTable) return typedTerms(value.entries);
  return value instanceof Address ? addressTerm(value.text) : jsonTerm(value);
}

/** An address as Erlang has it: a tuple of its numbers. What is none is a text. */
export function addressTerm(text: string): Term {
  const numbers = addressBytes(text);
  return Array.isArray(numbers) ? new Tuple(...numbers as number[]) : text;
}

/** A version, such as that of a protocol, is a tuple of numbers. */
function atomTerm(word: string): Term {
  const [, numbers] = /^\{(\d+(?:,\d+)*)\}$/.exec(word) ?? [];
  return numbers === undefined ? new Atom(word) : new Tuple(...numbers.split(",").map(Number));
}

function typedTerms(entries: Readonly<Record<string, JsonValue>>): Term[] {
  return Object.entries(entries).map(([name, item]) => new Tuple(name, ...typedTerm(item)));
}

function typedTerm(item: JsonValue): [type: Term, value: Term] {
  const [type] = typed(item);
  if (Array.isArray(item)) {
    return [new Atom(type), item.map((one) => new Tuple(...typedTerm(one)))];
  }
  return [new Atom(type), type === "table" ? typedTerms(item as JsonObject) : jsonTerm(item)];
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};

/** Control characters would break the line, or colour it: RabbitMQ lets them through. */
function escaped(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex -- they are what must not get through
    /[\x00-\x1f\x7f]/g,
    (char) => ESCAPES[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
}

function tableTerm(entries: Readonly<Record<string, JsonValue>>): string {
  const items = Object.entries(entries).map(([name, value]) => `{${quoted(name)},${term(value)}}`);
  return `[${items.join(",")}]`;
}

function term(value: JsonValue): string {
  if (value === null) return "undefined";
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map(term).join(",")}]`;
  if (typeof value === "object") return tableTerm(value as JsonObject);
  return `${value}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t")}"`;
}

/** With the type that it would have on the wire, which JSON does not tell. */
function typed(value: JsonValue): [type: string, value: JsonValue] {
  if (typeof value === "string") return ["longstr", value];
  if (typeof value === "boolean") return ["bool", value];
  if (typeof value === "number") {
    if (!Number.isInteger(value)) return ["double", value];
    return [Math.abs(value) < 2 ** 31 ? "signedint" : "long", value];
  }
  if (value === null) return ["void", "undefined"];
  if (Array.isArray(value)) return ["array", value.map(typed)];
  return ["table", Object.entries(value).map(([name, item]) => [name, ...typed(item)])];
}

/** The numbers of an address; text when it is none, such as the path of a socket. */
function addressBytes(text: string): JsonValue {
  if (/^\d+(\.\d+){3}$/.test(text)) return text.split(".").map(Number);
  if (!text.includes(":")) return text;
  const [head = "", tail] = text.split("::");
  const groups = (part: string) =>
    part === "" ? [] : part.split(":").map((one) => parseInt(one, 16));
  if (tail === undefined) return groups(head);
  const [first, last] = [groups(head), groups(tail)];
  return [...first, ...Array(Math.max(0, 8 - first.length - last.length)).fill(0), ...last];
}
