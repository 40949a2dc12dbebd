import { assertEquals, assertGreater, assertLess, assertStrictEquals } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicAck,
  basicConsume,
  basicPublish,
  basicQos,
  channelClose,
  channelOpen,
  queueBind,
} from "../../broker/amqp/methods/mod.ts";
import { ChannelConsumer } from "../../broker/connection/consumer.ts";
import { WaitingConsumers } from "../../broker/connection/waiting_consumers.ts";
import type { MessageQueue } from "../../broker/queue/message_queue.ts";
import { contentFrames } from "../amqp/frames.ts";
import { forSeeds } from "../amqp/random_values.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { countOf, declare, fill, sendAll } from "./long_work.ts";
import { ServedBroker, settle } from "./support.ts";

function consumerOf(queue: unknown, priority = 0): ChannelConsumer {
  return { queue: queue as MessageQueue, priority } as ChannelConsumer;
}

Deno.test("WaitingConsumers has queues take turns, and of each the highest priority first", () => {
  const waiting = new WaitingConsumers();
  const [a1, a2, b1, b2, c] = [
    consumerOf("a"),
    consumerOf("a", 5),
    consumerOf("b"),
    consumerOf("b"),
    consumerOf("c"),
  ] as const;
  for (const consumer of [a1, a2, b1, b2, c, a1]) waiting.add(consumer);
  assertStrictEquals(waiting.shift(), a2);
  assertStrictEquals(waiting.shift(), b1);
  waiting.add(a2);
  assertStrictEquals(waiting.shift(), c);
  assertStrictEquals(waiting.shift(), a2);
  waiting.add(b1);
  assertStrictEquals(waiting.shift(), b2);
  assertStrictEquals(waiting.shift(), a1);
  assertEquals(waiting.empty, false);
  const other = new WaitingConsumers();
  other.add(b1);
  assertEquals([waiting.empty, waiting.shift(), other.shift()], [true, undefined, b1]);
});

Deno.test("WaitingConsumers gives each of a queue in its order, whoever comes and goes", () => {
  forSeeds(20, (random) => {
    const waiting = new WaitingConsumers();
    const others = new WaitingConsumers();
    const consumers = Array.from(
      { length: 40 },
      (_, at) => consumerOf(at % 4, random.below(3)),
    );
    const expected: ChannelConsumer[] = [];
    for (let step = 0; step < 2000; step++) {
      const consumer = random.pick(consumers);
      if (random.below(2) === 0) {
        waiting.add(consumer);
        if (!expected.includes(consumer)) expected.push(consumer);
      } else if (random.below(3) > 0) {
        const next = waiting.shift();
        const best = expected.filter(({ queue }) => queue === next?.queue)
          .reduce<ChannelConsumer | undefined>(
            (best, one) => best === undefined || one.priority > best.priority ? one : best,
            undefined,
          );
        assertStrictEquals(next, best);
        if (next !== undefined) expected.splice(expected.indexOf(next), 1);
      } else if (expected.includes(consumer)) {
        if (random.below(2) === 0) waiting.remove(consumer);
        else others.add(consumer);
        expected.splice(expected.indexOf(consumer), 1);
      }
      assertEquals(waiting.empty, expected.length === 0);
    }
  });
});

/** Counts how often consumers are asked whether they have room. */
function watchLooks(): { count: number } & Disposable {
  const { hasRoom } = ChannelConsumer.prototype;
  const looks = {
    count: 0,
    [Symbol.dispose]: () => void (ChannelConsumer.prototype.hasRoom = hasRoom),
  };
  ChannelConsumer.prototype.hasRoom = function () {
    looks.count++;
    return hasRoom.call(this);
  };
  return looks;
}

async function openChannel(peer: RawPeer, channel: number): Promise<void> {
  await peer.send(channel, channelOpen());
  await peer.expect(channel, "channel.open-ok");
}

async function ackEach(peer: RawPeer, count: number): Promise<string[]> {
  const got: string[] = [];
  for (let deliveryTag = 1; deliveryTag <= count; deliveryTag++) {
    const { consumerTag, text } = await peer.expectContent(1, "basic.deliver");
    got.push(`${consumerTag} ${text}`);
    await peer.send(1, basicAck({ deliveryTag }));
  }
  return got;
}

Deno.test("An ack makes room for the next of very many consumers that share a limit, without a look at all", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  await declare(peer, { queue: "q" });
  await fill(served, "q", 300);
  await peer.send(1, basicQos({ prefetchCount: 1, global: true }));
  await peer.expect(1, "basic.qos-ok");
  await sendAll(
    peer,
    Array.from({ length: 300 }, (_, at) => [
      1,
      basicConsume({ queue: "q", consumerTag: `${at}`, noWait: true }),
    ]),
  );
  using looks = watchLooks();
  await ackEach(peer, 300);
  // where it would be 300 each time
  assertLess(looks.count, 300 * 20);
  looks.count = 0;
  for (let count = 0; count < 100; count++) {
    await peer.send(1, basicQos({ prefetchCount: 1, global: true }));
    await peer.expect(1, "basic.qos-ok");
  }
  assertLess(looks.count, 100 * 20);
});

Deno.test("Queues whose consumers share a limit have their turns, and of one queue the highest priority goes first", async () => {
  await using served = await ServedBroker.start();
  const peer = await served.login();
  for (const queue of ["a", "b"]) {
    await declare(peer, { queue });
    await fill(served, queue, 4);
  }
  await peer.send(1, basicQos({ prefetchCount: 1, global: true }));
  await peer.expect(1, "basic.qos-ok");
  for (const [queue, consumerTag, priority] of [["a", "low", 1], ["a", "high", 2], ["b", "b", 0]]) {
    const arguments_ = { "x-priority": priority! };
    await peer.send(
      1,
      basicConsume({
        queue: `${queue}`,
        consumerTag: `${consumerTag}`,
        arguments: arguments_,
        noWait: true,
      }),
    );
  }
  const got = await ackEach(peer, 8);
  assertEquals(got, ["low 1", "high 2", "b 1", "high 3", "b 2", "high 4", "b 3", "b 4"]);
});

for (const channels of [[1, 1, 1], [1, 2, 3]] as const) {
  const where = channels[2] === 1 ? "of one channel" : "of channels";
  Deno.test(`Consumers ${where} that a peer keeps waiting have their turns, however much waits for each`, async () => {
    await using served = await ServedBroker.start({ outgoingBufferMax: 4096 });
    const peer = await served.login();
    for (const channel of channels.slice(1)) if (channel !== 1) await openChannel(peer, channel);
    const publisher = await served.login();
    const publish = concat(
      contentFrames(1, basicPublish({ exchange: "amq.fanout" }), { body: "x".repeat(3000) }),
    );
    for (const queue of ["0", "1", "2"]) {
      await declare(peer, { queue });
      await peer.send(1, queueBind({ queue, exchange: "amq.fanout" }));
      await peer.expect(1, "queue.bind-ok");
    }
    for (let count = 0; count < 50; count++) await publisher.sendBytes(publish);
    while (countOf(served, "2").ready < 50) await settle();
    for (const [queue, channel] of channels.entries()) {
      await peer.send(
        channel,
        basicConsume({ queue: `${queue}`, consumerTag: `${queue}`, noAck: true, noWait: true }),
      );
    }
    const got: string[] = [];
    while (got.length < 100) {
      const next = await peer.next();
      if (next?.method.name === "basic.deliver") got.push(next.method.consumerTag);
    }
    // those that begin first get some ahead
    for (const tag of ["0", "1", "2"]) {
      assertGreater(got.slice(40).filter((one) => one === tag).length, 9, got.join(" "));
    }
  });
}

Deno.test("One that waits for room of its channel has its turn where another one fills the link again and again", async () => {
  await using served = await ServedBroker.start({ outgoingBufferMax: 4096 });
  const peer = await served.login();
  const publisher = await served.login();
  const large = concat(
    contentFrames(1, basicPublish({ routingKey: "large" }), { body: "x".repeat(3000) }),
  );
  await declare(peer, { queue: "large" });
  for (let count = 0; count < 600; count++) await publisher.sendBytes(large);
  for (const queue of ["a", "b"]) {
    await declare(peer, { queue });
    await fill(served, queue, 20);
  }
  while (countOf(served, "large").ready < 600) await settle();
  await peer.send(1, basicQos({ prefetchCount: 1, global: true }));
  await peer.expect(1, "basic.qos-ok");
  for (const queue of ["a", "b", "large"]) {
    const noAck = queue === "large";
    await peer.send(1, basicConsume({ queue, consumerTag: queue, noAck, noWait: true }));
  }
  const got = { a: 0, b: 0, large: 0 };
  while (got.large < 600) {
    const { consumerTag, deliveryTag } = await peer.expectContent(1, "basic.deliver");
    got[consumerTag as keyof typeof got]++;
    if (consumerTag !== "large") await peer.send(1, basicAck({ deliveryTag }));
  }
  assertGreater(got.a, 1);
  assertGreater(got.b, 1);
});

Deno.test("Channels that a peer keeps waiting have their turns though others come and go", async () => {
  await using served = await ServedBroker.start({ outgoingBufferMax: 4096 });
  const peer = await served.login();
  const publisher = await served.login();
  const queues = ["1", "2", "3"];
  for (const queue of queues) {
    if (queue !== "1") await openChannel(peer, Number(queue));
    await declare(peer, { queue });
    await peer.send(1, queueBind({ queue, exchange: "amq.fanout" }));
    await peer.expect(1, "queue.bind-ok");
  }
  const publish = concat(
    contentFrames(1, basicPublish({ exchange: "amq.fanout" }), { body: "x".repeat(3000) }),
  );
  for (let count = 0; count < 300; count++) await publisher.sendBytes(publish);
  while (countOf(served, "3").ready < 300) await settle();
  const close = channelClose({ replyCode: 200, replyText: "", classId: 0, methodId: 0 });
  for (const queue of queues) {
    await peer.send(
      Number(queue),
      basicConsume({ queue, consumerTag: queue, noAck: true, noWait: true }),
    );
  }
  const got = new Map(queues.map((queue) => [queue, 0]));
  for (let most = 0; most < 300;) {
    const next = await peer.next();
    if (next?.method.name !== "basic.deliver") continue;
    const { consumerTag } = next.method;
    most = got.get(consumerTag)! + 1;
    got.set(consumerTag, most);
    await sendAll(peer, [[9, channelOpen()], [9, close]]);
  }
  for (const count of got.values()) assertGreater(count, 200, `${[...got]}`);
});
