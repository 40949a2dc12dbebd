/** Retries as the field does them: a failed message waits in a queue with a TTL, three times. */

import assert from "node:assert/strict";
import { connect, ConsumerStatus, Inbox, ready, unique } from "./support.mjs";

const ATTEMPTS = 3;
const PAUSE = 100;

async function main() {
  const connection = connect();
  const [work, retry, failed] = ["work", "retry", "failed"].map(unique);
  const tries = new Inbox();
  const given = new Inbox();
  const started = performance.now();
  const publisher = connection.createPublisher({
    confirm: true,
    exchanges: [{ exchange: retry, type: "fanout" }],
    queues: [
      {
        queue: retry,
        durable: true,
        arguments: {
          "x-message-ttl": PAUSE,
          "x-dead-letter-exchange": "",
          "x-dead-letter-routing-key": work,
        },
      },
      { queue: failed, durable: true },
    ],
    queueBindings: [{ exchange: retry, queue: retry }],
  });
  await publisher.send("", "declares"); // to no queue
  const consumer = connection.createConsumer({
    queue: work,
    queueOptions: { queue: work, durable: true, arguments: { "x-dead-letter-exchange": retry } },
  }, async ({ body, headers }) => {
    const rejections = headers?.["x-death"]?.find(({ reason }) => reason === "rejected");
    tries.push([body, rejections?.count ?? 0, performance.now() - started]);
    if (body === "good") return ConsumerStatus.ACK;
    if (body === "poor" && rejections?.count === 1) return ConsumerStatus.ACK;
    if ((rejections?.count ?? 0) < ATTEMPTS) return ConsumerStatus.DROP;
    await publisher.send({ routingKey: failed, headers }, body);
  });
  const graveyard = connection.createConsumer({
    queue: failed,
    queueOptions: { queue: failed, durable: true },
  }, ({ body, headers }) => {
    given.push([
      body,
      headers["x-death"].map(({ queue, reason, count }) => [queue, reason, count]),
    ]);
  });

  await Promise.all([ready(consumer), ready(graveyard)]);
  for (const body of ["bad", "poor", "good"]) {
    await publisher.send({ routingKey: work, durable: true }, body);
  }
  await given.until((items) => items.length === 1, "what has failed");
  const count = (name) =>
    tries.items.filter(([body]) => body === name).map(([, rejected]) => rejected);
  assert.deepEqual(count("bad"), [0, 1, 2, 3]);
  assert.deepEqual(count("poor"), [0, 1]);
  assert.deepEqual(count("good"), [0]);
  assert.deepEqual(given.items, [["bad", [[retry, "expired", 3], [work, "rejected", 3]]]]);
  const [, , last] = tries.items.findLast(([body]) => body === "bad");
  assert.ok(last >= ATTEMPTS * PAUSE, `it waited three times, ${last} ms in all`);

  await consumer.close();
  await graveyard.close();
  await publisher.close();
  for (const queue of [work, retry, failed]) await connection.queueDelete(queue);
  await connection.exchangeDelete({ exchange: retry });
  await connection.close();
}

await main();
