/** Bodies of all sizes, cut into frames for the publisher and again for each consumer. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { collect, connect, drain, play, unique } from "./support.mjs";

const FRAME_MAX = 131_072;
const SIZES = [0, 1, 4087, 4088, 4089, FRAME_MAX - 9, FRAME_MAX - 8, FRAME_MAX - 7, 1 << 20, 5e6];

async function main() {
  const bodies = SIZES.map((size) => Buffer.from(Uint8Array.from({ length: size }, byteAt)));
  const wide = await connect({ frameMax: FRAME_MAX });
  const narrow = await connect({ frameMax: 4096 });
  await carry(wide, narrow, bodies);
  await carry(narrow, wide, bodies);
  await wide.close();
  await narrow.close();
}

/** Some pattern that does not repeat with the frames. */
function byteAt(_, index) {
  return (index * 31 + (index >> 8) * 7 + (index >> 16)) & 0xff;
}

async function carry(from, to, bodies) {
  const queue = unique("parcels");
  const publisher = await from.createConfirmChannel();
  await publisher.assertQueue(queue);
  const consumer = await to.createChannel();
  for (const receive of [collectAll, drain]) {
    for (const body of bodies) publisher.sendToQueue(queue, body);
    await publisher.waitForConfirms();
    const messages = await receive(consumer, queue);
    assert.deepEqual(messages.map(({ content }) => content.length), SIZES);
    messages.forEach(({ content }, index) => assert.ok(content.equals(bodies[index])));
  }
  await publisher.deleteQueue(queue);
}

function collectAll(channel, queue) {
  return collect(channel, queue, SIZES.length, { noAck: true });
}

await play(main);
