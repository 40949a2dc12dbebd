import type { BasicPublish } from "../amqp/methods/basic.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { Exchanges } from "../routing/exchanges.ts";

/**
 * Where messages go that are published to one address again and again: what was found for the last
 * one holds for the next, until an exchange or a binding of the vhost comes or goes. What goes to a queue by
 * its name goes there until that queue is deleted.
 *
 * An address is told by its method, which bears the lane: links hand out the same object for the same
 * address. It gets one when it comes for the second time.
 */
export class Lane {
  /** The exchange that they are published to; undefined for the default one. */
  readonly exchange: Exchange<MessageQueue> | undefined;
  /** The queues that they go to, unless they name further keys themselves. */
  readonly queues: readonly MessageQueue[];
  readonly #exchanges: Exchanges<MessageQueue>;
  readonly #version: number;
  /** The one that the default exchange leads to. */
  readonly #queue: MessageQueue | undefined;

  private constructor(
    exchanges: Exchanges<MessageQueue>,
    exchange: Exchange<MessageQueue> | undefined,
    queues: readonly MessageQueue[],
  ) {
    this.exchange = exchange;
    this.queues = queues;
    this.#exchanges = exchanges;
    this.#version = exchanges.version;
    this.#queue = exchange === undefined ? queues[0] : undefined;
  }

  /** What an exchange has just been found to lead to. */
  static through(exchange: Exchange<MessageQueue>, queues: readonly MessageQueue[]): Lane {
    return new Lane(exchange.exchanges, exchange, queues);
  }

  /** The queue that has just been found by its name. */
  static to(queue: MessageQueue, exchanges: Exchanges<MessageQueue>): Lane {
    return new Lane(exchanges, undefined, [queue]);
  }

  /** The lane of a method in a vhost, as long as it holds. */
  static of(method: BasicPublish, exchanges: Exchanges<MessageQueue>): Lane | undefined {
    const { bears } = method;
    if (!(bears instanceof Lane) || bears.#exchanges !== exchanges) return undefined;
    const queue = bears.#queue;
    const holds = queue === undefined ? bears.#version === exchanges.version : !queue.deleted;
    return holds ? bears : undefined;
  }
}
