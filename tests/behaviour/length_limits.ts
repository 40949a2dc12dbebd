import type { FieldTable } from "../../broker/amqp/field_table.ts";
import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  confirmation,
  counts,
  deadTo,
  deathsOf,
  drain,
  drainMarked,
  fill,
  outcome,
  quorumWith,
  settled,
  take,
  untilReady,
  withArguments,
} from "./observe.ts";

/** What is left of some messages, and what became of the others. */
function dropsAtHead(
  name: string,
  limits: FieldTable,
  bodies: string,
  [left, dropped]: readonly [left: readonly string[], dropped: readonly string[]],
): BehaviourCase {
  return {
    name,
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const limited = await queue("queue", withArguments({ ...limits, ...deadTo(dead) }));
      await fill(channel, limited, bodies);
      const kept = await drain(channel, limited);
      await untilReady(channel, dead, dropped.length);
      return [kept, await drain(channel, dead)];
    },
    expect: [left, dropped],
  };
}

/** How each of some messages is confirmed, and what is left of them. */
function refuses(
  name: string,
  limits: FieldTable,
  bodies: string,
  [confirms, left]: readonly [confirms: readonly string[], left: readonly string[]],
): BehaviourCase {
  return {
    name,
    async run({ channel, queue }) {
      const limited = await queue(
        "queue",
        withArguments({ "x-overflow": "reject-publish", ...limits }),
      );
      await channel.confirmSelect();
      const confirmed: unknown[] = [];
      for (const body of bodies.split(" ")) {
        confirmed.push(await confirmation(channel, { routingKey: limited }, body));
      }
      return [confirmed, await drain(channel, limited)];
    },
    expect: [confirms, left],
  };
}

const REJECTING = { "x-max-length": 1, "x-overflow": "reject-publish" };

/** Queues in which only so much may wait. */
export const lengthLimits: readonly BehaviourCase[] = [
  dropsAtHead(
    "the oldest messages go when there are too many",
    { "x-max-length": 3 },
    "1 2 3 4 5",
    [
      ["3", "4", "5"],
      ["1", "2"],
    ],
  ),
  dropsAtHead(
    "the same with a name for it",
    {
      "x-max-length": 1,
      "x-overflow": "drop-head",
    },
    "1 2 3",
    [["3"], ["1", "2"]],
  ),
  dropsAtHead(
    "the oldest messages go when they are too large",
    {
      "x-max-length-bytes": 10,
    },
    "1234 5678 9 abcdefg",
    [["9", "abcdefg"], ["1234", "5678"]],
  ),
  dropsAtHead(
    "the limit that is reached first counts: the number",
    {
      "x-max-length": 2,
      "x-max-length-bytes": 100,
    },
    "1 2 3",
    [["2", "3"], ["1"]],
  ),
  dropsAtHead(
    "the limit that is reached first counts: the size",
    {
      "x-max-length": 100,
      "x-max-length-bytes": 2,
    },
    "1 2 3",
    [["2", "3"], ["1"]],
  ),
  dropsAtHead(
    "a message that is larger than all that may wait does not",
    {
      "x-max-length-bytes": 3,
    },
    "1 1234",
    [[], ["1", "1234"]],
  ),
  dropsAtHead("where nothing may wait all goes", { "x-max-length": 0 }, "1 2", [[], ["1", "2"]]),
  dropsAtHead(
    "where no octet may wait only empty messages do",
    {
      "x-max-length-bytes": 0,
    },
    " 1 ",
    [[""], ["", "1"]],
  ),
  {
    name: "where nothing may wait a consumer gets all",
    async run({ channel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-length": 0 }));
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2");
      return await collector.until(2);
    },
    expect: ["1", "2"],
  },
  {
    name: "empty messages have no size",
    async run({ channel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-length-bytes": 0 }));
      await channel.confirmSelect();
      await channel.basicPublish({ routingKey: name }, "");
      await channel.basicPublish({ routingKey: name }, "");
      return await counts(channel, name);
    },
    expect: "2 ready, 0 consumers",
  },
  {
    name: "what is delivered does not count",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-max-length": 2 }));
      await fill(channel, name, "1 2");
      const other = await openChannel();
      await take(other, name);
      await take(other, name);
      await fill(channel, name, "3 4");
      return await counts(channel, name);
    },
    expect: "2 ready, 0 consumers",
  },
  {
    name: "what comes back is the oldest, and goes",
    async run({ channel, openChannel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 2, ...deadTo(dead) }));
      await fill(channel, name, "1 2");
      const other = await openChannel();
      await take(other, name);
      await take(other, name);
      await fill(channel, name, "3");
      await other.close();
      await untilReady(channel, dead, 1);
      return [await drain(channel, dead), await drainMarked(channel, name)];
    },
    expect: [["1"], ["2*", "3"]],
  },
  {
    name: "what goes tells why",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-max-length": 0, ...deadTo(dead) }));
      await fill(channel, name, "1");
      await untilReady(channel, dead, 1);
      return deathsOf(await take(channel, dead));
    },
    expect: ["queue maxlen 1"],
  },
  {
    name: "persistent messages of a durable queue go as well",
    async run({ channel, queue }) {
      const dead = await queue("dead", { durable: true });
      const name = await queue("queue", {
        durable: true,
        arguments: { "x-max-length": 2, ...deadTo(dead) },
      });
      await channel.confirmSelect();
      const properties = { deliveryMode: 2 };
      for (const body of ["1", "2", "3", "4"]) {
        await channel.basicPublish({ routingKey: name, properties }, body);
      }
      await untilReady(channel, dead, 2);
      return [await drain(channel, name), await drain(channel, dead)];
    },
    expect: [["3", "4"], ["1", "2"]],
  },
  {
    name: "the oldest messages of a quorum queue go",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", quorumWith({ "x-max-length": 2, ...deadTo(dead) }));
      await fill(channel, name, "1 2 3 4");
      await untilReady(channel, dead, 2);
      return [await drain(channel, name), (await drain(channel, dead)).sort()];
    },
    expect: [["3", "4"], ["1", "2"]],
  },

  refuses("new messages are refused when there are too many", { "x-max-length": 2 }, "1 2 3 4", [
    ["ack", "ack", "nack", "nack"],
    ["1", "2"],
  ]),
  refuses(
    "new messages are refused when they are too large",
    {
      "x-max-length-bytes": 5,
    },
    "123 456 45",
    [["ack", "nack", "ack"], ["123", "45"]],
  ),
  refuses("where nothing may wait all is refused", { "x-max-length": 0 }, "1 2", [
    ["nack", "nack"],
    [],
  ]),
  {
    name: "where nothing may wait all is refused, although a consumer would take it",
    async run({ channel, openChannel, queue }) {
      const arguments_ = { "x-max-length": 0, "x-overflow": "reject-publish" };
      const name = await queue("queue", withArguments(arguments_));
      const collector = await Collector.start(await openChannel(), name);
      await channel.confirmSelect();
      const confirmed = await confirmation(channel, { routingKey: name }, "1");
      return [confirmed, collector.bodies];
    },
    expect: ["nack", []],
  },
  {
    name: "who asks for no confirms is not told of what is refused",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments(REJECTING));
      await fill(channel, name, "1");
      const other = await openChannel();
      await other.basicPublish({ routingKey: name }, "2");
      const alive = await outcome(other.basicQos({ prefetchCount: 0 }));
      await settled(name, other);
      return [alive, await drain(channel, name)];
    },
    expect: ["ok", ["1"]],
  },
  {
    name: "what is refused is not returned, it had a queue",
    async run({ channel, queue }) {
      const name = await queue("queue", withArguments(REJECTING));
      await fill(channel, name, "1");
      let returned = 0;
      channel.onReturn = () => returned++;
      const confirmed = await confirmation(channel, { routingKey: name, mandatory: true }, "2");
      return [confirmed, returned];
    },
    expect: ["nack", 0],
  },
  {
    name: "what one queue refuses another one gets",
    async run({ channel, exchange, queue }) {
      const [source, full, free] = [
        await exchange("fanout"),
        await queue("full", withArguments(REJECTING)),
        await queue("free"),
      ];
      await fill(channel, full, "1");
      for (const name of [full, free]) await channel.queueBind({ queue: name, exchange: source });
      const confirmed = await confirmation(channel, { exchange: source }, "2");
      return [confirmed, await drain(channel, full), await drain(channel, free)];
    },
    expect: ["nack", ["1"], ["2"]],
  },
  {
    name: "where there is room again it is taken again",
    async run({ channel, queue }) {
      const name = await queue("queue", withArguments(REJECTING));
      await fill(channel, name, "1");
      const refused = await confirmation(channel, { routingKey: name }, "2");
      const first = await take(channel, name);
      return [
        refused,
        first.text(),
        await confirmation(channel, { routingKey: name }, "3"),
        await drain(channel, name),
      ];
    },
    expect: ["nack", "1", "ack", ["3"]],
  },
  {
    name: "what comes back is never refused",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments(REJECTING));
      await fill(channel, name, "1");
      const other = await openChannel();
      await take(other, name);
      await fill(channel, name, "2");
      await other.close();
      await untilReady(channel, name, 2);
      return await drainMarked(channel, name);
    },
    expect: ["1*", "2"],
  },
  {
    name: "what is refused does not go elsewhere",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ ...REJECTING, ...deadTo(dead) }));
      await fill(channel, name, "1");
      const confirmed = await confirmation(channel, { routingKey: name }, "2");
      return [confirmed, await counts(channel, dead)];
    },
    expect: ["nack", "0 ready, 0 consumers"],
  },
  {
    name: "what is refused goes elsewhere if that is asked for",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const arguments_ = { "x-max-length": 1, "x-overflow": "reject-publish-dlx", ...deadTo(dead) };
      const name = await queue("queue", withArguments(arguments_));
      await fill(channel, name, "1");
      const confirmed = await confirmation(channel, { routingKey: name }, "2");
      await untilReady(channel, dead, 1);
      const refused = await take(channel, dead);
      return [confirmed, refused.text(), deathsOf(refused), await drain(channel, name)];
    },
    expect: ["nack", "2", ["queue maxlen 1"], ["1"]],
  },
  {
    name: "what is refused and has nowhere to go is refused all the same",
    async run({ channel, queue }) {
      const arguments_ = { "x-max-length": 1, "x-overflow": "reject-publish-dlx" };
      const name = await queue("queue", withArguments(arguments_));
      await fill(channel, name, "1");
      return [
        await confirmation(channel, { routingKey: name }, "2"),
        await drain(channel, name),
      ];
    },
    expect: ["nack", ["1"]],
  },
  {
    name: "what is refused of a transaction fails its commit, all else of it is done",
    async run({ channel, openChannel, queue }) {
      const [full, free] = [await queue("full", withArguments(REJECTING)), await queue("free")];
      await fill(channel, full, "1");
      const other = await openChannel();
      await fill(channel, free, "a");
      await other.txSelect();
      (await take(other, free)).ack();
      await other.basicPublish({ routingKey: full }, "2");
      await other.basicPublish({ routingKey: free }, "b");
      const committed = await outcome(other.txCommit());
      return [committed, await drain(channel, full), await drainMarked(channel, free)];
    },
    expect: [[406, "PRECONDITION_FAILED - partial tx completion", "tx.commit"], ["1"], ["b"]],
  },
  {
    name: "a dead message that is refused where it goes is lost",
    async run({ channel, queue }) {
      const dead = await queue("dead", withArguments(REJECTING));
      const name = await queue("queue", withArguments({ "x-max-length": 1, ...deadTo(dead) }));
      await fill(channel, name, "1 2");
      await untilReady(channel, dead, 1);
      await fill(channel, name, "3");
      await settled(dead, channel);
      return [await drain(channel, dead), await drain(channel, name)];
    },
    expect: [["1"], ["3"]],
  },
];
