import { assertEquals, assertRejects } from "@std/assert";
import { AmqpError, Broker, type BrokerOptions, type Channel } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

const STREAM = { durable: true, arguments: { "x-queue-type": "stream" } } as const;
const QUORUM = { durable: true, arguments: { "x-queue-type": "quorum" } } as const;

/** A data directory that brokers are started on one after another. */
class DataDirectory implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "warren-streams-" });

  async run<T>(
    action: (channel: Channel, broker: Broker) => Promise<T>,
    options: BrokerOptions = {},
  ): Promise<T> {
    await using broker = new Broker({ dataDir: this.path, ...options });
    await using connection = await broker.connect();
    return await action(await connection.openChannel(), broker);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Reads so many messages of a stream and tells their offsets and bodies, or sizes of large ones. */
async function read(
  broker: Broker,
  offset: string | number | Date,
  count: number,
): Promise<string[]> {
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.basicQos({ prefetchCount: 100 });
  const seen: string[] = [];
  const done = Promise.withResolvers<void>();
  const options = { arguments: { "x-stream-offset": offset } };
  await channel.basicConsume("stream", options, (delivery) => {
    const text = delivery.body.length > 2000 ? `${delivery.body.length}` : delivery.text();
    seen.push(`${delivery.properties.headers?.["x-stream-offset"]}: ${text}`);
    delivery.ack();
    if (seen.length === count) done.resolve();
  });
  await done.promise;
  return seen.slice(0, count);
}

Deno.test("a stream is there after a restart, whoever read and acked it", async () => {
  await using directory = new DataDirectory();
  const clock = new ManualClock();
  clock.advance(1_700_000_000_000);
  await directory.run(async (channel, broker) => {
    await channel.queueDeclare("stream", STREAM);
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: "stream" }, "transient");
    await channel.basicPublish({ routingKey: "stream", properties: { deliveryMode: 2 } }, "kept");
    clock.advance(10_000);
    await channel.basicPublish({ routingKey: "stream" }, new Uint8Array(3_000_000).fill(0x78));
    assertEquals((await read(broker, "first", 3)).length, 3);
  }, { clock });
  clock.advance(60_000);
  await directory.run(async (channel, broker) => {
    assertEquals(
      await channel.queueDeclare("stream", STREAM),
      { queue: "stream", messageCount: 3, consumerCount: 0 },
    );
    assertEquals(await read(broker, "first", 2), ["0: transient", "1: kept"]);
    assertEquals(await read(broker, 2, 1), ["2: 3000000"]);
    assertEquals(await read(broker, new Date(1_700_000_005_000), 1), ["2: 3000000"]);
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: "stream" }, "next");
    assertEquals(await read(broker, "last", 1), ["3: next"]);
  }, { clock });
  await directory.run(async (_, broker) => {
    assertEquals(await read(broker, 1, 3), ["1: kept", "2: 3000000", "3: next"]);
  }, { clock });
});

Deno.test("what a stream's retention dropped stays away after a restart", async () => {
  await using directory = new DataDirectory();
  const options = {
    durable: true,
    arguments: {
      "x-queue-type": "stream",
      "x-max-length-bytes": 20_000,
      "x-stream-max-segment-size-bytes": 5_000,
    },
  };
  const first = await directory.run(async (channel, broker) => {
    await channel.queueDeclare("stream", options);
    await channel.confirmSelect();
    const body = new Uint8Array(1000);
    for (let index = 0; index < 100; index++) channel.basicPublish({ routingKey: "stream" }, body);
    await channel.waitForConfirms();
    return (await read(broker, "first", 1))[0];
  });
  await directory.run(async (channel, broker) => {
    assertEquals((await read(broker, "first", 1))[0], first);
    const { messageCount } = await channel.queueDeclare("stream", { passive: true });
    assertEquals(100 - messageCount, parseInt(first!));
  });
});

Deno.test("a deleted stream is gone, and one of its name begins anew", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.queueDeclare("stream", STREAM);
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: "stream" }, "old");
    await channel.queueDelete("stream");
  });
  await directory.run(async (channel, broker) => {
    await assertRejects(
      () => channel.queueDeclare("stream", { passive: true }),
      AmqpError,
      "no queue",
    );
    await using connection = await broker.connect();
    const other = await connection.openChannel();
    await other.queueDeclare("stream", STREAM);
    await other.confirmSelect();
    await other.basicPublish({ routingKey: "stream" }, "new");
    assertEquals(await read(broker, "first", 1), ["0: new"]);
  });
});

Deno.test("a quorum queue keeps what is published as transient, too", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.queueDeclare("quorum", QUORUM);
    await channel.queueDeclare("classic", { durable: true });
    for (const queue of ["quorum", "classic"]) {
      await channel.queueBind({ queue, exchange: "amq.fanout" });
    }
    await channel.confirmSelect();
    await channel.basicPublish({ exchange: "amq.fanout" }, "transient");
    await channel.basicPublish({ routingKey: "quorum" }, "direct");
  });
  await directory.run(async (channel) => {
    const bodies: (string | undefined)[] = [];
    for (const queue of ["quorum", "quorum", "classic"]) {
      bodies.push((await channel.basicGet(queue))?.text());
    }
    assertEquals(bodies, ["transient", "direct", undefined]);
  });
});
