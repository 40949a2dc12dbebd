import { assertEquals, assertRejects } from "@std/assert";
import { Broker, type Channel, type FieldTable, PublishNackedError } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { turns } from "../support/turns.ts";

/** A broker and a channel to it. */
async function withChannel(action: (channel: Channel) => Promise<void>): Promise<void> {
  await using broker = new Broker();
  await using connection = await broker.connect();
  await action(await connection.openChannel());
}

async function publish(channel: Channel, exchange: string, ids: readonly FieldTable[]) {
  for (const [index, headers] of ids.entries()) {
    await channel.basicPublish({ exchange, routingKey: "q", properties: { headers } }, `${index}`);
  }
}

async function drain(channel: Channel, queue = "q"): Promise<string> {
  let bodies = "";
  for (;;) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) return bodies;
    bodies += delivery.text();
  }
}

const id = (value: string | number | bigint, more: FieldTable = {}): FieldTable => ({
  "x-deduplication-header": value,
  ...more,
});

Deno.test("a queue takes no second message with a header while the first is in it", async () => {
  await withChannel(async (channel) => {
    await channel.queueDeclare("q", { arguments: { "x-message-deduplication": true } });
    await publish(channel, "", [id("a"), id("a"), id("b"), {}, {}, id(1), id("1"), id(1n)]);
    assertEquals(await drain(channel), "023456");
    await publish(channel, "", [id("a")]);
    const delivery = await channel.basicGet("q");
    await publish(channel, "", [id("a")]);
    assertEquals(await drain(channel), "", "it is unacked, and so it is still there");
    delivery!.ack();
    await publish(channel, "", [id("a")]);
    assertEquals(await drain(channel), "0");
    await publish(channel, "", [id("a")]);
    await channel.queuePurge("q");
    await publish(channel, "", [id("a"), id("a")]);
    assertEquals(await drain(channel), "0");
  });
});

Deno.test("a duplicate for a queue is confirmed, and others get it", async () => {
  await withChannel(async (channel) => {
    await channel.queueDeclare("q", { arguments: { "x-message-deduplication": true } });
    await channel.queueDeclare("all");
    for (const queue of ["q", "all"]) await channel.queueBind({ queue, exchange: "amq.fanout" });
    await channel.confirmSelect();
    await publish(channel, "amq.fanout", [id("a"), id("a")]);
    assertEquals([await drain(channel), await drain(channel, "all")], ["0", "01"]);
  });
});

Deno.test("a queue with a cache remembers so many values, by the header that it names", async () => {
  await withChannel(async (channel) => {
    await channel.queueDeclare("q", {
      arguments: {
        "x-message-deduplication": true,
        "x-cache-size": 2,
        "x-deduplication-header": "id",
      },
    });
    await publish(channel, "", [{ id: 1 }, { id: 2 }, { id: 1 }, id("x"), id("x")]);
    assertEquals(await drain(channel), "0134");
    await publish(channel, "", [{ id: 1 }, { id: 3 }, { id: 1 }]);
    assertEquals(await drain(channel), "12", "the third value has pushed the first one out");
  });
});

Deno.test("an exchange passes each message on but once", async () => {
  await withChannel(async (channel) => {
    await channel.queueDeclare("q");
    await channel.exchangeDeclare("x", "direct", {
      arguments: { "x-message-deduplication": true },
    });
    await channel.exchangeDeclare("plugin", "x-message-deduplication");
    await channel.queueBind({ queue: "q", exchange: "x", routingKey: "q" });
    await channel.queueBind({ queue: "q", exchange: "plugin" });
    await publish(channel, "x", [id("a"), id("a"), id("b")]);
    assertEquals(await drain(channel), "02");
    await publish(channel, "x", [id("a")]);
    assertEquals(await drain(channel), "", "whether it was consumed or not");
    await publish(channel, "plugin", [id("a"), id("a")]);
    assertEquals(await drain(channel), "0", "each exchange remembers for itself");
  });
});

Deno.test("a value is forgotten after the time of the arguments, or of a header", async () => {
  let now = 1000;
  const clock = {
    now: () => now,
    elapsed: () => now,
    after: () => () => {},
    every: () => () => {},
  };
  await using broker = new Broker({ clock });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", {
    arguments: { "x-message-deduplication": true, "x-cache-ttl": 100 },
  });
  await publish(channel, "", [id("a"), id("b", { "x-cache-ttl": 500 })]);
  now += 99;
  await publish(channel, "", [id("a"), id("b")]);
  now += 1;
  await publish(channel, "", [id("a"), id("b")]);
  assertEquals(await drain(channel), "010");
});

Deno.test("a header may be named as something that each object has", async () => {
  await withChannel(async (channel) => {
    const names = ["constructor", "toString", "hasOwnProperty", "__proto__"];
    for (const name of names) {
      await channel.queueDeclare(name, {
        arguments: { "x-message-deduplication": true, "x-deduplication-header": name },
      });
      for (const body of "ab") await channel.basicPublish({ routingKey: name }, body);
      assertEquals(await drain(channel, name), "ab");
    }
  });
});

/** Declares an exchange `x` that passes on each message but once, to a queue for one message. */
async function declareFull(channel: Channel): Promise<void> {
  await channel.exchangeDeclare("x", "x-message-deduplication");
  await channel.queueDeclare("q", {
    arguments: { "x-max-length": 1, "x-overflow": "reject-publish" },
  });
  await channel.queueBind({ queue: "q", exchange: "x" });
}

Deno.test("what was nacked is no duplicate when it comes again", async () => {
  await withChannel(async (channel) => {
    await declareFull(channel);
    await channel.confirmSelect();
    await publish(channel, "x", [id("a")]);
    await assertRejects(() => publish(channel, "x", [id("b")]), PublishNackedError);
    assertEquals(await drain(channel), "0");
    await publish(channel, "x", [id("b")]);
    assertEquals(await drain(channel), "0");
    await publish(channel, "x", [id("b")]);
    assertEquals(await drain(channel), "");
  });
});

Deno.test("what a transaction gives up is no duplicate when it comes again", async () => {
  await withChannel(async (channel) => {
    await declareFull(channel);
    await channel.txSelect();
    await publish(channel, "x", [id("a"), id("a")]);
    await channel.txRollback();
    await publish(channel, "x", [id("a")]);
    await channel.txCommit();
    assertEquals(await drain(channel), "0");
    await publish(channel, "x", [id("a")]);
    await channel.txRollback();
    await publish(channel, "x", [id("a")]);
    await channel.txCommit();
    assertEquals(await drain(channel), "", "what was committed is remembered");
  });
});

Deno.test("a dead message that could not go on is no duplicate when it is tried again", async () => {
  const clock = new ManualClock();
  await using broker = new Broker({ clock });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await declareFull(channel);
  await channel.queueDeclare("dying", {
    durable: true,
    arguments: {
      "x-queue-type": "quorum",
      "x-overflow": "reject-publish",
      "x-dead-letter-exchange": "x",
      "x-dead-letter-strategy": "at-least-once",
    },
  });
  await publish(channel, "x", [id("a")]);
  await channel.basicPublish({ routingKey: "dying", properties: { headers: id("b") } }, "b");
  (await channel.basicGet("dying"))!.reject({ requeue: false });
  assertEquals(await drain(channel), "0");
  clock.advance(1000);
  assertEquals(await drain(channel), "b");
});

Deno.test("an exchange that delays may pass each message on but once", async () => {
  const clock = new ManualClock();
  await using broker = new Broker({ clock });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  await channel.exchangeDeclare("x", "x-delayed-message", {
    arguments: { "x-delayed-type": "x-message-deduplication" },
  });
  await channel.queueBind({ queue: "q", exchange: "x" });
  await publish(channel, "x", [id("a", { "x-delay": 10 }), id("a", { "x-delay": 10 }), id("a")]);
  clock.advance(10);
  assertEquals(await drain(channel), "0");
});

Deno.test("a message is no duplicate of itself when it comes back as a dead one, or is moved", async () => {
  await using broker = new Broker();
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", {
    arguments: {
      "x-message-deduplication": true,
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": "q",
    },
  });
  await publish(channel, "", [id("a")]);
  (await channel.basicGet("q"))!.reject({ requeue: false });
  await publish(channel, "", [id("a")]);
  const count = async () => (await channel.queueDeclare("q", { passive: true })).messageCount;
  assertEquals(await count(), 1);
  const move = (routingKey: string) =>
    broker.moveQueuedMessages({ queue: "q" }, "all", { exchange: "", routingKey });
  assertEquals([await move("q"), await move("nowhere")], [1, 0]);
  await publish(channel, "", [id("a")]);
  assertEquals(await drain(channel), "0");
});

Deno.test("a duplicate is not confirmed before the message that it is one of is safe", async () => {
  const disk = new SimulatedDisk();
  await using broker = new Broker(disk.options());
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const arguments_ = { "x-message-deduplication": true };
  await channel.exchangeDeclare("once", "fanout", { durable: true, arguments: arguments_ });
  await channel.queueDeclare("q", { durable: true });
  await channel.queueBind({ queue: "q", exchange: "once" });
  const send = (by: Channel) =>
    by.basicPublish({
      exchange: "once",
      properties: { deliveryMode: 2, headers: { "x-deduplication-header": "a" } },
    }, "a");
  await channel.confirmSelect();
  const again = await connection.openChannel();
  await again.confirmSelect();
  const transaction = await connection.openChannel();
  await transaction.txSelect();

  disk.holdSyncs();
  const answers: string[] = [];
  const first = send(channel)!.then(() => answers.push("first"));
  const second = send(again)!.then(() => answers.push("again"));
  send(transaction);
  const third = transaction.txCommit().then(() => answers.push("transaction"));
  await turns(20);
  const early = [...answers];
  disk.letSyncsGo();
  await Promise.all([first, second, third]);
  assertEquals(early, []);
  assertEquals(answers.sort(), ["again", "first", "transaction"]);
});

Deno.test("a message that leaves a queue takes no value with it that a later one has", async () => {
  const disk = new SimulatedDisk();
  const declared = { durable: true, arguments: { "x-message-deduplication": true } };
  const send = (channel: Channel, body: string) =>
    channel.basicPublish({
      routingKey: "q",
      properties: { deliveryMode: 2, headers: { "x-deduplication-header": "a" } },
    }, body);
  {
    await using broker = new Broker(disk.options());
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q", declared);
    await channel.confirmSelect();
    await send(channel, "restored");
  }
  await using broker = new Broker(disk.options());
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await send(channel, "1");
  (await channel.basicGet("q"))!.ack();
  await send(channel, "2");
  assertEquals(await drain(channel), "1", "the restored one left");

  await send(channel, "3");
  const unacked = await channel.basicGet("q");
  await channel.queuePurge("q");
  await send(channel, "4");
  unacked!.ack();
  await send(channel, "5");
  assertEquals(await drain(channel), "4", "the one that was unacked during a purge left");
});
