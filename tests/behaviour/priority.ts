import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  counts,
  deadTo,
  drain,
  drainMarked,
  letPass,
  settled,
  take,
  untilReady,
  withArguments,
} from "./observe.ts";

const SHORT_MS = 30;

/** Publishes messages such as `a5`: the letter tells them apart, the number is the priority. */
async function publish(channel: Channel, queue: string, bodies: string): Promise<void> {
  await channel.confirmSelect();
  for (const body of bodies.split(" ")) {
    const priority = body.length > 1 ? { priority: Number(body.slice(1)) } : {};
    await channel.basicPublish({ routingKey: queue, properties: priority }, body);
  }
}

/** The order in which messages go out. */
function order(name: string, max: number, bodies: string, expect: string): BehaviourCase {
  return {
    name,
    async run({ channel, queue }) {
      const prioritised = await queue("queue", withArguments({ "x-max-priority": max }));
      await publish(channel, prioritised, bodies);
      return (await drain(channel, prioritised)).join(" ");
    },
    expect,
  };
}

/** Queues in which some messages go first. */
export const priority: readonly BehaviourCase[] = [
  order("the higher priority goes first", 5, "a1 b3 c5 d2", "c5 b3 d2 a1"),
  order("of one priority the oldest goes first", 5, "a1 b3 c1 d3 e1", "b3 d3 a1 c1 e1"),
  order("no priority is the lowest one", 5, "a b1 c0 d", "b1 a c0 d"),
  order("what is above the highest one counts as that", 5, "a4 b200 c5 d255", "b200 c5 d255 a4"),
  order("a highest one of 0 is none", 0, "a1 b3 c5", "a1 b3 c5"),
  order("there may be 255", 255, "a1 b255 c254 d", "b255 c254 a1 d"),
  order("a highest one of 1 tells two apart", 1, "a b1 c d9", "b1 d9 a c"),
  {
    name: "a queue without priorities does not look at them",
    async run({ channel, queue }) {
      const name = await queue();
      await publish(channel, name, "a1 b3 c2");
      return await drain(channel, name);
    },
    expect: ["a1", "b3", "c2"],
  },
  {
    name: "consumers get the higher priority first",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-priority": 5 }));
      await publish(channel, name, "a1 b3 c5 d3");
      const collector = await Collector.start(await openChannel(), name);
      return await collector.until(4);
    },
    expect: ["c5", "b3", "d3", "a1"],
  },
  {
    name: "a consumer with room gets a message whatever its priority",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-priority": 5 }));
      const collector = await Collector.start(await openChannel(), name);
      await publish(channel, name, "a1 b5");
      return await collector.until(2);
    },
    expect: ["a1", "b5"],
  },
  {
    name: "one that comes overtakes those that wait for room",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-priority": 5 }));
      const other = await openChannel();
      await other.basicQos({ prefetchCount: 1 });
      const collector = await Collector.start(other, name);
      await publish(channel, name, "a1 b1 c1 d5");
      for (let count = 1; count < 4; count++) {
        await collector.until(count);
        collector.deliveries.at(-1)!.ack();
      }
      return await collector.until(4);
    },
    expect: ["a1", "d5", "b1", "c1"],
  },
  {
    name: "what comes back has its place among those of its priority",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-priority": 5 }));
      await publish(channel, name, "a1 b5 c1 d5 e1");
      const other = await openChannel();
      for (let count = 0; count < 4; count++) await take(other, name); // b5 d5 a1 c1
      await publish(channel, name, "f5 g1 h3");
      await other.close();
      await untilReady(channel, name, 8);
      return (await drainMarked(channel, name)).join(" ");
    },
    expect: "b5* d5* f5 h3 a1* c1* e1 g1",
  },
  {
    name: "what comes back and is above the highest one has its place there",
    async run({ channel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-priority": 2 }));
      await publish(channel, name, "a9 b2 c9");
      (await take(channel, name)).nack({ requeue: true });
      await untilReady(channel, name, 3);
      return await drainMarked(channel, name);
    },
    expect: ["a9*", "b2", "c9"],
  },
  {
    name: "when there are too many, what would go out next goes",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const arguments_ = { "x-max-priority": 5, "x-max-length": 3, ...deadTo(dead) };
      const name = await queue("queue", withArguments(arguments_));
      await publish(channel, name, "a1 b3 c2 d1 e5");
      await untilReady(channel, dead, 2);
      return [await drain(channel, dead), await drain(channel, name)];
    },
    expect: [["b3", "e5"], ["c2", "a1", "d1"]],
  },
  {
    name: "too old ones go at the head of each priority",
    async run({ connection, channel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-priority": 5 }));
      await channel.confirmSelect();
      const messages = [["a", 5, 0], ["b", 1, SHORT_MS], ["c", 1, 0], ["d", 3, SHORT_MS]] as const;
      for (const [body, priority, expiration] of messages) {
        const properties = {
          priority,
          ...(expiration === 0 ? {} : { expiration: `${expiration}` }),
        };
        await channel.basicPublish({ routingKey: name, properties }, body);
      }
      await letPass(connection, 3 * SHORT_MS);
      return await drain(channel, name);
    },
    expect: ["a", "c"],
  },
  {
    name: "counts and purges are of all priorities",
    async run({ channel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-priority": 5 }));
      await publish(channel, name, "a1 b2 c3 d");
      const before = await counts(channel, name);
      return [before, await channel.queuePurge(name), await counts(channel, name)];
    },
    expect: ["4 ready, 0 consumers", { messageCount: 4 }, "0 ready, 0 consumers"],
  },
  {
    name: "persistent messages of a durable queue go by theirs",
    async run({ channel, queue }) {
      const name = await queue("queue", { durable: true, arguments: { "x-max-priority": 5 } });
      await channel.confirmSelect();
      for (const priority of [1, 3, 5, 3]) {
        const properties = { priority, deliveryMode: 2 };
        await channel.basicPublish({ routingKey: name, properties }, `${priority}`);
      }
      await settled(name, channel);
      return await drain(channel, name);
    },
    expect: ["5", "3", "3", "1"],
  },
  {
    name: "a dead message keeps its priority",
    async run({ channel, queue }) {
      const dead = await queue("dead", withArguments({ "x-max-priority": 9 }));
      const name = await queue("queue", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      await publish(channel, name, "a1 b7 c3");
      await untilReady(channel, dead, 3);
      return await drain(channel, dead);
    },
    expect: ["b7", "c3", "a1"],
  },
];
