import type { BehaviourCase } from "../support/harness.ts";
import { Collector, drain, drainMarked, fill, outcome, take } from "./observe.ts";

/** Asking for everything unacked again. */
export const recover: readonly BehaviourCase[] = [
  {
    name: "it requeues all that the channel has not settled, in order",
    async run({ channel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2 3 4");
      await take(channel, name);
      (await take(channel, name)).ack();
      await take(channel, name);
      await channel.basicRecover({ requeue: true });
      return await drainMarked(channel, name);
    },
    expect: ["1*", "3*", "4"],
  },
  {
    name: "it does not touch what other channels hold",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1 2");
      await take(await openChannel(), name);
      await take(channel, name);
      await channel.basicRecover();
      return await drainMarked(channel, name);
    },
    expect: ["2*"],
  },
  {
    name: "it is fine when nothing is unacked",
    run: ({ channel }) => outcome(channel.basicRecover()),
    expect: "ok",
  },
  {
    name: "a consumer gets everything again, under new tags",
    async run({ channel, queue }) {
      const name = await queue();
      const collector = await Collector.start(channel, name);
      await fill(channel, name, "1 2");
      await collector.until(2);
      await channel.basicRecover();
      const bodies = await collector.until(4);
      return [bodies, collector.deliveries.map(({ deliveryTag }) => deliveryTag)];
    },
    expect: [["1", "2", "1*", "2*"], [1, 2, 3, 4]],
  },
  {
    name: "the old tags are unknown afterwards",
    async run({ channel, openChannel, queue }) {
      const name = await queue();
      await fill(channel, name, "1");
      const other = await openChannel();
      const { deliveryTag } = await take(other, name);
      await other.basicRecover();
      other.basicAck(deliveryTag);
      return [await outcome(other.basicQos({ prefetchCount: 0 })), await drain(channel, name)];
    },
    expect: [[406, "PRECONDITION_FAILED - unknown delivery tag 1", "basic.ack"], ["1"]],
  },
];
