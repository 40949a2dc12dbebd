import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { concat } from "@std/bytes";
import {
  basicAck,
  basicConsume,
  basicGet,
  basicPublish,
  basicQos,
  channelOpen,
  queueDeclare,
} from "../../broker/amqp/methods/mod.ts";
import { contentFrames, methodFrame } from "../amqp/frames.ts";
import { MadeUpMachine } from "../support/made_up_machine.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { CAPABILITIES, ServedBroker, settle } from "./support.ts";

const TELL_ME = { capabilities: { ...CAPABILITIES, "connection.blocked": true } };
const LIMIT = 1_000_000_000;

/** A broker on a machine that is made up, with the queue `q`. */
async function start(): Promise<{ served: ServedBroker; machine: MadeUpMachine; low: Low }> {
  const machine = new MadeUpMachine();
  machine.memoryBytes = undefined;
  const options = { machine, memoryHighWatermark: LIMIT };
  const served = await ServedBroker.start(options);
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q" }));
  await peer.expect(1, "queue.declare-ok");
  const low = (on: boolean) => {
    machine.rssBytes = on ? LIMIT + 1 : 0;
    served.broker.setMemoryHighWatermark(LIMIT);
  };
  return { served, machine, low };
}

type Low = (on: boolean) => void;

async function messageCount(served: ServedBroker): Promise<number> {
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q", passive: true }));
  return (await peer.expect(1, "queue.declare-ok")).messageCount;
}

Deno.test("A message that is still on its way when memory becomes short is not read on, and comes whole later", async () => {
  const { served, low } = await start();
  await using _ = served;
  const [publisher, quiet] = [await served.login(TELL_ME), await served.login(TELL_ME)];
  const body = new Uint8Array(4 * 1024 * 1024).fill(7);
  const bytes = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body }, 4096));
  await publisher.sendBytes(bytes.subarray(0, 400_000));
  await settle();
  low(true);
  let arrived = false;
  const sending = (async () => {
    for (let at = 400_000; at < bytes.length; at += 10_000) {
      await publisher.sendBytes(bytes.subarray(at, at + 10_000));
    }
    arrived = true;
  })();
  assertEquals((await publisher.expect(0, "connection.blocked")).reason, "low on memory");
  for (let turns = 0; turns < 20; turns++) await settle();
  assertEquals(arrived, false, "most of it waits outside");
  // who has published nothing is none of its business
  await quiet.send(1, basicGet({ queue: "q" }));
  await quiet.expect(1, "basic.get-empty");

  low(false);
  await publisher.expect(0, "connection.unblocked");
  await sending;
  while (await messageCount(served) < 1) await settle();
  await quiet.send(1, basicGet({ queue: "q", noAck: true }));
  assertEquals((await quiet.expectContent(1, "basic.get-ok")).body, body);
});

Deno.test("Messages in pieces on many channels count as memory", async () => {
  const { served, machine } = await start();
  await using _ = served;
  const peer = await served.login(TELL_ME);
  const body = new Uint8Array(300_000);
  const frames = contentFrames(2, basicPublish({ routingKey: "q" }), { body }, 4096);
  const part = concat(frames.slice(0, 50));
  let sent = 0;
  const flood = (async () => {
    for (let number = 2; number < 200; number++, sent++) {
      await peer.send(number, channelOpen());
      await peer.sendBytes(onChannel(part, number));
      machine.rssBytes += 20_000_000;
    }
  })();
  for (;;) {
    const next = await peer.next();
    if (next?.method.name === "connection.blocked") break;
    assertEquals(next?.method.name, "channel.open-ok");
  }
  const atBlock = sent;
  assertLess(atBlock, 80);
  for (let turns = 0; turns < 20; turns++) await settle();
  assertLess(sent, atBlock + 5, "it is not read any more");
  peer.close();
  await flood.catch(() => {});
});

/** The same frames on another channel. */
function onChannel(frames: Uint8Array, channel: number): Uint8Array {
  const copy = frames.slice();
  const view = new DataView(copy.buffer);
  for (let at = 0; at + 7 <= copy.length;) {
    view.setUint16(at + 1, channel);
    at += 8 + view.getUint32(at + 3);
  }
  return copy;
}

Deno.test("While memory is short a consumer without prefetch gets no more than it may hold unacked", async () => {
  const { served, low } = await start();
  await using _ = served;
  const [hoarder, other, publisher] = [
    await served.login(),
    await served.login(),
    await served.login(),
  ];
  const count = 80_000;
  const one = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body: "x" }));
  const many = concat(Array.from({ length: 1000 }, () => one));
  for (let sent = 0; sent < count; sent += 1000) {
    await publisher.sendBytes(many);
    await settle();
    served.clock.advance(5);
  }
  while (await messageCount(served) < count) served.clock.advance(5);

  low(true);
  await hoarder.send(1, basicConsume({ queue: "q", consumerTag: "c", noWait: true }));
  const held = 65_536;
  let tag = 0;
  const take = async () => tag = (await hoarder.expectContent(1, "basic.deliver")).deliveryTag;
  while (tag < held) await take();
  await settle();
  assertEquals(await messageCount(served), count - held, "and no more");
  await hoarder.send(1, basicAck({ deliveryTag: 1000, multiple: true }));
  while (tag < held + 1000) await take();
  await settle();
  assertEquals(await messageCount(served), count - held - 1000);

  // one with a prefetch goes on
  await other.send(1, basicQos({ prefetchCount: 10 }));
  await other.expect(1, "basic.qos-ok");
  await other.send(1, basicConsume({ queue: "q", consumerTag: "d", noWait: true }));
  for (let index = 0; index < 20; index++) {
    const { deliveryTag } = await other.expectContent(1, "basic.deliver");
    await other.send(1, basicAck({ deliveryTag }));
  }
  low(false);
  await take();
  while (await messageCount(served) > 0) await take();
});

Deno.test("A client that asks for one large message again and again without reading is not read", async () => {
  const { served } = await start();
  await using _ = served;
  const [greedy, publisher] = [await served.login(), await served.login()];
  const size = 2 * 1024 * 1024;
  await publisher.send(1, basicPublish({ routingKey: "q" }), { body: new Uint8Array(size) });
  while (await messageCount(served) < 1) await settle();
  const get = methodFrame(1, basicGet({ queue: "q" }));
  const requeue = methodFrame(1, { name: "basic.recover-async", requeue: true });
  const count = 1000;
  await greedy.sendBytes(concat(Array.from({ length: count }, () => concat([get, requeue]))));
  for (let turns = 0; turns < 20; turns++) await settle();
  const { external } = Deno.memoryUsage();
  assertLess(external, 200 * 1024 * 1024, "2 GB were asked for");
  for (let index = 0; index < count; index++) {
    assertEquals((await greedy.expectContent(1, "basic.get-ok")).body.length, size);
    if (index === 20) break;
  }
});

Deno.test("A publisher that consumes the same queue with prefetch 1 never waits for itself", async () => {
  const { served } = await start();
  await using _ = served;
  const both = await served.login();
  await both.send(1, basicQos({ prefetchCount: 1 }));
  await both.expect(1, "basic.qos-ok");
  await both.send(1, basicConsume({ queue: "q", consumerTag: "c", noWait: true }));
  const one = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body: "job" }));
  const count = 20_000;
  await flatOut([both], one, count, served);
  assertEquals(await messageCount(served), 0);
});

Deno.test("Two publishers that consume each other's queue never wait for each other", async () => {
  const { served } = await start();
  await using _ = served;
  const peers = [await served.login(), await served.login()];
  for (const [index, peer] of peers.entries()) {
    await peer.send(1, queueDeclare({ queue: `q${index}` }));
    await peer.expect(1, "queue.declare-ok");
    await peer.send(1, basicQos({ prefetchCount: 1 }));
    await peer.expect(1, "basic.qos-ok");
  }
  for (const [index, peer] of peers.entries()) {
    await peer.send(1, basicConsume({ queue: `q${1 - index}`, noWait: true, consumerTag: "c" }));
  }
  const one = concat(contentFrames(1, basicPublish({ routingKey: "q0" }), { body: "job" }));
  const other = concat(contentFrames(1, basicPublish({ routingKey: "q1" }), { body: "job" }));
  await flatOut(peers, one, 10_000, served, other);
});

/** Each publishes as fast as it is read, and acks what comes one by one, until all has come. */
async function flatOut(
  peers: readonly RawPeer[],
  publish: Uint8Array,
  count: number,
  served: ServedBroker,
  ofSecond = publish,
): Promise<void> {
  let working = true;
  const all = peers.map((peer, index) => {
    const bytes = concat(Array.from({ length: 100 }, () => index === 0 ? publish : ofSecond));
    const publishing = (async () => {
      for (let sent = 0; sent < count; sent += 100) await peer.sendBytes(bytes);
    })();
    const consuming = (async () => {
      for (let taken = 0; taken < count; taken++) {
        const { deliveryTag } = await peer.expectContent(1, "basic.deliver");
        await peer.send(1, basicAck({ deliveryTag }));
      }
    })();
    return Promise.all([publishing, consuming]);
  });
  const finished = Promise.all(all).finally(() => working = false);
  // pauses are bounded: time alone makes it go on
  while (working) {
    await settle();
    served.clock.advance(5);
  }
  await finished;
}

Deno.test("While an alarm is raised, such a publisher's acks wait as RabbitMQ's would, and go on with it", async () => {
  const { served, low } = await start();
  await using _ = served;
  const both = await served.login(TELL_ME);
  await both.send(1, basicQos({ prefetchCount: 1 }));
  await both.expect(1, "basic.qos-ok");
  for (const body of ["1", "2"]) await both.send(1, basicPublish({ routingKey: "q" }), { body });
  await both.send(1, basicConsume({ queue: "q", noWait: true, consumerTag: "c" }));
  const first = await both.expectContent(1, "basic.deliver");
  low(true);
  await both.send(1, basicPublish({ routingKey: "q" }), { body: "3" });
  await both.expect(0, "connection.blocked");
  await both.send(1, basicAck({ deliveryTag: first.deliveryTag }));
  await settle();
  assertEquals(await messageCount(served), 1, "the ack waits behind the publish");
  low(false);
  await both.expect(0, "connection.unblocked");
  assertEquals((await both.expectContent(1, "basic.deliver")).text, "2");
});

Deno.test("A consumer that stops reading costs little, harms nobody, and is closed when it is silent", async () => {
  const { served } = await start();
  await using _ = served;
  const slow = await served.login({ tuning: { heartbeat: 10 } });
  const [publisher, busy] = [await served.login(), await served.login()];
  await slow.send(1, basicConsume({ queue: "q", noAck: true, noWait: true, consumerTag: "c" }));
  await settle();
  const body = new Uint8Array(50_000);
  const publish = concat(contentFrames(1, basicPublish({ routingKey: "q" }), { body }, 4096));
  let waiting: number | undefined;
  const published = (async () => {
    for (let index = 0; index < 200; index++) await publisher.sendBytes(publish);
    // it is answered when all of them were taken
    await publisher.send(1, queueDeclare({ queue: "q", passive: true }));
    waiting = (await publisher.expect(1, "queue.declare-ok")).messageCount;
  })();
  while (waiting === undefined) {
    await settle();
    served.clock.advance(5);
  }
  await published;
  // what its link takes, while the same is being read, and a little that was before that
  const onItsWay = 2 * (1024 * 1024 + publish.length) + 256 * 1024;
  assertGreater(
    waiting,
    200 - onItsWay / body.length,
    "no more than two megabytes are on their way",
  );

  await busy.send(1, basicConsume({ queue: "q", noAck: true, noWait: true, consumerTag: "b" }));
  for (let index = 0; index < waiting; index++) {
    assertEquals((await busy.expectContent(1, "basic.deliver")).body.length, body.length);
  }
  for (let second = 0; second < 40; second++) served.clock.advance(1000);
  await settle();
  assert(served.logger.of("warning").join().includes("no heartbeat came"));
});
