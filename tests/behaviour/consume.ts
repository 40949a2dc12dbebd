import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  counts,
  drain,
  drainMarked,
  fill,
  outcome,
  settled,
  take,
  untilReady,
} from "./observe.ts";

/** Consumers. */
export const consume: readonly BehaviourCase[] = [
  {
    name: "a consumer gets what waits and then what comes, in order",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "3 4");
      return await collector.until(4);
    },
    expect: ["1", "2", "3", "4"],
  },
  {
    name: "a delivery tells its tags, where it was published and that it is new",
    async run({ channel, exchange, queue }) {
      const [source, bound] = [await exchange("direct", "source"), await queue()];
      await channel.queueBind({ queue: bound, exchange: source, routingKey: "k" });
      const collector = await Collector.start(channel, bound, { consumerTag: "tag" });
      await channel.basicPublish({ exchange: source, routingKey: "k" }, "body");
      await collector.until(1);
      const { consumerTag, deliveryTag, redelivered, exchange: from, routingKey } = collector
        .deliveries[0]!;
      return { consumerTag, deliveryTag, redelivered, from, routingKey };
    },
    expect: {
      consumerTag: "tag",
      deliveryTag: 1,
      redelivered: false,
      from: "source",
      routingKey: "k",
    },
  },
  {
    name: "the broker makes up a tag when there is none",
    async run({ channel, queue }) {
      const name = await queue();
      const one = await Collector.start(channel, name);
      const two = await Collector.start(channel, name);
      return [
        one.consumer.consumerTag,
        two.consumer.consumerTag,
        one.consumer.consumerTag !== two.consumer.consumerTag,
      ];
    },
    expect: ["amq.ctag-*", "amq.ctag-*", true],
  },
  {
    name: "a tag may be any text of up to 255 octets",
    async run({ channel, queue }) {
      const name = await queue();
      const tag = "ü".repeat(127) + "t";
      const collector = await Collector.start(channel, name, { consumerTag: tag });
      await fill(channel, name, "1");
      await collector.until(1);
      return collector.deliveries[0]!.consumerTag === tag;
    },
    expect: true,
  },
  {
    name: "two channels may use the same tag",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const one = await Collector.start(channel, name, { consumerTag: "tag" });
      const two = await Collector.start(await openChannel(), name, { consumerTag: "tag" });
      await fill(channel, name, "1 2");
      return [await one.until(1), await two.until(1)];
    },
    expect: [["1"], ["2"]],
  },
  {
    name: "a tag may be used again after its consumer was cancelled",
    async run({ channel, queue }) {
      const name = await queue();
      const one = await Collector.start(channel, name, { consumerTag: "tag" });
      await one.consumer.cancel();
      const two = await Collector.start(channel, name, { consumerTag: "tag" });
      await fill(channel, name, "1");
      return await two.until(1);
    },
    expect: ["1"],
  },
  {
    name: "delivery tags count over all consumers and gets of a channel",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      const withAcks = await Collector.start(channel, one);
      const without = await Collector.start(channel, two, { noAck: true });
      await fill(channel, one, "1");
      await withAcks.until(1);
      await fill(channel, two, "2");
      await without.until(1);
      await withAcks.consumer.cancel();
      await fill(channel, one, "3 4");
      const got = await take(channel, one);
      const gotWithout = await channel.basicGet(one, { noAck: true });
      return [
        withAcks.deliveries[0]!.deliveryTag,
        without.deliveries[0]!.deliveryTag,
        got.deliveryTag,
        gotWithout?.deliveryTag,
      ];
    },
    expect: [1, 2, 3, 4],
  },
  {
    name: "each channel counts its own delivery tags",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const other = await openChannel();
      return [(await take(channel, name)).deliveryTag, (await take(other, name)).deliveryTag];
    },
    expect: [1, 1],
  },
  {
    name: "nothing is delivered once a consumer is cancelled",
    async run({ channel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1");
      await collector.until(1);
      await collector.consumer.cancel();
      await fill(channel, name, "2");
      await settled(name, channel);
      return [collector.bodies, collector.consumer.state, await counts(channel, name)];
    },
    expect: [["1"], "cancelled", "1 ready, 0 consumers"],
  },
  {
    name: "what a cancelled consumer was given can still be acked or requeued",
    async run({ channel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2");
      await collector.until(2);
      await collector.consumer.cancel();
      collector.deliveries[0]!.ack();
      collector.deliveries[1]!.nack();
      return await drainMarked(channel, name);
    },
    expect: ["2*"],
  },
  {
    name: "what a cancelled consumer was given stays unacked until then",
    async run({ channel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2");
      await collector.until(2);
      await collector.consumer.cancel();
      return await counts(channel, name);
    },
    expect: "0 ready, 0 consumers",
  },
  {
    name: "cancelling an unknown tag is fine",
    run: ({ channel }) => outcome(channel.basicCancel("nobody")),
    expect: "ok",
  },
  {
    name: "cancelling twice is fine",
    async run({ channel, queue }) {
      await Collector.start(channel, await queue(), { consumerTag: "tag" });
      return [await outcome(channel.basicCancel("tag")), await outcome(channel.basicCancel("tag"))];
    },
    expect: ["ok", "ok"],
  },
  {
    name: "another channel's consumer is an unknown one",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await Collector.start(channel, name, { consumerTag: "tag" });
      await (await openChannel()).basicCancel("tag");
      return await counts(channel, name);
    },
    expect: "0 ready, 1 consumers",
  },
  {
    name: "without acks a message is gone when it is sent",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      const other = await openChannel();
      const collector = await Collector.start(other, name, { noAck: true });
      await fill(channel, name, "1 2");
      await collector.until(2);
      await other.close();
      return await drain(channel, name);
    },
    expect: [],
  },
  {
    name: "an exclusive consumer is alone until it goes",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue");
      const { consumer } = await Collector.start(channel, name, { exclusive: true });
      const refused = await outcome(Collector.start(await openChannel(), name));
      await consumer.cancel();
      return [refused, await outcome(Collector.start(await openChannel(), name))];
    },
    expect: [
      [403, "ACCESS_REFUSED - queue 'queue' in vhost '/' in exclusive use", "basic.consume"],
      "ok",
    ],
  },
  {
    name: "an exclusive consumer's channel may close instead",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue");
      const other = await openChannel();
      await Collector.start(other, name, { exclusive: true });
      await other.close();
      return await outcome(Collector.start(channel, name, { exclusive: true }));
    },
    expect: "ok",
  },
  {
    name: "an exclusive consumer cannot join others",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue");
      await Collector.start(channel, name);
      return await outcome(Collector.start(await openChannel(), name, { exclusive: true }));
    },
    expect: [
      403,
      "ACCESS_REFUSED - queue 'queue' in vhost '/' in exclusive use",
      "basic.consume",
    ],
  },
  {
    name: "an exclusive consumer does not keep others from getting",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1 });
      const collector = await Collector.start(channel, name, { exclusive: true });
      await fill(channel, name, "1 2");
      await collector.until(1);
      return (await (await openChannel()).basicGet(name))?.text();
    },
    expect: "2",
  },
  {
    name: "no-local is taken and does nothing",
    async run({ channel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name, { noLocal: true });
      await fill(channel, name, "1");
      return await collector.until(1);
    },
    expect: ["1"],
  },
  {
    name: "arguments that mean nothing are taken",
    async run({ channel, queue }) {
      const name = await queue();
      const arguments_ = { "x-mine": "a", "x-consumer-timeout": 60_000 };
      return await outcome(Collector.start(channel, name, { arguments: arguments_ }));
    },
    expect: "ok",
  },
  {
    name: "one channel may consume from several queues",
    async run({ channel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      const ones = await Collector.start(channel, one);
      const twos = await Collector.start(channel, two);
      await fill(channel, one, "1 2");
      await fill(channel, two, "a b");
      return [await ones.until(2), await twos.until(2)];
    },
    expect: [["1", "2"], ["a", "b"]],
  },
  {
    name: "consumers of one channel share a queue in turn",
    async run({ channel, queue }) {
      const name = await queue();
      const one = await Collector.start(channel, name);
      const two = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3 4");
      return [await one.until(2), await two.until(2)];
    },
    expect: [["1", "3"], ["2", "4"]],
  },
  {
    name: "a channel that closes takes its consumers with it and gives back what was unacked",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      const other = await openChannel();
      const collector = await Collector.start(other, name);
      await collector.until(3);
      collector.deliveries[1]!.ack();
      await other.close();
      await untilReady(channel, name, 2);
      return [
        collector.consumer.state,
        await counts(channel, name),
        await drainMarked(channel, name),
      ];
    },
    expect: ["closed", "2 ready, 0 consumers", ["1*", "3*"]],
  },
];

/** Taking single messages. */
export const get: readonly BehaviourCase[] = [
  {
    name: "an empty queue gives nothing",
    async run({ channel, queue }) {
      return await channel.basicGet(await queue());
    },
    expect: undefined,
  },
  {
    name: "it tells how many are left",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      const left: unknown[] = [];
      for (let count = 0; count < 3; count++) left.push((await take(channel, name)).messageCount);
      return left;
    },
    expect: [2, 1, 0],
  },
  {
    name: "with an ack the message is unacked, without it is gone",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const other = await openChannel();
      await other.basicGet(name);
      await other.basicGet(name, { noAck: true });
      await other.close();
      await untilReady(channel, name, 1);
      return await drainMarked(channel, name);
    },
    expect: ["1*"],
  },
  {
    name: "it is not limited by a prefetch and does not count in it",
    async run({ channel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1, global: true });
      await channel.basicQos({ prefetchCount: 1 });
      await fill(channel, name, "1 2 3");
      await take(channel, name);
      await take(channel, name);
      return await (await Collector.start(channel, name)).until(1);
    },
    expect: ["3"],
  },
  {
    name: "it takes what no consumer has taken",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1 });
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2 3");
      await collector.until(1);
      const got = await (await openChannel()).basicGet(name);
      collector.deliveries[0]!.ack();
      return [got?.text(), await collector.until(2)];
    },
    expect: ["2", ["1", "3"]],
  },
  {
    name: "of two channels each gets another message",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const other = await openChannel();
      return [(await take(channel, name)).text(), (await take(other, name)).text()];
    },
    expect: ["1", "2"],
  },
];
