import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { basicAck } from "../../broker/amqp/methods/basic.ts";
import { channelClose } from "../../broker/amqp/methods/channel.ts";
import { confirmSelectOk } from "../../broker/amqp/methods/confirm.ts";
import { connectionBlocked, connectionUnblocked } from "../../broker/amqp/methods/connection.ts";
import {
  AmqpError,
  Broker,
  BufferFullError,
  ClosedError,
  connect,
  ConnectionLostError,
  EncodeError,
  type FieldTable,
} from "../../mod.ts";
import { within } from "../support/within.ts";
import { Scripted } from "./scripted.ts";
import { next, Stage } from "./stage.ts";

/** So long that nothing is made anew during a test. */
const NEVER = { recovery: { initialDelayMs: 1_000_000 } };
/** Longer than anything takes without pauses. */
const LATE_MS = 30_000;

Deno.test("Publisher.publish() waits while the broker is blocked, confirms or not", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  const [publisher] = await Promise.all([
    connection.publisher({ routingKey: "q", confirm: false, maxBuffered: 1 }),
    peer.acceptChannel(2),
  ]);
  const blocked = next(connection, "blocked");
  await peer.send(0, connectionBlocked({ reason: "low on memory" }));
  assertEquals((await blocked).reason, "low on memory");
  assertEquals(connection.blocked, "low on memory");
  let done = false;
  const publishing = publisher.publish("x").then(() => done = true);
  assertEquals(publisher.buffered, 1);
  await assertRejects(() => publisher.publish("y"), BufferFullError, "1 messages");
  assertEquals(done, false);
  const unblocked = next(connection, "unblocked");
  await peer.send(0, connectionUnblocked());
  assertEquals((await unblocked).reason, "low on memory");
  await publishing;
  await peer.expect(2, "basic.publish");
  assertEquals(publisher.buffered, 0);
});

Deno.test("a stream's writer that waits for a confirm goes on when the broker is unblocked after it", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  const [publisher] = await Promise.all([
    connection.publisher({ routingKey: "q", maxUnconfirmed: 1 }),
    (async () => {
      await peer.acceptChannel(2);
      await peer.expect(2, "confirm.select");
      await peer.send(2, confirmSelectOk());
    })(),
  ]);
  const writer = publisher.writable().getWriter();
  await writer.write("one");
  await peer.expectContent(2, "basic.publish");
  const second = writer.write("two"); // as many as may be are unconfirmed
  const blocked = next(connection, "blocked");
  await peer.send(0, connectionBlocked({ reason: "low on memory" }));
  await blocked;
  await peer.send(2, basicAck({ deliveryTag: 1 }));
  const unblocked = next(connection, "unblocked");
  await peer.send(0, connectionUnblocked());
  await unblocked;
  await second;
  assertEquals((await peer.expectContent(2, "basic.publish")).text, "two");
});

Deno.test("a publisher that is closed while its channel alone is made anew settles what it has", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await broker.declareQueue({ queue: "q" });
  const publisher = await connection.publisher({ routingKey: "q" });
  let sent: Promise<void> | undefined;
  await publisher.publish("x", { exchange: "missing" }).catch(() => {
    sent = publisher.publish("y");
    return publisher.close();
  });
  await sent;
  const channel = await connection.openChannel();
  assertEquals((await channel.basicGet("q"))?.text(), "y");
});

Deno.test("properties that do not fit a frame are refused, and nobody else hears of it", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  const publisher = await connection.publisher({ routingKey: "q" });
  const channel = await connection.openChannel();
  let lost = 0;
  connection.on("lost", () => lost++);
  const large: FieldTable[] = [{ a: "a".repeat(131_072) }, { list: ["é".repeat(70_000)] }];
  for (const headers of large) {
    await assertRejects(
      () => publisher.publish("x", { properties: { headers } }),
      EncodeError,
      "a frame of this connection has at most 131064",
    );
    await assertRejects(
      async () => await channel.basicPublish({ routingKey: "q", properties: { headers } }, "x"),
      EncodeError,
    );
  }
  await channel.basicPublish({ routingKey: "q" }, "without");
  assertEquals((await channel.basicGet("q", { noAck: true }))?.properties, {});
  const headers = { a: "a".repeat(130_900) };
  await publisher.publish("fits", { properties: { headers } });
  const got = await channel.basicGet("q", { noAck: true });
  assertEquals(got?.properties.headers, headers);
  assertEquals(lost, 0);
});

Deno.test("headers that change after a publish do not change what is sent later", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const publisher = await connection.publisher({ routingKey: "q" });
  const recovered = next(connection, "recovered");
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  const headers: Record<string, unknown> = { n: 1 };
  const sent = publisher.publish("x", { properties: { headers: headers as FieldTable } });
  headers.n = () => {}; // of which nothing could be made
  await Promise.all([recovered, sent]);
  assertEquals((await channel.basicGet("q", { noAck: true }))?.properties.headers, { n: 1 });
});

Deno.test("messages published while there is no connection wait for it, up to a bound", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const publisher = await connection.publisher({ routingKey: "q", maxBuffered: 2 });
  const bytes = await connection.publisher({ routingKey: "q", maxBufferedBytes: 5 });
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  const body = new Uint8Array([1, 2]);
  const sent = [publisher.publish("one"), publisher.publish(body), bytes.publish("12345")];
  body.fill(9); // it is the caller's again
  await assertRejects(() => publisher.publish("three"), BufferFullError, "2 messages");
  await assertRejects(() => bytes.publish("6"), BufferFullError, "5 bytes");
  await Promise.all([recovered, ...sent]);
  const seen: (string | undefined)[] = [];
  for (let count = 0; count < 3; count++) {
    seen.push(String((await channel.basicGet("q", { noAck: true }))?.body));
  }
  assertEquals(seen.includes("1,2"), true, seen.join("; "));
});

Deno.test("texts that wait count in bytes, and one that can never wait is told so", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const options = { routingKey: "q", maxBufferedBytes: 10_000 };
  const publisher = await connection.publisher(options);
  const full = await connection.publisher(options);
  const lost = next(connection, "lost");
  const recovered = next(connection, "recovered");
  proxy.cut();
  await lost;
  const texts = ["grüße", "€".repeat(3000), "😀".repeat(100), "", "x".repeat(586), "é"];
  const sent = texts.map((text) => publisher.publish(text));
  for (const text of ["ééé", "xxxxxx"]) {
    await assertRejects(
      () => publisher.publish(text),
      BufferFullError,
      "9995 bytes wait already, and 10000 may",
    );
  }
  const large = [new Uint8Array(10_001), "x".repeat(10_001), "€".repeat(3334)];
  for (const body of large) {
    await assertRejects(
      () => full.publish(body),
      BufferFullError,
      "its body is larger than the 10000 bytes that may wait; await",
    );
  }
  sent.push(full.publish("€".repeat(3333)));
  await Promise.all([recovered, ...sent]);
  const seen: unknown[] = [];
  for await (const { body } of await connection.consumer({ queue: "q", noAck: true })) {
    seen.push(body);
    if (seen.length === sent.length) break;
  }
  assertEquals(seen.toSorted(), [...texts, "€".repeat(3333)].toSorted());
});

Deno.test("bodies that are being compressed wait within the bounds, counted as what they were", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await broker.declareQueue({ queue: "q" });
  const properties = { contentEncoding: "gzip" };
  const options = { routingKey: "q", properties };
  const publisher = await connection.publisher({ ...options, maxBufferedBytes: 250_000 });
  const body = new Uint8Array(100_000);
  const sent = [publisher.publish(body), publisher.publish(body)];
  await assertRejects(() => publisher.publish(body), BufferFullError, "200000 bytes");
  // what is not compressed would overtake them
  sent.push(publisher.publish("plain", { properties: { contentEncoding: "utf-8" } }));
  assertEquals([publisher.buffered, publisher.unconfirmedCount], [3, 0]);
  await Promise.all(sent);
  sent.push(publisher.publish(body), publisher.publish(body)); // there is room for as much again
  await publisher.flush();

  const few = await connection.publisher({ ...options, maxBuffered: 2 });
  sent.push(few.publish(body), few.publish(body));
  await assertRejects(() => few.publish(body), BufferFullError, "2 messages");
  // one that nothing goes before waits for nobody, whatever the bounds
  const none = await connection.publisher({ ...options, maxBuffered: 0, maxBufferedBytes: 0 });
  sent.push(none.publish(body));
  await Promise.all(sent);
  const channel = await connection.openChannel();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, sent.length);
});

Deno.test("a stream hands in no more while a body is being compressed", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await broker.declareQueue({ queue: "q" });
  const properties = { contentEncoding: "gzip" };
  const publisher = await connection.publisher({ routingKey: "q", properties, maxBuffered: 1 });
  let most = 0;
  const bodies = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(10_000));
  const watched = ReadableStream.from(bodies).pipeThrough(
    new TransformStream({
      transform(body, controller) {
        most = Math.max(most, publisher.buffered);
        controller.enqueue(body);
      },
    }),
  );
  await watched.pipeTo(publisher.writable());
  assertEquals(most, 1);
  const channel = await connection.openChannel();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, bodies.length);
});

Deno.test("a compressed message that was given up holds nobody up, nor do the headers of one change", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await broker.declareQueue({ queue: "q" });
  const publisher = await connection.publisher({ routingKey: "q", maxBufferedBytes: 30_000 });
  const controller = new AbortController();
  const { signal } = controller;
  const contentEncoding = "gzip";
  const body = new Uint8Array(10_000);
  const headers: Record<string, unknown> = { n: 1 };
  const first = publisher.publish(body, {
    properties: { contentEncoding, headers: headers as FieldTable },
  });
  headers.n = 2;
  body.fill(7);
  const given = publisher.publish(body, { properties: { contentEncoding }, signal });
  const after = publisher.publish(body);
  controller.abort(new Error("never mind"));
  await assertRejects(() => given, Error, "never mind");
  const one = publisher.publish(body); // in its place
  await Promise.all([first, after, one]);
  const messages = await connection.consumer<Uint8Array>({ queue: "q", noAck: true });
  const { value } = await messages.next();
  assertEquals([value?.body, value?.properties.headers], [new Uint8Array(10_000), { n: 1 }]);
  for (let count = 0; count < 2; count++) {
    assertEquals((await messages.next()).value?.delivery.bodySize, 10_000);
  }
  await messages.close();
  assertEquals([publisher.buffered, publisher.unconfirmedCount], [0, 0]);
});

Deno.test("messages published while there is no connection reject when that is chosen", async () => {
  await using stage = await Stage.open(NEVER);
  const { connection, proxy } = stage;
  const publisher = await connection.publisher({ whileAway: "reject" });
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  await assertRejects(() => publisher.publish("x"), ConnectionLostError, "being made anew");
});

Deno.test("messages published while the channel alone is made anew wait for it, whatever is chosen", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await broker.declareQueue({ queue: "q" });
  const publisher = await connection.publisher({ routingKey: "q", whileAway: "reject" });
  let state: readonly unknown[] = [];
  await publisher.publish("x", { exchange: "missing" }).catch(() => {
    const sent = publisher.publish("y");
    state = [publisher.buffered, connection.state];
    return sent;
  });
  assertEquals(state, [1, "open"]);
});

Deno.test("unconfirmed messages are published again, with the id that they had", async () => {
  await using stage = await Stage.open();
  const { connection, proxy } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const publisher = await connection.publisher({ routingKey: "q" });
  // what goes up arrives, what comes down does not
  let swallowing = false;
  const { promise: over, resolve: goOn } = Promise.withResolvers<void>();
  proxy.choose = () => ({
    down: {
      async mangle(piece) {
        if (!swallowing) return [piece];
        await over;
        return [null];
      },
    },
  });
  await stage.cut();
  await publisher.publish("0"); // it is at work on the new connection
  swallowing = true;
  const publishing = ["1", "2", "3"].map((body) => publisher.publish(body));
  await arrived(stage, 4);
  proxy.choose = () => ({});
  goOn();
  proxy.cut();
  await Promise.all(publishing);
  const ids: (string | undefined)[] = [];
  await channel.basicGet("q", { noAck: true });
  for (;;) {
    const delivery = await channel.basicGet("q", { noAck: true });
    if (delivery === undefined) break;
    ids.push(`${delivery.text()} ${delivery.properties.messageId}`);
  }
  assertEquals(ids.length, 6);
  assertEquals(ids.slice(3), ids.slice(0, 3));
});

/** Waits until so many messages have reached the broker, which tells nobody. */
async function arrived(stage: Stage, count: number): Promise<void> {
  await using local = await stage.broker.connect();
  const channel = await local.openChannel();
  for (let messageCount = 0; messageCount < count;) {
    ({ messageCount } = await channel.queueDeclare("q", { passive: true }));
  }
}

Deno.test("unconfirmed messages reject when that is chosen", async () => {
  await using stage = await Stage.open();
  const publisher = await stage.connection.publisher({ routingKey: "q", unconfirmed: "reject" });
  const recovered = next(stage.connection, "recovered");
  const publishing = publisher.publish("x");
  stage.proxy.cut();
  await assertRejects(() => publishing, ConnectionLostError, "Cannot tell whether");
  await recovered;
  await publisher.publish("y");
});

Deno.test("of those that reject, only what is of the refused size is told so", async () => {
  await using broker = new Broker({ messageSizeMax: 20 });
  await using server = await broker.listen({ port: 0 });
  await using connection = await connect(`amqp://127.0.0.1:${server.port}`);
  await broker.declareQueue({ queue: "q" });
  const publisher = await connection.publisher({ routingKey: "q", unconfirmed: "reject" });
  const bodies = ["x".repeat(20), "é".repeat(11), "x".repeat(20), "é".repeat(11)];
  const outcomes = await Promise.allSettled(bodies.map((body) => publisher.publish(body)));
  const reasons = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason);
  assertInstanceOf(reasons[1], AmqpError);
  assertMatch(reasons[1].message, /message size 22 is larger than configured max size 20/);
  assertEquals(reasons[3], reasons[1]);
  assertInstanceOf(reasons[2], ConnectionLostError);
  assertEquals(reasons[2].cause, reasons[1]);
  await publisher.publish("after");
});

for (
  const [what, write, topics, publishes, words] of [
    ["exchange", "^amq.topic$", ".*", [
      { exchange: "amq.topic", routingKey: "a" },
      { routingKey: "q" },
      { exchange: "amq.topic", routingKey: "b" },
      { routingKey: "q" },
    ], "'amq.default' in vhost"],
    ["key", ".*", "^a$", [
      { exchange: "amq.topic", routingKey: "a" },
      { exchange: "amq.topic", routingKey: "b" },
      { exchange: "", routingKey: "b" },
      { exchange: "amq.topic", routingKey: "b" },
    ], "to topic 'b' in exchange 'amq.topic'"],
  ] as const
) {
  Deno.test(`of those that reject, only what has the ${what} that must not be used is told so`, async () => {
    await using broker = new Broker();
    await broker.declareQueue({ queue: "q" });
    await broker.addUser("ann", { password: "s3cret" });
    await broker.setPermissions({ user: "ann", configure: "", write, read: "" });
    const topic = { user: "ann", exchange: "amq.topic", write: topics, read: "" };
    await broker.setTopicPermissions(topic);
    await using server = await broker.listen({ port: 0 });
    await using connection = await connect({
      hostname: "127.0.0.1",
      port: server.port,
      username: "ann",
      password: "s3cret",
    });
    const publisher = await connection.publisher({ unconfirmed: "reject" });
    const outcomes = await Promise.allSettled(publishes.map((one) => publisher.publish("x", one)));
    const reasons = outcomes.map((outcome) => (outcome as PromiseRejectedResult).reason);
    assertInstanceOf(reasons[1], AmqpError);
    assertEquals([reasons[1].replyCode, reasons[1].message.includes(words)], [403, true]);
    assertEquals(reasons[3], reasons[1]);
    assertInstanceOf(reasons[2], ConnectionLostError);
    assertEquals(reasons[2].cause, reasons[1]);
  });
}

Deno.test("of those that reject for words that quote nothing, none is told that it was refused", async () => {
  await using script = await Scripted.open();
  const { connection, peer } = script;
  const [publisher] = await Promise.all([
    connection.publisher({ routingKey: "q", unconfirmed: "reject" }),
    (async () => {
      await peer.acceptChannel(2);
      await peer.expect(2, "confirm.select");
      await peer.send(2, confirmSelectOk());
    })(),
  ]);
  const sent = ["1", "2", "3"].map((body) => publisher.publish(body));
  void Promise.allSettled(sent); // they reject while the test waits for the first one
  await peer.send(2, basicAck({ deliveryTag: 1 }));
  const replyText = "PRECONDITION_FAILED - no";
  await peer.send(2, channelClose({ replyCode: 406, replyText, classId: 60, methodId: 40 }));
  await sent[0];
  for (const one of sent.slice(1)) {
    const { cause } = await assertRejects(() => one, ConnectionLostError, "the channel was closed");
    assertInstanceOf(cause, AmqpError);
  }
});

Deno.test("a publisher without confirms opens its next channel at once, however often", async () => {
  await using stage = await Stage.open();
  const { connection } = stage;
  const publisher = await connection.publisher({ exchange: "missing", confirm: false });
  let time = 0;
  const often = async () => {
    for (; time < 20; time++) {
      const recovered = next(connection, "channel.recovered");
      await publisher.publish("x");
      await recovered;
    }
  };
  // with growing pauses it would be minutes
  await within(LATE_MS, often(), () => `channel ${time}`);
});

Deno.test("a publisher that is closed while there is no connection rejects what waits", async () => {
  await using stage = await Stage.open(NEVER);
  const { connection, proxy } = stage;
  const publisher = await connection.publisher();
  const lost = next(connection, "lost");
  proxy.cut();
  await lost;
  const refused = assertRejects(() => publisher.publish("x"), ClosedError, "publisher is closed");
  await publisher.close();
  await refused;
});

for (const exchangeOf of [(n: number) => `missing-${n}`, () => "missing"]) {
  Deno.test(`50 messages to ${exchangeOf(0)} and so on hold up the others by no pauses`, async () => {
    await using stage = await Stage.open();
    const { connection } = stage;
    await (await connection.openChannel()).queueDeclare("q");
    const publisher = await connection.publisher({ routingKey: "q" });
    let channels = 0;
    connection.on("channel.recovered", () => channels++);
    const sent = Array.from(
      { length: 100 },
      (_, n) => publisher.publish(`${n}`, { exchange: n % 2 === 0 ? "" : exchangeOf(n) }),
    );
    // with growing pauses it would be a quarter of an hour
    const outcomes = await within(LATE_MS, Promise.allSettled(sent), () => `${channels} channels`);
    assertEquals(
      outcomes.map((outcome) => outcome.status === "rejected" ? outcome.reason.replyCode : 0),
      outcomes.map((_, n) => n % 2 === 0 ? 0 : 404),
    );
    await publisher.publish("after");
    assertEquals(channels, exchangeOf(0) === exchangeOf(1) ? 2 : 51);
  });
}

Deno.test("everything ends when its connection has ended for good, and says why", async () => {
  const stage = await Stage.open({ recovery: { initialDelayMs: 0, maxAttempts: 1 } });
  const { connection, proxy, server } = stage;
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const publisher = await connection.publisher({ routingKey: "q" });
  const consumer = await connection.consumer({ queue: "q" });
  const rpcServer = await connection.serve("calls", () => "never");
  const client = await connection.rpc("calls");
  const waiting = consumer.next();
  server.close();
  const lost = next(connection, "lost");
  proxy.cut();
  const settled = Promise.allSettled([waiting, client.call("x")]);
  await lost;
  await assertRejects(() => publisher.publish("x"), ConnectionLostError);
  for (const outcome of await settled) {
    assertInstanceOf(outcome.status === "rejected" && outcome.reason, ConnectionLostError);
  }
  assertInstanceOf(await connection.closed, ConnectionLostError);
  for (const ended of [consumer.closed, rpcServer.closed]) {
    assertInstanceOf(await ended, ConnectionLostError);
  }
  await assertRejects(() => publisher.publish("x"), ConnectionLostError, "1 attempts");
  await assertRejects(() => client.call("x"), ConnectionLostError);
  await Promise.all([publisher, consumer, rpcServer, client].map((one) => one.close()));
  await stage[Symbol.asyncDispose]();
});

Deno.test("a consumer comes back when its queue does, and late acks are forgotten", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  const publisher = await connection.publisher({ routingKey: "q", mandatory: true });
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  const again = Promise.withResolvers<void>();
  const consumer = await connection.consumer<string>({ queue: "q" }, async (message) => {
    seen.push(`${message.body}${message.redelivered ? " again" : ""}`);
    if (seen.length === 1) await gate.promise;
    if (seen.at(-1) === "two") again.resolve();
  });
  await publisher.publish("one");
  await stage.cut();
  gate.resolve(); // its ack is of a former connection
  await publisher.publish("1");
  const failed = next(connection, "topology.failed");
  await broker.deleteQueue({ queue: "q" });
  const { what, error } = await failed;
  assertEquals(what, "consumer of queue q");
  assertInstanceOf(error, AmqpError);
  assertEquals(error.replyCode, 404);
  await broker.declareQueue({ queue: "q" });
  await publisher.publish("two");
  await again.promise;
  assert(seen.includes("one again"), seen.join());
  assertEquals(await consumer.close(), undefined);
});

Deno.test("a message that fails again waits before it is put back, and close() waits for no pause", async () => {
  await using stage = await Stage.open();
  const { connection, broker } = stage;
  await broker.declareQueue({ queue: "q" });
  const publisher = await connection.publisher({ routingKey: "q" });
  await publisher.publish("poison");
  let count = 0;
  const second = Promise.withResolvers<void>();
  const consumer = await connection.consumer({ queue: "q", requeueDelayMs: 1_000_000 }, () => {
    if (++count === 2) second.resolve();
    throw new Error("cannot");
  });
  await second.promise;
  await Promise.resolve();
  await consumer.close();
  assertEquals(count, 2);
  const channel = await connection.openChannel();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 1);
});
