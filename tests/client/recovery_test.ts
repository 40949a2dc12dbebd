import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  AmqpError,
  Broker,
  type Channel,
  connect,
  type Connection,
  ConnectionLostError,
  type Delivery,
} from "../../mod.ts";
import { basicConsumeOk } from "../../broker/amqp/methods/basic.ts";
import { channelCloseOk } from "../../broker/amqp/methods/channel.ts";
import { queueBindOk, queueDeclareOk } from "../../broker/amqp/methods/queue.ts";
import { backOff, resolveRecovery } from "../../client/recovery/recovery_options.ts";
import type { ByteStream } from "../../broker/amqp/transport.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { memoryTransports } from "../support/memory_transport.ts";
import { RawPeer } from "../support/raw_peer.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { turns } from "../support/turns.ts";
import { next, Stage } from "./stage.ts";

/** Takes deliveries one after the other. */
function deliveries(): {
  readonly take: (delivery: Delivery) => void;
  readonly next: () => Promise<Delivery>;
} {
  const stream = new TransformStream<Delivery, Delivery>(undefined, { highWaterMark: 1000 });
  const writer = stream.writable.getWriter();
  const reader = stream.readable.getReader();
  return {
    take: (delivery) => void writer.write(delivery),
    next: async () => (await reader.read()).value!,
  };
}

Deno.test("a connection that was lost comes back with exchanges, queues, bindings and consumers", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("from", "fanout", { autoDelete: true });
  await channel.exchangeDeclare("to", "topic");
  await channel.exchangeBind({ destination: "to", source: "from", routingKey: "" });
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.queueBind({ queue: "", exchange: "to", routingKey: "a.#" });
  const seen = deliveries();
  const consumer = await channel.basicConsume("mine", { consumerTag: "c" }, seen.take);
  for (const exchange of ["from", "to"]) await broker.deleteExchange({ exchange });
  await stage.cut();
  assertEquals(connection.state, "open");
  await channel.basicPublish({ exchange: "from", routingKey: "a.b" }, "hello");
  const delivery = await seen.next();
  assertEquals([delivery.text(), delivery.consumerTag, consumer.state], ["hello", "c", "active"]);
  delivery.ack();
  assertEquals((await channel.queueDeclare("mine", { passive: true })).messageCount, 0);
});

Deno.test("a queue that the broker named gets another name, which the old one stands for", async () => {
  await using stage = await Stage.open();
  const channel = await stage.connection.openChannel();
  const { queue } = await channel.queueDeclare("", { exclusive: true });
  await channel.queueBind({ queue, exchange: "amq.fanout" });
  const seen = deliveries();
  await channel.basicConsume(queue, {}, seen.take);
  const renamed = next(stage.connection, "queue.renamed");
  await stage.cut();
  const { from, to } = await renamed;
  assertEquals(from, queue);
  assert(to !== queue && to.startsWith("amq.gen-"));
  await channel.basicPublish({ exchange: "amq.fanout" }, "hello");
  (await seen.next()).ack();
  assertEquals((await channel.queueDeclare(queue, { passive: true })).queue, to);
  await stage.cut();
  await channel.queueUnbind({ queue, exchange: "amq.fanout" });
  await channel.queueDelete(queue);
});

Deno.test("a queue that the broker named and that outlives its connection is gone on with", async () => {
  await using stage = await Stage.open();
  const { connection, broker, proxy } = stage;
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare("");
  await channel.queueBind({ queue, exchange: "amq.fanout" });
  const renames: string[] = [];
  connection.on("queue.renamed", ({ to }) => void renames.push(to));
  const seen = deliveries();
  const consumer = await channel.basicConsume(queue, {}, seen.take);
  const recovered = next(connection, "recovered");
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  await using near = await broker.connect();
  await (await near.openChannel()).basicPublish({ exchange: "amq.fanout" }, "meanwhile");
  await recovered;
  const delivery = await seen.next();
  assertEquals(delivery.text(), "meanwhile");
  delivery.ack();
  assertEquals(renames, []);
  assertEquals([...broker.queues()].map(({ name }) => name), [queue]);
  // when it is gone there is another one
  await consumer.cancel();
  await (await near.openChannel()).queueDelete(queue);
  await stage.cut();
  assertEquals([...broker.queues()].map(({ name }) => name), renames);
  await channel.basicPublish({ exchange: "amq.fanout" }, "after that");
  assertEquals((await channel.basicGet(queue))?.text(), "after that");
});

Deno.test("what was deleted, unbound or cancelled before does not come back", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("gone", "fanout");
  await channel.exchangeDeclare("unused", "fanout", { autoDelete: true });
  await channel.queueDeclare("gone");
  await channel.queueDeclare("stays");
  await channel.queueDeclare("consumed", { autoDelete: true });
  await channel.queueBind({ queue: "stays", exchange: "unused" });
  await channel.queueBind({ queue: "stays", exchange: "amq.direct", routingKey: "k" });
  await (await channel.basicConsume("consumed", {}, () => {})).cancel();
  await channel.queueUnbind({ queue: "stays", exchange: "unused" });
  await channel.queueUnbind({ queue: "stays", exchange: "amq.direct", routingKey: "k" });
  await channel.queueDelete("gone");
  await channel.exchangeDelete("gone");
  await stage.cut();
  const own = ({ name }: { readonly name: string }) => !name.startsWith("amq.") && name !== "";
  assertEquals([...broker.queues()].filter(own).map(({ name }) => name), ["stays"]);
  assertEquals([...broker.exchanges()].filter(own).map(({ name }) => name), []);
  assertEquals([...broker.bindings()].filter(({ source }) => source !== "").length, 0);
});

Deno.test("a delivery of a former connection is settled by forgetting it", async () => {
  await using stage = await Stage.open();
  const channel = await stage.connection.openChannel();
  await channel.queueDeclare("q", { durable: true });
  const seen = deliveries();
  await channel.basicConsume("q", {}, seen.take);
  for (const body of ["1", "2"]) await channel.basicPublish({ routingKey: "q" }, body);
  const [first, second] = [await seen.next(), await seen.next()];
  await stage.cut();
  const again = [await seen.next(), await seen.next()];
  assertEquals(again.map((delivery) => delivery.text()), ["1", "2"]);
  assertEquals(again.map(({ redelivered }) => redelivered), [true, true]);
  // tags go on, so that a number alone tells a former delivery too
  assertEquals(again.map(({ deliveryTag }) => deliveryTag), [3, 4]);
  first.ack();
  assertEquals(first.settled, true);
  assertThrows(() => first.ack(), TypeError, "settled");
  second.nack({ multiple: true, requeue: false });
  channel.basicAck(2, { multiple: true });
  const { messageCount } = await channel.queueDeclare("q", { passive: true });
  assertEquals([messageCount, channelUnacked(stage.broker)], [0, 2]);
  channel.basicAck(4, { multiple: true });
  await channel.queueDeclare("q", { passive: true });
  assertEquals(channelUnacked(stage.broker), 0);
});

function channelUnacked(broker: Broker): number {
  return [...broker.queues()].reduce((sum, queue) => sum + queue.messagesUnacknowledged, 0);
}

Deno.test("an iteration goes on over the connections, without what it had not looked at", async () => {
  await using stage = await Stage.open();
  const channel = await stage.connection.openChannel();
  await channel.queueDeclare("q");
  await channel.basicQos({ prefetchCount: 2 });
  const consumer = await channel.basicConsume("q");
  for (const body of ["1", "2", "3"]) await channel.basicPublish({ routingKey: "q" }, body);
  const first = await consumer.next();
  assertEquals(first.value?.text(), "1");
  first.value?.ack();
  await stage.cut();
  const bodies: string[] = [];
  for await (const delivery of consumer) {
    bodies.push(delivery.text());
    delivery.ack();
    if (bodies.at(-1) === "4") break;
    if (bodies.at(-1) === "3") channel.basicPublish({ routingKey: "q" }, "4");
  }
  // the ack of the first may have come too late
  assertEquals(bodies.filter((body) => body !== "1"), ["2", "3", "4"]);
});

Deno.test("confirm mode, transactions and prefetch are as they were", async () => {
  await using stage = await Stage.open();
  const { connection } = stage;
  const [confirming, transactional, consuming] = [
    await connection.openChannel(),
    await connection.openChannel(),
    await connection.openChannel(),
  ];
  await confirming.confirmSelect();
  await transactional.txSelect();
  await confirming.queueDeclare("q");
  await consuming.basicQos({ prefetchCount: 1 });
  const seen = deliveries();
  await consuming.basicConsume("q", { consumerTag: "one" }, seen.take);
  await consuming.basicQos({ prefetchCount: 7 });
  await stage.cut();
  const confirmed = confirming.basicPublish({ routingKey: "q" }, "1");
  assertInstanceOf(confirmed, Promise);
  await confirmed;
  transactional.basicPublish({ routingKey: "q" }, "2");
  await transactional.txCommit();
  await assertRejects(() => transactional.confirmSelect(), AmqpError, "PRECONDITION_FAILED");
  assertEquals((await seen.next()).text(), "1");
  const { consumerCount, messageCount } = await confirming.queueDeclare("q", { passive: true });
  assertEquals([consumerCount, messageCount], [1, 1]);
  const [consumer] = stage.broker.consumers();
  assertEquals([consumer?.consumerTag, consumer?.prefetchCount], ["one", 1]);
});

Deno.test("what was under way rejects, and so do calls while there is no connection", async () => {
  await using stage = await Stage.open({ recovery: { initialDelayMs: 60_000 } });
  const { connection, proxy } = stage;
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  const lost = next(connection, "lost");
  proxy.cut();
  const confirm = channel.basicPublish({}, "x");
  const { reason } = await lost;
  assertInstanceOf(reason, ConnectionLostError);
  await assertRejects(() => Promise.resolve(confirm), ConnectionLostError);
  assertEquals(connection.state, "reconnecting");
  await assertRejects(() => channel.queueDeclare("q"), ConnectionLostError, "whenConnected");
  assertThrows(() => channel.basicPublish({}, "x"), ConnectionLostError, "whenConnected");
  const refused = assertRejects(
    () => connection.openChannel(),
    TypeError,
    "connection is closed",
  );
  const waiting = connection.whenConnected({ signal: AbortSignal.abort(new Error("enough")) });
  await assertRejects(() => waiting, Error, "enough");
  await connection.close();
  await refused;
  assertEquals([connection.state, await connection.closed], ["closed", undefined]);
  assertEquals(await channel.closed, undefined);
  assertThrows(() => channel.basicPublish({}, "x"), TypeError, "channel is closed");
});

Deno.test("a channel and a consumer can be closed while there is no connection", async () => {
  await using stage = await Stage.open();
  const { connection, proxy, broker } = stage;
  const [one, other] = [await connection.openChannel(), await connection.openChannel()];
  await one.queueDeclare("q");
  await one.basicConsume("q", {}, () => {});
  const consumer = await other.basicConsume("q", {}, () => {});
  const iterator = await other.basicConsume("q");
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  await Promise.all([one.close(), consumer.cancel(), iterator.return()]);
  assertEquals(await one.closed, undefined);
  assertEquals([consumer.state, iterator.state], ["cancelled", "cancelled"]);
  await recovered;
  assertEquals([...broker.consumers()].length, 0);
  assertEquals([...broker.channels()].length, 1);
});

Deno.test("what was asked of a queue before its declaration was answered comes back for that queue", async () => {
  await using stage = await Stage.open();
  const { connection } = stage;
  const channel = await connection.openChannel();
  const exchange = "amq.direct";
  await channel.queueDeclare("former", { exclusive: true });
  const seen = deliveries();
  await Promise.all([
    channel.queueDeclare("latest", { exclusive: true }),
    channel.queueBind({ queue: "", exchange, routingKey: "a" }),
    channel.queueBind({ queue: "", exchange }),
    channel.queueBind({ queue: "", exchange, routingKey: "b" }),
    channel.queueUnbind({ queue: "", exchange, routingKey: "b" }),
    channel.basicConsume("", {}, seen.take),
  ]);
  await (await connection.openChannel()).queueDeclare("another", { exclusive: true });
  await stage.cut();
  for (const routingKey of ["b", "a", "latest"]) {
    await channel.basicPublish({ exchange, routingKey }, routingKey);
  }
  assertEquals([(await seen.next()).text(), (await seen.next()).text()], ["a", "latest"]);
  await channel.queueDelete("");
  await stage.cut();
  await assertRejects(
    () => channel.queueDeclare("latest", { passive: true }),
    AmqpError,
    "NOT_FOUND",
  );
});

Deno.test("what the broker did for a call that was given up comes back too, or stays away", async () => {
  await using stage = await Stage.open();
  const { connection } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("gone");
  const calls = [
    (signal: AbortSignal) => channel.queueDeclare("made", { exclusive: true, signal }),
    (signal: AbortSignal) => channel.queueDelete("gone", { signal }),
    (signal: AbortSignal) => channel.confirmSelect({ signal }),
  ];
  for (const call of calls) {
    const controller = new AbortController();
    const given = assertRejects(() => call(controller.signal), DOMException);
    controller.abort();
    await given;
  }
  await channel.basicQos({ prefetchCount: 1 }); // answered after those
  await stage.cut();
  assertEquals([...stage.broker.queues()].map(({ name }) => name), ["made"]);
  await channel.basicPublish({ routingKey: "made" }, "x");
  await channel.waitForConfirms();
});

/** A consumer of the queue `q` whose callback has a message, until the test says how that ends. */
async function handling(channel: Channel) {
  const delivered = Promise.withResolvers<void>();
  const handled = Promise.withResolvers<void>();
  const consumer = await channel.basicConsume("q", {}, () => {
    delivered.resolve();
    return handled.promise;
  });
  await channel.basicPublish({ routingKey: "q" }, "x");
  await delivered.promise;
  return { consumer, handled };
}

Deno.test("a callback that fails while there is no connection closes its channel, and no other", async () => {
  await using stage = await Stage.open();
  const { connection } = stage;
  const [channel, other] = [await connection.openChannel(), await connection.openChannel()];
  await channel.queueDeclare("q");
  const { consumer, handled } = await handling(channel);
  const recovered = next(connection, "recovered");
  const lost = next(connection, "lost");
  stage.proxy.cut();
  await lost;
  handled.reject(new Error("the callback failed"));
  assertEquals((await channel.closed)?.message, "the callback failed");
  assertEquals(consumer.state, "closed");
  await recovered;
  await assertRejects(() => channel.queueDeclare("q"), Error, "the callback failed");
  // its message is there for others
  assertEquals((await other.basicGet("q"))?.text(), "x");
});

Deno.test("a callback that fails when its channel is back already, and its consumer is not, closes the channel", async () => {
  for (const isTaken of [false, true]) {
    await using stage = await Stage.open();
    const { connection } = stage;
    const channel = await connection.openChannel();
    await channel.queueDeclare("q");
    const { consumer, handled } = await handling(channel);
    await consumer.cancel();
    await stage.cut();
    const taken = Promise.withResolvers<unknown>();
    if (isTaken) connection.onError = taken.resolve;
    const error = new Error("the callback failed");
    handled.reject(error);
    if (isTaken) {
      assertEquals(await taken.promise, error);
      await stage.cut();
    } else {
      assertEquals(await channel.closed, error);
      await assertRejects(() => channel.queueDeclare("q"), Error, "the callback failed");
    }
    assertEquals([...stage.broker.channels()].length, isTaken ? 1 : 0);
  }
});

/** A client whose connections a test plays, one after the other. */
async function playedTwice(): Promise<{
  readonly connection: Connection;
  readonly channel: Channel;
  readonly peers: readonly [RawPeer, RawPeer];
}> {
  const [first, second] = [memoryTransports(), memoryTransports()];
  const peers = [new RawPeer(first[1]), new RawPeer(second[1])] as const;
  const dialled = [first[0], second[0]];
  const connecting = connect({
    heartbeatSeconds: 0,
    recovery: { initialDelayMs: 0 },
    // deno-lint-ignore require-await -- others take time
    dial: async () => dialled.shift()!,
  });
  await peers[0].acceptClient();
  const connection = await connecting;
  const [channel] = await Promise.all([connection.openChannel(), peers[0].acceptChannel()]);
  return { connection, channel, peers };
}

Deno.test("a consumer comes back for the queue that was the last one when it was started, whenever that was answered", async () => {
  const { connection, channel, peers: [peer, next] } = await playedTwice();
  const called = Promise.all([
    channel.queueDeclare("one"),
    channel.basicConsume("", { consumerTag: "t" }, () => {}),
    channel.queueDeclare("two"),
  ]);
  for (const name of ["queue.declare", "basic.consume", "queue.declare"] as const) {
    await peer.expect(1, name);
  }
  for (const queue of ["one", "two"]) await peer.send(1, queueDeclareOk({ queue }));
  await peer.send(1, basicConsumeOk({ consumerTag: "t" })); // as RabbitMQ does
  await called;
  peer.close();
  await next.acceptClient();
  await next.acceptChannel();
  for (const queue of ["one", "two"]) {
    assertEquals((await next.expect(1, "queue.declare")).queue, queue);
    await next.send(1, queueDeclareOk({ queue }));
  }
  await next.expect(1, "channel.close");
  await next.send(1, channelCloseOk());
  await next.acceptChannel();
  assertEquals((await next.expect(1, "basic.consume")).queue, "one");
  await next.send(1, basicConsumeOk({ consumerTag: "t" }));
  await Promise.all([connection.close(), next.acceptClose()]);
});

Deno.test("an auto-delete queue whose last consumer is cancelled while it is on the way back stays away", async () => {
  const { connection, channel, peers: [peer, next] } = await playedTwice();
  const failed: string[] = [];
  connection.on("topology.failed", ({ what }) => void failed.push(what));
  const called = Promise.all([
    channel.queueDeclare("first"),
    channel.queueDeclare("q", { autoDelete: true }),
    channel.queueBind({ queue: "q", exchange: "amq.fanout" }),
    channel.basicConsume("q", { consumerTag: "t" }, () => {}),
  ]);
  for (
    const [name, answer] of [
      ["queue.declare", queueDeclareOk({ queue: "first" })],
      ["queue.declare", queueDeclareOk({ queue: "q" })],
      ["queue.bind", queueBindOk()],
      ["basic.consume", basicConsumeOk({ consumerTag: "t" })],
    ] as const
  ) {
    await peer.expect(1, name);
    await peer.send(1, answer);
  }
  const [, , , consumer] = await called;
  peer.close();
  await next.acceptClient();
  await next.acceptChannel();
  assertEquals((await next.expect(1, "queue.declare")).queue, "first");
  await consumer.cancel();
  await next.send(1, queueDeclareOk({ queue: "first" }));
  await next.expect(1, "channel.close");
  await next.send(1, channelCloseOk());
  await next.acceptChannel();
  await connection.whenConnected();
  await Promise.all([connection.close(), next.acceptClose()]);
  assertEquals(failed, []);
});

Deno.test("recovery gives up after as many attempts as it may make", async () => {
  const clock = new ManualClock();
  const stage = await Stage.open({
    clock,
    heartbeatSeconds: 0,
    recovery: { initialDelayMs: 100, maxDelayMs: 300, maxAttempts: 4, random: () => 0 },
  });
  const { connection, proxy, broker, server } = stage;
  const delays: number[] = [];
  connection.on("reconnecting", ({ delayMs }) => {
    delays.push(delayMs);
    queueMicrotask(() => clock.advance(delayMs));
  });
  server.close();
  proxy.cut();
  const reason = await connection.closed;
  assertInstanceOf(reason, ConnectionLostError);
  assertEquals(reason.message, "Connection was lost, and 4 attempts to make it anew failed");
  assertEquals(delays, [50, 100, 150, 150]);
  assertEquals(clock.timers, 0);
  await assertRejects(() => connection.openChannel(), ConnectionLostError, "4 attempts");
  await proxy[Symbol.asyncDispose]();
  await broker.close();
});

Deno.test("without a random of its own, each pause is drawn between half of its length and all of it", async () => {
  const clock = new ManualClock();
  const { random } = Math;
  const drawn = [0, 0.5, 0.999, 0.25, 1 / 3];
  let next = 0;
  Math.random = () => drawn[next++ % drawn.length]!;
  try {
    const stage = await Stage.open({
      clock,
      heartbeatSeconds: 0,
      recovery: { initialDelayMs: 1000, maxDelayMs: 8000, maxAttempts: 5 },
    });
    next = 0; // the broker has drawn as well
    const { connection, proxy, broker, server } = stage;
    const delays: number[] = [];
    connection.on("reconnecting", ({ delayMs }) => {
      delays.push(delayMs);
      queueMicrotask(() => clock.advance(delayMs));
    });
    server.close();
    proxy.cut();
    assertInstanceOf(await connection.closed, ConnectionLostError);
    assertEquals(delays, [500, 1500, 3998, 5000, 5333]);
    assertEquals(next, 5);
    await proxy[Symbol.asyncDispose]();
    await broker.close();
  } finally {
    Math.random = random;
  }
});

Deno.test("a program can choose each pause, and when to give up", async () => {
  const told: [number, string][] = [];
  const stage = await Stage.open({
    recovery: {
      delay(attempt, reason) {
        told.push([attempt, reason.name]);
        return attempt <= 2 ? attempt - 1 : undefined;
      },
    },
  });
  const { connection, proxy, broker, server } = stage;
  const delays: number[] = [];
  connection.on("reconnecting", ({ delayMs }) => void delays.push(delayMs));
  server.close();
  proxy.cut();
  const reason = await connection.closed;
  assert(reason instanceof Error);
  assertEquals(delays, [0, 1]);
  assertEquals(told.map(([attempt]) => attempt), [1, 2, 3]);
  assertEquals(told[0]![1], "ConnectionLostError");
  await proxy[Symbol.asyncDispose]();
  await broker.close();
});

for (
  const [what, delay] of [["throws", () => {
    throw new Error("a bug");
  }], ["gives nonsense", () => -1]] as const
) {
  Deno.test(`a choice of pauses that ${what} ends the connection, and the program hears of it`, async () => {
    const stage = await Stage.open({ recovery: { delay } });
    const { connection, proxy } = stage;
    const errors: unknown[] = [];
    connection.onError = (error) => void errors.push(error);
    proxy.cut();
    assertInstanceOf(await connection.closed, ConnectionLostError);
    assertEquals(errors.length, 1);
    await stage[Symbol.asyncDispose]();
  });
}

Deno.test("two clients that lost the same broker come back at different times", () => {
  const delaysOf = () => {
    const options = resolveRecovery(true)!;
    return [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((attempt) => backOff(attempt, options));
  };
  const [one, other] = [delaysOf(), delaysOf()];
  for (const [index, delay] of [...one, ...other].entries()) {
    const whole = Math.min(30_000, 200 * 2 ** (index % 10));
    assert(delay >= whole / 2 && delay <= whole, `${delay} of ${whole}`);
  }
  assertNotEquals(one, other);
});

Deno.test("an end that another connection cannot cure is final", async () => {
  await using stage = await Stage.open();
  const channel = await stage.connection.openChannel();
  await channel.queueDeclare("q");
  await channel.basicConsume("q", { consumerTag: "same" }, () => {});
  await assertRejects(
    () => channel.basicConsume("q", { consumerTag: "same" }, () => {}),
    AmqpError,
    "NOT_ALLOWED",
  );
  const reason = await stage.connection.closed;
  assertInstanceOf(reason, AmqpError);
  assertEquals([reason.replyCode, stage.connection.state], [530, "closed"]);
});

Deno.test("a password that is refused the next time is the end", async () => {
  const broker = new Broker();
  const server = await broker.listen({ port: 0 });
  await broker.addUser("ann", { password: "secret" });
  await broker.setPermissions({ user: "ann", configure: ".*", write: ".*", read: ".*" });
  const connection = await connect(`amqp://ann:secret@127.0.0.1:${server.port}`, {
    recovery: { initialDelayMs: 0 },
  });
  await broker.deleteUser("ann");
  const reason = await connection.closed;
  assertInstanceOf(reason, AmqpError);
  assertEquals(reason.replyCode, 403);
  await broker.close();
});

Deno.test("a password by function is asked for at each login, and one that was refused is not the end", async () => {
  const tokens = ["first", "expired", "second"];
  const asked: string[] = [];
  await using broker = new Broker();
  await broker.addUser("ann", { password: "first" });
  await broker.setPermissions({ user: "ann", vhost: "/", configure: "", write: "", read: "" });
  await using server = await broker.listen({ port: 0 });
  await using proxy = new TcpProxy(server.port);
  await using connection = await connect({
    hostname: "127.0.0.1",
    port: proxy.port,
    username: "ann",
    password: async () => {
      const token = tokens.shift()!;
      asked.push(token);
      if (token === "second") await broker.changePassword("ann", token);
      return token;
    },
    recovery: { initialDelayMs: 0 },
  });
  const recovered = next(connection, "recovered");
  proxy.cut();
  assertEquals((await recovered).attempts, 2);
  assertEquals(asked, ["first", "expired", "second"]);
});

Deno.test("a password that cannot be had, or is none, is told", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  const to = { hostname: "127.0.0.1", port: server.port };
  const none = () => Promise.reject(new Error("no token today"));
  await assertRejects(() => connect({ ...to, password: none }), Error, "no token today");
  const number = (() => 5) as unknown as () => string;
  await assertRejects(
    () => connect({ ...to, password: number }),
    TypeError,
    "Cannot log in: the password is number, not a string",
  );
  const late = await assertRejects(
    () => connect({ ...to, password: () => new Promise(() => {}), handshakeTimeoutMs: 20 }),
    DOMException,
    "it took over 20 ms to log in",
  );
  assertEquals(late.name, "TimeoutError");
});

Deno.test("a program can reach the broker its own way, each time again", async () => {
  await using broker = new Broker();
  await using server = await broker.listen({ port: 0 });
  await using proxy = new TcpProxy(server.port);
  let dialled = 0;
  await using connection = await connect("amqp://far.example", {
    dial: (signal) => {
      dialled++;
      return Deno.connect({ hostname: "127.0.0.1", port: proxy.port, signal });
    },
    recovery: { initialDelayMs: 0 },
  });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const recovered = next(connection, "recovered");
  proxy.cut();
  assertEquals((await recovered).host, "far.example:5672");
  assertEquals((await channel.queueDeclare("q", { passive: true })).queue, "q");
  assertEquals(dialled, 2);
  await assertRejects(
    () => connect({ path: "/run/x", dial: () => Promise.reject(new Error("never")) }),
    TypeError,
    "dial takes the place of a path",
  );
});

Deno.test("the next host is tried when one is gone", async () => {
  await using first = new Broker();
  await using second = new Broker();
  const ports = [(await first.listen({ port: 0 })).port, (await second.listen({ port: 0 })).port];
  await using connection = await connect(ports.map((port) => `amqp://127.0.0.1:${port}`), {
    recovery: { initialDelayMs: 0 },
  });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const recovered = next(connection, "recovered");
  await first.close();
  assertEquals((await recovered).host, `127.0.0.1:${ports[1]}`);
  await channel.basicPublish({ routingKey: "q" }, "hello");
  assertEquals((await channel.basicGet("q"))?.text(), "hello");
  assertEquals([...second.queues()].length, 1);
});

Deno.test("connect() takes the first host that answers, and says why none does", async () => {
  await using broker = new Broker();
  const { port } = await broker.listen({ port: 0 });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const nobody = `amqp://127.0.0.1:${listener.addr.port}`;
  listener.close();
  const connection = await connect([nobody, `amqp://127.0.0.1:${port}`]);
  await connection.close();
  await assertRejects(() => connect([nobody, nobody]), Deno.errors.ConnectionRefused);
  await assertRejects(() => connect([]), TypeError, "list of addresses is empty");
});

Deno.test("a way of one's own to the broker that heeds no signal is given up all the same", async () => {
  const clock = new ManualClock();
  const dialled: PromiseWithResolvers<ByteStream>[] = [];
  const dial = () => {
    const one = Promise.withResolvers<ByteStream>();
    dialled.push(one);
    return one.promise;
  };
  const slow = connect({ dial, clock, connectTimeoutMs: 20 });
  const late = assertRejects(() => slow, DOMException, "raise connectTimeoutMs");
  while (dialled.length === 0) await new Promise((done) => setTimeout(done, 0));
  clock.advance(20);
  await late;
  const controller = new AbortController();
  const given = connect({ dial, clock, signal: controller.signal });
  while (dialled.length === 1) await new Promise((done) => setTimeout(done, 0));
  controller.abort(new Error("never mind"));
  await assertRejects(() => given, Error, "never mind");
  // what comes too late is closed, and what fails too late is nobody's news
  const [ours, theirs] = memoryTransports();
  const ended = theirs.read(new Uint8Array(1));
  dialled[0]!.resolve(ours);
  dialled[1]!.reject(new Error("refused"));
  assertEquals(await ended, null);
  assertEquals(clock.timers, 0);
});

Deno.test("attempts to make a connection anew leave nothing at the signal that ends them", async () => {
  const clock = new ManualClock();
  const [ours, theirs] = memoryTransports();
  const peer = new RawPeer(theirs);
  let attempts = 0;
  const connecting = connect({
    clock,
    heartbeatSeconds: 0,
    recovery: { initialDelayMs: 1, maxDelayMs: 1 },
    // deno-lint-ignore require-await -- others take time
    async dial() {
      if (attempts++ === 0) return ours;
      throw new Error("nobody is there");
    },
  });
  await peer.acceptClient();
  const connection = await connecting;
  let listeners = 0;
  const { addEventListener, removeEventListener } = AbortSignal.prototype;
  AbortSignal.prototype.addEventListener = function (
    this: AbortSignal,
    ...args: Parameters<typeof addEventListener>
  ) {
    listeners++;
    return addEventListener.apply(this, args);
  };
  AbortSignal.prototype.removeEventListener = function (
    this: AbortSignal,
    ...args: Parameters<typeof removeEventListener>
  ) {
    listeners--;
    return removeEventListener.apply(this, args);
  };
  try {
    await peer.close();
    while (attempts < 20) {
      await new Promise((done) => setTimeout(done, 0));
      clock.advance(1);
    }
    await turns(3);
    // that of the pause that goes on
    assert(listeners <= 1, `${listeners} listeners were left after ${attempts} attempts`);
  } finally {
    AbortSignal.prototype.addEventListener = addEventListener;
    AbortSignal.prototype.removeEventListener = removeEventListener;
    await connection.close();
  }
});

Deno.test("a queue that another one took meanwhile is left out and told of", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("changed");
  await channel.queueDeclare("same");
  await broker.deleteQueue({ queue: "changed" });
  await broker.declareQueue({ queue: "changed", durable: true });
  const failed = next(connection, "topology.failed");
  await stage.cut();
  const { what, error } = await failed;
  assertEquals(what, "queue changed");
  assertInstanceOf(error, AmqpError);
  assertEquals(error.replyCode, 406);
  await channel.queueDeclare("same", { passive: true });
});

Deno.test("a consumer whose queue is gone ends its channel, and no other", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  await broker.declareQueue({ queue: "theirs", autoDelete: true });
  const [channel, other] = [await connection.openChannel(), await connection.openChannel()];
  const consumer = await channel.basicConsume("theirs", {}, () => {});
  await stage.cut();
  const reason = await channel.closed;
  assertInstanceOf(reason, AmqpError);
  assertEquals([reason.replyCode, consumer.state], [404, "closed"]);
  await other.queueDeclare("");
});

Deno.test("hooks, and what they were told, are carried over", async () => {
  await using stage = await Stage.open();
  const { connection } = stage;
  const failed: unknown[] = [];
  connection.onError = (error) => void failed.push(error);
  const channel = await connection.openChannel();
  const returned = Promise.withResolvers<string>();
  channel.onReturn = (message) => returned.resolve(message.text());
  await stage.cut();
  await channel.basicPublish({ routingKey: "nowhere", mandatory: true }, "back");
  assertEquals(await returned.promise, "back");
  connection.on("lost", () => {
    throw new Error("listener");
  });
  await stage.cut();
  assertEquals(failed.map(String), ["Error: listener"]);
});

Deno.test("recovery: false leaves a lost connection closed", async () => {
  await using stage = await Stage.open({ recovery: false });
  const channel = await stage.connection.openChannel();
  const closed = next(stage.connection, "closed");
  stage.proxy.cut();
  assertInstanceOf(await stage.connection.closed, ConnectionLostError);
  assertInstanceOf((await closed).reason, ConnectionLostError);
  assertEquals(stage.connection.state, "closed");
  await assertRejects(() => channel.queueDeclare(""), ConnectionLostError);
});

Deno.test("a connection that is cut again and again while it is being made anew comes back", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  const channel = await connection.openChannel();
  for (let index = 0; index < 5; index++) await channel.queueDeclare(`q${index}`);
  const seen = deliveries();
  await channel.basicConsume("q0", {}, seen.take);
  let limit = 0;
  // one more byte of what the broker says gets through each time
  proxy.choose = () => {
    limit += 60;
    const max = limit;
    return {
      down: {
        // deno-lint-ignore require-await -- as the others
        async mangle(piece, before) {
          return before + piece.length > max ? [null] : [piece];
        },
      },
    };
  };
  const recovered = next(connection, "recovered");
  proxy.cut();
  const { attempts } = await recovered;
  assert(attempts > 10, `${attempts}`);
  proxy.choose = () => ({});
  await stage.cut();
  await channel.basicPublish({ routingKey: "q0" }, "hello");
  assertEquals((await seen.next()).text(), "hello");
  await channel.queueDeclare("", { exclusive: true });
});

const DAMAGE: readonly (readonly [string, number, readonly number[]])[] = [
  ["a method that there is not", 503, [0, 99, 0, 99]],
  ["a delivery on channel 0", 504, [0, 60, 0, 60, 1, 0x74, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]],
];
for (const [what, replyCode, payload] of DAMAGE) {
  Deno.test(`${what} from the broker is a damaged stream, and the next connection goes on`, async () => {
    await using stage = await Stage.open();
    const { connection, proxy } = stage;
    const frame = new Uint8Array([1, 0, 0, 0, 0, 0, payload.length, ...payload, 0xce]);
    let damages = false;
    proxy.choose = () => ({
      down: {
        // deno-lint-ignore require-await -- as the others
        async mangle(piece) {
          return damages ? [frame, piece] : [piece];
        },
      },
    });
    await stage.cut();
    proxy.choose = () => ({});
    damages = true;
    const lost = next(connection, "lost");
    const recovered = next(connection, "recovered");
    const ended = connection.closed.then((reason) => Promise.reject(reason));
    ended.catch(() => {}); // only if it comes first
    await assertRejects(() => connection.openChannel(), AmqpError);
    const { reason } = await Promise.race([lost, ended]);
    assertInstanceOf(reason, AmqpError);
    assertEquals(reason.replyCode, replyCode);
    await Promise.race([recovered, ended]);
    await (await connection.openChannel()).close();
  });
}
