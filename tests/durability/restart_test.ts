import {
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { AmqpError, Broker, type BrokerOptions, type Channel, connect, Double } from "../../mod.ts";

const PERSISTENT = { deliveryMode: 2 } as const;

/** A data directory that brokers are started on one after another. */
class DataDirectory implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "warren-" });

  /** Runs something against a broker that is closed in an orderly way afterwards. */
  async run<T>(action: (channel: Channel, broker: Broker) => Promise<T>): Promise<T> {
    await using broker = this.broker();
    await using connection = await broker.connect();
    return await action(await connection.openChannel(), broker);
  }

  broker(options: BrokerOptions = {}): Broker {
    return new Broker({ dataDir: this.path, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function drain(channel: Channel, queue: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) return bodies;
    bodies.push(delivery.text() + (delivery.redelivered ? " again" : ""));
  }
}

Deno.test("durable queues keep their persistent messages in order, transient ones are gone", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.queueDeclare("kept", { durable: true, arguments: { "x-max-length": 1000n } });
    await channel.queueDeclare("gone");
    await channel.confirmSelect();
    for (let index = 0; index < 5; index++) {
      await channel.basicPublish({ routingKey: "kept", properties: PERSISTENT }, `p${index}`);
      await channel.basicPublish({ routingKey: "kept" }, `t${index}`);
      await channel.basicPublish({ routingKey: "gone", properties: PERSISTENT }, `x${index}`);
    }
  });
  await directory.run(async (channel, broker) => {
    assertEquals((await channel.queueDeclare("kept", { passive: true })).messageCount, 5);
    assertEquals(await drain(channel, "kept"), ["p0", "p1", "p2", "p3", "p4"]);
    await using connection = await broker.connect();
    const other = await connection.openChannel();
    const error = await assertRejects(
      () => other.queueDeclare("gone", { passive: true }),
      AmqpError,
    );
    assertEquals(error.replyCode, 404);
  });
});

Deno.test("a message comes back with its address, properties and body as they were", async () => {
  await using directory = new DataDirectory();
  const properties = {
    deliveryMode: 2,
    contentType: "text/plain",
    headers: { count: 3, nested: { list: [1, "two", null] }, at: new Date(5000) },
    correlationId: "c",
    timestamp: new Date(1_700_000_000_000),
  };
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  await directory.run(async (channel) => {
    await channel.exchangeDeclare("news", "topic", { durable: true });
    await channel.queueDeclare("kept", { durable: true });
    await channel.queueBind({ queue: "kept", exchange: "news", routingKey: "weather.#" });
    await channel.confirmSelect();
    await channel.basicPublish(
      { exchange: "news", routingKey: "weather.today", properties },
      body,
    );
  });
  await directory.run(async (channel) => {
    const delivery = await channel.basicGet("kept");
    assertEquals(delivery?.exchange, "news");
    assertEquals(delivery?.routingKey, "weather.today");
    assertEquals(delivery?.properties, properties);
    assertEquals(delivery?.body, body);
  });
});

Deno.test("a message over one segment's part size comes back whole", async () => {
  await using directory = new DataDirectory();
  const body = new Uint8Array(5 * 1024 * 1024 + 17).map((_, index) => index * 31);
  await directory.run(async (channel) => {
    await channel.queueDeclare("kept", { durable: true });
    await channel.confirmSelect();
    await channel.basicPublish({ routingKey: "kept", properties: PERSISTENT }, body);
  });
  await directory.run(async (channel) => {
    assertEquals((await channel.basicGet("kept"))?.body, body);
  });
});

Deno.test("durable exchanges and bindings route as before, others are gone", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.exchangeDeclare("kept", "headers", { durable: true });
    await channel.exchangeDeclare("hub", "fanout", { durable: true, internal: true });
    await channel.exchangeDeclare("gone", "fanout");
    await channel.queueDeclare("q", { durable: true });
    await channel.queueBind({
      queue: "q",
      exchange: "kept",
      arguments: { n: 1, "x-match": "all" },
    });
    const float = { n: new Double(3) };
    await channel.queueBind({ queue: "q", exchange: "kept", arguments: float });
    await channel.queueBind({ queue: "q", exchange: "amq.direct", routingKey: "unbound" });
    await channel.queueUnbind({ queue: "q", exchange: "amq.direct", routingKey: "unbound" });
    await channel.queueBind({ queue: "q", exchange: "hub" });
    await channel.exchangeBind({ destination: "hub", source: "amq.topic", routingKey: "a.*" });
    await channel.exchangeBind({ destination: "gone", source: "amq.topic", routingKey: "#" });
    await channel.exchangeDeclare("deleted", "fanout", { durable: true });
    await channel.exchangeDelete("deleted");
  });
  await directory.run(async (channel, broker) => {
    await channel.basicPublish({ exchange: "kept", properties: { headers: { n: 1 } } }, "header");
    await channel.basicPublish({ exchange: "kept", properties: { headers: { n: 2 } } }, "other");
    const float = { headers: { n: new Double(3) } };
    await channel.basicPublish({ exchange: "kept", properties: { headers: { n: 3 } } }, "integer");
    await channel.basicPublish({ exchange: "kept", properties: float }, "double");
    await channel.basicPublish({ exchange: "amq.topic", routingKey: "a.b" }, "topic");
    await channel.basicPublish({ exchange: "amq.direct", routingKey: "unbound" }, "unbound");
    assertEquals(await drain(channel, "q"), ["header", "double", "topic"]);
    for (const exchange of ["gone", "deleted"]) {
      await using connection = await broker.connect();
      const other = await connection.openChannel();
      await assertRejects(
        () => other.exchangeDeclare(exchange, "fanout", { passive: true }),
        AmqpError,
        "no exchange",
      );
    }
  });
});

Deno.test("what was acked is gone, what was delivered counts as redelivered", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.queueDeclare("q", { durable: true });
    await channel.confirmSelect();
    for (const body of ["a", "b", "c", "d"]) {
      await channel.basicPublish({ routingKey: "q", properties: PERSISTENT }, body);
    }
    (await channel.basicGet("q"))?.ack();
    await channel.basicGet("q");
    (await channel.basicGet("q"))?.reject({ requeue: false });
  });
  await directory.run(async (channel) => {
    assertEquals(await drain(channel, "q"), ["b again", "d"]);
  });
});

Deno.test("a message in two queues is settled in each for itself", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    for (const queue of ["one", "two"]) {
      await channel.queueDeclare(queue, { durable: true });
      await channel.queueBind({ queue, exchange: "amq.fanout" });
    }
    await channel.confirmSelect();
    await channel.basicPublish({ exchange: "amq.fanout", properties: PERSISTENT }, "m");
    (await channel.basicGet("one"))?.ack();
  });
  await directory.run(async (channel) => {
    assertEquals(await drain(channel, "one"), []);
    assertEquals(await drain(channel, "two"), ["m"]);
  });
});

Deno.test("purged and deleted queues stay so, also when they are made anew", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.confirmSelect();
    for (const queue of ["purged", "deleted", "anew"]) {
      await channel.queueDeclare(queue, { durable: true });
      await channel.basicPublish({ routingKey: queue, properties: PERSISTENT }, "old");
    }
    await channel.queuePurge("purged");
    await channel.queueDelete("deleted");
    await channel.queueDelete("anew");
    await channel.queueDeclare("anew", { durable: true });
    await channel.basicPublish({ routingKey: "anew", properties: PERSISTENT }, "new");
  });
  await directory.run(async (channel, broker) => {
    assertEquals(await drain(channel, "purged"), []);
    assertEquals(await drain(channel, "anew"), ["new"]);
    await using connection = await broker.connect();
    const other = await connection.openChannel();
    await assertRejects(
      () => other.queueDeclare("deleted", { passive: true }),
      AmqpError,
      "no queue",
    );
  });
});

Deno.test("exclusive queues do not survive, be they declared durable or not", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.queueDeclare("mine", { durable: true, exclusive: true });
  });
  await directory.run(async (channel) => {
    await assertRejects(
      () => channel.queueDeclare("mine", { passive: true }),
      AmqpError,
      "no queue",
    );
  });
});

Deno.test("a transaction that was committed survives, one that was not does not", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.queueDeclare("q", { durable: true });
    await channel.txSelect();
    await channel.basicPublish({ routingKey: "q", properties: PERSISTENT }, "committed");
    await channel.txCommit();
    await channel.basicPublish({ routingKey: "q", properties: PERSISTENT }, "open");
  });
  await directory.run(async (channel) => {
    assertEquals(await drain(channel, "q"), ["committed"]);
  });
});

Deno.test("messages published over TCP survive as those in process do", async () => {
  await using directory = new DataDirectory();
  {
    await using broker = directory.broker();
    await using server = await broker.listen({ port: 0 });
    await using connection = await connect(`amqp://127.0.0.1:${server.port}`, { recovery: false });
    const channel = await connection.openChannel();
    await channel.queueDeclare("q", { durable: true });
    await channel.confirmSelect();
    const confirms = Array.from(
      { length: 500 },
      (_, index) => channel.basicPublish({ routingKey: "q", properties: PERSISTENT }, `${index}`),
    );
    await Promise.all(confirms);
  }
  await directory.run(async (channel) => {
    assertEquals(await drain(channel, "q"), Array.from({ length: 500 }, (_, index) => `${index}`));
  });
});

Deno.test("a second broker on a data directory is refused, until the first one is closed", async () => {
  await using directory = new DataDirectory();
  {
    await using _first = directory.broker();
    const error = assertThrows(() => directory.broker(), Error);
    assertStringIncludes(error.message, "uses it");
  }
  await using _second = directory.broker();
});

Deno.test("a broker restarted many times keeps what it has", async () => {
  await using directory = new DataDirectory();
  const expected: string[] = [];
  for (let round = 0; round < 10; round++) {
    await directory.run(async (channel) => {
      const { messageCount } = await channel.queueDeclare("q", { durable: true });
      assertEquals(messageCount, expected.length);
      await channel.confirmSelect();
      for (let index = 0; index < 3; index++) {
        await channel.basicPublish(
          { routingKey: "q", properties: PERSISTENT },
          `${round}.${index}`,
        );
        expected.push(`${round}.${index}`);
      }
      const delivery = await channel.basicGet("q");
      assertEquals(delivery?.text(), expected.shift());
      delivery?.ack();
    });
  }
  await directory.run(async (channel) => {
    assertEquals(await drain(channel, "q"), expected);
  });
});

Deno.test("a binding with large arguments neither harms the store nor gets lost", async () => {
  await using directory = new DataDirectory();
  const large = { big: "y".repeat(70_000), zeros: "\0".repeat(20_000), "x-match": "any" };
  await directory.run(async (channel) => {
    await channel.queueDeclare("q", { durable: true });
    await channel.queueBind({ queue: "q", exchange: "amq.headers", arguments: large });
    await channel.queueBind({ queue: "q", exchange: "amq.direct", routingKey: "a" });
  });
  await directory.run(async (channel) => {
    await channel.queueUnbind({ queue: "q", exchange: "amq.headers", arguments: large });
    await channel.queueBind({ queue: "q", exchange: "amq.direct", routingKey: "b" });
  });
  await directory.run(async (channel) => {
    const headers = { zeros: large.zeros };
    await channel.basicPublish({ exchange: "amq.headers", properties: { headers } }, "unbound");
    for (const routingKey of ["a", "b"]) {
      await channel.basicPublish({ exchange: "amq.direct", routingKey }, routingKey);
    }
    assertEquals(await drain(channel, "q"), ["a", "b"]);
  });
});

Deno.test("arguments as deep as a table can be survive", async () => {
  await using directory = new DataDirectory();
  let deep: Record<string, unknown> = {};
  for (let depth = 1; depth < 60; depth++) deep = { deep };
  const options = { durable: true, arguments: deep as Record<string, never> };
  await directory.run(async (channel) => void await channel.queueDeclare("q", options));
  await directory.run(async (channel) => {
    assertEquals((await channel.queueDeclare("q", { passive: true })).queue, "q");
  });
});

Deno.test("what is asked while a declaration waits for the disk is answered after it, in order", async () => {
  await using directory = new DataDirectory();
  await directory.run(async (channel) => {
    await channel.queueDeclare("source", { durable: true });
    await channel.basicPublish({ routingKey: "source" }, "one");
    await channel.basicPublish({ routingKey: "source" }, "two");
    const order: string[] = [];
    const bodies = Promise.withResolvers<void>();
    const note = (name: string) => (value: unknown) => {
      order.push(name);
      return value;
    };
    await Promise.all([
      channel.queueDeclare("another", { durable: true }).then(note("declared")),
      channel.basicGet("source", { noAck: true }).then(note("got")),
      channel.queueDeclare("third", { durable: true }).then(note("declared again")),
      channel.basicPublish({ routingKey: "source" }, "three"),
      channel.basicConsume("source", { noAck: true }, (delivery) => {
        order.push(delivery.text());
        if (delivery.text() === "three") bodies.resolve();
      }).then(note("consuming")),
    ]);
    await bodies.promise;
    assertEquals(order.filter((what) => what !== "two" && what !== "three"), [
      "declared",
      "got",
      "declared again",
      "consuming",
    ]);
    assertEquals(order.filter((what) => what === "two" || what === "three"), ["two", "three"]);
  });
});

Deno.test("what waits beyond the memory for messages goes to disk and comes back in order", async () => {
  await using directory = new DataDirectory();
  const count = 10_000;
  await using broker = directory.broker({ messageMemory: 0 });
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.queueDeclare("transient");
  await channel.queueDeclare("durable", { durable: true });
  await channel.exchangeDeclare("both", "fanout");
  for (const queue of ["transient", "durable"]) {
    await channel.queueBind({ queue, exchange: "both" });
  }
  for (let index = 0; index < count; index++) {
    await channel.basicPublish({ exchange: "both" }, `${index} `.padEnd(500, "x"));
  }
  await channel.queueDeclare("transient", { passive: true });
  let written = 0;
  for await (const { name } of Deno.readDir(directory.path)) {
    if (name.endsWith(".spill")) written += (await Deno.stat(`${directory.path}/${name}`)).size;
  }
  assertGreaterOrEqual(written, count * 500 - 2 ** 20, "all but what fills a page");
  for (const queue of ["transient", "durable"]) {
    const bodies = await drain(channel, queue);
    assertEquals(bodies.length, count);
    assertEquals(bodies.every((body, index) => body.startsWith(`${index} `)), true);
  }
});

Deno.test("what went to disk for want of memory does not survive a restart", async () => {
  await using directory = new DataDirectory();
  {
    await using broker = directory.broker({ messageMemory: 0 });
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("durable", { durable: true });
    await channel.confirmSelect();
    for (let index = 0; index < 10; index++) {
      const properties = index === 5 ? PERSISTENT : {};
      await channel.basicPublish({ routingKey: "durable", properties }, `${index}`);
    }
    assertEquals((await channel.basicGet("durable"))?.text(), "0");
  }
  // a process that is killed leaves its pages
  await Deno.writeFile(`${directory.path}/0000000001.spill`, new Uint8Array(100));
  await directory.run(async (channel) => assertEquals(await drain(channel, "durable"), ["5"]));
});
