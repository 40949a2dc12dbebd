import { assertEquals, assertGreater } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicAck,
  basicCancel,
  basicConsume,
  basicGet,
  basicNack,
  basicPublish,
  basicQos,
  basicRecover,
  channelClose,
  channelOpen,
  connectionClose,
  type Method,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { Broker } from "../../mod.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import {
  A_TURN_OF_MESSAGES,
  assertSliced,
  countOf,
  declare,
  fill,
  loopRound,
  MANY_MESSAGES,
  take,
  upTo,
  watch,
  watchReturn,
  withFullQueue,
  withUnacked,
} from "./long_work.ts";
import { ServedBroker } from "./support.ts";

const ALL = MANY_MESSAGES;

/** A broker with such a client, and a queue for what dies. */
async function start(queueArguments = {}, consumes = true) {
  const served = await ServedBroker.startTimed();
  const peer = await (consumes ? withUnacked : withFullQueue)(served, queueArguments);
  await declare(peer, { queue: "dead" });
  return {
    served,
    peer,
    unacked: () => countOf(served, "q").unacked,
    [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
  };
}

const ackAll = basicAck({ deliveryTag: 0, multiple: true });
const rejectAll = basicNack({ deliveryTag: ALL, multiple: true, requeue: false });
const requeueAll = basicNack({ deliveryTag: ALL, multiple: true, requeue: true });

/** Waits until some are settled; others are not yet. */
async function inTheMiddle(unacked: () => number): Promise<void> {
  while (unacked() === ALL) await loopRound();
  assertGreater(unacked(), 0);
}

Deno.test("A great many messages are acked in turns, and what is asked for after it comes after it", async () => {
  await using stage = await start();
  const { served, peer, unacked } = stage;
  const other = await served.login();
  await peer.sendBytes(concat([
    methodFrame(1, ackAll),
    methodFrame(1, queueDeclare({ queue: "later" })),
    methodFrame(2, channelOpen()),
    methodFrame(2, queueDeclare({ queue: "beside" })),
  ]));
  let between = 0;
  const asking = (async () => {
    do {
      await other.send(1, queueDeclare({ queue: "q", passive: true }));
      await other.expect(1, "queue.declare-ok");
      if (unacked() > 0 && unacked() < ALL) between++;
    } while (unacked() > 0);
  })();
  // what fails first is told by who waits for it
  asking.catch(() => {});
  let [laterAt, besideAt] = [-1, -1];
  assertSliced(
    await watch(() => {
      const names = [...served.broker.queues()].map(({ name }) => name);
      if (laterAt < 0 && names.includes("later")) laterAt = unacked();
      if (besideAt < 0 && names.includes("beside")) besideAt = unacked();
      return unacked();
    }),
    A_TURN_OF_MESSAGES,
  );
  await asking;
  assertGreater(between, 0, "others were answered meanwhile");
  await peer.expect(2, "channel.open-ok");
  await peer.expect(2, "queue.declare-ok");
  await peer.expect(1, "queue.declare-ok");
  assertGreater(besideAt, 0, "another channel of the same client went on");
  assertEquals(laterAt <= 0, true, "the same one did not");
  assertEquals(countOf(served, "q"), { ready: 0, unacked: 0 });
});

Deno.test("Acks of a great many are for what was delivered by then, and not for what comes meanwhile", async () => {
  await using stage = await start();
  const { served, peer, unacked } = stage;
  await peer.send(1, ackAll);
  await inTheMiddle(unacked);
  const publisher = await served.login();
  await publisher.send(1, basicPublish({ routingKey: "q" }), { body: "0" });
  assertEquals((await take(peer, 1)).numbers, [0]);
  while (unacked() > 1) await loopRound();
  await peer.send(1, basicAck({ deliveryTag: ALL + 1 }));
  while (unacked() > 0) await loopRound();
});

Deno.test("A great many messages that are rejected die in turns, in their order", async () => {
  await using stage = await start({
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "dead",
  });
  const { served, peer, unacked } = stage;
  await peer.send(1, rejectAll);
  assertSliced(await watch(unacked), A_TURN_OF_MESSAGES);
  while (countOf(served, "dead").ready < ALL) await loopRound();
  const other = await served.login();
  await other.send(1, basicConsume({ queue: "dead", consumerTag: "b", noWait: true }));
  assertEquals((await take(other, ALL)).numbers, upTo(ALL));
});

for (
  const [way, method] of [
    ["basic.nack", requeueAll],
    ["basic.recover", basicRecover({ requeue: true })],
    ["basic.recover-async", { name: "basic.recover-async", requeue: true }],
  ] as [string, Method][]
) {
  Deno.test(`A great many messages come back in turns by ${way}, in order, and before what is new`, async () => {
    await using stage = await start();
    const { served, peer, unacked } = stage;
    const publisher = await served.login();
    await peer.send(1, method);
    await watchReturn(served, ALL, async () => {
      await publisher.send(1, basicPublish({ routingKey: "q" }), { body: `${ALL + 1}` });
      await publisher.send(1, queueDeclare({ queue: "q", passive: true }));
      await publisher.expect(1, "queue.declare-ok");
      assertGreater(unacked(), 0, "it came in between");
    });
    if (way === "basic.recover") await peer.expect(1, "basic.recover-ok");
    const { numbers, again } = await take(peer, ALL + 1);
    assertEquals(numbers, upTo(ALL + 1));
    assertEquals(again, ALL);
  });
}

Deno.test("A consumer with a prefetch has room again for what a great many came back for", async () => {
  await using stage = await start({}, false);
  const { served, peer, unacked } = stage;
  await peer.send(1, basicQos({ prefetchCount: ALL - 2000 }));
  await peer.expect(1, "basic.qos-ok");
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "a", noWait: true }));
  assertEquals((await take(peer, ALL - 2000)).numbers, upTo(ALL - 2000));
  await peer.send(1, basicNack({ deliveryTag: 0, multiple: true, requeue: true }));
  assertEquals((await take(peer, ALL - 2000)).numbers, upTo(ALL - 2000));
  await peer.send(1, ackAll);
  assertEquals((await take(peer, 2000)).numbers, upTo(ALL).slice(ALL - 2000));
  // some may have come while others were being acked
  while (unacked() > 2000) await loopRound();
  assertEquals(countOf(served, "q"), { ready: 0, unacked: 2000 });
});

for (const end of ["channel.close", "connection.close", "the socket"] as const) {
  for (const [what, method] of [["acked", ackAll], ["put back", requeueAll]] as const) {
    Deno.test(`A great many messages that are being ${what} are so once when ${end} comes meanwhile`, async () => {
      await using stage = await start();
      const { served, peer, unacked } = stage;
      await peer.send(1, basicCancel({ consumerTag: "a" }));
      await peer.expect(1, "basic.cancel-ok");
      await peer.send(1, method);
      if (what === "acked") await inTheMiddle(unacked);
      else while (countOf(served, "q").ready === 0) await loopRound();
      if (end === "channel.close") await peer.send(1, channelClose());
      else if (end === "connection.close") await peer.send(0, connectionClose());
      else peer.close();
      assertGreater(unacked(), 0);
      if (end === "channel.close") await peer.expect(1, "channel.close-ok");
      if (end === "connection.close") await peer.expect(0, "connection.close-ok");
      while (unacked() > 0) await loopRound();
      const left = what === "acked" ? [] : upTo(ALL);
      assertEquals(countOf(served, "q"), { ready: left.length, unacked: 0 });
      const other = await served.login();
      await other.send(1, basicConsume({ queue: "q", consumerTag: "b", noWait: true }));
      assertEquals((await take(other, left.length)).numbers, left);
    });
  }
}

Deno.test("A great many messages that were kept for too long are taken back in turns, in order", async () => {
  await using served = await ServedBroker.startTimed({ profile: "4.3", consumerTimeoutMs: 60_000 });
  const [peer, next, publisher] = [
    await served.login(),
    await served.login(),
    await served.login(),
  ];
  await declare(peer, {
    queue: "q",
    durable: true,
    arguments: { "x-queue-type": "quorum", "x-single-active-consumer": true },
  });
  await fill(served, "q", ALL);
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "a", noWait: true }));
  await next.send(1, basicConsume({ queue: "q", consumerTag: "b" }));
  await next.expect(1, "basic.consume-ok");
  assertEquals((await take(peer, ALL)).numbers, upTo(ALL));
  served.clock.advance(100_000);
  const seen = [0];
  for (let ready = 0; ready >= seen.at(-1)!; await loopRound()) {
    if (ready !== seen.at(-1)) seen.push(ready);
    if (seen.length === 2) {
      await publisher.send(1, basicPublish({ routingKey: "q" }), { body: `${ALL + 1}` });
    }
    ready = countOf(served, "q").ready;
  }
  assertSliced(seen.map((ready) => ALL + 1 - ready), A_TURN_OF_MESSAGES);
  assertEquals((await peer.expect(1, "basic.cancel")).consumerTag, "a");
  const { numbers, again } = await take(next, ALL + 1);
  assertEquals([numbers, again], [upTo(ALL + 1), ALL]);
});

Deno.test("A tag that there is not closes the channel, and all that is unacked comes back", async () => {
  await using stage = await start();
  const { served, peer } = stage;
  await peer.send(1, basicAck({ deliveryTag: ALL + 1, multiple: true }));
  const { replyCode, replyText } = await peer.expect(1, "channel.close");
  assertEquals([replyCode, replyText], [
    406,
    `PRECONDITION_FAILED - unknown delivery tag ${ALL + 1}`,
  ]);
  assertEquals(countOf(served, "q"), { ready: ALL, unacked: 0 });
});

Deno.test("A few are acked at once, however many are unacked", async () => {
  await using stage = await start();
  const { served, peer } = stage;
  await peer.sendBytes(concat([
    methodFrame(1, basicAck({ deliveryTag: 100, multiple: true })),
    methodFrame(1, basicNack({ deliveryTag: ALL, requeue: true })),
    ...contentFrames(1, basicPublish({ routingKey: "dead" }), { body: "x" }),
    methodFrame(1, basicGet({ queue: "dead", noAck: true })),
  ]));
  assertEquals((await take(peer, 1)).numbers, [ALL]);
  await peer.expectContent(1, "basic.get-ok");
  assertEquals(countOf(served, "q").unacked, ALL - 100);
});

Deno.test("In one process a great many messages are settled in turns as well", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  for (const number of upTo(ALL)) channel.basicPublish({ routingKey: "q" }, `${number}`);
  const seen: string[] = [];
  let wake = () => {};
  await channel.basicConsume("q", {}, (message) => {
    seen.push(message.text());
    wake();
  });
  const got = async (count: number) => {
    while (seen.length < count) await new Promise<void>((resolve) => wake = resolve);
  };
  const queue = () => [...broker.queues()][0]!;
  await got(ALL);
  channel.basicNack(0, { multiple: true, requeue: true });
  await got(2 * ALL);
  assertEquals(seen.slice(ALL).map(Number), upTo(ALL));
  const watching = watch(() => queue().messagesUnacknowledged);
  channel.basicAck(0, { multiple: true });
  assertSliced(await watching, A_TURN_OF_MESSAGES);
  await channel.queueDeclare("q");
  assertEquals([queue().messagesReady, queue().messagesUnacknowledged], [0, 0]);
});
