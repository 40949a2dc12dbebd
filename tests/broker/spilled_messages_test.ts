import { assertEquals } from "@std/assert";
import { Broker } from "../../mod.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { within } from "../support/within.ts";

Deno.test("a few messages that wait for long keep no files on disk that others needed", async () => {
  const disk = new SimulatedDisk();
  await using broker = new Broker(disk.options({ messageMemory: 1 }));
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
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
  await within(10_000, shrunk(files), () => `${files()} files are left`);
  const found: (string | undefined)[] = [];
  for (const _ of ids) {
    found.push((await channel.basicGet("stays", { noAck: true }))?.properties.messageId);
  }
  assertEquals(found, ids);
});

/** Waits until there is one file. */
async function shrunk(files: () => number): Promise<void> {
  while (files() > 1) await new Promise((resolve) => setTimeout(resolve, 10));
}
