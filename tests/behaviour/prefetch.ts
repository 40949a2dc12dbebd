import type { BehaviourCase } from "../support/harness.ts";
import { Collector, counts, fill, settled, take } from "./observe.ts";

/** How many deliveries a consumer may hold, and whose turn it is. */
export const prefetch: readonly BehaviourCase[] = [
  {
    name: "without a limit everything is delivered",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3 4 5");
      return await (await Collector.start(channel, name)).until(5);
    },
    expect: ["1", "2", "3", "4", "5"],
  },
  {
    name: "a consumer holds no more than its limit",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 2 });
      await fill(channel, name, "1 2 3 4 5");
      const collector = await Collector.start(channel, name);
      await collector.until(2);
      await settled(name, channel);
      return [collector.bodies, await counts(channel, name)];
    },
    expect: [["1", "2"], "3 ready, 1 consumers"],
  },
  {
    name: "each consumer of a channel has a limit of its own",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1 });
      const one = await Collector.start(channel, name);
      const two = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3");
      await one.until(1);
      await two.until(1);
      await settled(name, channel);
      return [one.bodies, two.bodies];
    },
    expect: [["1"], ["2"]],
  },
  {
    name: "a new limit is for consumers that start later",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      await channel.basicQos({ prefetchCount: 1 });
      const before = await Collector.start(channel, one);
      await channel.basicQos({ prefetchCount: 2 });
      const after = await Collector.start(channel, two);
      await fill(channel, one, "1 2 3");
      await fill(channel, two, "a b c");
      await before.until(1);
      await after.until(2);
      await settled(one, channel);
      await settled(two, channel);
      return [before.bodies, after.bodies];
    },
    expect: [["1"], ["a", "b"]],
  },
  {
    name: "each channel has its own",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1 });
      await fill(channel, name, "1 2 3");
      return await (await Collector.start(await openChannel(), name)).until(3);
    },
    expect: ["1", "2", "3"],
  },
  {
    name: "a global limit is shared by all consumers of the channel",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      await channel.basicQos({ prefetchCount: 2, global: true });
      const ones = await Collector.start(channel, one);
      await fill(channel, one, "1 2 3");
      await ones.until(2);
      const twos = await Collector.start(channel, two);
      await fill(channel, two, "a");
      await settled(two, channel);
      return [ones.bodies, twos.bodies];
    },
    expect: [["1", "2"], []],
  },
  {
    name: "a global limit makes room for any consumer when one acks",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      await channel.basicQos({ prefetchCount: 1, global: true });
      const ones = await Collector.start(channel, one);
      await fill(channel, one, "1");
      await ones.until(1);
      const twos = await Collector.start(channel, two);
      await fill(channel, two, "a");
      ones.deliveries[0]!.ack();
      return await twos.until(1);
    },
    expect: ["a"],
  },
  {
    name: "a higher global limit lets more come at once",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1, global: true });
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3 4");
      await collector.until(1);
      await channel.basicQos({ prefetchCount: 3, global: true });
      await collector.until(3);
      await settled(name, channel);
      return collector.bodies;
    },
    expect: ["1", "2", "3"],
  },
  {
    name: "a lower global limit recalls nothing, and holds from then on",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 3, global: true });
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3 4 5");
      await collector.until(3);
      await channel.basicQos({ prefetchCount: 1, global: true });
      collector.deliveries[0]!.ack();
      collector.deliveries[1]!.ack();
      await settled(name, channel);
      const whileFull = collector.bodies;
      collector.deliveries[2]!.ack();
      return [whileFull, await collector.until(4)];
    },
    expect: [["1", "2", "3"], ["1", "2", "3", "4"]],
  },
  {
    name: "no global limit lets everything come",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1, global: true });
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3 4");
      await collector.until(1);
      await channel.basicQos({ prefetchCount: 0, global: true });
      return await collector.until(4);
    },
    expect: ["1", "2", "3", "4"],
  },
  {
    name: "both limits hold together",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 2 });
      await channel.basicQos({ prefetchCount: 3, global: true });
      const one = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3 4 5");
      await one.until(2);
      const two = await Collector.start(channel, name);
      await two.until(1);
      await settled(name, channel);
      return [one.bodies, two.bodies];
    },
    expect: [["1", "2"], ["3"]],
  },
  {
    name: "a limit for each consumer takes the global one away",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1, global: true });
      const one = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3");
      await one.until(1);
      await channel.basicQos({ prefetchCount: 1 });
      return await one.until(3);
    },
    expect: ["1", "2", "3"],
  },
  {
    name: "without acks there is no limit",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1 });
      await channel.basicQos({ prefetchCount: 1, global: true });
      await fill(channel, name, "1 2 3");
      return await (await Collector.start(channel, name, { noAck: true })).until(3);
    },
    expect: ["1", "2", "3"],
  },
  {
    name:
      "without acks a consumer waits while others of its channel have taken up the global limit",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      await channel.basicQos({ prefetchCount: 1, global: true });
      const ones = await Collector.start(channel, one);
      await fill(channel, one, "1");
      await ones.until(1);
      const twos = await Collector.start(channel, two, { noAck: true });
      await fill(channel, two, "a b c");
      await settled(two, channel);
      const before = twos.bodies;
      ones.deliveries[0]!.ack();
      return [before, await twos.until(3)];
    },
    expect: [[], ["a", "b", "c"]],
  },
  {
    name: "one ack of many makes room for as many",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 3 });
      await fill(channel, name, "1 2 3 4 5 6 7");
      const collector = await Collector.start(channel, name);
      await collector.until(3);
      collector.deliveries[1]!.ack({ multiple: true });
      await collector.until(5);
      await settled(name, channel);
      return collector.bodies;
    },
    expect: ["1", "2", "3", "4", "5"],
  },
  {
    name: "a gotten message that is acked makes no room",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1 });
      await fill(channel, name, "1 2 3 4");
      const got = await take(channel, name);
      const collector = await Collector.start(channel, name);
      await collector.until(1);
      got.ack();
      await settled(name, channel);
      return collector.bodies;
    },
    expect: ["2"],
  },
  {
    name: "what a cancelled consumer still holds does not limit the next one",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1 });
      await fill(channel, name, "1 2");
      const one = await Collector.start(channel, name);
      await one.until(1);
      await one.consumer.cancel();
      return await (await Collector.start(channel, name)).until(1);
    },
    expect: ["2"],
  },
  {
    name: "what a cancelled consumer still holds counts in the global limit",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1, global: true });
      await fill(channel, name, "1 2");
      const one = await Collector.start(channel, name);
      await one.until(1);
      await one.consumer.cancel();
      const two = await Collector.start(channel, name);
      await settled(name, channel);
      const whileFull = two.bodies;
      one.deliveries[0]!.ack();
      return [whileFull, await two.until(1)];
    },
    expect: [[], ["2"]],
  },
  {
    name: "consumers take turns",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const collectors = [
        await Collector.start(channel, name),
        await Collector.start(await openChannel(), name),
        await Collector.start(await openChannel(), name),
      ];
      await fill(channel, name, "1 2 3 4 5 6");
      return await Promise.all(collectors.map((collector) => collector.until(2)));
    },
    expect: [["1", "4"], ["2", "5"], ["3", "6"]],
  },
  {
    name: "a busy consumer is passed over, and the idle one works on",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const workers = [await openChannel(), await openChannel()];
      for (const worker of workers) await worker.basicQos({ prefetchCount: 1 });
      const [busy, idle] = [
        await Collector.start(workers[0]!, name),
        await Collector.start(workers[1]!, name),
      ];
      await fill(channel, name, "1 2 3 4");
      await busy.until(1);
      for (let count = 1; count <= 3; count++) {
        await idle.until(count);
        idle.deliveries[count - 1]!.ack();
      }
      return [busy.bodies, idle.bodies];
    },
    expect: [["1"], ["2", "3", "4"]],
  },
];

/** Consumers that are served before others. */
export const consumerPriority: readonly BehaviourCase[] = [
  {
    name: "the highest gets everything, whoever came first",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const low = await Collector.start(channel, name);
      const high = await Collector.start(await openChannel(), name, {
        arguments: { "x-priority": 5 },
      });
      await fill(channel, name, "1 2 3");
      await high.until(3);
      await settled(name, channel);
      return [low.bodies, high.bodies];
    },
    expect: [[], ["1", "2", "3"]],
  },
  {
    name: "a lower one gets what the higher ones have no room for",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const other = await openChannel();
      await other.basicQos({ prefetchCount: 1 });
      const low = await Collector.start(channel, name, { arguments: { "x-priority": -1 } });
      const high = await Collector.start(other, name, { arguments: { "x-priority": 1 } });
      await fill(channel, name, "1 2 3");
      await low.until(2);
      await high.until(1);
      high.deliveries[0]!.ack();
      await settled(name, other);
      await fill(channel, name, "4");
      await high.until(2);
      return [low.bodies, high.bodies];
    },
    expect: [["2", "3"], ["1", "4"]],
  },
  {
    name: "0 is the priority of those that have none, and less is below",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const below = await Collector.start(channel, name, { arguments: { "x-priority": -10 } });
      const usual = await Collector.start(await openChannel(), name);
      await fill(channel, name, "1 2");
      await usual.until(2);
      await settled(name, channel);
      return [below.bodies, usual.bodies];
    },
    expect: [[], ["1", "2"]],
  },
  {
    name: "equals take turns",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const options = { arguments: { "x-priority": 3 } };
      const one = await Collector.start(channel, name, options);
      const two = await Collector.start(await openChannel(), name, options);
      await fill(channel, name, "1 2 3 4");
      return [await one.until(2), await two.until(2)];
    },
    expect: [["1", "3"], ["2", "4"]],
  },
  {
    name: "the next one takes over when the highest goes",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const other = await openChannel();
      const low = await Collector.start(channel, name);
      const high = await Collector.start(other, name, { arguments: { "x-priority": 5n } });
      await fill(channel, name, "1");
      await high.until(1);
      await high.consumer.cancel();
      await fill(channel, name, "2");
      return [await low.until(1), high.bodies];
    },
    expect: [["2"], ["1"]],
  },
];
