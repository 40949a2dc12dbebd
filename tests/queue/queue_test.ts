import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeContentHead } from "../../broker/amqp/content_codec.ts";
import { atEndOfTurn, pollSockets } from "../../broker/amqp/turn.ts";
import { NO_SETTINGS } from "../../broker/queue/queue_settings.ts";
import { Placement } from "../../broker/store/placement.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { StoringPlace } from "./storing.ts";
import { bodyOf, messageOf, TestConsumer, TestQueue } from "./support.ts";

Deno.test("Queue keeps messages in the order in which they come", () => {
  const queue = new TestQueue();
  queue.publish("1", "2", "3");
  assertEquals([queue.messageCount, queue.consumerCount, queue.unackedCount], [3, 0, 0]);
  assertEquals(queue.drain(), ["1", "2", "3"]);
  assertEquals([queue.messageCount, queue.take()], [0, undefined]);
});

Deno.test("Queue hands a message straight to a consumer with room", () => {
  const queue = new TestQueue();
  const [acking, not] = [new TestConsumer({ room: 1 }), new TestConsumer({ noAck: true, room: 1 })];
  queue.addConsumer(acking, { exclusive: false });
  queue.addConsumer(not, { exclusive: false });
  queue.publish("1", "2", "3");
  assertEquals([acking.bodies, not.bodies], [["1"], ["2"]]);
  assertEquals([queue.messageCount, queue.unackedCount], [1, 1]);
});

Deno.test("Queue gives what waits to a consumer that comes, in order, as far as it has room", () => {
  const queue = new TestQueue();
  queue.publish("1", "2", "3");
  const consumer = new TestConsumer({ room: 2 });
  queue.addConsumer(consumer, { exclusive: false });
  assertEquals([consumer.bodies, queue.messageCount], [["1", "2"], 1]);
  queue.publish("4");
  consumer.room = 5;
  queue.consumerHasRoom(consumer);
  assertEquals(consumer.bodies, ["1", "2", "3", "4"]);
});

Deno.test("Queue lets nobody overtake what waits", () => {
  const queue = new TestQueue();
  const busy = new TestConsumer({ room: 0 });
  queue.addConsumer(busy, { exclusive: false });
  queue.publish("1");
  busy.room = 10; // it has not said so, and stands in no row
  queue.publish("2");
  assertEquals(busy.bodies, []);
  queue.consumerHasRoom(busy);
  assertEquals(busy.bodies, ["1", "2"]);
});

Deno.test("Queue shares out among its consumers in turn", () => {
  const queue = new TestQueue();
  const consumers = [new TestConsumer(), new TestConsumer({ noAck: true }), new TestConsumer()];
  for (const consumer of consumers) queue.addConsumer(consumer, { exclusive: false });
  queue.publish(..."abcdefg");
  assertEquals(consumers.map(({ bodies }) => bodies.join("")), ["adg", "be", "cf"]);
});

Deno.test("Queue.settle() frees the message, and not before", () => {
  const queue = new TestQueue();
  const message = messageOf("kept");
  queue.push(message);
  message.routed(queue.pages);
  const entry = queue.take()!;
  assertEquals([bodyOf(message), queue.unackedCount], ["kept", 1]);
  queue.settle(entry);
  assertEquals([bodyOf(message), queue.unackedCount], ["", 0]);
});

Deno.test("Queue.moveOut() keeps what cannot be published, and all after it, whatever goes wrong", () => {
  const queue = new TestQueue();
  queue.publish("1", "2", "3", "4");
  const publish = ({ message }: { message: Parameters<typeof bodyOf>[0] }) => {
    if (bodyOf(message) === "1") return true;
    throw new Error("the disk does not give it");
  };
  assertThrows(() => queue.moveOut(4, publish), Error, "the disk does not give it");
  assertEquals([queue.messageCount, queue.drain()], [3, ["2", "3", "4"]]);
});

Deno.test("Queue.requeue() gives entries their place back, redelivered and counted", () => {
  const queue = new TestQueue();
  queue.publish("1", "2", "3", "4");
  const taken = [queue.take()!, queue.take()!, queue.take()!];
  queue.requeue([taken[1]!]);
  queue.requeue([taken[0]!, taken[2]!]);
  assertEquals([queue.messageCount, queue.unackedCount], [4, 0]);
  const consumer = new TestConsumer();
  queue.addConsumer(consumer, { exclusive: false });
  assertEquals(consumer.bodies, ["1*", "2*", "3*", "4"]);
  queue.requeue([consumer.entries.shift()!]);
  assertEquals(consumer.bodies, ["1*", "2*", "3*", "4", "1*"]);
  assertEquals(consumer.entries.at(-1)?.deliveryCount, 2);
});

Deno.test("Queue.requeue() goes straight to another consumer with room", () => {
  const queue = new TestQueue();
  const [first, second] = [new TestConsumer({ room: 2 }), new TestConsumer({ room: 0 })];
  queue.addConsumer(first, { exclusive: false });
  queue.addConsumer(second, { exclusive: false });
  queue.publish("1", "2");
  second.room = 5;
  queue.consumerHasRoom(second);
  queue.removeConsumer(first);
  queue.requeue(first.entries);
  assertEquals(second.bodies, ["1*", "2*"]);
});

Deno.test("Queue.purge() drops what waits and leaves alone what is unacked", () => {
  const queue = new TestQueue();
  queue.publish("1", "2", "3");
  const entry = queue.take()!;
  assertEquals(queue.purge(), 2);
  assertEquals([queue.messageCount, queue.unackedCount], [0, 1]);
  assertEquals(bodyOf(entry.message), "1");
  queue.requeue([entry]);
  assertEquals(queue.drain(), ["1"]);
});

Deno.test("Queue.delete() cancels its consumers once and drops its messages", () => {
  const queue = new TestQueue({ autoDelete: true });
  const consumers = [new TestConsumer({ room: 1 }), new TestConsumer({ room: 0 })];
  for (const consumer of consumers) queue.addConsumer(consumer, { exclusive: false });
  queue.publish("1", "2", "3");
  assertEquals(queue.delete(), 2);
  assertEquals(consumers.map(({ cancels }) => cancels), [1, 1]);
  assertEquals([queue.consumerCount, queue.messageCount, queue.unackedCount], [0, 0, 1]);
  assertEquals(queue.unused, [], "nobody has to delete it again");
});

Deno.test("Queue that was deleted drops what comes back to it", () => {
  const queue = new TestQueue();
  queue.publish("1", "2");
  const [one, two] = [queue.take()!, queue.take()!];
  queue.delete();
  queue.requeue([one]);
  queue.settle(two);
  assertEquals([queue.messageCount, queue.unackedCount], [0, 0]);
  assertEquals([bodyOf(one.message), bodyOf(two.message)], ["", ""], "both were freed");
});

Deno.test("Queue with auto-delete asks to go when its last consumer has left", () => {
  const queue = new TestQueue({ autoDelete: true });
  const [one, two] = [new TestConsumer(), new TestConsumer()];
  queue.removeConsumer(one);
  assertEquals(queue.unused, [], "it never had one");
  queue.addConsumer(one, { exclusive: false });
  queue.addConsumer(two, { exclusive: false });
  queue.removeConsumer(one);
  queue.removeConsumer(one);
  assertEquals(queue.unused, []);
  queue.removeConsumer(two);
  assertEquals(queue.unused, [queue]);

  const kept = new TestQueue();
  kept.addConsumer(one, { exclusive: false });
  kept.removeConsumer(one);
  assertEquals(kept.unused, []);
});

Deno.test("Queue remembers its exclusive consumer until that one has left", () => {
  const queue = new TestQueue();
  const [one, other] = [new TestConsumer(), new TestConsumer()];
  queue.addConsumer(one, { exclusive: true });
  assert(queue.exclusiveConsumer === one);
  queue.addConsumer(other, { exclusive: false });
  queue.removeConsumer(other);
  assert(queue.exclusiveConsumer === one);
  queue.removeConsumer(one);
  assertEquals(queue.exclusiveConsumer, undefined);
});

Deno.test("Queue hands out a long row in bounded pieces and lets others in between", async () => {
  const queue = new TestQueue();
  const count = 3500;
  queue.publish(...Array.from({ length: count }, (_, index) => `${index}`));
  const consumer = new TestConsumer();
  queue.addConsumer(consumer, { exclusive: false });
  const pieces = [consumer.bodies.length];
  while (consumer.bodies.length < count) {
    await new Promise<void>((resolve) => atEndOfTurn(resolve));
    pieces.push(consumer.bodies.length);
  }
  assert(pieces.length >= 3, `${pieces}`);
  assertEquals(consumer.bodies.every((body, index) => body === `${index}`), true);
  await new Promise<void>((resolve) => atEndOfTurn(resolve));
});

Deno.test("Queue that is handing out a long row may be deleted meanwhile", async () => {
  const queue = new TestQueue();
  queue.publish(...Array.from({ length: 2500 }, (_, index) => `${index}`));
  const consumer = new TestConsumer();
  queue.addConsumer(consumer, { exclusive: false });
  const delivered = consumer.bodies.length;
  assertEquals(queue.delete(), 2500 - delivered);
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => atEndOfTurn(resolve));
  }
  assertEquals(consumer.bodies.length, delivered);
});

Deno.test("Queue tells of a backlog while there are consumers that cannot keep up", () => {
  const queue = new TestQueue();
  const bodies = Array.from({ length: 1500 }, () => "x");
  queue.publish(...bodies);
  assertEquals(queue.backlog.count, 0, "without consumers nobody is behind");
  queue.addConsumer(new TestConsumer({ room: 0 }), { exclusive: false });
  queue.publish("x", "y");
  assertEquals(queue.backlog.count, 2);
});

Deno.test("Queue tells once when a backlog that it told of has become short", () => {
  const queue = new TestQueue();
  const consumer = new TestConsumer({ room: 0 });
  queue.addConsumer(consumer, { exclusive: false });
  queue.publish(...Array.from({ length: 1100 }, () => "x"));
  consumer.room = 700;
  queue.consumerHasRoom(consumer);
  assertEquals([queue.messageCount, queue.backlog.reliefs], [400, 0]);
  consumer.room = 200;
  queue.consumerHasRoom(consumer);
  assertEquals([queue.messageCount, queue.backlog.reliefs], [200, 1]);
  consumer.room = 100;
  queue.consumerHasRoom(consumer);
  assertEquals(queue.backlog.reliefs, 1);
});

Deno.test("Queue tells that a backlog has become short by whatever way", async () => {
  const clock = new ManualClock();
  const ways: readonly [string, (queue: TestQueue, consumer: TestConsumer) => void][] = [
    ["purge", (queue) => queue.purge()],
    ["get", (queue) => {
      while (queue.messageCount > 200) queue.settle(queue.take()!);
    }],
    ["discard", (queue) => {
      const all = queue.browse({ after: -1, limit: 2000, bodyBytes: 0 });
      queue.discard(new Set(all.map(({ id }) => id)));
    }],
    ["limit", (queue) => queue.configure({ ...NO_SETTINGS, maxLength: 100 })],
    ["expiry", () => clock.advance(2000)],
    ["deletion", (queue) => queue.delete()],
    // nobody is behind then
    ["the last consumer leaves", (queue, consumer) => queue.removeConsumer(consumer)],
  ];
  for (const [way, shorten] of ways) {
    const queue = new TestQueue({ clock, settings: { ...NO_SETTINGS, messageTtlMs: 1000 } });
    const consumer = new TestConsumer({ room: 0 });
    queue.addConsumer(consumer, { exclusive: false });
    queue.publish(...Array.from({ length: 1200 }, () => "x"));
    assertEquals(queue.backlog.reliefs, 0);
    shorten(queue, consumer);
    // what is long is done in parts
    for (let part = 0; part < 3; part++) {
      clock.advance(1);
      await new Promise<void>((resolve) => atEndOfTurn(resolve));
    }
    assertEquals(queue.backlog.reliefs, 1, way);
  }
});

Deno.test("Queue tells that a backlog has become short when the rest of it is damaged", async () => {
  const place = new StoringPlace(0);
  const { durability } = place;
  const queue = new TestQueue({ durable: true, pages: place.pages, durability });
  queue.addConsumer(new TestConsumer({ room: 0 }), { exclusive: false });
  const placement = new Placement();
  for (let number = 1; number <= 1200; number++) {
    const message = messageOf(`body ${number};`);
    encodeContentHead(message);
    placement.clear();
    queue.place(placement, message, true);
    durability.store.append(message, placement);
    queue.push(message, true);
    message.routed(place.pages);
  }
  place.harness.settle();
  const { files } = place.harness;
  for (const name of files.list().filter((name) => name.endsWith(".segment"))) {
    const text = new TextDecoder("latin1").decode(files.contents(name));
    for (const { index } of text.matchAll(/body \d+;/g)) {
      files.damage(name, index, new Uint8Array([0x2d]));
    }
  }
  assertEquals([queue.messageCount, queue.behind], [1200, true]);
  queue.configure({ ...NO_SETTINGS, maxLength: 10 });
  for (let turn = 0; queue.messageCount > 0 && turn < 100; turn++) await pollSockets();
  assertEquals([queue.messageCount, queue.behind], [0, false]);
});

Deno.test("Queue tells how much consumers take of a backlog that it told of", () => {
  const queue = new TestQueue();
  const consumer = new TestConsumer({ room: 0 });
  queue.addConsumer(consumer, { exclusive: false });
  queue.publish(...Array.from({ length: 1000 }, () => "x"));
  consumer.room = 10;
  queue.consumerHasRoom(consumer);
  assertEquals(queue.backlog.taken, 0, "it told of none");
  queue.publish(...Array.from({ length: 100 }, () => "x"));
  consumer.room = 50;
  queue.consumerHasRoom(consumer);
  assertEquals(queue.backlog.taken, 50);
});

Deno.test("Queue shares a message with other queues until all are done with it", () => {
  const one = new TestQueue();
  const other = new TestQueue({ pages: one.pages });
  const message = messageOf("shared");
  one.push(message);
  other.push(message);
  message.routed(one.pages);
  assertEquals(one.drain(), ["shared"]);
  assertEquals(bodyOf(message), "shared");
  assertEquals(other.drain(), ["shared"]);
  assertEquals(bodyOf(message), "");
});

Deno.test("Queue.settle() of the same entry twice is noticed", () => {
  const queue = new TestQueue();
  queue.publish("1");
  const entry = queue.take()!;
  queue.settle(entry);
  assertThrows(() => queue.settle(entry), Error);
});

Deno.test("Queue counts what it gives to consumers that do not ack, straight on or later", () => {
  const queue = new TestQueue();
  const consumer = new TestConsumer({ noAck: true, room: 1 });
  queue.publish("waited");
  queue.addConsumer(consumer, { exclusive: false });
  assertEquals(queue.counts.deliverNoAck, 1);
  consumer.room = 2;
  queue.consumerHasRoom(consumer);
  queue.publish("straight", "on", "waits");
  assertEquals([queue.counts.deliverNoAck, queue.counts.deliver, queue.messageCount], [3, 0, 1]);
  assertEquals(queue.counts.deliverNoAck, 3, "asked again");
});

Deno.test("Queue whose only consumer goes gives what comes to the next one", () => {
  const queue = new TestQueue();
  const [one, two] = [new TestConsumer({ noAck: true }), new TestConsumer({ noAck: true })];
  queue.addConsumer(one, { exclusive: false });
  queue.publish("a");
  queue.addConsumer(two, { exclusive: false });
  queue.publish("b", "c");
  queue.removeConsumer(one);
  queue.publish("d");
  queue.removeConsumer(two);
  queue.publish("e");
  assertEquals([one.bodies.length + two.bodies.length, two.bodies.at(-1), queue.drain()], [
    4,
    "d",
    ["e"],
  ]);
});
