import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { Decimal, Double } from "../../broker/amqp/field_table.ts";
import type { BehaviourCase } from "../support/harness.ts";
import { drain, fill } from "./observe.ts";

const TOPIC_KEYS = [
  "",
  ".",
  "a",
  "a.b",
  "b.a",
  "a.b.c",
  "a..b",
  "a.",
  ".a",
  "a.b.a.b",
  "*",
  "#",
  "A",
];

/** Binding key of a topic exchange, and which of the keys above it matches. */
const TOPICS: readonly (readonly [bindingKey: string, matched: readonly string[]])[] = [
  ["", [""]],
  ["#", TOPIC_KEYS],
  ["*", ["a", "*", "#", "A"]],
  ["a", ["a"]],
  ["*.*", [".", "a.b", "b.a", "a.", ".a"]],
  ["a.*", ["a.b", "a."]],
  ["*.a", ["b.a", ".a"]],
  ["a.#", ["a", "a.b", "a.b.c", "a..b", "a.", "a.b.a.b"]],
  ["#.a", ["a", "b.a", ".a"]],
  ["#.b", ["a.b", "a..b", "a.b.a.b"]],
  ["a.#.b", ["a.b", "a..b", "a.b.a.b"]],
  ["#.b.#", ["a.b", "b.a", "a.b.c", "a..b", "a.b.a.b"]],
  ["#.*", TOPIC_KEYS.filter((key) => key !== "")],
  ["*.#", TOPIC_KEYS.filter((key) => key !== "")],
  ["#.#", TOPIC_KEYS],
  ["*.*.*", ["a.b.c", "a..b"]],
  ["a.*.b", ["a..b"]],
  ["a..b", ["a..b"]],
  ["a.", ["a."]],
  ["a*", []],
  ["a#", []],
];

/** Messages by their headers; the name is what comes out. */
const HEADERS: Readonly<Record<string, FieldTable | undefined>> = {
  none: undefined,
  empty: {},
  a1: { a: 1 },
  a2: { a: 2 },
  a1b2: { a: 1, b: 2 },
  b2: { b: 2 },
  aText: { a: "1" },
  aFloat: { a: 1.5 },
  aLong: { a: 1n },
  aTrue: { a: true },
  aVoid: { a: null },
  xA: { "x-a": 1 },
  xAa1: { "x-a": 1, a: 1 },
};

/** Arguments of a binding to a headers exchange, and which of the messages above it matches. */
const MATCHES: readonly (readonly [
  name: string,
  arguments_: FieldTable,
  matched: readonly string[],
])[] = [
  ["all of one header, whatever the integer's width", { "x-match": "all", a: 1 }, [
    "a1",
    "a1b2",
    "aLong",
    "xAa1",
  ]],
  ["all of two headers", { "x-match": "all", a: 1, b: 2 }, ["a1b2"]],
  ["all when nothing is said", { a: 1, b: 2 }, ["a1b2"]],
  ["any of two headers", { "x-match": "any", a: 1, b: 2 }, [
    "a1",
    "a1b2",
    "b2",
    "aLong",
    "xAa1",
  ]],
  ["all of no headers matches everything", { "x-match": "all" }, Object.keys(HEADERS)],
  ["no arguments match everything", {}, Object.keys(HEADERS)],
  ["any of no headers matches nothing", { "x-match": "any" }, []],
  ["a text is not a number", { a: "1" }, ["aText"]],
  ["a boolean is not a number", { a: true }, ["aTrue"]],
  ["a fraction", { a: 1.5 }, ["aFloat"]],
  ["void stands for any value", { a: null }, [
    "a1",
    "a2",
    "a1b2",
    "aText",
    "aFloat",
    "aLong",
    "aTrue",
    "aVoid",
    "xAa1",
  ]],
  ["all leaves headers out that begin with x-", { "x-match": "all", "x-a": 9, a: 1 }, [
    "a1",
    "a1b2",
    "aLong",
    "xAa1",
  ]],
  ["any leaves them out too", { "x-match": "any", "x-a": 1 }, []],
  ["all-with-x looks at them", { "x-match": "all-with-x", "x-a": 1, a: 1 }, ["xAa1"]],
  ["any-with-x looks at them", { "x-match": "any-with-x", "x-a": 1, b: 2 }, [
    "a1b2",
    "b2",
    "xA",
    "xAa1",
  ]],
];

/** Values that are compared as a whole: binding, message, whether they are equal. */
const VALUES: readonly (readonly [
  name: string,
  bound: FieldTable,
  sent: FieldTable,
  matches: boolean,
])[] = [
  ["an equal table", { v: { a: 1, b: "x" } }, { v: { a: 1, b: "x" } }, true],
  ["another table", { v: { a: 1 } }, { v: { a: 2 } }, false],
  ["an equal array", { v: [1, "a", true] }, { v: [1, "a", true] }, true],
  ["an array in another order", { v: [1, 2] }, { v: [2, 1] }, false],
  ["an equal time", { v: new Date(1e12) }, { v: new Date(1e12) }, true],
  ["another time", { v: new Date(1e12) }, { v: new Date(2e12) }, false],
  ["equal bytes", { v: new Uint8Array([1, 255]) }, { v: new Uint8Array([1, 255]) }, true],
  ["a text and its bytes", { v: "aä" }, { v: new Uint8Array([97, 0xc3, 0xa4]) }, true],
  ["an equal decimal", { v: new Decimal(2, 314) }, { v: new Decimal(2, 314) }, true],
  ["a decimal of other digits", { v: new Decimal(2, 314) }, { v: new Decimal(3, 3140) }, false],
  ["a large integer", { v: 2n ** 60n }, { v: 2n ** 60n }, true],
  ["a large integer and its neighbour", { v: 2n ** 60n }, { v: 2n ** 60n + 1n }, false],
  ["a whole double", { v: new Double(1) }, { v: new Double(1) }, true],
  ["an integer and the same double", { v: 1 }, { v: new Double(1) }, false],
  ["a double and the same integer", { v: new Double(1) }, { v: 1 }, false],
  ["a large integer and the same double", { v: 2n ** 60n }, { v: new Double(2 ** 60) }, false],
  ["a fraction and the same double", { v: 1.5 }, { v: new Double(1.5) }, true],
  ["an integer and the same double in a table", { v: [{ a: 1 }] }, {
    v: [{ a: new Double(1) }],
  }, false],
  ["a 32-bit integer and the same of 64", { v: 1 }, { v: 1n }, true],
  ["a boolean and its text", { v: true }, { v: "true" }, false],
  ["a table and an empty one", { v: {} }, { v: { a: 1 } }, false],
  ["an empty text", { v: "" }, { v: "" }, true],
  ["void and nothing", { v: null }, {}, false],
  ["true and false", { v: true }, { v: false }, false],
];

/** How each type of exchange finds queues. */
export const routing: readonly BehaviourCase[] = [
  {
    name: "the default exchange goes by the queue's name",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      await fill(channel, one, "for-one");
      await fill(channel, two, "for-two");
      return [await drain(channel, one), await drain(channel, two)];
    },
    expect: [["for-one"], ["for-two"]],
  },
  {
    name: "the default exchange does not know a deleted queue's name",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "old");
      await channel.queueDelete(name);
      await fill(channel, name, "lost");
      await channel.queueDeclare(name);
      return await drain(channel, name);
    },
    expect: [],
  },
  {
    name: "direct takes the same key only",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("direct"), await queue()];
      await channel.queueBind({ queue: bound, exchange: source, routingKey: "a.*" });
      for (const routingKey of ["a.*", "a.b", "A.*", "", "a.* "]) {
        await channel.basicPublish({ exchange: source, routingKey }, routingKey);
      }
      return await drain(channel, bound);
    },
    expect: ["a.*"],
  },
  {
    name: "direct brings one message to all queues of its key",
    async run({ channel, exchange, queue }) {
      const source = await exchange("direct");
      const queues = [await queue("a"), await queue("b"), await queue("c")];
      for (const bound of queues) {
        await channel.queueBind({ queue: bound, exchange: source, routingKey: "k" });
      }
      await channel.basicPublish({ exchange: source, routingKey: "k" }, "to all");
      return await Promise.all(queues.map((bound) => drain(channel, bound)));
    },
    expect: [["to all"], ["to all"], ["to all"]],
  },
  {
    name: "fanout looks at no key",
    async run({ channel, exchange, queue }) {
      const source = await exchange("fanout");
      const queues = [await queue("a"), await queue("b")];
      for (const [index, bound] of queues.entries()) {
        await channel.queueBind({ queue: bound, exchange: source, routingKey: `${index}` });
      }
      await channel.basicPublish({ exchange: source, routingKey: "any" }, "to all");
      return await Promise.all(queues.map((bound) => drain(channel, bound)));
    },
    expect: [["to all"], ["to all"]],
  },
  {
    name: "a queue bound by several keys gets a fanout's message once",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("fanout"), await queue()];
      for (const routingKey of ["a", "b"]) {
        await channel.queueBind({ queue: bound, exchange: source, routingKey });
      }
      await channel.basicPublish({ exchange: source }, "once");
      await channel.queueUnbind({ queue: bound, exchange: source, routingKey: "a" });
      await channel.basicPublish({ exchange: source }, "still");
      return await drain(channel, bound);
    },
    expect: ["once", "still"],
  },
  ...TOPICS.map(([bindingKey, matched]): BehaviourCase => ({
    name: `topic "${bindingKey}" finds its keys`,
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("topic"), await queue()];
      await channel.queueBind({ queue: bound, exchange: source, routingKey: bindingKey });
      for (const routingKey of TOPIC_KEYS) {
        await channel.basicPublish({ exchange: source, routingKey }, routingKey);
      }
      return await drain(channel, bound);
    },
    expect: matched,
  })),
  {
    name: "topic bindings that come and go do not disturb the others",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("topic"), await queue()];
      const bind = { queue: bound, exchange: source };
      const publish = (routingKey: string, body: string) =>
        channel.basicPublish({ exchange: source, routingKey }, body);
      await channel.queueBind({ ...bind, routingKey: "a.#" });
      await channel.queueBind({ ...bind, routingKey: "a.*.c" });
      await publish("a.b.c", "1");
      await channel.queueUnbind({ ...bind, routingKey: "a.#" });
      await publish("a.b.c", "2");
      await publish("a.b", "lost");
      await channel.queueUnbind({ ...bind, routingKey: "a.*.c" });
      await publish("a.b.c", "lost");
      return await drain(channel, bound);
    },
    expect: ["1", "2"],
  },
  ...MATCHES.map(([name, arguments_, matched]): BehaviourCase => ({
    name: `headers: ${name}`,
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("headers"), await queue()];
      await channel.queueBind({
        queue: bound,
        exchange: source,
        routingKey: "not looked at",
        arguments: arguments_,
      });
      for (const [body, headers] of Object.entries(HEADERS)) {
        const properties = headers === undefined ? {} : { headers };
        await channel.basicPublish({ exchange: source, properties }, body);
      }
      return await drain(channel, bound);
    },
    expect: matched,
  })),
  ...VALUES.map(([name, bound, sent, matches]): BehaviourCase => ({
    name: `headers: ${name} ${matches ? "matches" : "does not match"}`,
    async run({ channel, exchange, queue }) {
      const [source, destination] = [await exchange("headers"), await queue()];
      await channel.queueBind({ queue: destination, exchange: source, arguments: bound });
      await channel.basicPublish({ exchange: source, properties: { headers: sent } }, "");
      return (await drain(channel, destination)).length === 1;
    },
    expect: matches,
  })),
];
