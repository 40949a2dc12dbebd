import { assertEquals, assertStrictEquals } from "@std/assert";
import { basicPublish } from "../../broker/amqp/methods/mod.ts";
import type { MessageQueue } from "../../broker/queue/message_queue.ts";
import { Exchange } from "../../broker/routing/exchange.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { Exchanges } from "../../broker/routing/exchanges.ts";
import { Lane } from "../../broker/vhost/lane.ts";

/** Of a queue a lane sees no more than this. */
function someQueue(): MessageQueue {
  return { finding: undefined } as MessageQueue;
}

function someExchange(): Exchange<MessageQueue> {
  const exchanges = new Exchanges<MessageQueue>();
  const exchange = new Exchange(exchanges, { name: "e", type: new ExchangeTypes().get("fanout")! });
  exchanges.add(exchange);
  return exchange;
}

/** A method that bears it, as links keep one for an address. */
function bearing(lane: Lane) {
  const method = basicPublish();
  method.bears = lane;
  return method;
}

Deno.test("A lane to a queue holds in its vhost, and keeps nothing of a queue that is gone", () => {
  const [exchanges, others] = [new Exchanges<MessageQueue>(), new Exchanges<MessageQueue>()];
  const queue = someQueue();
  const lane = Lane.to(queue, exchanges);
  assertStrictEquals(Lane.to(queue, exchanges), lane);
  const method = bearing(lane);
  assertEquals(Lane.of(method, exchanges)?.queues, [queue]);
  assertEquals(Lane.of(method, others), undefined);
  exchanges.changed();
  assertStrictEquals(Lane.of(method, exchanges), lane);
  queue.finding!.forget();
  assertEquals(Lane.of(method, exchanges), undefined);
  assertEquals([lane.exchange, lane.queues], [undefined, []]);
});

Deno.test("A lane through an exchange holds until the next change, and then keeps nothing", () => {
  const exchange = someExchange();
  const { exchanges } = exchange;
  const lane = Lane.through(exchange, [someQueue()]);
  const method = bearing(lane);
  assertStrictEquals(Lane.of(method, exchanges), lane);
  exchanges.changed();
  assertEquals(Lane.of(method, exchanges), undefined);
  assertEquals([lane.exchange, lane.queues], [undefined, []]);
});

Deno.test("Exchanges tell a bounded number of lanes of a change: too many of them are forgotten at once", () => {
  const exchange = someExchange();
  const first = Lane.through(exchange, [someQueue()]);
  const rest = Array.from({ length: 65_535 }, () => Lane.through(exchange, []));
  assertEquals(first.queues.length, 1);
  const next = Lane.through(exchange, [someQueue()]);
  assertEquals(first.queues.length, 0);
  assertEquals(Lane.of(bearing(rest.at(-1)!), exchange.exchanges), undefined);
  assertStrictEquals(Lane.of(bearing(next), exchange.exchanges), next);
});
