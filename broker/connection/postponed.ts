import type { Content } from "../amqp/content.ts";
import type { ContentMethod } from "../amqp/link.ts";
import type { Method } from "../amqp/methods/mod.ts";
import { Message } from "../message.ts";
import type { Publishing } from "../vhost/publishing.ts";

/** What a method counts for beside its texts and tables. */
export const METHOD_SIZE = 64;
/** What an entry of a table or a list takes beside what its name and value hold: a place, and mostly an
 * object. In the frame it may have been a single octet. */
const ENTRY_SIZE = 64;
/** And an array of bytes, however short: its view and its buffer. */
const BYTES_SIZE = 160;

/** A method that waits for its turn, with its content if it has one. */
export interface Postponed {
  readonly method: Method | ContentMethod;
  readonly message: Message | undefined;
  /** How many bytes it counts for while it is kept. */
  readonly size: number;
}

/** A method with its content, kept in memory that is not written anew meanwhile. */
export function keptMethod(
  publishing: Publishing,
  method: Method | ContentMethod,
  content: Content | undefined,
): Postponed {
  if (content === undefined) return { method, message: undefined, size: sizeOfMethod(method) };
  const message = new Message(content);
  publishing.hold(message);
  return { method, message, size: METHOD_SIZE + sizeOfContent(message) };
}

function sizeOfContent(content: Content): number {
  const { head, properties, bodyStart, bodyEnd } = content;
  const { addressStart, addressEnd, propertiesStart, propertiesEnd } = content;
  const size = bodyEnd - bodyStart;
  if (head === undefined) return size + sizeOfValue(properties);
  return size + addressEnd - addressStart + propertiesEnd - propertiesStart;
}

/** A table takes many times the octets that came for it, so it is what was made of them that counts. */
function sizeOfMethod(method: Method): number {
  let size = METHOD_SIZE;
  for (const [field, value] of Object.entries(method)) {
    // texts of their own; the name is everybody's
    if (field !== "name") size += sizeOfValue(value);
  }
  return size;
}

function sizeOfValue(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (typeof value !== "object" || value === null) return 0;
  if (value instanceof Uint8Array) return BYTES_SIZE + value.length;
  let size = 0;
  if (Array.isArray(value)) {
    for (const item of value) size += ENTRY_SIZE + sizeOfValue(item);
  } else {
    for (const [name, item] of Object.entries(value)) {
      size += ENTRY_SIZE + 2 * name.length + sizeOfValue(item);
    }
  }
  return size;
}
