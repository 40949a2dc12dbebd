/** Hello world: one connection sends a message through a named queue, another receives it. */

import assert from "node:assert/strict";
import { bytes, CLASSIC, collect, connect, play, QUORUM, texts, unique } from "./support.mjs";

async function main() {
  for (const options of [CLASSIC, QUORUM]) {
    const queue = unique("hello");
    await send(queue, options);
    assert.deepEqual(await receive(queue, options), ["Hello World!"]);
  }
}

async function send(queue, options) {
  const connection = await connect();
  const channel = await connection.createChannel();
  assert.equal((await channel.assertQueue(queue, options)).queue, queue);
  channel.sendToQueue(queue, bytes("Hello World!"));
  await channel.close();
  await connection.close();
}

async function receive(queue, options) {
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, options);
  const messages = await collect(channel, queue, 1, { noAck: true });
  assert.equal(messages[0].fields.routingKey, queue);
  assert.equal(messages[0].fields.redelivered, false);
  await channel.deleteQueue(queue);
  await connection.close();
  return texts(messages);
}

await play(main);
