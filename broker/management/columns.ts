import { isAllDigits } from "../json_arguments.ts";
import type { JsonObject, JsonValue } from "../mod.ts";
import { isObject } from "./body.ts";

/** The part of an object that somebody wants: an empty list when that is nothing. */
export type Columns = (value: JsonObject) => JsonValue;

/** What is wanted of each field of an object. */
type Wanted = ReadonlyMap<string, Wanted | "whole">;

/** RabbitMQ gives these whole, whatever is wanted of them. */
const UNDIVIDED: readonly string[] = [
  "arguments",
  "backing_queue_status",
  "client_properties",
  "limits",
  "metadata",
  "object_totals",
];

/**
 * Reads the parameter `columns`: names with commas between, dots lead into objects and lists. A name that
 * leads beyond what has no fields gives that.
 *
 * @returns What takes them out of an object; undefined when all of it is wanted.
 */
export function readColumns(text: string | undefined): Columns | undefined {
  if (text === undefined) return undefined;
  const wanted = new Map<string, Wanted | "whole">();
  for (const path of text.split(",")) {
    want(wanted, path.split(".").map((name) => name.trim()).filter((name) => name !== ""));
  }
  return (value) => partOf(value, wanted);
}

function want(
  wanted: Map<string, Wanted | "whole">,
  [name, ...rest]: readonly string[],
): void {
  if (name === undefined) return;
  const before = wanted.get(name);
  if (rest.length === 0 || before === "whole") wanted.set(name, "whole");
  else {
    const inner = new Map(before);
    want(inner, rest);
    wanted.set(name, inner);
  }
}

function partOf(value: JsonValue, wanted: Wanted): JsonValue {
  if (Array.isArray(value)) return value.map((item) => partOf(item, wanted));
  if (!hasFields(value)) return value;
  const part: Record<string, JsonValue> = {};
  let isEmpty = true;
  for (const [name, inner] of wanted) {
    if (!Object.hasOwn(value, name)) continue;
    const field = value[name]!;
    const isWhole = inner === "whole" || UNDIVIDED.includes(name);
    part[name] = isWhole ? field : partOf(field, inner);
    isEmpty = false;
  }
  // what Erlang has no fields for is a list
  return isEmpty ? [] : part;
}

/** The value at the end of a path; undefined when there is none. */
export function valueAt(
  value: JsonValue | undefined,
  path: readonly string[],
): JsonValue | undefined {
  let found = value;
  for (const name of path) {
    if (!hasFields(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

function hasFields(value: JsonValue | undefined): value is JsonObject {
  return isObject(value) && !isAllDigits(value);
}
