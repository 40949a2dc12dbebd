import { assertEquals, assertGreater, assertLess } from "@std/assert";
import {
  basicAck,
  basicConsume,
  basicGet,
  channelOpen,
  type Method,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { AckTimeouts } from "../../broker/connection/ack_timeouts.ts";
import { Unacked } from "../../broker/connection/unacked.ts";
import { Broker } from "../../mod.ts";
import { entryAt, TestQueue } from "../queue/support.ts";
import { heldHeap } from "../support/heap.ts";
import { ManualClock } from "../support/manual_clock.ts";
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
} from "./long_work.ts";
import { ServedBroker } from "./support.ts";

const ALL = MANY_MESSAGES;

Deno.test("A great many deliveries are looked at in turns, one look at a time, and none is found that is settled by then", async () => {
  const clock = new ManualClock();
  const timeouts = new AckTimeouts(clock);
  const unacked = new Unacked();
  const queue = new TestQueue();
  for (const tag of upTo(10 * ALL)) {
    const entry = entryAt(tag);
    unacked.add({ deliveryTag: tag, entry, queue, consumer: undefined, deliveredAt: 0 });
  }
  let [looks, looked] = [0, 0];
  const found: number[] = [];
  const last = 10 * ALL;
  const connection = {
    *checkAcks(now: number) {
      looks++;
      yield* timeouts.overdue(unacked, now, ({ deliveryTag }) => {
        looked++;
        return deliveryTag > last - 2 ? 0 : Infinity;
      }, ({ deliveryTag }) => {
        found.push(deliveryTag);
        return false;
      });
    },
  };
  timeouts.watch(connection, 10_000);
  clock.advance(15_000);
  const looksBefore = looks;
  assertGreater(looked, 0, "some at once");
  assertLess(looked, last / 2);
  // the next look has to wait
  clock.advance(5_000);
  unacked.takeOne(last);
  assertEquals(looks, looksBefore);
  let turns = 0;
  for (let before = looked; found.length < 2; before = looked) {
    await loopRound();
    assertLess(looked - before, last / 2);
    if (looked > before) turns++;
  }
  assertEquals([found, looks], [[last - 1, last - 1], looksBefore + 1]);
  assertGreater(turns, 3);
  timeouts.remove(connection);
  assertEquals(clock.timers, 0);
});

Deno.test("A great many channels that keep something for too long are closed in turns", async () => {
  const CHANNELS = 2000;
  await using served = await ServedBroker.startTimed({ consumerTimeoutMs: 60_000 });
  const peer = await served.login();
  const other = await served.login();
  await declare(peer, { queue: "q" });
  await fill(served, "q", CHANNELS);
  const numbers = upTo(CHANNELS).map((number) => number + 1);
  await sendAll(peer, numbers.map((number): [number, Method] => [number, channelOpen()]));
  await sendAll(
    peer,
    numbers.map((number): [number, Method] => [number, basicGet({ queue: "q" })]),
  );
  for (const number of numbers) await peer.expect(number, "channel.open-ok");
  for (const number of numbers) await peer.expectContent(number, "basic.get-ok");
  const unacked = () => countOf(served, "q").unacked;
  served.clock.advance(130_000);
  let between = 0;
  const asking = (async () => {
    do {
      await other.send(1, queueDeclare({ queue: "q", passive: true }));
      await other.expect(1, "queue.declare-ok");
      if (unacked() > 0 && unacked() < CHANNELS) between++;
    } while (unacked() > 0);
  })();
  assertSliced(await watch(unacked), CHANNELS / 2);
  await asking;
  assertGreater(between, 0, "others were answered meanwhile");
  for (const number of numbers) {
    assertEquals((await peer.expect(number, "channel.close")).replyCode, 406);
  }
});

Deno.test("What is acked before it is taken back of a great many stays acked", async () => {
  // so many turns that the ack is sure to come in one of them, on a busy machine too
  const count = 4 * ALL;
  await using served = await ServedBroker.startTimed({ profile: "4.3", consumerTimeoutMs: 60_000 });
  const peer = await served.login();
  await declare(peer, {
    queue: "q",
    durable: true,
    arguments: { "x-queue-type": "quorum" },
  });
  await fill(served, "q", count);
  await peer.send(1, basicConsume({ queue: "q", consumerTag: "a", noWait: true }));
  assertEquals((await take(peer, count)).numbers, upTo(count));
  served.clock.advance(100_000);
  assertGreater(countOf(served, "q").unacked, count / 2, "most are not back yet");
  await peer.send(1, basicAck({ deliveryTag: count }));
  await peer.expect(1, "basic.cancel");
  while (countOf(served, "q").unacked > 0) await loopRound();
  assertEquals(countOf(served, "q").ready, count - 1);
  const next = await served.login();
  await next.send(1, basicConsume({ queue: "q", consumerTag: "b", noWait: true }));
  assertEquals((await take(next, count - 1)).numbers, upTo(count - 1));
});

Deno.test("What is late of a great many takes hardly any memory while it is looked for and taken back", async () => {
  const count = 60_000;
  const clock = new ManualClock();
  await using broker = new Broker({ clock, profile: "4.3" });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", {
    durable: true,
    arguments: { "x-queue-type": "quorum", "x-consumer-timeout": 60_000 },
  });
  for (const number of upTo(count)) {
    void channel.basicPublish({ routingKey: "q" }, "body");
    if (number % 1000 === 0) await loopRound();
  }
  let [got, ends] = [0, 0];
  await channel.basicConsume("q", { onCancel: () => ends++ }, () => {
    got++;
  });
  while (got < count) await loopRound();
  const before = heldHeap();
  clock.advance(130_000);
  const back = () => [...broker.queues()][0]!.messagesReady;
  while (back() === 0) await loopRound();
  const more = heldHeap() - before;
  assertLess(back(), count / 2, "most are still to be taken back");
  while (back() < count) await loopRound();
  assertEquals(ends, 1);
  // an object for each would be 35 MB
  assertLess(more, 12_000_000);
});
