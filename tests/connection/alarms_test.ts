import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  basicAck,
  basicConsume,
  basicGet,
  basicPublish,
  channelOpen,
  confirmSelect,
  connectionClose,
  queueDeclare,
  queueDelete,
  queuePurge,
  txCommit,
  txSelect,
} from "../../broker/amqp/methods/mod.ts";
import type { RawPeer } from "../support/raw_peer.ts";
import { SimulatedDisk } from "../support/simulated_disk.ts";
import { standingTime } from "../support/standing_time.ts";
import { CAPABILITIES, ServedBroker, settle } from "./support.ts";

/** The longest that a failing store waits before it tries again, and a full one too. */
const RETRY_MS = 6000;
const TELL_ME = { capabilities: { ...CAPABILITIES, "connection.blocked": true } };
const PERSISTENT = { deliveryMode: 2 };

async function publish(peer: RawPeer, body: string, channel = 1): Promise<void> {
  await peer.send(channel, basicPublish({ routingKey: "q" }), { properties: PERSISTENT, body });
}

/** A broker on a simulated disk with the durable queue `q`. */
async function start(disk: SimulatedDisk): Promise<ServedBroker> {
  const served = await ServedBroker.start(disk.options());
  const peer = await served.login();
  await peer.send(1, queueDeclare({ queue: "q", durable: true }));
  await peer.expect(1, "queue.declare-ok");
  return served;
}

/** The disk fails, and the broker has noticed. */
async function breakDisk(served: ServedBroker, disk: SimulatedDisk): Promise<void> {
  const peer = await served.login();
  await peer.send(1, confirmSelect());
  await peer.expect(1, "confirm.select-ok");
  disk.breaks();
  await publish(peer, "first");
  assertEquals((await peer.expect(1, "basic.nack")).deliveryTag, 1);
}

async function mendDisk(served: ServedBroker, disk: SimulatedDisk): Promise<void> {
  disk.works();
  served.clock.advance(RETRY_MS);
  await settle();
}

async function get(peer: RawPeer): Promise<string> {
  await peer.send(1, basicGet({ queue: "q", noAck: true }));
  return (await peer.expectContent(1, "basic.get-ok")).text;
}

Deno.test("A publisher is blocked by its first publish after the disk failed, and goes on when it works", async () => {
  using _still = standingTime();
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const publisher = await served.login(TELL_ME);
  const consumer = await served.login(TELL_ME);
  await publisher.send(1, confirmSelect());
  await publisher.expect(1, "confirm.select-ok");
  await breakDisk(served, disk);

  await publish(publisher, "held 1");
  const { reason } = await publisher.expect(0, "connection.blocked");
  assertEquals(reason, "low on disk (it cannot be written)");
  const states = [...served.broker.connections()].map(({ state }) => state);
  assertEquals(states, ["running", "blocked", "running", "running"]);
  await publish(publisher, "held 2");
  assertEquals(await get(consumer), "first", "what was nacked may come all the same");
  await consumer.send(1, basicGet({ queue: "q" }));
  await consumer.expect(1, "basic.get-empty");

  await mendDisk(served, disk);
  await publisher.expect(0, "connection.unblocked");
  const { deliveryTag, multiple } = await publisher.expect(1, "basic.ack");
  assertEquals([deliveryTag, multiple], [2, true]);
  assertEquals([await get(consumer), await get(consumer)], ["held 1", "held 2"]);
  const lines = served.logger.lines.map((line) => line.replace(/connection [\d.:]+ -> .*?: /, ""));
  assert(lines.some((line) => line.startsWith("error: store: failed")), lines.join("\n"));
  assert(lines.includes("info: blocked: low on disk (it cannot be written)"), lines.join("\n"));
  assert(lines.includes("info: store: open") && lines.includes("info: unblocked"));
});

Deno.test("A client that does not understand being blocked is not told; without confirms nothing is lost", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const publisher = await served.login();
  await breakDisk(served, disk);
  for (const body of ["a", "b", "c"]) await publish(publisher, body);
  await publisher.send(0, probe());
  await mendDisk(served, disk);
  const consumer = await served.login();
  assertEquals([await get(consumer), await get(consumer)], ["first", "a"]);
  assertEquals([await get(consumer), await get(consumer)], ["b", "c"]);
  await publisher.expect(0, "connection.update-secret-ok");
});

/** Answered at once, whatever is held. */
function probe() {
  return { name: "connection.update-secret", newSecret: new Uint8Array(), reason: "" } as const;
}

Deno.test("A full disk blocks those who publish what needs no disk too", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const publisher = await served.login(TELL_ME);
  const consumer = await served.login(TELL_ME);
  disk.breaks({ capacity: disk.files.used + 100_000 });
  const filler = await served.login(TELL_ME);
  await filler.send(1, confirmSelect());
  await filler.expect(1, "confirm.select-ok");
  let confirmed = 0;
  for (;;) {
    await publish(filler, "x".repeat(5000));
    const next = await filler.next();
    if (next?.method.name === "connection.blocked") {
      assertEquals(next.method.reason, "low on disk");
      break;
    }
    if (next?.method.name === "basic.ack") confirmed++;
  }
  assert(confirmed > 3);
  await publisher.send(1, basicPublish({ routingKey: "q" }), { body: "transient" });
  await publisher.expect(0, "connection.blocked");

  // room is made by those who consume
  await consumer.send(1, queuePurge({ queue: "q" }));
  assert((await consumer.expect(1, "queue.purge-ok")).messageCount >= confirmed);
  await mendDisk(served, disk);
  await publisher.expect(0, "connection.unblocked");
  await filler.expect(0, "connection.unblocked");
  await filler.expect(1, "basic.ack");
  await settle();
  await consumer.send(1, queuePurge({ queue: "q" }));
  assertEquals((await consumer.expect(1, "queue.purge-ok")).messageCount, 2);
});

Deno.test("Acks of a connection that publishes wait, those of others do not", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const both = await served.login(TELL_ME);
  const other = await served.login(TELL_ME);
  await breakDisk(served, disk);
  await both.send(1, basicConsume({ queue: "q" }));
  await both.expect(1, "basic.consume-ok");
  const { deliveryTag } = await both.expectContent(1, "basic.deliver");
  await publish(both, "held");
  await both.expect(0, "connection.blocked");
  await both.send(1, basicAck({ deliveryTag }));
  await both.send(1, queueDeclare({ queue: "q", passive: true }));

  await other.send(1, queueDeclare({ queue: "transient" }));
  await other.expect(1, "queue.declare-ok");
  await other.send(1, queueDeclare({ queue: "durable", durable: true }));
  const { replyCode, replyText } = await other.expect(1, "channel.close");
  assertEquals(replyCode, 406);
  assertStringIncludes(replyText, "the store could not be written");

  await mendDisk(served, disk);
  await both.expect(0, "connection.unblocked");
  assertEquals((await both.expectContent(1, "basic.deliver")).text, "held");
  assertEquals((await both.expect(1, "queue.declare-ok")).messageCount, 0);
});

Deno.test("A blocked client is not read for ever, beats or not, and is not taken for dead", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const publisher = await served.login({ ...TELL_ME, tuning: { heartbeat: 10 } });
  const quiet = await served.login({ ...TELL_ME, tuning: { heartbeat: 10 } });
  await breakDisk(served, disk);
  await publish(publisher, "held");
  await publish(quiet, "held");
  await publisher.expect(0, "connection.blocked");
  await quiet.expect(0, "connection.blocked");
  let sent = 0;
  const flood = (async () => {
    for (; sent < 200; sent++) await publish(publisher, "x".repeat(10_000));
  })();
  await settle();
  assert(sent < 100, `${sent} messages were read`);
  for (let second = 0; second < 60; second++) served.clock.advance(1000);
  await settle();
  assert(publisher.heartbeats === 0);
  await publisher.expectHeartbeat();
  await quiet.expectEnd();

  disk.works();
  served.clock.advance(RETRY_MS);
  await publisher.expect(0, "connection.unblocked");
  await flood;
  // when this is answered all of it was read
  await publisher.send(1, queueDeclare({ queue: "q", passive: true }));
  await publisher.expect(1, "queue.declare-ok");
  const consumer = await served.login();
  await consumer.send(1, queueDeclare({ queue: "q", passive: true }));
  assertEquals((await consumer.expect(1, "queue.declare-ok")).messageCount, 202);
});

Deno.test("A commit waits for the disk, and is carried out as it was asked", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const publisher = await served.login(TELL_ME);
  await publisher.send(1, txSelect());
  await publisher.expect(1, "tx.select-ok");
  await publish(publisher, "in a transaction");
  await settle();
  await breakDisk(served, disk);
  await publisher.send(1, txCommit());
  await publisher.expect(0, "connection.blocked");
  const consumer = await served.login();
  assertEquals(await get(consumer), "first");
  await mendDisk(served, disk);
  await publisher.expect(0, "connection.unblocked");
  await publisher.expect(1, "tx.commit-ok");
  assertEquals(await get(consumer), "in a transaction");
});

Deno.test("A blocked publisher with confirms closes at once: it knows what was confirmed", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const publisher = await served.login(TELL_ME);
  await publisher.send(1, confirmSelect());
  await publisher.expect(1, "confirm.select-ok");
  await breakDisk(served, disk);
  await publish(publisher, "held");
  await publisher.expect(0, "connection.blocked");
  await publisher.send(0, connectionClose());
  await publisher.expect(0, "connection.close-ok");
});

Deno.test("A blocked publisher without confirms is closed when its messages are in, or after five seconds", async () => {
  for (const inTime of [true, false]) {
    const disk = new SimulatedDisk();
    await using served = await start(disk);
    const publisher = await served.login(TELL_ME);
    await breakDisk(served, disk);
    await publish(publisher, "held");
    await publisher.send(0, connectionClose());
    await publisher.expect(0, "connection.blocked");
    await settle();
    if (inTime) {
      disk.works();
      served.clock.advance(1000);
      await publisher.expect(0, "connection.unblocked");
    } else served.clock.advance(5000);
    await publisher.expect(0, "connection.close-ok");
    if (!inTime) {
      assertStringIncludes(
        served.logger.of("warning").join(),
        "1 messages that waited to be published are dropped",
      );
    }
    await mendDisk(served, disk);
    const consumer = await served.login();
    await consumer.send(1, queueDeclare({ queue: "q", passive: true }));
    const { messageCount } = await consumer.expect(1, "queue.declare-ok");
    assertEquals(messageCount, inTime ? 2 : 1);
  }
});

Deno.test("A blocked client that goes is gone, and so is a broker with one that closes", async () => {
  const disk = new SimulatedDisk();
  const served = await start(disk);
  const [going, staying] = [await served.login(TELL_ME), await served.login(TELL_ME)];
  await breakDisk(served, disk);
  for (const peer of [going, staying]) {
    await publish(peer, "held");
    await peer.expect(0, "connection.blocked");
  }
  going.close();
  await settle();
  assertStringIncludes(served.logger.of("warning").join(), "without connection.close");
  const closed = served.broker.close();
  assertEquals((await staying.expect(0, "connection.close")).replyCode, 320);
  await staying.send(0, { name: "connection.close-ok" });
  await staying.expectEnd();
  await served[Symbol.asyncDispose]();
  await closed;
  assertEquals(disk.inUse, false);
});

Deno.test("Closing the connection waits for what its channels wait for, purges and deletes included", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const asker = await served.login(TELL_ME);
  for (let number = 2; number <= 4; number++) {
    await asker.send(number, channelOpen());
    await asker.expect(number, "channel.open-ok");
  }
  await publish(asker, "kept");
  await asker.send(1, queueDeclare({ queue: "other", durable: true }));
  await asker.expect(1, "queue.declare-ok");
  disk.holdSyncs();
  await asker.send(1, queueDeclare({ queue: "new", durable: true }));
  await asker.send(2, queuePurge({ queue: "q" }));
  await asker.send(3, queueDelete({ queue: "other" }));
  await asker.send(4, queueDeclare({ queue: "transient" }));
  await asker.expect(4, "queue.declare-ok");
  await asker.send(0, connectionClose());
  await settle();
  disk.letSyncsGo();
  const replies: (string | undefined)[] = [];
  for (let count = 0; count < 4; count++) replies.push((await asker.next())?.method.name);
  assertEquals(replies.slice(0, 3).sort(), [
    "queue.declare-ok",
    "queue.delete-ok",
    "queue.purge-ok",
  ]);
  assertEquals(replies[3], "connection.close-ok");
});

Deno.test("A purge that removed nothing durable is answered at once", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const peer = await served.login();
  disk.holdSyncs();
  await peer.send(1, queuePurge({ queue: "q" }));
  await peer.expect(1, "queue.purge-ok");
  disk.letSyncsGo();
});

Deno.test("Closing the connection waits no longer than five seconds for a disk that hangs", async () => {
  const disk = new SimulatedDisk();
  await using served = await start(disk);
  const asker = await served.login();
  disk.holdSyncs();
  await asker.send(1, queueDeclare({ queue: "new", durable: true }));
  await asker.send(0, connectionClose());
  await settle();
  served.clock.advance(5000);
  await asker.expect(0, "connection.close-ok");
  disk.letSyncsGo();
});
