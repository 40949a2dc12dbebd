/**
 * The properties of a message: two octets of flags, then the values of those that are there. They
 * travel unchanged from publisher to consumer, so a broker checks them once and decodes them only
 * when it must.
 *
 * @module
 */

import { ByteReader, truncated } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { AmqpError } from "./error.ts";
import {
  decodeTable,
  decodeTimestamp,
  encodeTable,
  encodeTimestamp,
  normaliseDate,
  normaliseTable,
} from "./field_table.ts";
import { checkTable } from "./field_table_check.ts";
import {
  describe,
  EncodeError,
  type FieldTable,
  fitsShortString,
  isValidDate,
} from "./field_value.ts";

/** What a message says about itself. The broker looks at few of them; all reach the consumer. */
export interface BasicProperties {
  /** MIME type of the body. */
  readonly contentType?: string;
  /** MIME content encoding of the body, such as `gzip`. */
  readonly contentEncoding?: string;
  /** The application's own fields, and those that a headers exchange matches. */
  readonly headers?: FieldTable;
  /** 2 for a persistent message, 1 for a transient one. */
  readonly deliveryMode?: number;
  /** 0 to 255; higher goes first in a queue with priorities. */
  readonly priority?: number;
  /** What a reply refers to. */
  readonly correlationId?: string;
  /** Where a reply should go: usually the name of a queue. */
  readonly replyTo?: string;
  /** How long the message may wait in a queue: milliseconds, as decimal digits. */
  readonly expiration?: string;
  /** The application's identifier of the message. */
  readonly messageId?: string;
  /** When it was made, in whole seconds. */
  readonly timestamp?: Date;
  /** The application's name for the kind of message. */
  readonly type?: string;
  /** The publishing user; the broker refuses a wrong one. */
  readonly userId?: string;
  /** The application that published. */
  readonly appId?: string;
  /** A leftover of AMQP 0-8. */
  readonly clusterId?: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Each property's bit in the flags; values follow in this order. */
export const PROPERTY_FLAGS: Readonly<Record<keyof BasicProperties, number>> = {
  contentType: 1 << 15,
  contentEncoding: 1 << 14,
  headers: 1 << 13,
  deliveryMode: 1 << 12,
  priority: 1 << 11,
  correlationId: 1 << 10,
  replyTo: 1 << 9,
  expiration: 1 << 8,
  messageId: 1 << 7,
  timestamp: 1 << 6,
  type: 1 << 5,
  userId: 1 << 4,
  appId: 1 << 3,
  clusterId: 1 << 2,
};

/** The lowest bit announces more flags, which the class `basic` never has; the next is unused. */
const NO_PROPERTY = 0b11;

const flagByName: ReadonlyMap<string, number> = new Map(Object.entries(PROPERTY_FLAGS));
const reader = new ByteReader();
/** The copy that was made last to be sent, and its flags. */
let toSend: BasicProperties | undefined;
let toSendFlags = 0;

/**
 * Reads properties from their wire form, which must fill the range.
 *
 * @param keepsDoubles True to tell a whole number that came as a float from an integer.
 * @throws {AmqpError} 501 or 502 when they are malformed.
 */
export function decodeProperties(
  bytes: Uint8Array,
  start: number,
  end: number,
  keepsDoubles = false,
): BasicProperties {
  reader.reset(bytes, start, end);
  reader.keepsDoubles = keepsDoubles;
  const properties: Mutable<BasicProperties> = {};
  const flags = reader.uint16();
  if (flags & NO_PROPERTY) throw unknownProperty();
  if (flags & PROPERTY_FLAGS.contentType) properties.contentType = reader.lenientShortString();
  if (flags & PROPERTY_FLAGS.contentEncoding) {
    properties.contentEncoding = reader.lenientShortString();
  }
  if (flags & PROPERTY_FLAGS.headers) properties.headers = decodeTable(reader);
  if (flags & PROPERTY_FLAGS.deliveryMode) properties.deliveryMode = reader.uint8();
  if (flags & PROPERTY_FLAGS.priority) properties.priority = reader.uint8();
  if (flags & PROPERTY_FLAGS.correlationId) properties.correlationId = reader.lenientShortString();
  if (flags & PROPERTY_FLAGS.replyTo) properties.replyTo = reader.lenientShortString();
  if (flags & PROPERTY_FLAGS.expiration) properties.expiration = reader.lenientShortString();
  if (flags & PROPERTY_FLAGS.messageId) properties.messageId = reader.lenientShortString();
  if (flags & PROPERTY_FLAGS.timestamp) properties.timestamp = decodeTimestamp(reader);
  if (flags & PROPERTY_FLAGS.type) properties.type = reader.lenientShortString();
  if (flags & PROPERTY_FLAGS.userId) properties.userId = reader.lenientShortString();
  if (flags & PROPERTY_FLAGS.appId) properties.appId = reader.lenientShortString();
  if (flags & PROPERTY_FLAGS.clusterId) properties.clusterId = reader.lenientShortString();
  if (reader.at !== end) throw leftOver();
  return properties;
}

/**
 * Checks the wire form of properties without making anything of it.
 *
 * @param depthMax How deep tables may be nested in the headers.
 * @returns The flags.
 * @throws {AmqpError} Where {@linkcode decodeProperties} throws.
 */
export function checkProperties(
  bytes: Uint8Array,
  start: number,
  end: number,
  depthMax?: number,
): number {
  let at = start + 2;
  if (at > end) throw truncated();
  const flags = bytes[start]! << 8 | bytes[start + 1]!;
  if (flags !== 0) {
    if (flags & NO_PROPERTY) throw unknownProperty();
    for (let rest = flags; rest !== 0;) {
      const flag = 1 << 31 - Math.clz32(rest); // the highest that is left
      at = skipProperty(flag, bytes, at, end, depthMax);
      rest ^= flag;
    }
  }
  if (at !== end) throw at > end ? truncated() : leftOver();
  return flags;
}

/** Returns where a property's value ends, which may be past the end. */
function skipProperty(
  flag: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  depthMax: number | undefined,
): number {
  if (at >= end) throw truncated();
  switch (flag) {
    case PROPERTY_FLAGS.headers:
      return checkTable(bytes, at, end, depthMax);
    case PROPERTY_FLAGS.deliveryMode:
    case PROPERTY_FLAGS.priority:
      return at + 1;
    case PROPERTY_FLAGS.timestamp:
      return at + 8;
    default:
      return at + 1 + bytes[at]!;
  }
}

function unknownProperty(): AmqpError {
  return new AmqpError(502, "cannot decode: unknown property flags");
}

function leftOver(): AmqpError {
  return new AmqpError(501, "cannot decode: octets are left over after the properties");
}

/**
 * Writes properties in their wire form.
 *
 * @throws {TypeError} Where {@linkcode normaliseProperties} throws. Nothing is written then.
 */
export function encodeProperties(writer: ByteWriter, properties: BasicProperties): void {
  const start = writer.length;
  try {
    const flags = properties === toSend ? toSendFlags : flagsOf(properties);
    toSend = undefined;
    encodeValues(writer, properties, flags);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

function encodeValues(writer: ByteWriter, properties: BasicProperties, flags: number): void {
  writer.uint16(flags);
  if (flags === 0) return;
  if (flags & PROPERTY_FLAGS.contentType) writer.shortString(properties.contentType!);
  if (flags & PROPERTY_FLAGS.contentEncoding) writer.shortString(properties.contentEncoding!);
  if (flags & PROPERTY_FLAGS.headers) encodeTable(writer, properties.headers!);
  if (flags & PROPERTY_FLAGS.deliveryMode) writer.uint8(properties.deliveryMode!);
  if (flags & PROPERTY_FLAGS.priority) writer.uint8(properties.priority!);
  if (flags & PROPERTY_FLAGS.correlationId) writer.shortString(properties.correlationId!);
  if (flags & PROPERTY_FLAGS.replyTo) writer.shortString(properties.replyTo!);
  if (flags & PROPERTY_FLAGS.expiration) writer.shortString(properties.expiration!);
  if (flags & PROPERTY_FLAGS.messageId) writer.shortString(properties.messageId!);
  if (flags & PROPERTY_FLAGS.timestamp) encodeTimestamp(writer, properties.timestamp!);
  if (flags & PROPERTY_FLAGS.type) writer.shortString(properties.type!);
  if (flags & PROPERTY_FLAGS.userId) writer.shortString(properties.userId!);
  if (flags & PROPERTY_FLAGS.appId) writer.shortString(properties.appId!);
  if (flags & PROPERTY_FLAGS.clusterId) writer.shortString(properties.clusterId!);
}

/** Collects the flags of what is there and checks names and values, headers apart. */
function flagsOf(properties: BasicProperties): number {
  if (typeof properties !== "object" || properties === null) {
    throw new EncodeError(`Cannot encode properties: ${describe(properties)} is not an object`);
  }
  let flags = 0;
  for (const name of Object.keys(properties) as (keyof BasicProperties)[]) {
    const value = properties[name];
    if (value === undefined) continue;
    const flag = flagByName.get(name);
    if (flag === undefined) throw refused(name, unknownName(name));
    checkValue(name, flag, value);
    flags |= flag;
  }
  return flags;
}

function checkValue(name: string, flag: number, value: unknown): void {
  switch (flag) {
    case PROPERTY_FLAGS.headers: // checked when it is copied or encoded
      return;
    case PROPERTY_FLAGS.deliveryMode:
    case PROPERTY_FLAGS.priority:
      if (typeof value === "number" && value === (value & 0xff)) return;
      throw refused(name, `${String(value)} is not a whole number from 0 to 255`);
    case PROPERTY_FLAGS.timestamp:
      if (value instanceof Date && isValidDate(value)) return;
      throw refused(name, "it must be a valid Date");
    default:
      if (typeof value !== "string") {
        const hint = flag === PROPERTY_FLAGS.expiration ? ' of milliseconds, such as "60000"' : "";
        throw refused(name, `${describe(value)} is not a string${hint}`);
      }
      if (!fitsShortString(value)) throw refused(name, "text takes more than 255 octets");
  }
}

/** Tells whether there is a property of that name. */
export function isPropertyName(name: string): boolean {
  return flagByName.has(name);
}

/** Says what there is instead: usually it was only spelt another way, as in other clients. */
function unknownName(name: string): string {
  const plain = name.replaceAll(/[^a-z]/gi, "").toLowerCase();
  const meant = [...flagByName.keys()].find((known) => known.toLowerCase() === plain);
  if (meant !== undefined) return `there is no such property, it is called "${meant}"`;
  if (plain === "persistent") return "there is no such property; write `deliveryMode: 2`";
  return "there is no such property; fields of your own go into `headers`";
}

function refused(name: string, reason: string): EncodeError {
  return new EncodeError(`Cannot encode property ${JSON.stringify(name)}: ${reason}`);
}

/**
 * Copies properties as encoding and decoding would: deep, in wire order, without what is undefined.
 *
 * @param received True when they go to a user: each `Double` becomes a number.
 * @throws {TypeError} When a name is unknown or a value cannot be encoded; the text says which.
 */
export function normaliseProperties(
  properties: BasicProperties,
  received = false,
): BasicProperties {
  return copyOf(properties, flagsOf(properties), received);
}

/**
 * Does the same for a message that is about to be sent: encoding the copy does not check it again. Nobody
 * may change it.
 *
 * @throws {TypeError} As {@linkcode normaliseProperties}.
 */
export function propertiesToSend(properties: BasicProperties): BasicProperties {
  const flags = flagsOf(properties);
  toSend = copyOf(properties, flags, false);
  toSendFlags = flags;
  return toSend;
}

function copyOf(properties: BasicProperties, flags: number, received: boolean): BasicProperties {
  const copy: Mutable<BasicProperties> = {};
  if (flags === 0) return copy;
  if (flags & PROPERTY_FLAGS.contentType) copy.contentType = properties.contentType!.toWellFormed();
  if (flags & PROPERTY_FLAGS.contentEncoding) {
    copy.contentEncoding = properties.contentEncoding!.toWellFormed();
  }
  if (flags & PROPERTY_FLAGS.headers) copy.headers = normaliseTable(properties.headers!, received);
  if (flags & PROPERTY_FLAGS.deliveryMode) copy.deliveryMode = properties.deliveryMode! | 0;
  if (flags & PROPERTY_FLAGS.priority) copy.priority = properties.priority! | 0;
  if (flags & PROPERTY_FLAGS.correlationId) {
    copy.correlationId = properties.correlationId!.toWellFormed();
  }
  if (flags & PROPERTY_FLAGS.replyTo) copy.replyTo = properties.replyTo!.toWellFormed();
  if (flags & PROPERTY_FLAGS.expiration) copy.expiration = properties.expiration!.toWellFormed();
  if (flags & PROPERTY_FLAGS.messageId) copy.messageId = properties.messageId!.toWellFormed();
  if (flags & PROPERTY_FLAGS.timestamp) copy.timestamp = normaliseDate(properties.timestamp!);
  if (flags & PROPERTY_FLAGS.type) copy.type = properties.type!.toWellFormed();
  if (flags & PROPERTY_FLAGS.userId) copy.userId = properties.userId!.toWellFormed();
  if (flags & PROPERTY_FLAGS.appId) copy.appId = properties.appId!.toWellFormed();
  if (flags & PROPERTY_FLAGS.clusterId) copy.clusterId = properties.clusterId!.toWellFormed();
  return copy;
}
