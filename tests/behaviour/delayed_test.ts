import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import type { Channel } from "../../client/channel.ts";
import { connect } from "../../client/connect.ts";
import type { Connection } from "../../client/connection.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { attempt, drain, outcome, type Refusal } from "./observe.ts";

/**
 * Delayed messages by a broker whose clock the test moves. RabbitMQ's plugin for them does not come
 * with it, so there is nothing to compare with.
 *
 * @module
 */

interface Way extends AsyncDisposable {
  readonly broker: Broker;
  readonly clock: ManualClock;
  readonly connection: Connection;
  readonly channel: Channel;
}

/** Both ways to a broker. */
const WAYS: Readonly<Record<string, (broker: Broker) => Promise<Connection>>> = {
  "in process": (broker) => broker.connect(),
  "over TCP": async (broker) => {
    const { port } = await broker.listen({ port: 0 });
    return await connect({ hostname: "127.0.0.1", port, recovery: false });
  },
};

/** How many messages reached no queue and were not held back. */
const dropped = (broker: Broker): number =>
  [...broker.meters("vhost")][0]!.values["dropUnroutable"]!;

for (const [name, dial] of Object.entries(WAYS)) {
  const open = async (): Promise<Way> => {
    const clock = new ManualClock();
    const broker = new Broker({ clock });
    const connection = await dial(broker);
    const channel = await connection.openChannel();
    await channel.confirmSelect();
    return { broker, clock, connection, channel, [Symbol.asyncDispose]: () => broker.close() };
  };

  /** A delayed exchange with a queue. */
  const setUp = async ({ channel }: Way, type = "direct") => {
    await channel.exchangeDeclare("later", "x-delayed-message", {
      arguments: { "x-delayed-type": type },
    });
    const { queue } = await channel.queueDeclare("q");
    await channel.queueBind({ queue, exchange: "later", routingKey: "k" });
  };

  Deno.test(`What a delayed exchange holds back is not counted as lost by a commit, ${name}`, async () => {
    await using way = await open();
    await setUp(way);
    const channel = await way.connection.openChannel();
    await channel.txSelect();
    const headers = { "x-delay": 1000 };
    const lost = { exchange: "later", routingKey: "nobody's" };
    channel.basicPublish(lost, "at once");
    channel.basicPublish(
      { exchange: "later", routingKey: "k", properties: { headers } },
      "later",
    );
    await channel.txCommit();
    // the last one that was routed is another one than those that are committed
    assertEquals(dropped(way.broker), 1);
    channel.basicPublish(
      { exchange: "later", routingKey: "k", properties: { headers } },
      "later",
    );
    channel.basicPublish(lost, "at once");
    await channel.txCommit();
    assertEquals(dropped(way.broker), 2);
  });

  Deno.test(`A message with a delay arrives after it, ${name}`, async () => {
    await using way = await open();
    const { channel, clock } = way;
    await setUp(way);
    for (const delay of [300, 100, 200, 0, -5]) {
      const properties = { headers: { "x-delay": delay } };
      await channel.basicPublish({ exchange: "later", routingKey: "k", properties }, `${delay}`);
    }
    await channel.basicPublish({ exchange: "later", routingKey: "k" }, "none");
    assertEquals(await drain(channel, "q"), ["0", "-5", "none"]);
    clock.advance(250);
    assertEquals(await drain(channel, "q"), ["100", "200"]);
    clock.advance(50);
    assertEquals(await drain(channel, "q"), ["300"]);
  });

  Deno.test(`A consumer gets a delayed message with its delay made negative, ${name}`, async () => {
    await using way = await open();
    const { channel, clock } = way;
    await setUp(way);
    const body = new Uint8Array(100_000).fill(7);
    const properties = { messageId: "m", headers: { "x-delay": "50", other: "x" } };
    await channel.basicPublish({ exchange: "later", routingKey: "k", properties }, body);
    const consumer = await channel.basicConsume("q", { noAck: true });
    clock.advance(50);
    for await (const delivery of consumer) {
      const { messageId, headers } = delivery.properties;
      assertEquals([messageId, headers], ["m", { "x-delay": -50, other: "x" }]);
      assertEquals([delivery.exchange, delivery.routingKey], ["later", "k"]);
      assertEquals(delivery.body, body);
      break;
    }
  });

  Deno.test(`A mandatory message that is delayed comes back, and arrives later, ${name}`, async () => {
    await using way = await open();
    const { channel, clock } = way;
    await setUp(way);
    const returned: unknown[] = [];
    channel.onReturn = (message) => {
      const { replyText, routingKey, properties } = message;
      returned.push([replyText, routingKey, message.text(), properties.headers]);
    };
    const headers = { "x-delay": 10 };
    const message = {
      exchange: "later",
      routingKey: "k",
      mandatory: true,
      properties: { headers },
    };
    await channel.basicPublish(message, "m");
    clock.advance(10);
    assertEquals(returned, [["NO_ROUTE", "k", "m", headers]]);
    assertEquals(await drain(channel, "q"), ["m"]);
  });

  Deno.test(`A queue that is gone when a delayed message is due does not get it, ${name}`, async () => {
    await using way = await open();
    const { channel, clock } = way;
    await setUp(way);
    const properties = { headers: { "x-delay": 10 } };
    await channel.basicPublish({ exchange: "later", routingKey: "k", properties }, "m");
    await channel.queueDelete("q");
    await channel.queueDeclare("q");
    clock.advance(10);
    assertEquals(await drain(channel, "q"), []);
  });

  Deno.test(`An exchange may be declared as delayed with a type that there is only, ${name}`, async () => {
    await using way = await open();
    const { connection } = way;
    const declare = async (arguments_: Record<string, string>) => {
      const channel = await connection.openChannel();
      return await attempt(() =>
        channel.exchangeDeclare("x", "x-delayed-message", { arguments: arguments_ })
      );
    };
    const refused = (
      text: string,
    ): Refusal => [406, `PRECONDITION_FAILED - ${text}`, "exchange.declare"];
    const missing = "Invalid argument, 'x-delayed-type' must be an existing exchange type";
    const own = "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'";
    assertEquals(await declare({}), refused(missing));
    assertEquals(await declare({ "x-delayed-type": "x-delayed-message" }), refused(own));
    assertEquals(await declare({ "x-delayed-type": "no" }), refused("unknown exchange type 'no'"));
    assertEquals(await declare({ "x-delayed-type": "topic" }), "ok");
  });

  Deno.test(`A delayed message is confirmed at once, ${name}`, async () => {
    await using way = await open();
    await setUp(way);
    const properties = { headers: { "x-delay": 4_000_000_000 } };
    const message = { exchange: "later", routingKey: "k", properties };
    assertEquals(await outcome(way.channel.basicPublish(message, "m")), "ok");
  });
}

Deno.test("A broker that closes waits for no delayed message", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("later", "x-delayed-message", {
    arguments: { "x-delayed-type": "fanout" },
  });
  await channel.confirmSelect();
  const properties = { headers: { "x-delay": 1_000_000 } };
  await channel.basicPublish({ exchange: "later", properties }, "m");
});

Deno.test("A delay passes by the machine's clock", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.exchangeDeclare("later", "x-delayed-message", {
    arguments: { "x-delayed-type": "fanout" },
  });
  const { queue } = await channel.queueDeclare();
  await channel.queueBind({ queue, exchange: "later" });
  const messages = (await channel.basicConsume(queue, { noAck: true }))[Symbol.asyncIterator]();
  // on a busy machine the last one may be published when the first is due: then with more time
  let inTime = false;
  for (let ms = 1; !inTime; ms *= 4) {
    const began = Date.now();
    const delays = [30 * ms, 5 * ms, ms];
    for (const delay of delays) {
      const properties = { headers: { "x-delay": delay } };
      channel.basicPublish({ exchange: "later", properties }, `${delay}`);
    }
    inTime = Date.now() - began < 4 * ms;
    const bodies: number[] = [];
    while (bodies.length < 3) bodies.push(Number((await messages.next()).value!.text()));
    if (inTime) assertEquals(bodies, delays.toReversed());
    assertGreaterOrEqual(Date.now() - began, delays[0]!);
  }
});
