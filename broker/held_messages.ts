import type { BrokerConnection } from "./connection/connection.ts";
import type { Message } from "./message.ts";
import { Queue } from "./queue/queue.ts";
import type { VirtualHost } from "./vhost/vhost.ts";

/** So many deliveries are looked at before others may go on. */
const DELIVERIES = 256;

/**
 * Visits the messages of a broker that are objects: those that wait at the heads of queues, and those that
 * are delivered and not settled. It yields where others may go on; what comes and goes meanwhile may be
 * missed.
 */
export function* visitHeld(
  vhosts: Iterable<VirtualHost>,
  connections: Iterable<BrokerConnection>,
  visit: (message: Message) => void,
): Generator<void> {
  for (const { queues } of vhosts) {
    for (const queue of queues.values()) {
      if (queue instanceof Queue) queue.visitHeld(visit);
      yield;
    }
  }
  for (const { channels } of connections) {
    for (const { unacked } of channels.values()) {
      let count = 0;
      for (const { entry } of unacked) {
        visit(entry.message);
        if (++count % DELIVERIES === 0) yield;
      }
      yield;
    }
  }
}
