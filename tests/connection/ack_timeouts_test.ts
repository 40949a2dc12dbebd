import { assertEquals } from "@std/assert";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import {
  basicAck,
  basicConsume,
  basicGet,
  basicQos,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import type { Channel } from "../../client/channel.ts";
import { Collector, quorumWith } from "../behaviour/observe.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { ServedBroker } from "./support.ts";

const TEXT =
  "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value " +
  "used: 600000 ms. This timeout value can be configured, see consumers doc guide to learn more";

Deno.test("A channel that keeps a delivery without an ack for too long is closed, its message goes back", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: 600_000 });
  await using local = await served.broker.connect();
  const channel = await local.openChannel();
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, basicConsume({ queue: "q" }));
  await peer.expect(1, "basic.consume-ok");
  for (const body of ["acked", "kept"]) {
    await channel.basicPublish({ routingKey: "q" }, body);
    await peer.expect(1, "basic.deliver");
  }
  await peer.send(1, basicAck({ deliveryTag: 1 }));
  // it has come when what is asked after it is answered
  await peer.send(1, basicQos());
  await peer.expect(1, "basic.qos-ok");
  served.clock.advance(599_000);
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 0);
  served.clock.advance(62_000);
  const closed = await peer.expect(1, "channel.close");
  assertEquals([closed.replyCode, closed.replyText], [406, TEXT]);
  assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), "kept");
});

Deno.test("Clients in the same process may take their time, and so may all when there is no limit", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: 1000 });
  await using local = await served.broker.connect();
  const channel = await local.openChannel();
  await channel.queueDeclare("q");
  await channel.basicPublish({ routingKey: "q" }, "");
  const delivery = await channel.basicGet("q");
  assertEquals(served.clock.timers, 0, "nobody is watched");
  served.clock.advance(1e9);
  delivery!.ack();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 0);

  await using patient = await ServedBroker.start({ consumerTimeoutMs: 0 });
  await patient.login();
  assertEquals(patient.clock.timers, 0);
});

/** What a channel is closed with whose client took too long. */
function tooLate(timeoutMs: number): string {
  return TEXT.replace("600000", `${timeoutMs}`);
}

/** A client, and a channel from inside to look with. */
async function openBoth(served: ServedBroker): Promise<{ peer: RawPeer; channel: Channel }> {
  const local = await served.broker.connect();
  return { peer: await served.login(), channel: await local.openChannel() };
}

/** Consumes a queue of these arguments, on channel 1, and gets a message that it keeps. */
async function keepOne(
  peer: RawPeer,
  channel: Channel,
  arguments_: FieldTable = {},
  consumerArguments: FieldTable = {},
): Promise<void> {
  await peer.send(1, queueDeclare({ queue: "q", durable: true, arguments: arguments_ }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(
    1,
    basicConsume({ queue: "q", consumerTag: "c", arguments: consumerArguments }),
  );
  await peer.expect(1, "basic.consume-ok");
  await channel.basicPublish({ routingKey: "q" }, "kept");
  await peer.expect(1, "basic.deliver");
}

async function ready(channel: Channel): Promise<number> {
  return (await channel.queueDeclare("q", { passive: true })).messageCount;
}

const DEFAULT_MS = 1_800_000;

for (
  const [what, queue, policy, consumer, timeoutMs] of [
    ["nothing but the broker", {}, undefined, {}, DEFAULT_MS],
    ["a queue", { "x-consumer-timeout": 90_000 }, undefined, {}, 90_000],
    ["a queue that is patient", { "x-consumer-timeout": 3_600_000 }, undefined, {}, 3_600_000],
    ["a policy", {}, 90_000, {}, 90_000],
    ["a queue less than a policy", { "x-consumer-timeout": 90_000 }, 200_000, {}, 90_000],
    ["a policy less than a queue", { "x-consumer-timeout": 200_000 }, 90_000, {}, 90_000],
    ["a consumer", {}, undefined, { "x-consumer-timeout": 90_000 }, 90_000],
    [
      "a consumer that is more patient than queue and policy",
      { "x-consumer-timeout": 5000 },
      6000,
      { "x-consumer-timeout": 90_000 },
      90_000,
    ],
    ["a queue, a moment", { "x-consumer-timeout": 0 }, undefined, {}, 0],
    ["a stream", { "x-queue-type": "stream", "x-consumer-timeout": 90_000 }, undefined, {}, 90_000],
  ] as const
) {
  Deno.test(`A delivery waits for its ack as long as is said by ${what}`, async () => {
    await using served = await ServedBroker.start({ consumerTimeoutMs: DEFAULT_MS });
    const { peer, channel } = await openBoth(served);
    if (policy !== undefined) {
      const definition = { "consumer-timeout": policy };
      await served.broker.setPolicy({ name: "p", pattern: "", definition });
    }
    await peer.send(1, basicQos({ prefetchCount: 1 }));
    await peer.expect(1, "basic.qos-ok");
    await keepOne(peer, channel, queue, consumer);
    served.clock.advance(timeoutMs);
    const late = Math.min(120_000, Math.max(2000, timeoutMs));
    const closing = peer.expect(1, "channel.close");
    let closed = false;
    closing.then(() => closed = true);
    // nothing is closed too early
    await channel.queueDeclare("q", { passive: true });
    assertEquals(closed, false);
    served.clock.advance(late);
    const { replyCode, replyText } = await closing;
    assertEquals([replyCode, replyText], [406, tooLate(timeoutMs)]);
  });
}

Deno.test("A policy that comes later holds for what was delivered before", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: 0 });
  const { peer, channel } = await openBoth(served);
  await keepOne(peer, channel);
  assertEquals(served.clock.timers, 0, "nobody has a timeout");
  served.clock.advance(10 * DEFAULT_MS);
  const definition = { "consumer-timeout": 10_000 };
  await served.broker.setPolicy({ name: "p", pattern: "", definition });
  // from now on, since nobody knows how long it has waited
  served.clock.advance(10_000);
  assertEquals(await ready(channel), 0);
  served.clock.advance(10_000);
  assertEquals((await peer.expect(1, "channel.close")).replyText, tooLate(10_000));
  assertEquals(await ready(channel), 1);
});

Deno.test("What a client gets by basic.get must be acked in time, too", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: 0 });
  const { peer, channel } = await openBoth(served);
  await channel.queueDeclare("q", { arguments: { "x-consumer-timeout": 10_000 } });
  await channel.basicPublish({ routingKey: "q" }, "kept");
  await peer.send(1, basicGet({ queue: "q" }));
  await peer.expect(1, "basic.get-ok");
  served.clock.advance(20_000);
  assertEquals((await peer.expect(1, "channel.close")).replyText, tooLate(10_000));
});

Deno.test("A channel is closed for what is overdue behind something that is not", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: DEFAULT_MS });
  const { peer, channel } = await openBoth(served);
  await channel.queueDeclare("slow");
  await channel.basicPublish({ routingKey: "slow" }, "");
  await peer.send(1, basicGet({ queue: "slow" }));
  await peer.expect(1, "basic.get-ok");
  await keepOne(peer, channel, { "x-consumer-timeout": 10_000 });
  served.clock.advance(20_000);
  assertEquals((await peer.expect(1, "channel.close")).replyText, tooLate(10_000));
});

Deno.test("In the same process what is said of a queue holds", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: 1000 });
  const connection = await served.broker.connect();
  const channel = await connection.openChannel();
  const other = await connection.openChannel();
  await channel.queueDeclare("q", { arguments: { "x-consumer-timeout": 10_000 } });
  await channel.basicPublish({ routingKey: "q" }, "kept");
  await (await Collector.start(channel, "q")).until(1);
  served.clock.advance(9_999);
  assertEquals(await ready(other), 0);
  served.clock.advance(10_001);
  assertEquals((await channel.closed as Error).message, tooLate(10_000));
  assertEquals(await ready(other), 1);
  await connection.close();
  assertEquals(served.clock.timers, 0, "nobody is watched any more");
});

Deno.test("A client that needs no acks may take its time", async () => {
  await using served = await ServedBroker.start({ consumerTimeoutMs: 0 });
  const { channel } = await openBoth(served);
  await channel.queueDeclare("q", { arguments: { "x-consumer-timeout": 10_000 } });
  await channel.basicConsume("q", { noAck: true }, () => {});
  assertEquals(served.clock.timers, 0);
});

Deno.test("rabbitmq-3.13 does not know the argument of a consumer", async () => {
  await using served = await ServedBroker.start({ profile: "3.13", consumerTimeoutMs: 0 });
  const { peer, channel } = await openBoth(served);
  await keepOne(peer, channel, {}, { "x-consumer-timeout": "whatever" });
  assertEquals(served.clock.timers, 0);
});

Deno.test("rabbitmq-4.3 lets consumers of classic queues and streams take their time", async () => {
  for (const type of ["classic", "stream"]) {
    await using served = await ServedBroker.start({ profile: "4.3", consumerTimeoutMs: 10_000 });
    const { peer, channel } = await openBoth(served);
    const definition = { "consumer-timeout": 1000 };
    await served.broker.setPolicy({ name: "p", pattern: "", definition });
    await peer.send(1, basicQos({ prefetchCount: 1 }));
    await peer.expect(1, "basic.qos-ok");
    await keepOne(peer, channel, { "x-queue-type": type });
    served.clock.advance(1_000_000);
    await peer.send(1, basicAck({ deliveryTag: 1 }));
    await peer.send(1, basicQos({ prefetchCount: 2 }));
    await peer.expect(1, "basic.qos-ok");
  }
});

const QUORUM = { "x-queue-type": "quorum" };

Deno.test("rabbitmq-4.3 cancels a consumer of a quorum queue that takes too long", async () => {
  await using served = await ServedBroker.start({ profile: "4.3", consumerTimeoutMs: 10_000 });
  const { peer, channel } = await openBoth(served);
  await keepOne(peer, channel, QUORUM);
  served.clock.advance(10_000);
  await channel.basicPublish({ routingKey: "q" }, "newer");
  await peer.expect(1, "basic.deliver");
  served.clock.advance(7_000);
  const { consumerTag, noWait } = await peer.expect(1, "basic.cancel");
  assertEquals([consumerTag, noWait], ["c", true]);
  // the newer one may still be acked, and so may the older one, which is another's now
  const taken = await channel.basicGet("q");
  assertEquals([taken?.text(), taken?.redelivered], ["kept", true]);
  assertEquals(taken?.properties.headers, { "x-acquired-count": 1 });
  assertEquals(
    (await channel.queueDeclare("q", { passive: true, ...quorumWith() })).consumerCount,
    0,
  );
  await peer.send(1, basicAck({ deliveryTag: 1 }));
  await peer.send(1, basicAck({ deliveryTag: 2 }));
  await peer.send(1, basicQos({ prefetchCount: 1 }));
  await peer.expect(1, "basic.qos-ok");
  taken!.nack({ requeue: true });
  assertEquals(await ready(channel), 1);
  // its channel goes on
  await peer.send(1, basicGet({ queue: "q", noAck: true }));
  assertEquals((await peer.expectContent(1, "basic.get-ok")).text, "kept");
  await peer.send(1, basicAck({ deliveryTag: 1 }));
  assertEquals(
    (await peer.expect(1, "channel.close")).replyText,
    "PRECONDITION_FAILED - unknown delivery tag 1",
  );
});

Deno.test("what a consumer that was cancelled still keeps goes back in its time, without another word", async () => {
  await using served = await ServedBroker.start({ profile: "4.3", consumerTimeoutMs: 10_000 });
  const { peer, channel } = await openBoth(served);
  await keepOne(peer, channel, QUORUM);
  served.clock.advance(10_000);
  await channel.basicPublish({ routingKey: "q" }, "newer");
  await peer.expect(1, "basic.deliver");
  served.clock.advance(5_000);
  await peer.expect(1, "basic.cancel");
  assertEquals(await ready(channel), 1);
  served.clock.advance(20_000);
  assertEquals(await ready(channel), 2);
  await peer.send(1, basicAck({ deliveryTag: 0, multiple: true }));
  await peer.send(1, basicQos({ prefetchCount: 1 }));
  await peer.expect(1, "basic.qos-ok");
  assertEquals(await ready(channel), 2);
});

Deno.test("where one consumer is served at a time another one takes the place of the late one", async () => {
  await using served = await ServedBroker.start({ profile: "4.3", consumerTimeoutMs: 10_000 });
  const { peer, channel } = await openBoth(served);
  await keepOne(peer, channel, { ...QUORUM, "x-single-active-consumer": true });
  const next = await Collector.start(channel, "q");
  await channel.basicPublish({ routingKey: "q" }, "newer");
  await peer.expect(1, "basic.deliver");
  served.clock.advance(15_000);
  await peer.expect(1, "basic.cancel");
  assertEquals(await next.until(2), ["kept*", "newer*"]);
});

for (
  const [who, options, action] of [
    ["whose client knows no basic.cancel", { capabilities: {} }, "consume"],
    ["of a client that used basic.get", {}, "get"],
  ] as const
) {
  Deno.test(`rabbitmq-4.3 closes the channel ${who}`, async () => {
    await using served = await ServedBroker.start({ profile: "4.3", consumerTimeoutMs: 10_000 });
    const channel = await (await served.broker.connect()).openChannel();
    const peer = await served.login(options);
    if (action === "consume") await keepOne(peer, channel, QUORUM);
    else {
      await channel.queueDeclare("q", quorumWith());
      await channel.basicPublish({ routingKey: "q" }, "kept");
      await peer.send(1, basicGet({ queue: "q" }));
      await peer.expect(1, "basic.get-ok");
    }
    served.clock.advance(15_000);
    const { replyCode, replyText } = await peer.expect(1, "channel.close");
    assertEquals([replyCode, replyText], [406, tooLate(-1)]);
    assertEquals((await channel.basicGet("q"))?.text(), "kept");
  });
}
