import type { BehaviourCase } from "../support/harness.ts";
import { Collector, drain, fill, outcome, take } from "./observe.ts";

/** What consumers hear of it when their queue goes. */
export const cancelNotification: readonly BehaviourCase[] = [
  {
    name: "deleting a queue cancels all of its consumers",
    async run({ channel, openChannel, connect, queue }) {
      const name = await queue();
      const theirs = await (await connect()).openChannel();
      const collectors = [
        await Collector.start(channel, name),
        await Collector.start(await openChannel(), name),
        await Collector.start(theirs, name),
      ];
      await channel.queueDelete(name);
      await Promise.all(collectors.map((collector) => collector.cancelled()));
      return collectors.map(({ consumer, cancellations }) => [consumer.state, cancellations]);
    },
    expect: [["cancelledByBroker", 1], ["cancelledByBroker", 1], ["cancelledByBroker", 1]],
  },
  {
    name: "the channel goes on, and the tag is free",
    async run({ channel, openChannel, queue }) {
      const [gone, stays] = [await queue("gone"), await queue("stays")];
      const one = await Collector.start(channel, gone, { consumerTag: "tag" });
      const other = await Collector.start(channel, stays, { consumerTag: "other" });
      await (await openChannel()).queueDelete(gone);
      await one.cancelled();
      const two = await Collector.start(channel, stays, { consumerTag: "tag" });
      await fill(channel, stays, "1 2");
      return [await other.until(1), await two.until(1)];
    },
    expect: [["1"], ["2"]],
  },
  {
    name: "what was delivered before may still be settled, to no effect",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2");
      await collector.until(2);
      await (await openChannel()).queueDelete(name);
      await collector.cancelled();
      for (const delivery of collector.deliveries) delivery.nack();
      await channel.queueDeclare(name);
      return [await outcome(channel.basicQos({ prefetchCount: 1 })), await drain(channel, name)];
    },
    expect: ["ok", []],
  },
  {
    name: "cancelling such a consumer is fine",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name, { consumerTag: "tag" });
      await (await openChannel()).queueDelete(name);
      await collector.cancelled();
      return await outcome(channel.basicCancel("tag"));
    },
    expect: "ok",
  },
  {
    name: "an iteration over its deliveries ends",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const consumer = await channel.basicConsume(name);
      const seen: string[] = [];
      for await (const delivery of consumer) {
        seen.push(delivery.text());
        delivery.ack();
        if (seen.length === 2) await (await openChannel()).queueDelete(name);
      }
      return [seen, consumer.state];
    },
    expect: [["1", "2"], "cancelledByBroker"],
  },
  {
    name: "an auto-delete queue that goes by deletion cancels, too",
    async run({ channel, openChannel, queue }) {
      const name = await queue("q", { autoDelete: true });
      const collector = await Collector.start(channel, name);
      await (await openChannel()).queueDelete(name);
      await collector.cancelled();
      return collector.consumer.state;
    },
    expect: "cancelledByBroker",
  },
  {
    name: "a purge cancels nobody",
    async run({ channel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name);
      await channel.queuePurge(name);
      await fill(channel, name, "1");
      return [await collector.until(1), collector.cancellations];
    },
    expect: [["1"], 0],
  },
  {
    name: "the same consumer's channel still holds what it got of other queues",
    async run({ channel, openChannel, queue }) {
      const [gone, stays] = [await queue("gone"), await queue("stays")];
      await fill(channel, stays, "1");
      const held = await take(channel, stays);
      const collector = await Collector.start(channel, gone);
      await (await openChannel()).queueDelete(gone);
      await collector.cancelled();
      held.nack();
      return await drain(channel, stays);
    },
    expect: ["1"],
  },
];
