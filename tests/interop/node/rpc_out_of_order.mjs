/** Several calls in flight, a server that answers them backwards: the ids tell which is which. */

import assert from "node:assert/strict";
import { bytes, closingError, connect, play, unique, withResolvers } from "./support.mjs";

const CALLS = 5;

async function main() {
  const queue = unique("rpc_queue");
  const serving = await serve(queue);
  const connection = await connect();
  const channel = await connection.createChannel();
  const { queue: privateQueue } = await channel.assertQueue("", {
    exclusive: true,
  });
  for (const replyTo of [privateQueue, "amq.rabbitmq.reply-to"]) {
    const replies = await callAll(channel, queue, replyTo);
    const expected = Array.from({ length: CALLS }, (_, call) => [`${call}`, `reply ${call}`]);
    assert.deepEqual(replies, expected.reverse());
  }
  await channel.deleteQueue(queue);
  await connection.close();
  await serving.close();
  await refuseWhatNobodyAwaits();
}

/** Calls without waiting, and gives the replies in the order in which they came. */
async function callAll(channel, rpcQueue, replyTo) {
  const replies = [];
  const { promise, resolve } = withResolvers();
  await channel.consume(replyTo, ({ content, properties }) => {
    replies.push([properties.correlationId, content.toString()]);
    if (replies.length === CALLS) resolve();
  }, { noAck: true });
  for (let call = 0; call < CALLS; call++) {
    channel.sendToQueue(rpcQueue, bytes(`${call}`), {
      replyTo,
      correlationId: `${call}`,
    });
  }
  await promise;
  return replies;
}

async function serve(queue) {
  const connection = await connect();
  const channel = await connection.createChannel();
  await channel.assertQueue(queue);
  const requests = [];
  await channel.consume(queue, (request) => {
    requests.push(request);
    if (requests.length < CALLS) return;
    for (const { content, properties } of requests.splice(0).reverse()) {
      const { replyTo, correlationId } = properties;
      channel.sendToQueue(replyTo, bytes(`reply ${content}`), {
        correlationId,
      });
    }
    channel.ackAll();
  });
  return connection;
}

async function refuseWhatNobodyAwaits() {
  const connection = await connect();
  const refusals = [
    [
      (channel) =>
        channel.sendToQueue("x", bytes("?"), {
          replyTo: "amq.rabbitmq.reply-to",
        }),
      "fast reply consumer does not exist",
    ],
    [
      (channel) => channel.consume("amq.rabbitmq.reply-to", () => {}, { noAck: false }),
      "reply consumer cannot acknowledge",
    ],
  ];
  for (const [action, text] of refusals) {
    const error = await closingError(await connection.createChannel(), action);
    assert.equal(error.code, 406);
    assert.ok(error.message.includes(`PRECONDITION_FAILED - ${text}`), error.message);
  }
  await connection.close();
}

await play(main);
