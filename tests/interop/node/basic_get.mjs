/** get, with ack, reject, nack and recover. */

import assert from "node:assert/strict";
import { bytes, collect, connect, drain, play, texts, unique } from "./support.mjs";

async function main() {
  const connection = await connect();
  const channel = await connection.createConfirmChannel();
  const { queue } = await channel.assertQueue(unique("inbox"), { exclusive: true });
  assert.equal(await channel.get(queue), false);
  for (const body of ["a", "b", "c", "d"]) {
    channel.sendToQueue(queue, bytes(body));
  }
  await channel.waitForConfirms();

  const a = await channel.get(queue);
  assert.deepEqual(
    { ...a.fields, content: a.content.toString() },
    {
      deliveryTag: 1,
      redelivered: false,
      exchange: "",
      routingKey: queue,
      messageCount: 3,
      content: "a",
    },
  );
  channel.ack(a);
  channel.reject(await channel.get(queue), true);
  const b = await channel.get(queue);
  assert.deepEqual([b.content.toString(), b.fields.redelivered], ["b", true]);
  channel.reject(b, false);
  await channel.get(queue);
  await channel.get(queue);
  channel.nackAll();
  const messages = await collect(channel, queue, 2);
  assert.deepEqual(texts(messages), ["c", "d"]);
  await channel.recover();
  const again = await drain(channel, queue);
  assert.deepEqual(texts(again), ["c", "d"]);
  assert.deepEqual(again.map(({ fields }) => fields.redelivered), [true, true]);

  for (const body of ["e", "f"]) channel.sendToQueue(queue, bytes(body));
  await channel.waitForConfirms();
  assert.equal((await channel.purgeQueue(queue)).messageCount, 2);
  assert.equal(await channel.get(queue), false);
  await connection.close();
}

await play(main);
