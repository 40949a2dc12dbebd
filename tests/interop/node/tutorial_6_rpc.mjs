/**
 * RPC: requests through a named queue, replies told apart by an id; through a queue of the client's
 * own, and through `amq.rabbitmq.reply-to`, which needs none.
 */

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  bytes,
  CLASSIC,
  connect,
  play,
  QUORUM,
  say,
  unique,
  withResolvers,
  Worker,
} from "./support.mjs";

const KINDS = { classic: CLASSIC, quorum: QUORUM };

async function main() {
  for (const kind of Object.keys(KINDS)) {
    const queue = unique("rpc_queue");
    const worker = new Worker("server", queue, kind);
    assert.equal(await worker.line(), "ready");
    const connection = await connect();
    const channel = await connection.createChannel();
    const own = await channel.assertQueue("", { exclusive: true });
    await callThrough(channel, queue, own.queue);
    await callThrough(await connection.createChannel(), queue, "amq.rabbitmq.reply-to");
    await worker.kill();
    await channel.deleteQueue(queue);
    await connection.close();
  }
}

async function callThrough(channel, rpcQueue, replyTo) {
  const waiting = new Map();
  await channel.consume(replyTo, ({ content, properties }) => {
    waiting.get(properties.correlationId).resolve(Number(content));
  }, { noAck: true });
  const call = (number) => {
    const correlationId = randomUUID();
    const reply = withResolvers();
    waiting.set(correlationId, reply);
    channel.sendToQueue(rpcQueue, bytes(`${number}`), {
      correlationId,
      replyTo,
    });
    return reply.promise;
  };
  assert.equal(await call(10), 55);
  assert.deepEqual(await Promise.all([0, 1, 2, 3, 4, 5, 6].map(call)), [0, 1, 1, 2, 3, 5, 8]);
}

async function server(queue, kind) {
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, KINDS[kind]);
  await channel.prefetch(1);
  await channel.consume(queue, (message) => {
    const { replyTo, correlationId } = message.properties;
    const reply = fibonacci(Number(message.content));
    channel.sendToQueue(replyTo, bytes(`${reply}`), { correlationId });
    channel.ack(message);
  });
  say("ready");
}

function fibonacci(number) {
  return number < 2 ? number : fibonacci(number - 1) + fibonacci(number - 2);
}

await play(main, { server });
