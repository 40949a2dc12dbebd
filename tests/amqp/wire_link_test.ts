import { ConsumerTag } from "../../broker/amqp/consumer_tag.ts";
import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicAck,
  basicDeliver,
  basicGetOk,
  basicPublish,
  basicReturn,
  channelClose,
  channelCloseOk,
  channelOpen,
  connectionTune,
  queueDeclare,
  txCommit,
} from "../../broker/amqp/methods/mod.ts";
import { loopRound, pollSockets, worked } from "../../broker/amqp/turn.ts";
import { WireLink, type WireLinkOptions } from "../../broker/amqp/wire_link.ts";
import { eachRound } from "../support/each_round.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { memoryTransports } from "../support/memory_transport.ts";
import { type LinkEvent, RecordingReceiver } from "../support/recording_receiver.ts";
import { ScriptedTransport } from "../support/scripted_transport.ts";
import { standingTime } from "../support/standing_time.ts";
import {
  bodyFrame,
  contentFrames,
  contentOf,
  deliveryFrames,
  frame,
  framesIn,
  headerFrame,
  heartbeatFrame,
  methodFrame,
} from "./frames.ts";
import { wire } from "./golden.ts";
import { testLink } from "./link_contract.ts";

const CONSUMER_TAG = new ConsumerTag("c");

for (const frameMax of [131_072, 4096, 0]) {
  testLink(`WireLink with frame-max ${frameMax}`, () => {
    const [here, there] = memoryTransports();
    const links = [new WireLink(here, { frameMax }), new WireLink(there, { frameMax })] as const;
    return { links, start: ([one, other]) => void (links[0].run(one), links[1].run(other)) };
  });
}

// ---- receiving

/** Lets a link take a stream to its end; tells what it brought before that. */
async function receive(
  chunks: readonly Uint8Array[],
  options: WireLinkOptions = {},
): Promise<LinkEvent[]> {
  const receiver = new RecordingReceiver();
  new WireLink(new ScriptedTransport(chunks), options).run(receiver);
  await receiver.whenClosed;
  assertEquals(receiver.events.pop(), {
    closed: "Connection was lost: the peer closed its socket",
  });
  return receiver.events;
}

/** Two channels that each send contents, and a third, with their frames mixed. */
function interleaved(): { bytes: Uint8Array; events: LinkEvent[] } {
  const small = { exchange: "logs", routingKey: "a.b", properties: { priority: 9 }, body: "small" };
  const large = { exchange: "", routingKey: "jobs", properties: {}, body: "a body in pieces" };
  const none = { exchange: "x", routingKey: "", properties: { headers: { h: "v" } }, body: "" };
  const first = contentFrames(1, basicPublish({ exchange: "logs", routingKey: "a.b" }), small, 12);
  const second = contentFrames(2, basicPublish({ routingKey: "jobs", mandatory: true }), large, 13);
  const third = deliveryFrames(3, "tag", 7, true, large, 11);
  const fourth = contentFrames(
    1,
    basicGetOk({ exchange: "x", deliveryTag: 2 }),
    none,
  );
  const ack = methodFrame(4, basicAck({ deliveryTag: 1 }));
  const order: Uint8Array[] = [];
  for (let index = 0; index < 10; index++) {
    for (const frames of [first, second, third]) {
      const next = frames[index];
      if (next !== undefined) order.push(next);
    }
    if (index === 1) order.push(heartbeatFrame(), ack);
  }
  order.push(...fourth);
  return {
    bytes: concat(order),
    events: [
      { channel: 4, method: basicAck({ deliveryTag: 1 }) },
      {
        channel: 1,
        method: basicPublish({ exchange: "logs", routingKey: "a.b" }),
        content: small,
      },
      {
        channel: 2,
        method: basicPublish({ routingKey: "jobs", mandatory: true }),
        content: large,
      },
      { channel: 3, delivery: ["tag", 7, true], content: large },
      { channel: 1, method: basicGetOk({ exchange: "x", deliveryTag: 2 }), content: none },
    ],
  };
}

Deno.test("WireLink puts contents of several channels together wherever the stream is cut", async () => {
  const { bytes, events } = interleaved();
  assertEquals(await receive([bytes]), events);
  for (let cut = 1; cut < bytes.length; cut++) {
    assertEquals(
      await receive([bytes.subarray(0, cut), bytes.subarray(cut)]),
      events,
      `cut at ${cut} of ${bytes.length}`,
    );
  }
});

Deno.test("WireLink brings acks of deliveries in a row together, so many at most", async () => {
  const tags = [...Array(200).keys()].map((index) => index + 1);
  const sent: readonly (readonly [channel: number, tag: number])[] = [
    ...tags.map((tag) => [1, tag] as const),
    [1, 202],
    [1, 201],
    [2, 203],
    [2, 2 ** 53 - 2],
    [2, 2 ** 53 - 1],
  ];
  const bytes = concat(
    sent.map(([channel, deliveryTag]) => methodFrame(channel, basicAck({ deliveryTag }))),
  );
  const rows: (readonly [channel: number, first: number, last: number])[] = [];
  const receiver = Object.assign(new RecordingReceiver(), {
    receiveAcks: (channel: number, first: number, last: number) =>
      rows.push([channel, first, last]),
  });
  new WireLink(new ScriptedTransport([bytes]), {}).run(receiver);
  await receiver.whenClosed;
  assert(rows.every(([, first, last]) => last - first < 64));
  assert(rows.length < 20, `${rows.length} calls`);
  const acked = rows.flatMap(([channel, first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => [channel, first + index])
  );
  assertEquals(acked, sent.map((ack) => [...ack]));
});

/** A link that answers each row of acks with a large message, and its peer's end. */
function answeringAcks() {
  const [here, there] = memoryTransports();
  const link = new WireLink(here);
  link.run(Object.assign(new RecordingReceiver(), {
    receiveAcks: (channel: number) => link.sendContent(channel, basicPublish(), LARGE_ANSWER),
  }));
  return {
    /** Sends acks, in one piece; returns the sizes of the pieces in which the answers come. */
    async ack(...tags: number[]): Promise<number[]> {
      const acks = tags.map((deliveryTag) => methodFrame(1, basicAck({ deliveryTag })));
      await there.write(concat(acks));
      const sizes: number[] = [];
      while (sizes.reduce((sum, size) => sum + size, 0) < tags.length * ANSWER_MIN) {
        sizes.push(await there.read(new Uint8Array(64 * 1024)) ?? 0);
      }
      return sizes;
    },
    close: () => link.close(),
  };
}

const ANSWER_MIN = 5000;
const LARGE_ANSWER = contentOf({ body: "x".repeat(ANSWER_MIN) });

Deno.test("WireLink writes an answer to acks early, unless other links keep the loop busy", async () => {
  const [one, other] = [answeringAcks(), answeringAcks()];
  await one.ack(1);
  // tags that are not in a row are not taken together
  assertEquals((await one.ack(3, 5)).length, 2, "while it works on the first, the second is made");
  await other.ack(1);
  assertEquals((await one.ack(7, 9)).length, 1, "fewer writes cost less");
  assertEquals((await one.ack(11, 13)).length, 2);
  one.close();
  other.close();
});

Deno.test("WireLink puts contents of several channels together octet by octet", async () => {
  const { bytes, events } = interleaved();
  assertEquals(await receive([...bytes].map((octet) => Uint8Array.of(octet))), events);
});

Deno.test("WireLink takes bodies cut in any way and of any size", async () => {
  for (const size of [0, 1, 4087, 4088, 4089, 131_064, 131_065, 1024 * 1024]) {
    const body = "abcdefg".repeat(size / 7 + 1).slice(0, size);
    for (const frameMax of [0, 4096, 131_072]) {
      const frames = contentFrames(1, basicPublish(), { body }, frameMax);
      const bytes = concat(frames);
      const chunks = [];
      for (let at = 0; at < bytes.length; at += 100_003) {
        chunks.push(bytes.subarray(at, at + 100_003));
      }
      const [event, ...more] = await receive(chunks, { frameMax });
      assertEquals(more, []);
      assert(typeof event === "object" && "content" in event);
      assertEquals(event.content!.body === body, true, `body of ${size}, frame-max ${frameMax}`);
    }
  }
});

Deno.test("WireLink gives one method object to publishes to one place, another to others", async () => {
  const address = { exchange: "x", routingKey: "k" };
  const events = await receive([
    concat([
      ...contentFrames(1, basicPublish(address), address),
      ...contentFrames(1, basicPublish({ ...address, mandatory: true }), address),
      ...contentFrames(1, basicPublish({ ...address, immediate: true }), address),
      ...contentFrames(1, basicPublish(address), address),
      ...contentFrames(1, basicPublish({ exchange: "x", routingKey: "other" }), address),
    ]),
  ]);
  assertEquals(
    events.map((event) => typeof event === "object" && "method" in event && event.method),
    [
      basicPublish(address),
      basicPublish({ ...address, mandatory: true }),
      basicPublish({ ...address, immediate: true }),
      basicPublish(address),
      basicPublish({ exchange: "x", routingKey: "other" }),
    ],
  );
});

const PUBLISH = methodFrame(1, basicPublish({ routingKey: "q" }));
const REFUSED: readonly (readonly [
  what: string,
  frames: readonly Uint8Array[],
  text: string,
  blamed?: readonly [number, number],
])[] = [
  [
    "a header without a method",
    [headerFrame(1, 1)],
    "UNEXPECTED_FRAME - expected method frame, got non method frame instead",
  ],
  [
    "a body without a method",
    [bodyFrame(1, "x")],
    "UNEXPECTED_FRAME - expected method frame, got non method frame instead",
  ],
  [
    "a second body after a whole content",
    [PUBLISH, headerFrame(1, 1), bodyFrame(1, "x"), bodyFrame(1, "y")],
    "UNEXPECTED_FRAME - expected method frame, got non method frame instead",
  ],
  [
    "a method where a header is due",
    [PUBLISH, PUBLISH],
    "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead",
    [60, 40],
  ],
  [
    "a body where a header is due",
    [PUBLISH, bodyFrame(1, "x")],
    "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead",
    [60, 40],
  ],
  [
    "a header of another class",
    [PUBLISH, headerFrame(1, 1, { classId: 50 })],
    "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead",
    [60, 40],
  ],
  [
    "a header where a body is due",
    [PUBLISH, headerFrame(1, 1), headerFrame(1, 1)],
    "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
    [60, 40],
  ],
  [
    "a method where a body is due",
    [PUBLISH, headerFrame(1, 1), methodFrame(1, channelClose())],
    "UNEXPECTED_FRAME - expected content body, got non content body frame instead",
    [60, 40],
  ],
  [
    "more body than announced",
    [PUBLISH, headerFrame(1, 3), bodyFrame(1, "1234")],
    "FRAME_ERROR - content body frame exceeds remaining content size",
  ],
  [
    "a body that is announced too large",
    [PUBLISH, headerFrame(1, 536_870_913)],
    "FRAME_ERROR - content body size 536870913 exceeds maximum allowed size 536870912",
  ],
  [
    "a header on channel 0",
    [frame(2, 0, [0, 60, 0])],
    "UNEXPECTED_FRAME - type 2, all octets = <<0,60,0>>",
  ],
  ["a body on channel 0", [frame(3, 0, [1])], "UNEXPECTED_FRAME - type 3, all octets = <<1>>"],
  [
    "content on channel 0",
    [methodFrame(0, basicPublish())],
    "CHANNEL_ERROR - unexpected method in connection state running",
    [60, 40],
  ],
  [
    "a heartbeat on another channel",
    [frame(8, 1, [])],
    "UNEXPECTED_FRAME - type 8, all octets = <<>>",
  ],
  [
    "a heartbeat that says something",
    [frame(8, 0, [1])],
    "FRAME_ERROR - type 8, all octets = <<1>>: unknown_frame",
  ],
  ["no method", [frame(1, 1, [])], "FRAME_ERROR - type 1, all octets = <<>>: unknown_frame"],
  [
    "half a method",
    [frame(1, 1, [0, 60])],
    "FRAME_ERROR - type 1, all octets = <<0,60>>: unknown_frame",
  ],
  [
    "a method that does not exist",
    [frame(1, 1, [0, 60, 0, 99])],
    "COMMAND_INVALID - unimplemented method",
    [60, 99],
  ],
  [
    "half of a header",
    [PUBLISH, frame(2, 1, [0, 60, 0])],
    "FRAME_ERROR - type 2, all octets = <<0,60,0>>: unknown_frame",
  ],
  [
    "an exchange that is not UTF-8",
    [frame(1, 1, [0, 60, 0, 40, 0, 0, 1, 0xff, 0, 0])],
    "FRAME_ERROR - Malformed UTF-8 in shortstr",
  ],
  [
    "a consumer tag that is not UTF-8",
    [frame(1, 1, wire(0, 60, 0, 60, 1, 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0))],
    "FRAME_ERROR - Malformed UTF-8 in shortstr",
  ],
];

for (const [what, frames, text, blamed = [0, 0]] of REFUSED) {
  Deno.test(`WireLink refuses ${what}, and only that`, async () => {
    const receiver = new RecordingReceiver();
    const good = { channel: 9, method: txCommit() };
    const bytes = concat([methodFrame(9, txCommit()), ...frames]);
    new WireLink(new ScriptedTransport([bytes])).run(receiver);
    await receiver.whenClosed;
    const [first, failure] = receiver.events.filter((event) =>
      typeof event !== "object" || !("content" in event)
    );
    assertEquals([first, failure], [good, { failed: text }]);
    assertEquals(receiver.errors.length, 1);
    const { classId, methodId, hard } = receiver.errors[0]!;
    assertEquals([classId, methodId, hard], [...blamed, true]);
  });
}

Deno.test("WireLink refuses basic.publish and basic.deliver cut short anywhere", async () => {
  const methods = [
    methodFrame(1, basicPublish({ exchange: "exchange", routingKey: "key" })),
    methodFrame(1, basicDeliver({ consumerTag: "tag", exchange: "exchange", routingKey: "key" })),
  ];
  for (const whole of methods) {
    const payload = whole.subarray(7, -1);
    for (let end = 4; end < payload.length; end++) {
      const bytes = frame(1, 1, payload.subarray(0, end));
      const [event, ...more] = await receive([bytes]);
      assertEquals(more, []);
      assert(typeof event === "object" && "failed" in event, `${end}: ${JSON.stringify(event)}`);
      assert(event.failed.startsWith("FRAME_ERROR - "), event.failed);
    }
  }
});

Deno.test("WireLink reads on after the framing was lost, and takes nothing of it", async () => {
  const receiver = new RecordingReceiver();
  const good = methodFrame(1, txCommit());
  const transport = new ScriptedTransport([
    concat([good, frame(9, 1, [1]), good]),
    good,
    new Uint8Array(100_000),
    good,
  ]);
  new WireLink(transport).run(receiver);
  await receiver.whenClosed;
  assertEquals(receiver.events.slice(0, -1), [
    { channel: 1, method: txCommit() },
    { failed: "FRAME_ERROR - type 9, all octets = <<1>>: unknown_frame" },
  ]);
});

Deno.test("WireLink pays nothing for bodies that are announced and do not come", async () => {
  const channels = 200;
  const before = Deno.memoryUsage().external;
  const receiver = new RecordingReceiver();
  const transport = new ScriptedTransport(
    Array.from({ length: channels }, (_, index) =>
      concat([
        methodFrame(index + 1, basicPublish()),
        headerFrame(index + 1, 536_870_912),
        bodyFrame(index + 1, "x"),
      ])),
    { staysOpen: true },
  );
  const link = new WireLink(transport);
  link.run(receiver);
  while (transport.reads <= channels) await loopRound();
  assertLess(Deno.memoryUsage().external - before, 32 * 1024 * 1024);
  assertEquals(receiver.events, []);
  link.abort();
  await receiver.whenClosed;
});

Deno.test("WireLink keeps reading a channel's content apart from what closed before it", async () => {
  const address = { exchange: "", routingKey: "q" };
  const events = await receive([
    concat([
      methodFrame(2, basicPublish(address)),
      methodFrame(1, channelCloseOk()),
      ...contentFrames(1, basicPublish(address), { ...address, body: "new life" }),
      headerFrame(2, 3),
    ]),
    bodyFrame(2, "old"),
  ]);
  assertEquals(
    events.map((event) => typeof event === "object" && "channel" in event && event.channel),
    [1, 1, 2],
  );
});

Deno.test("WireLink forgets half a content of a channel once it has confirmed its close", async () => {
  const receiver = new RecordingReceiver();
  const [here, there] = memoryTransports();
  const link = new WireLink(here);
  link.run(receiver);
  await there.write(concat([methodFrame(1, basicPublish()), methodFrame(2, txCommit())]));
  await receiver.until(1);
  link.send(1, channelCloseOk());
  await there.write(methodFrame(1, channelOpen()));
  await receiver.until(2);
  assertEquals(receiver.events[1], { channel: 1, method: channelOpen() });
  there.close();
  await receiver.whenClosed;
});

// ---- the handshake

Deno.test("WireLink.readProtocolHeader() waits for all eight octets", async () => {
  const header = wire("AMQP", 0, 0, 9, 1);
  const link = new WireLink(
    new ScriptedTransport([header.subarray(0, 3), header.subarray(3, 7), header.subarray(7)]),
  );
  assertEquals(await link.readProtocolHeader(), header);

  const cut = new WireLink(new ScriptedTransport([header.subarray(0, 7)]));
  assertEquals(await cut.readProtocolHeader(), undefined);
});

Deno.test("WireLink.next() gives one method after the other and leaves the rest for run()", async () => {
  const transport = new ScriptedTransport([
    concat([
      methodFrame(0, connectionTune({ frameMax: 5 })),
      heartbeatFrame(),
      methodFrame(0, connectionTune({ frameMax: 6 })),
      methodFrame(1, channelOpen()),
      PUBLISH,
    ]),
    concat([headerFrame(1, 1), bodyFrame(1, "x")]),
  ]);
  const link = new WireLink(transport);
  assertEquals(await link.next(), { channel: 0, method: connectionTune({ frameMax: 5 }) });
  assertEquals(await link.next(), { channel: 0, method: connectionTune({ frameMax: 6 }) });
  const receiver = new RecordingReceiver();
  link.run(receiver);
  await receiver.whenClosed;
  assertEquals(receiver.events.slice(0, 2), [
    { channel: 1, method: channelOpen() },
    {
      channel: 1,
      method: basicPublish({ routingKey: "q" }),
      content: { exchange: "", routingKey: "q", properties: {}, body: "x" },
    },
  ]);
});

Deno.test("WireLink.next() rejects content frames, other protocols and the end of the stream", async () => {
  const failing = (bytes: Uint8Array) =>
    assertRejects(() => new WireLink(new ScriptedTransport([bytes])).next());
  assertEquals(
    (await failing(headerFrame(1, 1)) as Error).message,
    "UNEXPECTED_FRAME - expected method frame, got non method frame instead",
  );
  assertEquals(
    (await failing(wire("AMQP", 0, 0, 9, 1)) as Error).message,
    "Cannot open connection: the peer speaks another protocol version",
  );
  assertEquals(
    (await failing(PUBLISH.subarray(0, 9)) as Error).message,
    "Cannot open connection: the peer closed it during the handshake",
  );
});

Deno.test("WireLink.tune() changes what may come and what is sent", async () => {
  const transport = new ScriptedTransport([bodyFrame(1, new Uint8Array(5000))]);
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.tune({ frameMax: 4096 });
  link.sendContent(1, basicPublish(), contentOf({ body: new Uint8Array(5000) }));
  await endOfTurn();
  link.run(receiver);
  await receiver.whenClosed;
  assertEquals(receiver.events[0], {
    failed: "FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,5000,4088}",
  });
  const sizes = framesIn(transport.written[0]!).map(({ length }) => length);
  assertEquals(sizes.slice(2), [4096, 5000 - 4088 + 8]);
});

// ---- sending

Deno.test("WireLink writes all that a turn sends at once, at the end of the turn", async () => {
  const transport = new ScriptedTransport([], { staysOpen: true });
  const link = new WireLink(transport);
  link.send(1, txCommit());
  link.sendContent(1, basicPublish(), contentOf({ body: "b" }));
  link.sendDelivery(1, CONSUMER_TAG, 1, false, contentOf({ body: "b" }));
  link.beat();
  assertEquals(transport.written, []);
  await endOfTurn();
  assertEquals(transport.written.length, 1);
  assertEquals(framesIn(transport.written[0]!).length, 1 + 3 + 3 + 1);
  assertEquals(link.bytesWritten, transport.written[0]!.length);
  link.abort();
});

Deno.test("WireLink writes what is sent during a write after it, in one piece and in order", async () => {
  const transport = new ScriptedTransport([], { staysOpen: true });
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.run(receiver);
  transport.holdWrites();
  for (let tag = 1; tag <= 3; tag++) {
    link.send(tag, basicAck({ deliveryTag: tag }));
    await endOfTurn();
  }
  transport.letWrite();
  link.close();
  await receiver.whenClosed;
  assertEquals(transport.written.map((bytes) => framesIn(bytes).map((one) => one[2])), [[1], [
    2,
    3,
  ]]);
});

Deno.test("WireLink writes on when a write takes a part only", async () => {
  const transport = new ScriptedTransport([], { staysOpen: true });
  const write = transport.write.bind(transport);
  transport.write = (bytes) => write(bytes.subarray(0, 7));
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.run(receiver);
  link.send(1, queueDeclare({ queue: "a-queue-with-a-name" }));
  link.close();
  await receiver.whenClosed;
  assertGreater(transport.written.length, 3);
  assertEquals(
    concat(transport.written),
    methodFrame(1, queueDeclare({ queue: "a-queue-with-a-name" })),
  );
});

Deno.test("WireLink tells consumer tags apart, however many there are", async () => {
  const [here, there] = memoryTransports();
  const [sender, taker] = [new WireLink(here), new WireLink(there)];
  const [atSender, atTaker] = [new RecordingReceiver(), new RecordingReceiver()];
  sender.run(atSender);
  taker.run(atTaker);
  const tags = Array.from({ length: 3000 }, (_, index) => `tag-${index * 7 % 1500}`);
  const consumers = new Map(tags.map((tag) => [tag, new ConsumerTag(tag)]));
  tags.forEach((tag, index) =>
    sender.sendDelivery(1, consumers.get(tag)!, index, false, contentOf({}))
  );
  await atTaker.until(tags.length);
  const seen = atTaker.events.map((event) =>
    typeof event === "object" && "delivery" in event && event.delivery[0]
  );
  assertEquals(seen, tags);
  sender.close();
  await Promise.all([atSender.whenClosed, atTaker.whenClosed]);
});

Deno.test("WireLink is full from 1 MiB on until the peer has taken most of it", async () => {
  const transport = new ScriptedTransport([], { staysOpen: true });
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.run(receiver);
  transport.holdWrites();
  const body = new Uint8Array(100_000);
  for (let count = 0; count < 10; count++) {
    link.sendDelivery(1, CONSUMER_TAG, 1, false, contentOf({ body }));
  }
  await endOfTurn();
  assertEquals(link.full, false);
  link.sendDelivery(1, CONSUMER_TAG, 1, false, contentOf({ body }));
  assertEquals(link.full, true, "what is being written counts as well");
  transport.letWrite();
  await receiver.until(1);
  assertEquals(receiver.events, ["drained"]);
  assertEquals(link.full, false);
  link.close();
  await receiver.whenClosed;
  assertEquals(transport.written.reduce((sum, { length }) => sum + length, 0) > 1_100_000, true);
});

Deno.test("WireLink lets others through while a peer takes at once whatever it gets", async () => {
  const transport = new ScriptedTransport([], { staysOpen: true });
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  const body = new Uint8Array(100_000);
  let [filled, inTurn, most] = [0, 0, 0];
  const enough = Promise.withResolvers<void>();
  using time = standingTime();
  // as a queue whose backlog its consumer takes
  const fill = () => {
    time.pass(2);
    most = Math.max(most, ++inTurn);
    if (++filled === 100) enough.resolve();
    while (!link.full) link.sendDelivery(1, CONSUMER_TAG, 1, false, contentOf({ body }));
  };
  receiver.drained = fill;
  using _turns = eachRound(() => inTurn = 0);
  link.run(receiver);
  fill();
  await enough.promise;
  link.abort();
  await receiver.whenClosed;
  assertLess(most, 10);
});

Deno.test("WireLink sends large contents whole, from buffers that links use in turn", async () => {
  const body = (fill: number) => new Uint8Array(1_500_000).fill(fill);
  for (let round = 0; round < 6; round++) {
    const transports = [1, 2].map(() => new ScriptedTransport([], { staysOpen: true }));
    const links = transports.map((transport) => new WireLink(transport));
    const receivers = links.map((link) => {
      const receiver = new RecordingReceiver();
      link.run(receiver);
      return receiver;
    });
    // the second one is filled while the first is being written, and one link while the other is
    transports[0]!.holdWrites();
    for (const tag of [1, 2]) {
      for (const [at, link] of links.entries()) {
        link.sendDelivery(1, CONSUMER_TAG, tag, false, contentOf({ body: body(10 * at + tag) }));
      }
      await endOfTurn();
    }
    transports[0]!.letWrite();
    for (const [at, link] of links.entries()) {
      link.close();
      await receivers[at]!.whenClosed;
      const bodies = framesIn(concat(transports[at]!.written)).filter(([type]) => type === 3);
      const sent = concat(bodies.map((each) => each.subarray(7, -1)));
      assertEquals(sent.length, 3_000_000);
      const octets = new Set(sent.subarray(0, 1_500_000));
      assertEquals([...octets, ...new Set(sent.subarray(1_500_000))], [10 * at + 1, 10 * at + 2]);
    }
  }
});

Deno.test("WireLink does not tell of room that nobody had missed", async () => {
  const transport = new ScriptedTransport([], { staysOpen: true });
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.run(receiver);
  link.sendDelivery(1, CONSUMER_TAG, 1, false, contentOf({ body: new Uint8Array(3_000_000) }));
  link.close();
  await receiver.whenClosed;
  assertEquals(receiver.events, [{ closed: undefined }]);
});

// ---- reading less, and ending

Deno.test("WireLink lets timers and other sockets through, though its peer always has more", async () => {
  const heartbeats = concat(Array.from({ length: 8192 }, () => heartbeatFrame()));
  const transport = new ScriptedTransport([], { staysOpen: true });
  // as the runtime reads what has come already: nothing is waited for
  transport.read = (into) => {
    const chunk = heartbeats.subarray(0, Math.min(heartbeats.length, into.length));
    into.set(chunk);
    return Promise.resolve(chunk.length);
  };
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.run(receiver);
  await new Promise((resolve) => setTimeout(resolve));
  link.abort();
  await receiver.whenClosed;
  assertGreater(link.bytesRead, 8192);
});

/** A peer that sends the same bytes again and again; a read brings what is left of them, at most. */
function againAndAgain(bytes: Uint8Array): ScriptedTransport {
  const transport = new ScriptedTransport([], { staysOpen: true });
  let at = 0;
  transport.read = (into) => {
    const chunk = bytes.subarray(at, at + into.length);
    into.set(chunk);
    at = (at + chunk.length) % bytes.length;
    return Promise.resolve(chunk.length);
  };
  return transport;
}

Deno.test("WireLink lets others through before a peer's many small methods have taken long", async () => {
  const methods = concat(Array.from({ length: 10_000 }, () => methodFrame(1, txCommit())));
  const link = new WireLink(againAndAgain(methods));
  const receiver = new RecordingReceiver();
  using time = standingTime();
  // each takes a tenth of a millisecond
  receiver.receive = () => time.pass(0.1);
  link.run(receiver);
  await new Promise((resolve) => setTimeout(resolve));
  link.abort();
  await receiver.whenClosed;
  // a mebibyte of them would be nine seconds
  assertLess(link.bytesRead, 256 * 1024);
});

Deno.test("WireLink lets others through between the many small methods that one read brings", async () => {
  const methods = concat(Array.from({ length: 10_000 }, () => methodFrame(1, txCommit())));
  let largest = 0;
  const link = new WireLink(againAndAgain(methods));
  link.onRead = (bytes) => largest = Math.max(largest, bytes);
  const receiver = new RecordingReceiver();
  let [taken, inTurn, most] = [0, 0, 0];
  const all = Promise.withResolvers<void>();
  using time = standingTime();
  receiver.receive = () => {
    time.pass(0.05);
    most = Math.max(most, ++inTurn);
    if (++taken === 12_000) all.resolve();
  };
  using _turns = eachRound(() => inTurn = 0);
  link.run(receiver);
  await all.promise;
  link.abort();
  await receiver.whenClosed;
  const size = methods.length / 10_000;
  assertGreater(largest / size, 4000, "one read brings that many");
  assertLess(most, 1000, "but they are not taken all at once");
});

/** Publishes come without end, so many a read at most; the first ones cost nothing, the others two
 * milliseconds each. Tells how many of those are taken at a stretch at most. */
async function mostAtAStretch(aRead: number, body: string, cheap: number): Promise<number> {
  const publish = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body }));
  const publishes = concat(Array.from({ length: aRead }, () => publish));
  const link = new WireLink(againAndAgain(publishes));
  const receiver = new RecordingReceiver();
  let [taken, inTurn, most] = [0, 0, 0];
  const all = Promise.withResolvers<void>();
  using time = standingTime();
  receiver.receiveContent = () => {
    if (++taken <= cheap) return;
    time.pass(2);
    most = Math.max(most, ++inTurn);
    if (taken === cheap + 150) all.resolve();
  };
  using _turns = eachRound(() => inTurn = 0);
  link.run(receiver);
  await all.promise;
  link.abort();
  await receiver.whenClosed;
  return most;
}

Deno.test("WireLink lets others through between publishes that cost much each, such as a fanout to many queues", async () => {
  assertLess(await mostAtAStretch(100, "body", 0), 10);
  // a body that takes frames of its own, and one that has none
  assertLess(await mostAtAStretch(100, "", 0), 10);
  // few bytes a read
  assertLess(await mostAtAStretch(20, "body", 0), 10);
  assertLess(await mostAtAStretch(20, "body", 1000), 42);
  // it learns how long they take, and until then it cannot know
  assertLess(await mostAtAStretch(3000, "body", 10_000), 42);
});

Deno.test("WireLink.throttle() keeps it from reading, and from the rest of what it has read", async () => {
  const transport = new ScriptedTransport([
    concat([methodFrame(1, txCommit()), methodFrame(2, txCommit())]),
    methodFrame(3, txCommit()),
  ]);
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  const receive = receiver.receive.bind(receiver);
  receiver.receive = (channel, method) => {
    receive(channel, method);
    if (channel === 1) link.throttle(true);
  };
  link.run(receiver);
  await receiver.until(1);
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  assertEquals([receiver.events.length, transport.reads], [1, 1]);
  link.throttle(false);
  await receiver.whenClosed;
  assertEquals(receiver.events.length, 4);
});

/** A link whose reads wait for their turn, since others are busy whenever one comes. */
function crowded(
  transport: ScriptedTransport,
  onRead: (link: WireLink) => void,
): { link: WireLink; receiver: RecordingReceiver } {
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.onRead = () => {
    void worked(1000);
    onRead(link);
  };
  link.run(receiver);
  return { link, receiver };
}

Deno.test("WireLink.throttle() keeps it from what waits for its turn as well", async () => {
  const bytes = [methodFrame(1, txCommit()), methodFrame(2, txCommit())];
  const transport = new ScriptedTransport(bytes);
  const { link, receiver } = crowded(transport, (link) => link.throttle(link.bytesRead < 20));
  while (transport.reads === 0) await pollSockets();
  for (let turn = 0; turn < 3; turn++) await pollSockets();
  assertEquals([receiver.events.length, transport.reads], [0, 1]);
  link.throttle(false);
  await receiver.whenClosed;
  assertEquals(receiver.events.length, 3);
});

Deno.test("WireLink tells that it does not read its peer while others have their turn", async () => {
  const transport = new ScriptedTransport([methodFrame(1, txCommit())], { staysOpen: true });
  const { link, receiver } = crowded(transport, () => {});
  while (transport.reads === 0) await Promise.resolve();
  for (let step = 0; step < 20; step++) await Promise.resolve();
  assertEquals([link.bytesRead > 0, receiver.events.length], [true, 0]);
  assertEquals([link.reading, link.waitsForTurn], [false, true]);
  await receiver.until(1);
  await pollSockets();
  assertEquals([link.reading, link.waitsForTurn], [true, false]);
  link.abort();
});

Deno.test("WireLink takes what waits for its turn though a write fails meanwhile", async () => {
  const transport = new ScriptedTransport([methodFrame(1, txCommit())], { staysOpen: true });
  transport.write = () => Promise.reject(new Error("broken pipe"));
  const { receiver } = crowded(transport, (link) => link.send(1, txCommit()));
  await receiver.whenClosed;
  assertEquals(receiver.events, [{ channel: 1, method: txCommit() }, { closed: "broken pipe" }]);
});

Deno.test("WireLink.close() ends a link that was throttled", async () => {
  const transport = new ScriptedTransport([methodFrame(1, txCommit())], { staysOpen: true });
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.throttle(true);
  link.run(receiver);
  link.close();
  await receiver.whenClosed;
  assertEquals([receiver.events, transport.closed], [[{ closed: undefined }], true]);
});

Deno.test("WireLink.abort() drops what was not written, and tells why", async () => {
  const transport = new ScriptedTransport([], { staysOpen: true });
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.run(receiver);
  transport.holdWrites();
  link.send(1, txCommit());
  await endOfTurn();
  link.send(2, txCommit());
  link.abort(new Error("too late"));
  link.abort(new Error("much too late"));
  link.send(3, txCommit());
  await receiver.whenClosed;
  assertEquals(receiver.events, [{ closed: "too late" }]);
  assertEquals([transport.written, transport.closed], [[], true]);
});

Deno.test("WireLink tells of a write that failed", async () => {
  const transport = new ScriptedTransport([], { staysOpen: true });
  transport.write = () => Promise.reject(new Error("broken pipe"));
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.run(receiver);
  link.send(1, txCommit());
  await receiver.whenClosed;
  assertEquals(receiver.events, [{ closed: "broken pipe" }]);
  assertEquals(transport.closed, true);
});

Deno.test("WireLink.run() tells of a write that failed in the handshake", async () => {
  const transport = new ScriptedTransport([methodFrame(1, txCommit())], { staysOpen: true });
  const link = new WireLink(transport);
  await link.next();
  // the peer is reset; what was read before is still looked at
  transport.close();
  link.send(0, txCommit());
  await new Promise<void>((resolve) => setTimeout(resolve));
  const receiver = new RecordingReceiver();
  link.run(receiver);
  await receiver.whenClosed;
  assertEquals(receiver.events, [{ closed: "closed" }]);
});

Deno.test("WireLink that we close has ended in an orderly way, though the peer was quicker", async () => {
  const transport = new ScriptedTransport([]);
  transport.holdWrites();
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.send(0, txCommit());
  link.close();
  link.run(receiver);
  await receiver.whenClosed;
  assertEquals(receiver.events, [{ closed: undefined }]);
});

Deno.test("WireLink counts what it reads, heartbeats included, and hands none of them out", async () => {
  const transport = new ScriptedTransport([heartbeatFrame(), heartbeatFrame()]);
  const link = new WireLink(transport);
  const receiver = new RecordingReceiver();
  link.run(receiver);
  await receiver.whenClosed;
  assertEquals([link.bytesRead, receiver.events.length], [16, 1]);
});

Deno.test("WireLink takes returned messages with their address as it was", async () => {
  const fields = { exchange: "é", routingKey: "long".repeat(60), properties: {}, body: "b" };
  const method = basicReturn({
    replyCode: 312,
    replyText: "NO_ROUTE and more",
    exchange: fields.exchange,
    routingKey: fields.routingKey,
  });
  const events = await receive(contentFrames(1, method, fields));
  assertEquals(events, [{ channel: 1, method, content: fields }]);
});

// ---- memory

/** A transport whose reads bring what a test gives it, when it does. */
class IdleTransport extends ScriptedTransport {
  /** How large the buffers were that it was asked to fill. */
  readonly rooms: number[] = [];
  #next = Promise.withResolvers<Uint8Array>();

  constructor() {
    super([]);
  }

  override async read(into: Uint8Array): Promise<number> {
    this.rooms.push(into.length);
    const bytes = await this.#next.promise;
    this.#next = Promise.withResolvers();
    into.set(bytes);
    return bytes.length;
  }

  /** Brings some bytes, and waits until more are asked for. */
  async bring(bytes: Uint8Array): Promise<void> {
    const { length } = this.rooms;
    this.#next.resolve(bytes);
    while (this.rooms.length === length) await new Promise((resolve) => setTimeout(resolve));
  }
}

Deno.test("WireLink gives its peer's large read buffer back when that is idle between two heartbeats", async () => {
  const transport = new IdleTransport();
  const link = new WireLink(transport);
  link.run(new RecordingReceiver());
  const heartbeat = heartbeatFrame();
  const busy = async () => {
    const room = transport.rooms.at(-1)!;
    await transport.bring(concat(new Array(room >> 3).fill(heartbeat)));
  };
  for (let read = 0; read < 6; read++) await busy();
  link.beat();
  await transport.bring(heartbeat);
  assertGreater(transport.rooms.at(-1)!, 32_000, "it was busy until now");
  link.beat();
  await transport.bring(heartbeat);
  assertLess(transport.rooms.at(-1)!, 1025);
  for (let read = 0; read < 6; read++) await busy();
  assertGreater(transport.rooms.at(-1)!, 32_000, "and grows again");
  link.abort();
});
