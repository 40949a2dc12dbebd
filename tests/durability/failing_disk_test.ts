import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { encodeTable } from "../../broker/amqp/field_table.ts";
import type { InternalOptions } from "../../broker/options.ts";
import { DiskFileSystem } from "../../broker/store/file_system.ts";
import { Store } from "../../broker/store/store.ts";
import { AmqpError, Broker, type Channel, PublishNackedError } from "../../mod.ts";
import { settle } from "../connection/support.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { freshTurn } from "../support/standing_time.ts";

const PERSISTENT = { deliveryMode: 2 } as const;
const TO_Q = { routingKey: "q", properties: PERSISTENT } as const;
/** The longest that a failing store waits before it tries again. */
const RETRY_MS = 6000;

function start(disk: SimulatedDisk, clock: ManualClock): Broker {
  // kept apart, since only this project knows of these options
  const options: InternalOptions = disk.options({ clock });
  return new Broker(options);
}

async function drain(channel: Channel): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const delivery = await channel.basicGet("q", { noAck: true });
    if (delivery === undefined) return bodies;
    bodies.push(delivery.text());
  }
}

Deno.test("a program with the broker in it is blocked and unblocked as others are", async () => {
  const [disk, clock] = [new SimulatedDisk(), new ManualClock()];
  await using broker = start(disk, clock);
  await using connection = await broker.connect();
  const told: string[] = [];
  connection.onBlocked = (reason) => void told.push(reason);
  connection.onUnblocked = () => void told.push("unblocked");
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", { durable: true });
  using _time = await freshTurn(); // nobody else has to have a turn just now
  assertEquals(channel.basicPublish(TO_Q, "before"), undefined);

  disk.breaks();
  channel.basicPublish(TO_Q, "remembered");
  const asking = await (await broker.connect()).openChannel();
  await assertRejects(() => asking.queueDeclare("r", { durable: true }), AmqpError, "written");
  let waiting = true;
  const published = Promise.resolve(channel.basicPublish(TO_Q, "held")).then(() => waiting = false);
  await settle();
  assertEquals(connection.blocked, "low on disk (it cannot be written)");
  assert(waiting);

  disk.works();
  clock.advance(RETRY_MS);
  await published;
  assertEquals(connection.blocked, undefined);
  await settle();
  assertEquals(told, ["low on disk (it cannot be written)", "unblocked"]);
  assertEquals(await drain(channel), ["before", "remembered", "held"]);
});

Deno.test("what a sync that failed was for is written anew before anything is confirmed", async () => {
  const [disk, clock] = [new SimulatedDisk(), new ManualClock()];
  {
    await using broker = start(disk, clock);
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q", { durable: true });
    await channel.confirmSelect();
    await channel.basicPublish(TO_Q, "confirmed 1");
    disk.holdSyncs();
    const lost = Promise.resolve(channel.basicPublish(TO_Q, "not confirmed"));
    await settle();
    disk.breaks(); // its bytes are written; the sync fails, and the system forgets them
    disk.letSyncsGo();
    await assertRejects(() => lost, PublishNackedError);
    disk.works();
    clock.advance(RETRY_MS);
    await channel.basicPublish(TO_Q, "confirmed 2");
    // power is lost: whatever was not synced may be gone
    disk.files.losePower();
  }
  await using broker = start(disk, clock);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  const left = await drain(channel);
  assertEquals(left.filter((body) => body.startsWith("confirmed")), ["confirmed 1", "confirmed 2"]);
});

Deno.test("a transaction that the disk fails within is refused, and its acks are taken back", async () => {
  const [disk, clock] = [new SimulatedDisk(), new ManualClock()];
  await using broker = start(disk, clock);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q", { durable: true });
  await channel.basicPublish({ routingKey: "q" }, "acked");
  await channel.txSelect();
  (await channel.basicGet("q"))?.ack();
  // so much is written before the turn is over
  for (let count = 0; count < 5; count++) channel.basicPublish(TO_Q, new Uint8Array(900_000));
  disk.breaks();
  await assertRejects(() => channel.txCommit(), AmqpError, "partial tx completion");
  const other = await connection.openChannel();
  const first = await other.basicGet("q", { noAck: true });
  assertEquals([first?.text(), first?.redelivered], ["acked", true]);
  disk.works();
  clock.advance(RETRY_MS);
});

Deno.test("a broker closes while its disk fails, and while it hangs for a while", async () => {
  for (const hangs of [false, true]) {
    const [disk, clock] = [new SimulatedDisk(), new ManualClock()];
    const broker = start(disk, clock);
    const connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q", { durable: true });
    if (hangs) disk.holdSyncs();
    else disk.breaks();
    channel.basicPublish(TO_Q, "x");
    await settle();
    clock.advance(1000); // what nobody waits for is written after a while
    channel.basicPublish(TO_Q, "y");
    await settle();
    assertEquals(connection.blocked !== undefined, !hangs);
    const closed = broker.close();
    await settle();
    disk.letSyncsGo();
    await closed;
    assertEquals([disk.inUse, clock.timers], [false, 0]);
  }
});

Deno.test("a directory whose definitions cannot be read is given free again", async () => {
  const path = await Deno.makeTempDir({ prefix: "warren-" });
  try {
    const store = new Store({ files: new DiskFileSystem(path) });
    const writer = new ByteWriter(64);
    encodeTable(writer, { form: 99 });
    const key = JSON.stringify(["queue", "/", "q"]);
    store.define(key, writer.written().slice());
    await store.close();
    for (let count = 0; count < 2; count++) {
      const error = assertThrows(() => new Broker({ dataDir: path }), Error);
      assertEquals(error.message.includes("newer than"), true, error.message);
      await free(path);
    }
    const mended = new Store({ files: new DiskFileSystem(path) });
    mended.undefine(key);
    await mended.close();
    await using _broker = new Broker({ dataDir: path });
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});

/** Waits until nobody has the lock of a directory. */
async function free(path: string): Promise<void> {
  using file = await Deno.open(`${path}/warren.lock`, { read: true, write: true });
  for (let attempt = 0; !await file.tryLock(true); attempt++) {
    if (attempt === 100) throw new Error("the directory is not given free");
    await settle();
  }
  await file.unlock();
}

Deno.test("what memory has no room for blocks who publishes when the disk takes it no longer", async () => {
  const [disk, clock] = [new SimulatedDisk(), new ManualClock()];
  const options: InternalOptions = { ...disk.options({ clock }), messageMemory: 0 };
  await using broker = new Broker(options);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  const body = new Uint8Array(60_000);
  for (let count = 0; count < 40; count++) await channel.basicPublish({ routingKey: "q" }, body);
  disk.breaks();
  let published = 0;
  const publishing = (async () => {
    for (let count = 0; count < 100; count++) {
      await channel.basicPublish({ routingKey: "q" }, body);
      published++;
      await settle();
    }
  })();
  while (connection.blocked === undefined && published < 100) await settle();
  assertEquals(connection.blocked, "low on disk (it cannot be written)");
  assert(published < 40, "what fills a page and little more");
  disk.works();
  clock.advance(RETRY_MS);
  await publishing;
  const { messageCount } = await channel.queueDeclare("q", { passive: true });
  assertEquals(messageCount, 140);
});
