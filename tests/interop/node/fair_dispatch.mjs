/** Prefetch: with a count of 1 the fast worker gets what the slow one has no hand free for. */

import assert from "node:assert/strict";
import {
  bytes,
  CLASSIC,
  connect,
  DURABLE,
  play,
  QUORUM,
  texts,
  unique,
  withResolvers,
} from "./support.mjs";

const COUNT = 10;

async function main() {
  for (const options of [CLASSIC, DURABLE, QUORUM]) await shareBySpeed(options);
  await shareInTurn();
  await shareChannelWide();
}

async function shareBySpeed(options) {
  const { connection, queue } = await declare(options);
  const slow = await connection.createChannel();
  const fast = await connection.createChannel();
  await slow.prefetch(1);
  await fast.prefetch(1);
  const held = [];
  await slow.consume(queue, (message) => held.push(message));
  const done = [];
  const nine = withResolvers();
  await fast.consume(queue, (message) => {
    if (message === null) return; // the queue was deleted, at the end
    done.push(message);
    fast.ack(message);
    if (done.length === COUNT - 1) nine.resolve();
  });
  await publish(connection, queue);
  await nine.promise;
  assert.deepEqual([held.length, done.length], [1, COUNT - 1]);
  slow.ack(held[0]);
  await slow.deleteQueue(queue);
  await connection.close();
}

/** Without a prefetch count each gets every second message, however slow it is. */
async function shareInTurn() {
  const { connection, queue } = await declare(CLASSIC);
  const got = [[], []];
  const all = withResolvers();
  for (const messages of got) {
    const channel = await connection.createChannel();
    await channel.consume(queue, (message) => {
      messages.push(message);
      if (got[0].length + got[1].length === COUNT) all.resolve();
    });
  }
  const bodies = await publish(connection, queue);
  await all.promise;
  assert.deepEqual(got.map(texts), [
    bodies.filter((_, index) => index % 2 === 0),
    bodies.filter((_, index) => index % 2 === 1),
  ]);
  await (await connection.createChannel()).deleteQueue(queue);
  await connection.close();
}

/** With `global` the consumers of a channel share one count. */
async function shareChannelWide() {
  const { connection, queue } = await declare(CLASSIC);
  const channel = await connection.createChannel();
  await channel.prefetch(3, true);
  const got = [];
  const ten = withResolvers();
  let acking = false;
  const onMessage = (message) => {
    if (message === null) return; // the queue was deleted, at the end
    got.push(message);
    if (acking) channel.ack(message);
    if (got.length === COUNT) ten.resolve();
  };
  await channel.consume(queue, onMessage);
  await channel.consume(queue, onMessage);
  await publish(connection, queue);
  assert.equal((await channel.checkQueue(queue)).messageCount, COUNT - 3);
  assert.equal(got.length, 3);
  acking = true;
  for (const message of got.slice()) channel.ack(message);
  await ten.promise;
  await channel.deleteQueue(queue);
  await connection.close();
}

async function declare(options) {
  const connection = await connect();
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue(unique("task_queue"), options);
  return { connection, queue };
}

/** With confirms, so that the messages are there and count. */
async function publish(connection, queue) {
  const channel = await connection.createConfirmChannel();
  const bodies = Array.from({ length: COUNT }, (_, number) => `task ${number}`);
  for (const body of bodies) channel.sendToQueue(queue, bytes(body));
  await channel.waitForConfirms();
  return bodies;
}

await play(main);
