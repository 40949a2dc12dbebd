import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  counts,
  deadTo,
  deathsOf,
  drain,
  fill,
  letPass,
  quorumWith,
  settled,
  untilReady,
  withArguments,
} from "./observe.ts";

/** So long messages live that are to die in a case. */
const SHORT_MS = 30;
/** So long those that are not. */
const LONG_MS = 600_000;
/** The longest time of Celery's delayed delivery; a timer of 32 bits cannot hold it. */
const HUGE_MS = 2 ** 27 * 1000;

/** A message that is too old goes, whoever set the time: which is the shorter one. */
function dies(
  name: string,
  queueTtlMs: number | undefined,
  expiration: string | undefined,
): BehaviourCase {
  return {
    name,
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const ttl = queueTtlMs === undefined ? {} : { "x-message-ttl": queueTtlMs };
      const mortal = await queue("queue", withArguments({ ...ttl, ...deadTo(dead) }));
      const properties = expiration === undefined ? {} : { expiration };
      const graves = await Collector.start(channel, dead);
      await channel.basicPublish({ routingKey: mortal, properties }, "1");
      const bodies = await graves.until(1);
      return [bodies, deathsOf(graves.deliveries[0]!), await counts(channel, mortal)];
    },
    expect: [["1"], ["queue expired 1"], "0 ready, 0 consumers"],
  };
}

/** A message that is too old at once: it is delivered at once, or never. */
function atOnce(how: string, queueTtl: boolean): readonly BehaviourCase[] {
  const options = queueTtl ? withArguments({ "x-message-ttl": 0 }) : {};
  const properties = queueTtl ? {} : { expiration: "0" };
  return [
    {
      name: `${how} of 0 lets a message go that no consumer is there for, and it is confirmed`,
      async run({ channel, queue }) {
        const name = await queue("queue", options);
        await channel.confirmSelect();
        await channel.basicPublish({ routingKey: name, properties }, "1");
        return [await counts(channel, name), await channel.basicGet(name)];
      },
      expect: ["0 ready, 0 consumers", undefined],
    },
    {
      name: `${how} of 0 lets a message reach a consumer that is there`,
      async run({ channel, queue }) {
        const name = await queue("queue", options);
        const collector = await Collector.start(channel, name);
        await channel.basicPublish({ routingKey: name, properties }, "1");
        return await collector.until(1);
      },
      expect: ["1"],
    },
    {
      name: `${how} of 0 lets a message go that its consumer has no room for`,
      async run({ channel, openChannel, queue }) {
        const name = await queue("queue", options);
        const other = await openChannel();
        await other.basicQos({ prefetchCount: 1 });
        const collector = await Collector.start(other, name);
        await channel.confirmSelect();
        await channel.basicPublish({ routingKey: name, properties }, "1");
        await channel.basicPublish({ routingKey: name, properties }, "2");
        const counted = await counts(channel, name);
        await collector.until(1);
        collector.deliveries[0]!.ack();
        await settled(name, other);
        return [collector.bodies, counted];
      },
      expect: [["1"], "0 ready, 1 consumers"],
    },
    {
      name: `${how} of 0 lets a message that comes back go`,
      async run({ channel, queue }) {
        const name = await queue("queue", options);
        const collector = await Collector.start(channel, name);
        await channel.basicPublish({ routingKey: name, properties }, "1");
        await collector.until(1);
        await channel.basicCancel(collector.consumer.consumerTag);
        collector.deliveries[0]!.nack({ requeue: true });
        await settled(name, channel);
        return await counts(channel, name);
      },
      expect: "0 ready, 0 consumers",
    },
  ];
}

/** Messages that may not wait for ever. */
export const ttl: readonly BehaviourCase[] = [
  dies("a message goes when its queue says so", SHORT_MS, undefined),
  dies("a message goes when it says so itself", undefined, `${SHORT_MS}`),
  dies("the queue's time counts when it is the shorter one", SHORT_MS, `${LONG_MS}`),
  dies("the message's time counts when it is the shorter one", LONG_MS, `${SHORT_MS}`),
  ...atOnce("a queue's time", true),
  ...atOnce("an expiration", false),
  {
    name: "messages go in their order",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const arguments_ = { "x-message-ttl": SHORT_MS, ...deadTo(dead) };
      const name = await queue("queue", withArguments(arguments_));
      const graves = await Collector.start(channel, dead);
      await fill(channel, name, "1 2 3");
      return await graves.until(3);
    },
    expect: ["1", "2", "3"],
  },
  {
    name: "one that is too old stays as long as one is ahead of it that is not",
    async run({ connection, channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments(deadTo(dead)));
      await channel.confirmSelect();
      const publish = (body: string, expiration: number) =>
        channel.basicPublish(
          { routingKey: name, properties: { expiration: `${expiration}` } },
          body,
        );
      await publish("long", LONG_MS);
      await publish("short", SHORT_MS);
      await letPass(connection, 3 * SHORT_MS);
      const waiting = [await counts(channel, name), await counts(channel, dead)];
      const graves = await Collector.start(channel, dead);
      const first = await channel.basicGet(name, { noAck: true });
      return [waiting, first?.text(), await graves.until(1), await counts(channel, name)];
    },
    expect: [
      ["2 ready, 0 consumers", "0 ready, 0 consumers"],
      "long",
      ["short"],
      "0 ready, 0 consumers",
    ],
  },
  {
    name: "one that is too old is not got from behind one that is not",
    async run({ connection, channel, queue }) {
      const name = await queue();
      await channel.confirmSelect();
      for (const [body, expiration] of [["1", LONG_MS], ["2", SHORT_MS], ["3", LONG_MS]]) {
        const properties = { expiration: `${expiration}` };
        await channel.basicPublish({ routingKey: name, properties }, `${body}`);
      }
      await letPass(connection, 3 * SHORT_MS);
      return await drain(channel, name);
    },
    expect: ["1", "3"],
  },
  {
    name: "one that is too old is not delivered from behind one that is not",
    async run({ connection, channel, queue }) {
      const name = await queue();
      await channel.confirmSelect();
      for (const [body, expiration] of [["1", LONG_MS], ["2", SHORT_MS], ["3", LONG_MS]]) {
        const properties = { expiration: `${expiration}` };
        await channel.basicPublish({ routingKey: name, properties }, `${body}`);
      }
      await letPass(connection, 3 * SHORT_MS);
      const collector = await Collector.start(channel, name);
      await settled(name, channel);
      return collector.bodies;
    },
    expect: ["1", "3"],
  },
  {
    name: "a message that is delivered does not grow too old",
    async run({ connection, channel, queue }) {
      const dead = await queue("dead");
      const arguments_ = { "x-message-ttl": 3 * SHORT_MS, ...deadTo(dead) };
      const name = await queue("queue", withArguments(arguments_));
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1");
      await collector.until(1);
      await letPass(connection, 4 * SHORT_MS);
      collector.deliveries[0]!.ack();
      await settled(name, channel);
      return await counts(channel, dead);
    },
    expect: "0 ready, 0 consumers",
  },
  {
    name: "a message that comes back is as old as it is",
    async run({ connection, channel, queue }) {
      const dead = await queue("dead");
      const arguments_ = { "x-message-ttl": 3 * SHORT_MS, ...deadTo(dead) };
      const name = await queue("queue", withArguments(arguments_));
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1");
      await collector.until(1);
      await letPass(connection, 4 * SHORT_MS);
      collector.deliveries[0]!.nack({ requeue: true });
      const graves = await Collector.start(channel, dead);
      await graves.until(1);
      return [collector.bodies, deathsOf(graves.deliveries[0]!)];
    },
    expect: [["1"], ["queue expired 1"]],
  },
  {
    name: "a message that comes back in time waits for the rest of it",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const graves = await Collector.start(channel, dead);
      // on a busy machine it has to live longer, to be got at all
      for (let time = 1, ms = 10 * SHORT_MS;; time++, ms *= 2) {
        const arguments_ = { "x-message-ttl": ms, ...deadTo(dead) };
        const name = await queue(`queue${ms}`, withArguments(arguments_));
        await fill(channel, name, "1");
        const taken = await channel.basicGet(name);
        taken?.nack({ requeue: true });
        const buried = await graves.until(time);
        if (taken !== undefined) return buried.slice(-1);
      }
    },
    expect: ["1"],
  },
  {
    name: "times beyond those of short timers are fine",
    async run({ connection, channel, queue }) {
      const name = await queue("queue", withArguments({ "x-message-ttl": HUGE_MS }));
      await fill(channel, name, "1");
      const properties = { expiration: `${HUGE_MS}` };
      await channel.basicPublish({ routingKey: name, properties }, "2");
      await letPass(connection, SHORT_MS);
      return await drain(channel, name);
    },
    expect: ["1", "2"],
  },
  {
    name: "a message that goes at the head of a full queue makes the next one's time count",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 2, ...deadTo(dead) }));
      const graves = await Collector.start(channel, dead);
      await fill(channel, name, "1");
      const properties = { expiration: `${SHORT_MS}` };
      await channel.basicPublish({ routingKey: name, properties }, "2");
      await fill(channel, name, "3");
      return [await graves.until(2), await drain(channel, name)];
    },
    expect: [["1", "2"], ["3"]],
  },
  {
    name: "persistent messages of a durable queue go as well",
    async run({ channel, queue }) {
      const name = await queue("queue", {
        durable: true,
        arguments: { "x-message-ttl": SHORT_MS },
      });
      await channel.confirmSelect();
      const properties = { deliveryMode: 2 };
      const publish = (body: string) =>
        channel.basicPublish({ routingKey: name, properties }, body);
      await Promise.all(["1", "2", "3"].map(publish));
      await untilReady(channel, name, 0);
      return await drain(channel, name);
    },
    expect: [],
  },
  {
    name: "a message of a quorum queue goes when it says so itself",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", quorumWith(deadTo(dead)));
      const graves = await Collector.start(channel, dead);
      const properties = { expiration: `${SHORT_MS}` };
      await channel.basicPublish({ routingKey: name, properties }, "1");
      return await graves.until(1);
    },
    expect: ["1"],
  },
  {
    name: "the time of a message that is published in a transaction counts from the commit",
    async run({ connection, channel, openChannel, queue }) {
      const name = await queue();
      const other = await openChannel();
      await other.txSelect();
      const expiration = `${40 * SHORT_MS}`;
      await other.basicPublish({ routingKey: name, properties: { expiration } }, "1");
      await letPass(connection, 41 * SHORT_MS);
      await other.txCommit();
      return await drain(channel, name);
    },
    expect: ["1"],
  },
];
