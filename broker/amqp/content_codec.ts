import { ByteWriter } from "./byte_writer.ts";
import type { Content } from "./content.ts";
import {
  type BasicProperties,
  decodeProperties,
  encodeProperties,
  normaliseProperties,
  PROPERTY_FLAGS,
} from "./properties.ts";

/**
 * Heads are made in the room that is left in a page: a new buffer for each would cost more than
 * encoding it. Nothing is written to a place twice, so a head stays valid as long as it is held.
 */
const PAGE_SIZE = 16_384;

let page = new ByteWriter(PAGE_SIZE);

/** Where the next head is written: behind what is there, which must stay. */
export function headWriter(): ByteWriter {
  if (page.length > PAGE_SIZE / 2) page = new ByteWriter(PAGE_SIZE);
  return page;
}

/**
 * The properties of a content, for the caller to keep and change.
 *
 * @param keepsDoubles True to tell a whole number that came as a float from an integer.
 * @throws {AmqpError} When they exist only in wire form and are malformed.
 */
export function contentProperties(content: Content, keepsDoubles = false): BasicProperties {
  const { properties, head, propertiesStart, propertiesEnd } = content;
  if (properties !== undefined) return normaliseProperties(properties, !keepsDoubles);
  if (head === undefined) return {};
  return decodeProperties(head, propertiesStart, propertiesEnd, keepsDoubles);
}

/**
 * Makes the wire form of a content's address and properties, unless it is there.
 *
 * @throws {TypeError} When they cannot be encoded; the content is unchanged then.
 */
export function encodeContentHead(content: Content): void {
  if (content.head !== undefined) return;
  const page = headWriter();
  const start = page.length;
  page.shortString(content.exchange);
  page.shortString(content.routingKey);
  const addressEnd = page.length;
  if (content.properties === undefined) page.uint16(0); // no flags, no values
  else encodeProperties(page, content.properties);
  content.head = page.bytes;
  content.framed = false;
  content.addressStart = start;
  content.addressEnd = addressEnd;
  content.propertiesStart = addressEnd;
  content.propertiesEnd = page.length;
}

/** The priority that a message was published with; 0 when it has none. Allocates nothing. */
export function contentPriority(content: Content): number {
  const { head } = content;
  if (head === undefined) return content.properties?.priority ?? 0;
  let at = content.propertiesStart;
  const flags = head[at]! << 8 | head[at + 1]!;
  if ((flags & PROPERTY_FLAGS.priority) === 0) return 0;
  at = afterHeaders(head, at, flags);
  if ((flags & PROPERTY_FLAGS.deliveryMode) !== 0) at++;
  return head[at]!;
}

/** True when a message says what its priority is. */
export function saysPriority({ head, propertiesStart, properties }: Content): boolean {
  if (head === undefined) return properties?.priority !== undefined;
  return ((head[propertiesStart]! << 8 | head[propertiesStart + 1]!) & PROPERTY_FLAGS.priority) !==
    0;
}

/** True when a message asks to survive a restart: its delivery mode is 2. Allocates nothing. */
export function isPersistent(content: Content): boolean {
  const { head } = content;
  if (head === undefined) return content.properties?.deliveryMode === 2;
  const at = content.propertiesStart;
  const flags = head[at]! << 8 | head[at + 1]!;
  if ((flags & PROPERTY_FLAGS.deliveryMode) === 0) return false;
  return head[afterHeaders(head, at, flags)] === 2;
}

/** When a message was made, as its publisher says; undefined when he does not. Most do not, and that is
 * found out without decoding anything. */
export function contentTimestamp(content: Content): Date | undefined {
  const { head, propertiesStart: at } = content;
  if (head !== undefined) {
    const flags = head[at]! << 8 | head[at + 1]!;
    if ((flags & PROPERTY_FLAGS.timestamp) === 0) return undefined;
  }
  return contentProperties(content).timestamp;
}

/** Where the properties go on behind the headers; the content's check has seen that all is there. */
function afterHeaders(head: Uint8Array, at: number, flags: number): number {
  at += 2;
  if ((flags & PROPERTY_FLAGS.contentType) !== 0) at += 1 + head[at]!;
  if ((flags & PROPERTY_FLAGS.contentEncoding) !== 0) at += 1 + head[at]!;
  if ((flags & PROPERTY_FLAGS.headers) !== 0) {
    at += 4 + (head[at]! * 0x100_0000 + (head[at + 1]! << 16 | head[at + 2]! << 8 | head[at + 3]!));
  }
  return at;
}
