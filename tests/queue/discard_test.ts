import { assert, assertEquals } from "@std/assert";
import { Discard } from "../../broker/queue/discard.ts";
import { Retries } from "../../broker/queue/retries.ts";
import { Broker, type Channel } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { entryAt, memoryStorage } from "./support.ts";

const COUNT = 30_000;

Deno.test("Discard drops little at once and much in turns, in order", async () => {
  const discard = new Discard();
  const calls: string[] = [];
  const drop = (name: string, rounds: number) => (max: number) => {
    assert(max > 0);
    calls.push(name);
    return --rounds === 0;
  };
  discard.add(drop("little", 1));
  assertEquals([calls, discard.busy], [["little"], false]);
  discard.add(drop("much", 3));
  discard.add(drop("after it", 1));
  assertEquals(discard.busy, true);
  await new Promise<void>((resolve) => discard.whenDone(resolve));
  assertEquals(calls, ["little", "much", "much", "much", "after it"]);
  assertEquals(discard.busy, false);
  await new Promise<void>((resolve) => discard.whenDone(resolve));
});

for (const durable of [false, true]) {
  const kind = durable ? "stored" : "transient";
  Deno.test(`a purge of many ${kind} messages is one step for clients and many for the broker`, async () => {
    const dataDir = await Deno.makeTempDir({ prefix: "warren-purge-" });
    {
      await using broker = new Broker(durable ? { dataDir } : {});
      await using connection = await broker.connect();
      const channel = await connection.openChannel();
      const other = await connection.openChannel();
      await channel.queueDeclare("q", { durable });
      await fill(channel, COUNT);
      const answers: string[] = [];
      const purged = channel.queuePurge("q").then(({ messageCount }) => {
        answers.push("purged");
        return messageCount;
      });
      const asked = channel.queueDeclare("q", { passive: true }).then(() => answers.push("asked"));
      // what comes meanwhile stays
      await other.basicPublish({ routingKey: "q", properties: { deliveryMode: 2 } }, "new");
      assertEquals(await purged, COUNT);
      await asked;
      assertEquals(answers, ["purged", "asked"]);
      assertEquals((await other.queueDeclare("q", { passive: true })).messageCount, 1);
    }
    if (durable) {
      await using broker = new Broker({ dataDir });
      await using connection = await broker.connect();
      const channel = await connection.openChannel();
      assertEquals((await channel.basicGet("q"))?.text(), "new");
      assertEquals(await channel.basicGet("q"), undefined);
    }
    await Deno.remove(dataDir, { recursive: true });
  });
}

Deno.test("a queue with many messages that was deleted is not there after a restart, nor are they", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-delete-" });
  {
    await using broker = new Broker({ dataDir });
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("q", { durable: true });
    await fill(channel, COUNT);
    assertEquals((await channel.queueDelete("q")).messageCount, COUNT);
    // another one of its name has nothing of it
    await channel.queueDeclare("q", { durable: true });
    // and the broker may close before it has forgotten them all
  }
  await using broker = new Broker({ dataDir });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  assertEquals((await channel.queueDeclare("q", { passive: true })).messageCount, 0);
  await broker.close();
  await Deno.remove(dataDir, { recursive: true });
});

async function fill(
  channel: Channel,
  count: number,
): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    await channel.basicPublish({ routingKey: "q", properties: { deliveryMode: 2 } }, "x");
  }
  await channel.queueDeclare("q", { passive: true });
}

Deno.test("what waits for its retry is dropped a bounded number at a time, and none of what comes meanwhile", () => {
  const clock = new ManualClock();
  const due: number[] = [];
  const storage = memoryStorage();
  const heldEntry = (position: number) => {
    const entry = entryAt(position);
    entry.message.hold(storage.pages);
    return entry;
  };
  const retries = new Retries(
    storage,
    clock,
    (entries) => due.push(...entries.map(({ position }) => position)),
  );
  for (let position = 1; position <= 25; position++) {
    retries.add(heldEntry(position), 10);
  }
  const drop = retries.clear(() => {});
  assertEquals([retries.length, retries.bytes, [...retries.heldEntries()]], [0, 0, []]);
  retries.add(heldEntry(26), 10);
  assertEquals([drop(10), drop(10), drop(10)], [false, false, true]);
  clock.advance(10);
  assertEquals(due, [26]);
});
