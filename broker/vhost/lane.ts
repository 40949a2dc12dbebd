import type { BasicPublish } from "../amqp/methods/basic.ts";
import type { MessageQueue, QueueFinding } from "../queue/message_queue.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { Exchanges, Finding } from "../routing/exchanges.ts";

const NOWHERE: readonly MessageQueue[] = [];

/**
 * Where messages go that are published to one address again and again: what was found for the last
 * one holds for the next, until an exchange or a binding of the vhost comes or goes. What goes to a queue by
 * its name goes there until that queue is deleted, and what no queue has the name of goes nowhere until there is
 * another queue.
 *
 * An address is told by its method, which bears the lane: links hand out the same object for the same
 * address. It gets one when it comes for the second time. Methods are kept for long, so a lane that holds no
 * longer is told to forget, and keeps neither queue nor vhost in memory.
 */
export class Lane implements Finding, QueueFinding {
  /** The exchange that they are published to; undefined for the default one. */
  exchange: Exchange<MessageQueue> | undefined;
  /** The queues that they go to, unless they name further keys themselves. */
  queues: readonly MessageQueue[];
  /** Those of its vhost; undefined: it holds no longer. */
  private _exchanges: Exchanges<MessageQueue> | undefined;

  private constructor(
    exchanges: Exchanges<MessageQueue>,
    exchange: Exchange<MessageQueue> | undefined,
    queues: readonly MessageQueue[],
  ) {
    this.exchange = exchange;
    this.queues = queues;
    this._exchanges = exchanges;
  }

  /** What an exchange has just been found to lead to. */
  static through(exchange: Exchange<MessageQueue>, queues: readonly MessageQueue[]): Lane {
    const { exchanges } = exchange;
    const lane = new Lane(exchanges, exchange, queues);
    exchanges.keepUntilChanged(lane);
    return lane;
  }

  /** The queue that has just been found by its name. */
  static to(queue: MessageQueue, exchanges: Exchanges<MessageQueue>): Lane {
    if (queue.finding instanceof Lane) return queue.finding;
    return queue.finding = new Lane(exchanges, undefined, [queue]);
  }

  /** Nothing has just been found by a name. */
  static toNothing(exchanges: Exchanges<MessageQueue>): Lane {
    return new Lane(exchanges, undefined, NOWHERE);
  }

  /** The lane of a method in a vhost, as long as it holds. */
  static of({ bears }: BasicPublish, exchanges: Exchanges<MessageQueue>): Lane | undefined {
    return bears instanceof Lane && bears._exchanges === exchanges ? bears : undefined;
  }

  forget(): void {
    this.exchange = this._exchanges = undefined;
    this.queues = NOWHERE;
  }
}
