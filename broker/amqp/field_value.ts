/**
 * What a field table can hold: the types, their letters on the wire, and which values have one.
 *
 * @module
 */

import { TABLE_DEPTH_MAX } from "./constants.ts";
import { AmqpError } from "./error.ts";

/** A field table: names of up to 255 octets and their values. */
export interface FieldTable {
  /** A value by its name. */
  readonly [name: string]: FieldValue;
}

/**
 * What a field table can hold.
 *
 * Numbers are written as 32-bit integers when they fit, as 64-bit ones when they are whole and safe,
 * and as doubles otherwise, a {@linkcode Double} always; dates in whole seconds. A 64-bit integer beyond 2^53 is read as a bigint.
 * A text that is not UTF-8 is read as bytes. Over a NaN or an infinity RabbitMQ ends the connection; this broker
 * carries them.
 */
export type FieldValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Uint8Array
  | Decimal
  | Double
  | readonly FieldValue[]
  | FieldTable;

/** A decimal number: `value` shifted to the right by `scale` decimal places. */
export class Decimal {
  /** How many decimal places, 0 to 255. */
  readonly scale: number;
  /** The digits, as an unsigned 32-bit number. */
  readonly value: number;

  /** Throws a `RangeError` when a number does not fit. */
  constructor(scale: number, value: number) {
    if (scale !== (scale & 0xff) || value !== value >>> 0) {
      throw new RangeError(`Cannot make decimal: ${value} with scale ${scale} is out of range`);
    }
    this.scale = scale;
    this.value = value;
  }
}

/**
 * A number that travels as a double even when it is whole. To RabbitMQ's headers exchange the integer 1
 * and the double 1.0 are two values, and some languages send the one where others send the other. Who
 * receives it gets a plain number.
 *
 * @example Match what a client in another language sends as a float
 * ```ts
 * import { Broker, Double } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 * const { queue } = await channel.queueDeclare("");
 * await channel.queueBind({ queue, exchange: "amq.headers", arguments: { n: new Double(1) } });
 * for (const n of [1, new Double(1)]) {
 *   await channel.basicPublish({ exchange: "amq.headers", properties: { headers: { n } } }, "");
 * }
 * assertEquals((await channel.queueDeclare(queue, { passive: true })).messageCount, 1);
 * assertEquals((await channel.basicGet(queue))?.properties.headers, { n: 1 });
 * ```
 */
export class Double {
  /** The number. */
  readonly value: number;

  /** Throws a `TypeError` for what is no number. */
  constructor(value: number) {
    if (typeof value !== "number") throw new TypeError(`Cannot make double of ${describe(value)}`);
    this.value = value;
  }
}

/** The letters that stand before values: RabbitMQ's and everybody's, not the published ones. */
export const LETTERS = {
  BOOLEAN: 0x74, // t
  INT8: 0x62, // b
  UINT8: 0x42, // B
  INT16: 0x73, // s
  UINT16: 0x75, // u
  INT32: 0x49, // I
  UINT32: 0x69, // i
  INT64: 0x6c, // l
  INT64_TOO: 0x4c, // L
  FLOAT32: 0x66, // f
  FLOAT64: 0x64, // d
  DECIMAL: 0x44, // D
  STRING: 0x53, // S
  BYTES: 0x78, // x
  ARRAY: 0x41, // A
  TIMESTAMP: 0x54, // T
  TABLE: 0x46, // F
  VOID: 0x56, // V
} as const;

/** One level further down, in decoding, of so many that may be. */
export function deeper(depth: number, max: number): number {
  if (depth >= max) throw tooDeep(max);
  return depth + 1;
}

/** The error for a letter that stands for nothing. */
export function unknownLetter(letter: number): AmqpError {
  return new AmqpError(502, `cannot decode: unknown field type ${letter}`);
}

function tooDeep(max: number): AmqpError {
  return new AmqpError(502, `cannot decode: tables are nested over ${max} levels`);
}

/** Picks the type that a value travels as, or refuses it. */
export function letterOf(value: unknown, depth: number): number {
  switch (typeof value) {
    case "string":
      return LETTERS.STRING;
    case "number":
      if (value === (value | 0)) return LETTERS.INT32;
      return Number.isSafeInteger(value) ? LETTERS.INT64 : LETTERS.FLOAT64;
    case "boolean":
      return LETTERS.BOOLEAN;
    case "bigint":
      if (BigInt.asIntN(64, value) === value) return LETTERS.INT64;
      throw refused(depth, `${value} is out of the range of 64 bits; write it as a string`);
    case "object":
      return letterOfObject(value, depth);
    default:
      throw refused(depth, `${describe(value)} is not a field value; ${FIELD_VALUES}`);
  }
}

function letterOfObject(value: object | null, depth: number): number {
  if (value === null) return LETTERS.VOID;
  if (Array.isArray(value) || isTable(value)) {
    // a cycle ends here too
    if (depth === TABLE_DEPTH_MAX) {
      throw refused(
        depth,
        `tables are nested over ${TABLE_DEPTH_MAX} levels, or one contains itself; ${FIELD_VALUES}`,
      );
    }
    return Array.isArray(value) ? LETTERS.ARRAY : LETTERS.TABLE;
  }
  if (value instanceof Uint8Array) return LETTERS.BYTES;
  if (value instanceof Date) {
    if (isValidDate(value)) return LETTERS.TIMESTAMP;
    throw refused(depth, "date is invalid; leave it out, or give a moment");
  }
  if (value instanceof Decimal) return LETTERS.DECIMAL;
  if (value instanceof Double) return LETTERS.FLOAT64;
  throw refused(depth, `${describe(value)} is not a field value; ${FIELD_VALUES}`);
}

/** Tells whether a date stands for a moment at all. */
export function isValidDate(date: Date): boolean {
  return !Number.isNaN(date.getTime());
}

/** Tells whether a value is a plain object: from a literal, or without a prototype. */
export function isTable(value: unknown): value is FieldTable {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // of whatever realm: an object whose prototype is nobody's heir
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Tells whether a text takes at most 255 octets. */
export function fitsShortString(text: string): boolean {
  // a UTF-16 unit takes one to three octets
  if (text.length * 3 <= 255) return true;
  return text.length <= 255 && encoder.encode(text).length <= 255;
}

const encoder = new TextEncoder();

/**
 * The names and indices that led to the value that is being encoded or normalised, one a level of
 * nesting. Only read when it is refused.
 */
export const trail: (string | number)[] = [];

/** Levels shown in an error; a cycle would show all there may be. */
const TRAIL_SHOWN = 8;

/**
 * Something cannot be encoded: a property that there is not, a value that has no type on the wire, a
 * text that is too long. Nothing was sent; the text says which one it is and what it may be.
 */
export class EncodeError extends TypeError {
  /** Always `"EncodeError"`. */
  override readonly name = "EncodeError";
}

/** What a field table can hold, for errors. */
const FIELD_VALUES =
  "use a string, number, bigint, boolean, null, Date, Uint8Array, Decimal, Double, " +
  "an array or a plain object of these";

/** The error for a value, `depth` names and indices down. */
export function refused(depth: number, reason: string): EncodeError {
  const steps = trail.slice(0, Math.min(depth, TRAIL_SHOWN))
    .map((step) => `[${typeof step === "number" ? step : JSON.stringify(step.slice(0, 80))}]`);
  if (depth > TRAIL_SHOWN) steps.push("...");
  const where = steps.join("");
  return new EncodeError(`Cannot encode field table${where && ` at ${where}`}: ${reason}`);
}

/** Names what a value is, in few words. */
export function describe(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  const name: unknown = value.constructor?.name;
  return typeof name === "string" && name !== "" ? name : "object";
}
