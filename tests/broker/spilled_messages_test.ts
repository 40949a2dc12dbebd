import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { loopRound } from "../../broker/amqp/turn.ts";
import { READS_AT_ONCE } from "../../broker/reading_turns.ts";
import { Broker, type Channel } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { within } from "../support/within.ts";

const BODY = "x".repeat(3900);

/** A broker on a simulated disk that has no memory for what waits, and a channel with confirms. */
class ShortOfMemory implements AsyncDisposable {
  readonly disk = new SimulatedDisk();
  readonly clock = new ManualClock();
  readonly broker = new Broker(this.disk.options({ messageMemory: 1, clock: this.clock }));
  channel!: Channel;

  static async start(): Promise<ShortOfMemory> {
    const short = new ShortOfMemory();
    short.channel = await (await short.broker.connect()).openChannel();
    await short.channel.confirmSelect();
    return short;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.broker.close();
  }
}

Deno.test("a few messages that wait for long keep no files on disk that others needed", async () => {
  await using short = await ShortOfMemory.start();
  const { channel, clock, disk } = short;
  for (const queue of ["stays", "goes"]) await channel.queueDeclare(queue);
  const body = "x".repeat(4000);
  const ids = Array.from({ length: 80 }, (_, id) => `${id}`);
  for (const messageId of ids) {
    // a page is full of what goes, but for one
    for (let count = 0; count < 260; count++) channel.basicPublish({ routingKey: "goes" }, body);
    await channel.basicPublish({ routingKey: "stays", properties: { messageId } }, body);
  }
  const files = () => disk.files.list().filter((name) => name.endsWith(".spill")).length;
  assertEquals(files(), 2);
  await channel.queuePurge("goes");
  await within(120_000, shrunk(files, clock), () => `${files()} files are left`);
  const found: (string | undefined)[] = [];
  for (const _ of ids) {
    found.push((await channel.basicGet("stays", { noAck: true }))?.properties.messageId);
  }
  assertEquals(found, ids);
});

Deno.test("messages that are too old behind one of higher priority are read a few pages a turn", async () => {
  await using short = await ShortOfMemory.start();
  const { broker, channel, clock, disk } = short;
  await channel.queueDeclare("q", { arguments: { "x-max-priority": 5 } });
  await channel.queueDeclare("other");
  await channel.basicPublish({ routingKey: "q", properties: { priority: 5 } }, "stays");
  const properties = { priority: 1, expiration: "1000" };
  for (let page = 0; page < 60; page++) {
    channel.basicPublish({ routingKey: "q", properties }, BODY);
    for (let count = 0; count < 265; count++) {
      channel.basicPublish({ routingKey: "other" }, BODY);
    }
    await channel.waitForConfirms();
  }
  let most = 0;
  for (let rounds = 0; rounds < 5000 && messagesIn(broker, "q") > 1; rounds++) {
    const { read } = disk.files.counts;
    clock.advance(rounds === 0 ? 1001 : 1);
    most = Math.max(most, disk.files.counts.read - read);
    await loopRound();
  }
  assertEquals(messagesIn(broker, "q"), 1);
  assertLess(most, READS_AT_ONCE + 2);
});

Deno.test("what could not be read is too old, or too much, once it can be again", async () => {
  await using short = await ShortOfMemory.start();
  const { broker, channel, clock, disk } = short;
  await channel.queueDeclare("old", { arguments: { "x-message-ttl": 1000 } });
  await channel.queueDeclare("much");
  for (let count = 0; count < 2000; count++) {
    for (const routingKey of ["old", "much"]) channel.basicPublish({ routingKey }, BODY);
  }
  await channel.waitForConfirms();
  disk.breaks({ failReads: true });
  clock.advance(1001);
  await broker.setPolicy({ name: "p", pattern: "much", definition: { "max-length": 10 } });
  for (let rounds = 0; rounds < 100; rounds++) await loopRound();
  assertGreater(messagesIn(broker, "old"), 0);
  assertGreater(messagesIn(broker, "much"), 10);
  disk.works();
  for (let rounds = 0; rounds < 5000; rounds++) {
    if (messagesIn(broker, "old") === 0 && messagesIn(broker, "much") === 10) break;
    clock.advance(10);
    await loopRound();
  }
  assertEquals([messagesIn(broker, "old"), messagesIn(broker, "much")], [0, 10]);
});

Deno.test("messages are dropped by ids in any order with one read of each page", async () => {
  await using short = await ShortOfMemory.start();
  const { broker, channel, disk } = short;
  await channel.queueDeclare("q");
  for (let count = 0; count < 10_000; count++) channel.basicPublish({ routingKey: "q" }, BODY);
  await channel.waitForConfirms();
  const ids = broker.queuedMessages({ queue: "q" }, { limit: 1, bodyBytes: 0 }).map(({ id }) => id);
  const first = ids[0]!;
  // far apart from one to the next
  const mixed = Array.from({ length: 9973 }, (_, index) => first + index * 1000 % 9973);
  const before = disk.files.counts.read;
  assertEquals(await broker.deleteQueuedMessages({ queue: "q" }, mixed), 9973);
  assertLess(disk.files.counts.read - before, 80);
});

function messagesIn(broker: Broker, queue: string): number {
  return [...broker.queues()].find(({ name }) => name === queue)!.messages;
}

/** Lets time pass until there is one file. */
async function shrunk(files: () => number, clock: ManualClock): Promise<void> {
  while (files() > 1) {
    clock.advance(10);
    await loopRound();
  }
}
