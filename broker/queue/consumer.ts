import type { Message } from "../message.ts";
import type { QueueEntry } from "./entry.ts";

/**
 * A consumer as its queue sees it. What a channel is, the queue does not know; `connection/consumer.ts`
 * implements this for AMQP, and a program around the broker may do so for itself.
 */
export abstract class QueueConsumer {
  /** Deliveries count as settled when they are sent. */
  abstract readonly noAck: boolean;
  /** Higher ones are served first (`x-priority`). */
  abstract readonly priority: number;

  /** True while it stands in its dispatcher's row. Owned by the dispatcher, as is what follows. */
  inRow = false;
  /** Neighbours in the row. */
  next: QueueConsumer | undefined = undefined;
  /** The one before it. */
  previous: QueueConsumer | undefined = undefined;

  /** True when prefetch, flow and the link allow one more message. One that says no is not asked again
   * until it calls `Queue.consumerHasRoom`. */
  abstract hasRoom(): boolean;
  /** How many of its deliveries are not settled. */
  get unackedCount(): number {
    return 0;
  }
  /** How long it may keep a message has changed with its queue's settings. */
  timeoutChanged(): void {}
  /** Takes a message of which the queue forgets; it came back so often before, as far as that counts
   * towards the delivery limit, and at all. Must not throw or await. */
  abstract deliverForgotten(
    message: Message,
    redelivered: boolean,
    deliveryCount: number,
    acquiredCount: number,
  ): void;
  /** Takes a message until it is settled by `Queue.settle` or `Queue.requeue`. Must not throw or
   * await. */
  abstract deliver(entry: QueueEntry): void;
  /** The queue is gone; nothing more will come. */
  abstract cancelled(): void;
}
