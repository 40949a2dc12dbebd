/**
 * What is counted while messages go by: plain numbers on objects that are at hand anyway. Who wants to
 * know how fast they grow looks at them from time to time.
 *
 * @module
 */

/** What became of the messages of one queue, or on one channel. */
export class DeliveryCounts {
  /** Sent to consumers that ack. */
  deliver = 0;
  /** Sent to consumers that do not. */
  deliverNoAck = 0;
  /** Taken by `basic.get` with an ack to come. */
  get = 0;
  /** Taken by `basic.get` without. */
  getNoAck = 0;
  /** Asked for by `basic.get` when there was none. */
  getEmpty = 0;
  /** Of all those sent or taken: not for the first time. */
  redeliver = 0;
  /** Acked. */
  ack = 0;
}

/** The same on one channel, with what its client published. */
export class ChannelCounts extends DeliveryCounts {
  /** Published. */
  publish = 0;
  /** Confirmed. */
  confirm = 0;
  /** Given back: mandatory, and no queue took it. */
  returnUnroutable = 0;
  /** Dropped since no queue took it. */
  dropUnroutable = 0;
  /** The last sum of its vhost that it is in. */
  summedIn = 0;

  /** Adds what was counted elsewhere: a channel that is closed goes on to count for its vhost. */
  add(other: ChannelCounts): void {
    for (const name of CHANNEL_COUNTS) this[name] += other[name];
  }
}

/** The names of what is counted on a channel. */
export const CHANNEL_COUNTS = [
  "publish",
  "confirm",
  "returnUnroutable",
  "dropUnroutable",
  "deliver",
  "deliverNoAck",
  "get",
  "getNoAck",
  "getEmpty",
  "redeliver",
  "ack",
] as const;

/** What becomes of the messages that die in a queue: nothing, one try to publish them once more, or as
 * many as it takes. */
export type DeadLetterStrategy = "disabled" | "atMostOnce" | "atLeastOnce";

/** How messages died. */
export class Deaths {
  /** A client did not want them. */
  rejected = 0;
  /** They grew too old. */
  expired = 0;
  /** There were more than may be. */
  maxlen = 0;
  /** They were delivered too often. */
  delivery_limit = 0;
  /** Of all those: somebody has taken them. Counted where they may not be lost. */
  confirmed = 0;
}

/** The deaths in the queues of one type. */
export class DeathsByStrategy {
  /** Where nothing is done with the dead. */
  readonly disabled: Deaths = new Deaths();
  /** Where they are published once more. */
  readonly atMostOnce: Deaths = new Deaths();
  /** Where they are until somebody takes them. */
  readonly atLeastOnce: Deaths = new Deaths();
}

/** The deaths in all queues; no message dies in a stream. */
export class DeathCounts {
  /** Those in classic queues. */
  readonly classic: DeathsByStrategy = new DeathsByStrategy();
  /** Those in quorum queues. */
  readonly quorum: DeathsByStrategy = new DeathsByStrategy();
}

/** The sizes of published messages, by classes as RabbitMQ 4 has them. */
export class MessageSizes {
  /** How many messages there were of each class: those up to `SIZE_CLASSES` bytes, in their order, and
   * last those that are larger. */
  readonly counts: number[] = new Array(SIZE_CLASSES.length + 1).fill(0);
  /** All of them together, in bytes. */
  bytes = 0;

  /** Counts a message. */
  note(size: number): void {
    this.bytes += size;
    this.counts[size <= SMALLEST ? 0 : classOf(size)]!++;
  }
}

/** The upper ends of the classes, in bytes. */
export const SIZE_CLASSES = [
  100,
  1000,
  10_000,
  100_000,
  1_000_000,
  10_000_000,
  50_000_000,
  100_000_000,
] as const;

const SMALLEST = SIZE_CLASSES[0];

function classOf(size: number): number {
  let at = 1;
  while (at < SIZE_CLASSES.length && size > SIZE_CLASSES[at]!) at++;
  return at;
}
