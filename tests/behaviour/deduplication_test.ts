import { assertEquals } from "@std/assert";
import { Broker, type Channel, type FieldTable } from "../../mod.ts";

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
  const clock = { now: () => now, after: () => () => {}, every: () => () => {} };
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
