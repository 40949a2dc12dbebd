/** An exclusive queue is its connection's alone, and goes with it. */

import assert from "node:assert/strict";
import { bytes, closingError, connect, play, unique } from "./support.mjs";

async function main() {
  const queue = unique("mine");
  const owner = await connect();
  const other = await connect();
  const owned = await owner.createChannel();
  await owned.assertQueue(queue, { exclusive: true });
  const attempts = [
    (channel) => channel.assertQueue(queue, { exclusive: true }),
    (channel) => channel.checkQueue(queue),
    (channel) => channel.consume(queue, () => {}),
    (channel) => channel.deleteQueue(queue),
  ];
  for (const attempt of attempts) {
    const { code, message } = await closingError(await other.createChannel(), attempt);
    assert.equal(code, 405, message);
    assert.ok(message.includes(`exclusive access to locked queue '${queue}'`), message);
  }
  // anybody may publish to it
  const outside = await other.createConfirmChannel();
  outside.sendToQueue(queue, bytes("from outside"));
  await outside.waitForConfirms();
  assert.equal((await owned.get(queue, { noAck: true })).content.toString(), "from outside");
  await owner.close();
  await (await other.createChannel()).assertQueue(queue, { exclusive: true });
  await other.close();
}

await play(main);
