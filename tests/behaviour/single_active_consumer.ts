import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  counts,
  drain,
  fill,
  nextRound,
  outcome,
  quorumWith,
  settled,
  take,
  untilReady,
  withArguments,
} from "./observe.ts";

const SINGLE = withArguments({ "x-single-active-consumer": true });
const SINGLE_QUORUM = quorumWith({ "x-single-active-consumer": true });

/** A consumer on a channel of its own. */
async function consumer(
  openChannel: () => Promise<Channel>,
  queue: string,
  options: { priority?: number; prefetchCount?: number; noAck?: boolean } = {},
): Promise<Collector & { channel: Channel }> {
  const channel = await openChannel();
  await channel.basicQos({ prefetchCount: options.prefetchCount ?? 0 });
  const collector = await Collector.start(channel, queue, {
    noAck: options.noAck ?? false,
    ...(options.priority === undefined ? {} : { arguments: { "x-priority": options.priority } }),
  });
  return Object.assign(collector, { channel });
}

/** Queues that serve one consumer at a time. */
export const singleActiveConsumer: readonly BehaviourCase[] = [
  {
    name: "the first consumer gets all, the others wait and are counted",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name);
      const second = await consumer(openChannel, name);
      await fill(channel, name, "1 2 3");
      await first.until(3);
      await settled(name, second.channel);
      return [first.bodies, second.bodies, await counts(channel, name)];
    },
    expect: [["1", "2", "3"], [], "0 ready, 2 consumers"],
  },
  {
    name: "nobody else helps out when it has no room",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name, { prefetchCount: 1 });
      const second = await consumer(openChannel, name);
      await fill(channel, name, "1 2");
      await first.until(1);
      await settled(name, second.channel);
      const before = [second.bodies, await counts(channel, name)];
      first.deliveries[0]!.ack();
      return [before, await first.until(2)];
    },
    expect: [[[], "1 ready, 2 consumers"], ["1", "2"]],
  },
  {
    name: "the next one takes over when it is cancelled, what it has stays with it",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name);
      const second = await consumer(openChannel, name);
      await fill(channel, name, "1");
      await first.until(1);
      await first.channel.basicCancel(first.consumer.consumerTag);
      await fill(channel, name, "2");
      await second.until(1);
      first.deliveries[0]!.nack({ requeue: true });
      return await second.until(2);
    },
    expect: ["2", "1*"],
  },
  {
    name: "the next one takes over when its channel is closed, with what it had",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name);
      const second = await consumer(openChannel, name);
      await fill(channel, name, "1 2");
      await first.until(2);
      await first.channel.close();
      return await second.until(2);
    },
    expect: ["1*", "2*"],
  },
  {
    name: "the next one takes over when its connection ends, and gets what waits",
    async run({ channel, connect, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const other = await connect();
      const first = await consumer(() => other.openChannel(), name, { prefetchCount: 1 });
      const second = await consumer(openChannel, name);
      await fill(channel, name, "1 2 3");
      await first.until(1);
      await other.close();
      return await second.until(3);
    },
    expect: ["1*", "2", "3"],
  },
  {
    name: "they take over in the order in which they came",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const all = [];
      for (let count = 0; count < 4; count++) all.push(await consumer(openChannel, name));
      const served: number[] = [];
      await all[1]!.channel.close();
      for (const index of [0, 2, 3]) {
        await fill(channel, name, "1");
        await all[index]!.until(1);
        served.push(index);
        all[index]!.deliveries[0]!.ack();
        await all[index]!.channel.close();
      }
      return served;
    },
    expect: [0, 2, 3],
  },
  {
    name: "of those that wait the one of the highest priority takes over",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name, { priority: 1 });
      const low = await consumer(openChannel, name, { priority: 2 });
      const high = await consumer(openChannel, name, { priority: 5 });
      await fill(channel, name, "1");
      await first.until(1);
      await settled(name, high.channel);
      first.deliveries[0]!.ack();
      await first.channel.close();
      await fill(channel, name, "2");
      await high.until(1);
      return [first.bodies, low.bodies, high.bodies];
    },
    expect: [["1"], [], ["2"]],
  },
  {
    name: "one of higher priority takes over a quorum queue at once if nothing is unsettled",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE_QUORUM);
      const first = await consumer(openChannel, name, { prefetchCount: 10 });
      const high = await consumer(openChannel, name, { priority: 5, prefetchCount: 10 });
      await fill(channel, name, "1");
      while (first.bodies.length + high.bodies.length === 0) await nextRound();
      return [first.bodies, high.bodies];
    },
    expect: [[], ["1"]],
  },
  {
    name: "one of higher priority takes over a quorum queue when all is settled",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE_QUORUM);
      const first = await consumer(openChannel, name, { prefetchCount: 10 });
      await fill(channel, name, "1 2");
      await first.until(2);
      const high = await consumer(openChannel, name, { priority: 5, prefetchCount: 10 });
      await fill(channel, name, "3");
      await settled(name, high.channel);
      const before = [...first.bodies, "|", ...high.bodies];
      first.deliveries[0]!.ack();
      first.deliveries[1]!.ack();
      while (first.bodies.length + high.bodies.length < 3) await nextRound();
      return [before, first.bodies, high.bodies];
    },
    expect: [["1", "2", "|"], ["1", "2"], ["3"]],
  },
  {
    name: "it may be one that needs no acks",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name, { noAck: true });
      const second = await consumer(openChannel, name, { noAck: true });
      await fill(channel, name, "1 2");
      await first.until(2);
      await first.channel.close();
      await fill(channel, name, "3");
      return [first.bodies, await second.until(1)];
    },
    expect: [["1", "2"], ["3"]],
  },
  {
    name: "one that comes when all have left is the next",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name);
      await first.channel.close();
      await fill(channel, name, "1");
      return await (await consumer(openChannel, name)).until(1);
    },
    expect: ["1"],
  },
  {
    name: "an exclusive consumer is refused",
    async run({ openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const other = await openChannel();
      return await outcome(other.basicConsume(name, { exclusive: true }));
    },
    expect: [
      403,
      "ACCESS_REFUSED - queue 'queue' in vhost '/' in exclusive use",
      "basic.consume",
    ],
  },
  {
    name: "anybody may get from it",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name, { prefetchCount: 1 });
      await fill(channel, name, "1 2 3");
      await first.until(1);
      return await drain(channel, name);
    },
    expect: ["2", "3"],
  },
  {
    name: "nobody may get from a quorum queue",
    async run({ openChannel, queue }) {
      const name = await queue("queue", SINGLE_QUORUM);
      return await outcome((await openChannel()).basicGet(name));
    },
    expect: [
      405,
      "RESOURCE_LOCKED - cannot obtain access to locked queue 'queue' in vhost '/'. basic.get " +
      "operations are not supported by quorum queues with single active consumer",
      "basic.get",
    ],
  },
  {
    name: "all consumers are told when the queue is deleted",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const all = [await consumer(openChannel, name), await consumer(openChannel, name)];
      await channel.queueDelete(name);
      for (const one of all) await one.cancelled();
      return all.map(({ cancellations }) => cancellations);
    },
    expect: [1, 1],
  },
  {
    name: "what comes back goes to it again",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      const first = await consumer(openChannel, name);
      await consumer(openChannel, name);
      await fill(channel, name, "1");
      await first.until(1);
      first.deliveries[0]!.nack({ requeue: true });
      return await first.until(2);
    },
    expect: ["1", "1*"],
  },
  {
    name: "the argument false means nothing",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-single-active-consumer": false }));
      const first = await consumer(openChannel, name);
      const second = await consumer(openChannel, name);
      await fill(channel, name, "1 2");
      return [await first.until(1), await second.until(1)];
    },
    expect: [["1"], ["2"]],
  },
  {
    name: "an auto-delete queue goes with the last one that waits",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", { ...SINGLE, autoDelete: true });
      const first = await consumer(openChannel, name);
      const second = await consumer(openChannel, name);
      await first.channel.close();
      const before = await counts(channel, name);
      await second.channel.close();
      return [before, await outcome((await openChannel()).queueDeclare(name, { passive: true }))];
    },
    expect: [
      "0 ready, 1 consumers",
      [404, "NOT_FOUND - no queue 'queue' in vhost '/'", "queue.declare"],
    ],
  },
  {
    name: "a message that was got comes back to it",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", SINGLE);
      await fill(channel, name, "1");
      const got = await take(channel, name);
      const first = await consumer(openChannel, name);
      got.nack({ requeue: true });
      const bodies = await first.until(1);
      await untilReady(channel, name, 0);
      return bodies;
    },
    expect: ["1*"],
  },
];
