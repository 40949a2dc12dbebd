/**
 * Field tables: headers, arguments, peer properties; decoded, encoded, and normalised as if both had
 * been done.
 *
 * @module
 */

import { type ByteReader, truncated } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";
import {
  Decimal,
  deeper,
  describe,
  Double,
  type FieldTable,
  type FieldValue,
  fitsShortString,
  isTable,
  letterOf,
  LETTERS,
  refused,
  trail,
  unknownLetter,
} from "./field_value.ts";

export { Decimal, Double, type FieldTable, type FieldValue } from "./field_value.ts";
export { TABLE_DEPTH_MAX } from "./constants.ts";

/** The last second that a `Date` can hold. */
const DATE_SECONDS_MAX = 8_640_000_000_000;

// Decoding

/**
 * Reads a table with its length.
 *
 * @throws {AmqpError} 501 when a value goes past its end, 502 for an unknown type or nesting that is
 * too deep.
 */
export function decodeTable(reader: ByteReader): FieldTable {
  return decodeNestedTable(reader, 1);
}

/** Reads the fields of a table up to the reader's end: a table without its length. */
export function decodeFields(reader: ByteReader): FieldTable {
  return decodeFieldsAt(reader, 1);
}

function decodeNestedTable(reader: ByteReader, depth: number): FieldTable {
  const outerEnd = enter(reader);
  const table = decodeFieldsAt(reader, depth);
  reader.end = outerEnd;
  return table;
}

function decodeFieldsAt(reader: ByteReader, depth: number): FieldTable {
  const table: Record<string, FieldValue> = {};
  while (reader.at < reader.end) {
    const name = reader.lenientShortString();
    setField(table, name, decodeValue(reader, depth));
  }
  return table;
}

function decodeArray(reader: ByteReader, depth: number): FieldValue[] {
  const outerEnd = enter(reader);
  const values: FieldValue[] = [];
  while (reader.at < reader.end) values.push(decodeValue(reader, depth));
  reader.end = outerEnd;
  return values;
}

/** Narrows a reader to the table or array that starts here; returns the end it had. */
function enter(reader: ByteReader): number {
  const size = reader.uint32();
  const outerEnd = reader.end;
  if (size > outerEnd - reader.at) throw truncated();
  reader.end = reader.at + size;
  return outerEnd;
}

function decodeValue(reader: ByteReader, depth: number): FieldValue {
  const letter = reader.uint8();
  switch (letter) {
    case LETTERS.STRING:
      return reader.textOrBytes();
    case LETTERS.INT32:
      return reader.int32();
    case LETTERS.BOOLEAN:
      return reader.uint8() !== 0;
    case LETTERS.INT64:
    case LETTERS.INT64_TOO: // published as unsigned, read as signed by RabbitMQ
      return reader.int64();
    case LETTERS.TABLE:
      return decodeNestedTable(reader, deeper(depth, reader.depthMax));
    case LETTERS.ARRAY:
      return decodeArray(reader, deeper(depth, reader.depthMax));
    case LETTERS.TIMESTAMP:
      return decodeTimestamp(reader);
    case LETTERS.FLOAT64:
      return float(reader, reader.float64());
    case LETTERS.VOID:
      return null;
    case LETTERS.BYTES:
      return reader.longString();
    case LETTERS.INT8:
      return reader.int8();
    case LETTERS.UINT8:
      return reader.uint8();
    case LETTERS.INT16:
      return reader.int16();
    case LETTERS.UINT16:
      return reader.uint16();
    case LETTERS.UINT32:
      return reader.uint32();
    case LETTERS.FLOAT32:
      return float(reader, reader.float32());
    case LETTERS.DECIMAL: {
      const scale = reader.uint8();
      return new Decimal(scale, reader.uint32());
    }
    default:
      throw unknownLetter(letter);
  }
}

/** A number that would not be written as an integer is a double anyway. */
function float(reader: ByteReader, value: number): number | Double {
  return reader.keepsDoubles && Number.isSafeInteger(value) ? new Double(value) : value;
}

/**
 * Reads seconds since 1970 as a date. They are signed, as in a POSIX `time_t`; what is beyond the
 * range of `Date` (someone sent microseconds) becomes the last or first moment in it.
 */
export function decodeTimestamp(reader: ByteReader): Date {
  const seconds = Number(reader.int64());
  return new Date(Math.max(-DATE_SECONDS_MAX, Math.min(DATE_SECONDS_MAX, seconds)) * 1000);
}

/** Sets an own property whatever its name: in browsers, assigning `__proto__` sets the prototype. */
function setField(table: Record<string, FieldValue>, name: string, value: FieldValue): void {
  if (name === "__proto__") {
    Object.defineProperty(table, name, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    table[name] = value;
  }
}

// Encoding

/**
 * Writes a table with its length.
 *
 * @throws {TypeError} When it holds what no table can hold; the text says where. Nothing is written
 * then.
 */
export function encodeTable(writer: ByteWriter, table: FieldTable): void {
  const start = writer.length;
  try {
    if (!isTable(table)) throw refused(0, `${describe(table)} is not a field table`);
    encodeNestedTable(writer, table, 1);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

/** Writes the fields of a table without its length. */
export function encodeFields(writer: ByteWriter, table: FieldTable): void {
  const start = writer.length;
  encodeTable(writer, table);
  writer.bytes.copyWithin(start, start + 4, writer.length);
  writer.length -= 4;
}

function encodeNestedTable(writer: ByteWriter, table: FieldTable, depth: number): void {
  const sizeAt = writer.reserve(4);
  for (const name of Object.keys(table)) {
    const value: unknown = table[name];
    if (value === undefined) continue;
    trail[depth - 1] = name;
    if (!fitsShortString(name)) throw refused(depth, "name takes more than 255 octets");
    writer.shortString(name);
    encodeValue(writer, value, depth);
  }
  writer.view.setUint32(sizeAt, writer.length - sizeAt - 4);
}

function encodeArray(writer: ByteWriter, values: readonly unknown[], depth: number): void {
  const sizeAt = writer.reserve(4);
  for (let index = 0; index < values.length; index++) {
    trail[depth - 1] = index;
    encodeValue(writer, values[index], depth);
  }
  writer.view.setUint32(sizeAt, writer.length - sizeAt - 4);
}

function encodeValue(writer: ByteWriter, value: unknown, depth: number): void {
  const letter = letterOf(value, depth);
  writer.uint8(letter);
  switch (letter) {
    case LETTERS.STRING:
      return writer.text(value as string);
    case LETTERS.INT32:
      return writer.int32(value as number);
    case LETTERS.INT64:
      return typeof value === "bigint" ? writer.int64(value) : writer.safeInt64(value as number);
    case LETTERS.FLOAT64:
      return writer.float64(value instanceof Double ? value.value : value as number);
    case LETTERS.BOOLEAN:
      return writer.uint8(value === true ? 1 : 0);
    case LETTERS.TABLE:
      return encodeNestedTable(writer, value as FieldTable, depth + 1);
    case LETTERS.ARRAY:
      return encodeArray(writer, value as unknown[], depth + 1);
    case LETTERS.TIMESTAMP:
      return encodeTimestamp(writer, value as Date);
    case LETTERS.BYTES:
      return writer.longString(value as Uint8Array);
    case LETTERS.DECIMAL:
      writer.uint8((value as Decimal).scale);
      return writer.uint32((value as Decimal).value);
  }
}

/** Writes a valid date as seconds since 1970, rounded down. */
export function encodeTimestamp(writer: ByteWriter, date: Date): void {
  writer.safeInt64(Math.floor(date.getTime() / 1000));
}

// Normalising

/** True while each {@linkcode Double} becomes a number. */
let plain = false;

/**
 * Copies a table as encoding and decoding would: deep, without what is undefined, dates in whole
 * seconds, safe bigints as numbers.
 *
 * @param received True when it goes to a user: each {@linkcode Double} becomes a number.
 * @throws {TypeError} Where {@linkcode encodeTable} throws.
 */
export function normaliseTable(table: FieldTable, received = false): FieldTable {
  if (!isTable(table)) throw refused(0, `${describe(table)} is not a field table`);
  plain = received;
  return normaliseNestedTable(table, 1);
}

function normaliseNestedTable(table: FieldTable, depth: number): FieldTable {
  const copy: Record<string, FieldValue> = {};
  for (const name of Object.keys(table)) {
    const value: unknown = table[name];
    if (value === undefined) continue;
    trail[depth - 1] = name;
    if (!fitsShortString(name)) throw refused(depth, "name takes more than 255 octets");
    setField(copy, name.toWellFormed(), normaliseValue(value, depth));
  }
  return copy;
}

function normaliseValue(value: unknown, depth: number): FieldValue {
  switch (letterOf(value, depth)) {
    case LETTERS.STRING:
      return (value as string).toWellFormed();
    case LETTERS.INT32:
      return (value as number) | 0; // -0 has no place in an integer
    case LETTERS.INT64:
      return normaliseInt64(value as number | bigint);
    case LETTERS.TABLE:
      return normaliseNestedTable(value as FieldTable, depth + 1);
    case LETTERS.ARRAY:
      return normaliseArray(value as unknown[], depth + 1);
    case LETTERS.TIMESTAMP:
      return normaliseDate(value as Date);
    case LETTERS.BYTES:
      return new Uint8Array(value as Uint8Array);
    case LETTERS.FLOAT64:
      return normaliseDouble(value as number | Double);
    default: // the rest cannot be changed
      return value as FieldValue;
  }
}

/** One that could not be an integer is read as a number wherever it goes. */
function normaliseDouble(value: number | Double): number | Double {
  if (!(value instanceof Double)) return value;
  return plain || !Number.isSafeInteger(value.value) ? value.value : value;
}

function normaliseInt64(value: number | bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function normaliseArray(values: readonly unknown[], depth: number): FieldValue[] {
  const copy: FieldValue[] = [];
  for (let index = 0; index < values.length; index++) {
    trail[depth - 1] = index;
    copy.push(normaliseValue(values[index], depth));
  }
  return copy;
}

/** Copies a valid date in whole seconds. */
export function normaliseDate(date: Date): Date {
  return new Date(Math.floor(date.getTime() / 1000) * 1000);
}
