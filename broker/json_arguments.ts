import {
  Decimal,
  Double,
  type FieldTable,
  type FieldValue,
  normaliseTable,
} from "./amqp/field_table.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./policy/json.ts";

/**
 * Arguments as JSON has them. Times become seconds, decimals and 64-bit integers numbers, bytes text:
 * JSON knows no more, and RabbitMQ's definitions say no more.
 */
export function argumentsToJson(table: FieldTable): JsonObject {
  return Object.fromEntries(Object.entries(table).map(([name, value]) => [name, toJson(value)]));
}

/**
 * Arguments as a field table has them.
 *
 * @throws {TypeError} When a field table cannot have them.
 */
export function argumentsFromJson(value: JsonValue | undefined): FieldTable {
  // an empty object is an empty list to some of RabbitMQ's versions
  return isJsonObject(value) ? normaliseTable(value) : {};
}

const decoder = new TextDecoder();

function toJson(value: FieldValue): JsonValue {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return Math.floor(value.getTime() / 1000);
  if (value instanceof Uint8Array) return decoder.decode(value);
  if (value instanceof Decimal) return Number(value.value) / 10 ** value.scale;
  if (value instanceof Double) return toJson(value.value);
  if (Array.isArray(value)) return value.map(toJson);
  return argumentsToJson(value as FieldTable);
}
