import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  drain,
  drainMarked,
  fill,
  outcome,
  settled,
  take,
  untilReady,
} from "./observe.ts";

/** Makes a channel of its own transactional. */
async function transactional(openChannel: () => Promise<Channel>): Promise<Channel> {
  const channel = await openChannel();
  await channel.txSelect();
  return channel;
}

/** Transactions. */
export const tx: readonly BehaviourCase[] = [
  {
    name: "what is published comes with the commit, in order",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const other = await transactional(openChannel);
      await other.basicPublish({ routingKey: name }, "1");
      await other.basicPublish({ routingKey: name }, "2");
      await other.basicQos({ prefetchCount: 0 });
      const before = await drain(channel, name);
      await other.txCommit();
      return [before, await drain(channel, name)];
    },
    expect: [[], ["1", "2"]],
  },
  {
    name: "what is published is forgotten by a rollback",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const other = await transactional(openChannel);
      await other.basicPublish({ routingKey: name }, "1");
      await other.txRollback();
      await other.basicPublish({ routingKey: name }, "2");
      await other.txCommit();
      return await drain(channel, name);
    },
    expect: ["2"],
  },
  {
    name: "after each commit the next transaction begins",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const other = await transactional(openChannel);
      await other.basicPublish({ routingKey: name }, "1");
      await other.txCommit();
      await other.basicPublish({ routingKey: name }, "2");
      await other.txRollback();
      await other.txCommit();
      return await drain(channel, name);
    },
    expect: ["1"],
  },
  {
    name: "acks come with the commit",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const other = await transactional(openChannel);
      (await take(other, name)).ack();
      await other.txCommit();
      (await take(other, name)).ack();
      await other.close();
      await untilReady(channel, name, 1);
      return await drainMarked(channel, name);
    },
    expect: ["2*"],
  },
  {
    name: "a rollback leaves what was acked unacked",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      const other = await transactional(openChannel);
      const { deliveryTag } = await take(other, name);
      other.basicAck(deliveryTag);
      await other.txRollback();
      const whileUnacked = await drain(channel, name);
      other.basicAck(deliveryTag);
      await other.txCommit();
      await other.close();
      return [whileUnacked, await drainMarked(channel, name)];
    },
    expect: [[], []],
  },
  {
    name: "what is requeued comes back with the commit",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const other = await transactional(openChannel);
      const [one, two] = [await take(other, name), await take(other, name)];
      two.nack();
      one.reject({ requeue: false });
      await other.basicQos({ prefetchCount: 0 });
      const before = await drain(channel, name);
      await other.txCommit();
      return [before, await drainMarked(other, name)];
    },
    expect: [[], ["2*"]],
  },
  {
    name: "acking twice in one transaction closes the channel",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      const other = await transactional(openChannel);
      const { deliveryTag } = await take(other, name);
      other.basicAck(deliveryTag);
      other.basicAck(deliveryTag);
      return await outcome(other.txCommit());
    },
    expect: [406, "PRECONDITION_FAILED - unknown delivery tag 1", "basic.ack"],
  },
  {
    name: "a channel that closes forgets its publishes and gives back what it acked",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      const other = await transactional(openChannel);
      (await take(other, name)).ack();
      await other.basicPublish({ routingKey: name }, "forgotten");
      await other.close();
      await untilReady(channel, name, 1);
      return await drainMarked(channel, name);
    },
    expect: ["1*"],
  },
  {
    name: "an error forgets them, too",
    async run({ channel, openChannel, queue, name }) {
      const queueName = await queue();
      const other = await transactional(openChannel);
      await other.basicPublish({ routingKey: queueName }, "forgotten");
      await other.basicPublish({ exchange: name("nowhere") }, "");
      const refused = await outcome(other.txCommit());
      return [refused, await drain(channel, queueName)];
    },
    expect: [
      [404, "NOT_FOUND - no exchange 'nowhere' in vhost '/'", "basic.publish"],
      [],
    ],
  },
  {
    name: "a mandatory message comes back before the commit is confirmed",
    async run({ openChannel, name }) {
      const other = await transactional(openChannel);
      const returned: string[] = [];
      other.onReturn = (message) => returned.push(message.text());
      await other.basicPublish({ routingKey: name("nobody"), mandatory: true }, "1");
      await other.txCommit();
      return returned;
    },
    expect: ["1"],
  },
  {
    name: "a message that was held goes where its key leads at the time of its publishing",
    async run({ channel, openChannel, exchange, queue }) {
      const [source, bound] = [await exchange("fanout"), await queue()];
      const other = await transactional(openChannel);
      await other.basicPublish({ exchange: source }, "before the binding");
      await other.basicQos({ prefetchCount: 0 });
      await channel.queueBind({ queue: bound, exchange: source });
      await other.basicPublish({ exchange: source }, "after the binding");
      await other.txCommit();
      return await drain(channel, bound);
    },
    expect: ["after the binding"],
  },
  {
    name: "a queue that goes before the commit takes its messages with it, and they come back",
    async run({ channel, openChannel, exchange, queue }) {
      const [source, bound] = [await exchange("fanout"), await queue()];
      await channel.queueBind({ queue: bound, exchange: source });
      const other = await transactional(openChannel);
      const returned: string[] = [];
      other.onReturn = (message) => returned.push(message.text());
      await other.basicPublish({ exchange: source, mandatory: true }, "1");
      await other.basicQos({ prefetchCount: 0 });
      await channel.queueDelete(bound);
      await other.txCommit();
      return returned;
    },
    expect: ["1"],
  },
  {
    name: "a queue that comes before the commit gets what was published to its name",
    async run({ channel, openChannel, name }) {
      const queue = name("queue");
      const other = await transactional(openChannel);
      await other.basicPublish({ routingKey: queue }, "1");
      await other.basicQos({ prefetchCount: 0 });
      await channel.queueDeclare(queue);
      await other.txCommit();
      return await drain(channel, queue);
    },
    expect: ["1"],
  },
  {
    name: "selecting twice is selecting once",
    async run({ openChannel }) {
      const other = await transactional(openChannel);
      return [await outcome(other.txSelect()), await outcome(other.txCommit())];
    },
    expect: ["ok", "ok"],
  },
  {
    name: "an empty transaction may be committed and rolled back",
    async run({ openChannel }) {
      const other = await transactional(openChannel);
      return [await outcome(other.txCommit()), await outcome(other.txRollback())];
    },
    expect: ["ok", "ok"],
  },
  {
    name: "deliveries and declarations do not wait for it",
    async run({ channel, openChannel, name }) {
      const other = await transactional(openChannel);
      const queue = name("queue");
      await other.queueDeclare(queue);
      const collector = await Collector.start(other, queue);
      await fill(channel, queue, "1");
      return await collector.until(1);
    },
    expect: ["1"],
  },
  {
    name: "an ack that is held makes no room for a full consumer until the commit",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const other = await transactional(openChannel);
      await other.basicQos({ prefetchCount: 1 });
      const collector = await Collector.start(other, name);
      await collector.until(1);
      collector.deliveries[0]!.ack();
      await settled(name, other);
      const before = collector.bodies;
      await other.txCommit();
      return [before, await collector.until(2)];
    },
    expect: [["1"], ["1", "2"]],
  },
];
