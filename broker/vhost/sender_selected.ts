import { editedContent } from "../amqp/content_edit.ts";
import { AmqpError } from "../amqp/error.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import { PROPERTY_FLAGS } from "../amqp/properties.ts";
import { Message } from "../message.ts";
import { typeName } from "../queue/queue_arguments.ts";

/**
 * Sender-selected distribution: the headers CC and BCC of a message are further routing keys, and
 * nobody gets to see BCC. RabbitMQ, "Sender-selected Distribution".
 *
 * @module
 */

/**
 * The routing keys that a message has besides its own; undefined when it has neither header.
 *
 * @throws {AmqpError} 406 when one of the headers is not a list. What is no text in it does not count.
 */
export function senderSelectedKeys(message: Message): readonly string[] | undefined {
  return mayHaveKeys(message) ? keysIn(message) : undefined;
}

function keysIn(message: Message): readonly string[] | undefined {
  const headers = message.headers() ?? {};
  if (headers["CC"] === undefined && headers["BCC"] === undefined) return undefined;
  return [...keysOf("CC", headers["CC"]), ...keysOf("BCC", headers["BCC"])];
}

/** The same message without its header BCC. It must not be held yet. */
export function withoutBcc(message: Message): Message {
  if (!mayHaveKeys(message) || message.headers()?.["BCC"] === undefined) return message;
  const copy = new Message(editedContent(message, { without: ["BCC"] }));
  copy.expirationMs = message.expirationMs;
  return copy;
}

/** Tells most messages apart without decoding their headers: those that hold neither name. */
function mayHaveKeys(message: Message): boolean {
  const { head, properties } = message;
  if (head === undefined) return properties !== undefined && hasKeys(properties.headers);
  return (head[message.propertiesStart]! << 8 & PROPERTY_FLAGS.headers) !== 0 &&
    holdsKeys(head, message.propertiesStart, message.propertiesEnd);
}

function hasKeys(headers: FieldTable | undefined): boolean {
  return headers !== undefined && ("CC" in headers || "BCC" in headers);
}

function holdsKeys(head: Uint8Array, propertiesStart: number, propertiesEnd: number): boolean {
  for (let at = propertiesStart + 3; at < propertiesEnd; at++) {
    if (head[at] === C && head[at - 1] === C) {
      const before = head[at - 2];
      if (before === 2 || before === B) return true;
    }
  }
  return false;
}

const B = 0x42;
const C = 0x43;

function keysOf(name: string, value: FieldValue | undefined): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw unacceptable(name, value);
  return value.filter((key) => typeof key === "string");
}

function unacceptable(name: string, value: FieldValue): AmqpError {
  return new AmqpError(
    406,
    `invalid message: {unacceptable_type_in_header,"${name}",${typeName(value)}}`,
  );
}
