import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { Message } from "../../broker/message.ts";
import type { PagePool } from "../../broker/pages.ts";
import type { MessageQueue } from "../../broker/queue/message_queue.ts";
import type { Store } from "../../broker/store/store.ts";
import { TestConsumer } from "../queue/support.ts";
import { StoreHarness } from "../store/harness.ts";
import { standingTime } from "../support/standing_time.ts";
import { deadTo, TestHost } from "./dead_letter_support.ts";

/** So many dead messages are as many as may wait. */
const FULL = 100;
const TTL_MS = 10;

function messageTo(routingKey: string, body: string, exchange = ""): Message {
  const content = new Content();
  Object.assign(content, { exchange, routingKey, properties: {} });
  content.body = new TextEncoder().encode(body);
  content.bodyEnd = content.body.length;
  return new Message(content);
}

/** A vhost in which few dead messages may wait, and whose time a test owns. */
class Host extends TestHost {
  constructor(max?: number, store?: Store) {
    const full = { count: FULL, bytes: Infinity };
    super(store, undefined, { full, ...max !== undefined && { max } });
  }

  send(routingKey: string, count: number, from = 0, exchange = ""): void {
    for (let number = from; number < from + count; number++) {
      this.publish(messageTo(routingKey, `${number}`, exchange));
    }
  }

  /** Lets time pass, a millisecond each time that others had their turn. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.advance(1);
      await pollSockets();
    }
  }
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${number}`);
}

/** Where messages are that were published: some die, and are somewhere between. */
function between(count: number, ...queues: MessageQueue[]): number {
  return count - queues.reduce((sum, { messageCount }) => sum + messageCount, 0);
}

Deno.test("messages that are too old wait in their queue while many are dead, and lose no order", async () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const sink = host.add("sink");
  const queue = host.add("q", { "x-message-ttl": TTL_MS, ...deadTo("sink") });
  const count = 5000;
  host.send("q", count);
  host.clock.advance(TTL_MS);
  assertLessOrEqual(between(count, queue, sink), FULL);
  assertGreater(queue.messageCount, count / 2);
  for (let round = 0; sink.messageCount < count && round < 1000; round++) {
    await host.pass(1);
    assertLessOrEqual(between(count, queue, sink), FULL);
  }
  assertEquals(host.drain("sink"), numbers(count));
  assertEquals([queue.messageCount, host.clock.timers], [0, 0]);
});

Deno.test("who publishes flat out to a queue whose messages become too old does not outrun them", () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const sink = host.add("sink");
  const queue = host.add("q", { "x-message-ttl": TTL_MS, ...deadTo("sink") });
  const count = 2000;
  host.send("q", count);
  host.clock.advance(TTL_MS);
  // nobody else has a turn meanwhile
  for (let sent = count; sent < 2 * count; sent += 100) {
    host.send("q", 100, sent);
    host.clock.advance(TTL_MS / 10);
    assertLessOrEqual(between(sent + 100, queue, sink), FULL);
  }
  assertGreater(sink.messageCount, count);
  assertLessOrEqual(queue.messageCount, count);
  assertEquals(host.drain("sink").slice(0, count), numbers(count));
});

Deno.test("what is too old is never handed out while it must wait, and what is not comes after it", async () => {
  for (const way of ["consume", "get"]) {
    using _time = standingTime(0.05);
    const host = new Host();
    const sink = host.add("sink");
    const queue = host.add("q", { "x-message-ttl": TTL_MS, ...deadTo("sink") });
    const count = 1000;
    host.send("q", count);
    host.clock.advance(TTL_MS);
    host.send("q", 10, count);
    const consumer = new TestConsumer();
    const got: string[] = way === "get" ? host.drain("q") : consumer.bodies;
    if (way === "consume") queue.addConsumer(consumer, { exclusive: false });
    assertEquals(got, []);
    assertEquals(queue.takesLater, way === "get");
    assertLessOrEqual(between(count + 10, queue, sink), FULL);
    for (let round = 0; sink.messageCount < count && round < 1000; round++) {
      await pollSockets();
      if (way === "get") got.push(...host.drain("q"));
    }
    await pollSockets();
    if (way === "get") got.push(...host.drain("q"));
    assertEquals(got, numbers(count + 10).slice(count));
    assertEquals(host.drain("sink"), numbers(count));
  }
});

Deno.test("what is too much after a queue is made shorter waits in it while many are dead", async () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const sink = host.add("sink");
  const queue = host.add("q", deadTo("sink"));
  const count = 5000;
  host.send("q", count);
  queue.applyPolicy({ "max-length": 10 });
  assertLessOrEqual(between(count, queue, sink), FULL);
  // what comes in pushes out more than itself
  host.send("q", 10, count);
  assertLessOrEqual(queue.messageCount, count);
  for (let round = 0; sink.messageCount < count && round < 1000; round++) {
    await pollSockets();
    assertLessOrEqual(between(count + 10, queue, sink), FULL + 20);
  }
  assertEquals(host.drain("sink"), numbers(count));
  assertEquals(host.drain("q"), numbers(count + 10).slice(count));
});

Deno.test("queues that keep nothing, or little, keep no more while many are dead", () => {
  for (const keeps of [0, 1]) {
    using _time = standingTime(0.05);
    const host = new Host();
    host.add("sink");
    const limit = keeps === 0 ? { "x-message-ttl": 0 } : { "x-max-length": keeps };
    const queues = [..."abcde"].map((name) => host.add(name, { ...limit, ...deadTo("sink") }));
    for (const { name } of queues) {
      const binding = { source: "amq.fanout", destination: name, routingKey: "", arguments: {} };
      host.bindQueue(binding, host.owner);
    }
    // more die of each than are published with it
    for (let sent = 0; sent < 200; sent++) {
      host.send("", 1, sent, "amq.fanout");
      for (const queue of queues) assertEquals(queue.messageCount, keeps);
    }
    assertGreater(between(5 * 200, ...host.queues.values()), FULL);
  }
});

Deno.test("who commits flat out does not outrun what drops out of a full queue", () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const sink = host.add("sink");
  host.add("q", { "x-max-length": 1, ...deadTo("sink") });
  const { publishing } = host;
  for (let count = 1; count <= 500; count++) {
    const { message, destinations } = publishing.holdRouted(messageTo("q", `${count}`));
    publishing.publishHeld(message, destinations);
    publishing.release(message);
    assertLessOrEqual(count - sink.messageCount, 3);
  }
});

Deno.test("who rejects flat out does not outrun what he rejects", () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const sink = host.add("sink");
  const queue = host.add("q", deadTo("sink"));
  const count = 2000;
  host.send("q", count);
  for (let rejected = 1; rejected <= count; rejected++) {
    host.queues.get("q")!.reject(queue.take()!);
    assertLessOrEqual(rejected - sink.messageCount, FULL);
  }
});

Deno.test("dead letters that come back to their queue, or go round in a circle, end however many there are", async () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const ttl = { "x-message-ttl": TTL_MS };
  host.add("self", { ...ttl, ...deadTo("self") });
  const names = ["a", "b", "c"];
  for (const [index, name] of names.entries()) {
    host.add(name, { ...ttl, ...deadTo(names[(index + 1) % 3]!) });
  }
  const count = 2000;
  for (let sent = 0; sent < count; sent += 100) {
    for (const name of ["self", ...names]) host.send(name, 100, sent);
    host.clock.advance(1);
  }
  const waiting = () => [...host.queues.values()].reduce((sum, one) => sum + one.messageCount, 0);
  for (let round = 0; waiting() > 0 && round < 5000; round++) await host.pass(1);
  await host.pass(2 * TTL_MS);
  assertEquals([waiting(), host.clock.timers], [0, 0]);
});

Deno.test("at least once, what is too old waits in its queue while nobody takes what has died, and is not lost", async () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const sink = host.add("sink", { "x-max-length": 0, "x-overflow": "reject-publish" });
  const queue = host.add("q", {
    "x-queue-type": "quorum",
    "x-overflow": "reject-publish",
    "x-dead-letter-strategy": "at-least-once",
    "x-message-ttl": TTL_MS,
    ...deadTo("sink"),
  });
  const count = 1000;
  host.send("q", count);
  await host.pass(3000);
  assertLessOrEqual(between(count, queue), 3 * FULL);
  host.deleteQueue("sink", { ifUnused: false, ifEmpty: false }, host.owner);
  const opened = host.add("sink");
  assert(sink !== opened);
  for (let second = 0; opened.messageCount < count && second < 10; second++) await host.pass(1000);
  assertEquals(host.drain("sink"), numbers(count));
  await host.pass(1000);
  assertEquals([queue.messageCount, host.clock.timers], [0, 0]);
});

const AT_LEAST_ONCE = {
  "x-queue-type": "quorum",
  "x-overflow": "reject-publish",
  "x-dead-letter-strategy": "at-least-once",
};

/** Lets one after another of a queue die, each third of them of its age. */
async function letDie(host: Host, queue: MessageQueue, count: number): Promise<void> {
  for (let died = 0; died < count; died += 30) {
    host.send("q", 30, died);
    for (let number = 0; number < 20; number++) queue.reject(queue.take()!);
    await host.pass(TTL_MS + 1);
  }
}

/** How many messages lie in memory, and how many of them are objects. */
function kept(pages: PagePool): { all: number; objects: number } {
  const count = { all: 0, objects: 0 };
  for (let id = 1; id < 100; id++) {
    const { messages, packed } = pages.page(id) ?? { messages: 0, packed: 0 };
    count.all += messages;
    count.objects += messages - packed;
  }
  return count;
}

for (const where of ["memory", "the store"]) {
  Deno.test(`at least once, what dies while nobody takes it waits in ${where} without objects, and arrives in order`, async () => {
    using _time = standingTime(0.05);
    const harness = where === "memory" ? undefined : new StoreHarness();
    const host = new Host(undefined, harness?.store);
    host.add("sink", { "x-max-length": 0, "x-overflow": "reject-publish" });
    const queue = host.add("q", { ...AT_LEAST_ONCE, "x-message-ttl": TTL_MS, ...deadTo("sink") });
    const count = 3000;
    await letDie(host, queue, count);
    harness?.settle();
    assertLessOrEqual(kept(host.pages).objects, 3 * FULL);
    // what is too old comes after what has died, and waits where it was
    assertEquals(queue.dyingCount + queue.messageCount, count);
    assertGreater(queue.dyingCount, count / 2);
    host.deleteQueue("sink", { ifUnused: false, ifEmpty: false }, host.owner);
    const opened = host.add("sink");
    for (let second = 0; opened.messageCount < count && second < 10; second++) {
      await host.pass(1000);
      harness?.settle();
    }
    assertEquals(host.drain("sink"), numbers(count));
    assertEquals([queue.dyingCount, queue.messageCount, kept(host.pages).all], [0, 0, 0]);
    host.deleteQueue("q", { ifUnused: false, ifEmpty: false }, host.owner);
    assertEquals(host.clock.timers, 0);
  });
}

Deno.test("at least once, what a queue keeps that has died goes with it", async () => {
  using _time = standingTime(0.05);
  const host = new Host();
  const queue = host.add("q", { ...AT_LEAST_ONCE, "x-message-ttl": TTL_MS, ...deadTo("nowhere") });
  await letDie(host, queue, 3000);
  host.deleteQueue("q", { ifUnused: false, ifEmpty: false }, host.owner);
  await host.pass(2000);
  assertEquals([kept(host.pages).all, host.clock.timers], [0, 0]);
});

Deno.test("what lives on in a long queue that keeps its dead does not count for those of others", async () => {
  using _ = standingTime(0.05);
  const host = new Host(10 * FULL);
  const sink = host.add("sink");
  const steps = ["1", "2", "3", "4", "5"];
  for (const [index, name] of steps.entries()) {
    host.add(name, { "x-message-ttl": 2, ...deadTo(steps[index + 1] ?? "sink") });
  }
  host.add("long", { "x-message-ttl": 1000, ...deadTo("other") });
  host.add("other");
  host.send("long", 4 * FULL);
  host.clock.advance(600);
  host.send("long", 30 * FULL);
  host.clock.advance(390);
  for (let round = 0; round < 10; round++) {
    host.send("1", 30);
    await host.pass(2);
  }
  await host.pass(60);
  assertEquals(sink.messageCount, 300);
});

Deno.test("a publish tells the queues of its message, though it publishes dead ones as well", () => {
  const host = new Host();
  host.add("sink");
  host.add("full", { "x-max-length": 1, ...deadTo("sink") });
  for (let count = 0; count < 2; count++) {
    const { routed } = host.publish(messageTo("full", "message"));
    assertEquals(routed.map(({ name }) => name), ["full"]);
  }
});

Deno.test("a message that an exchange holds back is known for it, though its publisher publishes dead ones as well", () => {
  using _time = standingTime(0.05);
  const host = new Host();
  host.add("sink");
  const queue = host.add("q", deadTo("sink"));
  host.declareExchange("later", {
    type: "x-delayed-message",
    passive: false,
    durable: false,
    autoDelete: false,
    internal: false,
    arguments: { "x-delayed-type": "fanout" },
  });
  host.send("q", 5000);
  // so many die at once that some wait
  queue.applyPolicy({ "max-length": 10 });
  assertGreater(between(5000, queue, host.queues.get("sink")!), 0);
  const message = messageTo("", "later", "later");
  message.properties = { headers: { "x-delay": 1000 } };
  assertEquals(host.publish(message).queues, 0);
  assertEquals(host.publishing.kept.heldBack, 1);
});
