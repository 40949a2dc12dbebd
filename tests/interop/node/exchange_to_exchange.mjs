/** Exchanges bound to exchanges: a message reaches each queue once, by whatever ways. */

import assert from "node:assert/strict";
import { bytes, connect, drain, play, texts, unique } from "./support.mjs";

async function main() {
  const connection = await connect();
  const channel = await connection.createChannel();
  const [entry, orders, everything] = ["entry", "orders", "everything"].map(unique);
  await channel.assertExchange(entry, "topic", { autoDelete: false });
  await channel.assertExchange(orders, "direct", { internal: true });
  await channel.assertExchange(everything, "fanout");
  await channel.bindExchange(orders, entry, "order.#");
  await channel.bindExchange(everything, entry, "#");
  await channel.bindExchange(everything, orders, "order.new");
  const { queue } = await channel.assertQueue("", { exclusive: true });
  await channel.bindQueue(queue, everything, "");
  await channel.bindQueue(queue, orders, "order.new");
  for (const key of ["order.new", "order.old", "other"]) {
    channel.publish(entry, key, bytes(key));
  }
  assert.deepEqual(texts(await drain(channel, queue)), ["order.new", "order.old", "other"]);

  await channel.unbindExchange(everything, entry, "#");
  for (const key of ["order.new", "order.old", "other"]) {
    channel.publish(entry, key, bytes(key));
  }
  assert.deepEqual(texts(await drain(channel, queue)), ["order.new"]);
  for (const exchange of [entry, orders, everything]) {
    await channel.deleteExchange(exchange);
  }
  await connection.close();
}

await play(main);
