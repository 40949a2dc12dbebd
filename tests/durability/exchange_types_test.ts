import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  AmqpError,
  Broker,
  type BrokerOptions,
  type Channel,
  type ExchangeType,
} from "../../mod.ts";
import { FanoutTable } from "../../broker/routing/fanout.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

/** Durable exchanges of each type, with arguments that matter. */
const EXCHANGES: readonly (readonly [name: string, type: string, arguments_: object])[] = [
  ["hash", "x-consistent-hash", { "hash-header": "tenant" }],
  ["history", "x-recent-history", { "x-recent-history-length": 2 }],
  ["later", "x-delayed-message", { "x-delayed-type": "topic" }],
  ["modulus", "x-modulus-hash", {}],
  ["random", "x-random", {}],
  ["local", "x-local-random", {}],
];

const all: ExchangeType = { name: "x-all", createTable: () => new FanoutTable() };

/** Runs something against a broker with a data directory that has a past, maybe. */
async function run<T>(
  options: BrokerOptions,
  action: (channel: Channel) => Promise<T>,
): Promise<T> {
  await using broker = new Broker(options);
  await using connection = await broker.connect();
  return await action(await connection.openChannel());
}

async function withDirectory(action: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "warren-types-" });
  try {
    await action(dataDir);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function owners(channel: Channel): Promise<string[][]> {
  await channel.confirmSelect();
  for (let tenant = 0; tenant < 30; tenant++) {
    const properties = { headers: { tenant } };
    await channel.basicPublish({ exchange: "hash", properties }, `${tenant}`);
  }
  return await Promise.all(["a", "b", "c"].map((queue) => drain(channel, queue)));
}

async function drain(channel: Channel, queue: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const delivery = await channel.basicGet(queue, { noAck: true });
    if (delivery === undefined) return bodies;
    bodies.push(delivery.text());
  }
}

Deno.test("exchanges of all types come back with their arguments, and hash as they did", async () => {
  await withDirectory(async (dataDir) => {
    const before = await run({ dataDir }, async (channel) => {
      for (const [name, type, arguments_] of EXCHANGES) {
        await channel.exchangeDeclare(name, type, { durable: true, arguments: { ...arguments_ } });
      }
      for (const [queue, routingKey] of [["a", "1"], ["b", "2"], ["c", "1"]] as const) {
        await channel.queueDeclare(queue, { durable: true });
        await channel.queueBind({ queue, exchange: "hash", routingKey });
      }
      await channel.queueBind({ queue: "a", exchange: "later", routingKey: "#.end" });
      await channel.queueBind({ queue: "c", exchange: "local" });
      return await owners(channel);
    });
    await run({ dataDir }, async (channel) => {
      for (const [name, type] of EXCHANGES) {
        // these must be the same, or it is refused; arguments are no part of that
        await channel.exchangeDeclare(name, type, {
          durable: true,
          arguments: { "x-delayed-type": "topic" },
        });
      }
      assertEquals(await owners(channel), before);
      assertEquals(before.every((keys) => keys.length > 0), true);
      for (let index = 0; index < 5; index++) {
        await channel.basicPublish({ exchange: "history" }, `h${index}`);
      }
      await channel.queueBind({ queue: "b", exchange: "history" });
      assertEquals(await drain(channel, "b"), ["h3", "h4"]);
      await channel.basicPublish({ exchange: "later", routingKey: "x.y.end" }, "by topic");
      assertEquals(await drain(channel, "a"), ["by topic"]);
      await channel.basicPublish({ exchange: "local", routingKey: "any" }, "by chance");
      assertEquals(await drain(channel, "c"), ["by chance"]);
    });
  });
});

Deno.test("an exchange whose type is gone lets nothing pass until the type is there again", async () => {
  await withDirectory(async (dataDir) => {
    await run({ dataDir, exchangeTypes: [all] }, async (channel) => {
      await channel.exchangeDeclare("e", "x-all", { durable: true });
      await channel.queueDeclare("q", { durable: true });
      await channel.queueBind({ queue: "q", exchange: "e", routingKey: "k" });
    });
    const logger = new RecordingLogger();
    await run({ dataDir, logger }, async (channel) => {
      await channel.exchangeDeclare("e", "", { passive: true });
      await channel.confirmSelect();
      const publish = () => Promise.resolve(channel.basicPublish({ exchange: "e" }, "lost"));
      const error = await assertRejects(publish, AmqpError);
      assertEquals(
        error.message,
        "PRECONDITION_FAILED - Cannot route message through exchange 'e' in vhost '/': exchange " +
          "type x-all not found",
      );
    });
    assertMatch(logger.of("error").join(), /exchange 'e' in vhost '\/' cannot be used: .*x-all/);
    await run({ dataDir, exchangeTypes: [all] }, async (channel) => {
      await channel.confirmSelect();
      await channel.basicPublish({ exchange: "e" }, "arrives");
      assertEquals(await drain(channel, "q"), ["arrives"]);
    });
  });
});

Deno.test("a type that throws while a broker starts does not keep it from starting", async () => {
  await withDirectory(async (dataDir) => {
    await run({ dataDir, exchangeTypes: [all] }, async (channel) => {
      for (const exchange of ["one", "two"]) {
        await channel.exchangeDeclare(exchange, "x-all", { durable: true });
        await channel.queueDeclare("q", { durable: true });
        await channel.queueBind({ queue: "q", exchange });
      }
    });
    for (const place of ["createTable", "add"] as const) {
      const broken: ExchangeType = {
        name: "x-all",
        createTable() {
          if (place === "createTable") throw new Error("broken type");
          return Object.assign(new FanoutTable(), {
            add() {
              throw new Error("broken type");
            },
          });
        },
      };
      const logger = new RecordingLogger();
      await run({ dataDir, exchangeTypes: [broken], logger }, async (channel) => {
        await channel.queueDeclare("q", { passive: true });
        await channel.queueDelete("other");
      });
      assertEquals(logger.of("error").filter((line) => line.includes("broken type")).length, 2);
    }
  });
});
