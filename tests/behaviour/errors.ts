import { Double, type FieldTable, type FieldValue } from "../../broker/amqp/field_table.ts";
import type { Channel } from "../../client/channel.ts";
import type { ExchangeDeclareOptions, QueueDeclareOptions } from "../../client/channel_options.ts";
import type { BehaviourCase, Context } from "../support/harness.ts";
import { attempt, Collector, fill, type Refusal } from "./observe.ts";

/** Something that the broker refuses, and how. */
interface Refused {
  /** What is done. */
  readonly name: string;
  /** Does it on a channel of its own. */
  readonly provoke: (channel: Channel, context: Context) => Promise<unknown> | undefined;
  /** Reply code, text, and the method that is blamed. */
  readonly reply: Refusal;
}

const NAMES: Readonly<Record<number, string>> = {
  403: "ACCESS_REFUSED",
  404: "NOT_FOUND",
  406: "PRECONDITION_FAILED",
  530: "NOT_ALLOWED",
  540: "NOT_IMPLEMENTED",
};

function reply(code: number, text: string, method: string): Refusal {
  return [code, `${NAMES[code]} - ${text}`, method];
}

/** What only closes the channel. */
const SOFT: readonly Refused[] = [
  // ---- 403
  {
    name: "declaring a queue with a reserved name",
    provoke: (channel) => channel.queueDeclare("amq.foo"),
    reply: reply(
      403,
      "queue name 'amq.foo' contains reserved prefix 'amq.*'",
      "queue.declare",
    ),
  },
  {
    name: "declaring a queue again that the broker named",
    async provoke(channel) {
      const { queue } = await channel.queueDeclare("", { exclusive: true });
      await channel.queueDeclare(queue, { exclusive: true });
    },
    reply: reply(
      403,
      "queue name 'amq.gen-*' contains reserved prefix 'amq.*'",
      "queue.declare",
    ),
  },
  {
    name: "declaring an exchange with a reserved name",
    provoke: (channel) => channel.exchangeDeclare("amq.foo", "direct"),
    reply: reply(
      403,
      "exchange name 'amq.foo' contains reserved prefix 'amq.*'",
      "exchange.declare",
    ),
  },
  {
    name: "deleting an exchange of the broker's own",
    provoke: (channel) => channel.exchangeDelete("amq.topic"),
    reply: reply(
      403,
      "deletion of system exchange 'amq.topic' in vhost '/' not allowed",
      "exchange.delete",
    ),
  },
  {
    name: "deleting an exchange with a reserved name that there is not",
    provoke: (channel) => channel.exchangeDelete("amq.foo"),
    reply: reply(
      403,
      "deletion of system exchange 'amq.foo' in vhost '/' not allowed",
      "exchange.delete",
    ),
  },
  ...defaultExchange([
    ["declaring", "exchange.declare", (channel) => channel.exchangeDeclare("", "direct")],
    [
      "passively declaring",
      "exchange.declare",
      (channel) => channel.exchangeDeclare("", "direct", { passive: true }),
    ],
    ["deleting", "exchange.delete", (channel) => channel.exchangeDelete("")],
    [
      "binding a queue to",
      "queue.bind",
      async (channel, { queue }) =>
        channel.queueBind({ queue: await queue(), exchange: "", routingKey: "k" }),
    ],
    [
      "unbinding a queue from",
      "queue.unbind",
      async (channel, { queue }) => channel.queueUnbind({ queue: await queue(), exchange: "" }),
    ],
    [
      "binding an exchange to",
      "exchange.bind",
      async (channel, { exchange }) =>
        channel.exchangeBind({ source: "", destination: await exchange("direct") }),
    ],
    [
      "binding to an exchange",
      "exchange.bind",
      async (channel, { exchange }) =>
        channel.exchangeBind({ source: await exchange("direct"), destination: "" }),
    ],
    [
      "unbinding an exchange from",
      "exchange.unbind",
      async (channel, { exchange }) =>
        channel.exchangeUnbind({ source: "", destination: await exchange("direct") }),
    ],
    [
      "unbinding from an exchange",
      "exchange.unbind",
      async (channel, { exchange }) =>
        channel.exchangeUnbind({ source: await exchange("direct"), destination: "" }),
    ],
  ]),
  {
    name: "publishing to an internal exchange",
    provoke: async (channel, { exchange }) =>
      channel.basicPublish({ exchange: await exchange("fanout", "inner", { internal: true }) }, ""),
    reply: reply(
      403,
      "cannot publish to internal exchange 'inner' in vhost '/'",
      "basic.publish",
    ),
  },
  {
    name: "publishing to the exchange for traces",
    provoke: (channel) => channel.basicPublish({ exchange: "amq.rabbitmq.trace" }, ""),
    reply: reply(
      403,
      "cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/'",
      "basic.publish",
    ),
  },

  // ---- 404
  ...missing([
    [
      "passively declaring a queue",
      "no queue 'nothing' in vhost '/'",
      "queue.declare",
      (channel, nothing) => channel.queueDeclare(nothing, { passive: true }),
    ],
    [
      "passively declaring an exchange",
      "no exchange 'nothing' in vhost '/'",
      "exchange.declare",
      (channel, nothing) => channel.exchangeDeclare(nothing, "direct", { passive: true }),
    ],
    [
      "consuming",
      "no queue 'nothing' in vhost '/'",
      "basic.consume",
      (channel, nothing) => channel.basicConsume(nothing),
    ],
    [
      "getting",
      "no queue 'nothing' in vhost '/'",
      "basic.get",
      (channel, nothing) => channel.basicGet(nothing),
    ],
    [
      "purging",
      "no queue 'nothing' in vhost '/'",
      "queue.purge",
      (channel, nothing) => channel.queuePurge(nothing),
    ],
    [
      "binding a queue",
      "no queue 'nothing' in vhost '/'",
      "queue.bind",
      (channel, nothing) => channel.queueBind({ queue: nothing, exchange: "amq.direct" }),
    ],
    [
      "binding to an exchange",
      "no exchange 'nothing' in vhost '/'",
      "queue.bind",
      async (channel, nothing, { queue }) =>
        channel.queueBind({ queue: await queue(), exchange: nothing }),
    ],
    [
      "publishing",
      "no exchange 'nothing' in vhost '/'",
      "basic.publish",
      (channel, nothing) => channel.basicPublish({ exchange: nothing }, ""),
    ],
    [
      "publishing as mandatory",
      "no exchange 'nothing' in vhost '/'",
      "basic.publish",
      (channel, nothing) => channel.basicPublish({ exchange: nothing, mandatory: true }, ""),
    ],
    [
      "binding an exchange from",
      "no exchange 'nothing' in vhost '/'",
      "exchange.bind",
      async (channel, nothing, { exchange }) =>
        channel.exchangeBind({ source: nothing, destination: await exchange("direct") }),
    ],
    [
      "binding an exchange to",
      "no exchange 'nothing' in vhost '/'",
      "exchange.bind",
      async (channel, nothing, { exchange }) =>
        channel.exchangeBind({ source: await exchange("direct"), destination: nothing }),
    ],
  ]),
  ...nothingDeclared([
    [
      "binding",
      "queue.bind",
      (channel) => channel.queueBind({ queue: "", exchange: "amq.direct" }),
    ],
    [
      "unbinding",
      "queue.unbind",
      (channel) => channel.queueUnbind({ queue: "", exchange: "amq.direct" }),
    ],
    ["consuming", "basic.consume", (channel) => channel.basicConsume("")],
    ["getting", "basic.get", (channel) => channel.basicGet("")],
    ["purging", "queue.purge", (channel) => channel.queuePurge("")],
    ["deleting", "queue.delete", (channel) => channel.queueDelete("")],
  ]),
  {
    name: "passively declaring a queue without a name",
    provoke: (channel) => channel.queueDeclare("", { passive: true }),
    reply: reply(404, "no queue '' in vhost '/'", "queue.declare"),
  },

  // ---- 406: redeclarations
  ...otherQueue([
    [{ durable: true }, {}, "'durable'", "received 'false' but current is 'true'"],
    [{}, { durable: true }, "'durable'", "received 'true' but current is 'false'"],
    [{ autoDelete: true }, {}, "'auto_delete'", "received 'false' but current is 'true'"],
    [{}, { autoDelete: true }, "'auto_delete'", "received 'true' but current is 'false'"],
    [
      { durable: true, autoDelete: true },
      {},
      "'durable'",
      "received 'false' but current is 'true'",
    ],
  ]),
  ...otherArguments([
    ["x-message-ttl", 60_000, 50_000, "signedint"],
    ["x-expires", 60_000, 50_000, "signedint"],
    ["x-max-length", 10, 20, "signedint"],
    ["x-max-length-bytes", 10, 20, "signedint"],
    ["x-max-priority", 5, 10, "signedint"],
    ["x-overflow", "drop-head", "reject-publish", "longstr"],
    ["x-dead-letter-exchange", "one", "two", "longstr"],
    ["x-single-active-consumer", true, false, "bool"],
    ["x-queue-mode", "lazy", "default", "longstr"],
    ["x-queue-version", 1, 2, "signedint"],
    ["x-message-ttl", 2 ** 37, 2 ** 38, "long"],
  ]),
  ...otherExchange([
    ["fanout", {}, "'type'", "received 'direct' but current is 'fanout'"],
    ["direct", { durable: true }, "'durable'", "received 'false' but current is 'true'"],
    ["direct", { autoDelete: true }, "'auto_delete'", "received 'false' but current is 'true'"],
    ["direct", { internal: true }, "'internal'", "received 'false' but current is 'true'"],
    [
      "direct",
      { arguments: { "alternate-exchange": "other" } },
      "'alternate-exchange'",
      "received none but current is the value 'other' of type 'longstr'",
    ],
  ]),
  {
    name: "redeclaring an exchange with an alternate exchange that it has not",
    provoke: async (channel, { exchange }) =>
      channel.exchangeDeclare(await exchange("direct", "e"), "direct", {
        arguments: { "alternate-exchange": "other" },
      }),
    reply: reply(
      406,
      "inequivalent arg 'alternate-exchange' for exchange 'e' in vhost '/': received the value " +
        "'other' of type 'longstr' but current is none",
      "exchange.declare",
    ),
  },
  {
    name: "redeclaring an exchange with another alternate exchange",
    async provoke(channel, { exchange }) {
      const options = { arguments: { "alternate-exchange": "one" } };
      await channel.exchangeDeclare(await exchange("direct", "e", options), "direct", {
        arguments: { "alternate-exchange": "two" },
      });
    },
    reply: reply(
      406,
      "inequivalent arg 'alternate-exchange' for exchange 'e' in vhost '/': received 'two' but " +
        "current is 'one'",
      "exchange.declare",
    ),
  },
  {
    name: "redeclaring amq.topic as a fanout",
    provoke: (channel) => channel.exchangeDeclare("amq.topic", "fanout", { durable: true }),
    reply: reply(
      406,
      "inequivalent arg 'type' for exchange 'amq.topic' in vhost '/': received 'fanout' but " +
        "current is 'topic'",
      "exchange.declare",
    ),
  },

  // ---- 406: arguments
  ...wrongArguments([
    [{ "x-max-priority": 256 }, "{max_value_exceeded,256}"],
    [{ "x-max-priority": -1 }, "{value_negative,-1}"],
    [{ "x-max-priority": "a" }, '"expected integer, got longstr"'],
    [{ "x-max-priority": 2.5 }, '"expected integer, got double"'],
    [{ "x-max-priority": new Double(2) }, '"expected integer, got double"'],
    [{ "x-message-ttl": new Double(1000) }, '"expected integer, got double"'],
    [{ "x-message-ttl": -1 }, "{value_negative,-1}"],
    [{ "x-message-ttl": "1000" }, '"expected integer, got longstr"'],
    [{ "x-message-ttl": true }, '"expected integer, got bool"'],
    [{ "x-message-ttl": 315_360_000_001 }, "{value_too_large,315360000001}"],
    [{ "x-expires": 0 }, "{value_zero,0}"],
    [{ "x-expires": -5 }, "{value_negative,-5}"],
    [{ "x-expires": null }, '"expected integer, got void"'],
    [{ "x-expires": 315_360_000_001 }, "{value_too_large,315360000001}"],
    [{ "x-max-length": -1 }, "{value_negative,-1}"],
    [{ "x-max-length": [1] }, '"expected integer, got array"'],
    [{ "x-max-length-bytes": -1 }, "{value_negative,-1}"],
    [{ "x-max-length-bytes": { a: 1 } }, '"expected integer, got table"'],
    [{ "x-overflow": "zz" }, "invalid_overflow"],
    [{ "x-overflow": 5 }, "{unacceptable_type,signedint}"],
    [{ "x-dead-letter-routing-key": "k" }, "routing_key_but_no_dlx_defined"],
    [
      { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": 5 },
      "{unacceptable_type,signedint}",
    ],
    [{ "x-single-active-consumer": "yes" }, "{unacceptable_type,longstr}"],
    [{ "x-queue-mode": "eager" }, "\"unsupported queue mode 'eager'\""],
    [{ "x-queue-mode": 1 }, "{unacceptable_type,signedint}"],
    [{ "x-queue-version": 3 }, "\"unsupported queue version '3'\""],
    [{ "x-queue-version": 0 }, "\"unsupported queue version '0'\""],
    [{ "x-queue-version": -1 }, "{value_negative,-1}"],
    [{ "x-queue-type": "zz" }, "\"unsupported queue type 'zz'\""],
    [{ "x-queue-type": 5 }, "{unacceptable_type,signedint}"],
  ]),
  ...unsupportedArguments(["x-quorum-initial-group-size", "x-max-age"]),
  {
    name: "a dead-letter exchange that is not a text",
    provoke: (channel, { name }) =>
      channel.queueDeclare(name("q"), { arguments: { "x-dead-letter-exchange": 5 } }),
    reply: reply(
      406,
      "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'",
      "queue.declare",
    ),
  },
  {
    name: "an alternate exchange that is not a text",
    provoke: (channel, { name }) =>
      channel.exchangeDeclare(name("e"), "direct", { arguments: { "alternate-exchange": 5 } }),
    reply: reply(
      406,
      "invalid type 'signedint' for arg 'alternate-exchange' in exchange 'e' in vhost '/'",
      "exchange.declare",
    ),
  },
  {
    name: "binding to a headers exchange with an unknown x-match",
    provoke: async (channel, { queue }) =>
      channel.queueBind({
        queue: await queue(),
        exchange: "amq.headers",
        arguments: { "x-match": "zz" },
      }),
    reply: reply(
      406,
      'Invalid x-match field value <<"zz">>; expected all, any, all-with-x, or any-with-x',
      "queue.bind",
    ),
  },
  {
    name: "binding to a headers exchange with an x-match that is not a text",
    provoke: async (channel, { queue }) =>
      channel.queueBind({
        queue: await queue(),
        exchange: "amq.headers",
        arguments: { "x-match": 5 },
      }),
    reply: reply(
      406,
      "Invalid x-match field type signedint (value 5); expected longstr",
      "queue.bind",
    ),
  },
  {
    name: "binding an exchange to a headers exchange with an unknown x-match",
    provoke: async (channel, { exchange }) =>
      channel.exchangeBind({
        destination: await exchange("direct"),
        source: "amq.headers",
        arguments: { "x-match": "zz" },
      }),
    reply: reply(
      406,
      'Invalid x-match field value <<"zz">>; expected all, any, all-with-x, or any-with-x',
      "exchange.bind",
    ),
  },
  ...wrongPriorities([["a", "longstr"], [1.5, "double"], [true, "bool"], [null, "void"]]),

  // ---- 406: deletions
  {
    name: "deleting a queue if empty that is not",
    async provoke(channel, { channel: first, queue }) {
      const name = await queue("q");
      await fill(first, name, "1");
      await channel.queueDelete(name, { ifEmpty: true });
    },
    reply: reply(406, "queue 'q' in vhost '/' not empty", "queue.delete"),
  },
  {
    name: "deleting a queue if unused that has a consumer",
    async provoke(channel, { channel: first, queue }) {
      const name = await queue("q");
      await Collector.start(first, name);
      await channel.queueDelete(name, { ifUnused: true });
    },
    reply: reply(406, "queue 'q' in vhost '/' in use", "queue.delete"),
  },
  {
    name: "deleting a queue if empty and unused that is neither",
    async provoke(channel, { channel: first, queue }) {
      const name = await queue("q");
      await first.basicQos({ prefetchCount: 1 });
      await Collector.start(first, name);
      await fill(first, name, "1 2");
      await channel.queueDelete(name, { ifEmpty: true, ifUnused: true });
    },
    reply: reply(406, "queue 'q' in vhost '/' not empty", "queue.delete"),
  },
  {
    name: "deleting an exchange if unused that has a binding",
    async provoke(channel, { channel: first, exchange, queue }) {
      const name = await exchange("direct", "e");
      await first.queueBind({ queue: await queue(), exchange: name });
      await channel.exchangeDelete(name, { ifUnused: true });
    },
    reply: reply(406, "exchange 'e' in vhost '/' in use", "exchange.delete"),
  },

  // ---- 406: properties of messages
  ...wrongExpirations([
    ["abc", "no_integer"],
    ["", "no_integer"],
    [" 1", "no_integer"],
    ["-", "no_integer"],
    ["12x", '{leftover_string,"x"}'],
    ["1.5", '{leftover_string,".5"}'],
    ["1e3", '{leftover_string,"e3"}'],
    ["-1", "{value_negative,-1}"],
    ["315360000001", "{value_too_large,315360000001}"],
    ["999999999999999", "{value_too_large,999999999999999}"],
  ]),
  {
    name: "publishing under somebody else's user id",
    provoke: (channel) => channel.basicPublish({ properties: { userId: "notme" } }, ""),
    reply: reply(
      406,
      "user_id property set to 'notme' but authenticated user was 'guest'",
      "basic.publish",
    ),
  },

  // ---- 406: direct reply-to
  {
    name: "asking for a direct reply without its consumer",
    provoke: (channel) =>
      channel.basicPublish({ properties: { replyTo: "amq.rabbitmq.reply-to" } }, ""),
    reply: reply(406, "fast reply consumer does not exist", "basic.publish"),
  },
  {
    name: "consuming direct replies with acks",
    provoke: (channel) => channel.basicConsume("amq.rabbitmq.reply-to"),
    reply: reply(406, "reply consumer cannot acknowledge", "basic.consume"),
  },
  {
    name: "consuming direct replies twice",
    async provoke(channel) {
      await channel.basicConsume("amq.rabbitmq.reply-to", { noAck: true });
      await channel.basicConsume("amq.rabbitmq.reply-to", { noAck: true });
    },
    reply: reply(406, "reply consumer already set", "basic.consume"),
  },
  {
    name: "getting direct replies",
    provoke: (channel) => channel.basicGet("amq.rabbitmq.reply-to"),
    reply: reply(404, "no queue 'amq.rabbitmq.reply-to' in vhost '/'", "basic.get"),
  },
  {
    name: "binding the name of direct replies",
    provoke: (channel) =>
      channel.queueBind({ queue: "amq.rabbitmq.reply-to", exchange: "amq.direct" }),
    reply: reply(404, "no queue 'amq.rabbitmq.reply-to' in vhost '/'", "queue.bind"),
  },

  // ---- 406: modes of a channel
  {
    name: "selecting transactions where confirms are on",
    async provoke(channel) {
      await channel.confirmSelect();
      await channel.txSelect();
    },
    reply: reply(406, "cannot switch from confirm to tx mode", "tx.select"),
  },
  {
    name: "selecting confirms where transactions are on",
    async provoke(channel) {
      await channel.txSelect();
      await channel.confirmSelect();
    },
    reply: reply(406, "cannot switch from tx to confirm mode", "confirm.select"),
  },
  {
    name: "committing without a transaction",
    provoke: (channel) => channel.txCommit(),
    reply: reply(406, "channel is not transactional", "tx.commit"),
  },
  {
    name: "rolling back without a transaction",
    provoke: (channel) => channel.txRollback(),
    reply: reply(406, "channel is not transactional", "tx.rollback"),
  },
  {
    name: "committing where confirms are on",
    async provoke(channel) {
      await channel.confirmSelect();
      await channel.txCommit();
    },
    reply: reply(406, "channel is not transactional", "tx.commit"),
  },
  {
    name: "declaring an exchange of an unknown type",
    provoke: (channel, { name }) => channel.exchangeDeclare(name("e"), "ZZtype"),
    reply: reply(406, "unknown exchange type 'ZZtype'", "exchange.declare"),
  },
];

/** What closes the connection. */
const HARD: readonly Refused[] = [
  {
    name: "publishing as immediate",
    provoke: (channel) => channel.basicPublish({ immediate: true }, ""),
    reply: reply(540, "immediate=true", "basic.publish"),
  },
  {
    name: "switching flow off",
    provoke: (channel) => channel.channelFlow({ active: false }),
    reply: reply(540, "active=false", "channel.flow"),
  },
  {
    name: "recovering to the same consumers",
    provoke: (channel) => channel.basicRecover({ requeue: false }),
    reply: reply(540, "requeue=false", "basic.recover"),
  },
  {
    name: "limiting deliveries by their size",
    provoke: (channel) => channel.basicQos({ prefetchCount: 1, prefetchSize: 10 }),
    reply: reply(540, "prefetch_size!=0 (10)", "basic.qos"),
  },
  {
    name: "using a consumer tag twice on a channel",
    async provoke(channel, { queue }) {
      const name = await queue();
      await channel.basicConsume(name, { consumerTag: "t" });
      await channel.basicConsume(name, { consumerTag: "t" });
    },
    reply: reply(530, "attempt to reuse consumer tag 't'", "basic.consume"),
  },
  {
    name: "using the tag of the consumer of direct replies",
    async provoke(channel, { queue }) {
      await channel.basicConsume("amq.rabbitmq.reply-to", { consumerTag: "t", noAck: true });
      await channel.basicConsume(await queue(), { consumerTag: "t" });
    },
    reply: reply(530, "attempt to reuse consumer tag 't'", "basic.consume"),
  },
];

/** How the broker refuses, and what is left of the connection then. */
export const errors: readonly BehaviourCase[] = [
  ...SOFT.map((refused) => toCase(refused, "the connection lives")),
  ...HARD.map((refused) => toCase(refused, "the connection is closed")),
];

function toCase({ name, provoke, reply }: Refused, left: string): BehaviourCase {
  return {
    name,
    async run(context) {
      const channel = await context.openChannel();
      const accepted = await attempt(async () => {
        await provoke(channel, context);
        // what is refused without an answer of its own is refused before the next one
        await channel.basicQos({ prefetchCount: 0 });
      });
      const next = await attempt(async () => {
        await (await context.openChannel()).queueDeclare("", { exclusive: true });
      });
      return [accepted, next === "ok" ? "the connection lives" : "the connection is closed"];
    },
    expect: [reply, left],
  };
}

// ---- rows that differ in little

function defaultExchange(
  rows: readonly (readonly [name: string, method: string, provoke: Refused["provoke"]])[],
): Refused[] {
  return rows.map(([name, method, provoke]) => ({
    name: `${name} the default exchange`,
    provoke,
    reply: reply(403, "operation not permitted on the default exchange", method),
  }));
}

function missing(
  rows: readonly (readonly [
    name: string,
    text: string,
    method: string,
    provoke: (channel: Channel, nothing: string, context: Context) => ReturnType<
      Refused["provoke"]
    >,
  ])[],
): Refused[] {
  return rows.map(([name, text, method, provoke]) => ({
    name: `${name} what does not exist`,
    provoke: (channel, context) => provoke(channel, context.name("nothing"), context),
    reply: reply(404, text, method),
  }));
}

function nothingDeclared(
  rows: readonly (readonly [name: string, method: string, provoke: Refused["provoke"]])[],
): Refused[] {
  return rows.map(([name, method, provoke]) => ({
    name: `${name} the queue declared last when there is none`,
    provoke,
    reply: reply(404, "no previously declared queue", method),
  }));
}

function otherQueue(
  rows: readonly (readonly [
    is: QueueDeclareOptions,
    again: QueueDeclareOptions,
    argument: string,
    text: string,
  ])[],
): Refused[] {
  return rows.map(([is, again, argument, text]) => ({
    name: `redeclaring a queue ${words(is)} as one ${words(again)}`,
    provoke: async (channel, { queue }) => channel.queueDeclare(await queue("q", is), again),
    reply: reply(
      406,
      `inequivalent arg ${argument} for queue 'q' in vhost '/': ${text}`,
      "queue.declare",
    ),
  }));
}

/** Each argument left out, added and changed. */
function otherArguments(
  rows: readonly (readonly [name: string, one: FieldValue, two: FieldValue, type: string])[],
): Refused[] {
  const redeclare = (is: FieldTable, again: FieldTable): Refused["provoke"] => {
    return async (channel, { queue }) =>
      channel.queueDeclare(await queue("q", { arguments: is }), { arguments: again });
  };
  const text = (name: string, received: string, current: string) =>
    reply(
      406,
      `inequivalent arg '${name}' for queue 'q' in vhost '/': received ${received} but current ` +
        `is ${current}`,
      "queue.declare",
    );
  return rows.flatMap(([name, one, two, type]) => [
    {
      name: `redeclaring a queue with ${name} ${one} without it`,
      provoke: redeclare({ [name]: one }, {}),
      reply: text(name, "none", `the value '${one}' of type '${type}'`),
    },
    {
      name: `redeclaring a queue without ${name} with ${one}`,
      provoke: redeclare({}, { [name]: one }),
      reply: text(name, `the value '${one}' of type '${type}'`, "none"),
    },
    {
      name: `redeclaring a queue with ${name} ${one} with ${two}`,
      provoke: redeclare({ [name]: one }, { [name]: two }),
      reply: text(name, `'${two}'`, `'${one}'`),
    },
  ]);
}

function otherExchange(
  rows: readonly (readonly [
    type: string,
    options: ExchangeDeclareOptions,
    argument: string,
    text: string,
  ])[],
): Refused[] {
  return rows.map(([type, options, argument, text]) => ({
    name: `redeclaring a ${type} exchange ${words(options)} as a direct one`,
    provoke: async (channel, { exchange }) =>
      channel.exchangeDeclare(await exchange(type, "e", options), "direct"),
    reply: reply(
      406,
      `inequivalent arg ${argument} for exchange 'e' in vhost '/': ${text}`,
      "exchange.declare",
    ),
  }));
}

function wrongArguments(
  rows: readonly (readonly [arguments_: FieldTable, reason: string])[],
): Refused[] {
  return rows.map(([arguments_, reason]) => ({
    name: `declaring a queue ${words(arguments_)}`,
    provoke: (channel, { name }) => channel.queueDeclare(name("q"), { arguments: arguments_ }),
    reply: reply(
      406,
      `invalid arg '${Object.keys(arguments_).at(-1)}' for queue 'q' in vhost '/': ${reason}`,
      "queue.declare",
    ),
  }));
}

function unsupportedArguments(names: readonly string[]): Refused[] {
  return names.map((argument) => ({
    name: `declaring a classic queue with ${argument}`,
    provoke: (channel, { name }) =>
      channel.queueDeclare(name("q"), {
        arguments: { [argument]: argument === "x-max-age" ? "1D" : 1 },
      }),
    reply: reply(
      406,
      `invalid arg '${argument}' for queue 'q' in vhost '/' of queue type rabbit_classic_queue`,
      "queue.declare",
    ),
  }));
}

function wrongPriorities(
  rows: readonly (readonly [priority: FieldValue, type: string])[],
): Refused[] {
  return rows.map(([priority, type]) => ({
    name: `consuming with the priority ${priority}`,
    provoke: async (channel, { queue }) =>
      channel.basicConsume(await queue("q"), { arguments: { "x-priority": priority } }),
    reply: reply(
      406,
      `invalid arg 'x-priority' for queue 'q' in vhost '/': "expected integer, got ${type}"`,
      "basic.consume",
    ),
  }));
}

function wrongExpirations(rows: readonly (readonly [text: string, reason: string])[]): Refused[] {
  return rows.map(([expiration, reason]) => ({
    name: `publishing with the expiration "${expiration}"`,
    provoke: (channel) => channel.basicPublish({ properties: { expiration } }, ""),
    reply: reply(406, `invalid expiration '${expiration}': ${reason}`, "basic.publish"),
  }));
}

function words(options: object): string {
  const text = Deno.inspect(options, { depth: 3, breakLength: Infinity });
  return text === "{}" ? "without anything" : `with ${text}`;
}
