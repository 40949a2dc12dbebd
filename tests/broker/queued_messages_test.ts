import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  Broker,
  type BrokerOptions,
  type Channel,
  DefinitionError,
  type FieldTable,
  type QueuedMessage,
} from "../../mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

const Q = { queue: "q" } as const;

async function withChannel(
  action: (channel: Channel, broker: Broker) => Promise<void>,
  options: BrokerOptions = {},
): Promise<void> {
  await using broker = new Broker(options);
  await using connection = await broker.connect();
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await action(channel, broker);
}

async function withDirectory(action: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-browse-" });
  try {
    await action(dataDir);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function declare(channel: Channel, name = "q", arguments_: FieldTable = {}): Promise<void> {
  await channel.queueDeclare(name, { durable: true, arguments: arguments_ });
}

async function publish(channel: Channel, bodies: readonly string[], priority?: number) {
  const properties = { deliveryMode: 2, ...(priority === undefined ? {} : { priority }) };
  for (const body of bodies) await channel.basicPublish({ routingKey: "q", properties }, body);
}

function text({ body }: QueuedMessage): string {
  return new TextDecoder().decode(body);
}

function texts(messages: readonly QueuedMessage[]): string {
  return messages.map(text).join();
}

async function drain(channel: Channel, queue = "q"): Promise<string> {
  const bodies: string[] = [];
  for (;;) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) return bodies.join();
    bodies.push(delivery.text());
  }
}

/** The ids of messages with these bodies. */
function idsOf(broker: Broker, ...bodies: string[]): number[] {
  const all = broker.queuedMessages(Q, { limit: 1000 });
  return bodies.map((body) => all.find((message) => text(message) === body)!.id);
}

Deno.test("what waits in a queue is looked at page by page, and stays", async () => {
  await withChannel(async (channel, broker) => {
    await declare(channel);
    await publish(channel, ["a", "b", "c", "d", "e"]);
    const first = broker.queuedMessages(Q, { limit: 2 });
    assertEquals(texts(first), "a,b");
    const second = broker.queuedMessages(Q, { limit: 2, after: first[1]!.id });
    assertEquals(texts(second), "c,d");
    assertEquals(texts(broker.queuedMessages(Q, { after: second[1]!.id })), "e");
    assertEquals(broker.queuedMessages(Q, { after: idsOf(broker, "e")[0]! }), []);
    assertEquals(broker.queuedMessages(Q, { limit: 0 }), []);
    assertEquals(await drain(channel), "a,b,c,d,e");
  });
});

Deno.test("of a message everything is told that its queue knows", async () => {
  const clock = new ManualClock();
  clock.advance(1_000_000);
  await withChannel(async (channel, broker) => {
    await declare(channel, "q", { "x-delayed-retry-type": "all", "x-delayed-retry-min": 50 });
    const properties = { expiration: "5000", headers: { a: 1 }, contentType: "text/plain" };
    await channel.basicPublish({ routingKey: "q", properties }, "12345678");
    (await channel.basicGet("q"))!.nack({ requeue: true });
    await channel.queueDeclare("q", { passive: true });
    const [message] = broker.queuedMessages(Q, { bodyBytes: 3 });
    assertEquals({ ...message, body: text(message!) }, {
      id: message!.id,
      state: "retrying",
      exchange: "",
      routingKey: "q",
      properties,
      size: 8,
      body: "123",
      redelivered: true,
      deliveryCount: 1,
      expireTime: new Date(1_005_000),
      retryTime: new Date(1_000_050),
    });
    clock.advance(50);
    const [again] = broker.queuedMessages(Q);
    assertEquals([again!.state, again!.retryTime], ["ready", undefined]);
  }, { clock });
});

Deno.test("delivered messages are not among those that wait, and are again when they come back", async () => {
  await withChannel(async (channel, broker) => {
    await declare(channel);
    await publish(channel, ["a", "b", "c"]);
    const delivery = await channel.basicGet("q");
    assertEquals(texts(broker.queuedMessages(Q)), "b,c");
    delivery!.nack({ requeue: true });
    await channel.queueDeclare("q", { passive: true });
    assertEquals(texts(broker.queuedMessages(Q)), "a,b,c");
    assertEquals(broker.queuedMessages(Q)[0]!.redelivered, true);
  });
});

/** Many messages: the first ones are objects, those behind them numbers, and some in the store. */
const MANY = 40_000;

for (const durable of [false, true]) {
  const kind = durable ? "stored" : "transient";
  Deno.test(`single ones of many ${kind} messages can be seen, dropped and moved`, async () => {
    await withDirectory(async (dataDir) => {
      await withChannel(async (channel, broker) => {
        await declare(channel);
        await declare(channel, "other");
        await publish(channel, Array.from({ length: MANY }, (_, index) => `${index}`));
        const seen: string[] = [];
        let after = -1;
        for (;;) {
          const page = broker.queuedMessages(Q, { after, limit: 1000 });
          if (page.length === 0) break;
          seen.push(...page.map(text));
          after = page.at(-1)!.id;
        }
        assertEquals(seen.length, MANY);
        assert(seen.every((body, index) => body === `${index}`));

        const ids = [0, 5, 16_383, 16_384, 20_000, 39_998, 39_999];
        const byBody = (body: number) =>
          broker.queuedMessages(Q, { limit: 1, after: body === 0 ? -1 : idBefore(body) })[0]!.id;
        const first = broker.queuedMessages(Q, { limit: 1 })[0]!.id;
        const idBefore = (body: number) => first + body - 1;
        const wanted = ids.map(byBody);
        assertEquals(await broker.deleteQueuedMessages(Q, wanted), wanted.length);
        assertEquals(await broker.deleteQueuedMessages(Q, wanted), 0);
        const moved = [1, 16_385, 30_000].map(byBody);
        assertEquals(
          await broker.moveQueuedMessages(Q, moved.toReversed(), {
            exchange: "",
            routingKey: "other",
          }),
          3,
        );
        const { messageCount } = await channel.queueDeclare("q", { passive: true });
        assertEquals(messageCount, MANY - 10);
        assertEquals(await drain(channel, "other"), "1,16385,30000");
        const gone = new Set([...ids, 1, 16_385, 30_000]);
        const rest = Array.from({ length: MANY }, (_, index) => index)
          .filter((index) => !gone.has(index)).join();
        assertEquals(await drain(channel), rest);
      }, durable ? { dataDir, sync: "never" } : {});
    });
  });
}

Deno.test("ids stay the same over a restart, and what was dropped or moved stays so", async () => {
  await withDirectory(async (dataDir) => {
    let ids: number[] = [];
    await withChannel(async (channel, broker) => {
      await declare(channel);
      await declare(channel, "other");
      await publish(channel, ["a", "b", "c", "d"]);
      ids = idsOf(broker, "a", "b", "c", "d");
      await broker.deleteQueuedMessages(Q, [ids[1]!]);
      await broker.moveQueuedMessages(Q, [ids[2]!], { exchange: "", routingKey: "other" });
    }, { dataDir });
    await withChannel(async (channel, broker) => {
      assertEquals(broker.queuedMessages(Q).map(({ id }) => id), [ids[0], ids[3]]);
      assertEquals(await drain(channel), "a,d");
      assertEquals(await drain(channel, "other"), "c");
    }, { dataDir });
  });
});

Deno.test("all that is ready is moved in the order in which it would go out, with its properties", async () => {
  await withChannel(async (channel, broker) => {
    await declare(channel, "q", { "x-max-priority": 5 });
    await publish(channel, ["low 1", "low 2"], 1);
    await publish(channel, ["high"], 5);
    await channel.exchangeDeclare("x", "fanout");
    await declare(channel, "other");
    await channel.queueBind({ queue: "other", exchange: "x" });
    assertEquals(texts(broker.queuedMessages(Q)), "low 1,low 2,high");
    assertEquals(await broker.moveQueuedMessages(Q, "all", { exchange: "x" }), 3);
    const delivery = await channel.basicGet("other", { noAck: true });
    assertEquals([delivery!.text(), delivery!.exchange, delivery!.routingKey], ["high", "x", "q"]);
    assertEquals(delivery!.properties.priority, 5);
    assertEquals(await drain(channel, "other"), "low 1,low 2");
    assertEquals(await drain(channel), "");
  });
});

Deno.test("what is moved is as old as any that comes in, and lives as long as it says", async () => {
  const clock = new ManualClock();
  await withChannel(async (channel, broker) => {
    await declare(channel);
    await declare(channel, "other");
    await channel.basicPublish({ routingKey: "q", properties: { expiration: "100" } }, "short");
    clock.advance(60);
    await broker.moveQueuedMessages(Q, "all", { exchange: "", routingKey: "other" });
    const [moved] = broker.queuedMessages({ queue: "other" });
    assertEquals(moved!.expireTime, new Date(160));
    clock.advance(100);
    assertEquals(await drain(channel, "other"), "");
  }, { clock });
});

Deno.test("what goes nowhere or is refused stays where it is, in its order", async () => {
  await withChannel(async (channel, broker) => {
    await declare(channel);
    await declare(channel, "full", { "x-max-length": 1, "x-overflow": "reject-publish" });
    await publish(channel, ["a", "b", "c"]);
    const move = (routingKey: string, ids: number[] | "all" = "all") =>
      broker.moveQueuedMessages(Q, ids, { exchange: "", routingKey });
    assertEquals(await move("nowhere"), 0);
    assertEquals(await move("full", idsOf(broker, "a", "b")), 1);
    assertEquals(await drain(channel, "full"), "a");
    // nor does it overtake what is ahead of it
    await publish(channel, ["d", "e"]);
    assertEquals(await move("nowhere", idsOf(broker, "c", "e")), 0);
    assertEquals(await drain(channel), "b,c,d,e");
    await publish(channel, ["b", "c"]);
    // one that is moved to where it is comes last
    assertEquals(await move("q", idsOf(broker, "b")), 1);
    assertEquals(await drain(channel), "c,b");
  });
});

Deno.test("what waits for another try and cannot be moved waits on", async () => {
  const clock = new ManualClock();
  await withChannel(async (channel, broker) => {
    await declare(channel, "q", { "x-delayed-retry-type": "all", "x-delayed-retry-min": 100 });
    await publish(channel, ["a"]);
    (await channel.basicGet("q"))!.nack({ requeue: true });
    await channel.queueDeclare("q", { passive: true });
    clock.advance(40);
    const to = { exchange: "", routingKey: "nowhere" };
    assertEquals(await broker.moveQueuedMessages(Q, idsOf(broker, "a"), to), 0);
    assertEquals(broker.queuedMessages(Q)[0]!.retryTime, new Date(100));
    clock.advance(59);
    assertEquals(await drain(channel), "");
    clock.advance(1);
    assertEquals(await drain(channel), "a");
  }, { clock });
});

Deno.test("a queue that is purged by an operator is empty, what is unacked apart", async () => {
  await withChannel(async (channel, broker) => {
    await declare(channel);
    await publish(channel, ["a", "b", "c"]);
    const delivery = await channel.basicGet("q");
    assertEquals(await broker.deleteQueuedMessages(Q, "all"), 2);
    delivery!.nack({ requeue: true });
    assertEquals(await drain(channel), "a");
  });
});

Deno.test("a message that was dropped is no duplicate any more", async () => {
  await withChannel(async (channel, broker) => {
    await declare(channel, "q", { "x-message-deduplication": true });
    const once = async () => {
      const properties = { headers: { "x-deduplication-header": "same" } };
      await channel.basicPublish({ routingKey: "q", properties }, "x");
      return broker.queuedMessages(Q).length;
    };
    assertEquals([await once(), await once()], [1, 1]);
    await broker.deleteQueuedMessages(Q, idsOf(broker, "x"));
    assertEquals([await once(), await once()], [1, 1]);
  });
});

for (const durable of [false, true]) {
  Deno.test(`a stream ${durable ? "on disk" : "in memory"} is looked at by offsets, and keeps its messages`, async () => {
    await withDirectory(async (dataDir) => {
      await withChannel(async (channel, broker) => {
        await declare(channel, "q", { "x-queue-type": "stream" });
        await publish(channel, ["a", "b", "c"]);
        const [first, ...rest] = broker.queuedMessages(Q);
        assertEquals([first!.id, text(first!), texts(rest)], [0, "a", "b,c"]);
        assertEquals(texts(broker.queuedMessages(Q, { after: 1 })), "c");
        const nothing = "of stream 'q'";
        const to = { exchange: "", routingKey: "other" };
        await assertRejects(() => broker.deleteQueuedMessages(Q, [0]), DefinitionError, nothing);
        await assertRejects(
          () => broker.moveQueuedMessages(Q, "all", to),
          DefinitionError,
          nothing,
        );
      }, durable ? { dataDir } : {});
    });
  });
}

Deno.test("what is not there is told by name, and what makes no sense is refused", async () => {
  await withChannel(async (channel, broker) => {
    await declare(channel);
    const error = assertThrows(() => broker.queuedMessages({ queue: "other" }), DefinitionError);
    assertEquals([error.code, error.message], ["not-found", "no queue 'other' in vhost '/'"]);
    await assertRejects(
      () => broker.moveQueuedMessages(Q, "all", { exchange: "other" }),
      DefinitionError,
      "no exchange 'other' in vhost '/'",
    );
    await publish(channel, ["a", "b"]);
    await assertRejects(
      () => broker.moveQueuedMessages(Q, "all", { exchange: "", routingKey: "ü".repeat(128) }),
      DefinitionError,
      "routing key is longer than 255 bytes",
    );
    assertEquals(texts(broker.queuedMessages(Q)), "a,b");
    for (const options of [{ limit: -1 }, { limit: 1.5 }, { after: -2 }, { bodyBytes: NaN }]) {
      assertThrows(() => broker.queuedMessages(Q, options), RangeError);
    }
  });
});

Deno.test("a page ends early when its bodies are large", async () => {
  await withChannel(async (channel, broker) => {
    await declare(channel);
    const body = "x".repeat(1024 * 1024);
    await publish(channel, Array.from({ length: 10 }, () => body));
    assertEquals(broker.queuedMessages(Q).length, 10);
    const page = broker.queuedMessages(Q, { bodyBytes: body.length });
    assertEquals(page.length, 4);
    const next = broker.queuedMessages(Q, { bodyBytes: body.length, after: page.at(-1)!.id });
    assertEquals([next.length, text(next[0]!).length], [4, body.length]);
  });
});
