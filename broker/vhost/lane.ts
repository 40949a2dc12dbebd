import type { BasicPublish } from "../amqp/methods/basic.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { MessageQueue } from "../queue/message_queue.ts";

/**
 * Where the messages of a publisher go that publishes to one address again and again: what was found
 * for the last one holds for the next, until an exchange or a binding of the vhost comes or goes.
 *
 * An address is told by its method: links hand out the same object while nothing in it changes.
 */
export class Lane {
  /** What the messages are published with. */
  readonly method: BasicPublish;
  /** The version of the vhost's exchanges that it was found under. */
  readonly version: number;
  /** The exchange that they are published to. */
  readonly exchange: Exchange<MessageQueue>;
  /** The queues that they go to, unless they name further keys themselves. */
  readonly queues: readonly MessageQueue[];

  constructor(
    method: BasicPublish,
    exchange: Exchange<MessageQueue>,
    queues: readonly MessageQueue[],
  ) {
    this.method = method;
    this.version = exchange.exchanges.version;
    this.exchange = exchange;
    this.queues = queues;
  }
}
