import { ByteReader } from "../amqp/byte_reader.ts";
import { Content } from "../amqp/content.ts";
import { Message } from "../message.ts";
import type { StoredMessage } from "../store/stored_message.ts";

/** A message as the store has it. The bytes are valid for the moment; who keeps it holds it. */
export function storedMessage(stored: StoredMessage): Message {
  const content = new Content();
  content.head = stored.head;
  content.addressStart = stored.addressStart;
  content.addressEnd = stored.addressEnd;
  content.propertiesStart = stored.propertiesStart;
  content.propertiesEnd = stored.propertiesEnd;
  content.body = stored.body;
  content.bodyStart = stored.bodyStart;
  content.bodyEnd = stored.bodyEnd;
  content.transferred = stored.transferred;
  const address = new ByteReader(stored.head, stored.addressStart, stored.addressEnd);
  content.exchange = address.shortString();
  content.routingKey = address.shortString();
  return new Message(content);
}
