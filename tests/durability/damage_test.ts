import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { noteLosses } from "../../broker/vhost/topology.ts";
import { checkStore, repairStore } from "../../broker/store/inspect.ts";
import { Broker, type Channel } from "../../mod.ts";
import { RecordingLogger } from "../support/recording_logger.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";

const SEGMENT_SIZE = 4096;
const MESSAGES = 60;

/** Runs something on a broker that is closed in an orderly way afterwards; tells what it warned of. */
async function run(
  disk: SimulatedDisk,
  action: (channel: Channel, broker: Broker) => Promise<void>,
): Promise<string[]> {
  const logger = new RecordingLogger();
  {
    await using broker = new Broker(disk.options({ segmentSize: SEGMENT_SIZE, logger }));
    await using connection = await broker.connect();
    await action(await connection.openChannel(), broker);
  }
  return logger.of("warning");
}

/** A directory whose queues are defined in the checkpoint of the second segment alone. */
async function damaged(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await run(disk, async (channel) => {
    await channel.queueDeclare("kept", { durable: true });
    await channel.queueDeclare("short", { durable: true, arguments: { "x-message-ttl": 1 } });
    await channel.queueDeclare("log", { durable: true, arguments: { "x-queue-type": "stream" } });
    await channel.confirmSelect();
    // what is in the first segment goes, so that it goes
    for (let index = 0; index < MESSAGES; index++) {
      await channel.basicPublish({ routingKey: "kept", properties: { deliveryMode: 2 } }, "gone");
      await channel.basicGet("kept", { noAck: true });
    }
    await channel.queueDeclare("barrier", { durable: true });
    await channel.queueDelete("barrier");
    for (let index = 0; index < 3; index++) {
      for (const routingKey of ["kept", "log"]) {
        await channel.basicPublish({ routingKey, properties: { deliveryMode: 2 } }, `m${index}`);
      }
    }
  });
  const [first] = disk.files.list().filter((name) => name.endsWith(".segment")).sort();
  assert(first !== "0000000001.segment", "the first segment is still there");
  // the first definition in the checkpoint
  const bytes = new TextDecoder("latin1").decode(disk.files.contents(first!));
  disk.files.damage(first!, bytes.indexOf("vhosts-begun"), new Uint8Array([0]));
  return disk;
}

async function drain(channel: Channel, queue: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) return bodies;
    bodies.push(delivery.text());
  }
}

for (const repaired of [false, true]) {
  const when = repaired ? "after a repair" : "when the store is damaged";
  Deno.test(`messages outlive the definition of their queue ${when}`, async () => {
    const disk = await damaged();
    if (repaired) {
      const pump = setInterval(() => disk.files.finishSync(), 0);
      await repairStore(disk.files, noteLosses);
      clearInterval(pump);
      assertEquals(checkStore(disk.files).report.damages, []);
    }
    const warnings = await run(disk, async (channel) => {
      // no new queue gets what an old one has
      await channel.queueDeclare("new", { durable: true });
      assertEquals(await drain(channel, "new"), []);
      assertEquals(await drain(channel, "recovered.1"), ["m0", "m1", "m2"]);
    });
    assertStringIncludes(
      warnings.join("\n"),
      "store: 3 messages, whose queue is lost with its definition, are in " +
        "queue 'recovered.1' in vhost '/' now",
    );
    const later = await run(disk, async (channel) => {
      assertEquals(await drain(channel, "recovered.1"), []);
      // of a stream, with times that are no deadlines
      assertEquals(await drain(channel, "recovered.3"), ["m0", "m1", "m2"]);
      assertEquals(await drain(channel, "new"), []);
    });
    assertEquals(later.filter((line) => line.includes("is lost")), []);
  });
}
