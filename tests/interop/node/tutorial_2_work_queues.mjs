/** Work queues: tasks that survive the broker are shared among workers that ack each one. */

import assert from "node:assert/strict";
import { bytes, connect, DURABLE, play, QUORUM, say, unique, Worker } from "./support.mjs";

const TASKS = Array.from({ length: 12 }, (_, number) => `task ${number}${".".repeat(number % 3)}`);

async function main() {
  for (const options of [DURABLE, QUORUM]) await shareTasks(options);
}

async function shareTasks(options) {
  const queue = unique("task_queue");
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, options);
  const workers = [new Worker("worker", queue), new Worker("worker", queue)];
  const done = [];
  for (const worker of workers) assert.equal(await worker.line(), "ready");
  for (const task of TASKS) {
    channel.sendToQueue(queue, bytes(task), { persistent: true });
  }
  // Both are idle when the first two tasks come, so each gets one of them.
  for (const worker of workers) done.push(await worker.line());
  assert.deepEqual(done.sort(), TASKS.slice(0, 2));
  for (const _ of workers) channel.sendToQueue(queue, bytes("stop"));
  for (const worker of workers) {
    let line;
    while ((line = await worker.line()) !== "stop") done.push(line);
  }
  assert.deepEqual([...done].sort(), [...TASKS].sort());
  assert.equal((await channel.checkQueue(queue)).messageCount, 0);
  await channel.deleteQueue(queue);
  await connection.close();
}

async function worker(queue) {
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.prefetch(1);
  await channel.consume(queue, async (message) => {
    const text = message.content.toString();
    if (text !== "stop") {
      assert.equal(message.properties.deliveryMode, 2);
      say(text);
      channel.ack(message);
    } else {
      await channel.cancel(message.fields.consumerTag);
      channel.ack(message);
      await channel.close();
      await connection.close();
      say("stop");
    }
  });
  say("ready");
}

await play(main, { worker });
