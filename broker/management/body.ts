import type { JsonObject, JsonValue } from "../mod.ts";
import type { Call } from "./context.ts";
import { badRequest, HttpError } from "./errors.ts";

/** No body is larger, in bytes. */
const BODY_MAX = 64 * 1024 * 1024;

/**
 * Reads a request's body.
 *
 * @param most No more is taken, in bytes.
 * @throws {HttpError} 413 when it is too large.
 */
export async function readBytes(
  { req }: Call,
  most = BODY_MAX,
): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = () => new HttpError(413, "bad_request", "request body is too large");
  if (Number(req.header("content-length") ?? 0) > most) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of req.raw.body ?? []) {
    size += chunk.length;
    if (size > most) throw tooLarge();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Reads a request's body as an object of JSON; none is an empty one.
 *
 * @throws {HttpError} 400 when it is something else.
 */
export async function readObject(call: Call, otherwise = "not_json"): Promise<JsonObject> {
  const bytes = await readBytes(call);
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw badRequest(otherwise);
  }
  if (isObject(value)) return value;
  throw badRequest(otherwise);
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
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number === "number" && Number.isSafeInteger(number)) return number;
  throw badRequest(["not_integer", value ?? null]);
}

/** A text. */
export function textOf(body: JsonObject, name: string, otherwise?: string): string {
  const value = body[name] ?? otherwise;
  if (typeof value === "string") return value;
  if (value === undefined) throw badRequest(keysMissing([name]));
  throw badRequest(["not_a_string", value]);
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
