import { assertEquals, assertRejects } from "@std/assert";
import { AmqpError } from "../../broker/amqp/error.ts";
import { Broker } from "../../broker/broker.ts";
import { DefinitionError } from "../../broker/policy/error.ts";

Deno.test("what an operator declares and binds is there for clients, and survives a restart", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-topology-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(dataDir, { recursive: true }));
  {
    await using broker = new Broker({ dataDir });
    await broker.declareExchange({ exchange: "x", type: "headers" });
    await broker.declareExchange({
      exchange: "y",
      type: "fanout",
      autoDelete: true,
      durable: false,
    });
    await broker.declareExchange({ exchange: "x", type: "headers" });
    assertEquals(await broker.declareQueue({ queue: "q", arguments: { "x-max-length": 3 } }), "q");
    assertEquals(await broker.declareQueue({ queue: "q", arguments: { "x-max-length": 3n } }), "q");
    assertEquals((await broker.declareQueue({ queue: "" })).startsWith("amq.gen-"), true);
    await broker.bind({ source: "x", destination: "q", arguments: { a: 1 } });
    await broker.bind({ source: "x", destination: "y", destinationType: "exchange" });
  }
  await using broker = new Broker({ dataDir });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.basicPublish({ exchange: "x", properties: { headers: { a: 1 } } }, "here");
  await channel.basicPublish({ exchange: "x", properties: { headers: { a: 2 } } }, "not here");
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 1);
  assertEquals([...broker.exchanges({ exchange: "y" })], []);
  await broker.unbind({ source: "x", destination: "q", arguments: { a: 1n } });
  assertEquals([...broker.bindings({ source: "x" })], []);
  await broker.deleteExchange({ exchange: "x", ifUnused: true });
  assertEquals(await broker.deleteQueue({ queue: "q" }), 1);
  assertEquals([...broker.queues({ queue: "q" })], []);
});

Deno.test("an operator purges a queue, and deletes one that is a connection's alone", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.exchangeDeclare("x", "fanout");
  for (const text of ["one", "two", "three"]) {
    await channel.basicPublish({ routingKey: "mine" }, text);
  }
  const delivery = await channel.basicGet("mine");
  assertEquals(await broker.purgeQueue({ queue: "mine" }), 2);
  await delivery!.nack({ requeue: true });
  await broker.bind({ source: "x", destination: "mine" });
  await broker.unbind({ source: "x", destination: "mine" });
  const cancelled = Promise.withResolvers<void>();
  await channel.basicConsume("mine", { onCancel: cancelled.resolve }, () => {});
  assertEquals(await broker.deleteQueue({ queue: "mine" }), 0);
  await cancelled.promise;
});

Deno.test("what an operator asks for in vain says why", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.queueDeclare("mine", { exclusive: true });
  await channel.queueDeclare("stream", { durable: true, arguments: { "x-queue-type": "stream" } });
  await channel.basicPublish({ routingKey: "q" }, "one");
  await channel.basicConsume("mine", {}, () => {});
  const refusals: readonly [() => Promise<unknown>, string][] = [
    [
      () => broker.declareExchange({ exchange: "x", type: "odd" }),
      "PRECONDITION_FAILED - unknown exchange type 'odd'",
    ],
    [
      () => broker.declareExchange({ exchange: "amq.x", type: "direct" }),
      "ACCESS_REFUSED - exchange name 'amq.x' contains reserved prefix 'amq.*'",
    ],
    [
      () => broker.declareExchange({ exchange: "é".repeat(128), type: "direct" }),
      "PRECONDITION_FAILED - exchange is longer than 255 bytes",
    ],
    [
      () => broker.declareExchange({ exchange: "x", type: "direct", vhost: "nope" }),
      "Virtual host 'nope' does not exist",
    ],
    [() => broker.deleteExchange({ exchange: "x" }), "no exchange 'x' in vhost '/'"],
    [
      () => broker.deleteExchange({ exchange: "amq.topic" }),
      "ACCESS_REFUSED - deletion of system exchange 'amq.topic' in vhost '/' not allowed",
    ],
    [
      () => broker.declareQueue({ queue: "q" }),
      "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received " +
      "'true' but current is 'false'",
    ],
    [
      () => broker.declareQueue({ queue: "mine", durable: false }),
      "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It " +
      "could be originally declared on another connection or the exclusive property value does " +
      "not match that of the original declaration.",
    ],
    [() => broker.deleteQueue({ queue: "nope" }), "no queue 'nope' in vhost '/'"],
    [
      () => broker.deleteQueue({ queue: "q", ifEmpty: true }),
      "PRECONDITION_FAILED - queue 'q' in vhost '/' not empty",
    ],
    [
      () => broker.deleteQueue({ queue: "mine", ifUnused: true }),
      "PRECONDITION_FAILED - queue 'mine' in vhost '/' in use",
    ],
    [() => broker.purgeQueue({ queue: "nope" }), "no queue 'nope' in vhost '/'"],
    [() => broker.purgeQueue({ queue: "stream" }), "cannot delete messages of stream 'stream'"],
    [() => broker.bind({ source: "x", destination: "q" }), "no exchange 'x' in vhost '/'"],
    [() => broker.bind({ source: "amq.topic", destination: "x" }), "no queue 'x' in vhost '/'"],
    [
      () => broker.bind({ source: "amq.topic", destination: "x", destinationType: "exchange" }),
      "no exchange 'x' in vhost '/'",
    ],
    [
      () => broker.bind({ source: "", destination: "q" }),
      "ACCESS_REFUSED - operation not permitted on the default exchange",
    ],
    [
      () => broker.unbind({ source: "amq.topic", destination: "q", routingKey: "k" }),
      "no binding 'k' from exchange 'amq.topic' to queue 'q' in vhost '/'",
    ],
    [() => broker.closeConnection("nobody"), "no connection 'nobody'"],
  ];
  for (const [action, text] of refusals) {
    const error = await assertRejects(action, Error);
    assertEquals(error instanceof AmqpError || error instanceof DefinitionError, true, text);
    assertEquals(error.message, text);
  }
});

Deno.test("a broker that is closed changes nothing any more", async () => {
  const broker = new Broker();
  await broker.close();
  await assertRejects(() => broker.declareQueue({ queue: "q" }), TypeError, "broker is closed");
});
