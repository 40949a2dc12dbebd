/**
 * What is published where, the same for every broker: an exchange, its bindings, and the routing keys
 * of a batch of messages.
 *
 * @module
 */

/** Messages published by one run of a batch. */
export const MESSAGES = 1000;
/** Size of each body in bytes. */
export const BODY_SIZE = 16;
/** How many deliveries may be unacked, where there are acks. */
export const PREFETCH = 200;

const BINDINGS = 1000;

/** A way of routing. */
export interface RoutingLoad {
  /** For people, such as `topic`. */
  readonly name: string;
  /** Type of the exchange. */
  readonly type: "direct" | "topic" | "fanout";
  /** One consumer each. */
  readonly queues: readonly string[];
  /** Which queue is bound with which key. */
  readonly bindings: readonly (readonly [queue: string, key: string])[];
  /** A key that is used again and again. */
  readonly knownKey: string;
  /** A key that nobody has seen before, made of a number. */
  readonly newKey: (number: number) => string;
  /** How many queues take a message with a new key; all of them take one with the known key. */
  readonly newKeyCopies: number;
}

/** The loads. Each message reaches all queues of its load, but for new keys on a direct exchange, to
 * which nothing can be bound. */
export const ROUTING_LOADS: readonly RoutingLoad[] = [
  {
    name: "direct",
    type: "direct",
    queues: ["one"],
    bindings: [["one", "order.created"]],
    knownKey: "order.created",
    newKey: (number) => `order.${number}`,
    newKeyCopies: 0,
  },
  {
    name: "topic",
    type: "topic",
    queues: ["one"],
    bindings: [["one", "order.*.created"]],
    knownKey: "order.europe.created",
    newKey: (number) => `order.${number}.created`,
    newKeyCopies: 1,
  },
  {
    name: `topic, ${BINDINGS} bindings`,
    type: "topic",
    queues: ["one"],
    bindings: Array.from({ length: BINDINGS }, (_, index) => ["one", `shop.${index}.*`] as const),
    knownKey: "shop.500.created",
    newKey: (number) => `shop.500.${number}`,
    newKeyCopies: 1,
  },
  {
    name: "fanout to 4",
    type: "fanout",
    queues: ["one", "two", "three", "four"],
    bindings: ["one", "two", "three", "four"].map((queue) => [queue, ""] as const),
    knownKey: "order.created",
    newKey: (number) => `order.${number}`,
    newKeyCopies: 4,
  },
];

/** How a load is run. */
export interface BatchOptions {
  /** True when each delivery is acked; otherwise consumers are no-ack. */
  readonly acks: boolean;
  /** True when keys are new, but for the last message's. */
  readonly newKeys: boolean;
}

let numbers = 0;

/** The routing key of the batch's message at an index. The last one reaches all queues, always, so
 * that its arrival tells the end. */
export function keyAt(index: number, load: RoutingLoad, { newKeys }: BatchOptions): string {
  return newKeys && index < MESSAGES - 1 ? load.newKey(++numbers) : load.knownKey;
}

/** How many deliveries a batch leads to. */
export function deliveriesOf(load: RoutingLoad, { newKeys }: BatchOptions): number {
  const copies = load.queues.length;
  return newKeys ? (MESSAGES - 1) * load.newKeyCopies + copies : MESSAGES * copies;
}
