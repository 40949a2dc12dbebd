import { Decimal, Double } from "../amqp/field_table.ts";
import type { FieldValue } from "../amqp/field_table.ts";

/**
 * Field values in the words of RabbitMQ's error texts.
 *
 * @module
 */

/** RabbitMQ's name of a value's type on the wire. */
export function typeName(value: FieldValue): string {
  if (value === null) return "void";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "string") return "longstr";
  if (typeof value === "bigint") return "long";
  if (typeof value === "number") {
    if (!Number.isInteger(value)) return "double";
    return value === (value | 0) ? "signedint" : "long";
  }
  if (value instanceof Date) return "timestamp";
  if (value instanceof Uint8Array) return "binary";
  if (value instanceof Decimal) return "decimal";
  if (value instanceof Double) return "double";
  return Array.isArray(value) ? "array" : "table";
}

/** A value as RabbitMQ prints it, as far as it is one word. */
export function printed(value: FieldValue): string {
  if (value === null) return "undefined";
  if (value === "") return "<<>>";
  if (typeof value === "string") return `<<"${value}"${/^[ -~]*$/.test(value) ? "" : "/utf8"}>>`;
  if (value instanceof Date) return String(Math.floor(value.getTime() / 1000));
  if (value instanceof Double) return `${value.value}.0`;
  return typeof value === "object" ? "..." : String(value);
}
