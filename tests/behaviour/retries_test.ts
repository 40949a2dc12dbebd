import { assert, assertEquals, assertRejects } from "@std/assert";
import { AmqpError, Broker, type BrokerOptions, type Channel, type FieldTable } from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

const RETRY = { "x-delayed-retry-type": "all", "x-delayed-retry-min": 100 };
const BACK_OFF = { ...RETRY, "x-delayed-retry-max": 250 };
const TYPES = ["classic", "quorum"] as const;

/** A broker whose time goes on when the test says so, and a channel to it. */
async function withChannel(
  action: (channel: Channel, clock: ManualClock, broker: Broker) => Promise<void>,
  options: BrokerOptions = {},
): Promise<void> {
  const clock = new ManualClock();
  {
    await using broker = new Broker({ clock, ...options });
    await using connection = await broker.connect();
    await action(await connection.openChannel(), clock, broker);
  }
  assertEquals(clock.timers, 0);
}

async function declare(channel: Channel, arguments_: FieldTable, type = "classic"): Promise<void> {
  await channel.queueDeclare("q", {
    durable: true,
    arguments: { "x-queue-type": type, ...arguments_ },
  });
}

async function ready(channel: Channel): Promise<number> {
  return (await channel.queueDeclare("q", { passive: true })).messageCount;
}

async function giveBack(channel: Channel): Promise<void> {
  (await channel.basicGet("q"))!.nack({ requeue: true });
  // once this is answered, the nack has been heard
  await ready(channel);
}

for (const type of TYPES) {
  Deno.test(`a message waits longer each time that it came back, up to a limit, ${type}`, async () => {
    await withChannel(async (channel, clock) => {
      await declare(channel, BACK_OFF, type);
      await channel.basicPublish({ routingKey: "q" }, "work");
      for (const delayMs of [100, 200, 250, 250]) {
        await giveBack(channel);
        assertEquals(await ready(channel), 0);
        clock.advance(delayMs - 1);
        assertEquals(await ready(channel), 0);
        clock.advance(1);
        assertEquals(await ready(channel), 1);
      }
      const delivery = await channel.basicGet("q");
      assertEquals(delivery!.redelivered, true);
      assertEquals(delivery!.properties.headers, {
        "x-acquired-count": 4,
        "x-delivery-count": 4,
      });
    });
  });

  Deno.test(`what waits for its retry holds up nobody and comes before newer ones, ${type}`, async () => {
    await withChannel(async (channel, clock) => {
      await declare(channel, RETRY, type);
      for (const body of ["a", "b", "c"]) await channel.basicPublish({ routingKey: "q" }, body);
      await giveBack(channel);
      assertEquals((await channel.basicGet("q", { noAck: true }))!.text(), "b");
      clock.advance(100);
      const rest = [await channel.basicGet("q"), await channel.basicGet("q")];
      assertEquals(rest.map((delivery) => delivery!.text()), ["a", "c"]);
    });
  });

  Deno.test(`a message that came back too often is dead and waits no more, ${type}`, async () => {
    await withChannel(async (channel, clock) => {
      await channel.queueDeclare("dead");
      const to = { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead" };
      await declare(channel, { ...RETRY, "x-delivery-limit": 2, ...to }, type);
      await channel.basicPublish({ routingKey: "q" }, "work");
      for (let count = 0; count < 3; count++) {
        await giveBack(channel);
        clock.advance(100);
      }
      assertEquals(await ready(channel), 0);
      assertEquals((await channel.basicGet("dead"))!.text(), "work");
    });
  });

  Deno.test(`what waits for its retry waits anew after a restart, its count is kept, ${type}`, async () => {
    const dataDir = await Deno.makeTempDir({ prefix: "warren-retries-" });
    await withChannel(async (channel) => {
      await declare(channel, BACK_OFF, type);
      await channel.confirmSelect();
      const properties = { deliveryMode: 2 };
      await channel.basicPublish({ routingKey: "q", properties }, "work");
      await channel.basicPublish({ routingKey: "q", properties }, "new");
      await giveBack(channel);
    }, { dataDir });
    await withChannel(async (channel, clock) => {
      assertEquals((await channel.basicGet("q"))!.text(), "new");
      assertEquals(await channel.basicGet("q"), undefined);
      clock.advance(100);
      await giveBack(channel);
      clock.advance(199);
      assertEquals(await ready(channel), 0);
      clock.advance(1);
      const delivery = await channel.basicGet("q");
      assertEquals(delivery!.text(), "work");
      assertEquals(delivery!.properties.headers, {
        "x-acquired-count": 2,
        "x-delivery-count": 2,
      });
      assertEquals((delivery!).redelivered, true);
    }, { dataDir });
    await Deno.remove(dataDir, { recursive: true });
  });
}

for (
  const [type, waits] of [["all", [1, 1]], ["returned", [1, 0]], ["failed", [0, 1]]] as const
) {
  Deno.test(`of what a client gave back and of what it left, ${waits} wait with the type ${type}`, async () => {
    await withChannel(async (channel, clock, broker) => {
      await declare(channel, { ...RETRY, "x-delayed-retry-type": type });
      const waiting = async () => 1 - await ready(channel);
      await channel.basicPublish({ routingKey: "q" }, "work");
      await giveBack(channel);
      const returned = await waiting();
      clock.advance(100);
      const other = await broker.connect();
      await (await other.openChannel()).basicGet("q");
      await other.close();
      assertEquals([returned, await waiting()], [...waits]);
    });
  });
}

Deno.test("what a client rejects has failed, as what it left", async () => {
  await withChannel(async (channel) => {
    await declare(channel, { ...RETRY, "x-delayed-retry-type": "failed" }, "quorum");
    await channel.basicPublish({ routingKey: "q" }, "work");
    await giveBack(channel);
    assertEquals(await ready(channel), 1);
    (await channel.basicGet("q"))!.reject({ requeue: true });
    assertEquals(await ready(channel), 0);
  });
});

Deno.test("what waits on disk has come back all the same, whether that counts or not", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-retries-" });
  await withChannel(async (channel, clock) => {
    await declare(channel, RETRY, "quorum");
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: "q" }, "work");
    for (let count = 0; count < 2; count++) {
      await giveBack(channel);
      clock.advance(100);
    }
    const delivery = await channel.basicGet("q");
    assertEquals(delivery!.redelivered, true);
    assertEquals(delivery!.properties.headers, { "x-acquired-count": 2 });
  }, { dataDir, profile: "4.3" });
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("what waits for its retry counts for the limits of its queue", async () => {
  await withChannel(async (channel, clock) => {
    await channel.confirmSelect();
    await declare(channel, { ...RETRY, "x-max-length": 2, "x-overflow": "reject-publish" });
    const publish = () => Promise.resolve(channel.basicPublish({ routingKey: "q" }, "body"));
    await publish();
    await giveBack(channel);
    await publish();
    await assertRejects(publish, Error, "nacked");
    clock.advance(100);
    assertEquals(await ready(channel), 2);
  });
});

Deno.test("what waits for its retry goes with a purge, and keeps its queue from being empty", async () => {
  await withChannel(async (channel, _, broker) => {
    await declare(channel, RETRY);
    await channel.basicPublish({ routingKey: "q" }, "work");
    await giveBack(channel);
    const connection = await broker.connect();
    const other = await connection.openChannel();
    await assertRejects(() => other.queueDelete("q", { ifEmpty: true }), AmqpError, "not empty");
    assertEquals(await channel.queuePurge("q"), { messageCount: 1 });
    assertEquals(await channel.queueDelete("q", { ifEmpty: true }), { messageCount: 0 });
    await connection.close();
  });
});

Deno.test("a message that is too old after its wait expires", async () => {
  await withChannel(async (channel, clock) => {
    await declare(channel, { ...RETRY, "x-message-ttl": 50 });
    await channel.basicPublish({ routingKey: "q" }, "work");
    await giveBack(channel);
    clock.advance(100);
    assertEquals(await ready(channel), 0);
    assertEquals(await channel.queuePurge("q"), { messageCount: 0 });
  });
});

Deno.test("retries can be set by a policy, at once and for queues that exist", async () => {
  await withChannel(async (channel, clock, broker) => {
    await declare(channel, {});
    await broker.setPolicy({
      name: "retry",
      pattern: "^q$",
      applyTo: "queues",
      definition: { "delayed-retry-type": "all", "delayed-retry-min": 30 },
    });
    await channel.basicPublish({ routingKey: "q" }, "work");
    await giveBack(channel);
    clock.advance(29);
    assertEquals(await ready(channel), 0);
    clock.advance(1);
    assertEquals(await ready(channel), 1);
  });
});

Deno.test("many messages wait for their retries with one timer", async () => {
  await withChannel(async (channel, clock) => {
    await declare(channel, RETRY);
    const timers = clock.timers;
    for (let count = 0; count < 5000; count++) {
      channel.basicPublish({ routingKey: "q" }, `${count}`);
    }
    await channel.basicConsume("q", {}, (delivery) => delivery.nack({ requeue: true }));
    while (await ready(channel) > 0);
    assert(clock.timers <= timers + 1, `${clock.timers} timers`);
    clock.advance(100);
    await ready(channel);
  });
});

for (
  const [arguments_, text] of [
    [{ "x-delayed-retry-type": "sometimes" }, "unsupported delayed retry type 'sometimes'"],
    [{ "x-delayed-retry-type": 1 }, "{unacceptable_type,signedint}"],
    [{ "x-delayed-retry-type": "all" }, "delayed_retry_min_required"],
    [{ ...RETRY, "x-delayed-retry-min": 0 }, "{value_zero,0}"],
    [{ ...RETRY, "x-delayed-retry-max": 99 }, "{delayed_retry_max_smaller_than_min,99,100}"],
    [{ ...RETRY, "x-delayed-retry-max": "1" }, "expected integer, got longstr"],
  ] as const
) {
  Deno.test(`a queue is not declared with ${JSON.stringify(arguments_)}`, async () => {
    await withChannel(async (channel) => {
      const error = await assertRejects(() => declare(channel, arguments_), AmqpError, text);
      assertEquals(error.replyCode, 406);
    });
  });
}

Deno.test("a stream knows no retries, and a redeclaration must repeat them", async () => {
  await withChannel(async (channel, _, broker) => {
    await declare(channel, RETRY);
    const connection = await broker.connect();
    for (
      const [type, arguments_, text] of [
        ["classic", BACK_OFF, "inequivalent arg 'x-delayed-retry-max'"],
        ["stream", RETRY, "of queue type rabbit_stream_queue"],
      ] as const
    ) {
      const other = await connection.openChannel();
      if (type === "stream") await channel.queueDelete("q");
      await assertRejects(() => declare(other, arguments_, type), AmqpError, text);
    }
    await connection.close();
  });
});
