/** checkQueue and checkExchange ask whether something is there, and what is in it. */

import assert from "node:assert/strict";
import { bytes, connect, play, unique } from "./support.mjs";

async function main() {
  const connection = await connect();
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue(unique("there"));
  for (const body of ["a", "b"]) channel.sendToQueue(queue, bytes(body));
  await channel.waitForConfirms();
  const expected = { queue, messageCount: 2, consumerCount: 0 };
  assert.deepEqual(await channel.checkQueue(queue), expected);
  await channel.consume(queue, () => {});
  assert.deepEqual(await channel.checkQueue(queue), {
    queue,
    messageCount: 0,
    consumerCount: 1,
  });
  for (const type of ["direct", "fanout", "topic", "headers", "match"]) {
    await channel.checkExchange(`amq.${type}`);
  }
  await channel.deleteQueue(queue);
  await connection.close();
}

await play(main);
