import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import type { Channel } from "../../client/channel.ts";
import type { QueueDeclareOptions } from "../../client/channel_options.ts";
import type { Delivery } from "../../client/delivery.ts";
import type { BehaviourCase, Context } from "../support/harness.ts";
import { Collector, fill, outcome, queueExists, type Refusal } from "./observe.ts";

/** A stream's declaration: what it is called, its options, how it ends. */
const DECLARATIONS: readonly (readonly [
  name: string,
  options: QueueDeclareOptions,
  expect: unknown,
])[] = [
  ["a durable one is made", streamWith({}), "ok"],
  [
    "a transient one is refused",
    { ...streamWith({}), durable: false },
    refused("invalid property 'non-durable' for queue 'queue' in vhost '/'"),
  ],
  [
    "an exclusive one is refused",
    { ...streamWith({}), exclusive: true },
    refused("invalid property 'exclusive-owner' for queue 'queue' in vhost '/'"),
  ],
  [
    "an auto-delete one is refused",
    { ...streamWith({}), autoDelete: true },
    refused("invalid property 'auto-delete' for queue 'queue' in vhost '/'"),
  ],
  ["one of some age is made", streamWith({ "x-max-age": "7D" }), "ok"],
  ["one of some size is made", streamWith({ "x-max-length-bytes": 1_000_000_000 }), "ok"],
  ["one of small segments is made", streamWith({ "x-stream-max-segment-size-bytes": 1000 }), "ok"],
  ["one of a cluster size is made", streamWith({ "x-initial-cluster-size": 1 }), "ok"],
  ["one with a small filter is made", streamWith({ "x-stream-filter-size-bytes": 16 }), "ok"],
  ["one with a large filter is made", streamWith({ "x-stream-filter-size-bytes": 255 }), "ok"],
  [
    "one with a filter that is too small is refused",
    streamWith({ "x-stream-filter-size-bytes": 15 }),
    refused("Invalid value for x-stream-filter-size-bytes"),
  ],
  [
    "one with a filter that is too large is refused",
    streamWith({ "x-stream-filter-size-bytes": 256 }),
    refused("Invalid value for x-stream-filter-size-bytes"),
  ],
  [
    "one of segments that are too large is refused",
    streamWith({ "x-stream-max-segment-size-bytes": 3_000_000_001 }),
    refused("Exceeded max value for x-stream-max-segment-size-bytes"),
  ],
  ...["1week", "0s", "1.5D", "D"].map((age) =>
    [
      `one of the age ${age} is refused`,
      streamWith({ "x-max-age": age }),
      refused("invalid arg 'x-max-age' for queue 'queue' in vhost '/': invalid_max_age"),
    ] as const
  ),
  ...([
    ["x-message-ttl", 1],
    ["x-expires", 1],
    ["x-max-length", 1],
    ["x-max-priority", 1],
    ["x-overflow", "drop-head"],
    ["x-dead-letter-exchange", ""],
    ["x-single-active-consumer", true],
    ["x-delivery-limit", 1],
  ] as const).map(([argument, value]) =>
    [
      `one with ${argument} is refused`,
      streamWith({ [argument]: value }),
      refused(
        `invalid arg '${argument}' for queue 'queue' in vhost '/' of queue type rabbit_stream_queue`,
      ),
    ] as const
  ),
];

/** Where a consumer begins in a stream of the messages 0 to 4, before 5 and 6 come. */
const STARTS: readonly (readonly [name: string, offset: FieldValue | undefined, first: number])[] =
  [
    ["the first", "first", 0],
    ["the next by default", undefined, 5],
    ["the next", "next", 5],
    ["an offset", 2, 2],
    ["an offset as a long", 3n ** 3n - 23n, 4],
    ["the offset that comes next", 5, 5],
    ["an offset that is not there yet", 6, 6],
    ["an offset before all others", -3, 0],
    ["a time before all others", new Date(1000), 0],
    ["a time that is to come", new Date(4_000_000_000_000), 5],
    ["an hour ago", "1h", 0],
    ["some years ago", "3Y", 0],
  ];

function streamWith(arguments_: FieldTable): QueueDeclareOptions {
  return { durable: true, arguments: { "x-queue-type": "stream", ...arguments_ } };
}

function refused(reason: string, method = "queue.declare"): Refusal {
  return [406, `PRECONDITION_FAILED - ${reason}`, method];
}

function notImplemented(reason: string, method: string): Refusal {
  return [540, `NOT_IMPLEMENTED - ${reason}`, method];
}

/** A channel of its own that reads a stream. */
async function read(
  { openChannel }: Context,
  stream: string,
  arguments_: FieldTable,
  prefetchCount = 100,
): Promise<Collector> {
  const channel = await openChannel();
  await channel.basicQos({ prefetchCount });
  return await Collector.start(channel, stream, { arguments: arguments_ });
}

/** What came, each with its offset. */
function offsets(deliveries: readonly Delivery[]): string[] {
  return deliveries.map((delivery) =>
    `${delivery.properties.headers?.["x-stream-offset"]}: ${delivery.text()}` +
    (delivery.redelivered ? " again" : "")
  );
}

async function consumeOutcome(
  { openChannel }: Context,
  queue: string,
  options: { arguments?: FieldTable; noAck?: boolean; global?: boolean; prefetchCount?: number },
): Promise<"ok" | Refusal> {
  const { global = false, prefetchCount = 10, ...consumeOptions } = options;
  const channel = await openChannel();
  if (prefetchCount > 0) await channel.basicQos({ prefetchCount, global });
  return await outcome(channel.basicConsume(queue, consumeOptions));
}

/** What a settlement leads to: with room for two, each gives room for one more. */
function settlement(
  name: string,
  settle: (delivery: Delivery, channel: Channel) => unknown,
): BehaviourCase {
  return {
    name: `${name} gives room for one more and brings nothing back`,
    async run({ channel, openChannel, queue }) {
      const stream = await queue("queue", streamWith({}));
      await fill(channel, stream, "0 1 2 3 4");
      const other = await openChannel();
      await other.basicQos({ prefetchCount: 2 });
      const options = { arguments: { "x-stream-offset": "first" } };
      const collector = await Collector.start(other, stream, options);
      for (let count = 2; count < 5; count++) {
        await collector.until(count);
        await settle(collector.deliveries[count - 2]!, other);
      }
      await collector.until(5);
      return offsets(collector.deliveries);
    },
    expect: ["0: 0", "1: 1", "2: 2", "3: 3", "4: 4"],
  };
}

/** A filter, and what comes of the messages a, b, c and one without a value. */
function filtered(
  name: string,
  arguments_: FieldTable,
  expect: readonly string[],
): BehaviourCase {
  return {
    name: `a consumer gets ${name}`,
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      await channel.confirmSelect();
      const publish = (value: string | undefined, body: string) => {
        const headers: FieldTable = value === undefined ? {} : { "x-stream-filter-value": value };
        return channel.basicPublish({ routingKey: stream, properties: { headers } }, body);
      };
      for (const value of ["a", "b", undefined, "c", "a"]) await publish(value, value ?? "none");
      const behind = await read(context, stream, { ...arguments_, "x-stream-offset": "first" });
      const atTail = await read(context, stream, arguments_);
      for (const value of ["c", "b", undefined]) await publish(value, value ?? "none");
      await publish("a", "end");
      const until = async (collector: Collector) => {
        let count = 1;
        while (!(await collector.until(count)).includes("end")) count++;
        return offsets(collector.deliveries);
      };
      return [await until(behind), await until(atTail)];
    },
    expect: [expect, expect.filter((text) => Number(text.split(":")[0]) >= 5)],
  };
}

/** Streams: messages that stay where they are when they were read. */
export const streams: readonly BehaviourCase[] = [
  ...DECLARATIONS.map(([name, options, expect]): BehaviourCase => ({
    name,
    run: ({ channel, name }) => outcome(channel.queueDeclare(name("queue"), options)),
    expect,
  })),
  {
    name: "one without a name is refused",
    run: ({ channel }) => outcome(channel.queueDeclare("", streamWith({}))),
    expect: refused("Cannot declare a server-named queue for type rabbit_stream_queue"),
  },
  {
    name: "its age may be said in another way when it is declared again",
    async run({ channel, queue }) {
      const name = await queue("queue", streamWith({ "x-max-age": "24h" }));
      return await outcome(channel.queueDeclare(name, streamWith({ "x-max-age": "1D" })));
    },
    expect: "ok",
  },
  {
    name: "it may be declared again as it is, and not in another way",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", streamWith({ "x-max-age": "1D" }));
      return [
        await outcome(channel.queueDeclare(name, streamWith({ "x-max-age": "1D" }))),
        await outcome((await openChannel()).queueDeclare(name, streamWith({ "x-max-age": "2D" }))),
        await outcome((await openChannel()).queueDeclare(name, { durable: true })),
      ];
    },
    expect: [
      "ok",
      refused(
        "inequivalent arg 'x-max-age' for queue 'queue' in vhost '/': received '2D' but current " +
          "is '1D'",
      ),
      refused(
        "inequivalent arg 'x-queue-type' for queue 'queue' in vhost '/': received none but " +
          "current is the value 'stream' of type 'longstr'",
      ),
    ],
  },
  ...STARTS.map(([name, offset, first]): BehaviourCase => ({
    name: `a consumer may begin at ${name}`,
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      await fill(channel, stream, "0 1 2 3 4");
      const arguments_: FieldTable = offset === undefined ? {} : { "x-stream-offset": offset };
      const collector = await read(context, stream, arguments_);
      await fill(channel, stream, "5 6");
      await collector.until(7 - first);
      return offsets(collector.deliveries);
    },
    expect: ["0: 0", "1: 1", "2: 2", "3: 3", "4: 4", "5: 5", "6: 6"].slice(first),
  })),
  {
    name: "a consumer that begins at the last chunk gets the last message",
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      await fill(channel, stream, "0 1 2");
      const collector = await read(context, stream, { "x-stream-offset": "last" });
      while (!(await collector.until(1)).includes("2")) {
        await collector.until(collector.deliveries.length + 1);
      }
      return offsets(collector.deliveries).at(-1);
    },
    expect: "2: 2",
  },
  {
    name: "a consumer may begin in an empty one, wherever it wants",
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      const collectors: Collector[] = [];
      for (const offset of ["first", "last", "next", "1h", new Date(0)]) {
        collectors.push(await read(context, stream, { "x-stream-offset": offset }));
      }
      await fill(channel, stream, "0 1");
      return await Promise.all(collectors.map((collector) => collector.until(2)));
    },
    expect: [["0", "1"], ["0", "1"], ["0", "1"], ["0", "1"], ["0", "1"]],
  },
  ...([
    ["a name that there is not", "middle", `{longstr,<<"middle">>}`],
    ["an interval without a unit", "12", `{longstr,<<"12">>}`],
    ["no interval", "0s", `{longstr,<<"0s">>}`],
  ] as const).map(([name, offset, printed]): BehaviourCase => ({
    name: `a consumer may not begin at ${name}`,
    async run(context) {
      const stream = await context.queue("queue", streamWith({}));
      const arguments_ = { "x-stream-offset": offset };
      return await consumeOutcome(context, stream, { arguments: arguments_ });
    },
    expect: refused(
      "invalid arg 'x-stream-offset' for queue 'queue' in vhost '/': " +
        `{invalid_stream_offset_arg,${printed}}`,
      "basic.consume",
    ),
  })),
  {
    name: "each consumer reads for itself, and all of them get everything",
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      await fill(channel, stream, "0 1 2");
      const one = await read(context, stream, { "x-stream-offset": "first" });
      const two = await read(context, stream, { "x-stream-offset": "first" }, 1);
      const three = await read(context, stream, { "x-stream-offset": 2 });
      await fill(channel, stream, "3 4");
      await one.until(5);
      for (let count = 1; count <= 5; count++) {
        await two.until(count);
        two.deliveries[count - 1]!.ack();
      }
      await three.until(3);
      return [one, two, three].map(({ deliveries }) => offsets(deliveries));
    },
    expect: [
      ["0: 0", "1: 1", "2: 2", "3: 3", "4: 4"],
      ["0: 0", "1: 1", "2: 2", "3: 3", "4: 4"],
      ["2: 2", "3: 3", "4: 4"],
    ],
  },
  {
    name: "what was read and acked can be read again, and does not count as redelivered",
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      await fill(channel, stream, "0 1");
      const seen: string[][] = [];
      for (let time = 0; time < 2; time++) {
        const collector = await read(context, stream, { "x-stream-offset": "first" });
        await collector.until(2);
        for (const delivery of collector.deliveries) delivery.ack();
        seen.push(offsets(collector.deliveries));
      }
      return seen;
    },
    expect: [["0: 0", "1: 1"], ["0: 0", "1: 1"]],
  },
  settlement("ack", (delivery) => delivery.ack()),
  settlement("nack", (delivery) => delivery.nack({ requeue: true })),
  settlement("nack without requeue", (delivery) => delivery.nack({ requeue: false })),
  settlement("reject", (delivery) => delivery.reject({ requeue: true })),
  settlement("recover", (_, channel) => channel.basicRecover({ requeue: true })),
  {
    name: "many are read with little room",
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      await fill(channel, stream, Array.from({ length: 700 }, (_, index) => index).join(" "));
      const collector = await read(context, stream, { "x-stream-offset": "first" }, 10);
      for (let count = 1; count <= 700; count++) {
        await collector.until(count);
        collector.deliveries[count - 1]!.ack();
      }
      return collector.deliveries.every((delivery, index) => delivery.text() === `${index}`);
    },
    expect: true,
  },
  {
    name: "a message keeps its address and properties and gets its offset",
    async run(context) {
      const { channel, queue, exchange } = context;
      const stream = await queue("queue", streamWith({}));
      const source = await exchange("topic");
      await channel.queueBind({ queue: stream, exchange: source, routingKey: "a.*" });
      await channel.confirmSelect();
      const properties = [
        {},
        { contentType: "text/plain", contentEncoding: "none", deliveryMode: 1, messageId: "m" },
        { headers: { one: 1, "x-stream-offset": 99 }, deliveryMode: 2, type: "t" },
        { headers: { text: "x" }, correlationId: "c", priority: 3 },
      ];
      for (const each of properties) {
        await channel.basicPublish({ exchange: source, routingKey: "a.b", properties: each }, "");
      }
      const collector = await read(context, stream, { "x-stream-offset": "first" });
      await collector.until(4);
      return collector.deliveries.map(({ exchange, routingKey, properties }) => ({
        exchange,
        routingKey,
        properties,
      }));
    },
    expect: [
      { headers: { "x-stream-offset": 0 } },
      {
        contentType: "text/plain",
        contentEncoding: "none",
        deliveryMode: 1,
        messageId: "m",
        headers: { "x-stream-offset": 1 },
      },
      { headers: { one: 1, "x-stream-offset": 2 }, deliveryMode: 2, type: "t" },
      {
        headers: { text: "x", "x-stream-offset": 3 },
        correlationId: "c",
        priority: 3,
      },
    ].map((properties) => ({ exchange: "exchange", routingKey: "a.b", properties })),
  },
  {
    name: "a message keeps a list and a table among its headers",
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      const headers = { list: [1, "two"], table: { three: 3 } };
      await channel.confirmSelect();
      await channel.basicPublish({ routingKey: stream, properties: { headers } }, "");
      const collector = await read(context, stream, { "x-stream-offset": "first" });
      await collector.until(1);
      return collector.deliveries[0]!.properties;
    },
    expect: { headers: { list: [1, "two"], table: { three: 3 }, "x-stream-offset": 0 } },
  },
  {
    name: "large bodies are read as they were",
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      const sizes = [0, 5000, 70_000, 2_000_000, 3];
      await channel.confirmSelect();
      for (const size of sizes) {
        await channel.basicPublish({ routingKey: stream }, new Uint8Array(size).fill(size % 251));
      }
      const collector = await read(context, stream, { "x-stream-offset": "first" });
      await collector.until(sizes.length);
      return collector.deliveries.map(({ body }) =>
        body.every((byte) => byte === body.length % 251) ? body.length : "changed"
      );
    },
    expect: [0, 5000, 70_000, 2_000_000, 3],
  },
  {
    name: "a transaction publishes to one",
    async run(context) {
      const { channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      await channel.txSelect();
      channel.basicPublish({ routingKey: stream }, "0");
      channel.basicPublish({ routingKey: stream }, "1");
      await channel.txCommit();
      const collector = await read(context, stream, { "x-stream-offset": "first" });
      await collector.until(2);
      return offsets(collector.deliveries);
    },
    expect: ["0: 0", "1: 1"],
  },
  {
    name: "a consumer must have a prefetch limit",
    async run(context) {
      const stream = await context.queue("queue", streamWith({}));
      return await consumeOutcome(context, stream, { prefetchCount: 0 });
    },
    expect: refused(
      "consumer prefetch count is not set for stream queue 'queue' in vhost '/'",
      "basic.consume",
    ),
  },
  {
    name: "a consumer must ack",
    async run(context) {
      const stream = await context.queue("queue", streamWith({}));
      return await consumeOutcome(context, stream, { noAck: true });
    },
    expect: notImplemented(
      "automatic acknowledgement not supported by stream queue 'queue' in vhost '/'",
      "basic.consume",
    ),
  },
  {
    name: "a limit for the whole channel is none for a consumer",
    async run(context) {
      const stream = await context.queue("queue", streamWith({}));
      return await consumeOutcome(context, stream, { global: true });
    },
    expect: refused(
      "consumer prefetch count is not set for stream queue 'queue' in vhost '/'",
      "basic.consume",
    ),
  },
  {
    name: "a limit for the whole channel beside that of the consumer is refused",
    async run(context) {
      const stream = await context.queue("queue", streamWith({}));
      const channel = await context.openChannel();
      await channel.basicQos({ prefetchCount: 10 });
      await channel.basicQos({ prefetchCount: 10, global: true });
      return await outcome(channel.basicConsume(stream));
    },
    expect: notImplemented(
      "queue 'queue' in vhost '/' does not support global qos",
      "basic.consume",
    ),
  },
  {
    name: "it does not know exclusive consumers",
    async run({ openChannel, queue }) {
      const stream = await queue("queue", streamWith({}));
      const answers: unknown[] = [];
      for (let time = 0; time < 2; time++) {
        const channel = await openChannel();
        await channel.basicQos({ prefetchCount: 1 });
        answers.push(await outcome(channel.basicConsume(stream, { exclusive: true })));
      }
      return answers;
    },
    expect: ["ok", "ok"],
  },
  {
    name: "a consumer has no priority",
    async run(context) {
      const stream = await context.queue("queue", streamWith({}));
      return await consumeOutcome(context, stream, { arguments: { "x-priority": 1 } });
    },
    expect: refused(
      "invalid arg 'x-priority' for queue 'queue' in vhost '/' of queue type rabbit_stream_queue",
      "basic.consume",
    ),
  },
  ...["classic", "quorum"].map((type): BehaviourCase => ({
    name: `a ${type} queue has no offsets`,
    async run(context) {
      const queue = await context.queue("queue", {
        durable: true,
        arguments: { "x-queue-type": type },
      });
      const arguments_ = { "x-stream-offset": "first" };
      return await consumeOutcome(context, queue, { arguments: arguments_ });
    },
    expect: refused(
      "invalid arg 'x-stream-offset' for queue 'queue' in vhost '/' of queue type " +
        `rabbit_${type}_queue`,
      "basic.consume",
    ),
  })),
  {
    name: "nothing can be taken out of one",
    async run({ openChannel, queue }) {
      const stream = await queue("queue", streamWith({}));
      return await outcome((await openChannel()).basicGet(stream));
    },
    expect: notImplemented(
      "basic.get not supported by stream queues queue 'queue' in vhost '/'",
      "basic.get",
    ),
  },
  {
    name: "it cannot be purged",
    async run({ openChannel, queue }) {
      const stream = await queue("queue", streamWith({}));
      return await outcome((await openChannel()).queuePurge(stream));
    },
    expect: notImplemented(
      "queue.purge not supported by stream queues queue 'queue' in vhost '/'",
      "queue.purge",
    ),
  },
  {
    name: "deleting it cancels its consumers",
    async run(context) {
      const { connection, channel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      const collector = await read(context, stream, {});
      await channel.queueDelete(stream);
      await collector.cancelled();
      return await queueExists(connection, stream);
    },
    expect: false,
  },
  ...([
    ["if unused", { ifUnused: true }],
    ["if empty", { ifEmpty: true }],
  ] as const).map(([name, options]): BehaviourCase => ({
    name: `it is deleted although it is not, when that is asked for ${name}`,
    async run(context) {
      const { channel, connection, queue } = context;
      const stream = await queue("queue", streamWith({}));
      await fill(channel, stream, "0 1");
      await read(context, stream, {});
      return [await channel.queueDelete(stream, options), await queueExists(connection, stream)];
    },
    expect: [{ messageCount: 0 }, false],
  })),
  {
    name: "a cancelled consumer gets nothing more",
    async run(context) {
      const { channel, openChannel, queue } = context;
      const stream = await queue("queue", streamWith({}));
      const other = await openChannel();
      await other.basicQos({ prefetchCount: 10 });
      const collector = await Collector.start(other, stream);
      await fill(channel, stream, "0");
      await collector.until(1);
      await collector.consumer.cancel();
      await fill(channel, stream, "1");
      const next = await read(context, stream, { "x-stream-offset": 1 });
      await next.until(1);
      return [offsets(collector.deliveries), offsets(next.deliveries)];
    },
    expect: [["0: 0"], ["1: 1"]],
  },
  filtered("what has the value it wants", { "x-stream-filter": "a" }, ["0: a", "4: a", "8: end"]),
  filtered("what has one of its values", { "x-stream-filter": ["a", "b"] }, [
    "0: a",
    "1: b",
    "4: a",
    "6: b",
    "8: end",
  ]),
  filtered("what has no value too, if it wants that", {
    "x-stream-filter": "a",
    "x-stream-match-unfiltered": true,
  }, ["0: a", "2: none", "4: a", "7: none", "8: end"]),
];
