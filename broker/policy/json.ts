import { DefinitionError } from "./error.ts";

/** What JSON can say. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | JsonObject;

/** An object of JSON. */
export interface JsonObject {
  /** A value by its name. */
  readonly [name: string]: JsonValue;
}

/** How deep values may be nested. */
const DEPTH_MAX = 64;

/**
 * A copy of a value that nobody can change any more.
 *
 * @param what How the error calls it.
 * @throws {DefinitionError} When it is not of JSON, or nested too deep.
 */
export function jsonCopy(value: unknown, what: string): JsonValue {
  checkJson(value, what, 0);
  return frozen(JSON.parse(JSON.stringify(value)));
}

/**
 * Reads a text that somebody wrote; nobody can change what it says.
 *
 * @param what How the error calls it.
 * @param depth How deep it is in something larger. Default: not at all.
 * @throws {SyntaxError} When it is not JSON.
 * @throws {DefinitionError} When it is nested too deep.
 */
export function parsedJson(text: string, what: string, depth = 0): JsonValue {
  const value = JSON.parse(text);
  checkJson(value, what, depth);
  return frozen(value);
}

/** Reads back what `JSON.stringify` wrote, so that nobody can change it. */
export function readJson(text: string): JsonValue {
  return frozen(JSON.parse(text));
}

/** True for an object that is no array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function checkJson(value: unknown, what: string, depth: number): void {
  if (depth > DEPTH_MAX) {
    throw new DefinitionError("invalid", `${what} is nested deeper than ${DEPTH_MAX} levels`);
  }
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      break;
    case "object":
      if (value === null) return;
      if (Array.isArray(value)) {
        // by index, so that holes are found
        for (let at = 0; at < value.length; at++) checkJson(value[at], what, depth + 1);
        return;
      }
      if ([Object.prototype, null].includes(Object.getPrototypeOf(value))) {
        for (const item of Object.values(value)) checkJson(item, what, depth + 1);
        return;
      }
  }
  throw new DefinitionError("invalid", `${what} is not JSON`);
}

function frozen(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value);
}
