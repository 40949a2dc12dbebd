import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicAck,
  basicCancel,
  basicConsume,
  basicPublish,
  basicQos,
  confirmSelect,
  connectionCloseOk,
  queueDeclare,
  queueDelete,
} from "../../broker/amqp/methods/mod.ts";
import { contentFrames } from "../amqp/frames.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { standingTime } from "../support/standing_time.ts";
import { ServedBroker, settle } from "./support.ts";

async function declare(peer: RawPeer, queue: string): Promise<number> {
  await peer.send(1, queueDeclare({ queue }));
  return (await peer.expect(1, "queue.declare-ok")).messageCount;
}

Deno.test("Messages that come in one read are confirmed by one ack", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await declare(peer, "q");
  await peer.send(1, confirmSelect());
  await peer.expect(1, "confirm.select-ok");
  const publish = contentFrames(1, basicPublish({ routingKey: "q" }), { body: "b" });
  using _still = standingTime();
  await peer.sendBytes(concat([...publish, ...publish, ...publish]));
  const ack = await peer.expect(1, "basic.ack");
  assertEquals([ack.deliveryTag, ack.multiple], [3, true]);
  await peer.sendBytes(concat(publish));
  const next = await peer.expect(1, "basic.ack");
  assertEquals([next.deliveryTag, next.multiple], [4, false]);
});

Deno.test("A mandatory message comes back before it is confirmed", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await peer.send(1, confirmSelect());
  await peer.expect(1, "confirm.select-ok");
  await peer.send(1, basicPublish({ routingKey: "nobody", mandatory: true }), { body: "b" });
  const returned = await peer.expectContent(1, "basic.return");
  assertEquals([returned.replyCode, returned.replyText, returned.text], [312, "NO_ROUTE", "b"]);
  assertEquals((await peer.expect(1, "basic.ack")).deliveryTag, 1);
});

Deno.test("A consumer gets as many as its prefetch allows, and more for each ack", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await declare(peer, "q");
  await peer.send(1, basicQos({ prefetchCount: 2 }));
  await peer.expect(1, "basic.qos-ok");
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
  await peer.expect(1, "basic.consume-ok");
  for (let index = 1; index <= 5; index++) {
    await peer.send(1, basicPublish({ routingKey: "q" }), { body: `${index}` });
  }
  const next = async () => (await peer.expectContent(1, "basic.deliver")).text;
  assertEquals([await next(), await next()], ["1", "2"]);
  assertEquals(await declare(peer, "q"), 3, "nothing came in between");
  await peer.send(1, basicAck({ deliveryTag: 1 }));
  assertEquals(await next(), "3");
  await peer.send(1, basicAck({ deliveryTag: 3, multiple: true }));
  assertEquals([await next(), await next()], ["4", "5"]);
});

Deno.test("A consumer whose queue goes is told so if its client understands it", async () => {
  await using served = await ServedBroker.start();
  const [told, untold, other] = [
    await served.login(),
    await served.login({ capabilities: {} }),
    await served.login(),
  ];
  await declare(told, "q");
  for (const peer of [told, untold]) {
    await peer.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
    await peer.expect(1, "basic.consume-ok");
  }
  await other.send(1, queueDelete({ queue: "q" }));
  await other.expect(1, "queue.delete-ok");
  assertEquals((await told.expect(1, "basic.cancel")).consumerTag, "c");
  // and the tag is free again on both
  for (const peer of [told, untold]) {
    await declare(peer, "next");
    await peer.send(1, basicConsume({ queue: "next", consumerTag: "c" }));
    await peer.expect(1, "basic.consume-ok");
    await peer.send(1, basicCancel({ consumerTag: "c" }));
    await peer.expect(1, "basic.cancel-ok");
  }
});

Deno.test("A client that does not read is sent no more than its link holds", async () => {
  await using served = await ServedBroker.start();
  const [reader, publisher] = [await served.login(), await served.login()];
  await declare(publisher, "q");
  await reader.send(1, basicConsume({ queue: "q", consumerTag: "c", noAck: true, noWait: true }));
  await settle();
  const count = 100;
  const body = new Uint8Array(100_000);
  const publishing = (async () => {
    for (let index = 0; index < count; index++) {
      await publisher.send(1, basicPublish({ routingKey: "q" }), { body });
    }
  })();
  for (let step = 0; step < count; step++) {
    await settle();
    served.clock.advance(5);
  }
  await publishing;
  const waiting = await declare(publisher, "q");
  assertGreater(waiting, 70, "of 10 MB most stays in the queue");
  assertLess(waiting, count);

  for (let index = 0; index < count; index++) {
    assertEquals((await reader.expectContent(1, "basic.deliver")).body.length, body.length);
    if (index % 10 === 0) served.clock.advance(5);
  }
  assertEquals(await declare(publisher, "q"), 0);
});

Deno.test("A publisher is read less often while consumers are behind, and never kept waiting for long", async () => {
  await using served = await ServedBroker.start();
  const [busy, publisher] = [await served.login(), await served.login()];
  await declare(publisher, "q");
  await busy.send(1, basicQos({ prefetchCount: 1 }));
  await busy.expect(1, "basic.qos-ok");
  await busy.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
  await busy.expect(1, "basic.consume-ok");
  await publisher.send(1, confirmSelect());
  await publisher.expect(1, "confirm.select-ok");
  const publish = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body: "job" }));

  let confirmed = 0;
  let sent = 0;
  const send = async (count: number) => {
    for (; count > 0; count--, sent++) await publisher.sendBytes(publish);
    await settle();
  };
  const takeConfirms = async () => {
    while (confirmed < sent) confirmed = (await publisher.expect(1, "basic.ack")).deliveryTag;
  };
  await send(1000);
  await takeConfirms();
  assertEquals(served.clock.timers, 0, "1000 are no backlog");

  let pauses = 0;
  for (let round = 0; round < 100; round++) {
    await send(100);
    if (served.clock.timers > 0) {
      pauses++;
      served.clock.advance(5);
      await settle();
    }
    await takeConfirms();
  }
  assert(pauses >= 2 && pauses <= 10, `${pauses} pauses in 10000 messages`);
});

Deno.test("A consumer that does not read is worth a pause, also where others do not either", async () => {
  await using served = await ServedBroker.start();
  const publisher = await served.login();
  const body = new Uint8Array(100_000);
  for (const queue of ["q", "another"]) {
    const reader = await served.login();
    await declare(publisher, queue);
    await reader.send(1, basicConsume({ queue, consumerTag: "c", noAck: true, noWait: true }));
    await settle();
    for (let count = 0; count < 100 && served.clock.timers === 0; count++) {
      await publisher.send(1, basicPublish({ routingKey: queue }), { body });
      await settle();
    }
    assertEquals(served.clock.timers, 1, queue);
    served.clock.advance(5);
    await settle();
    assertEquals(served.clock.timers, 0);
  }
});

Deno.test("A publisher is read as fast as consumers take, once their queue is long", async () => {
  await using served = await ServedBroker.start();
  const [consumer, publisher, watcher] = [
    await served.login(),
    await served.login(),
    await served.login(),
  ];
  await declare(publisher, "q");
  await consumer.send(1, basicQos({ prefetchCount: 50 }));
  await consumer.expect(1, "basic.qos-ok");
  await consumer.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
  await consumer.expect(1, "basic.consume-ok");
  const count = 5000;
  const publish = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body: "job" }));
  const batch = concat(Array.from({ length: 50 }, () => publish));
  const publishing = (async () => {
    for (let sent = 0; sent < count; sent += 50) await publisher.sendBytes(batch);
  })();
  let longest = 0;
  for (let tag = 1; tag <= count; tag++) {
    await consumer.expectContent(1, "basic.deliver");
    if (tag % 50 !== 0) continue;
    longest = Math.max(longest, await declare(watcher, "q"));
    await consumer.send(1, basicAck({ deliveryTag: tag, multiple: true }));
  }
  await publishing;
  assertLess(longest, 1500, "no time passed, so no pause ended by itself");
});

Deno.test("A client that does not read its stream slows neither publishers nor other readers", async () => {
  await using served = await ServedBroker.start();
  const [idle, busy, publisher] = [
    await served.login(),
    await served.login(),
    await served.login(),
  ];
  const arguments_ = { "x-queue-type": "stream" };
  await publisher.send(1, queueDeclare({ queue: "s", durable: true, arguments: arguments_ }));
  await publisher.expect(1, "queue.declare-ok");
  for (const peer of [idle, busy]) {
    await peer.send(1, basicQos({ prefetchCount: 1000 }));
    await peer.expect(1, "basic.qos-ok");
    await peer.send(1, basicConsume({ queue: "s", consumerTag: "c" }));
    await peer.expect(1, "basic.consume-ok");
  }
  const count = 100;
  const body = new Uint8Array(100_000);
  for (let index = 0; index < count; index++) {
    await publisher.send(1, basicPublish({ routingKey: "s" }), { body });
    assertEquals((await busy.expectContent(1, "basic.deliver")).deliveryTag, index + 1);
    assertEquals(served.clock.timers, 0, "nobody is made to wait");
  }
  // the one that did not read goes on where it was
  for (let index = 0; index < count; index++) {
    assertEquals((await idle.expectContent(1, "basic.deliver")).deliveryTag, index + 1);
  }
});

Deno.test("A connection that publishes too much tells so while it is slowed down, and one that is closed too", async () => {
  await using served = await ServedBroker.start();
  const [publisher, consumer] = [await served.login(), await served.login()];
  await declare(publisher, "q");
  await consumer.send(1, basicQos({ prefetchCount: 1 }));
  await consumer.expect(1, "basic.qos-ok");
  await consumer.send(1, basicConsume({ queue: "q" }));
  await consumer.expect(1, "basic.consume-ok");
  const states = () => [...served.broker.connections()].map(({ state }) => state);
  assertEquals(states(), ["running", "running"]);
  const publish = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body: "b" }));
  using _still = standingTime();
  await publisher.sendBytes(concat(new Array(4000).fill(publish)));
  await settle();
  assertEquals(states(), ["flow", "running"]);
  served.clock.advance(5);
  assertEquals(states(), ["running", "running"]);

  const [first] = served.broker.connections();
  const closed = served.broker.closeConnection(first!.name, "you know why");
  await settle();
  assertEquals(states(), ["closing", "running"]);
  const { replyCode, replyText } = await publisher.expect(0, "connection.close");
  assertEquals([replyCode, replyText], [320, "CONNECTION_FORCED - you know why"]);
  await publisher.send(0, connectionCloseOk());
  await closed;
  assertEquals(states(), ["running"]);
});
