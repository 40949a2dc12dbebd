import { assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { contentProperties } from "../../broker/amqp/content_codec.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { BrokerEvents } from "../../broker/events.ts";
import type { Steps } from "../../broker/amqp/long_work.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import { pollAllSockets } from "../../broker/amqp/turn.ts";
import type { MessageQueue } from "../../broker/queue/message_queue.ts";
import type { ExchangeType } from "../../broker/routing/exchange_type.ts";
import { ExchangeTypes } from "../../broker/routing/exchange_types.ts";
import { FanoutTable } from "../../broker/routing/fanout.ts";
import { DelayedMessages } from "../../broker/vhost/delayed_messages.ts";
import { VirtualHost } from "../../broker/vhost/vhost.ts";
import { bodyOf } from "../queue/support.ts";
import { endOfTurn } from "../support/end_of_turn.ts";
import { heldHeap } from "../support/heap.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { standingTime } from "../support/standing_time.ts";

/** Tells how many messages lie in its pages: a test's few all lie in the first one. */
class CountingPages extends PagePool {
  get messages(): number {
    return this.pageFor(0).messages;
  }
}

/** A vhost with a clock that a test moves. */
class KeepingVirtualHost extends VirtualHost {
  readonly clock: ManualClock;
  readonly pages: CountingPages;
  readonly logger: RecordingLogger;
  readonly owner = {};

  constructor(types: readonly ExchangeType[] = []) {
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const pages = new CountingPages();
    const exchangeTypes = new ExchangeTypes(logger);
    for (const type of types) exchangeTypes.register(type);
    const delayed = new DelayedMessages({ clock, pages, logger });
    const events = new BrokerEvents(clock, () => {});
    super("/", { pages, exchangeTypes, logger, clock, events, delayed });
    this.clock = clock;
    this.logger = logger;
    this.pages = pages;
  }

  add(name: string, type: string, arguments_: FieldTable = {}, autoDelete = false): void {
    this.declareExchange(name, {
      type,
      passive: false,
      durable: false,
      autoDelete,
      internal: false,
      arguments: arguments_,
    });
  }

  /** A queue that is about to be bound to an exchange which remembers very much. */
  beginBinding(source: string, destination: string): { queue: MessageQueue; steps: Steps } {
    const declared = { passive: false, durable: false, exclusive: false, autoDelete: false };
    const queue = this.declareQueue(destination, { ...declared, arguments: {} }, this.owner);
    const fields = { source, destination, routingKey: "", arguments: {} };
    return { queue, steps: this.beginBindingQueue(fields, this.owner)! };
  }

  addQueueTo(exchange: string, name: string, routingKey = "", arguments_: FieldTable = {}): void {
    const declared = { passive: false, durable: true, exclusive: false, autoDelete: false };
    this.declareQueue(name, { ...declared, arguments: arguments_ }, this.owner);
    const fields = { source: exchange, destination: name, routingKey, arguments: {} };
    this.bindQueue(fields, this.owner);
  }

  /** Publishes a body under its own text as key and tells how many queues took it. */
  send(exchange: string, body: string, headers?: FieldTable): number {
    return this.publish(messageOf(exchange, body, headers)).queues;
  }

  /** The messages that wait in a queue: bodies and headers. They are taken. */
  drain(name: string): unknown[] {
    const queue = this.queue(name, this.owner);
    const found: unknown[] = [];
    for (let entry = queue.take(); entry !== undefined; entry = queue.take()) {
      const { headers } = contentProperties(entry.message);
      found.push(headers === undefined ? bodyOf(entry.message) : [bodyOf(entry.message), headers]);
      queue.settle(entry);
    }
    return found;
  }

  delayedOf(exchange: string): number {
    return this.publishing.kept.delaysOf(this.exchange(exchange))?.length ?? 0;
  }
}

function messageOf(exchange: string, body: string, headers?: FieldTable): Message {
  const content = new Content();
  content.exchange = exchange;
  content.routingKey = body;
  content.properties = headers === undefined ? {} : { headers };
  content.body = new TextEncoder().encode(body);
  content.bodyEnd = content.body.length;
  return new Message(content);
}

function delay(milliseconds: number): FieldTable {
  return { "x-delay": milliseconds };
}

Deno.test("A delayed message reaches queues when its time has come, and its page is free then", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "direct" });
  vhost.addQueueTo("later", "q", "a");
  assertEquals(vhost.send("later", "a", delay(100)), 0);
  assertEquals(vhost.send("later", "a"), 1);
  assertEquals([vhost.delayedOf("later"), vhost.drain("q")], [1, ["a"]]);
  vhost.clock.advance(99);
  assertEquals(vhost.drain("q"), []);
  vhost.clock.advance(1);
  assertEquals([vhost.delayedOf("later"), vhost.drain("q")], [0, [["a", delay(-100)]]]);
  assertEquals(vhost.pages.messages, 0);
});

Deno.test("A delayed message is routed by the bindings of the moment when it is due", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "topic" });
  vhost.addQueueTo("later", "early", "a.#");
  vhost.send("later", "a.b", delay(10));
  vhost.addQueueTo("later", "late", "*.b");
  vhost.deleteQueue("early", { ifUnused: false, ifEmpty: false }, vhost.owner);
  vhost.clock.advance(10);
  assertEquals(vhost.drain("late"), [["a.b", delay(-10)]]);
});

Deno.test("A message that came through other exchanges is delayed once", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("first", "x-delayed-message", { "x-delayed-type": "fanout" });
  vhost.add("second", "x-delayed-message", { "x-delayed-type": "fanout" });
  vhost.addQueueTo("amq.fanout", "at once");
  for (const [source, destination] of [["amq.fanout", "first"], ["first", "second"]] as const) {
    vhost.bindExchange({ source, destination, routingKey: "", arguments: {} });
  }
  vhost.addQueueTo("second", "end");
  assertEquals(vhost.send("amq.fanout", "m", delay(10)), 1);
  assertEquals(vhost.drain("at once"), [["m", delay(10)]], "what is in a queue does not change");
  vhost.clock.advance(10);
  assertEquals(vhost.drain("end"), [["m", delay(-10)]]);
  assertEquals(vhost.pages.messages, 0);
});

Deno.test("A delayed message is no matter for the alternate exchange until it is due", () => {
  const vhost = new KeepingVirtualHost();
  const arguments_ = { "x-delayed-type": "direct", "alternate-exchange": "amq.fanout" };
  vhost.add("later", "x-delayed-message", arguments_);
  vhost.addQueueTo("amq.fanout", "rest");
  vhost.send("later", "m", delay(10));
  assertEquals(vhost.drain("rest"), []);
  vhost.clock.advance(10);
  assertEquals(vhost.drain("rest"), [["m", delay(-10)]]);
});

Deno.test("Deleting an exchange drops what it delays", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "fanout" });
  vhost.add("other", "x-delayed-message", { "x-delayed-type": "fanout" });
  for (const exchange of ["later", "other"]) vhost.send(exchange, "m", delay(10));
  vhost.deleteExchange("later", { ifUnused: false });
  assertEquals(vhost.pages.messages, 1);
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "fanout" });
  assertEquals([vhost.delayedOf("later"), vhost.delayedOf("other")], [0, 1]);
  vhost.addQueueTo("later", "q");
  vhost.clock.advance(10);
  assertEquals(vhost.drain("q"), []);
  assertEquals([vhost.pages.messages, vhost.clock.timers], [0, 0]);
});

Deno.test("An auto-delete exchange takes what it delays along", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "fanout" }, true);
  vhost.addQueueTo("later", "q");
  vhost.send("later", "m", delay(10));
  vhost.deleteQueue("q", { ifUnused: false, ifEmpty: false }, vhost.owner);
  assertEquals([vhost.exchanges.get("later"), vhost.pages.messages], [undefined, 0]);
  assertEquals(vhost.clock.timers, 0);
});

Deno.test("A delayed message that a transaction gives up is delayed all the same", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "fanout" });
  vhost.addQueueTo("later", "q");
  const message = messageOf("later", "m", delay(10));
  const held = vhost.publishing.holdRouted(message);
  assertEquals(held.destinations, []);
  vhost.publishing.discard(held.message);
  vhost.clock.advance(10);
  assertEquals(vhost.drain("q"), [["m", delay(-10)]]);
  assertEquals(vhost.pages.messages, 0);
});

Deno.test("A recent history that goes on gives the pages of what it forgets back", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("history", "x-recent-history", { "x-recent-history-length": 3 });
  for (let index = 0; index < 10; index++) vhost.send("history", `m${index}`);
  assertEquals(vhost.pages.messages, 3);
  vhost.addQueueTo("history", "q");
  assertEquals(vhost.drain("q"), ["m7", "m8", "m9"]);
  assertEquals(vhost.pages.messages, 3);
  vhost.deleteExchange("history", { ifUnused: false });
  assertEquals(vhost.pages.messages, 0);
});

Deno.test("Deleting an exchange that remembers very much lets go of it some at a time", async () => {
  // each look at the clock costs as much, on whatever machine
  using _time = standingTime(1);
  const vhost = new KeepingVirtualHost();
  vhost.add("history", "x-recent-history", { "x-recent-history-length": 20_000 });
  const body = "x".repeat(200);
  for (let index = 0; index < 20_000; index++) vhost.send("history", body);
  const all = vhost.pages.bytes;
  vhost.deleteExchange("history", { ifUnused: false });
  let left = vhost.pages.bytes;
  assertGreater(left, all / 2);
  for (let turn = 0; left > all / 2 && turn < 100; turn++) {
    await endOfTurn();
    assertLess(left - vhost.pages.bytes, all / 2);
    left = vhost.pages.bytes;
  }
  assertLess(left, all / 2 + 1);
});

Deno.test("An exchange that passes on each message once leaves nothing behind", () => {
  const vhost = new KeepingVirtualHost();
  const before = heldHeap();
  vhost.add("once", "x-message-deduplication", { "x-cache-size": 20_000 });
  for (let index = 0; index < 20_000; index++) {
    vhost.send("once", "", { "x-deduplication-header": "v".repeat(100) + index });
  }
  assertGreater(heldHeap() - before, 2_000_000);
  vhost.deleteExchange("once", { ifUnused: false });
  assertLess(heldHeap() - before, 1_000_000);
});

Deno.test("A recent history that is published to faster than it is brought to a queue is never brought at once", async () => {
  const vhost = new KeepingVirtualHost();
  const length = 3000;
  vhost.add("history", "x-recent-history", { "x-recent-history-length": length });
  let published = 0;
  const publish = (count: number) => {
    for (; count > 0; count--) vhost.send("history", `${published++}`);
  };
  publish(length);
  const { queue, steps } = vhost.beginBinding("history", "q");
  const burst = 200;
  let rounds = 0;
  for (let isDone = false; !isDone; rounds++) {
    const before = queue.messageCount;
    isDone = steps.next().done === true;
    assertLess(queue.messageCount - before, burst + 65);
    if (isDone) break;
    publish(burst);
    await endOfTurn();
    assertLess(queue.messageCount - before, 2 * burst + 65);
    assertLess(rounds, 10 * length / 64);
  }
  publish(1);
  const numbers = vhost.drain("q").map(Number);
  // those that the exchange forgot meanwhile did not come, but nothing came twice, or out of order
  assertEquals(numbers, [...new Set(numbers)].sort((one, other) => one - other));
  assertEquals(numbers.slice(-length), Array.from({ length }, (_, at) => published - length + at));
  vhost.deleteExchange("history", { ifUnused: false });
  await endOfTurn();
  assertEquals(vhost.pages.messages, 0);
});

Deno.test("A history that is deleted while whoever publishes to it has it brought is brought no further", async () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("history", "x-recent-history", { "x-recent-history-length": 2000 });
  const publish = (count: number) => {
    for (; count > 0; count--) vhost.send("history", "m");
  };
  publish(1500);
  const { queue, steps } = vhost.beginBinding("history", "q");
  for (let count = 0; count < 24; count++) {
    steps.next();
    publish(100);
    await endOfTurn();
  }
  publish(100);
  const before = queue.messageCount;
  vhost.deleteExchange("history", { ifUnused: false });
  await endOfTurn();
  assertEquals([steps.next().done, queue.messageCount], [true, before]);
  assertEquals(vhost.drain("q").length, before);
  assertEquals(vhost.pages.messages, 0);
});

Deno.test("Exchanges with ways back to a history that is brought to several of them do not go round for ever", async () => {
  const vhost = new KeepingVirtualHost();
  const length = 2000;
  vhost.add("history", "x-recent-history", { "x-recent-history-length": 10 * length });
  for (const name of ["a", "b"]) {
    vhost.add(name, "fanout");
    vhost.addQueueTo(name, `of ${name}`);
    const back = { source: name, destination: "history", routingKey: "", arguments: {} };
    vhost.bindExchange(back);
  }
  for (let count = 0; count < length; count++) vhost.send("history", `${count}`);
  const ways = ["a", "a", "b"].map((destination, at) =>
    vhost.beginBindingExchange({
      source: "history",
      destination,
      routingKey: `${at}`,
      arguments: {},
    })!
  );
  const queue = vhost.beginBinding("history", "q");
  const coming = new Set([...ways, queue.steps]);
  for (let rounds = 0; coming.size > 0; rounds++) {
    for (const steps of coming) if (steps.next().done === true) coming.delete(steps);
    await endOfTurn();
    assertLess(rounds, 20 * length / 64);
  }
  const numbers = Array.from({ length }, (_, at) => `${at}`);
  for (const name of ["of a", "of b", "q"]) {
    assertEquals([...new Set(vhost.drain(name))], numbers, name);
  }
});

Deno.test("A new binding gets what died elsewhere while a history was brought to it, and nothing twice", async () => {
  // what is dead is published until the clock says that it was long
  using _time = standingTime(1);
  const vhost = new KeepingVirtualHost();
  const [remembered, dead] = [2000, 4000];
  vhost.add("history", "x-recent-history", { "x-recent-history-length": remembered + dead });
  for (let number = 0; number < remembered; number++) vhost.send("history", `${number}`);
  vhost.add("work", "fanout");
  const arguments_ = { "x-dead-letter-exchange": "history", "x-message-ttl": 1 };
  vhost.addQueueTo("work", "passing", "", arguments_);
  for (let number = 0; number < dead; number++) vhost.send("work", `${remembered + number}`);
  // so many die at once that whoever publishes helps with them
  vhost.clock.advance(1);
  const { queue, steps } = vhost.beginBinding("history", "q");
  while (steps.next().done !== true);
  while (queue.messageCount < remembered + dead) {
    const before = queue.messageCount;
    await pollAllSockets();
    if (queue.messageCount === before) break;
  }
  const bodies = vhost.drain("q").map((found) => Number(Array.isArray(found) ? found[0] : found));
  assertEquals(bodies, Array.from({ length: remembered + dead }, (_, at) => at));
});

for (
  const [cause, arguments_] of Object.entries({
    "have no room": { "x-max-length": 10 },
    "are too old": { "x-message-ttl": 5 },
  })
) {
  Deno.test(`Messages that go back to a history where they ${cause} are not brought again for ever`, async () => {
    const vhost = new KeepingVirtualHost();
    const length = 2000;
    vhost.add("history", "x-recent-history", { "x-recent-history-length": 10 * length });
    for (let count = 0; count < length; count++) vhost.send("history", `${count}`);
    vhost.add("on", "fanout");
    vhost.addQueueTo("on", "q", "", { ...arguments_, "x-dead-letter-exchange": "history" });
    const fields = { source: "history", routingKey: "", arguments: {} };
    const ways = [
      vhost.beginBindingExchange({ ...fields, destination: "on" })!,
      vhost.beginBindingQueue({ ...fields, destination: "q" }, vhost.owner)!,
    ];
    const coming = new Set(ways);
    for (let rounds = 0; coming.size > 0; rounds++) {
      for (const steps of coming) if (steps.next().done === true) coming.delete(steps);
      await pollAllSockets();
      vhost.clock.advance(1);
      assertLess(rounds, 10 * length / 64);
    }
  });
}

Deno.test("A delayed message may be for an exchange that remembers: it does so when it is due", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "x-recent-history" });
  vhost.send("later", "m", delay(10));
  vhost.addQueueTo("later", "early");
  assertEquals(vhost.drain("early"), []);
  vhost.clock.advance(10);
  vhost.addQueueTo("later", "late");
  assertEquals([vhost.drain("early"), vhost.drain("late")], [
    [["m", delay(-10)]],
    [["m", delay(-10)]],
  ]);
});

Deno.test("A program's own type may hold messages back, each once and unchanged", () => {
  const slow: ExchangeType = {
    name: "x-slow",
    createTable: () => Object.assign(new FanoutTable(), { delay: { of: () => 50 } }),
  };
  const vhost = new KeepingVirtualHost([slow]);
  vhost.add("e", "x-slow");
  vhost.addQueueTo("e", "q");
  vhost.send("e", "m", { "x-delay": 1 });
  vhost.clock.advance(49);
  assertEquals(vhost.drain("q"), []);
  vhost.clock.advance(51);
  assertEquals(vhost.drain("q"), [["m", { "x-delay": 1 }]]);
  assertEquals(vhost.delayedOf("e"), 0);
});

Deno.test("A type that throws when a delayed message is due loses that message alone", () => {
  let broken = true;
  const type: ExchangeType = {
    name: "x-broken",
    createTable() {
      const table = new FanoutTable();
      return {
        cacheable: false,
        add: (binding) => table.add(binding),
        remove: (binding) => table.remove(binding),
        route(routingKey, message, into) {
          if (broken) throw new Error("type is broken");
          table.route(routingKey, message, into);
        },
      };
    },
  };
  const vhost = new KeepingVirtualHost([type]);
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "x-broken" });
  vhost.addQueueTo("later", "q");
  vhost.send("later", "lost", delay(10));
  vhost.send("later", "next", delay(20));
  vhost.clock.advance(10);
  broken = false;
  vhost.clock.advance(10);
  assertEquals(vhost.drain("q"), [["next", delay(-20)]]);
  assertEquals(vhost.pages.messages, 0);
  assertMatch(vhost.logger.of("error").join("\n"), /type is broken/);
});

/** A type that throws whenever it is to route. */
const broken: ExchangeType = {
  name: "x-broken",
  createTable: () => ({
    cacheable: false,
    add() {},
    remove() {},
    route() {
      throw new Error("type is broken");
    },
  }),
};

Deno.test("A delayed message goes by its headers CC and BCC, and does not show BCC", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "direct" });
  for (const key of ["a", "b", "c"]) vhost.addQueueTo("later", key, key);
  assertEquals(vhost.send("later", "a", { ...delay(10), CC: ["b"], BCC: ["c"] }), 0);
  vhost.clock.advance(10);
  const seen = [["a", { "x-delay": -10, CC: ["b"] }]];
  assertEquals(["a", "b", "c"].map((queue) => vhost.drain(queue)), [seen, seen, seen]);
  assertEquals(vhost.pages.messages, 0);
});

Deno.test("A message in a recent history goes by its header CC, and does not show BCC", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("history", "x-recent-history");
  vhost.send("history", "a", { CC: ["b"], BCC: ["c"] });
  vhost.addQueueTo("history", "late");
  vhost.addQueueTo("amq.direct", "b", "b");
  vhost.bindExchange({
    source: "history",
    destination: "amq.direct",
    routingKey: "",
    arguments: {},
  });
  assertEquals(vhost.drain("late"), [["a", { CC: ["b"] }]]);
  assertEquals(vhost.drain("b"), [["a", { CC: ["b"] }]]);
  vhost.deleteExchange("history", { ifUnused: false });
  assertEquals(vhost.pages.messages, 0);
});

Deno.test("A delayed message's time to live begins when it is due", () => {
  const vhost = new KeepingVirtualHost();
  vhost.add("later", "x-delayed-message", { "x-delayed-type": "fanout" });
  vhost.addQueueTo("later", "q");
  const message = messageOf("later", "m", delay(100));
  message.properties = { ...message.properties, expiration: "50" };
  message.expirationMs = 50;
  vhost.publish(message);
  vhost.clock.advance(140);
  assertEquals(vhost.queue("q", vhost.owner).messageCount, 1);
  vhost.clock.advance(10);
  assertEquals([vhost.queue("q", vhost.owner).messageCount, vhost.pages.messages], [0, 0]);
});

Deno.test("A dead message may be delayed, once, however careful its queue is", () => {
  for (const strategy of ["at-most-once", "at-least-once"]) {
    const vhost = new KeepingVirtualHost();
    vhost.add("later", "x-delayed-message", { "x-delayed-type": "fanout" });
    vhost.addQueueTo("later", "retried");
    vhost.addQueueTo("amq.fanout", "dying", "", {
      "x-message-ttl": 5,
      "x-dead-letter-exchange": "later",
      "x-dead-letter-strategy": strategy,
      "x-overflow": "reject-publish",
      "x-queue-type": "quorum",
    });
    vhost.send("amq.fanout", "m", delay(5000));
    vhost.clock.advance(4999);
    assertEquals([vhost.delayedOf("later"), vhost.drain("retried")], [1, []]);
    vhost.clock.advance(6000);
    assertEquals([vhost.delayedOf("later"), vhost.drain("retried").length], [0, 1]);
  }
});

Deno.test("A dead message whose exchange throws is lost alone, and the loss logged", () => {
  const vhost = new KeepingVirtualHost([broken]);
  vhost.add("e", "x-broken");
  const arguments_ = { "x-message-ttl": 5, "x-dead-letter-exchange": "e" };
  vhost.addQueueTo("amq.fanout", "dying", "", arguments_);
  vhost.send("amq.fanout", "m");
  vhost.send("amq.fanout", "n");
  vhost.clock.advance(5);
  assertEquals(vhost.pages.messages, 0);
  const lines = vhost.logger.of("error");
  assertEquals(lines.length, 2);
  assertMatch(lines[0]!, /dead message of queue 'dying': Error: type is broken/);
});
