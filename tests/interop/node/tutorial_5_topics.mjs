/** Topics: patterns of words, with * for one word and # for any number of them. */

import assert from "node:assert/strict";
import { bytes, connect, drain, play, texts, unique } from "./support.mjs";

const KEYS = ["kern.critical", "kern.info", "cron.critical", "kern", "kern.disk.critical", ""];

const SUBSCRIPTIONS = new Map([
  ["#", KEYS],
  ["kern.*", ["kern.critical", "kern.info"]],
  ["*.critical", ["kern.critical", "cron.critical"]],
  ["kern.#", ["kern.critical", "kern.info", "kern", "kern.disk.critical"]],
  ["#.critical", ["kern.critical", "cron.critical", "kern.disk.critical"]],
  ["kern.#.critical", ["kern.critical", "kern.disk.critical"]],
  ["*.*.*", ["kern.disk.critical"]],
  ["#.#", KEYS],
  ["kern", ["kern"]],
  ["", [""]],
]);

async function main() {
  const exchange = unique("topic_logs");
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.assertExchange(exchange, "topic", { durable: false });
  const queues = new Map();
  for (const pattern of SUBSCRIPTIONS.keys()) {
    const { queue } = await channel.assertQueue("", { exclusive: true });
    await channel.bindQueue(queue, exchange, pattern);
    queues.set(pattern, queue);
  }
  for (const key of KEYS) channel.publish(exchange, key, bytes(key));
  for (const [pattern, keys] of SUBSCRIPTIONS) {
    const received = texts(await drain(channel, queues.get(pattern)));
    assert.deepEqual(received, keys, `${pattern} received ${received}`);
  }
  await channel.deleteExchange(exchange);
  await connection.close();
}

await play(main);
