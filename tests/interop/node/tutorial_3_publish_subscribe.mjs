/** Publish/subscribe: a fanout exchange gives each subscriber's temporary queue every message. */

import assert from "node:assert/strict";
import { bytes, closingError, collect, connect, play, texts, unique } from "./support.mjs";

async function main() {
  const exchange = unique("logs");
  const publisher = await connect();
  const logs = await publisher.createChannel();
  await logs.assertExchange(exchange, "fanout", { durable: false });
  logs.publish(exchange, "", bytes("nobody listens yet"));
  await logs.checkExchange(exchange); // answered when the message has been dropped
  const first = await subscribe(exchange);
  const second = await subscribe(exchange);
  assert.notEqual(first.queue, second.queue);
  const lines = ["one", "two", "three"];
  for (const line of lines) logs.publish(exchange, "ignored", bytes(line));
  for (const { channel, queue } of [first, second]) {
    assert.deepEqual(texts(await collect(channel, queue, 3, { noAck: true })), lines);
  }
  await logs.deleteExchange(exchange);

  await first.connection.close();
  const error = await closingError(logs, (channel) => channel.checkQueue(first.queue));
  assert.equal(error.code, 404);
  await second.connection.close();
  await publisher.close();
}

async function subscribe(exchange) {
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.assertExchange(exchange, "fanout", { durable: false });
  const { queue } = await channel.assertQueue("", { exclusive: true });
  assert.match(queue, /^amq\.gen-[A-Za-z0-9_-]{22}$/);
  await channel.bindQueue(queue, exchange, "");
  return { connection, channel, queue };
}

await play(main);
