import { Decimal } from "../../broker/amqp/field_table.ts";
import type { FieldValue } from "../../broker/amqp/field_table.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";
import type { BehaviourCase } from "../support/harness.ts";

const LONGEST = "ü".repeat(127) + "x";

/** Properties that must arrive as they were sent. */
const SENT: Readonly<Record<string, BasicProperties>> = {
  "none": {},
  "a content type": { contentType: "application/json" },
  "a content encoding": { contentEncoding: "gzip" },
  "empty headers": { headers: {} },
  "a delivery mode of 1": { deliveryMode: 1 },
  "a delivery mode of 2": { deliveryMode: 2 },
  "a delivery mode that there is not": { deliveryMode: 9 },
  "a priority of 0": { priority: 0 },
  "a priority of 255": { priority: 255 },
  "a correlation id": { correlationId: "c-1" },
  "a reply-to": { replyTo: "somewhere" },
  "an expiration": { expiration: "3600000" },
  "a message id": { messageId: "m-1" },
  "a timestamp": { timestamp: new Date(1_700_000_000_000) },
  "a type": { type: "t" },
  "a user id": { userId: "guest" },
  "an app id": { appId: "app" },
  "a cluster id": { clusterId: "cluster" },
  "empty texts": { contentType: "", correlationId: "", messageId: "", appId: "" },
  "texts of 255 octets": { contentType: LONGEST, messageId: LONGEST, type: LONGEST },
  "all of them": {
    contentType: "text/plain",
    contentEncoding: "utf-8",
    headers: { one: 1 },
    deliveryMode: 2,
    priority: 5,
    correlationId: "c",
    replyTo: "r",
    expiration: "3600000",
    messageId: "m",
    timestamp: new Date(1_234_567_890_000),
    type: "t",
    userId: "guest",
    appId: "a",
    clusterId: "k",
  },
};

/** Header values, and what arrives when it is not the same. */
const VALUES: readonly (readonly [name: string, sent: FieldValue, arrives?: FieldValue])[] = [
  ["true", true],
  ["false", false],
  ["zero", 0],
  ["a small integer", 42],
  ["a negative integer", -1],
  ["the largest integer of 32 bits", 2_147_483_647],
  ["the smallest integer of 32 bits", -2_147_483_648],
  ["an integer of 53 bits", Number.MAX_SAFE_INTEGER],
  ["a negative integer of 53 bits", Number.MIN_SAFE_INTEGER],
  ["an integer of 64 bits", 2n ** 63n - 1n],
  ["the smallest integer of 64 bits", -(2n ** 63n)],
  ["a small bigint, which comes as a number", 7n, 7],
  ["a fraction", 0.1],
  ["a huge number", 1e300],
  ["infinity", Infinity],
  ["not a number", NaN],
  ["a text", "text"],
  ["an empty text", ""],
  ["a text of other letters", "žluťoučký 🐇 \0 kůň"],
  ["a long text", "x".repeat(10_000)],
  ["bytes", new Uint8Array([0, 1, 254, 255])],
  ["no bytes", new Uint8Array()],
  ["a time", new Date(1_600_000_000_000)],
  [
    "a time of a fraction of a second, which is cut",
    new Date(1_600_000_000_999),
    new Date(1_600_000_000_000),
  ],
  ["void", null],
  ["a decimal", new Decimal(2, 31_415)],
  ["an empty array", []],
  ["a mixed array", [1, "two", 3.5, true, null, [4], { five: 5 }]],
  ["an empty table", {}],
  ["a nested table", { a: { b: { c: [{ d: 1 }] } } }],
];

/** Properties and headers on their way through the broker. */
export const properties: readonly BehaviourCase[] = [
  ...Object.entries(SENT).map(([name, sent]): BehaviourCase => ({
    name: `${name} arrives as sent`,
    async run({ channel, queue }) {
      const queueName = await queue();
      await channel.basicPublish({ routingKey: queueName, properties: sent }, "");
      return (await channel.basicGet(queueName))?.properties;
    },
    expect: sent,
  })),
  ...VALUES.map(([name, sent, arrives = sent]): BehaviourCase => ({
    name: `a header may be ${name}`,
    async run({ channel, queue }) {
      const queueName = await queue();
      const headers = { before: 1, value: sent, after: "2" };
      await channel.basicPublish({ routingKey: queueName, properties: { headers } }, "");
      return (await channel.basicGet(queueName))?.properties.headers;
    },
    expect: { before: 1, value: arrives, after: "2" },
  })),
  {
    name: "headers keep their order, and any name will do",
    async run({ channel, queue }) {
      const queueName = await queue();
      const headers = { z: 1, a: 2, "": 3, "with space": 4, ["ü".repeat(127)]: 5, x: 6 };
      await channel.basicPublish({ routingKey: queueName, properties: { headers } }, "");
      return Object.entries((await channel.basicGet(queueName))?.properties.headers ?? {});
    },
    expect: [["z", 1], ["a", 2], ["", 3], ["with space", 4], ["ü".repeat(127), 5], ["x", 6]],
  },
  {
    name: "every receiver has headers of its own",
    async run({ channel, exchange, queue }) {
      const source = await exchange("fanout");
      const queues = [await queue("a"), await queue("b")];
      for (const bound of queues) await channel.queueBind({ queue: bound, exchange: source });
      const headers = { list: [1, 2] };
      await channel.basicPublish({ exchange: source, properties: { headers } }, "");
      headers.list.push(3);
      const one = await channel.basicGet(queues[0]!);
      (one!.properties.headers as { list: number[] }).list.push(4);
      return (await channel.basicGet(queues[1]!))?.properties;
    },
    expect: { headers: { list: [1, 2] } },
  },
];
