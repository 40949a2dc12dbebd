/** A worker that is killed: what it had not acked goes to the next one, marked as redelivered. */

import assert from "node:assert/strict";
import {
  bytes,
  CLASSIC,
  collect,
  connect,
  play,
  QUORUM,
  say,
  texts,
  unique,
  Worker,
} from "./support.mjs";

const TASKS = ["a", "b", "c", "d"];

async function main() {
  for (const options of [CLASSIC, QUORUM]) await redeliverUnacked(options);
  await forgetWhatNeedsNoAck();
}

async function redeliverUnacked(options) {
  const { connection, channel, queue } = await publish(options);
  const worker = new Worker("work", queue, "ack");
  assert.deepEqual(await worker.lines(TASKS.length), TASKS);
  const redelivered = collect(channel, queue, TASKS.length);
  await worker.kill();
  const messages = await redelivered;
  assert.deepEqual(texts(messages), TASKS);
  for (const { fields } of messages) assert.equal(fields.redelivered, true);
  channel.ackAll();
  assert.equal(await channel.get(queue), false);
  await channel.deleteQueue(queue);
  await connection.close();
}

async function forgetWhatNeedsNoAck() {
  const { connection, channel, queue } = await publish(CLASSIC);
  const worker = new Worker("work", queue, "no ack");
  assert.deepEqual(await worker.lines(TASKS.length), TASKS);
  await worker.kill();
  while ((await channel.checkQueue(queue)).consumerCount > 0);
  assert.equal((await channel.checkQueue(queue)).messageCount, 0);
  assert.equal(await channel.get(queue), false);
  await channel.deleteQueue(queue);
  await connection.close();
}

async function publish(options) {
  const connection = await connect();
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue(unique("task_queue"), options);
  for (const task of TASKS) {
    channel.sendToQueue(queue, bytes(task), { persistent: true });
  }
  return { connection, channel, queue };
}

async function work(queue, mode) {
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.consume(queue, (message) => say(message.content.toString()), {
    noAck: mode === "no ack",
  });
}

await play(main, { work });
