import { assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import type { FieldValue } from "../../broker/amqp/field_table.ts";
import type { Authenticator } from "../../broker/auth/authenticator.ts";
import { Broker } from "../../broker/broker.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import { connect } from "../../client/connect.ts";
import type { Channel } from "../../client/channel.ts";
import type { Connection } from "../../client/connection.ts";
import type { ConnectOptions } from "../../client/options.ts";
import { outcome, refusalOf } from "./observe.ts";

/**
 * What can only be observed of a broker whose options the test has chosen: there is nothing to
 * compare with.
 *
 * @module
 */

/** Both ways to a broker. */
const WAYS = {
  "in process": connectInProcess,
  "over TCP": connectOverTcp,
};

interface Way extends AsyncDisposable {
  readonly broker: Broker;
  readonly connection: Connection;
  readonly connect: () => Promise<Connection>;
}

async function connectInProcess(options: BrokerOptions): Promise<Way> {
  const broker = new Broker(options);
  const connect = () => broker.connect();
  const connection = await connect();
  return { broker, connection, connect, [Symbol.asyncDispose]: () => broker.close() };
}

async function connectOverTcp(options: BrokerOptions): Promise<Way> {
  const broker = new Broker(options);
  const { port } = await broker.listen({ port: 0 });
  const another = () => connect({ hostname: "127.0.0.1", port, recovery: false });
  const connection = await another();
  return { broker, connection, connect: another, [Symbol.asyncDispose]: () => broker.close() };
}

/** Logs in at a broker behind a socket and tells how it was refused. */
async function refusedLogin(options: BrokerOptions, client: ConnectOptions): Promise<unknown> {
  await using broker = new Broker(options);
  const { port } = await broker.listen({ port: 0 });
  const login = connect({ hostname: "127.0.0.1", port, ...client });
  return refusalOf(await assertRejects(() => login, AmqpError));
}

for (const [name, dial] of Object.entries(WAYS)) {
  Deno.test(`What was taken before a channel or connection ends is confirmed, ${name}`, async () => {
    await using way = await dial({});
    const ends: Record<string, (channel: Channel, connection: Connection) => unknown> = {
      "the broker closes the channel": (channel) => channel.basicPublish({ exchange: "gone" }, "x"),
      "the program closes it": (channel) => channel.close(),
      "the broker closes the connection": (channel) => channel.channelFlow({ active: false }),
      "the program closes that": (_, connection) => connection.close(),
    };
    for (const [how, end] of Object.entries(ends)) {
      const connection = await way.connect();
      const channel = await connection.openChannel();
      const { queue } = await channel.queueDeclare();
      await channel.confirmSelect();
      const taken = [1, 2, 3].map(() =>
        channel.basicPublish({ routingKey: queue }, "x")!.then(() => "confirmed", String)
      );
      // in the same turn
      Promise.resolve(end(channel, connection)).catch(() => {});
      assertEquals(await Promise.all(taken), Array(3).fill("confirmed"), how);
      await connection.close();
    }
  });

  Deno.test(`A body may be as large as the broker allows and no larger, ${name}`, async () => {
    await using way = await dial({ messageSizeMax: 1000 });
    const channel = await way.connection.openChannel();
    const { queue } = await channel.queueDeclare();
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: queue }, new Uint8Array(1000));
    const larger = channel.basicPublish({ routingKey: queue }, new Uint8Array(1001));
    assertEquals(await outcome(larger), [
      406,
      "PRECONDITION_FAILED - message size 1001 is larger than configured max size 1000",
      "basic.publish",
    ]);
    const next = await way.connection.openChannel();
    assertEquals((await next.basicGet(queue))?.body.length, 1000);
  });

  Deno.test(`A broker that closes tells its clients, ${name}`, async () => {
    await using way = await dial({});
    const channel = await way.connection.openChannel();
    await way.broker.close();
    const reasons = [await way.connection.closed, await channel.closed];
    const text = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'";
    assertEquals(reasons.map(refusalOf), [[320, text, "none"], [320, text, "none"]]);
  });
}

Deno.test("A message's user id is compared with who logged in", async () => {
  await using broker = new Broker();
  await broker.addUser("alice");
  await broker.setPermissions({ user: "alice", configure: ".*", write: ".*", read: ".*" });
  await using connection = await broker.connect({ user: "alice" });
  const channel = await connection.openChannel();
  const { queue } = await channel.queueDeclare();
  channel.basicPublish({ routingKey: queue, properties: { userId: "alice" } }, "");
  channel.basicPublish({ routingKey: queue, properties: { userId: "guest" } }, "");
  const reason = await channel.closed;
  assertInstanceOf(reason, AmqpError);
  assertEquals(
    reason.message,
    "PRECONDITION_FAILED - user_id property set to 'guest' but authenticated user was 'alice'",
  );
});

Deno.test("LavinMQ's name for direct replies is one too", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const replyTo = "amq.direct.reply-to";
  const reply = Promise.withResolvers<string>();
  await channel.basicConsume(replyTo, { noAck: true }, (delivery) => {
    reply.resolve(delivery.text());
  });
  await channel.queueDeclare("requests");
  await channel.basicPublish({ routingKey: "requests", properties: { replyTo } }, "ping");
  const request = await channel.basicGet("requests", { noAck: true });
  await channel.basicPublish({ routingKey: request!.properties.replyTo! }, "pong");
  assertEquals(await reply.promise, "pong");
});

Deno.test("A name that the broker gives may begin as its client wants", async () => {
  await using way = await connectInProcess({});
  const { connection, broker } = way;
  const declare = async (name: string, prefix: FieldValue) => {
    const arguments_ = { "x-name-prefix": prefix, "x-expires": 60_000 };
    const channel = await connection.openChannel();
    return await channel.queueDeclare(name, { exclusive: true, arguments: arguments_ });
  };
  const named = /^svc-[\w-]{22}$/;
  assertMatch((await declare("", "svc")).queue, named);
  assertMatch((await declare("", "s\nvc")).queue, named);
  const longest = "x".repeat(64);
  assertMatch((await declare("", longest)).queue, /^x{64}-[\w-]{22}$/);
  for (const none of ["", 5]) assertMatch((await declare("", none)).queue, /^amq\.gen-/);
  assertEquals((await declare("own", "svc")).queue, "own");
  assertEquals((await declare("own", "other")).queue, "own");
  assertEquals([...broker.queues()].map((queue) => queue.arguments), [
    ...Array(6).fill({ "x-expires": 60_000 }),
  ]);
  assertEquals(await outcome(declare("", `${longest}y`)), [
    406,
    `PRECONDITION_FAILED - Queue name prefix '${longest}y' exceeds the 64-byte limit`,
    "queue.declare",
  ]);
});

Deno.test("Vhosts share no names", async () => {
  await using broker = new Broker({ vhosts: ["/", "other"] });
  const { port } = await broker.listen({ port: 0 });
  await using one = await connect({ hostname: "127.0.0.1", port });
  await using two = await connect({ hostname: "127.0.0.1", port, vhost: "other" });
  const [here, there] = [await one.openChannel(), await two.openChannel()];
  await here.queueDeclare("q");
  assertEquals(await outcome(there.queueDeclare("q", { passive: true })), [
    404,
    "NOT_FOUND - no queue 'q' in vhost 'other'",
    "queue.declare",
  ]);
});

Deno.test("An exclusive queue of one vhost does not concern another one's of that name", async () => {
  await using broker = new Broker({ vhosts: ["/", "other"] });
  await using one = await broker.connect();
  await using two = await broker.connect({ vhost: "other" });
  await (await one.openChannel()).queueDeclare("q", { exclusive: true });
  const { queue } = await (await two.openChannel()).queueDeclare("q", { exclusive: true });
  assertEquals(queue, "q");
});

Deno.test("A client with a wrong password or vhost learns why", async () => {
  assertEquals(await refusedLogin({}, { password: "wrong" }), [
    403,
    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the " +
    "broker logfile.",
    "none",
  ]);
  assertEquals(await refusedLogin({}, { vhost: "nope" }), [
    530,
    "NOT_ALLOWED - vhost nope not found",
    "connection.open",
  ]);
});

Deno.test("guest may not come from another machine, and is told no more than others", async () => {
  const farAway: Authenticator = {
    mechanisms: ["PLAIN"],
    authenticate: () => ({ refused: "user 'guest' can only connect via localhost" }),
  };
  assertEquals(await refusedLogin({ authenticator: farAway }, {}), [
    403,
    "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the " +
    "broker logfile.",
    "none",
  ]);
});
