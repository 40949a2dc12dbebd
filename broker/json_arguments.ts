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
 *
 * @param table The arguments.
 * @param integer What integers become that are too large for a number to be exact.
 */
export function argumentsToJson(
  table: FieldTable,
  integer: (value: bigint) => JsonValue = Number,
): JsonObject {
  return Object.fromEntries(
    Object.entries(table).map(([name, value]) => [name, toJson(value, integer)]),
  );
}

/** What the compiler's library does not know yet. */
interface RawJson {
  rawJSON(text: string): JsonValue;
  isRawJSON(value: unknown): boolean;
}

const { rawJSON, isRawJSON } = JSON as unknown as RawJson;

/** For what is only ever made a text of: all digits, as in RabbitMQ. */
export function allDigits(value: bigint): JsonValue {
  return rawJSON(`${value}`);
}

/** True for what that gives: to the language it is an object, and one that no text can be made of but JSON. */
export function isAllDigits(value: unknown): boolean {
  return isRawJSON(value);
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

function toJson(value: FieldValue, integer: (value: bigint) => JsonValue): JsonValue {
  if (typeof value === "bigint") return integer(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return Math.floor(value.getTime() / 1000);
  if (value instanceof Uint8Array) return decoder.decode(value);
  if (value instanceof Decimal) return Number(value.value) / 10 ** value.scale;
  if (value instanceof Double) return toJson(value.value, integer);
  if (Array.isArray(value)) return value.map((one) => toJson(one, integer));
  return argumentsToJson(value as FieldTable, integer);
}
