import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { InternalOptions } from "../../broker/options.ts";
import { Broker, type Channel, DefinitionError } from "../../mod.ts";
import { settle } from "../connection/support.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";

const LATER = { exchange: "later" } as const;

class Setting implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly disk = new SimulatedDisk();
  readonly broker: Broker;
  channel!: Channel;

  constructor(durable: boolean) {
    const options: InternalOptions = durable
      ? this.disk.options({ clock: this.clock })
      : { clock: this.clock };
    this.broker = new Broker(options);
  }

  async open(): Promise<this> {
    const connection = await this.broker.connect();
    this.channel = await connection.openChannel();
    await this.channel.exchangeDeclare("later", "x-delayed-message", {
      durable: true,
      arguments: { "x-delayed-type": "fanout" },
    });
    await this.channel.queueDeclare("q", { durable: true });
    await this.channel.queueBind({ queue: "q", exchange: "later" });
    return this;
  }

  publish(body: string, delayMs: number, deliveryMode = 2): Promise<void> | undefined {
    const properties = { deliveryMode, headers: { "x-delay": delayMs }, messageId: body };
    return this.channel.basicPublish({ ...LATER, routingKey: `key.${body}`, properties }, body);
  }

  async drain(): Promise<string[]> {
    const bodies: string[] = [];
    for (;;) {
      const delivery = await this.channel.basicGet("q", { noAck: true });
      if (delivery === undefined) return bodies;
      bodies.push(delivery.text());
    }
  }

  ids(offset = 0, limit = 1000): number[] {
    return this.broker.delayedMessages(LATER, { offset, limit }).map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

function start(durable = true): Promise<Setting> {
  return new Setting(durable).open();
}

for (const [where, durable] of [["memory", false], ["a data directory", true]] as const) {
  Deno.test(`delayedMessages() lists what waits, first things first, in ${where}`, async () => {
    await using setting = await start(durable);
    await setting.channel.confirmSelect();
    for (const [body, delayMs, mode] of [["c", 300, 2], ["a", 100, 1], ["bb", 200, 2]] as const) {
      await setting.publish(body, delayMs, mode);
    }
    const { broker } = setting;
    const now = setting.clock.now();
    assertEquals(broker.delayedMessages(LATER, { offset: 1, limit: 1 }), [{
      id: 3,
      dueTime: new Date(now + 200),
      routingKey: "key.bb",
      properties: { deliveryMode: 2, headers: { "x-delay": 200 }, messageId: "bb" },
      size: 2,
    }]);
    assertEquals([setting.ids(), setting.ids(2), setting.ids(3), setting.ids(0, 0)], [
      [2, 3, 1],
      [1],
      [],
      [],
    ]);
    assertEquals(broker.delayedMessageCount(LATER), 3);
    setting.clock.advance(200);
    assertEquals([setting.ids(), broker.delayedMessageCount(LATER)], [[1], 1]);
    assertEquals(await setting.drain(), ["a", "bb"]);
  });

  Deno.test(`cancelDelayedMessages() forgets some or all in ${where}`, async () => {
    await using setting = await start(durable);
    await setting.channel.confirmSelect();
    for (let index = 0; index < 10; index++) await setting.publish(`${index}`, 100, index % 3);
    const { broker } = setting;
    assertEquals(await broker.cancelDelayedMessages(LATER, [2, 3, 99, 2]), 2);
    assertEquals(await broker.cancelDelayedMessages(LATER, [2]), 0);
    assertEquals(setting.ids(), [1, 4, 5, 6, 7, 8, 9, 10]);
    setting.clock.advance(100);
    assertEquals((await setting.drain()).join(""), "03456789");
    await setting.publish("last", 100);
    assertEquals(await broker.cancelDelayedMessages(LATER, "all"), 1);
    assertEquals(await broker.cancelDelayedMessages(LATER, "all"), 0);
    setting.clock.advance(1000);
    assertEquals(await setting.drain(), []);
  });

  Deno.test(`publishDelayedMessages() publishes before their time, in ${where}`, async () => {
    await using setting = await start(durable);
    await setting.channel.confirmSelect();
    for (let index = 0; index < 10; index++) {
      await setting.publish(`${index}`, 100 - index, index % 3);
    }
    const { broker } = setting;
    assertEquals(await broker.publishDelayedMessages(LATER, [1, 5, 99, 8]), 3);
    assertEquals((await setting.drain()).join(""), "740");
    assertEquals(await broker.publishDelayedMessages(LATER, "all"), 7);
    assertEquals([(await setting.drain()).join(""), setting.ids()], ["9865321", []]);
    setting.clock.advance(1000);
    assertEquals(await setting.drain(), []);
  });
}

Deno.test("publishDelayedMessages() publishes a great many, over several turns", async () => {
  await using setting = await start();
  await setting.channel.confirmSelect();
  const all = Array.from({ length: 2500 }, (_, index) => setting.publish(`${index}`, 100));
  await Promise.all(all);
  assertEquals(await setting.broker.publishDelayedMessages(LATER, setting.ids(0, 1500)), 1500);
  assertEquals(await setting.broker.publishDelayedMessages(LATER, "all"), 1000);
  assertEquals((await setting.drain()).length, 2500);
});

Deno.test("a message that waits for a disk that fails can still be called off", async () => {
  await using setting = await start();
  await setting.channel.confirmSelect();
  for (const body of ["a", "b", "c"]) await setting.publish(body, 100);
  setting.disk.breaks();
  const asking = await (await setting.broker.connect()).openChannel();
  await assertRejects(() => asking.queueDeclare("r", { durable: true }));
  setting.clock.advance(500);
  assertEquals(setting.ids(), [1, 2, 3]);
  await assertRejects(() => setting.broker.publishDelayedMessages(LATER, [1]));
  const cancelled = setting.broker.cancelDelayedMessages(LATER, [2]).catch(() => 0);
  assertEquals(setting.ids(), [1, 3]);
  setting.disk.works();
  for (let round = 0; round < 20; round++) {
    setting.clock.advance(1000);
    await settle();
  }
  await cancelled;
  assertEquals([await setting.drain(), setting.ids()], [["a", "c"], []]);
});

Deno.test("a confirm of a delayed message, and a commit, wait for the disk", async () => {
  await using setting = await start();
  const { disk, broker, channel } = setting;
  await channel.confirmSelect();
  disk.holdSyncs();
  const done: string[] = [];
  const note = (what: string, promise: Promise<unknown> | undefined) =>
    promise?.then(() => done.push(what));
  const confirmed = note("confirm", setting.publish("m", 1000));
  const transacted = await (await broker.connect()).openChannel();
  await transacted.txSelect();
  const properties = { deliveryMode: 2, headers: { "x-delay": 1000 } };
  await transacted.basicPublish({ ...LATER, properties }, "n");
  const committed = note("commit", transacted.txCommit());
  const cancelled = note("cancel", broker.cancelDelayedMessages(LATER, [1]));
  await settle();
  assertEquals(done, []);
  disk.letSyncsGo();
  await Promise.all([confirmed, committed, cancelled]);
  assertEquals(done.sort(), ["cancel", "commit", "confirm"]);
});

Deno.test("delayed messages are asked for by vhost, and exchanges that hold nothing have none", async () => {
  await using setting = await start(false);
  const { broker } = setting;
  await broker.addVhost("other");
  assertEquals(broker.delayedMessages({ exchange: "amq.direct" }), []);
  assertEquals(await broker.cancelDelayedMessages({ exchange: "" }, "all"), 0);
  await setting.publish("m", 100);
  await settle();
  assertEquals(broker.delayedMessages({ vhost: "/", ...LATER }).length, 1);
  const missing = "no exchange 'later' in vhost 'other'";
  const elsewhere = { vhost: "other", ...LATER };
  for (const ask of ["delayedMessages", "delayedMessageCount"] as const) {
    const error = assertThrows(() => broker[ask](elsewhere), DefinitionError, missing);
    assertEquals(error.code, "not-found");
    assertThrows(() => broker[ask]({ vhost: "none", ...LATER }), DefinitionError, "not exist");
  }
  for (const change of ["cancelDelayedMessages", "publishDelayedMessages"] as const) {
    await assertRejects(() => broker[change](elsewhere, "all"), DefinitionError, missing);
    await assertRejects(
      () => broker[change]({ vhost: "none", ...LATER }, []),
      DefinitionError,
      "not exist",
    );
  }
  for (const page of [{ offset: -1 }, { limit: 1.5 }, { limit: NaN }]) {
    assertThrows(() => broker.delayedMessages(LATER, page), RangeError, "Cannot list");
  }
});

Deno.test("a delayed message survives a broker that is closed, and goes on when it is due", async () => {
  const [disk, clock] = [new SimulatedDisk(), new ManualClock()];
  {
    await using broker = new Broker(disk.options({ clock }));
    const channel = await (await broker.connect()).openChannel();
    const arguments_ = { "x-delayed-type": "topic" };
    await channel.exchangeDeclare("later", "x-delayed-message", {
      durable: true,
      arguments: arguments_,
    });
    await channel.queueDeclare("q", { durable: true });
    await channel.queueBind({ queue: "q", exchange: "later", routingKey: "#" });
    await channel.confirmSelect();
    const properties = { deliveryMode: 2, headers: { "x-delay": 5000 } };
    await channel.basicPublish({ ...LATER, routingKey: "a.b", properties }, "m");
  }
  clock.advance(4000);
  await using broker = new Broker(disk.options({ clock }));
  const channel = await (await broker.connect()).openChannel();
  assertEquals(await channel.basicGet("q"), undefined);
  clock.advance(1000);
  const delivery = await channel.basicGet("q");
  assert(delivery !== undefined);
  assertEquals([delivery.text(), delivery.routingKey, delivery.properties], ["m", "a.b", {
    deliveryMode: 2,
    headers: { "x-delay": -5000 },
  }]);
});
