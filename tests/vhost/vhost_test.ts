import { assert, assertEquals, assertMatch, assertStrictEquals, assertThrows } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { basicPublish } from "../../broker/amqp/methods/mod.ts";
import { Message } from "../../broker/message.ts";
import { PagePool } from "../../broker/pages.ts";
import type { ExchangeDeclaration, QueueDeclaration } from "../../broker/vhost/declarations.ts";
import { Lane } from "../../broker/vhost/lane.ts";
import { VirtualHost } from "../../broker/vhost/vhost.ts";
import { bodyOf, TestConsumer } from "../queue/support.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { vhostParts } from "./support.ts";

/** A vhost and the connection that asks it. */
class TestVirtualHost extends VirtualHost {
  readonly logger: RecordingLogger;
  readonly owner = {};

  constructor() {
    const logger = new RecordingLogger();
    const [clock, pages] = [new ManualClock(), new PagePool()];
    super("/", vhostParts(clock, pages, logger));
    this.logger = logger;
  }

  addQueue(name: string, options: Partial<QueueDeclaration> = {}, owner: object = this.owner) {
    return this.declareQueue(name, {
      passive: false,
      durable: false,
      exclusive: false,
      autoDelete: false,
      arguments: {},
      ...options,
    }, owner);
  }

  addExchange(name: string, type: string, options: Partial<ExchangeDeclaration> = {}): void {
    this.declareExchange(name, {
      type,
      passive: false,
      durable: false,
      autoDelete: false,
      internal: false,
      arguments: {},
      ...options,
    });
  }

  bind(source: string, destination: string, routingKey = "", arguments_: FieldTable = {}): void {
    this.bindQueue({ source, destination, routingKey, arguments: arguments_ }, this.owner);
  }

  bindTo(source: string, destination: string, routingKey = ""): void {
    this.bindExchange({ source, destination, routingKey, arguments: {} });
  }

  unbind(source: string, destination: string, routingKey = ""): void {
    this.unbindQueue({ source, destination, routingKey, arguments: {} }, this.owner);
  }

  remove(name: string, owner: object = this.owner): number {
    return this.deleteQueue(name, { ifUnused: false, ifEmpty: false }, owner);
  }

  /** Publishes and tells how many queues took it. */
  send(exchange: string, routingKey: string, body = "body"): number {
    const content = new Content();
    Object.assign(content, { exchange, routingKey, properties: {} });
    content.body = new TextEncoder().encode(body);
    content.bodyEnd = content.body.length;
    return this.publish(new Message(content)).queues;
  }

  /** The bodies that wait in a queue; they are taken. */
  drain(name: string): string[] {
    const queue = this.queue(name, this.owner);
    const bodies: string[] = [];
    for (let entry = queue.take(); entry !== undefined; entry = queue.take()) {
      bodies.push(bodyOf(entry.message));
      queue.settle(entry);
    }
    return bodies;
  }
}

function refused(action: () => unknown): string {
  return assertThrows(action, AmqpError).message;
}

Deno.test("VirtualHost has RabbitMQ's exchanges from the start", () => {
  const vhost = new TestVirtualHost();
  const types = ["", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic"]
    .map((name) => vhost.exchange(name))
    .map(({ type, durable, internal, autoDelete }) => [type, durable, internal, autoDelete]);
  assertEquals(types, [
    ["direct", true, false, false],
    ["direct", true, false, false],
    ["fanout", true, false, false],
    ["headers", true, false, false],
    ["headers", true, false, false],
    ["topic", true, false, false],
  ]);
});

Deno.test("VirtualHost.publish() reaches a queue by its name through the default exchange", () => {
  const vhost = new TestVirtualHost();
  vhost.addQueue("q");
  assertEquals([vhost.send("", "q", "1"), vhost.send("", "nobody"), vhost.send("", "q", "2")], [
    1,
    0,
    1,
  ]);
  assertEquals(vhost.drain("q"), ["1", "2"]);
});

Deno.test("VirtualHost.publish() finds a queue of a name that none had before, and counts what none took", () => {
  const vhost = new TestVirtualHost();
  const method = basicPublish({ routingKey: "later" });
  const publish = () => {
    const content = new Content();
    content.routingKey = "later";
    return vhost.publish(new Message(content), method).queues;
  };
  assertEquals([publish(), publish(), publish()], [0, 0, 0]);
  assertEquals([vhost.publishing.defaultIn, vhost.publishing.defaultOut], [3, 0]);
  vhost.addQueue("another");
  assertEquals(publish(), 0);
  vhost.addQueue("later");
  assertEquals([publish(), publish(), publish()], [1, 1, 1]);
  vhost.remove("later");
  assertEquals([publish(), publish(), publish()], [0, 0, 0]);
  vhost.addQueue("later");
  assertEquals(publish(), 1);
  assertEquals([vhost.publishing.defaultIn, vhost.publishing.defaultOut], [11, 4]);
});

Deno.test("VirtualHost knows of a bounded number of names that no queue has", () => {
  const vhost = new TestVirtualHost();
  const methods = Array.from(
    { length: 3000 },
    (_, index) => basicPublish({ routingKey: `${index}` }),
  );
  for (let round = 0; round < 2; round++) {
    for (const method of methods) {
      const content = new Content();
      content.routingKey = method.routingKey;
      assertEquals(vhost.publish(new Message(content), method).queues, 0);
    }
  }
  const known = methods.filter((method) => Lane.of(method, vhost.exchanges) !== undefined);
  assert(known.length <= 1024);
  assertStrictEquals(known.at(-1), methods.at(-1));
  for (const _step of vhost.deleting());
  assertEquals(methods.filter((method) => Lane.of(method, vhost.exchanges) !== undefined), []);
});

Deno.test("VirtualHost.publish() gives each queue one copy, however many bindings lead there", () => {
  const vhost = new TestVirtualHost();
  for (const name of ["one", "two"]) vhost.addQueue(name);
  vhost.addExchange("next", "fanout");
  vhost.bind("amq.topic", "one", "a.*");
  vhost.bind("amq.topic", "one", "#");
  vhost.bindTo("amq.topic", "next", "a.#");
  vhost.bind("next", "one");
  vhost.bind("next", "two");
  assertEquals(vhost.send("amq.topic", "a.b"), 2);
  assertEquals([vhost.drain("one"), vhost.drain("two")], [["body"], ["body"]]);
});

Deno.test("VirtualHost.deleteQueue() takes the queue's bindings along", () => {
  const vhost = new TestVirtualHost();
  vhost.addQueue("q");
  vhost.bind("amq.fanout", "q");
  vhost.bind("amq.direct", "q", "key");
  vhost.send("amq.fanout", "");
  assertEquals(vhost.remove("q"), 1);
  assertEquals([vhost.send("amq.fanout", ""), vhost.send("amq.direct", "key")], [0, 0]);
  assertEquals(vhost.exchange("amq.fanout").hasBindings, false);
  vhost.addQueue("q");
  assertEquals(vhost.send("amq.fanout", ""), 0, "a new queue of that name starts without");
});

Deno.test("VirtualHost lets an auto-delete exchange go with its last binding, however it goes", () => {
  const ways: readonly ((vhost: TestVirtualHost) => unknown)[] = [
    (vhost) => vhost.unbind("x", "q"),
    (vhost) => vhost.remove("q"),
    (vhost) => void [...vhost.deleteExclusiveQueues(vhost.owner)],
  ];
  for (const way of ways) {
    const vhost = new TestVirtualHost();
    vhost.addExchange("x", "fanout", { autoDelete: true });
    vhost.addQueue("q", { exclusive: true });
    vhost.bind("x", "q");
    vhost.bind("x", "q", "another");
    vhost.unbind("x", "q", "another");
    assert(vhost.exchanges.get("x") !== undefined);
    way(vhost);
    assertEquals(vhost.exchanges.get("x"), undefined);
  }
});

Deno.test("VirtualHost lets a chain of auto-delete exchanges go from its end", () => {
  const vhost = new TestVirtualHost();
  for (const name of ["first", "second", "third"]) {
    vhost.addExchange(name, "fanout", { autoDelete: true });
  }
  vhost.bindTo("first", "second");
  vhost.bindTo("second", "third");
  vhost.addQueue("q");
  vhost.bind("third", "q");
  assertEquals(vhost.send("first", ""), 1);
  vhost.remove("q");
  assertEquals(["first", "second", "third"].map((name) => vhost.exchanges.get(name)), [
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("VirtualHost.deleteExchange() takes the bindings from and to it along", () => {
  const vhost = new TestVirtualHost();
  vhost.addExchange("middle", "fanout");
  vhost.addQueue("q");
  vhost.bindTo("amq.fanout", "middle");
  vhost.bind("middle", "q");
  assertEquals(
    refused(() => vhost.deleteExchange("middle", { ifUnused: true })),
    "PRECONDITION_FAILED - exchange 'middle' in vhost '/' in use",
  );
  vhost.deleteExchange("middle", { ifUnused: false });
  assertEquals(vhost.send("amq.fanout", ""), 0);
  vhost.deleteExchange("middle", { ifUnused: true });
  vhost.addExchange("middle", "fanout");
  assertEquals(vhost.send("middle", ""), 0, "a new exchange of that name starts without");
  assertEquals(vhost.remove("q"), 0);
});

Deno.test("VirtualHost deletes the exclusive queues of an owner, and no others", () => {
  const vhost = new TestVirtualHost();
  const other = {};
  vhost.addQueue("mine", { exclusive: true });
  vhost.addQueue("gone", { exclusive: true });
  vhost.addQueue("shared");
  vhost.addQueue("theirs", { exclusive: true }, other);
  vhost.remove("gone");
  void [...vhost.deleteExclusiveQueues(vhost.owner)];
  void [...vhost.deleteExclusiveQueues(vhost.owner)];
  assertEquals([...vhost.queues.keys()].sort(), ["shared", "theirs"]);
  assertMatch(
    refused(() => vhost.queue("theirs", vhost.owner)),
    /^RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'theirs' in vhost '\/'\./,
  );
  assertStrictEquals(vhost.queue("theirs", other).owner, other);
});

Deno.test("VirtualHost lets an auto-delete queue go with its last consumer", () => {
  const vhost = new TestVirtualHost();
  const queue = vhost.addQueue("q", { autoDelete: true });
  vhost.bind("amq.fanout", "q");
  const consumer = new TestConsumer();
  queue.addConsumer(consumer, { exclusive: false });
  queue.removeConsumer(consumer);
  assertEquals([vhost.queues.get("q"), vhost.send("amq.fanout", "")], [undefined, 0]);
});

Deno.test("VirtualHost gives queues without a name one that nobody has", () => {
  const vhost = new TestVirtualHost();
  const names = Array.from({ length: 10 }, () => vhost.addQueue("").name);
  assertEquals(new Set(names).size, 10);
  assertMatch(names[0]!, /^amq\.gen-[\w-]{22}$/);
  assertEquals(
    refused(() => vhost.addQueue("", { durable: true, arguments: { "x-queue-type": "quorum" } })),
    "PRECONDITION_FAILED - Cannot declare a server-named queue for type rabbit_quorum_queue",
  );
});

Deno.test("VirtualHost.declareQueue() changes nothing when it refuses or finds the queue", () => {
  const vhost = new TestVirtualHost();
  const queue = vhost.addQueue("q");
  assertStrictEquals(vhost.addQueue("q"), queue);
  assertStrictEquals(vhost.addQueue("q\n"), queue, "line breaks do not count");
  for (const options of [{ durable: true }, { autoDelete: true }, { exclusive: true }]) {
    refused(() => vhost.addQueue("q", options));
  }
  refused(() => vhost.addQueue("new", { arguments: { "x-expires": 0 } }));
  refused(() => vhost.addQueue("amq.new"));
  assertEquals([...vhost.queues.values()], [queue]);
});

Deno.test("VirtualHost delivers replies straight to who receives them", () => {
  const vhost = new TestVirtualHost();
  const replies: string[] = [];
  const name = vhost.publishing.addReplyReceiver({
    deliverReply: (message) => replies.push(bodyOf(message)),
  });
  assertMatch(name, /^amq\.rabbitmq\.reply-to\.[\w-]{22}\.[\w-]{22}==$/);
  // they go through no queue, so they count as not routed
  assertEquals(vhost.send("", name, "reply"), 0);
  assertEquals([
    vhost.publishing.isReplyName(name),
    vhost.publishing.isReplyName("amq.rabbitmq.reply-to"),
  ], [true, true]);
  vhost.publishing.removeReplyReceiver(name);
  assertEquals([vhost.send("", name, "late"), vhost.publishing.isReplyName(name)], [0, false]);
  assertEquals(replies, ["reply"]);
});

Deno.test("VirtualHost keeps an exclusive consumer alone", () => {
  const vhost = new TestVirtualHost();
  const queue = vhost.addQueue("q");
  const consumer = new TestConsumer();
  vhost.checkConsume(queue, { exclusive: true });
  queue.addConsumer(consumer, { exclusive: true });
  const text = "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use";
  assertEquals(refused(() => vhost.checkConsume(queue, { exclusive: false })), text);
  queue.removeConsumer(consumer);
  queue.addConsumer(consumer, { exclusive: false });
  vhost.checkConsume(queue, { exclusive: false });
  assertEquals(refused(() => vhost.checkConsume(queue, { exclusive: true })), text);
});
