import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AmqpError, Broker, connect, type Connection, type Delivery } from "../../mod.ts";
import { RecordingTracer } from "./recording_tracer.ts";

interface Stage extends AsyncDisposable {
  readonly broker: Broker;
  readonly tracer: RecordingTracer;
  readonly connection: Connection;
}

/** A broker that is traced, and a client that is not. */
async function stage(): Promise<Stage> {
  const tracer = new RecordingTracer();
  const broker = new Broker({ tracer });
  const connection = await broker.connect();
  return {
    broker,
    tracer,
    connection,
    [Symbol.asyncDispose]: () => broker.close(),
  };
}

Deno.test("a publish and its delivery are spans of one trace, which the consumer can go on with", async () => {
  await using at = await stage();
  const channel = await at.connection.openChannel();
  await channel.queueDeclare("q");
  const delivered = Promise.withResolvers<Delivery>();
  await channel.basicConsume("q", {}, delivered.resolve);
  const properties = { headers: { trace: "mine", other: 1n }, messageId: "m", expiration: "60000" };
  await channel.basicPublish({ routingKey: "q", properties }, "body");
  const delivery = await delivered.promise;
  assertEquals(at.tracer.story, ["mine > 1 publish", "1 > 2 deliver q"]);
  assertEquals(delivery.properties, {
    ...properties,
    headers: { trace: "2", other: 1 },
  });
  assertEquals(delivery.text(), "body");
  const [publish, deliver] = at.tracer.spans;
  assertEquals(publish!.outcome, { queues: 1 });
  assertEquals(publish!.operation.vhost, "/");
  assertEquals(publish!.operation.connection, "local-1");
  assertEquals(publish!.operation.bodySize, 4);
  const { deliveryTag, consumerTag, redelivered } = deliver!.operation;
  assertEquals(
    { deliveryTag, consumerTag, redelivered },
    { deliveryTag: 1, consumerTag: delivery.consumerTag, redelivered: false },
  );
});

Deno.test("a message that waits keeps its trace, and each delivery of it is a span", async () => {
  await using at = await stage();
  const channel = await at.connection.openChannel();
  await channel.queueDeclare("q");
  channel.basicPublish({ routingKey: "q" }, "body");
  const first = await channel.basicGet("q");
  first!.nack();
  const second = await channel.basicGet("q");
  assertEquals(second!.redelivered, true);
  assertEquals(second!.properties.headers?.["trace"], "3");
  assertEquals(at.tracer.story, ["- > 1 publish", "1 > 2 get q", "1 > 3 get q"]);
  assertEquals(at.tracer.spans[2]!.operation.redelivered, true);
});

Deno.test("deliveries without acks, dead letters and direct replies are traced too", async () => {
  await using at = await stage();
  const channel = await at.connection.openChannel();
  await channel.queueDeclare("dead");
  await channel.queueDeclare("q", {
    arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" },
  });
  channel.basicPublish({ routingKey: "q" }, "body");
  (await channel.basicGet("q"))!.reject({ requeue: false });
  const noAck = Promise.withResolvers<Delivery>();
  await channel.basicConsume("dead", { noAck: true }, noAck.resolve);
  assertEquals((await noAck.promise).properties.headers?.["trace"], "3");
  assertEquals(at.tracer.story, ["- > 1 publish", "1 > 2 get q", "1 > 3 deliver dead"]);

  at.tracer.spans.length = 0;
  const reply = Promise.withResolvers<Delivery>();
  await channel.basicConsume("amq.rabbitmq.reply-to", { noAck: true }, reply.resolve);
  const properties = { replyTo: "amq.rabbitmq.reply-to" };
  channel.basicPublish({ routingKey: "q", properties }, "request");
  const { properties: { replyTo } } = (await channel.basicGet("q"))!;
  assert(replyTo!.startsWith("amq.rabbitmq.reply-to."));
  const answer = { headers: { trace: "answer" } };
  channel.basicPublish({ routingKey: replyTo!, properties: answer }, "reply");
  assertEquals((await reply.promise).text(), "reply");
  assertEquals(at.tracer.story.slice(2), [
    "answer > 3 publish",
    "3 > 4 deliver amq.rabbitmq.reply-to",
  ]);
});

Deno.test("a message that the tracer does not want passes as it is", async () => {
  await using at = await stage();
  const channel = await at.connection.openChannel();
  await channel.queueDeclare("q");
  const properties = { headers: { trace: "ignored" } };
  channel.basicPublish({ routingKey: "q", properties }, "body");
  assertEquals((await channel.basicGet("q"))!.properties, properties);
  assertEquals(at.tracer.spans, []);
});

Deno.test("a publish that is refused ends its span with the error", async () => {
  await using at = await stage();
  const channel = await at.connection.openChannel();
  const properties = { headers: { CC: "no list" } };
  channel.basicPublish({ exchange: "amq.direct", properties }, "body");
  const reason = await channel.closed;
  assert(reason instanceof AmqpError);
  assertEquals(at.tracer.spans.map(({ outcome }) => outcome), [{
    error: at.tracer.spans[0]!.outcome!.error,
  }]);
  assert(at.tracer.spans[0]!.outcome!.error instanceof AmqpError);
});

Deno.test("what a transaction holds is traced when it comes, and the firehose tells of it besides", async () => {
  await using at = await stage();
  at.broker.setTracing("/", true);
  const channel = await at.connection.openChannel();
  await channel.queueDeclare("q");
  await channel.queueDeclare("copies");
  await channel.queueBind({ queue: "copies", exchange: "amq.rabbitmq.trace", routingKey: "#" });
  const other = await at.connection.openChannel();
  const keys: string[] = [];
  const told = Promise.withResolvers<void>();
  await other.basicConsume("copies", { noAck: true }, ({ routingKey }) => {
    if (keys.push(routingKey) === 2) told.resolve();
  });
  await channel.txSelect();
  channel.basicPublish({ routingKey: "q" }, "one");
  await channel.txCommit();
  other.basicPublish({ routingKey: "q" }, "two");
  await told.promise;
  assertEquals(keys, ["publish.", "publish."]);
  const publishes = at.tracer.spans.filter(({ operation }) => operation.name === "publish");
  assertEquals(publishes.map(({ outcome }) => outcome), [{ error: undefined }, { queues: 1 }]);
  assertEquals((await other.basicGet("q", { noAck: true }))!.text(), "one");
});

Deno.test("a stored publish ends when it is on disk", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    const tracer = new RecordingTracer();
    await using broker = new Broker({ tracer, dataDir });
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q", { durable: true });
    await channel.confirmSelect();
    const confirmed = channel.basicPublish(
      { routingKey: "q", properties: { deliveryMode: 2 } },
      "body",
    );
    assertEquals(tracer.spans[0]!.outcome, undefined);
    await confirmed;
    assertEquals(tracer.spans[0]!.outcome, { error: undefined, queues: 1 });
    await broker.close();

    // the trace is on disk with the message
    const later = new RecordingTracer();
    await using restarted = new Broker({ tracer: later, dataDir });
    await using again = await restarted.connect();
    await (await again.openChannel()).basicGet("q", { noAck: true });
    assertEquals(later.story, ["1 > 1 get q"]);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a client tells of what it sends, and what its callbacks do belongs to the message", async () => {
  const tracer = new RecordingTracer();
  await using broker = new Broker();
  await using connection = await broker.connect({ tracer });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const running = Promise.withResolvers<string | undefined>();
  const work = Promise.withResolvers<void>();
  await channel.basicConsume("q", {}, () => {
    running.resolve(tracer.running);
    return work.promise;
  });
  channel.basicPublish({ routingKey: "q" }, "grüß");
  assertEquals(await running.promise, "2");
  assertEquals(tracer.story, ["- > 1 send", "1 > 2 process q"]);
  assertEquals(tracer.spans[0]!.operation.bodySize, 6);
  assertEquals(tracer.spans[0]!.outcome, {});
  assertEquals(tracer.spans[1]!.outcome, undefined, "its callback is at work");
  work.resolve();
  await work.promise;
  await Promise.resolve();
  assertEquals(tracer.spans[1]!.outcome, {});
});

Deno.test("a client's send ends with its confirm, or with what went wrong", async () => {
  const tracer = new RecordingTracer();
  await using broker = new Broker();
  await using connection = await broker.connect({ tracer });
  const channel = await connection.openChannel();
  await channel.queueDeclare("full", {
    arguments: { "x-max-length": 0, "x-overflow": "reject-publish" },
  });
  await channel.confirmSelect();
  await channel.basicPublish({ exchange: "amq.fanout" }, "to nobody");
  await assertRejects(async () => await channel.basicPublish({ routingKey: "full" }, "refused"));
  assertEquals(tracer.spans.map(({ outcome }) => (outcome?.error as Error)?.name), [
    undefined,
    "PublishNackedError",
  ]);
  assert(tracer.spans[0]!.outcome !== undefined);
});

Deno.test("publisher, consumer and RPC are traced over TCP, with the broker's address", async () => {
  const tracer = new RecordingTracer();
  await using broker = new Broker({ tracer });
  await using server = await broker.listen({ port: 0 });
  await using connection = await connect(server.url, { tracer, recovery: false });
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await using publisher = await connection.publisher({ routingKey: "q" });
  const handled = Promise.withResolvers<string | undefined>();
  {
    await using _consumer = await connection.consumer({ queue: "q" }, () => {
      handled.resolve(tracer.running);
    });
    await publisher.publish({ id: 1 });
    assertEquals(await handled.promise, "4");
  }
  assertEquals(tracer.story, ["- > 1 send", "1 > 2 publish", "2 > 3 deliver q", "3 > 4 process q"]);
  assertEquals(tracer.spans[0]!.operation.server, { address: "127.0.0.1", port: server.port });

  tracer.spans.length = 0;
  await publisher.publish({ id: 2 });
  for await (const message of await connection.consumer({ queue: "q" })) {
    message.ack();
    break;
  }
  assertEquals(tracer.story.at(-1), "3 > 4 receive q");

  await using _server = await connection.serve("double", (n: number) => 2 * n);
  await using client = await connection.rpc<number, number>("double");
  tracer.spans.length = 0;
  assertEquals(await client.call(21), 42);
  assertEquals(tracer.story, [
    "- > 1 send",
    "1 > 2 publish",
    "2 > 3 deliver double",
    "3 > 4 process double",
    "- > 5 send",
    "5 > 6 publish",
    "6 > 7 deliver amq.rabbitmq.reply-to",
  ]);
});

Deno.test("what is no message is refused with a tracer as without one, and each span has an end", async () => {
  await using broker = new Broker();
  const tracer = new RecordingTracer();
  await using connection = await broker.connect({ tracer });
  const channel = await connection.openChannel();
  const publish = channel.basicPublish.bind(channel) as (options: unknown, body?: unknown) => void;
  for (const body of [undefined, null, 5, {}]) {
    assertThrows(() => publish({}, body), TypeError, "not a Uint8Array or a string");
  }
  assertThrows(() => publish({ properties: null }, "x"), TypeError, "null is not an object");
  for (const headers of [5, null, ["a"], new Map([["a", 1]])]) {
    assertThrows(() => publish({ properties: { headers } }, "x"), TypeError, "not a field table");
  }
  assertEquals(tracer.spans.filter(({ outcome }) => outcome === undefined), []);
});
