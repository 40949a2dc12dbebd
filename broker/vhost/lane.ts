import type { BasicPublish } from "../amqp/methods/basic.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { Exchanges } from "../routing/exchanges.ts";

/**
 * Where messages go that are published to one address again and again: what was found for the last
 * one holds for the next, until an exchange or a binding of the vhost comes or goes.
 *
 * An address is told by its method, which bears the lane: links hand out the same object for the same
 * address. It gets one when it comes for the second time.
 */
export class Lane {
  /** The exchange that they are published to. */
  readonly exchange: Exchange<MessageQueue>;
  /** The queues that they go to, unless they name further keys themselves. */
  readonly queues: readonly MessageQueue[];
  readonly #exchanges: Exchanges<MessageQueue>;
  readonly #version: number;

  /** For what has just been found. */
  constructor(exchange: Exchange<MessageQueue>, queues: readonly MessageQueue[]) {
    this.exchange = exchange;
    this.queues = queues;
    this.#exchanges = exchange.exchanges;
    this.#version = exchange.exchanges.version;
  }

  /** The lane of a method in a vhost, as long as it holds. */
  static of(method: BasicPublish, exchanges: Exchanges<MessageQueue>): Lane | undefined {
    const { bears } = method;
    if (!(bears instanceof Lane) || bears.#exchanges !== exchanges) return undefined;
    return bears.#version === exchanges.version ? bears : undefined;
  }
}
