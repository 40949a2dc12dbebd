import type { BasicProperties } from "../../broker/amqp/properties.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase, Context } from "../support/harness.ts";
import { attempt, drain, outcome } from "./observe.ts";

/** Queues bound to an exchange, by their binding keys. */
async function bindAll(
  { channel, queue }: Context,
  exchange: string,
  keys: Readonly<Record<string, string>>,
): Promise<string[]> {
  const queues: string[] = [];
  for (const [label, routingKey] of Object.entries(keys)) {
    const bound = await queue(label);
    await channel.queueBind({ queue: bound, exchange, routingKey });
    queues.push(bound);
  }
  return queues;
}

/** Publishes and waits until all of it is where it goes. */
async function publishAll(
  channel: Channel,
  exchange: string,
  messages: readonly { readonly routingKey?: string; readonly properties?: BasicProperties }[],
): Promise<void> {
  await channel.confirmSelect();
  await Promise.all(messages.map(({ routingKey = "", properties = {} }) =>
    channel.basicPublish(
      { exchange, routingKey, properties },
      routingKey,
    )
  ));
}

function drainAll(channel: Channel, queues: readonly string[]): Promise<string[][]> {
  return Promise.all(queues.map((queue) => drain(channel, queue)));
}

/** Texts that begin with a label and differ. */
function numbered(label: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${label}-${index}`);
}

/** How 200 keys, each published twice, spread: whether every one came twice, always to the same
 * queue, and whether no queue went without. */
async function spread(context: Context, exchange: string, queues: string[]): Promise<unknown> {
  const { channel } = context;
  const keys = numbered("key", 200);
  await publishAll(channel, exchange, [...keys, ...keys].map((routingKey) => ({ routingKey })));
  const found = await drainAll(channel, queues);
  const pairs = found.map((bodies) => new Set(bodies).size * 2 === bodies.length);
  return {
    messages: found.flat().length,
    keys: new Set(found.flat()).size,
    together: pairs,
    used: found.map((bodies) => bodies.length > 0),
  };
}

const EVENLY = { messages: 400, keys: 200, together: [true, true], used: [true, true] };

/** What is hashed when it is not the routing key. */
const HASHED: readonly (readonly [
  name: string,
  arguments_: FieldTable,
  properties: (value: number) => BasicProperties,
])[] = [
  ["a text in a header", { "hash-header": "tenant" }, (value) => ({
    headers: { tenant: `t${value}` },
  })],
  ["a number in a header", { "hash-header": "tenant" }, (value) => ({
    headers: { tenant: value },
  })],
  ["the correlation id", { "hash-property": "correlation_id" }, (value) => ({
    correlationId: `c${value}`,
  })],
  ["the message id", { "hash-property": "message_id" }, (value) => ({ messageId: `m${value}` })],
  ["the timestamp", { "hash-property": "timestamp" }, (value) => ({
    timestamp: new Date(1.7e12 + 1000 * value),
  })],
  ["a header that is missing", { "hash-header": "none" }, () => ({ headers: { other: 1 } })],
  ["headers that are missing", { "hash-header": "none" }, () => ({})],
  ["a property that is missing", { "hash-property": "message_id" }, () => ({})],
];

/** `x-consistent-hash`. */
export const consistentHash: readonly BehaviourCase[] = [
  {
    name: "each key goes to one queue, always the same",
    async run(context) {
      const exchange = await context.exchange("x-consistent-hash");
      const queues = await bindAll(context, exchange, { a: "10", b: "10" });
      return await spread(context, exchange, queues);
    },
    expect: EVENLY,
  },
  {
    name: "a larger weight draws more",
    async run(context) {
      const exchange = await context.exchange("x-consistent-hash");
      const queues = await bindAll(context, exchange, { little: "1", much: "19" });
      const keys = numbered("key", 300).map((routingKey) => ({ routingKey }));
      await publishAll(context.channel, exchange, keys);
      const [little, much] = await drainAll(context.channel, queues);
      return [little!.length + much!.length, little!.length < 60, much!.length > 240];
    },
    expect: [300, true, true],
  },
  {
    name: "what is left takes everything when a queue goes",
    async run(context) {
      const { channel } = context;
      const exchange = await context.exchange("x-consistent-hash");
      const [a, b, c] = await bindAll(context, exchange, { a: "5", b: "5", c: "5" });
      await channel.queueDelete(b!);
      await channel.queueUnbind({ queue: c!, exchange, routingKey: "5" });
      await publishAll(channel, exchange, numbered("k", 30).map((routingKey) => ({ routingKey })));
      return [(await drain(channel, a!)).length, (await drain(channel, c!)).length];
    },
    expect: [30, 0],
  },
  {
    name: "without a binding nothing is routed",
    async run({ channel, exchange }) {
      const source = await exchange("x-consistent-hash");
      await channel.confirmSelect();
      const returned: string[] = [];
      channel.onReturn = ({ replyText }) => void returned.push(replyText);
      await channel.basicPublish({ exchange: source, routingKey: "k", mandatory: true }, "");
      return returned;
    },
    expect: ["NO_ROUTE"],
  },
  {
    name: "it leads to exchanges as well",
    async run(context) {
      const { channel } = context;
      const source = await context.exchange("x-consistent-hash", "source");
      const queues: string[] = [];
      for (const label of ["one", "two"]) {
        const next = await context.exchange("fanout", label);
        await channel.exchangeBind({ source, destination: next, routingKey: "10" });
        queues.push(...await bindAll(context, next, { [`behind ${label}`]: "" }));
      }
      return await spread(context, source, queues);
    },
    expect: EVENLY,
  },
  ...HASHED.map(([name, arguments_, properties]): BehaviourCase => ({
    name: `${name} decides when it is told so`,
    async run(context) {
      const exchange = await context.exchange("x-consistent-hash", "exchange", {
        arguments: arguments_,
      });
      const queues = await bindAll(context, exchange, { a: "10", b: "10", c: "10" });
      const values = numbered("value", 60).map((_, index) => index);
      await publishAll(
        context.channel,
        exchange,
        values.flatMap((value) =>
          ["x", "y"].map((key) => ({
            routingKey: `${value} ${key}`,
            properties: properties(value),
          }))
        ),
      );
      const found = await drainAll(context.channel, queues);
      const together = found.every((bodies) =>
        bodies.every((body) => bodies.includes(body.replace(/.$/, body.endsWith("x") ? "y" : "x")))
      );
      return [found.flat().length, together, found.filter((bodies) => bodies.length > 0).length];
    },
    expect: [120, true, name.includes("missing") ? 1 : 3],
  })),
  ...(["", "ten", "1.5", "0", "-1", "10001"] as const).map((weight): BehaviourCase => ({
    name: `a weight "${weight}" is refused`,
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("x-consistent-hash"), await queue()];
      return await outcome(
        channel.queueBind({ queue: bound, exchange: source, routingKey: weight }),
      );
    },
    expect: [406, `PRECONDITION_FAILED - ${refusedWeight(weight)}`, "queue.bind"],
  })),
  {
    name: "an exchange's weight is looked at as well",
    async run({ channel, exchange }) {
      const [source, next] = [
        await exchange("x-consistent-hash"),
        await exchange("fanout", "next"),
      ];
      return await outcome(
        channel.exchangeBind({ source, destination: next, routingKey: "much" }),
      );
    },
    expect: [
      406,
      `PRECONDITION_FAILED - The binding key must be an integer: <<"much">>`,
      "exchange.bind",
    ],
  },
  {
    name: "it hashes a header or a property, not both",
    run: ({ channel, name }) =>
      attempt(() =>
        channel.exchangeDeclare(name("exchange"), "x-consistent-hash", {
          arguments: { "hash-header": "h", "hash-property": "message_id" },
        })
      ),
    expect: [
      406,
      "PRECONDITION_FAILED - hash-header and hash-property are mutually exclusive",
      "exchange.declare",
    ],
  },
  {
    name: "a property that it does not know is refused",
    run: ({ channel, name }) =>
      attempt(() =>
        channel.exchangeDeclare(name("exchange"), "x-consistent-hash", {
          arguments: { "hash-property": "app_id" },
        })
      ),
    expect: [406, "PRECONDITION_FAILED - Unsupported property: app_id", "exchange.declare"],
  },
];

function refusedWeight(weight: string): string {
  if (weight === "") return "The binding key must be an integer: <<>>";
  if (!/^-?\d+$/.test(weight)) return `The binding key must be an integer: <<"${weight}">>`;
  return Number(weight) < 1
    ? "The binding key must be greater than 0"
    : "The binding key must not exceed 10000";
}

/** `x-random` and `x-modulus-hash`. */
export const oneOfMany: readonly BehaviourCase[] = [
  {
    name: "a random exchange brings each message to one queue",
    async run(context) {
      const exchange = await context.exchange("x-random");
      const queues = await bindAll(context, exchange, { a: "a", b: "b" });
      const messages = numbered("key", 200).map((routingKey) => ({ routingKey }));
      await publishAll(context.channel, exchange, messages);
      const found = await drainAll(context.channel, queues);
      return [new Set(found.flat()).size, found.map((bodies) => bodies.length > 20)];
    },
    expect: [200, [true, true]],
  },
  {
    name: "a random exchange does not go by the key",
    async run(context) {
      const exchange = await context.exchange("x-random");
      const queues = await bindAll(context, exchange, { a: "k", b: "other" });
      await publishAll(context.channel, exchange, Array(200).fill({ routingKey: "k" }));
      const found = await drainAll(context.channel, queues);
      return [found.flat().length, found.map((bodies) => bodies.length > 20)];
    },
    expect: [200, [true, true]],
  },
  {
    name: "a local random exchange brings each message to one queue",
    async run(context) {
      const exchange = await context.exchange("x-local-random");
      const queues = await bindAll(context, exchange, { a: "", b: "" });
      await publishAll(context.channel, exchange, Array(200).fill({ routingKey: "k" }));
      const found = await drainAll(context.channel, queues);
      return [found.flat().length, found.map((bodies) => bodies.length > 20)];
    },
    expect: [200, [true, true]],
  },
  {
    name: "a local random exchange takes no binding key",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("x-local-random"), await queue()];
      return await attempt(() =>
        channel.queueBind({ queue: bound, exchange: source, routingKey: "k" })
      );
    },
    expect: [406, "PRECONDITION_FAILED - Non empty binding 'k' key not permitted", "queue.bind"],
  },
  ...["quorum", "stream"].map((type): BehaviourCase => ({
    name: `a local random exchange takes no ${type} queue`,
    async run({ channel, exchange, queue }) {
      const source = await exchange("x-local-random");
      const bound = await queue("queue", {
        durable: true,
        exclusive: false,
        arguments: { "x-queue-type": type },
      });
      return await attempt(() => channel.queueBind({ queue: bound, exchange: source }));
    },
    expect: [
      406,
      `PRECONDITION_FAILED - Queue type rabbit_${type}_queue not valid for this exchange type`,
      "queue.bind",
    ],
  })),
  {
    name: "a modulus hash exchange brings each key to one queue, always the same",
    async run(context) {
      const exchange = await context.exchange("x-modulus-hash");
      const queues = await bindAll(context, exchange, { a: "", b: "" });
      return await spread(context, exchange, queues);
    },
    expect: EVENLY,
  },
  {
    name: "a modulus hash exchange without a binding routes nothing",
    async run({ channel, exchange }) {
      const source = await exchange("x-modulus-hash");
      await channel.confirmSelect();
      const returned: string[] = [];
      channel.onReturn = ({ replyText }) => void returned.push(replyText);
      await channel.basicPublish({ exchange: source, routingKey: "k", mandatory: true }, "");
      return returned;
    },
    expect: ["NO_ROUTE"],
  },
];

/** `x-recent-history`. */
export const recentHistory: readonly BehaviourCase[] = [
  {
    name: "it brings every message to every queue",
    async run(context) {
      const exchange = await context.exchange("x-recent-history");
      const queues = await bindAll(context, exchange, { a: "x", b: "y" });
      await publishAll(context.channel, exchange, [{ routingKey: "k" }]);
      return await drainAll(context.channel, queues);
    },
    expect: [["k"], ["k"]],
  },
  {
    name: "a queue that is bound gets the last 20 messages",
    async run(context) {
      const exchange = await context.exchange("x-recent-history");
      const keys = numbered("m", 25);
      await publishAll(context.channel, exchange, keys.map((routingKey) => ({ routingKey })));
      const [late] = await bindAll(context, exchange, { late: "" });
      await publishAll(context.channel, exchange, [{ routingKey: "after" }]);
      return await drain(context.channel, late!);
    },
    expect: [...numbered("m", 25).slice(5), "after"],
  },
  {
    name: "its length is an argument",
    async run(context) {
      const exchange = await context.exchange("x-recent-history", "exchange", {
        arguments: { "x-recent-history-length": 3 },
      });
      const keys = numbered("m", 7);
      await publishAll(context.channel, exchange, keys.map((routingKey) => ({ routingKey })));
      return await drainAll(context.channel, await bindAll(context, exchange, { a: "", b: "" }));
    },
    expect: [["m-4", "m-5", "m-6"], ["m-4", "m-5", "m-6"]],
  },
  {
    name: "each binding of a queue brings them again",
    async run(context) {
      const { channel } = context;
      const exchange = await context.exchange("x-recent-history");
      await publishAll(channel, exchange, [{ routingKey: "m" }]);
      const [queue] = await bindAll(context, exchange, { queue: "one" });
      await channel.queueBind({ queue: queue!, exchange, routingKey: "two" });
      await channel.queueBind({ queue: queue!, exchange, routingKey: "two" });
      return await drain(channel, queue!);
    },
    expect: ["m", "m"],
  },
  {
    name: "a message may ask not to be remembered",
    async run(context) {
      const exchange = await context.exchange("x-recent-history");
      await publishAll(context.channel, exchange, [
        { routingKey: "kept" },
        ...[true, false, "true"].map((value) => ({
          routingKey: `${typeof value} ${value}`,
          properties: { headers: { "x-recent-history-no-store": value } },
        })),
      ]);
      const [late] = await bindAll(context, exchange, { late: "" });
      return await drain(context.channel, late!);
    },
    expect: ["kept", "boolean false", "string true"],
  },
  {
    name: "what it remembers is as it was published",
    async run(context) {
      const exchange = await context.exchange("x-recent-history");
      await publishAll(context.channel, exchange, [{
        routingKey: "k",
        properties: { messageId: "m", headers: { h: [1, "x"] } },
      }]);
      const [late] = await bindAll(context, exchange, { late: "" });
      const got = await context.channel.basicGet(late!, { noAck: true });
      const { messageId, headers } = got!.properties;
      return [got!.exchange, got!.routingKey, messageId, headers?.h, got!.redelivered];
    },
    expect: ["exchange", "k", "m", [1, "x"], false],
  },
  {
    name: "an exchange that is bound passes them on",
    async run(context) {
      const { channel } = context;
      const exchange = await context.exchange("x-recent-history");
      const next = await context.exchange("topic", "next");
      const [bound] = await bindAll(context, next, { bound: "#" });
      await publishAll(channel, exchange, [{ routingKey: "a.1" }, { routingKey: "a.2" }]);
      await channel.exchangeBind({ source: exchange, destination: next });
      return await drain(channel, bound!);
    },
    expect: ["a.1", "a.2"],
  },
  {
    name: "what comes through another exchange is remembered",
    async run(context) {
      const { channel } = context;
      const first = await context.exchange("direct", "first");
      const exchange = await context.exchange("x-recent-history");
      await channel.exchangeBind({ source: first, destination: exchange, routingKey: "k" });
      await publishAll(channel, first, [{ routingKey: "k" }, { routingKey: "k" }]);
      const [late] = await bindAll(context, exchange, { late: "" });
      return await drain(channel, late!);
    },
    expect: ["k", "k"],
  },
  {
    name: "an exchange that is declared again after its end remembers nothing",
    async run(context) {
      const { channel } = context;
      const exchange = await context.exchange("x-recent-history");
      await publishAll(channel, exchange, [{ routingKey: "k" }]);
      await channel.exchangeDelete(exchange);
      await channel.exchangeDeclare(exchange, "x-recent-history");
      const [late] = await bindAll(context, exchange, { late: "" });
      return await drain(channel, late!);
    },
    expect: [],
  },
  ...([[0, "0"], [-5, "-5"], ["5", `<<"5">>`], [true, "true"], [1.5, "1.5"]] as const).map((
    [length, printed],
  ): BehaviourCase => ({
    name: `a length of ${typeof length} ${length} is refused`,
    run: ({ channel, name }) =>
      attempt(() =>
        channel.exchangeDeclare(name("exchange"), "x-recent-history", {
          arguments: { "x-recent-history-length": length },
        })
      ),
    expect: [
      406,
      `PRECONDITION_FAILED - Invalid argument ${printed}, 'x-recent-history-length' must be a ` +
      "positive integer",
      "exchange.declare",
    ],
  })),
];
