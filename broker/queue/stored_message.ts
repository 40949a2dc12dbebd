import { ByteReader } from "../amqp/byte_reader.ts";
import { Content } from "../amqp/content.ts";
import { Message } from "../message.ts";
import type { StoredMessage } from "../store/stored_message.ts";
import { QueueEntry } from "./entry.ts";
import type { QueueStorage } from "./storage.ts";

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

/**
 * Reads messages of a queue from the store, as they were when they were put there or came back. One
 * that is damaged is lost to its queue, which is told of it.
 *
 * @param positions Where they are, sorted.
 * @param visit Takes each of them, held.
 * @param onUnreadable Called for each that cannot be read any more.
 * @returns How many positions are done with. The disk does not give the others at present.
 */
export function readEntries(
  { durability, pages }: Pick<QueueStorage, "pages" | "durability">,
  positions: readonly number[],
  visit: (entry: QueueEntry) => void,
  onUnreadable: QueueStorage["onUnreadable"],
): number {
  const { store, stored } = durability!;
  let done = 0;
  let failed = false;
  store.readMany(stored, positions, (position, found) => {
    if (failed) return;
    if (found instanceof Error) {
      if (found.code !== "corrupt") failed = true;
      else {
        onUnreadable(position, found);
        while (positions[done]! <= position) done++;
      }
      return;
    }
    while (positions[done]! <= position) done++;
    const message = storedMessage(found);
    message.hold(pages);
    message.routed(pages);
    const deadline = stored.deadline(position);
    const priority = stored.priority(position);
    const entry = new QueueEntry(message, position, true, deadline, priority);
    const count = stored.deliveryCount(position);
    if (stored.redelivered(position)) entry.redelivered = true;
    if (count > 0) entry.deliveryCount = entry.acquiredCount = count;
    visit(entry);
  });
  return failed ? done : positions.length;
}
