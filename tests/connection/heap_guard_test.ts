import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AmqpError, Broker, type Channel, connect, type Connection } from "../../mod.ts";
import {
  basicAck,
  basicConsume,
  basicPublish,
  channelClose,
  channelOpen,
  connectionClose,
  connectionOpen,
  connectionTuneOk,
  queueDeclare,
  queueDelete,
} from "../../broker/amqp/methods/mod.ts";
import type { Session } from "../../broker/session.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { MadeUpMachine } from "../support/made_up_machine.ts";
import { serveWithHeap } from "./full_heap.ts";
import { sendStartOk, settle } from "./support.ts";

const LIMIT = 1_000_000_000;

/** A broker on a machine that is made up, with a client that has made one of each. */
async function start() {
  const machine = new MadeUpMachine();
  machine.heapLimit = LIMIT;
  const clock = new ManualClock();
  const options = { machine, clock }; // the machine is for tests, and no public option
  const broker = new Broker(options);
  const server = await broker.listen({ port: 0 });
  const connection = await connect(`amqp://127.0.0.1:${server.port}?heartbeat=0`, {
    recovery: false,
  });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.exchangeDeclare("e", "direct");
  await channel.queueBind({ queue: "q", exchange: "e", routingKey: "k" });
  const full = (on: boolean) => {
    machine.heapUsed = on ? LIMIT : 0;
    broker.setMemoryHighWatermark(LIMIT);
  };
  return {
    broker,
    clock,
    connection,
    channel,
    full,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await broker.close();
    },
  };
}

const MADE: Readonly<Record<string, (channel: Channel) => Promise<unknown>>> = {
  "declare queue 'more'": (channel) => channel.queueDeclare("more"),
  "declare exchange 'more' in vhost '/'": (channel) => channel.exchangeDeclare("more", "fanout"),
  "bind queue 'q' in vhost '/' to exchange 'e' in vhost '/'": (channel) =>
    channel.queueBind({ queue: "q", exchange: "e", routingKey: "more" }),
  "bind exchange 'amq.fanout' in vhost '/' to exchange 'e' in vhost '/'": (channel) =>
    channel.exchangeBind({ destination: "amq.fanout", source: "e" }),
  "consume from queue 'q' in vhost '/'": (channel) => channel.basicConsume("q", {}, () => {}),
};

for (const [what, make] of Object.entries(MADE)) {
  Deno.test(`While V8's heap is nearly full, nobody may ${what}`, async () => {
    await using stage = await start();
    const { channel, connection, full } = stage;
    full(true);
    const error = await assertRejects(() => make(channel), AmqpError, `cannot ${what}: the broker`);
    assertEquals(error.replyCode, 406);
    full(false);
    await make(await connection.openChannel());
  });
}

Deno.test("While V8's heap is nearly full, what is there can be used, declared again and deleted", async () => {
  await using stage = await start();
  const { channel, full } = stage;
  await channel.basicPublish({ routingKey: "q" }, "one");
  await channel.queueDeclare("q"); // by then it has come
  full(true);
  await channel.queueDeclare("q");
  await channel.exchangeDeclare("e", "direct");
  await channel.queueBind({ queue: "q", exchange: "e", routingKey: "k" });
  assertEquals((await channel.basicGet("q", { noAck: true }))?.text(), "one");
  await channel.queueUnbind({ queue: "q", exchange: "e", routingKey: "k" });
  await channel.queueDelete("q");
  await channel.exchangeDelete("e");
});

Deno.test("V8's heap is looked at for what is made, not only for what is published", async () => {
  const machine = new MadeUpMachine();
  machine.heapLimit = LIMIT;
  const options = { machine, heapHighWatermark: 0.8 };
  await using broker = new Broker(options);
  await using connection = await broker.connect();
  const error = await assertRejects(() => declareUntilRefused(connection, machine), AmqpError);
  assertEquals([error.replyCode, machine.heapUsed < LIMIT], [406, true]);
});

/** Each takes as much of the heap as real ones do. */
async function declareUntilRefused(connection: Connection, machine: MadeUpMachine): Promise<void> {
  const channel = await connection.openChannel();
  machine.heapUsed = 0.75 * LIMIT;
  for (let index = 0; index < 100_000; index++) {
    machine.heapUsed += 4000;
    await channel.queueDeclare(`${index}`);
  }
}

// ---- channels and connections

Deno.test("While V8's heap is nearly full, nobody more comes in, and is told why as by other limits", async () => {
  await using stage = await serveWithHeap();
  const { served, full } = stage;
  full(true);
  const peer = served.dial();
  await sendStartOk(peer);
  const offered = await peer.expect(0, "connection.tune");
  await peer.send(0, connectionTuneOk({ ...offered, heartbeat: 0 }));
  await peer.send(0, connectionOpen({ virtualHost: "/" }));
  const { replyCode, replyText } = await peer.expect(0, "connection.close");
  assertEquals(replyCode, 530);
  assertEquals(
    replyText,
    "NOT_ALLOWED - connection refused: the broker's memory is nearly used up",
  );
  full(false);
  await served.login();
});

Deno.test("While V8's heap is nearly full, only a few may be on their way in", async () => {
  await using stage = await serveWithHeap();
  const { served, full } = stage;
  const inside = await served.login();
  const early = served.dial();
  await sendStartOk(early);
  await early.expect(0, "connection.tune");
  full(true);
  const others = Array.from({ length: 63 }, () => served.dial());
  for (const other of others) await sendStartOk(other);
  const late = served.dial();
  await late.expectEnd();
  const refused = served.logger.lines.filter((line) => line.includes("refused, since"));
  assertEquals(refused.length, 1);
  assertMatch(refused[0]!, /refused, since the broker's memory is nearly used up$/);
  // one of them goes: there is a place again, and what is there goes on
  others[0]!.close();
  await settle();
  const next = served.dial();
  await sendStartOk(next);
  await next.expect(0, "connection.tune");
  await inside.send(1, queueDeclare({ queue: "q", passive: true }));
  assertEquals((await inside.expect(1, "channel.close")).replyCode, 404);
  full(false);
  await served.login();
});

Deno.test("While V8's heap is nearly full, one more channel waits to be opened, and the others go on", async () => {
  await using stage = await serveWithHeap();
  const { served, full } = stage;
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "c" }));
  await peer.expect(1, "basic.consume-ok");
  await peer.send(1, basicPublish({ routingKey: "q" }), { body: "one" });
  await peer.expectContent(1, "basic.deliver");
  full(true);
  // what is sent for it at once waits with it
  await peer.send(2, channelOpen());
  await peer.send(2, basicPublish({ routingKey: "q" }), { body: "two" });
  await peer.send(2, queueDeclare({ queue: "q", passive: true }));
  await peer.send(3, channelOpen());
  await peer.send(1, basicAck({ deliveryTag: 1 }));
  await peer.send(1, queueDeclare({ queue: "q", passive: true }));
  await peer.expect(1, "queue.declare-ok");
  assertEquals([...served.broker.channels()].length, 1);
  assertEquals([...served.broker.queues()][0]?.messagesUnacknowledged, 0);
  full(false);
  await peer.expect(2, "channel.open-ok");
  assertEquals((await peer.expectContent(1, "basic.deliver")).text, "two");
  assertEquals((await peer.expect(2, "queue.declare-ok")).messageCount, 0);
  await peer.expect(3, "channel.open-ok");
  assertEquals([...served.broker.channels()].length, 3);
});

Deno.test("While V8's heap is nearly full, a client without a channel gets one, by which it can delete", async () => {
  await using stage = await serveWithHeap();
  const { served, full } = stage;
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  await peer.send(1, channelClose());
  await peer.expect(1, "channel.close-ok");
  full(true);
  await peer.send(1, channelOpen());
  await peer.expect(1, "channel.open-ok");
  await peer.send(1, queueDelete({ queue: "q" }));
  await peer.expect(1, "queue.delete-ok");
});

Deno.test("Channels that wait for room count for the limit, and go with their connection", async () => {
  await using stage = await serveWithHeap();
  const { served, full } = stage;
  const [peer, other] = [
    await served.login({ tuning: { channelMax: 2 } }),
    await served.login({ tuning: { channelMax: 2 } }),
  ];
  full(true);
  await other.send(2, channelOpen());
  await other.send(2, basicPublish({ routingKey: "q" }), { body: "lost" });
  other.close();
  await peer.send(2, channelOpen());
  await peer.send(3, channelOpen());
  assertEquals((await peer.expect(0, "connection.close")).replyCode, 530);
  full(false);
  await settle();
  assertEquals([...served.broker.channels()], []);
});

Deno.test("A channel that waits for room is not taken for the one of its number that was closed", async () => {
  await using stage = await serveWithHeap();
  const { served, full } = stage;
  const peer = await served.login();
  await peer.send(2, channelOpen());
  await peer.expect(2, "channel.open-ok");
  await peer.send(2, queueDeclare({ queue: "missing", passive: true }));
  await peer.expect(2, "channel.close");
  // it closes as well, and does not confirm the broker's close
  await peer.send(2, channelClose());
  await peer.expect(2, "channel.close-ok");
  full(true);
  await peer.send(2, channelOpen());
  await peer.send(2, queueDeclare({ queue: "q" }));
  await peer.send(2, basicPublish({ routingKey: "q" }), { body: "one" });
  await peer.send(2, queueDeclare({ queue: "q", passive: true }));
  await settle();
  full(false);
  await peer.expect(2, "channel.open-ok");
  await peer.expect(2, "queue.declare-ok");
  assertEquals((await peer.expect(2, "queue.declare-ok")).messageCount, 1);
});

Deno.test("Messages that wait for a channel are waited for by an orderly close, and their loss is logged", async () => {
  for (const end of ["in time", "too late", "the socket"] as const) {
    await using stage = await serveWithHeap();
    const { served, full } = stage;
    const peer = await served.login();
    await peer.send(1, queueDeclare({ queue: "q" }));
    await peer.expect(1, "queue.declare-ok");
    full(true);
    await peer.send(2, channelOpen());
    for (const body of ["one", "two"]) {
      await peer.send(2, basicPublish({ routingKey: "q" }), { body });
    }
    if (end === "the socket") peer.close();
    else await peer.send(0, connectionClose());
    await settle();
    if (end === "in time") {
      full(false);
      await peer.expect(2, "channel.open-ok");
    } else if (end === "too late") served.clock.advance(5000);
    if (end !== "the socket") await peer.expect(0, "connection.close-ok");
    const lost = "2 messages that waited to be published are dropped";
    const isLogged = served.logger.of("warning").some((line) => line.includes(lost));
    assertEquals(isLogged, end !== "in time", end);
    full(false);
    await settle();
    assertEquals([...served.broker.queues()][0]?.messagesReady, end === "in time" ? 2 : 0, end);
  }
});

/** Methods that a client may have kept of it, and more. */
const TOO_MUCH = queueDeclare({
  queue: "q",
  arguments: { "x-note": "x".repeat(100_000) },
  noWait: true,
});

for (const heartbeat of [0, 10]) {
  for (const what of ["held channel", "blocked channel"] as const) {
    const when = heartbeat === 0 ? "when there is room again" : "by the next heartbeat";
    Deno.test(`That a client goes of whose ${what} as much waits as may is seen ${when}`, async () => {
      await using stage = await serveWithHeap();
      const { served, full } = stage;
      const peer = await served.login({ tuning: { heartbeat } });
      full(true);
      if (what === "held channel") await peer.send(2, channelOpen());
      else await peer.send(1, basicPublish({ routingKey: "elsewhere" }), { body: "held" });
      await peer.send(what === "held channel" ? 2 : 1, TOO_MUCH);
      await settle();
      // its silence says nothing, since it is not read
      for (let second = 0; second < 60; second++) served.clock.advance(1000);
      await settle();
      assertEquals([...served.broker.connections()].length, 1);
      peer.close();
      for (let second = 0; second < 60; second++) served.clock.advance(1000);
      await settle();
      assertEquals([...served.broker.connections()].length, heartbeat === 0 ? 1 : 0);
      full(false);
      await settle();
      assertEquals([...served.broker.connections()].length, 0);
    });
  }
}

Deno.test("While V8's heap is nearly full, programs and operators go on as before", async () => {
  await using stage = await serveWithHeap();
  const { served: { broker }, full } = stage;
  full(true);
  await using connection = await broker.connect();
  for (let channels = 0; channels < 3; channels++) await connection.openChannel();
  const { session } = await broker.login({
    name: "guest",
    password: "guest",
    peerHostname: "127.0.0.1",
  }) as { session: Session };
  await using asUser = await session.connect("/");
  await asUser.openChannel();
});
