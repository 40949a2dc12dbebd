import type { BrokerConnection } from "./connection/connection.ts";
import type { Message } from "./message.ts";
import type { QueueEntry } from "./queue/entry.ts";
import { Queue } from "./queue/queue.ts";
import type { VirtualHost } from "./vhost/vhost.ts";

/** So many messages are looked at before others may go on. */
const AT_ONCE = 256;

/**
 * Visits the messages of a broker that are objects: those that wait at the heads of queues, and those that
 * are delivered and not settled. It yields where others may go on; what comes and goes meanwhile may be
 * missed.
 */
export function* visitHeld(
  vhosts: Iterable<Pick<VirtualHost, "queues">>,
  connections: Iterable<Pick<BrokerConnection, "channels">>,
  visit: (message: Message) => void,
): Generator<void> {
  for (const { queues } of vhosts) {
    for (const queue of queues.values()) {
      // of some that came back, or wait for long, there may be a million
      if (queue instanceof Queue) yield* visitEach(queue.heldEntries(), visit);
      yield;
    }
  }
  for (const { channels } of connections) {
    for (const { unacked } of channels.values()) {
      yield* visitEach(unacked.heldEntries(), visit);
      yield;
    }
  }
}

function* visitEach(
  entries: Iterable<QueueEntry>,
  visit: (message: Message) => void,
): Generator<void> {
  let count = 0;
  for (const { message } of entries) {
    visit(message);
    if (++count % AT_ONCE === 0) yield;
  }
}
