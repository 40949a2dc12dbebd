/** Routing: a direct exchange gives each queue the severities that it was bound with. */

import assert from "node:assert/strict";
import { bytes, collect, connect, play, texts, unique } from "./support.mjs";

const SEVERITIES = ["info", "warning", "error", "debug"];

async function main() {
  const exchange = unique("direct_logs");
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.assertExchange(exchange, "direct", { durable: false });
  const toDisk = await subscribe(channel, exchange, ["error"]);
  const toScreen = await subscribe(channel, exchange, ["info", "warning", "error"]);
  for (const severity of SEVERITIES) {
    channel.publish(exchange, severity, bytes(`a ${severity}`));
  }
  assert.deepEqual(texts(await collect(channel, toDisk, 1, { noAck: true })), ["a error"]);
  const onScreen = await collect(channel, toScreen, 3, { noAck: true });
  assert.deepEqual(texts(onScreen), ["a info", "a warning", "a error"]);
  assert.deepEqual(onScreen.map(({ fields }) => fields.routingKey), ["info", "warning", "error"]);
  assert.deepEqual(onScreen.map(({ fields }) => fields.exchange), Array(3).fill(exchange));
  for (const queue of [toDisk, toScreen]) {
    assert.equal(await channel.get(queue), false);
  }
  await channel.deleteExchange(exchange);
  await connection.close();
}

async function subscribe(channel, exchange, severities) {
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await Promise.all(severities.map((severity) => channel.bindQueue(queue, exchange, severity)));
  return queue;
}

await play(main);
