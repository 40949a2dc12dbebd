import { FRAME_BODY, FRAME_HEADER, FRAME_METHOD } from "../../broker/amqp/constants.ts";
import { basicConsume, basicGet, basicPublish, basicQos } from "../../broker/amqp/methods/basic.ts";
import { channelOpen } from "../../broker/amqp/methods/channel.ts";
import { confirmSelect } from "../../broker/amqp/methods/confirm.ts";
import { queueDeclare } from "../../broker/amqp/methods/queue.ts";
import type { WireCase, WireContext } from "../support/harness.ts";
import type { WirePeer } from "../support/wire_peer.ts";
import { headerPayload, heard, octets, payloadOf } from "./wire_observe.ts";

/** Declares a queue on channel 1. */
async function declare(peer: WirePeer, { name }: WireContext): Promise<string> {
  const queue = name("queue");
  await peer.send(1, queueDeclare({ queue }));
  await peer.expect(1, "queue.declare-ok");
  return queue;
}

/** Publishes a body cut into frames as told, and gets it back: its size, or how it ended. */
function cutInto(sizes: readonly number[]): WireCase["run"] {
  return async (context) => {
    const peer = await context.login();
    const queue = await declare(peer, context);
    const size = sizes.reduce((sum, part) => sum + part, 0);
    await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey: queue })));
    await peer.sendFrame(FRAME_HEADER, 1, headerPayload(size));
    for (const [index, part] of sizes.entries()) {
      await peer.sendFrame(FRAME_BODY, 1, Array(part).fill(index));
    }
    await peer.send(1, basicGet({ queue, noAck: true }));
    const { body } = await peer.expectContent(1, "basic.get-ok");
    let at = 0;
    const intact = sizes.every((part, index) =>
      body.subarray(at, at += part).every((octet) => octet === index)
    );
    return [body.length, intact];
  };
}

/** How a body of so many octets is cut for a consumer of this frame-max. */
function cutFor(frameMax: number, size: number): WireCase["run"] {
  return async (context) => {
    const consumer = await context.login({ tune: { frameMax } });
    const queue = await declare(consumer, context);
    await consumer.send(1, basicConsume({ queue, consumerTag: "t", noAck: true }));
    await consumer.expect(1, "basic.consume-ok");
    const publisher = await context.login();
    await publisher.send(1, basicPublish({ routingKey: queue }), { body: new Uint8Array(size) });
    await consumer.expectContent(1, "basic.deliver");
    return consumer.frames().filter(({ type }) => type === FRAME_BODY)
      .map(({ payload }) => payload.length);
  };
}

/** Properties as octets, flags first: what is sent must come out. */
const PROPERTIES: readonly (readonly [name: string, sent: readonly number[]])[] = [
  ["no properties", [0, 0]],
  ["a content type", [0x80, 0, 1, 0x61]],
  ["an empty table of headers", [0x20, 0, 0, 0, 0, 0]],
  ["a delivery mode and a priority", [0x18, 0, 2, 9]],
  ["a timestamp", [0, 0x40, 0, 0, 0, 0, 0x5f, 0x5e, 0x10, 0]],
  ...([
    ["t", [1]],
    ["b", [0xff]],
    ["B", [0xff]],
    ["s", [0xff, 0xfe]],
    ["u", [0xff, 0xfe]],
    ["I", [0xff, 0xff, 0xff, 0xfe]],
    ["i", [0xff, 0xff, 0xff, 0xfe]],
    ["l", [0xff, 0, 0, 0, 0, 0, 0, 1]],
    ["f", [0x3f, 0x80, 0, 0]],
    ["d", [0x3f, 0xf0, 0, 0, 0, 0, 0, 0]],
    ["D", [2, 0, 0, 1, 0]],
    ["S", [0, 0, 0, 2, 0x61, 0x62]],
    ["x", [0, 0, 0, 2, 0, 0xff]],
    ["A", [0, 0, 0, 2, 0x74, 1]],
    ["F", [0, 0, 0, 4, 1, 0x6b, 0x74, 1]],
    ["T", [0, 0, 0, 0, 0x5f, 0x5e, 0x10, 0]],
    ["V", []],
  ] as const).map(([letter, value]) =>
    [`a header of type ${letter}`, headers(letter, value)] as const
  ),
  ["a header of the same name twice", [
    0x20,
    0,
    0,
    0,
    0,
    8,
    1,
    0x6b,
    0x74,
    1,
    1,
    0x6b,
    0x74,
    0,
  ]],
];

/** Flags for headers alone, and a table of one field `k`. */
function headers(letter: string, value: readonly number[]): number[] {
  return [0x20, 0, 0, 0, 0, value.length + 3, 1, 0x6b, letter.charCodeAt(0), ...value];
}

/** Contents, cut into frames. */
export const content: readonly WireCase[] = [
  { name: "a body may come in one frame", run: cutInto([100]), expect: [100, true] },
  { name: "a body may come in many frames", run: cutInto([1, 50, 2, 47]), expect: [100, true] },
  { name: "a body frame may be empty", run: cutInto([0, 50, 0, 50]), expect: [100, true] },
  {
    name: "a frame may be as large as agreed on",
    run: cutInto([131_064, 10]),
    expect: [131_074, true],
  },
  {
    name: "a frame may even carry as much as it may be large",
    run: cutInto([131_072, 10]),
    expect: [131_082, true],
  },
  ...[
    [4096, 4088, [4088]],
    [4096, 4089, [4088, 1]],
    [4096, 10_000, [4088, 4088, 1824]],
    [8192, 10_000, [8184, 1816]],
    [131_072, 131_064, [131_064]],
    [131_072, 131_065, [131_064, 1]],
    [4096, 0, []],
  ].map(([frameMax, size, expect]): WireCase => ({
    name: `${size} octets for frames of ${frameMax} are cut in the right place`,
    run: cutFor(frameMax as number, size as number),
    expect,
  })),
  {
    name: "the weight in a content header means nothing",
    async run(context) {
      const peer = await context.login();
      const queue = await declare(peer, context);
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey: queue })));
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(2, { weight: 7 }));
      await peer.sendFrame(FRAME_BODY, 1, octets("ok"));
      await peer.send(1, basicGet({ queue, noAck: true }));
      return (await peer.expectContent(1, "basic.get-ok")).text;
    },
    expect: "ok",
  },
  ...PROPERTIES.map(([name, sent]): WireCase => ({
    name: `${name}: the octets that come in go out`,
    async run(context) {
      const peer = await context.login();
      const queue = await declare(peer, context);
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey: queue })));
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(0, { rest: sent }));
      await peer.send(1, basicGet({ queue, noAck: true }));
      await peer.expectContent(1, "basic.get-ok");
      const header = peer.frames().find(({ type }) => type === FRAME_HEADER)!;
      return [...header.payload.subarray(12)];
    },
    expect: sent,
  })),
  {
    name: "a large message does not hold up another channel",
    async run(context) {
      const peer = await context.login();
      const queue = await declare(peer, context);
      await peer.send(2, channelOpen());
      await peer.expect(2, "channel.open-ok");
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey: queue })));
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(1_000_000));
      await peer.sendFrame(FRAME_BODY, 1, Array(1000).fill(1));
      await peer.send(2, basicQos());
      return await heard(peer, 1);
    },
    expect: ["2 basic.qos-ok"],
  },
  {
    name: "a content that never became whole is forgotten with its connection",
    async run(context) {
      const peer = await context.login();
      const queue = await declare(peer, context);
      await peer.send(1, confirmSelect());
      await peer.expect(1, "confirm.select-ok");
      await peer.sendFrame(FRAME_METHOD, 1, payloadOf(basicPublish({ routingKey: queue })));
      await peer.sendFrame(FRAME_HEADER, 1, headerPayload(10));
      await peer.sendFrame(FRAME_BODY, 1, octets("half"));
      peer.close();
      const channel = await (await context.connect()).openChannel();
      return (await channel.queueDeclare(queue, { passive: true })).messageCount;
    },
    expect: 0,
  },
];
