import type { FieldTable } from "../../broker/amqp/field_table.ts";
import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase, Context } from "../support/harness.ts";
import {
  Collector,
  confirmation,
  counts,
  deadTo,
  deathsOf,
  drain,
  fill,
  headersOf,
  letPass,
  outcome,
  quorumWith,
  settled,
  take,
  untilReady,
  withArguments,
} from "./observe.ts";

const SHORT_MS = 30;

/** Rejects the next message of a queue, for good. */
async function reject(channel: Channel, queue: string): Promise<void> {
  (await take(channel, queue)).reject({ requeue: false });
}

/** Waits for a message in a queue and takes it. */
async function await1(channel: Channel, queue: string) {
  await untilReady(channel, queue, 1);
  return await take(channel, queue);
}

/** What a message says when it has died in this way. */
function tells(
  name: string,
  arguments_: FieldTable,
  kill: (context: Context, queue: string) => Promise<void>,
  reason: string,
): BehaviourCase {
  return {
    name,
    async run(context) {
      const { channel, exchange, queue } = context;
      const [source, target] = [await exchange("topic", "source"), await exchange("fanout", "dlx")];
      const dead = await queue("dead");
      await channel.queueBind({ queue: dead, exchange: target });
      const dlx = { "x-dead-letter-exchange": target };
      const name = await queue("queue", withArguments({ ...arguments_, ...dlx }));
      await channel.queueBind({ queue: name, exchange: source, routingKey: "a.*" });
      await channel.basicPublish({ exchange: source, routingKey: "a.b" }, "body");
      await kill(context, name);
      const message = await await1(channel, dead);
      const { exchange: from, routingKey, redelivered } = message;
      return [message.text(), from, routingKey, redelivered, headersOf(message)];
    },
    expect: ["body", "dlx", "a.b", false, {
      "x-death": [{
        count: 1,
        exchange: "source",
        queue: "queue",
        reason,
        "routing-keys": ["a.b"],
        time: "just now",
      }],
      "x-first-death-exchange": "source",
      "x-first-death-queue": "queue",
      "x-first-death-reason": reason,
    }],
  };
}

/** A message with properties dies of this; what arrives of them? */
const PROPERTIES = {
  contentType: "text/plain",
  contentEncoding: "utf-8",
  headers: { mine: 1, list: ["a", { b: true }] },
  deliveryMode: 1,
  priority: 3,
  correlationId: "c",
  replyTo: "r",
  messageId: "m",
  timestamp: new Date(1_600_000_000_000),
  type: "t",
  appId: "a",
};

/** Dead messages, published once more. */
export const deadLetter: readonly BehaviourCase[] = [
  tells("a rejected message tells so", {}, async ({ channel }, queue) => {
    await untilReady(channel, queue, 1);
    await reject(channel, queue);
  }, "rejected"),
  tells("a nacked message tells that it was rejected", {}, async ({ channel }, queue) => {
    await untilReady(channel, queue, 1);
    channel.basicNack((await take(channel, queue)).deliveryTag, { multiple: true, requeue: false });
  }, "rejected"),
  tells("a message that was too old tells so", { "x-message-ttl": SHORT_MS }, async () => {
  }, "expired"),
  tells("a message that was too many tells so", { "x-max-length": 0 }, async () => {
  }, "maxlen"),
  {
    name: "properties, other headers and body stay as they are",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      await channel.basicPublish({ routingKey: name, properties: PROPERTIES }, "body");
      const message = await await1(channel, dead);
      const { headers = {}, ...properties } = message.properties;
      return [message.text(), properties, headers["mine"], headers["list"]];
    },
    expect: [
      "body",
      Object.fromEntries(Object.entries(PROPERTIES).filter(([name]) => name !== "headers")),
      1,
      ["a", { b: true }],
    ],
  },
  {
    name: "the last death is told as well",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const middle = await queue("middle", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      const name = await queue("queue", withArguments(deadTo(middle)));
      await fill(channel, name, "1");
      await reject(channel, name);
      const { headers = {} } = (await await1(channel, dead)).properties;
      return ["exchange", "queue", "reason"].flatMap((what) => [
        headers[`x-first-death-${what}`],
        headers[`x-last-death-${what}`],
      ]);
    },
    expect: ["", "", "queue", "middle", "rejected", "maxlen"],
  },
  {
    name: "the expiration goes, and is told where it was",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments(deadTo(dead)));
      const properties = { expiration: `${SHORT_MS}`, messageId: "m" };
      await channel.basicPublish({ routingKey: name, properties }, "1");
      const message = await await1(channel, dead);
      const { "x-death": deaths } = headersOf(message) as FieldTable;
      const { headers: _, ...others } = message.properties;
      return [deaths, others];
    },
    expect: [[{
      "original-expiration": `${SHORT_MS}`,
      count: 1,
      exchange: "",
      queue: "queue",
      reason: "expired",
      "routing-keys": ["queue"],
      time: "just now",
    }], { messageId: "m" }],
  },
  {
    name: "the expiration is told too when the message died of something else",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      await channel.basicPublish({ routingKey: name, properties: { expiration: "60000" } }, "1");
      const message = await await1(channel, dead);
      const [death] = message.properties.headers?.["x-death"] as FieldTable[];
      return [death?.["original-expiration"], message.properties.expiration];
    },
    expect: ["60000", undefined],
  },
  {
    name: "it goes to a queue by its name through the default exchange",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments(deadTo(dead)));
      await fill(channel, name, "1");
      await reject(channel, name);
      const { exchange, routingKey } = await await1(channel, dead);
      return [exchange, routingKey];
    },
    expect: ["", "dead"],
  },
  {
    name: "it keeps its routing key if there is none for it",
    async run({ channel, exchange, queue }) {
      const [source, dlx] = [await exchange("fanout", "source"), await exchange("direct", "dlx")];
      const [dead, other] = [await queue("dead"), await queue("other")];
      await channel.queueBind({ queue: dead, exchange: dlx, routingKey: "key" });
      await channel.queueBind({ queue: other, exchange: dlx, routingKey: "other" });
      const name = await queue("queue", withArguments({ "x-dead-letter-exchange": dlx }));
      await channel.queueBind({ queue: name, exchange: source });
      await channel.basicPublish({ exchange: source, routingKey: "key" }, "1");
      await channel.basicPublish({ exchange: source, routingKey: "other" }, "2");
      await channel.basicPublish({ exchange: source, routingKey: "lost" }, "3");
      await untilReady(channel, name, 3);
      for (let count = 0; count < 3; count++) await reject(channel, name);
      await untilReady(channel, name, 0);
      return [await drain(channel, dead), await drain(channel, other)];
    },
    expect: [["1"], ["2"]],
  },
  {
    name: "it goes to an internal exchange too",
    async run({ channel, exchange, queue }) {
      const dlx = await exchange("fanout", "dlx", { internal: true });
      const dead = await queue("dead");
      await channel.queueBind({ queue: dead, exchange: dlx });
      const name = await queue("queue", withArguments({ "x-dead-letter-exchange": dlx }));
      await fill(channel, name, "1");
      await reject(channel, name);
      await untilReady(channel, dead, 1);
      return await drain(channel, dead);
    },
    expect: ["1"],
  },
  {
    name: "it goes the way of the alternate exchange",
    async run({ channel, exchange, queue }) {
      const other = await exchange("fanout", "other");
      const dlx = await exchange("direct", "dlx", { arguments: { "alternate-exchange": other } });
      const dead = await queue("dead");
      await channel.queueBind({ queue: dead, exchange: other });
      const name = await queue("queue", withArguments({ "x-dead-letter-exchange": dlx }));
      await fill(channel, name, "1");
      await reject(channel, name);
      const { exchange: told } = await await1(channel, dead);
      return told;
    },
    expect: "dlx",
  },
  {
    name: "it is lost where there is no exchange, and not when there is one by then",
    async run({ channel, name, queue }) {
      const dlx = name("dlx");
      const limited = await queue("queue", withArguments({ "x-dead-letter-exchange": dlx }));
      await fill(channel, limited, "1 2");
      await reject(channel, limited);
      await settled(limited, channel);
      await channel.exchangeDeclare(dlx, "fanout");
      const dead = await queue("dead");
      await channel.queueBind({ queue: dead, exchange: dlx });
      await reject(channel, limited);
      await untilReady(channel, dead, 1);
      return await drain(channel, dead);
    },
    expect: ["2"],
  },
  {
    name: "it is lost where no queue is bound",
    async run({ channel, exchange, queue }) {
      const dlx = await exchange("fanout", "dlx");
      const name = await queue("queue", withArguments({ "x-dead-letter-exchange": dlx }));
      await fill(channel, name, "1");
      await reject(channel, name);
      await settled(name, channel);
      return await counts(channel, name);
    },
    expect: "0 ready, 0 consumers",
  },
  {
    name: "without an exchange for it a dead message is lost",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      await reject(channel, name);
      return await drain(channel, name);
    },
    expect: ["2"],
  },
  {
    name: "several queues may get it, each once",
    async run({ channel, exchange, queue }) {
      const dlx = await exchange("topic", "dlx");
      const [one, two] = [await queue("one"), await queue("two")];
      for (const routingKey of ["#", "a.*"]) {
        for (const name of [one, two]) {
          await channel.queueBind({ queue: name, exchange: dlx, routingKey });
        }
      }
      const arguments_ = { "x-dead-letter-exchange": dlx, "x-dead-letter-routing-key": "a.b" };
      const name = await queue("queue", withArguments(arguments_));
      await fill(channel, name, "1");
      await reject(channel, name);
      await untilReady(channel, one, 1);
      await untilReady(channel, two, 1);
      return [await drain(channel, one), await drain(channel, two)];
    },
    expect: [["1"], ["1"]],
  },
  {
    name: "many that are rejected at once arrive in their order",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments(deadTo(dead)));
      await fill(channel, name, "1 2 3 4 5");
      let last = 0;
      for (let count = 0; count < 4; count++) last = (await take(channel, name)).deliveryTag;
      channel.basicNack(last, { multiple: true, requeue: false });
      await untilReady(channel, dead, 4);
      return [await drain(channel, dead), await drain(channel, name)];
    },
    expect: [["1", "2", "3", "4"], ["5"]],
  },
  {
    name: "messages that are purged or deleted with their queue are not dead letters",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments(deadTo(dead)));
      await fill(channel, name, "1");
      await channel.queuePurge(name);
      await fill(channel, name, "2");
      await channel.queueDelete(name);
      await settled(dead, channel);
      return await counts(channel, dead);
    },
    expect: "0 ready, 0 consumers",
  },
  {
    name: "a message that is rejected when its queue is gone is lost",
    async run({ channel, openChannel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments(deadTo(dead)));
      await fill(channel, name, "1");
      const other = await openChannel();
      const delivery = await take(other, name);
      await channel.queueDelete(name);
      delivery.reject({ requeue: false });
      await settled(dead, other);
      return await counts(channel, dead);
    },
    expect: "0 ready, 0 consumers",
  },
  {
    name: "persistent messages stay persistent",
    async run({ channel, queue }) {
      const dead = await queue("dead", { durable: true });
      const name = await queue("queue", {
        durable: true,
        arguments: { "x-max-length": 0, ...deadTo(dead) },
      });
      await channel.basicPublish({ routingKey: name, properties: { deliveryMode: 2 } }, "1");
      const { properties } = await await1(channel, dead);
      return properties.deliveryMode;
    },
    expect: 2,
  },
  {
    name: "large bodies arrive whole",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      const body = Uint8Array.from({ length: 1_500_000 }, (_, index) => index * 31 + (index >> 8));
      await channel.basicPublish({ routingKey: name }, body);
      const message = await await1(channel, dead);
      return message.body.length === body.length &&
        message.body.every((octet, index) => octet === body[index]);
    },
    expect: true,
  },

  // ---- several deaths
  {
    name: "deaths in two queues are told, the latest first",
    async run({ channel, queue }) {
      const last = await queue("last");
      const second = await queue("second", withArguments({ "x-max-length": 0, ...deadTo(last) }));
      const first = await queue("first", withArguments(deadTo(second)));
      await fill(channel, first, "1");
      await reject(channel, first);
      const message = await await1(channel, last);
      return headersOf(message);
    },
    expect: {
      "x-death": [{
        count: 1,
        exchange: "",
        queue: "second",
        reason: "maxlen",
        "routing-keys": ["second"],
        time: "just now",
      }, {
        count: 1,
        exchange: "",
        queue: "first",
        reason: "rejected",
        "routing-keys": ["first"],
        time: "just now",
      }],
      "x-first-death-exchange": "",
      "x-first-death-queue": "first",
      "x-first-death-reason": "rejected",
    },
  },
  {
    name: "deaths of the same kind in one queue are counted, and come to the front",
    async run({ channel, queue }) {
      const name = await queue("queue");
      const wait = await queue(
        "wait",
        withArguments({ "x-message-ttl": SHORT_MS, ...deadTo(name) }),
      );
      const work = await queue("work", withArguments(deadTo(wait)));
      await channel.queueDelete(name);
      await channel.queueDeclare(name, withArguments(deadTo(work)));
      const told: string[][] = [];
      await fill(channel, work, "1");
      for (let round = 0; round < 2; round++) {
        const first = await await1(channel, work);
        told.push(deathsOf(first));
        first.reject({ requeue: false });
        const second = await await1(channel, name);
        told.push(deathsOf(second));
        second.reject({ requeue: false });
      }
      told.push(deathsOf(await await1(channel, work)));
      return told;
    },
    expect: [
      [],
      ["wait expired 1", "work rejected 1"],
      ["queue rejected 1", "wait expired 1", "work rejected 1"],
      ["wait expired 2", "work rejected 2", "queue rejected 1"],
      ["queue rejected 2", "wait expired 2", "work rejected 2"],
    ],
  },
  {
    name: "one queue and two reasons are two entries",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments(deadTo(dead)));
      await fill(channel, name, "1");
      await reject(channel, name);
      const message = await await1(channel, dead);
      const headers = message.properties.headers ?? {};
      const properties = { headers, expiration: `${SHORT_MS}` };
      await channel.basicPublish({ routingKey: name, properties }, "1");
      return deathsOf(await await1(channel, dead));
    },
    expect: ["queue expired 1", "queue rejected 1"],
  },
  {
    name: "a message that a consumer retries by rejecting comes back each time",
    async run({ channel, exchange, queue }) {
      const [again, retry] = [await exchange("fanout", "again"), await exchange("fanout", "retry")];
      const work = await queue("work", withArguments({ "x-dead-letter-exchange": retry }));
      const wait = await queue(
        "wait",
        withArguments({ "x-message-ttl": SHORT_MS, "x-dead-letter-exchange": again }),
      );
      await channel.queueBind({ queue: work, exchange: again });
      await channel.queueBind({ queue: wait, exchange: retry });
      await channel.basicPublish({ exchange: again, routingKey: "job" }, "1");
      const collector = await Collector.start(channel, work);
      for (let time = 1; time <= 3; time++) {
        await collector.until(time);
        collector.deliveries.at(-1)!.reject({ requeue: false });
      }
      await collector.until(4);
      const last = collector.deliveries.at(-1)!;
      return [collector.bodies, deathsOf(last), last.exchange, last.routingKey];
    },
    expect: [
      ["1", "1", "1", "1"],
      ["wait expired 3", "work rejected 3"],
      "again",
      "job",
    ],
  },
  {
    name: "a story that a client tells goes on",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      const headers = {
        "x-death": [
          { count: 7n, reason: "maxlen", queue: name, exchange: "e", "routing-keys": ["k"] },
          { count: 2n, reason: "rejected", queue: "another", exchange: "e", "routing-keys": ["k"] },
        ],
      };
      await channel.basicPublish({ routingKey: name, properties: { headers } }, "1");
      return deathsOf(await await1(channel, dead));
    },
    expect: ["queue maxlen 8", "another rejected 2"],
  },
  {
    name: "of a story that a client tells, deaths without a count are none",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      const place = { exchange: "e", "routing-keys": ["k"] };
      const headers = {
        "x-death": [
          { reason: "maxlen", queue: name, ...place },
          { count: 2n, reason: "rejected", queue: "another", ...place },
          { count: "2", reason: "expired", queue: "another", ...place },
        ],
      };
      await channel.basicPublish({ routingKey: name, properties: { headers } }, "1");
      return deathsOf(await await1(channel, dead));
    },
    expect: ["queue maxlen 1", "another rejected 2"],
  },
  {
    name: "a story that makes no sense begins anew",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      const headers = { "x-death": "never" };
      await channel.basicPublish({ routingKey: name, properties: { headers } }, "1");
      return deathsOf(await await1(channel, dead));
    },
    expect: ["queue maxlen 1"],
  },

  // ---- circles
  {
    name: "a message does not come back to where it died without a client's doing",
    async run({ connection, channel, exchange, queue }) {
      const dlx = await exchange("fanout", "dlx");
      const other = await queue("other");
      const name = await queue(
        "queue",
        withArguments({ "x-message-ttl": SHORT_MS, "x-dead-letter-exchange": dlx }),
      );
      for (const target of [name, other]) await channel.queueBind({ queue: target, exchange: dlx });
      await fill(channel, name, "1");
      await untilReady(channel, other, 1);
      await letPass(connection, 2 * SHORT_MS);
      return [await counts(channel, name), await drain(channel, other)];
    },
    expect: ["0 ready, 0 consumers", ["1"]],
  },
  {
    name: "a circle of two queues is cut",
    async run({ connection, channel, name, queue }) {
      const [ping, pong] = [name("ping"), name("pong")];
      await queue("unused");
      const ttl = { "x-message-ttl": SHORT_MS };
      await channel.queueDeclare(ping, withArguments({ ...ttl, ...deadTo(pong) }));
      await channel.queueDeclare(pong, withArguments({ ...ttl, ...deadTo(ping) }));
      await fill(channel, ping, "1");
      await letPass(connection, 5 * SHORT_MS);
      // on a busy machine it may still be on its way
      for (const one of [ping, pong]) await untilReady(channel, one, 0);
      await letPass(connection, 5 * SHORT_MS);
      return [await counts(channel, ping), await counts(channel, pong)];
    },
    expect: ["0 ready, 0 consumers", "0 ready, 0 consumers"],
  },
  {
    name: "a full queue does not get back what it dropped",
    async run({ channel, name }) {
      const itself = name("queue");
      await channel.queueDeclare(itself, withArguments({ "x-max-length": 2, ...deadTo(itself) }));
      await fill(channel, itself, "1 2 3");
      await settled(itself, channel);
      return await drain(channel, itself);
    },
    expect: ["2", "3"],
  },
  {
    name: "a queue gets back what a client rejected, if it is told so",
    async run({ channel, name }) {
      const itself = name("queue");
      await channel.queueDeclare(itself, withArguments(deadTo(itself)));
      await fill(channel, itself, "1 2");
      await reject(channel, itself);
      await untilReady(channel, itself, 2);
      const [one, two] = [await take(channel, itself), await take(channel, itself)];
      return [one.text(), deathsOf(one), two.text(), two.redelivered, deathsOf(two)];
    },
    expect: ["2", [], "1", false, ["queue rejected 1"]],
  },
  {
    name: "a circle with a rejection in it goes on after it was cut by none",
    async run({ channel, queue, name }) {
      const wait = name("wait");
      const work = await queue("work", withArguments(deadTo(wait)));
      await channel.queueDeclare(
        wait,
        withArguments({ "x-message-ttl": SHORT_MS, ...deadTo(work) }),
      );
      await channel.basicPublish({ routingKey: wait }, "1");
      await (await await1(channel, work)).reject({ requeue: false });
      return deathsOf(await await1(channel, work));
    },
    expect: ["wait expired 2", "work rejected 1"],
  },

  // ---- further routing keys
  {
    name: "the keys in CC count for a dead message, and are told",
    async run({ channel, exchange, queue }) {
      const dlx = await exchange("direct", "dlx");
      const [one, two] = [await queue("one"), await queue("two")];
      const name = await queue("queue", withArguments({ "x-dead-letter-exchange": dlx }));
      await channel.queueBind({ queue: one, exchange: dlx, routingKey: name });
      await channel.queueBind({ queue: two, exchange: dlx, routingKey: "copy" });
      const properties = { headers: { CC: ["copy"] } };
      await channel.basicPublish({ routingKey: name, properties }, "1");
      await untilReady(channel, name, 1);
      await reject(channel, name);
      const [first, second] = [await await1(channel, one), await await1(channel, two)];
      const { CC, "x-death": deaths } = headersOf(second) as Record<string, FieldTable[]>;
      return [first.routingKey, second.routingKey, CC, deaths?.[0]?.["routing-keys"]];
    },
    expect: ["queue", "queue", ["copy"], ["queue", "copy"]],
  },
  {
    name: "a key for dead messages stands for those in CC too, which goes",
    async run({ channel, queue }) {
      const [dead, copies] = [await queue("dead"), await queue("copies")];
      const name = await queue("queue", withArguments(deadTo(dead)));
      const properties = { headers: { CC: [copies], mine: 1 } };
      await channel.basicPublish({ routingKey: name, properties }, "1");
      await untilReady(channel, copies, 1);
      await channel.queuePurge(copies);
      await reject(channel, name);
      const message = await await1(channel, dead);
      const { CC, mine, "x-death": deaths } = headersOf(message) as Record<string, FieldTable[]>;
      return [CC, mine, deaths?.[0]?.["routing-keys"], await counts(channel, copies)];
    },
    expect: [undefined, 1, ["queue", "copies"], "0 ready, 0 consumers"],
  },
  {
    name: "the keys in BCC are not told",
    async run({ channel, queue }) {
      const [dead, hidden] = [await queue("dead"), await queue("hidden")];
      const name = await queue("queue", withArguments(deadTo(dead)));
      const properties = { headers: { BCC: [hidden] } };
      await channel.basicPublish({ routingKey: name, properties }, "1");
      await untilReady(channel, name, 1);
      await reject(channel, name);
      const { BCC, "x-death": deaths } = headersOf(await await1(channel, dead)) as Record<
        string,
        FieldTable[]
      >;
      return [BCC, deaths?.[0]?.["routing-keys"]];
    },
    expect: [undefined, ["queue"]],
  },
  {
    name: "a key for dead messages stands for those in BCC too",
    async run({ channel, queue }) {
      const [dead, hidden] = [await queue("dead"), await queue("hidden")];
      const name = await queue("queue", withArguments(deadTo(dead)));
      const properties = { headers: { BCC: [hidden] } };
      await channel.basicPublish({ routingKey: name, properties }, "1");
      await untilReady(channel, hidden, 1);
      await channel.queuePurge(hidden);
      await reject(channel, name);
      await await1(channel, dead);
      await settled(hidden, channel);
      return await counts(channel, hidden);
    },
    expect: "0 ready, 0 consumers",
  },
  {
    name: "the keys in BCC count for a dead message",
    async run({ channel, exchange, queue }) {
      const dlx = await exchange("direct", "dlx");
      const dead = await queue("dead");
      await channel.queueBind({ queue: dead, exchange: dlx, routingKey: "hidden" });
      const name = await queue("queue", withArguments({ "x-dead-letter-exchange": dlx }));
      const properties = { headers: { BCC: ["hidden"] } };
      await channel.basicPublish({ routingKey: name, properties }, "1");
      await untilReady(channel, name, 1);
      await reject(channel, name);
      await settled(name, channel);
      await settled(dead, channel);
      return await drain(channel, dead);
    },
    expect: [],
  },

  // ---- transactions and confirms
  {
    name: "a rejection in a transaction comes with its commit",
    async run({ channel, openChannel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments(deadTo(dead)));
      await fill(channel, name, "1 2");
      const other = await openChannel();
      await other.txSelect();
      await reject(other, name);
      await settled(name, other);
      const before = await counts(channel, dead);
      await other.txCommit();
      await untilReady(channel, dead, 1);
      await reject(other, name);
      await other.txRollback();
      await settled(name, other);
      return [before, await drain(channel, dead)];
    },
    expect: ["0 ready, 0 consumers", ["1"]],
  },
  {
    name: "a message that is dead at once is confirmed",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-message-ttl": 0, ...deadTo(dead) }));
      await channel.confirmSelect();
      const confirmed = await confirmation(channel, { routingKey: name }, "1");
      await untilReady(channel, dead, 1);
      return [confirmed, await drain(channel, dead)];
    },
    expect: ["ack", ["1"]],
  },

  {
    name: "at least once, what a client rejects arrives and is gone from where it died",
    async run({ channel, queue }) {
      const dead = await queue("dead", quorumWith({}));
      const name = await queue(
        "queue",
        quorumWith({
          "x-dead-letter-strategy": "at-least-once",
          "x-overflow": "reject-publish",
          ...deadTo(dead),
        }),
      );
      await fill(channel, name, "1 2");
      await untilReady(channel, name, 2);
      await reject(channel, name);
      await untilReady(channel, dead, 1);
      const message = await await1(channel, dead);
      return [message.text(), deathsOf(message), await counts(channel, name)];
    },
    expect: ["1", ["queue rejected 1"], "1 ready, 0 consumers"],
  },
  {
    name: "at least once without reject-publish is at most once: without a way a message is lost",
    async run({ channel, exchange, queue }) {
      const dlx = await exchange("fanout", "dlx");
      const name = await queue(
        "queue",
        quorumWith({ "x-dead-letter-strategy": "at-least-once", "x-dead-letter-exchange": dlx }),
      );
      await fill(channel, name, "1 2");
      await untilReady(channel, name, 2);
      await reject(channel, name);
      await settled(name, channel);
      const dead = await queue("dead");
      await channel.queueBind({ queue: dead, exchange: dlx });
      await reject(channel, name);
      await untilReady(channel, dead, 1);
      return await drain(channel, dead);
    },
    expect: ["2"],
  },
  {
    name: "at least once is refused to a classic queue",
    async run({ channel, name }) {
      const arguments_ = {
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
      };
      return await outcome(channel.queueDeclare(name("queue"), withArguments(arguments_)));
    },
    expect: [
      406,
      "PRECONDITION_FAILED - invalid arg 'x-dead-letter-strategy' for queue 'queue' in vhost '/' " +
      "of queue type rabbit_classic_queue",
      "queue.declare",
    ],
  },
];
