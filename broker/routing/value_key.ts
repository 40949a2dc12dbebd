/**
 * Field values as keys of a map: equal values give the same key, whatever their width on the wire
 * was, and different ones, or values of different types, never do; bytes that are a text are that text.
 *
 * Strings, numbers and booleans are their own keys, so that looking up the header of a message makes
 * nothing new. The rest becomes a text.
 *
 * @module
 */
import { Decimal, Double } from "../amqp/field_table.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";

/** A key for a `Map`, which tells `1` from `"1"` and takes equal bigints as equal. */
export type ValueKey = string | number | bigint | boolean;

/** Starts the text that stands for a value; a string that starts with it is put into such a text. */
const MARK = "\0";

/**
 * Gives the key of a value.
 *
 * An integer and a float of the same value have different keys, if decoding has kept them apart. A
 * string and its bytes have the same.
 *
 * @param value A field value.
 * @returns Its key.
 */
export function valueKey(value: FieldValue): ValueKey {
  switch (typeof value) {
    case "string":
      return value.charCodeAt(0) === 0 ? MARK + valueText(value) : value;
    case "number":
    case "boolean":
      return value;
    case "bigint":
      return narrow(value);
    default:
      return value instanceof Uint8Array
        ? textOf(value) ?? MARK + valueText(value)
        : MARK + valueText(value);
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The key of bytes that a string could be, too: strings and bytes differ on the wire alone. */
function textOf(bytes: Uint8Array): ValueKey | undefined {
  try {
    return valueKey(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** Makes a number of a bigint that decoding would have made a number. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * Writes a table so that equal tables, whatever the order of their fields, give the same text.
 *
 * @param table A field table.
 * @returns Its text; empty for an empty table.
 */
export function tableText(table: FieldTable): string {
  let text = "";
  for (const name of Object.keys(table).sort()) {
    const value = table[name];
    if (value !== undefined) text += name.length + ":" + name + valueText(value);
  }
  return text;
}

/** Writes a value: a letter for its type, then what ends by itself or has its length in front. */
function valueText(value: FieldValue): string {
  switch (typeof value) {
    case "string":
      return sized("S", value);
    case "number":
      // -0 and 0 are one value, as they are for a Map
      return sized("n", String(value));
    case "bigint": {
      const narrowed = narrow(value);
      return sized(typeof narrowed === "number" ? "n" : "l", String(narrowed));
    }
    case "boolean":
      return value ? "t1" : "t0";
  }
  if (value === null) return "V";
  if (value instanceof Date) return sized("T", String(value.getTime()));
  if (value instanceof Uint8Array) return sized("x", bytesText(value));
  // 0 and -0 are one value
  if (value instanceof Double) return sized("d", String(value.value));
  if (value instanceof Decimal) return sized("D", `${value.scale} ${value.value}`);
  if (isArray(value)) return sized("A", value.map(valueText).join(""));
  return sized("F", tableText(value));
}

function sized(letter: string, text: string): string {
  return letter + text.length + ":" + text;
}

/** One character a byte. */
function bytesText(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index++) text += String.fromCharCode(bytes[index]!);
  return text;
}

/** `Array.isArray()` loses what it knows when an array is readonly. */
function isArray(value: FieldValue): value is readonly FieldValue[] & FieldValue {
  return Array.isArray(value);
}
