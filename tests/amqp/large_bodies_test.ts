import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat, equals } from "@std/bytes";
import { ConsumerTag } from "../../broker/amqp/consumer_tag.ts";
import { basicAck, basicGetOk, channelOpenOk, txCommitOk } from "../../broker/amqp/methods/mod.ts";
import { WireLink } from "../../broker/amqp/wire_link.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { RecordingReceiver } from "../support/recording_receiver.ts";
import { ScriptedTransport } from "../support/scripted_transport.ts";
import { contentFrames, contentOf, deliveryFrames, framesIn, methodFrame } from "./frames.ts";

const MIB = 1024 * 1024;
const CONSUMER_TAG = new ConsumerTag("c");

/** So large that they wait until their turn comes. */
const [first, second] = [2, 3].map((seed) => {
  const body = new Uint8Array(17 * MIB + seed);
  for (let at = 0; at < body.length; at++) body[at] = at * seed >> 3;
  return { body, properties: seed === 2 ? {} : { headers: { seed }, messageId: "m" } };
}) as [{ body: Uint8Array; properties: object }, { body: Uint8Array; properties: object }];
const other = { body: new Uint8Array(3 * MIB) };
const getOk = basicGetOk({ deliveryTag: 5, messageCount: 1 });

/** A link to a peer that takes nothing yet. */
function start(frameMax: number) {
  const transport = new ScriptedTransport([], { staysOpen: true });
  const link = new WireLink(transport, { frameMax });
  const receiver = new RecordingReceiver();
  link.run(receiver);
  transport.holdWrites();
  return { transport, link, receiver };
}

/** Sends methods and contents, large ones and others. */
async function sendAll(link: WireLink): Promise<void> {
  const given = contentOf(first);
  given.transferred = true;
  link.send(1, txCommitOk());
  link.sendDelivery(1, CONSUMER_TAG, 1, false, given);
  link.send(2, channelOpenOk());
  await endOfTurn();
  // one that its owner may write to again
  const body = second.body.slice();
  link.sendDelivery(2, CONSUMER_TAG, 2, true, contentOf({ ...second, body }));
  body.fill(0);
  link.sendContent(3, getOk, given);
  link.sendDelivery(1, CONSUMER_TAG, 6, false, contentOf(other));
  link.sendDelivery(1, CONSUMER_TAG, 7, false, contentOf(second));
  link.sendAck(2, 1);
}

/** What that is in frames. */
function framesOfAll(frameMax: number): Uint8Array[] {
  return [
    methodFrame(1, txCommitOk()),
    ...deliveryFrames(1, "c", 1, false, first, frameMax),
    methodFrame(2, channelOpenOk()),
    ...deliveryFrames(2, "c", 2, true, second, frameMax),
    ...contentFrames(3, getOk, first, frameMax),
    ...deliveryFrames(1, "c", 6, false, other, frameMax),
    ...deliveryFrames(1, "c", 7, false, second, frameMax),
    methodFrame(2, basicAck({ deliveryTag: 1 })),
  ];
}

/** What a peer is sent that takes nothing until all of it waits. */
async function written(frameMax: number): Promise<Uint8Array[]> {
  const { transport, link, receiver } = start(frameMax);
  await sendAll(link);
  assertGreater(link.bytesWaiting, 4 * 17 * MIB, "they count, wherever they wait");
  transport.letWrite();
  link.close();
  await receiver.whenClosed;
  assertEquals(link.bytesWaiting, 0);
  return transport.written;
}

for (const frameMax of [131_072, 1_000_000]) {
  Deno.test(`WireLink with frame-max ${frameMax} sends large bodies in pieces, one after the other`, async () => {
    const pieces = await written(frameMax);
    for (const piece of pieces) assertLess(piece.length, 4 * MIB);
    assertGreater(pieces.length, 4 * 17);
    const frames = framesIn(concat(pieces));
    const expected = framesOfAll(frameMax);
    assertEquals(frames.length, expected.length);
    for (const [at, frame] of frames.entries()) assert(equals(frame, expected[at]!), `frame ${at}`);
  });
}

Deno.test("WireLink cuts a large body where frames have no limit as well", async () => {
  const parts = framesIn(concat(await written(0)))
    .filter(([type, , channel]) => type === 3 && channel === 2)
    .map((frame) => frame.subarray(7, -1));
  assertGreater(parts.length, 17);
  assert(equals(concat(parts), second.body));
});

Deno.test("WireLink is full while a large body waits, and has room when that has gone", async () => {
  const { transport, link, receiver } = start(131_072);
  link.sendDelivery(1, CONSUMER_TAG, 1, false, contentOf(first));
  assertEquals(link.full, true);
  transport.letWrite();
  await receiver.until(1);
  assertEquals(receiver.events, ["drained"]);
  assertEquals([link.full, link.bytesWaiting < MIB], [false, true]);
  link.close();
  await receiver.whenClosed;
});

Deno.test("WireLink reads on while large bodies are written: its peer may read nothing before", async () => {
  const answer = txCommitOk();
  const transport = new ScriptedTransport([methodFrame(1, answer)], { staysOpen: true });
  const link = new WireLink(transport, { frameMax: 131_072 });
  const receiver = new RecordingReceiver();
  transport.holdWrites();
  for (let tag = 1; tag <= 3; tag++) {
    link.sendDelivery(1, CONSUMER_TAG, tag, false, contentOf(first));
  }
  for (let tag = 4; tag <= 6; tag++) {
    link.sendDelivery(1, CONSUMER_TAG, tag, false, contentOf(other));
  }
  link.run(receiver);
  await receiver.until(1);
  assertEquals(receiver.events, [{ channel: 1, method: answer }]);
  assertEquals(transport.written, []);
  link.abort();
  await receiver.whenClosed;
});

Deno.test("WireLink.abort() drops large bodies that wait", async () => {
  const { transport, link, receiver } = start(131_072);
  await sendAll(link);
  link.abort();
  await receiver.whenClosed;
  assertEquals([link.bytesWaiting < 4 * MIB, transport.written], [true, []]);
});

Deno.test("WireLink.sendSharedDelivery() leaves a body where it is while its peer takes nothing", async () => {
  const { transport, link, receiver } = start(131_072);
  const reply = contentOf({ body: new Uint8Array(200_000), properties: { messageId: "m" } });
  reply.transferred = true;
  link.sendSharedDelivery(1, CONSUMER_TAG, 1, contentOf({ body: "small" }));
  link.sendDelivery(1, CONSUMER_TAG, 2, false, contentOf(other));
  const before = Deno.memoryUsage().external;
  for (let channel = 1; channel <= 100; channel++) {
    link.sendSharedDelivery(channel, CONSUMER_TAG, 3, reply);
  }
  link.sendSharedDelivery(1, CONSUMER_TAG, 4, contentOf({ body: "small" }));
  assertLess(Deno.memoryUsage().external - before, 10 * MIB, "20 MB are sent");
  assertGreater(link.bytesWaiting, 100 * 200_000);
  transport.letWrite();
  link.close();
  await receiver.whenClosed;
  const expected = [
    ...deliveryFrames(1, "c", 1, false, { body: "small" }, 131_072),
    ...deliveryFrames(1, "c", 2, false, other, 131_072),
  ];
  const sent = { body: reply.body, properties: { messageId: "m" } };
  for (let channel = 1; channel <= 100; channel++) {
    expected.push(...deliveryFrames(channel, "c", 3, false, sent, 131_072));
  }
  expected.push(...deliveryFrames(1, "c", 4, false, { body: "small" }, 131_072));
  assert(equals(concat(transport.written), concat(expected)));
});
