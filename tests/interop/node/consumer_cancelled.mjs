/** A consumer is told, by null in place of a message, when its queue is deleted under it. */

import assert from "node:assert/strict";
import { bytes, collect, connect, play, texts, unique } from "./support.mjs";

async function main() {
  const connection = await connect();
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue(unique("doomed"));
  const cancelled = new Promise((resolve) => channel.consume(queue, resolve));
  const other = await connect();
  await (await other.createChannel()).deleteQueue(queue);
  assert.equal(await cancelled, null);
  await other.close();

  const { queue: next } = await channel.assertQueue("", { exclusive: true });
  const { consumerTag } = await channel.consume(next, () => assert.fail("cancelled before"));
  await channel.cancel(consumerTag);
  channel.sendToQueue(next, bytes("after the cancel"));
  assert.deepEqual(texts(await collect(channel, next, 1)), ["after the cancel"]);
  await connection.close();
}

await play(main);
