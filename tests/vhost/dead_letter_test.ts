import { assert, assertEquals, assertGreater, assertLess, assertLessOrEqual } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { contentProperties } from "../../broker/amqp/content_codec.ts";
import { editedContent } from "../../broker/amqp/content_edit.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { type BasicProperties, normaliseProperties } from "../../broker/amqp/properties.ts";
import { finish } from "../../broker/amqp/long_work.ts";
import { pollSockets } from "../../broker/amqp/turn.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import { deathsByItself } from "../../broker/vhost/dead_letter.ts";
import { StoreHarness } from "../store/harness.ts";
import { standingTime } from "../support/standing_time.ts";
import { deadTo, TestHost } from "./dead_letter_support.ts";

/** The time is looked at after each: on a machine of any speed a slice is so many of them. */
const A_DEATH_MS = 0.05;

const QUORUM = { "x-queue-type": "quorum" };
const AT_LEAST_ONCE = {
  ...QUORUM,
  "x-overflow": "reject-publish",
  "x-dead-letter-strategy": "at-least-once",
};

class Host extends TestHost {
  send(routingKey: string, body: string, properties: BasicProperties = {}): void {
    const content = new Content();
    Object.assign(content, { routingKey, properties });
    content.body = new TextEncoder().encode(body);
    content.bodyEnd = content.body.length;
    const message = new Message(content);
    if (properties.expiration !== undefined) message.expirationMs = Number(properties.expiration);
    this.publish(message);
  }

  /** Rejects the next message of a queue, for good. */
  reject(name: string): void {
    const queue = this.queues.get(name)!;
    queue.reject(queue.take()!);
  }
}

/** Waits until a number has not changed while everything had its turn. */
async function untilStill(number: () => number, onChange: (by: number) => void = () => {}) {
  let before = number();
  for (let still = 0; still < 20; still++) {
    await pollSockets();
    const now = number();
    if (now === before) continue;
    onChange(now - before);
    [still, before] = [0, now];
  }
}

Deno.test("Publishing lets many circles of dead letters end, a bounded number of deaths at a time", async () => {
  using _time = standingTime(A_DEATH_MS);
  const host = new Host();
  const sink = host.add("sink");
  host.bindQueue({ source: "amq.fanout", destination: "sink", routingKey: "", arguments: {} }, {});
  // each death goes to all queues in which the message has not died yet
  for (const name of "abcdef") {
    host.add(name, { "x-message-ttl": 0, "x-dead-letter-exchange": "amq.fanout" });
    host.bindQueue(
      { source: "amq.fanout", destination: name, routingKey: "", arguments: {} },
      host.owner,
    );
  }
  host.send("a", "body");
  assertLessOrEqual(sink.messageCount, 1000);
  await untilStill(() => sink.messageCount, (by) => assertLessOrEqual(by, 1000));
  // one death for each way to go through some of the queues that begins at the first one
  assertEquals(sink.messageCount, 1 + 5 + 5 * 4 + 5 * 4 * 3 + 5 * 4 * 3 * 2 + 5 * 4 * 3 * 2);
  for (const name of "abcdef") assertEquals(host.queues.get(name)!.messageCount, 0);
});

Deno.test("Publishing lets a row of deaths that is too long for one turn go on later, and others have theirs", async () => {
  using _time = standingTime(A_DEATH_MS);
  const host = new Host();
  const sink = host.add("sink");
  const other = host.add("other");
  host.add("gone", { "x-message-ttl": 0, ...deadTo("other") });
  host.bindQueue(
    { source: "amq.fanout", destination: "sink", routingKey: "", arguments: {} },
    host.owner,
  );
  for (const name of "abcdefg") {
    host.add(name, { "x-message-ttl": 0, "x-dead-letter-exchange": "amq.fanout" });
    host.bindQueue(
      { source: "amq.fanout", destination: name, routingKey: "", arguments: {} },
      host.owner,
    );
  }
  const all = 1 + 6 + 30 + 120 + 360 + 720 + 720;
  host.send("a", "body");
  assertLessOrEqual(sink.messageCount, 1000);
  host.send("gone", "one");
  host.send("gone", "two");
  while (other.messageCount < 2) await pollSockets();
  assertLess(sink.messageCount, all);
  await untilStill(() => sink.messageCount);
  assertEquals(sink.messageCount, all);
  assertEquals(host.drain("other"), ["one", "two"]);
});

Deno.test("deathsByItself() counts the queues in which a message died since a client had it", () => {
  const death = (reason: string, queue: string) => ({ reason, queue });
  assertEquals(deathsByItself([]), 0);
  assertEquals(deathsByItself([death("maxlen", "b"), death("expired", "a")]), 2);
  const rejected = [death("expired", "c"), death("rejected", "b"), death("expired", "a")];
  assertEquals(deathsByItself(rejected), 1);
  assertEquals(deathsByItself(rejected.slice(1)), 0);
});

Deno.test("Publishing lets those go that have died in four queues when they multiply, and no others", async () => {
  const host = new Host(undefined, new PagePool(), { multipliedMax: 20 });
  const sink = host.add("sink");
  for (const name of ["sink", ..."abcdefgh"]) {
    if (name !== "sink") {
      host.add(name, { "x-message-ttl": 0, "x-dead-letter-exchange": "amq.fanout" });
    }
    host.bindQueue(
      { source: "amq.fanout", destination: name, routingKey: "", arguments: {} },
      host.owner,
    );
  }
  host.send("a", "body");
  await untilStill(() => sink.messageCount);
  const deaths = new Map<number, number>();
  const queue = host.queues.get("sink")!;
  for (let entry = queue.take(); entry !== undefined; entry = queue.take()) {
    const { headers = {} } = contentProperties(entry.message);
    const { length } = headers["x-death"] as FieldTable[];
    deaths.set(length, (deaths.get(length) ?? 0) + 1);
    queue.settle(entry);
  }
  // all ways through three queues, and some of those that are longer
  assertEquals([deaths.get(1), deaths.get(2), deaths.get(3)], [1, 7, 42]);
  const all = [...deaths.values()].reduce((sum, count) => sum + count, 0);
  assertLess(all, 1 + 7 + 42 + 210 + 840 + 2520 + 5040 + 5040);
  for (const name of "abcdefgh") assertEquals(host.queues.get(name)!.messageCount, 0);
});

Deno.test("what has died in a queue that is deleted then goes on", async () => {
  using _time = standingTime(A_DEATH_MS);
  const host = new Host();
  const dead = host.add("dead");
  host.add("q", deadTo("dead"));
  // somebody else's deaths keep the row busy
  for (const name of "abcdefg") {
    host.add(name, { "x-message-ttl": 0, "x-dead-letter-exchange": "amq.fanout" });
    host.bindQueue(
      { source: "amq.fanout", destination: name, routingKey: "", arguments: {} },
      host.owner,
    );
  }
  for (const body of ["1", "2", "3"]) host.send("q", body);
  host.send("a", "body");
  for (let count = 0; count < 3; count++) host.reject("q");
  assertEquals(dead.messageCount, 0);
  host.deleteQueue("q", { ifUnused: false, ifEmpty: false }, host.owner);
  for (let round = 0; dead.messageCount < 3 && round < 1000; round++) await pollSockets();
  assertEquals(host.drain("dead"), ["1", "2", "3"]);
});

Deno.test("a vhost that goes leaves nothing of what had died in it in memory", async () => {
  const host = new Host();
  for (const name of "abcdefghi") {
    host.add(name, { "x-message-ttl": 0, "x-dead-letter-exchange": "amq.fanout" });
    host.bindQueue(
      { source: "amq.fanout", destination: name, routingKey: "", arguments: {} },
      host.owner,
    );
  }
  host.add("q", { ...AT_LEAST_ONCE, ...deadTo("nowhere") });
  for (let count = 0; count < 100; count++) host.send("q", "x".repeat(1000));
  for (let count = 0; count < 100; count++) host.reject("q");
  host.send("a", "x".repeat(1000));
  for (let round = 0; round < 20; round++) await pollSockets();
  assertGreater(host.pages.bytes, 0);
  finish(host.deleting());
  await untilStill(() => host.pages.bytes);
  // the page that is written to stays
  assertLessOrEqual(host.pages.bytes, 2 * 1024 * 1024);
  assertEquals(host.clock.timers, 0);
});

Deno.test("Publishing that is stopped publishes no dead ones and sets no timer", async () => {
  const host = new Host();
  const sink = host.add("sink");
  for (const name of ["sink", ..."abcdefg"]) {
    if (name !== "sink") {
      host.add(name, { "x-message-ttl": 0, "x-dead-letter-exchange": "amq.fanout" });
    }
    host.bindQueue(
      { source: "amq.fanout", destination: name, routingKey: "", arguments: {} },
      host.owner,
    );
  }
  host.send("a", "body");
  host.stop();
  const before = sink.messageCount;
  await untilStill(() => sink.messageCount);
  assertEquals([sink.messageCount, host.clock.timers], [before, 0]);
});

Deno.test("at least once, a dead message without a way is tried again each second", () => {
  const host = new Host();
  host.add("q", { ...AT_LEAST_ONCE, "x-dead-letter-exchange": "amq.fanout" });
  for (const body of ["1", "2", "3"]) host.send("q", body);
  for (let count = 0; count < 3; count++) host.reject("q");
  assertEquals([host.queues.get("q")!.messageCount, host.clock.timers], [0, 1]);
  host.clock.advance(5500);
  host.add("dead");
  host.bindQueue(
    { source: "amq.fanout", destination: "dead", routingKey: "", arguments: {} },
    host.owner,
  );
  assertEquals(host.queues.get("dead")!.messageCount, 0);
  host.clock.advance(500);
  assertEquals([host.drain("dead"), host.clock.timers], [["1", "2", "3"], 0]);
});

Deno.test("at least once, a dead message whose only way is a circle waits for another one", () => {
  const host = new Host();
  const ttl = { "x-message-ttl": 100 };
  host.add("q", { ...AT_LEAST_ONCE, ...ttl, "x-dead-letter-exchange": "amq.fanout" });
  const bind = (destination: string) =>
    host.bindQueue(
      { source: "amq.fanout", destination, routingKey: "", arguments: {} },
      host.owner,
    );
  bind("q");
  host.send("q", "1");
  host.clock.advance(5000);
  assertEquals(host.queues.get("q")!.messageCount, 0);
  host.add("dead");
  bind("dead");
  host.clock.advance(1100);
  assertEquals([host.drain("dead"), host.queues.get("q")!.messageCount], [["1"], 0]);
});

Deno.test("at least once, a dead message waits until its queue has room", () => {
  const host = new Host();
  host.add("dead", { "x-max-length": 1, "x-overflow": "reject-publish" });
  host.add("q", { ...AT_LEAST_ONCE, ...deadTo("dead") });
  for (const body of ["1", "2", "3"]) host.send("q", body);
  for (let count = 0; count < 3; count++) host.reject("q");
  const arrived: string[] = [];
  for (let second = 0; second < 3; second++) {
    arrived.push(...host.drain("dead"), "|");
    host.clock.advance(1000);
  }
  assertEquals([arrived.join(""), host.clock.timers], ["1|2|3|", 0]);
});

Deno.test("at least once, a dead message that is tried again and again leaves nothing behind in memory", async () => {
  for (const isFull of [false, true]) {
    const host = new Host();
    // it remembers the last twenty
    host.declareExchange("dead", {
      type: "x-recent-history",
      passive: false,
      durable: true,
      autoDelete: false,
      internal: false,
      arguments: {},
    });
    host.add("q", { ...AT_LEAST_ONCE, "x-dead-letter-exchange": "dead" });
    if (isFull) {
      host.add("full", { "x-max-length": 0, "x-overflow": "reject-publish" });
      const toFull = { source: "dead", destination: "full", routingKey: "", arguments: {} };
      host.bindQueue(toFull, host.owner);
    }
    host.send("q", "x".repeat(60_000));
    host.reject("q");
    for (let second = 0; second < 200; second++) {
      host.clock.advance(1000);
      if (second % 20 === 0) await pollSockets();
    }
    assertLessOrEqual(host.pages.bytes, 4 * 1024 * 1024);
  }
});

Deno.test("at least once, a great many without a way cost little each second, and all arrive", async () => {
  const host = new Host();
  host.add("q", { ...AT_LEAST_ONCE, ...deadTo("dead") });
  const count = 900;
  for (let index = 0; index < count; index++) host.send("q", `${index}`);
  for (let index = 0; index < count; index++) host.reject("q");
  host.clock.advance(10_000);
  const dead = host.add("dead");
  host.clock.advance(1000);
  await untilStill(() => dead.messageCount);
  assertEquals(host.drain("dead"), Array.from({ length: count }, (_, index) => `${index}`));
  assertEquals(host.clock.timers, 0);
});

Deno.test("a dead message that waits for a way goes with its queue", () => {
  const host = new Host();
  host.add("q", { ...AT_LEAST_ONCE, ...deadTo("dead") });
  host.send("q", "1");
  host.reject("q");
  host.deleteQueue("q", { ifUnused: false, ifEmpty: false }, host.owner);
  host.add("dead");
  host.clock.advance(1000);
  assertEquals([host.queues.get("dead")!.messageCount, host.clock.timers], [0, 0]);
});

Deno.test("a dead message leaves nothing behind in memory", () => {
  const host = new Host();
  host.add("dead", { "x-max-length": 0 });
  host.add("q", { "x-max-length": 0, ...deadTo("dead") });
  for (let index = 0; index < 100_000; index++) host.send("q", "x".repeat(100));
  assertLessOrEqual(host.pages.bytes, 2 * 1024 * 1024);
});

Deno.test("x-death tells of each death in RabbitMQ's order", () => {
  const host = new Host();
  host.add("dead");
  host.add("q", { "x-max-length": 0, ...deadTo("dead") });
  host.send("q", "1", { expiration: "5000" });
  const { message } = host.queues.get("dead")!.take()!;
  const { headers } = contentProperties(message);
  const [death] = headers!["x-death"] as FieldTable[];
  assertEquals(Object.keys(death!), [
    "original-expiration",
    "count",
    "reason",
    "queue",
    "time",
    "exchange",
    "routing-keys",
  ]);
  assertEquals(death!["time"], new Date(0), "in whole seconds");
});

Deno.test("a death is counted as far as counts go, whatever a client wrote", () => {
  const host = new Host();
  host.add("q", { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" });
  const dead = host.add("dead");
  const most = 2n ** 63n - 1n;
  const headers = { "x-death": [{ queue: "q", reason: "rejected", count: most }] };
  host.send("q", "m", { headers });
  host.reject("q");
  const [death] = contentProperties(dead.take()!.message).headers!["x-death"] as FieldTable[];
  assertEquals(death!["count"], most);
});

Deno.test("editedContent() changes what it is told and nothing else", () => {
  const content = new Content();
  const properties: BasicProperties = {
    contentType: "text/plain",
    contentEncoding: "gzip",
    headers: { a: 1, constructor: "kept", b: [1n, { c: null }], gone: "x" },
    deliveryMode: 2,
    priority: 7,
    correlationId: "c",
    replyTo: "r",
    expiration: "1000",
    messageId: "m",
    timestamp: new Date(5000),
    type: "t",
    userId: "u",
    appId: "ap",
    clusterId: "cl",
  };
  Object.assign(content, { exchange: "e", routingKey: "k", properties });
  const edited = editedContent(content, {
    exchange: "other",
    headers: { a: 2, added: true },
    without: ["gone", "never there"],
    withoutExpiration: true,
  });
  const { expiration: _, ...others } = properties;
  assertEquals([edited.exchange, edited.routingKey], ["other", "k"]);
  assertEquals(contentProperties(edited), {
    ...others,
    headers: { a: 2, added: true, constructor: "kept", b: [1, { c: null }] },
  });
  assertEquals(content.properties, properties);
  for (const name of Object.keys(properties) as (keyof BasicProperties)[]) {
    const one = new Content();
    one.properties = { [name]: properties[name] };
    const copy = contentProperties(editedContent(one, { withoutExpiration: true }));
    const expected = name === "expiration" ? {} : normaliseProperties(one.properties);
    assertEquals(copy, { headers: {}, ...expected });
  }
});

/** Lets the store write what waits; it is not synced yet. */
function write(harness: StoreHarness): void {
  harness.endTurn();
  harness.clock.advance(100);
  harness.endTurn();
}

/** Lets a message die in a stored queue, and tells where it is after a crash in between. */
function crashWhileDying(
  seed: number,
  way: "kill" | "power",
  stopAt: "at once" | "written" | "synced",
): { alive: number; dead: number } {
  const harness = new StoreHarness({ seed });
  const host = new Host(harness.store);
  const [dead, queue] = [host.add("dead"), host.add("q", deadTo("dead"))];
  host.send("q", "body", { deliveryMode: 2 });
  harness.settle();
  const entry = queue.take()!;
  harness.settle();
  queue.reject(entry);
  assertEquals([dead.messageCount, queue.messageCount], [1, 0]);
  if (stopAt !== "at once") write(harness);
  if (stopAt === "synced") harness.settle();
  const counts = [...harness.reopen(way).queues.values()].map(({ id, count }) => [id, count]);
  const byId = new Map(counts as [number, number][]);
  return { dead: byId.get(1) ?? 0, alive: byId.get(2) ?? 0 };
}

Deno.test("a message that dies is never lost, whenever the power goes", () => {
  let moved = 0;
  let stayed = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const { alive, dead } = crashWhileDying(seed, "power", "written");
    assertGreater(alive + dead, 0, `seed ${seed}`);
    moved += dead;
    stayed += alive;
  }
  assert(moved > 0 && stayed > 0, "both happen");
});

Deno.test("a message that dies is where it was until that is written, and then where it went", () => {
  for (const way of ["kill", "power"] as const) {
    assertEquals(crashWhileDying(1, way, "at once"), { alive: 1, dead: 0 });
    assertEquals(crashWhileDying(1, way, "synced"), { alive: 0, dead: 1 });
  }
  assertEquals(crashWhileDying(1, "kill", "written"), { alive: 0, dead: 1 });
});

Deno.test("a dead message that the store cannot take now is taken later", () => {
  const harness = new StoreHarness();
  const host = new Host(harness.store);
  const [dead, queue] = [host.add("dead"), host.add("q", deadTo("dead"))];
  host.send("q", "body", { deliveryMode: 2 });
  harness.settle();
  const entry = queue.take()!;
  harness.settle();
  harness.files.faults = { failureRate: 1 };
  host.send("q", "notices", { deliveryMode: 2 });
  write(harness);
  assertEquals(harness.store.state, "failed");
  queue.reject(entry);
  assertEquals([dead.messageCount, host.clock.timers], [0, 1]);
  host.clock.advance(3000);
  assertEquals(dead.messageCount, 0);
  harness.files.faults = {};
  harness.clock.advance(10_000);
  harness.settle();
  assertEquals(harness.store.state, "open");
  host.clock.advance(1000);
  assertEquals([dead.messageCount, host.clock.timers], [1, 0]);
});
