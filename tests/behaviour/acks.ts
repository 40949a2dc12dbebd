import type { BehaviourCase } from "../support/harness.ts";
import {
  closing,
  Collector,
  drain,
  drainMarked,
  fill,
  marked,
  outcome,
  settled,
  take,
  untilReady,
} from "./observe.ts";

/** Acks, nacks, rejects, and what comes back. */
export const acks: readonly BehaviourCase[] = [
  {
    name: "an acked message is gone, an unacked one comes back",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      const other = await openChannel();
      await take(other, name);
      (await take(other, name)).ack();
      await other.close();
      await untilReady(channel, name, 2);
      return await drainMarked(channel, name);
    },
    expect: ["1*", "3"],
  },
  {
    name: "multiple acks all up to the tag, over all queues and consumers of the channel",
    async run({ channel, openChannel, queue }) {
      const [one, two] = [await queue("one"), await queue("two")];
      await fill(channel, one, "1 2");
      await fill(channel, two, "a b");
      const other = await openChannel();
      await take(other, one);
      await take(other, two);
      const third = await take(other, two);
      await take(other, one);
      third.ack({ multiple: true });
      await other.close();
      await untilReady(channel, one, 1);
      return [await drainMarked(channel, one), await drainMarked(channel, two)];
    },
    expect: [["2*"], []],
  },
  {
    name: "0 with multiple acks everything",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      const other = await openChannel();
      await take(other, name);
      await take(other, name);
      other.basicAck(0, { multiple: true });
      await other.close();
      await untilReady(channel, name, 1);
      return await drainMarked(channel, name);
    },
    expect: ["3"],
  },
  {
    name: "0 with multiple is fine when nothing is unacked",
    async run({ channel }) {
      channel.basicAck(0, { multiple: true });
      channel.basicNack(0, { multiple: true });
      return await outcome(channel.basicQos({ prefetchCount: 0 }));
    },
    expect: "ok",
  },
  {
    name: "0 with multiple nacks everything, too",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      for (let count = 0; count < 3; count++) await take(channel, name);
      channel.basicNack(0, { multiple: true });
      return await drainMarked(channel, name);
    },
    expect: ["1*", "2*", "3*"],
  },
  ...["ack", "nack", "reject"].map((verb): BehaviourCase => ({
    name: `${verb} of a tag that was never given closes the channel`,
    async run({ openChannel }) {
      const other = await openChannel();
      if (verb === "ack") other.basicAck(99);
      else if (verb === "nack") other.basicNack(99);
      else other.basicReject(99);
      return await closing(other);
    },
    expect: [406, "PRECONDITION_FAILED - unknown delivery tag 99", `basic.${verb}`],
  })),
  {
    name: "multiple up to a tag that was never given closes the channel, and nothing is acked",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      const other = await openChannel();
      await take(other, name);
      other.basicAck(2, { multiple: true });
      const refused = await closing(other);
      await untilReady(channel, name, 1);
      return [refused, await drainMarked(channel, name)];
    },
    expect: [[406, "PRECONDITION_FAILED - unknown delivery tag 2", "basic.ack"], ["1*"]],
  },
  {
    name: "acking twice closes the channel",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      const other = await openChannel();
      const { deliveryTag } = await take(other, name);
      other.basicAck(deliveryTag);
      other.basicAck(deliveryTag);
      return [await closing(other), await drain(channel, name)];
    },
    expect: [[406, "PRECONDITION_FAILED - unknown delivery tag 1", "basic.ack"], ["2"]],
  },
  {
    name: "multiple up to a tag that is settled already closes the channel",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      const other = await openChannel();
      await take(other, name);
      (await take(other, name)).ack();
      await take(other, name);
      other.basicAck(2, { multiple: true });
      const refused = await closing(other);
      await untilReady(channel, name, 2);
      return [refused, await drainMarked(channel, name)];
    },
    expect: [
      [406, "PRECONDITION_FAILED - unknown delivery tag 2", "basic.ack"],
      ["1*", "3*"],
    ],
  },
  {
    name: "acking what was delivered without acks closes the channel",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      const other = await openChannel();
      await other.basicGet(name, { noAck: true });
      other.basicAck(1);
      return await closing(other);
    },
    expect: [406, "PRECONDITION_FAILED - unknown delivery tag 1", "basic.ack"],
  },
  {
    name: "tags are of the channel that got them",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      const { deliveryTag } = await take(channel, name);
      const other = await openChannel();
      other.basicAck(deliveryTag);
      return await closing(other);
    },
    expect: [406, "PRECONDITION_FAILED - unknown delivery tag 1", "basic.ack"],
  },
  {
    name: "reject drops or requeues",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      (await take(channel, name)).reject({ requeue: false });
      (await take(channel, name)).reject({ requeue: true });
      return await drainMarked(channel, name);
    },
    expect: ["2*", "3"],
  },
  {
    name: "nack drops or requeues",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      (await take(channel, name)).nack({ requeue: false });
      (await take(channel, name)).nack({ requeue: true });
      return await drainMarked(channel, name);
    },
    expect: ["2*", "3"],
  },
  {
    name: "nack with multiple drops all up to the tag",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3 4");
      await take(channel, name);
      const second = await take(channel, name);
      const third = await take(channel, name);
      second.nack({ multiple: true, requeue: false });
      third.nack();
      return await drainMarked(channel, name);
    },
    expect: ["3*", "4"],
  },
  {
    name: "what is requeued gets its old place back",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3 4");
      const [one, two, three] = [
        await take(channel, name),
        await take(channel, name),
        await take(channel, name),
      ];
      three.nack();
      one.nack();
      two.reject();
      return await drainMarked(channel, name);
    },
    expect: ["1*", "2*", "3*", "4"],
  },
  {
    name: "what is requeued lies between what was taken before and after it",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3 4 5");
      await take(channel, name);
      const two = await take(channel, name);
      await take(channel, name);
      two.nack();
      return await drainMarked(channel, name);
    },
    expect: ["2*", "4", "5"],
  },
  {
    name: "what several channels give back is in its old order again",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3 4 5 6");
      const [one, two] = [await openChannel(), await openChannel()];
      for (let count = 0; count < 3; count++) {
        await take(one, name);
        await take(two, name);
      }
      await two.close();
      await one.close();
      await untilReady(channel, name, 6);
      return await drainMarked(channel, name);
    },
    expect: ["1*", "2*", "3*", "4*", "5*", "6*"],
  },
  {
    name: "redelivered stays true however often a message comes back",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      const seen: string[] = [];
      for (let count = 0; count < 3; count++) {
        const delivery = await take(channel, name);
        seen.push(marked(delivery));
        delivery.nack();
      }
      return seen;
    },
    expect: ["1", "1*", "1*"],
  },
  {
    name: "what one consumer gives back, the other one gets",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await channel.basicQos({ prefetchCount: 1 });
      const one = await Collector.start(channel, name);
      await fill(channel, name, "1");
      await one.until(1);
      const two = await Collector.start(await openChannel(), name);
      await one.consumer.cancel();
      one.deliveries[0]!.nack();
      return await two.until(1);
    },
    expect: ["1*"],
  },
  {
    name: "a consumer may get back what it gave back",
    async run({ channel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1");
      await collector.until(1);
      collector.deliveries[0]!.nack();
      return await collector.until(2);
    },
    expect: ["1", "1*"],
  },
  {
    name: "an error of the channel gives back what was unacked",
    async run({ channel, openChannel, queue, name }) {
      const queueName = await queue();
      await fill(channel, queueName, "1 2");
      const other = await openChannel();
      await take(other, queueName);
      await outcome(other.queueDeclare(name("nothing"), { passive: true }));
      await untilReady(channel, queueName, 2);
      return await drainMarked(channel, queueName);
    },
    expect: ["1*", "2"],
  },
  {
    name: "the end of the connection gives back what was unacked",
    async run({ channel, connect, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      const other = await connect();
      const theirs = await other.openChannel();
      await (await Collector.start(theirs, name)).until(3);
      await other.close();
      await untilReady(channel, name, 3);
      return await drainMarked(channel, name);
    },
    expect: ["1*", "2*", "3*"],
  },
  {
    name: "an ack lets the next delivery of a full consumer come",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3");
      await channel.basicQos({ prefetchCount: 1 });
      const collector = await Collector.start(channel, name);
      await collector.until(1);
      collector.deliveries[0]!.ack();
      await collector.until(2);
      collector.deliveries[1]!.reject({ requeue: false });
      await collector.until(3);
      await settled(name, channel);
      return collector.bodies;
    },
    expect: ["1", "2", "3"],
  },
  {
    name: "a connection that ends gives its messages to those who wait",
    async run({ channel, connect, queue }) {
      const name = await queue();
      const other = await connect();
      const theirs = await Collector.start(await other.openChannel(), name);
      await fill(channel, name, "1 2");
      await theirs.until(2);
      const ours = await Collector.start(channel, name);
      await other.close();
      return await ours.until(2);
    },
    expect: ["1*", "2*"],
  },
  {
    name: "a requeued message waits for whoever comes next",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      (await take(channel, name)).nack();
      const other = await openChannel();
      await untilReady(other, name, 2);
      return await drainMarked(other, name);
    },
    expect: ["1*", "2"],
  },
];
