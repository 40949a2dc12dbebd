/**
 * Every option of `Channel.basicPublish`, every property of a message: each reaches the other side, and
 * each value of a wrong type is refused at once, whoever looks at the options of that publish or not.
 *
 * @module
 */
import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import type { PublishOptions } from "../../client/mod.ts";
import { type BasicProperties, Broker, type Channel, connect, EncodeError } from "../../mod.ts";
import { Scripted } from "./scripted.ts";

/** Values of each property that arrive as they are, and values that are refused. */
const PROPERTIES: {
  readonly [Name in keyof Required<BasicProperties>]: {
    readonly good: readonly Required<BasicProperties>[Name][];
    readonly bad: readonly unknown[];
  };
} = {
  contentType: { good: ["text/plain", ""], bad: [1, null, {}, "é".repeat(128)] },
  contentEncoding: { good: ["identity", "x".repeat(255)], bad: [true, ["gzip"]] },
  headers: {
    good: [{}, { a: 1, b: "two", c: [null, true], d: { e: new Date(7000) } }],
    bad: ["a", 5, null, [1], { f() {} }, { n: 1n << 64n }, { at: new Date(NaN) }, new Map()],
  },
  deliveryMode: { good: [1, 2], bad: ["2", 1.5, -1, 256, NaN, true, null, 2n] },
  priority: { good: [0, 9, 255], bad: ["9", 0.1, -1, 256, Infinity, null] },
  correlationId: { good: ["c"], bad: [7, 7n, Symbol("c"), null] },
  replyTo: { good: ["q"], bad: [0, {}, null] },
  expiration: { good: ["60000", "0"], bad: [60_000, null, new Date()] },
  messageId: { good: ["m", "grüße"], bad: [1, null] },
  timestamp: { good: [new Date(1_700_000_000_000)], bad: [1_700_000_000, "now", new Date(NaN)] },
  type: { good: ["t"], bad: [String, null] },
  userId: { good: ["guest"], bad: [1, null] },
  appId: { good: ["a"], bad: [[], null] },
  clusterId: { good: ["c"], bad: [false, null] },
};

const ALL = Object.fromEntries(
  Object.entries(PROPERTIES).map(([name, { good }]) => [name, good.at(-1)]),
) as BasicProperties;

/** Sets of properties: each alone with each of its values, and all together. */
const SETS: readonly BasicProperties[] = [
  {},
  ...Object.entries(PROPERTIES).flatMap(([name, { good }]) =>
    good.map((value) => ({ [name]: value }))
  ),
  ALL,
];

/** What each option is, when it is not what it is by default, and what it must not be. */
const OPTIONS: {
  readonly [Name in keyof Required<PublishOptions>]: {
    readonly good: Required<PublishOptions>[Name];
    readonly bad: readonly unknown[];
    /** Only options that are looked at are checked for it: without effect, it does no harm. */
    readonly bySample?: true;
  };
} = {
  exchange: { good: "e", bad: [1, null, {}, "e".repeat(256)] },
  routingKey: { good: "k", bad: [2, null, ["k"], "é".repeat(128)] },
  mandatory: { good: true, bad: ["true", 1, null, {}] },
  immediate: { good: true, bad: ["false", 0, null, []] },
  properties: { good: ALL, bad: ["p", 3, null, { colour: "red" }, { persistent: true }] },
  transfer: { good: true, bad: ["yes", 1, null], bySample: true },
  signal: {
    good: new AbortController().signal,
    bad: [1, "s", new AbortController()],
    bySample: true,
  },
};

Deno.test("basicPublish() sends each option as it is, alone and with all the others", async () => {
  await using script = await Scripted.open();
  const { channel, peer } = script;
  const names = Object.keys(OPTIONS) as (keyof PublishOptions)[];
  const all = Object.fromEntries(names.map((name) => [name, OPTIONS[name].good])) as PublishOptions;
  const sets: PublishOptions[] = [{}, all, ...names.map((name) => ({ [name]: all[name] }))];
  for (const options of sets) {
    channel.basicPublish(options, new Uint8Array([1, 2]));
    const sent = await peer.expectContent(1, "basic.publish");
    const { exchange = "", routingKey = "", mandatory = false, immediate = false } = options;
    assertEquals(
      [sent.exchange, sent.routingKey, sent.mandatory, sent.immediate, sent.properties, sent.body],
      [
        exchange,
        routingKey,
        mandatory,
        immediate,
        options.properties ?? {},
        new Uint8Array([1, 2]),
      ],
    );
  }
});

for (const way of ["in process", "over TCP"]) {
  Deno.test(`basicPublish() takes each property to the consumer, ${way}`, async () => {
    await using broker = new Broker();
    await using server = await broker.listen({ port: 0 });
    await using connection = way === "in process"
      ? await broker.connect()
      : await connect(`amqp://127.0.0.1:${server.port}`);
    const channel = await connection.openChannel();
    const { queue } = await channel.queueDeclare("", { arguments: { "x-max-priority": 10 } });
    for (const properties of SETS) {
      // one that expires at once would be gone before it is asked for
      const isGone = properties.expiration === "0";
      await channel.basicPublish({ routingKey: queue, properties }, "x");
      const got = await channel.basicGet(queue, { noAck: true });
      assertEquals(got?.properties, isGone ? undefined : properties);
    }
  });
}

// deno-lint-ignore no-explicit-any -- its constructor takes whatever it takes
type ErrorType = new (...args: any[]) => Error;

/** Publishes so often that not each publish is looked at any more; nobody reads it. */
function publishMany(channel: Channel): void {
  for (let count = 0; count < 1001; count++) channel.basicPublish({ routingKey: "next" }, "");
}

for (const lookedAt of [true, false]) {
  Deno.test(`basicPublish() refuses each value of a wrong type, ${lookedAt ? "at first" : "later on"}`, async () => {
    await using broker = new Broker();
    await using connection = await broker.connect();
    const channel = await connection.openChannel();
    await channel.queueDeclare("next");
    if (!lookedAt) publishMany(channel);
    const { messageCount: before } = await channel.queueDeclare("next", { passive: true });
    const refuse = (options: object, name: string, value: unknown, type: ErrorType) => {
      // the same place as before, which is where nobody looks
      const misuse = () =>
        channel.basicPublish({ routingKey: "next", ...options } as PublishOptions, "x");
      const what = `${name}: ${String(value)}`;
      const error = assertThrows(misuse, Error, undefined, what);
      assertInstanceOf(error, type, what);
      assertEquals(error.message.includes(name), true, `${what}: ${error.message}`);
    };
    for (const [name, { bad }] of Object.entries(PROPERTIES)) {
      // what is wrong within the headers is named by its own key
      const text = name === "headers" ? "field" : name;
      for (const value of bad) refuse({ properties: { [name]: value } }, text, value, EncodeError);
    }
    for (const [name, { bad, bySample }] of Object.entries(OPTIONS)) {
      if (bySample && !lookedAt) continue;
      for (const value of bad) {
        const text = name === "properties" && typeof value === "object" && value !== null
          ? Object.keys(value)[0]!
          : name;
        refuse({ [name]: value }, text, value, TypeError);
      }
    }
    assertEquals((await channel.queueDeclare("next", { passive: true })).messageCount, before);
    assertEquals(connection.state, "open");
  });
}
