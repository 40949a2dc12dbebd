/** Publisher, Consumer and RPCClient: confirms, returns, several at once, answers, a server's errors. */

import assert from "node:assert/strict";
import { AMQPError, connect, ConsumerStatus, Inbox, ready, unique } from "./support.mjs";

const COUNT = 500;

async function main() {
  const connection = connect();
  await publishAndConsume(connection);
  await requeueAndDrop(connection);
  await call(connection);
  await tellErrors(connection);
  await connection.close();
}

async function publishAndConsume(connection) {
  const exchange = unique("events");
  const queue = unique("users");
  const inbox = new Inbox();
  let atOnce = 0;
  let mostAtOnce = 0;
  let tenAtWork;
  const ten = new Promise((resolve) => tenAtWork = resolve);
  const consumer = connection.createConsumer({
    queue,
    queueOptions: { queue, autoDelete: true },
    qos: { prefetchCount: 20 },
    concurrency: 10,
    exchanges: [{ exchange, type: "topic", autoDelete: true }],
    queueBindings: [{ exchange, queue, routingKey: "users.*" }],
  }, async ({ body, contentType, routingKey }) => {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    // none is through before ten are at work, however slowly they come
    if (atOnce === 10) tenAtWork();
    await ten;
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
    inbox.push([body.number, contentType, routingKey]);
  });
  await ready(consumer);

  const returned = new Inbox();
  const publisher = connection.createPublisher({
    confirm: true,
    maxAttempts: 2,
    exchanges: [{ exchange, type: "topic", autoDelete: true }],
  });
  publisher.on("basic.return", ({ replyCode, routingKey }) => {
    returned.push([replyCode, routingKey]);
  });
  const numbers = Array.from({ length: COUNT }, (_, number) => number);
  const envelope = { exchange, routingKey: "users.visit", durable: true };
  await Promise.all(numbers.map((number) => publisher.send(envelope, { number })));
  const seen = await inbox.until((items) => items.length === COUNT, "deliveries");
  assert.deepEqual(seen[0], [0, "application/json", "users.visit"]);
  assert.deepEqual(seen.map(([number]) => number).sort((a, b) => a - b), numbers);
  assert.equal(mostAtOnce, 10);

  await publisher.send({ exchange, routingKey: "nobody", mandatory: true }, "lost");
  assert.deepEqual(await returned.until((items) => items.length > 0, "return"), [[312, "nobody"]]);
  await publisher.close();
  await consumer.close();
  assert.equal(consumer.stats.acknowledged, COUNT);
}

async function requeueAndDrop(connection) {
  const queue = unique("jobs");
  const inbox = new Inbox();
  const consumer = connection.createConsumer({
    queue,
    queueOptions: { queue, autoDelete: true },
    requeue: false,
  }, ({ body, redelivered }) => {
    inbox.push([body, redelivered]);
    if (body === "again" && !redelivered) return ConsumerStatus.REQUEUE;
    if (body === "drop") return ConsumerStatus.DROP;
    if (body === "throw") throw new Error("as asked");
  });
  const errors = new Inbox();
  consumer.on("error", (error) => errors.push(error.message));
  await ready(consumer);
  const publisher = connection.createPublisher({ confirm: true });
  for (const body of ["throw", "drop", "again"]) await publisher.send(queue, body);
  await inbox.until((items) => items.length === 4, "deliveries");
  await errors.until((items) => items.length === 1, "the error of the handler");
  assert.deepEqual(inbox.items, [
    ["throw", false],
    ["drop", false],
    ["again", false],
    ["again", true],
  ]);
  await publisher.close();
  await consumer.close();
  const { acknowledged, dropped, requeued } = consumer.stats;
  assert.deepEqual({ acknowledged, dropped, requeued }, {
    acknowledged: 1,
    dropped: 2,
    requeued: 1,
  });
}

async function call(connection) {
  const queue = unique("rpc");
  const server = connection.createConsumer(
    { queue, queueOptions: { queue, exclusive: true }, concurrency: 5 },
    async ({ body }, reply) => await reply({ square: body.number ** 2 }),
  );
  await ready(server);
  const client = connection.createRPCClient({ confirm: true, timeout: 60_000 });
  const numbers = Array.from({ length: 100 }, (_, number) => number);
  const answers = await Promise.all(numbers.map((number) => client.send(queue, { number })));
  assert.deepEqual(answers.map(({ body }) => body.square), numbers.map((number) => number ** 2));
  await server.close();
  await client.close();
}

async function tellErrors(connection) {
  await assert.rejects(connection.queueDeclare({ queue: unique("missing"), passive: true }), {
    code: "NOT_FOUND",
  });
  const queue = unique("declared");
  await connection.queueDeclare({ queue, exclusive: true });
  await assert.rejects(
    connection.queueDeclare({ queue, exclusive: true, arguments: { "x-max-length": 1 } }),
    (error) => error instanceof AMQPError && error.code === "PRECONDITION_FAILED",
  );
  // full: the confirm is a nack
  const full = unique("full");
  const arguments_ = { "x-max-length": 0, "x-overflow": "reject-publish" };
  await connection.queueDeclare({ queue: full, exclusive: true, arguments: arguments_ });
  const publisher = connection.createPublisher({ confirm: true });
  await assert.rejects(publisher.send(full, "too much"), { code: "NACK" });
  await publisher.close();
}

await main();
