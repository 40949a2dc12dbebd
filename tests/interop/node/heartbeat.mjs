/** Heartbeats: a connection with nothing to say stays open on both sides. */

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { bytes, connect, play, unique } from "./support.mjs";

async function main() {
  const connection = await connect({ heartbeat: 2 });
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue(unique("idle"), {
    exclusive: true,
  });
  await pause(6000);
  channel.sendToQueue(queue, bytes("still here"));
  assert.equal((await channel.get(queue, { noAck: true })).content.toString(), "still here");
  await connection.close();
}

await play(main);
