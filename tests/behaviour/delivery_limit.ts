import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  counts,
  deadTo,
  deathsOf,
  drain,
  drainMarked,
  fill,
  headersOf,
  outcome,
  quorumWith,
  settled,
  take,
  untilReady,
  withArguments,
} from "./observe.ts";

/** Gives a message back until it does not come any more, and tells each `x-delivery-count`. */
async function giveBack(channel: Channel, queue: string, times: number): Promise<FieldValue[]> {
  const told: FieldValue[] = [];
  for (let count = 0; count < times; count++) {
    await untilReady(channel, queue, 1);
    const delivery = await take(channel, queue);
    told.push(delivery.properties.headers?.["x-delivery-count"] ?? "none");
    delivery.nack({ requeue: true });
  }
  await settled(queue, channel);
  return told;
}

/** A message that comes back too often is dead. */
function limited(name: string, arguments_: FieldTable, limit: number): BehaviourCase {
  return {
    name,
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", {
        durable: true,
        arguments: { ...arguments_, ...deadTo(dead) },
      });
      await fill(channel, name, "1");
      await giveBack(channel, name, limit);
      await untilReady(channel, name, 1);
      const before = await counts(channel, dead);
      await giveBack(channel, name, 1);
      await untilReady(channel, dead, 1);
      await untilReady(channel, name, 0);
      const message = await take(channel, dead);
      return [before, message.text(), deathsOf(message)];
    },
    expect: [
      "0 ready, 0 consumers",
      "1",
      ["queue delivery_limit 1"],
    ],
  };
}

const QUORUM = { "x-queue-type": "quorum" };

/** Messages that come back again and again. */
export const deliveryLimit: readonly BehaviourCase[] = [
  limited("a message that comes back more often than may be is dead", {
    ...QUORUM,
    "x-delivery-limit": 2,
  }, 2),
  limited("where none may come back the first one that does is dead", {
    ...QUORUM,
    "x-delivery-limit": 0,
  }, 0),
  limited("a quorum queue has a limit of 20", QUORUM, 20),
  limited("a classic queue may have a limit too", { "x-delivery-limit": 1 }, 1),
  {
    name: "a classic queue has no limit by itself",
    async run({ channel, queue }) {
      const name = await queue("queue");
      await fill(channel, name, "1");
      const told = await giveBack(channel, name, 25);
      return [told.length, await drainMarked(channel, name)];
    },
    expect: [25, ["1*"]],
  },
  {
    name: "a limit of -1 is none",
    async run({ channel, queue }) {
      const name = await queue("queue", quorumWith({ "x-delivery-limit": -1 }));
      await fill(channel, name, "1");
      const told = await giveBack(channel, name, 25);
      return [told.at(-1), await drainMarked(channel, name)];
    },
    expect: [24, ["1*"]],
  },
  {
    name: "where nothing takes dead messages they are lost",
    async run({ channel, queue }) {
      const name = await queue("queue", quorumWith({ "x-delivery-limit": 1 }));
      await fill(channel, name, "1 2");
      for (let count = 0; count < 2; count++) {
        await untilReady(channel, name, 2);
        (await take(channel, name)).nack({ requeue: true });
      }
      await untilReady(channel, name, 1);
      return await drain(channel, name);
    },
    expect: ["2"],
  },
  {
    name: "a quorum queue tells how often a message came back, when one gets it",
    async run({ channel, queue }) {
      const name = await queue("queue", quorumWith({ "x-delivery-limit": 5 }));
      await fill(channel, name, "1");
      return await giveBack(channel, name, 4);
    },
    expect: ["none", 1, 2, 3],
  },
  {
    name: "a quorum queue tells how often a message came back, when it delivers it",
    async run({ channel, queue }) {
      const name = await queue("queue", quorumWith({ "x-delivery-limit": 5 }));
      const properties = { headers: { mine: "x" }, messageId: "m" };
      await channel.basicPublish({ routingKey: name, properties }, "body");
      const collector = await Collector.start(channel, name);
      for (let count = 1; count < 4; count++) {
        await collector.until(count);
        collector.deliveries.at(-1)!.nack({ requeue: true });
      }
      await collector.until(4);
      return collector.deliveries.map((delivery) => {
        return [delivery.text(), { ...delivery.properties, headers: headersOf(delivery) }];
      });
    },
    expect: [
      ["body", { headers: { mine: "x" }, messageId: "m" }],
      ["body", { headers: { mine: "x", "x-delivery-count": 1 }, messageId: "m" }],
      ["body", { headers: { mine: "x", "x-delivery-count": 2 }, messageId: "m" }],
      ["body", { headers: { mine: "x", "x-delivery-count": 3 }, messageId: "m" }],
    ],
  },
  {
    name: "a classic queue tells how often a message came back, if it is asked to",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-delivery-count": true }));
      await fill(channel, name, "1");
      const told = await giveBack(channel, name, 2);
      const leaving = await openChannel();
      await take(leaving, name);
      await leaving.close();
      await untilReady(channel, name, 1);
      const collector = await Collector.start(channel, name);
      await collector.until(1);
      return [told, headersOf(collector.deliveries[0]!)];
    },
    expect: [["none", 1], { "x-delivery-count": 3 }],
  },
  {
    name: "a classic queue does not tell it by itself",
    async run({ channel, queue }) {
      const name = await queue("queue", withArguments({ "x-delivery-count": false }));
      await fill(channel, name, "1");
      return await giveBack(channel, name, 3);
    },
    expect: ["none", "none", "none"],
  },
  {
    name: "a quorum queue tells it to a consumer that needs no acks",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", quorumWith({ "x-delivery-limit": 5 }));
      await fill(channel, name, "1");
      await giveBack(channel, name, 2);
      await untilReady(channel, name, 1);
      const collector = await Collector.start(await openChannel(), name, { noAck: true });
      await collector.until(1);
      return headersOf(collector.deliveries[0]!);
    },
    expect: { "x-delivery-count": 2 },
  },
  {
    name: "a classic queue does not tell it",
    async run({ channel, queue }) {
      const name = await queue("queue");
      await fill(channel, name, "1");
      return await giveBack(channel, name, 3);
    },
    expect: ["none", "none", "none"],
  },
  {
    name: "a channel that ends counts as well",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", quorumWith({ "x-delivery-limit": 5 }));
      await fill(channel, name, "1");
      const other = await openChannel();
      await take(other, name);
      await other.close();
      await untilReady(channel, name, 1);
      const delivery = await take(channel, name);
      return [delivery.redelivered, headersOf(delivery)];
    },
    expect: [true, { "x-delivery-count": 1 }],
  },
  {
    name: "what is told stays when the message is dead, and begins anew",
    async run({ channel, queue }) {
      const dead = await queue("dead", quorumWith({ "x-delivery-limit": 5 }));
      const name = await queue("queue", quorumWith({ "x-delivery-limit": 1, ...deadTo(dead) }));
      await fill(channel, name, "1");
      await giveBack(channel, name, 2);
      return await giveBack(channel, dead, 3);
    },
    expect: ["none", 1, 2],
  },
  {
    name: "what comes back to a quorum queue goes out next, in the order in which it came back",
    async run({ channel, queue }) {
      const name = await queue("queue", quorumWith({ "x-delivery-limit": 5 }));
      await fill(channel, name, "1 2 3 4 5");
      const taken = [];
      for (let count = 0; count < 4; count++) taken.push(await take(channel, name));
      for (const index of [2, 0, 3]) taken[index]!.nack({ requeue: true });
      await untilReady(channel, name, 4);
      return await drainMarked(channel, name);
    },
    expect: ["3*", "1*", "4*", "5"],
  },
  {
    name: "what comes back to a classic queue goes to its place",
    async run({ channel, queue }) {
      const name = await queue("queue");
      await fill(channel, name, "1 2 3 4 5");
      const taken = [];
      for (let count = 0; count < 4; count++) taken.push(await take(channel, name));
      for (const index of [2, 0, 3]) taken[index]!.nack({ requeue: true });
      await untilReady(channel, name, 4);
      return await drainMarked(channel, name);
    },
    expect: ["1*", "3*", "4*", "5"],
  },
  {
    name: "what comes back to a quorum queue without a limit goes out last",
    async run({ channel, queue }) {
      const name = await queue("queue", quorumWith({ "x-delivery-limit": -1 }));
      await fill(channel, name, "1 2 3");
      (await take(channel, name)).nack({ requeue: true });
      await untilReady(channel, name, 3);
      await fill(channel, name, "4");
      return await drainMarked(channel, name);
    },
    expect: ["2", "3", "1*", "4"],
  },
  {
    name: "a limit of a classic queue may be declared again, and not another one",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-delivery-limit": 3 }));
      return [
        await outcome(channel.queueDeclare(name, withArguments({ "x-delivery-limit": 3 }))),
        await outcome(
          (await openChannel()).queueDeclare(name, withArguments({ "x-delivery-limit": 4 })),
        ),
      ];
    },
    expect: [
      "ok",
      [
        406,
        "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'queue' in vhost " +
        "'/': received '4' but current is '3'",
        "queue.declare",
      ],
    ],
  },
];
