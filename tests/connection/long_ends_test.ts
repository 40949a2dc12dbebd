import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicConsume,
  basicGet,
  basicNack,
  basicPublish,
  basicQos,
  channelClose,
  channelOpen,
  connectionClose,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import {
  assertSliced,
  countOf,
  declare,
  fill,
  loopRound,
  MANY_MESSAGES,
  sendAll,
  take,
  upTo,
  watch,
  watchReturn,
  withUnacked,
} from "./long_work.ts";
import { ServedBroker, settle } from "./support.ts";

/** More than is given back in one turn, in channels, consumers or queues. */
const MANY = 3000;

/** Logs in and opens so many channels. */
async function withChannels(served: ServedBroker, count: number): Promise<RawPeer> {
  const peer = await served.login({ tuning: { channelMax: 65_535 } });
  const numbers = Array.from({ length: count - 1 }, (_, at) => at + 2);
  await sendAll(peer, numbers.map((number) => [number, channelOpen()]));
  for (const number of numbers) await peer.expect(number, "channel.open-ok");
  return peer;
}

// ---- others meanwhile

const CHANNELS_MAX = { channelMax: 65_535 };

Deno.test("A client with a great many channels that goes is given up in turns, and others go on", async () => {
  await using served = await ServedBroker.startTimed(CHANNELS_MAX);
  const [other, many] = [await served.login(), await withChannels(served, MANY)];
  await declare(other, { queue: "q" });
  const channels = () => [...served.broker.channels()].length - 1;
  assertEquals(channels(), MANY);
  many.close();
  // what others ask for is answered while most of it is still there
  let between = 0;
  const asking = (async () => {
    do {
      await other.send(1, basicPublish({ routingKey: "q" }), { body: "x" });
      await other.send(1, basicGet({ queue: "q", noAck: true }));
      await other.expectContent(1, "basic.get-ok");
      if (channels() > 0 && channels() < MANY) between++;
    } while (channels() > 0);
  })();
  assertSliced(await watch(channels));
  await asking;
  assertGreater(between, 0);
});

Deno.test("connection.close is answered once all channels have ended, and counts until then", async () => {
  await using served = await ServedBroker.startTimed(CHANNELS_MAX);
  const { broker } = served;
  const peer = await withChannels(served, MANY);
  await declare(peer, { queue: "mine", exclusive: true });
  await peer.send(0, connectionClose());
  while ([...broker.channels()].length === MANY) await loopRound();
  assertEquals([...broker.connections()].map(({ state }) => state), ["closing"]);
  assertGreater([...broker.channels()].length, 0);
  await peer.expect(0, "connection.close-ok");
  assertEquals([...broker.channels()], []);
  assertEquals([...broker.connections()], []);
  assertEquals([...broker.queues()], []);
});

Deno.test("A broker that closes waits for what clients leave behind", async () => {
  const served = await ServedBroker.startTimed(CHANNELS_MAX);
  const { broker } = served;
  const closed: string[] = [];
  broker.on("channel.closed", ({ number }) => void closed.push(`${number}`));
  broker.on("connection.closed", ({ name }) => void closed.push(name));
  const [gone, leaving, staying] = [
    await withChannels(served, MANY),
    await withChannels(served, MANY),
    await withChannels(served, MANY),
  ];
  const reading = staying.expect(0, "connection.close");
  gone.close();
  // it has all the time in the world to leave, if nobody hurries it: the clock stands still
  await leaving.send(0, connectionClose());
  while (closed.length === 0) await loopRound();
  assertLess(closed.length, MANY);
  const closing = broker.close();
  await reading;
  staying.close();
  await closing;
  await settle();
  assertEquals(closed.length, 3 * MANY + 3);
  await served[Symbol.asyncDispose]();
});

Deno.test("A client that closes at the same moment does not keep a broker from closing", async () => {
  const served = await ServedBroker.startTimed();
  const peer = await served.login();
  const closing = served.broker.close();
  await peer.expect(0, "connection.close");
  // it was on its way
  await peer.send(0, connectionClose());
  await peer.expect(0, "connection.close-ok");
  await closing;
  await served[Symbol.asyncDispose]();
});

Deno.test("The exclusive queues of a client that has many go in turns, and are its own until they do", async () => {
  await using served = await ServedBroker.startTimed();
  const [other, owner] = [await served.login(), await served.login()];
  await sendAll(
    owner,
    upTo(MANY).map((number) => [
      1,
      queueDeclare({ queue: `${number}`, exclusive: true, noWait: number < MANY }),
    ]),
  );
  await owner.expect(1, "queue.declare-ok");
  owner.close();
  const queues = () => [...served.broker.queues()].length;
  const watching = watch(queues);
  while (queues() === MANY) await loopRound();
  await other.send(1, queueDeclare({ queue: `${MANY}`, passive: true }));
  assertEquals((await other.expect(1, "channel.close")).replyCode, 405);
  assertSliced(await watching);
});

// ---- consumers

for (const arguments_ of [{}, { "x-single-active-consumer": true }]) {
  const kind = JSON.stringify(arguments_);
  Deno.test(`A great many consumers of a queue with ${kind} go in turns, and get nothing meanwhile`, async () => {
    await using served = await ServedBroker.startTimed();
    const [other, peer] = [await served.login(), await served.login()];
    await declare(other, { queue: "q", arguments: arguments_ });
    const consumes = upTo(MANY).map((number) =>
      [
        1,
        basicConsume({ queue: "q", consumerTag: `${number}`, noAck: true, noWait: number < MANY }),
      ] as const
    );
    await sendAll(peer, consumes);
    await peer.expect(1, "basic.consume-ok");
    const consumers = () => [...served.broker.queues()][0]!.consumers;
    assertEquals(consumers(), MANY);
    // the link stays: whoever got something would lose it
    await peer.send(1, channelClose());
    const watching = watch(consumers);
    while (consumers() === MANY) await loopRound();
    assertGreater(consumers(), 0);
    await other.send(1, basicPublish({ routingKey: "q" }), { body: "kept" });
    assertSliced(await watching);
    await peer.expect(1, "channel.close-ok");
    await other.send(1, basicGet({ queue: "q", noAck: true }));
    assertEquals((await other.expectContent(1, "basic.get-ok")).text, "kept");
  });
}

Deno.test("The next single active consumer gets what comes back before what is published meanwhile", async () => {
  await using served = await ServedBroker.startTimed();
  const [first, next, publisher] = [
    await served.login(),
    await served.login(),
    await served.login(),
  ];
  await declare(first, { queue: "q", arguments: { "x-single-active-consumer": true } });
  await first.send(1, basicConsume({ queue: "q", consumerTag: "active" }));
  await first.expect(1, "basic.consume-ok");
  await next.send(1, basicConsume({ queue: "q", consumerTag: "next", noAck: true }));
  await next.expect(1, "basic.consume-ok");
  await sendAll(
    first,
    upTo(MANY).map((number) => [
      1,
      basicConsume({ queue: "q", consumerTag: `${number}`, noWait: number < MANY }),
    ]),
  );
  await first.expect(1, "basic.consume-ok");
  for (const body of ["1", "2", "3"]) {
    await publisher.send(1, basicPublish({ routingKey: "q" }), { body });
  }
  assertEquals((await take(first, 3)).numbers, [1, 2, 3]);
  await first.send(1, channelClose());
  const consumers = () => [...served.broker.queues()][0]!.consumers;
  while (consumers() === MANY + 2) await loopRound();
  await publisher.send(1, basicPublish({ routingKey: "q" }), { body: "4" });
  await publisher.send(1, queueDeclare({ queue: "q", passive: true }));
  await publisher.expect(1, "queue.declare-ok");
  assertGreater(consumers(), 1, "it came in between");
  assertEquals(await take(next, 4), { numbers: [1, 2, 3, 4], again: 3 });
  await first.expect(1, "channel.close-ok");
});

// ---- messages

for (const way of ["channel.close", "connection.close", "the socket"] as const) {
  Deno.test(`A great many unacked messages go back in turns by ${way}, in order, and before what is new`, async () => {
    await using served = await ServedBroker.startTimed();
    const [first, next, publisher] = [
      await withUnacked(served),
      await served.login(),
      await served.login(),
    ];
    const all = MANY_MESSAGES;
    await next.send(1, basicConsume({ queue: "q", consumerTag: "b" }));
    await next.expect(1, "basic.consume-ok");

    if (way === "channel.close") await first.send(1, channelClose());
    else if (way === "connection.close") await first.send(0, connectionClose());
    else first.close();
    await watchReturn(served, all, async () => {
      await publisher.send(1, basicPublish({ routingKey: "q" }), { body: `${all + 1}` });
      await publisher.send(1, queueDeclare({ queue: "q", passive: true }));
      await publisher.expect(1, "queue.declare-ok");
      assertGreater(countOf(served, "q").unacked, 0, "it came in between");
    });
    const { numbers, again } = await take(next, all + 1);
    assertEquals(numbers, upTo(all + 1));
    assertEquals(again, all);
    if (way === "channel.close") await first.expect(1, "channel.close-ok");
    if (way === "connection.close") await first.expect(0, "connection.close-ok");
  });
}

Deno.test("The next single active consumer gets a great many that come back before what waits", async () => {
  await using served = await ServedBroker.startTimed();
  const [first, next] = [await served.login(), await served.login()];
  await declare(first, { queue: "q", arguments: { "x-single-active-consumer": true } });
  const [all, held] = [MANY_MESSAGES + 3000, MANY_MESSAGES];
  await fill(served, "q", all);
  await first.send(1, basicQos({ prefetchCount: held }));
  await first.expect(1, "basic.qos-ok");
  for (const [peer, consumerTag] of [[first, "a"], [next, "b"]] as const) {
    await peer.send(1, basicConsume({ queue: "q", consumerTag }));
    await peer.expect(1, "basic.consume-ok");
  }
  await take(first, held);
  first.close();
  const { numbers, again } = await take(next, all);
  assertEquals(numbers, upTo(all));
  assertEquals(again, held);
});

Deno.test("A great many messages that were not delivered in their order go back in it", async () => {
  await using served = await ServedBroker.startTimed();
  const [first, next] = [await withUnacked(served), await served.login()];
  const all = MANY_MESSAGES;
  // they come once more, with the highest tags
  for (const tag of [5000, 8000]) {
    await first.send(1, basicNack({ deliveryTag: tag, multiple: true, requeue: true }));
  }
  const { numbers } = await take(first, 8000);
  assertEquals([numbers[0], numbers[7999]], [1, 8000]);
  await next.send(1, basicConsume({ queue: "q", consumerTag: "b" }));
  await next.expect(1, "basic.consume-ok");
  await first.send(1, channelClose());
  assertEquals((await take(next, all)).numbers, upTo(all));
  await first.expect(1, "channel.close-ok");
});

// ---- the number of a channel that ends

Deno.test("What is sent for a channel that takes its time to end is for the next one of its number", async () => {
  await using served = await ServedBroker.startTimed();
  const peer = await withUnacked(served);
  const all = MANY_MESSAGES;
  await peer.sendBytes(concat([
    methodFrame(1, channelClose()),
    methodFrame(1, channelOpen()),
    ...contentFrames(1, basicPublish({ routingKey: "q" }), { body: "last" }),
    methodFrame(1, basicGet({ queue: "q" })),
  ]));
  while (countOf(served, "q").ready === 0) await loopRound();
  assertLess(countOf(served, "q").ready, all);
  await peer.expect(1, "channel.close-ok");
  await peer.expect(1, "channel.open-ok");
  const { text, messageCount } = await peer.expectContent(1, "basic.get-ok");
  assertEquals([text, messageCount], ["1", all]);
});

Deno.test("What is sent for a channel that ends by a fault is nobody's", async () => {
  await using served = await ServedBroker.startTimed();
  const peer = await withUnacked(served);
  const all = MANY_MESSAGES;
  await peer.sendBytes(concat([
    methodFrame(1, queueDeclare({ queue: "missing", passive: true })),
    ...contentFrames(1, basicPublish({ routingKey: "q" }), { body: "lost" }),
    methodFrame(1, basicGet({ queue: "q" })),
    methodFrame(1, channelClose()),
  ]));
  assertEquals((await peer.expect(1, "channel.close")).replyCode, 404);
  await peer.expect(1, "channel.close-ok");
  assertEquals(countOf(served, "q"), { ready: all, unacked: 0 });
  await peer.send(1, channelOpen());
  await peer.expect(1, "channel.open-ok");
});
