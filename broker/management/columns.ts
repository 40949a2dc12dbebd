import type { JsonObject, JsonValue } from "../mod.ts";
import { isObject } from "./body.ts";

/** The part of an object that somebody wants. */
export type Columns = (value: JsonObject) => JsonObject;

/**
 * Reads the parameter `columns`: names with commas between, dots lead into objects and lists.
 *
 * @returns What takes them out of an object; undefined when all of it is wanted.
 */
export function readColumns(text: string | undefined): Columns | undefined {
  if (text === undefined || text === "") return undefined;
  const paths = text.split(",").map((path) => path.trim().split("."));
  return (value) => {
    const picked: Record<string, JsonValue> = {};
    for (const path of paths) pick(value, path, picked);
    return picked;
  };
}

/** The value at the end of a path; undefined when there is none. */
export function valueAt(
  value: JsonValue | undefined,
  path: readonly string[],
): JsonValue | undefined {
  let found = value;
  for (const name of path) {
    if (!isObject(found) || !Object.hasOwn(found, name)) return undefined;
    found = found[name];
  }
  return found;
}

function pick(from: JsonObject, path: readonly string[], into: Record<string, JsonValue>): void {
  const [name = "", ...rest] = path;
  if (!Object.hasOwn(from, name)) return;
  const value = from[name]!;
  if (rest.length === 0) into[name] = value;
  else if (Array.isArray(value)) {
    const former = Array.isArray(into[name]) ? into[name] : [];
    into[name] = value.map((item, index) =>
      isObject(item) ? picked(item, rest, former[index]) : item
    );
  } else if (isObject(value)) {
    const inner = picked(value, rest, into[name]);
    if (Object.keys(inner).length > 0) into[name] = inner;
  }
}

function picked(
  from: JsonObject,
  path: readonly string[],
  former: JsonValue | undefined,
): JsonObject {
  const into: Record<string, JsonValue> = isObject(former) ? { ...former } : {};
  pick(from, path, into);
  return into;
}
