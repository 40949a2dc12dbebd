import type { JsonObject, JsonValue } from "../mod.ts";
import { isObject } from "./body.ts";

/** Arguments as RabbitMQ's API tells them: there a value of nothing is the text `undefined`. */
export function toldArguments(args: JsonObject): JsonObject {
  return hasNothing(args) ? withTexts(args) : args;
}

function hasNothing(value: JsonValue): boolean {
  if (value === null || typeof value !== "object") return value === null;
  return Object.values(value).some(hasNothing);
}

function withTexts(args: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, told(value)]));
}

function told(value: JsonValue): JsonValue {
  if (value === null) return "undefined";
  if (Array.isArray(value)) return value.map(told);
  return isObject(value) ? withTexts(value) : value;
}
