import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { Broker } from "../../broker/broker.ts";
import { DIRECT_REPLY_TO } from "../../broker/vhost/names.ts";
import { connect } from "../../client/connect.ts";
import { testEachWay } from "../support/ways.ts";
import { outcome, type Refusal, refusalOf } from "./observe.ts";

/**
 * How much there may be of everything, each with RabbitMQ's error. The limits of a vhost are in
 * `tests/broker/vhosts_test.ts`.
 *
 * @module
 */

async function refused(action: Promise<unknown>): Promise<Refusal> {
  return refusalOf(await assertRejects(() => action, AmqpError));
}

testEachWay("so many connections and no more", { connectionMax: 2 }, async (way) => {
  const [one, two] = [await way.connect(), await way.connect()];
  const text = "NOT_ALLOWED - connection refused: node connection limit (2) is reached";
  const [code, reason] = await refused(way.connect());
  assertEquals([code, reason], [530, text]);
  await one.close();
  const three = await way.connect();
  await (await three.openChannel()).queueDeclare("q");
  // the others do not feel it
  await two.openChannel();
});

Deno.test("connections that come at the same moment are counted one by one", async () => {
  await using broker = new Broker({ connectionMax: 2 });
  await broker.setVhostLimits({ maxConnections: 1 }, { vhost: "/" });
  const { port } = await broker.listen({ port: 0 });
  const dial = () => connect({ hostname: "127.0.0.1", port, recovery: false });
  const all = await Promise.allSettled(Array.from({ length: 8 }, dial));
  assertEquals(all.filter(({ status }) => status === "fulfilled").length, 1);
  await broker.setVhostLimits({});
  const more = await Promise.allSettled(Array.from({ length: 8 }, dial));
  assertEquals(more.filter(({ status }) => status === "fulfilled").length, 1);
});

Deno.test("a connection that is refused is blamed on connection.open, and asked before its vhost", async () => {
  await using broker = new Broker({ connectionMax: 0 });
  const { port } = await broker.listen({ port: 0 });
  assertEquals(await refused(connect({ hostname: "127.0.0.1", port, vhost: "none" })), [
    530,
    "NOT_ALLOWED - connection refused: node connection limit (0) is reached",
    "connection.open",
  ]);
});

Deno.test("a connection is refused for the broker's sake, its vhost's, its user's, in this order", async () => {
  await using broker = new Broker({ connectionMax: 1 });
  await broker.addUser("u", { password: "secret", limits: { maxConnections: 0 } });
  await broker.setVhostLimits({ maxConnections: 0 });
  const { port } = await broker.listen({ port: 0 });
  const login = { hostname: "127.0.0.1", port, username: "u", password: "secret" };
  const ways = [() => broker.connect({ user: "u" }), () => connect(login)];
  const refusals = async () => {
    const all = await Promise.all(ways.map((dial) => refused(dial())));
    const [first, ...others] = all.map(([code, text]) => `${code} ${text}`);
    assertEquals(others, [first!]);
    return first;
  };
  await broker.addVhost("elsewhere");
  const other = await broker.connect({ vhost: "elsewhere" });
  assertEquals(
    await refusals(),
    "530 NOT_ALLOWED - connection refused: node connection limit (1) is reached",
  );
  await other.close();
  assertEquals(
    await refusals(),
    "530 NOT_ALLOWED - access to vhost '/' refused for user 'u': connection limit (0) is reached",
  );
  await broker.setVhostLimits({});
  assertEquals(
    await refusals(),
    "530 NOT_ALLOWED - connection refused for user 'u': user connection limit (0) is reached",
  );
  await broker.setUserLimits("u", {});
  assertEquals(await refusals(), "530 NOT_ALLOWED - access to vhost '/' refused for user 'u'");
  await broker.setPermissions({ user: "u", configure: "", write: "", read: "" });
  await (await connect(login)).close();
});

testEachWay("a channel is refused for its user's sake first", { channelMaxPerNode: 1 }, async (
  { broker, connect },
) => {
  await broker.setUserLimits("guest", { maxChannels: 1 });
  const user = await broker.connect({ user: "guest" });
  const channel = await user.openChannel();
  assertEquals(
    (await refused((await broker.connect({ user: "guest" })).openChannel()))[1],
    "NOT_ALLOWED - number of channels opened for user 'guest' has reached the maximum allowed user " +
      "limit of 1",
  );
  await broker.setUserLimits("guest", {});
  assertEquals(
    (await refused((await connect()).openChannel()))[1],
    "NOT_ALLOWED - number of channels opened on node 'warren@localhost' has reached the maximum " +
      "allowed limit of 1",
  );
  await channel.close();
  // those that were refused have not been counted
  await user.openChannel();
});

Deno.test("what may not be declared is refused before arguments and limits are looked at", async () => {
  await using broker = new Broker({ profile: "4.3", queueMax: 0, exchangeMax: 0 });
  const permissions = { user: "guest", configure: "^x$", write: "", read: "^x$" };
  await broker.setPermissions(permissions);
  const connection = await broker.connect({ user: "guest" });
  const declareQueue = async (name: string, arguments_: FieldTable, durable = false) => {
    const channel = await connection.openChannel();
    return await refused(channel.queueDeclare(name, { durable, arguments: arguments_ }));
  };
  const declareExchange = async (name: string, arguments_: FieldTable) => {
    const channel = await connection.openChannel();
    return await refused(channel.exchangeDeclare(name, "direct", { arguments: arguments_ }));
  };
  const no = (permission: string, what: string) =>
    `ACCESS_REFUSED - ${permission} access to ${what} in vhost '/' refused for user 'guest'`;
  const wrong = { "x-max-length": -1, "x-dead-letter-exchange": "dead" };
  assertEquals((await declareQueue("q", wrong))[1], no("configure", "queue 'q'"));
  assertEquals((await declareQueue("x", wrong))[1], no("write", "exchange 'dead'"));
  const alternate = { "alternate-exchange": "dead" };
  assertEquals((await declareExchange("e", alternate))[1], no("configure", "exchange 'e'"));
  assertEquals((await declareExchange("x", alternate))[1], no("write", "exchange 'dead'"));
  // then arguments, then limits
  await broker.setPermissions({ ...permissions, write: "^dead$" });
  assertMatch((await declareQueue("x", wrong))[1], /^PRECONDITION_FAILED - .*x-max-length/);
  assertMatch((await declareExchange("x", alternate))[1], /exchange limit of 0 is reached$/);
  assertMatch((await declareQueue("x", {}, true))[1], /queue limit in cluster \(0\) is reached$/);
});

testEachWay("so many channels on a connection", { channelMax: 2 }, async (way) => {
  const connection = await way.connect();
  const channel = await connection.openChannel();
  await connection.openChannel();
  await assertRejects(() => connection.openChannel());
  await channel.close();
  await connection.openChannel();
});

testEachWay("so many channels on all connections", { channelMaxPerNode: 3 }, async (way) => {
  const connection = await way.connect();
  const [first, second] = [await connection.openChannel(), await connection.openChannel()];
  const last = await way.openChannel();
  const unlucky = await way.connect();
  assertEquals(await refused(unlucky.openChannel()), [
    530,
    "NOT_ALLOWED - number of channels opened on node 'warren@localhost' has reached the maximum " +
    "allowed limit of 3",
    "channel.open",
  ]);
  // each way in which one ends makes room for another
  await first.close();
  const third = await connection.openChannel();
  await outcome(third.queueDeclare("nowhere", { passive: true }));
  const fourth = await connection.openChannel();
  await connection.close();
  await assertRejects(() => fourth.queueDeclare("q"));
  await assertRejects(() => second.queueDeclare("q"));
  const [fifth, sixth] = [await way.openChannel(), await way.openChannel()];
  for (const channel of [last, fifth, sixth]) await channel.queueDeclare("q");
  assertEquals((await refused(way.openChannel()))[0], 530);
});

testEachWay("so many consumers on a channel", { consumerMaxPerChannel: 2 }, async (way) => {
  const connection = await way.connect();
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare();
  await channel.basicConsume(queue, { consumerTag: "one" }, () => {});
  const two = await channel.basicConsume(queue, { consumerTag: "two" }, () => {});
  await two.cancel();
  await channel.basicConsume(queue, { consumerTag: "three" }, () => {});
  await (await connection.openChannel()).basicConsume(queue, {}, () => {});
  assertEquals(await refused(channel.basicConsume(queue, {}, () => {})), [
    530,
    "NOT_ALLOWED - reached maximum (2) of consumers per channel",
    "basic.consume",
  ]);
});

testEachWay("so many messages in a transaction", { txMessageMaxPerChannel: 2 }, async (way) => {
  const connection = await way.connect();
  const channel = await connection.openChannel();
  const { queue } = await (await way.openChannel()).queueDeclare();
  const publish = () => channel.basicPublish({ routingKey: queue }, "x");
  await channel.txSelect();
  for (let round = 0; round < 2; round++) {
    for (let count = 0; count < 2; count++) publish();
    await channel.txCommit();
  }
  for (let count = 0; count < 3; count++) publish();
  assertEquals(await refused(channel.txCommit()), [
    406,
    "PRECONDITION_FAILED - transaction has reached the maximum of 2 uncommitted publishes",
    "basic.publish",
  ]);
  const other = await connection.openChannel();
  assertEquals((await other.queuePurge(queue)).messageCount, 4);
});

testEachWay("a consumer of replies needs room as well", { consumerMaxPerChannel: 0 }, async (
  way,
) => {
  const channel = await way.openChannel();
  const consumed = await refused(channel.basicConsume(DIRECT_REPLY_TO, { noAck: true }, () => {}));
  assertEquals(consumed[1], "NOT_ALLOWED - reached maximum (0) of consumers per channel");
});

testEachWay("so many queues in all vhosts", { queueMax: 2, vhosts: ["/", "other"] }, async (
  way,
) => {
  const there = await way.broker.connect({ vhost: "other" });
  await (await there.openChannel()).queueDeclare("first");
  const connection = await way.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("second");
  const text = (queue: string) =>
    `PRECONDITION_FAILED - cannot declare queue '${queue}': queue limit in cluster (2) is reached`;
  assertEquals(await refused(channel.queueDeclare("third")), [406, text("third"), "queue.declare"]);
  const next = await connection.openChannel();
  // what is there may be declared again
  await next.queueDeclare("second");
  await next.queueDelete("second");
  await next.queueDeclare("third");
  // a vhost's own limit is looked at first
  await way.broker.setVhostLimits({ maxQueues: 1 });
  assertEquals(
    (await refused(next.queueDeclare("fourth")))[1],
    "PRECONDITION_FAILED - cannot declare queue 'fourth': queue limit in vhost '/' (1) is reached",
  );
});

// seven of AMQP and RabbitMQ, and two on which the broker tells of itself
testEachWay("so many exchanges in all vhosts", { exchangeMax: 10 }, async (way) => {
  const connection = await way.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("one", "direct");
  assertEquals(await refused(channel.exchangeDeclare("two", "direct")), [
    406,
    "PRECONDITION_FAILED - cannot declare exchange 'two' in vhost '/': exchange limit of 10 is " +
    "reached",
    "exchange.declare",
  ]);
  const next = await connection.openChannel();
  await next.exchangeDeclare("one", "direct");
  await next.exchangeDeclare("amq.topic", "topic", { durable: true });
  await next.exchangeDelete("one");
  await next.exchangeDeclare("two", "direct");
});

Deno.test("limits that were lowered leave alone what the disk remembers", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-limits-" });
  try {
    {
      await using broker = new Broker({ dataDir });
      const channel = await (await broker.connect()).openChannel();
      for (const name of ["one", "two"]) {
        await channel.queueDeclare(name, { durable: true });
        await channel.exchangeDeclare(name, "fanout", { durable: true });
      }
    }
    await using broker = new Broker({ dataDir, queueMax: 1, exchangeMax: 0 });
    const channel = await (await broker.connect()).openChannel();
    for (const name of ["one", "two"]) {
      await channel.queueDeclare(name, { durable: true });
      await channel.exchangeDeclare(name, "fanout", { durable: true });
    }
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

testEachWay("a broker that takes empty bodies alone", { messageSizeMax: 0 }, async (way) => {
  const channel = await way.openChannel();
  await channel.confirmSelect();
  await channel.basicPublish({ routingKey: "q" }, "");
  assertEquals(
    (await refused(channel.basicPublish({ routingKey: "q" }, "1") as Promise<void>))[1],
    "PRECONDITION_FAILED - message size 1 is larger than configured max size 0",
  );
});
