import { assert, assertEquals } from "@std/assert";
import { Broker, type Delivery, type QueueInfo } from "../../mod.ts";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import { ConsumerUse } from "../../broker/queue/consumer_use.ts";
import { RandomValues } from "../amqp/random_values.ts";
import { ManualClock } from "../support/manual_clock.ts";

function infoOf(broker: Broker, queue = "q"): QueueInfo {
  const [info] = broker.queues({ vhost: "/", queue });
  return info!;
}

function assertNear(actual: number, expected: number): void {
  assert(Math.abs(actual - expected) < 0.02, `${actual}, not ${expected}`);
}

const body = (size: number) => new Uint8Array(size);

Deno.test("what is unacked is counted in bytes, whatever becomes of it", async () => {
  await using broker = new Broker();
  const connection = await broker.connect();
  for (let seed = 1; seed <= 20; seed++) {
    const random = new RandomValues(seed);
    const queue = `q${seed}`;
    const channel = await connection.openChannel();
    await channel.queueDeclare(queue, {
      arguments: random.pick([{}, { "x-max-priority": 3 }, { "x-queue-type": "quorum" }]),
      durable: true,
    });
    const open = new Set<Delivery>();
    let waiting = 0;
    const expect = () => {
      const unacked = [...open].reduce((sum, { bodySize }) => sum + bodySize, 0);
      const told = infoOf(broker, queue);
      assertEquals(told.messageBytesUnacknowledged, unacked);
      assertEquals(told.messageBytesReady, waiting);
      assertEquals(told.messageBytesInMemory, unacked + waiting);
      assertEquals(told.messagesReadyInMemory, told.messagesReady);
    };
    for (let step = 0; step < 60; step++) {
      const [oldest] = open;
      const action = random.pick(["publish", "publish", "get", "get", "ack", "nack", "reject"]);
      if (action === "publish") {
        const size = random.pick([0, 1, 100, 70_000]);
        channel.basicPublish({ routingKey: queue }, body(size));
        waiting += size;
      } else if (action === "get") {
        const delivery = await channel.basicGet(queue);
        if (delivery !== undefined) {
          open.add(delivery);
          waiting -= delivery.bodySize;
        }
      } else if (oldest !== undefined) {
        open.delete(oldest);
        if (action === "ack") oldest.ack();
        else if (action === "reject") oldest.reject({ requeue: false });
        else {
          oldest.nack();
          waiting += oldest.bodySize;
        }
      }
      expect();
    }
    await channel.close();
    const told = infoOf(broker, queue);
    assertEquals(told.messageBytesUnacknowledged, 0, "a channel that closes gives all back");
    assertEquals(told.messagesUnacknowledged, 0);
  }
});

Deno.test("deliveries to consumers count as unacked bytes, those without acks do not", async () => {
  await using broker = new Broker();
  const connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("q");
  channel.basicPublish({ routingKey: "q" }, body(10)); // waits
  const got: Delivery[] = [];
  const consumer = await channel.basicConsume("q", {}, (delivery) => void got.push(delivery));
  channel.basicPublish({ routingKey: "q" }, body(20)); // straight on
  await channel.queueDeclare("q", { passive: true });
  assertEquals(infoOf(broker).messageBytesUnacknowledged, 30);
  got[1]!.ack({ multiple: true });
  await channel.queueDeclare("q", { passive: true });
  assertEquals(infoOf(broker).messageBytesUnacknowledged, 0);
  await consumer.cancel();
  await channel.basicConsume("q", { noAck: true }, () => {});
  channel.basicPublish({ routingKey: "q" }, body(40));
  assertEquals(infoOf(broker).messageBytesUnacknowledged, 0);
});

Deno.test("a durable queue tells what survives, and what is on disk alone", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    {
      // so little memory that all beyond the first messages goes to disk
      await using broker = new Broker({ dataDir, sync: "never", messageMemory: 0 });
      const connection = await broker.connect();
      const channel = await connection.openChannel();
      await channel.queueDeclare("q", { durable: true });
      await channel.queueDeclare("transient");
      const count = 20_000;
      for (let at = 0; at < count; at++) {
        const properties = { deliveryMode: at % 2 + 1 };
        channel.basicPublish({ routingKey: "q", properties }, body(100));
        channel.basicPublish({ routingKey: "transient", properties }, body(100));
      }
      await channel.queueDeclare("q", { passive: true });
      const told = infoOf(broker);
      assertEquals([told.messages, told.messagesPersistent], [count, count / 2]);
      assertEquals([told.messageBytesReady, told.messageBytesPersistent], [
        100 * count,
        50 * count,
      ]);
      assert(told.messagesReadyInMemory < count, "some are on disk alone");
      assertEquals(told.messageBytesInMemory, 100 * told.messagesReadyInMemory);
      const other = infoOf(broker, "transient");
      assertEquals([other.messagesPersistent, other.messageBytesPersistent], [0, 0]);
      assertEquals(other.messageBytesInMemory, 100 * other.messagesReadyInMemory);

      // half of them go out
      for (let at = 0; at < count / 2; at++) await channel.basicGet("q", { noAck: true });
      const half = infoOf(broker);
      assertEquals([half.messages, half.messagesPersistent], [count / 2, count / 4]);
      assertEquals(half.messageBytesInMemory, 100 * half.messagesReadyInMemory);
      assert(half.messagesReadyInMemory <= count / 2);
    }
    await using broker = new Broker({ dataDir });
    const told = infoOf(broker);
    assertEquals([told.messages, told.messagesPersistent], [5000, 5000]);
    assertEquals([told.messagesReadyInMemory, told.messageBytesInMemory], [0, 0]);
    assertEquals(told.messageBytesPersistent, 500_000);
    const channel = await (await broker.connect()).openChannel();
    const first = await channel.basicGet("q");
    const read = infoOf(broker);
    assertEquals(read.messagesPersistent, 5000, "one that is delivered still is");
    assertEquals(
      read.messageBytesInMemory,
      100 * read.messagesReadyInMemory + read.messageBytesUnacknowledged,
    );
    first!.ack();
    await channel.queuePurge("q");
    const empty = infoOf(broker);
    assertEquals(
      [empty.messagesPersistent, empty.messageBytesPersistent, empty.messageBytesInMemory],
      [0, 0, 0],
    );
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a queue's memory grows with what it holds", async () => {
  await using broker = new Broker();
  const channel = await (await broker.connect()).openChannel();
  await channel.queueDeclare("q");
  const empty = infoOf(broker).memory;
  for (let at = 0; at < 1000; at++) channel.basicPublish({ routingKey: "q" }, body(1000));
  const full = infoOf(broker).memory;
  assert(full - empty >= 1_000_000 && full - empty < 1_500_000, `${full - empty}`);
  await channel.queuePurge("q");
  assertEquals(infoOf(broker).memory, empty);
});

Deno.test("consumer capacity is the part of the time in which a consumer has room", async () => {
  const clock = new ManualClock();
  const use = new ConsumerUse(clock);
  // after several in a row the end of a turn waits for the event loop
  const turn = () => new Promise<void>((resolve) => atEndOfTurn(resolve));
  assertEquals(use.capacity, 1);
  for (let count = 0; count < 600; count++) {
    await turn();
    use.block();
    await turn();
    clock.advance(75);
    use.unblock();
    await turn();
    clock.advance(25);
  }
  await turn();
  assertNear(use.capacity, 0.25);
  use.block();
  await turn();
  clock.advance(60_000);
  await turn();
  assertNear(use.capacity, 0);
});

Deno.test("a queue with idle consumers has full capacity, one whose consumers ack nothing has none", async () => {
  const clock = new ManualClock();
  await using broker = new Broker({ clock });
  const channel = await (await broker.connect()).openChannel();
  await channel.queueDeclare("q");
  assertEquals(infoOf(broker).consumerCapacity, 0);
  await channel.basicQos({ prefetchCount: 1 });
  const got: Delivery[] = [];
  await channel.basicConsume("q", {}, (delivery) => void got.push(delivery));
  clock.advance(20_000);
  await channel.queueDeclare("q", { passive: true });
  assertEquals(infoOf(broker).consumerCapacity, 1);
  channel.basicPublish({ routingKey: "q" }, "one");
  channel.basicPublish({ routingKey: "q" }, "two");
  await channel.queueDeclare("q", { passive: true });
  clock.advance(60_000);
  await channel.queueDeclare("q", { passive: true });
  assertNear(infoOf(broker).consumerCapacity, 0);
  got[0]!.ack();
  await channel.queueDeclare("q", { passive: true });
  got[1]!.ack();
  await channel.queueDeclare("q", { passive: true });
  clock.advance(60_000);
  await channel.queueDeclare("q", { passive: true });
  assertNear(infoOf(broker).consumerCapacity, 1);
});

Deno.test("of the first message is told when it was made, as long as it is in memory", async () => {
  await using broker = new Broker();
  const connection = await broker.connect();
  const channel = await connection.openChannel();
  const told = (queue: string) => infoOf(broker, queue).headMessageTimestamp;
  for (
    const [queue, arguments_] of [["fifo", {}], ["by priority", { "x-max-priority": 3 }]] as const
  ) {
    await channel.queueDeclare(queue, { arguments: arguments_ });
    assertEquals(told(queue), null);
    const publish = (seconds: number | undefined, priority = 0) =>
      channel.basicPublish({
        routingKey: queue,
        properties: {
          priority,
          ...seconds === undefined ? {} : { timestamp: new Date(seconds * 1000) },
        },
      }, "m");
    publish(1_700_000_000);
    publish(undefined);
    publish(1_600_000_000, 3);
    const inOrder = queue === "fifo"
      ? [1_700_000_000, null, 1_600_000_000]
      : [1_600_000_000, 1_700_000_000, null];
    await channel.queueDeclare(queue, { passive: true });
    for (const seconds of inOrder) {
      assertEquals(told(queue), seconds);
      await channel.basicGet(queue, { noAck: true });
    }
    publish(5);
    const delivery = await channel.basicGet(queue);
    assertEquals(told(queue), null);
    delivery!.nack();
    await channel.queueDeclare(queue, { passive: true });
    assertEquals(told(queue), 5);
  }
});
