import { Slices } from "../http/slices.ts";
import type { JsonObject, JsonValue } from "../mod.ts";
import type { Call } from "./context.ts";
import { badRequest, HttpError } from "./errors.ts";
import { JsonValues } from "./json_values.ts";

/** No body is larger, in bytes: a message, or a file of definitions. */
export const BODY_MAX = 64 * 1024 * 1024;
/** And none that says what there is to be. */
const OBJECT_MAX = 1024 * 1024;
/** So much is in an object at most: items of lists and fields. */
const VALUES_MAX = 10_000;
/** What may be in one that has a long list, of names for example. */
export const LISTED: BodyLimits = { most: 8 * 1024 * 1024, values: 200_000 };
/** So many bytes are looked at, at once. */
const PART = 64 * 1024;
/** Of bodies that come to more a user has a few at once, for as long as it takes to do what they say. */
const LARGE = 1024 * 1024;

/** What is told of a text where an object should be. */
const TWICE = "invalid payload: the request body JSON-decoded to a string. " +
  "Is the input doubly-JSON-encoded?";

/** A text without it has no integer that a number cannot be. */
const LONG_INTEGER = /[0-9]{16}/;
const INTEGER = /^-?[0-9]+$/;
/** No integer of 64 bits has so many characters. Of what has more the first ones are read: to read millions
 * of digits takes seconds, and it is refused anyway. */
const INTEGER_CHARACTERS = 40;

/** What the compiler's library does not know yet. */
type Revive = (name: string, value: unknown, context: { readonly source?: string }) => unknown;

interface Published {
  readonly properties: { readonly headers: unknown };
}

/** How much may be in a body. */
export interface BodyLimits {
  /** In bytes. Default: {@linkcode OBJECT_MAX}. */
  readonly most?: number;
  /** Items of lists and fields. Default: {@linkcode VALUES_MAX}. */
  readonly values?: number;
  /** True for a message: integers in its headers that are too large for a number to be exact become a `bigint`. */
  readonly exactHeaders?: boolean;
}

/**
 * Reads a request's body.
 *
 * @param most No more is taken, in bytes.
 * @param look Called for each part that has come.
 * @throws {HttpError} 413 when it is too large, 429 when its user has too many large ones on their way.
 */
export async function readBytes(
  call: Call,
  most = BODY_MAX,
  look?: (chunk: Uint8Array) => Promise<void>,
): Promise<Uint8Array<ArrayBuffer>> {
  const { req } = call;
  if (Number(req.header("content-length") ?? 0) > most) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of req.raw.body ?? []) {
    // before a turn: it needs none, nor is anybody logged in who could have one where little is taken
    if (size + chunk.length > most) throw tooLarge();
    const isLarge = size + chunk.length > LARGE;
    const turn = isLarge && size <= LARGE ? call.var.beginLargeBody?.() : undefined;
    if (turn !== undefined) await turn;
    size += chunk.length;
    const looking = look?.(chunk);
    if (looking !== undefined) await looking;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  const slices = new Slices(1);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
    // what has come first is done first, unless it came in very many parts
    if (at < size && slices.over) await slices.rest();
  }
  return bytes;
}

function tooLarge(): HttpError {
  return new HttpError(413, "bad_request", "request body is too large");
}

/**
 * Reads a request's body as an object of JSON; none is an empty one.
 *
 * @throws {HttpError} 400 when it is something else or there is too much in it, 413 when it is too large.
 */
export async function readObject(
  call: Call,
  { most = OBJECT_MAX, values = VALUES_MAX, exactHeaders = false }: BodyLimits = {},
): Promise<JsonObject> {
  const found = new JsonValues();
  const slices = new Slices(1);
  const bytes = await readBytes(call, most, async (chunk) => {
    for (let at = 0; at < chunk.length; at += PART) {
      found.add(chunk.subarray(at, at + PART));
      if (found.count > values) throw badRequest("request body has too much in it");
      if (slices.over) await slices.rest();
    }
  });
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // either takes some ten milliseconds for a long text
    if (slices.over) await slices.rest();
    value = JSON.parse(text);
    if (exactHeaders && LONG_INTEGER.test(text)) setExactHeaders(value, text);
    if (slices.over) await slices.rest();
  } catch {
    throw badRequest("not_json");
  }
  if (isObject(value)) return value;
  throw badRequest(typeof value === "string" ? TWICE : "not_json");
}

function setExactHeaders(body: unknown, text: string): void {
  if (!isObject(body) || !isObject(body["properties"])) return;
  if (!isObject(body["properties"]["headers"])) return;
  const parse = JSON.parse as (text: string, revive: Revive) => unknown;
  const exact = parse(text, (_name, value, { source }) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    if (source === undefined || !INTEGER.test(source)) return value;
    return BigInt(source.slice(0, INTEGER_CHARACTERS));
  });
  // nothing else of it: what is wrong is told as JSON
  Object.assign(body["properties"], { headers: (exact as Published).properties.headers });
}

/** True for an object of JSON that is no list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Fields that have to be there.
 *
 * @throws {HttpError} 400 that names those that are not.
 */
export function required(body: JsonObject, ...names: readonly string[]): JsonValue[] {
  const missing = names.filter((name) => !Object.hasOwn(body, name));
  if (missing.length > 0) throw badRequest(keysMissing(missing));
  return names.map((name) => body[name]!);
}

/**
 * Texts that have to be there.
 *
 * @throws {HttpError} 400 when one is missing, or something else.
 */
export function textsOf<Name extends string>(
  body: JsonObject,
  ...names: readonly Name[]
): Readonly<Record<Name, string>> {
  const values = required(body, ...names);
  const wrong = values.find((value) => typeof value !== "string");
  if (wrong !== undefined) throw badRequest(["not_a_string", wrong]);
  return Object.fromEntries(names.map((name, at) => [name, values[at]])) as Record<Name, string>;
}

/** A truth value, which old clients send as text. */
export function booleanOf(body: JsonObject, name: string, otherwise: boolean): boolean {
  const value = body[name];
  if (value === undefined) return otherwise;
  if (value === true || value === "true") return true;
  if (value === false || value === "false") return false;
  throw badRequest(["not_boolean", value]);
}

/** A whole number, which old clients send as text. */
export function integerOf(value: JsonValue | undefined): number {
  const number = wholeNumber(value);
  if (number === undefined) throw badRequest(["not_integer", value ?? null]);
  return number;
}

/** The same for who tells by himself when it is none. */
export function wholeNumber(value: JsonValue | undefined): number | undefined {
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : undefined;
}

/** A text. */
export function textOf(body: JsonObject, name: string, otherwise?: string): string {
  const value = body[name] ?? otherwise;
  if (typeof value === "string") return value;
  if (!Object.hasOwn(body, name)) throw badRequest(keysMissing([name]));
  throw badRequest(["not_a_string", value ?? null]);
}

/** Arguments; clients in PHP send an empty list where they mean an empty object. */
export function argumentsOf(body: JsonObject): JsonObject {
  const value = body["arguments"] ?? {};
  if (isObject(value)) return value;
  if (Array.isArray(value) && value.length === 0) return {};
  throw badRequest(["arguments_not_object", value]);
}

/** As Erlang prints it, in lines of 80 characters. */
function keysMissing(names: readonly string[]): string {
  const entries = names.map((name) => `{key_missing,${name}}`);
  const line = `[${entries.join(",")}]`;
  return line.length <= 80 ? line : `[${entries.join(",\n ")}]`;
}
