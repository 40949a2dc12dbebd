import type { QueueDeclareOptions, QueueDeleteOptions } from "../../client/channel_options.ts";
import type { BehaviourCase } from "../support/harness.ts";
import { Collector, counts, drain, fill, outcome, queueExists, quorumWith } from "./observe.ts";

/** A quorum queue's declaration: what it is called, its options, how it ends. */
const DECLARATIONS: readonly (readonly [
  name: string,
  options: QueueDeclareOptions,
  expect: unknown,
])[] = [
  ["a durable one is made", quorumWith({}), "ok"],
  [
    "a transient one is refused",
    { ...quorumWith({}), durable: false },
    refused("invalid property 'non-durable' for queue 'queue' in vhost '/'"),
  ],
  [
    "an exclusive one is refused",
    { ...quorumWith({}), exclusive: true },
    refused("invalid property 'exclusive-owner' for queue 'queue' in vhost '/'"),
  ],
  [
    "an auto-delete one is refused",
    { ...quorumWith({}), autoDelete: true },
    refused("invalid property 'auto-delete' for queue 'queue' in vhost '/'"),
  ],
  [
    "one with priorities is refused",
    quorumWith({ "x-max-priority": 5 }),
    refused(
      "invalid arg 'x-max-priority' for queue 'queue' in vhost '/' of queue type " +
        "rabbit_quorum_queue",
    ),
  ],
  [
    "a lazy one is refused",
    quorumWith({ "x-queue-mode": "lazy" }),
    refused(
      "invalid arg 'x-queue-mode' for queue 'queue' in vhost '/' of queue type rabbit_quorum_queue",
    ),
  ],
  ["one with a delivery limit is made", quorumWith({ "x-delivery-limit": 5 }), "ok"],
  ["one with a length limit is made", quorumWith({ "x-max-length": 5 }), "ok"],
  ["one with a group size is made", quorumWith({ "x-quorum-initial-group-size": 1 }), "ok"],
  [
    "one with a group size of 0 is refused",
    quorumWith({ "x-quorum-initial-group-size": 0 }),
    refused(
      "invalid arg 'x-quorum-initial-group-size' for queue 'queue' in vhost '/': {value_zero,0}",
    ),
  ],
  [
    "one that drops at the head by a name that there is not is refused",
    quorumWith({ "x-overflow": "no such" }),
    refused("invalid arg 'x-overflow' for queue 'queue' in vhost '/': invalid_overflow"),
  ],
];

function refused(reason: string): unknown {
  return [406, `PRECONDITION_FAILED - ${reason}`, "queue.declare"];
}

function conditionalDelete(
  name: string,
  options: QueueDeleteOptions,
  flag: string,
): BehaviourCase {
  return {
    name: `deleting it ${name} is refused`,
    async run({ openChannel, queue }) {
      const queueName = await queue("queue", quorumWith({}));
      return await outcome((await openChannel()).queueDelete(queueName, options));
    },
    expect: [
      540,
      "NOT_IMPLEMENTED - cannot delete queue 'queue' in vhost '/'. queue.delete operations with " +
      `${flag} flag set are not supported by quorum queues`,
      "queue.delete",
    ],
  };
}

/** Quorum queues, on one machine. */
export const quorum: readonly BehaviourCase[] = [
  ...DECLARATIONS.map(([name, options, expect]): BehaviourCase => ({
    name,
    run: ({ channel, name }) => outcome(channel.queueDeclare(name("queue"), options)),
    expect,
  })),
  {
    name: "one without a name is refused",
    run: ({ channel }) => outcome(channel.queueDeclare("", quorumWith({}))),
    expect: refused("Cannot declare a server-named queue for type rabbit_quorum_queue"),
  },
  {
    name: "it takes messages and gives them in order",
    async run({ channel, queue }) {
      const name = await queue("queue", quorumWith({}));
      await fill(channel, name, "1 2 3");
      return await drain(channel, name);
    },
    expect: ["1", "2", "3"],
  },
  {
    name: "it may be declared again as it is, and not as a classic one",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", quorumWith({}));
      return [
        await outcome(channel.queueDeclare(name, quorumWith({}))),
        await outcome((await openChannel()).queueDeclare(name, { durable: true })),
        await outcome(
          (await openChannel()).queueDeclare(name, {
            durable: true,
            arguments: { "x-queue-type": "classic" },
          }),
        ),
      ];
    },
    expect: [
      "ok",
      refused(
        "inequivalent arg 'x-queue-type' for queue 'queue' in vhost '/': received none but " +
          "current is the value 'quorum' of type 'longstr'",
      ),
      refused(
        "inequivalent arg 'x-queue-type' for queue 'queue' in vhost '/': received 'classic' but " +
          "current is 'quorum'",
      ),
    ],
  },
  {
    name: "a classic one may not be declared again as one",
    async run({ channel, queue }) {
      const name = await queue("queue", { durable: true });
      return await outcome(channel.queueDeclare(name, quorumWith({})));
    },
    expect: refused(
      "inequivalent arg 'x-queue-type' for queue 'queue' in vhost '/': received the value " +
        "'quorum' of type 'longstr' but current is none",
    ),
  },
  {
    name: "it can be purged and deleted",
    async run({ connection, channel, queue }) {
      const name = await queue("queue", quorumWith({}));
      await fill(channel, name, "1 2 3");
      const purged = await channel.queuePurge(name);
      const counted = await counts(channel, name);
      await fill(channel, name, "4");
      return [
        purged,
        counted,
        await channel.queueDelete(name),
        await queueExists(connection, name),
      ];
    },
    expect: [{ messageCount: 3 }, "0 ready, 0 consumers", { messageCount: 1 }, false],
  },
  {
    name: "consuming from it where a global limit is set is refused",
    async run({ openChannel, queue }) {
      const name = await queue("queue", quorumWith({}));
      const other = await openChannel();
      await other.basicQos({ prefetchCount: 1, global: true });
      return await outcome(other.basicConsume(name));
    },
    expect: [
      540,
      "NOT_IMPLEMENTED - queue 'queue' in vhost '/' does not support global qos",
      "basic.consume",
    ],
  },
  ...[
    conditionalDelete("if unused", { ifUnused: true }, "if-unused"),
    conditionalDelete("if empty", { ifEmpty: true }, "if-empty"),
    conditionalDelete("if unused and empty", { ifUnused: true, ifEmpty: true }, "if-unused"),
  ],
  {
    name: "it does not know exclusive consumers",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", quorumWith({}));
      const options = { exclusive: true };
      return [
        await outcome(channel.basicConsume(name, options)),
        await outcome((await openChannel()).basicConsume(name, options)),
      ];
    },
    expect: ["ok", "ok"],
  },
  {
    name: "messages go out by their priority, of which 31 is the highest, and 4 that of most",
    async run({ channel, queue }) {
      const name = await queue("queue", quorumWith());
      await channel.confirmSelect();
      for (const priority of [0, 3, undefined, 4, 5, 31, 255, undefined, 0]) {
        const properties = priority === undefined ? {} : { priority };
        await channel.basicPublish({ routingKey: name, properties }, `${priority ?? "none"}`);
      }
      return await drain(channel, name);
    },
    expect: ["31", "255", "5", "none", "4", "none", "3", "0", "0"],
  },
  {
    name: "consumers take turns",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", quorumWith({}));
      const one = await Collector.start(channel, name);
      const two = await Collector.start(await openChannel(), name);
      await fill(channel, name, "1 2 3 4");
      return [(await one.until(2)).length, (await two.until(2)).length];
    },
    expect: [2, 2],
  },
];
