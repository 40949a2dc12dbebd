import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase } from "../support/harness.ts";
import {
  Collector,
  counts,
  deadTo,
  fill,
  letPass,
  nextRound,
  outcome,
  queueExists,
  take,
  withArguments,
} from "./observe.ts";

/** So long queues may be unused that are to go in a case. */
const SHORT_MS = 150;
/** So long those that are used again and again, at intervals that are shorter. */
const EXPIRES_MS = 400;
const INTERVAL_MS = 150;

/** Waits until a queue is gone, without using it: what is published to it comes back then. */
async function untilGone(channel: Channel, queue: string): Promise<void> {
  await channel.confirmSelect();
  let gone = false;
  channel.onReturn = () => gone = true;
  while (!gone) {
    await channel.basicPublish({ routingKey: queue, mandatory: true }, "");
    await nextRound();
  }
}

/** Uses a queue for longer than it may be unused. Tells whether it is there, then waits for its end. */
function used(name: string, use: (channel: Channel, queue: string) => Promise<unknown>) {
  return {
    name,
    async run({ connection, channel, queue }) {
      const name = await queue("queue", withArguments({ "x-expires": EXPIRES_MS }));
      for (let time = 0; time < EXPIRES_MS + INTERVAL_MS; time += INTERVAL_MS) {
        await letPass(connection, INTERVAL_MS);
        await use(channel, name);
      }
      const exists = await queueExists(connection, name);
      await untilGone(channel, name);
      return exists;
    },
    expect: true,
  } satisfies BehaviourCase;
}

/** Queues that may not be unused for long. */
export const queueExpiry: readonly BehaviourCase[] = [
  {
    name: "an unused queue goes, whatever is published to it",
    async run({ connection, channel, queue }) {
      const name = await queue("queue", withArguments({ "x-expires": SHORT_MS }));
      await untilGone(channel, name);
      return await queueExists(connection, name);
    },
    expect: false,
  },
  used(
    "a passive declaration is a use",
    (channel, queue) => channel.queueDeclare(queue, { passive: true }),
  ),
  used(
    "a declaration is a use",
    (channel, queue) => channel.queueDeclare(queue, withArguments({ "x-expires": EXPIRES_MS })),
  ),
  used("getting from it is a use", (channel, queue) => channel.basicGet(queue)),
  {
    name: "a queue with a consumer stays, and goes when that has left",
    async run({ connection, channel, queue }) {
      const name = await queue("queue", withArguments({ "x-expires": SHORT_MS }));
      const collector = await Collector.start(channel, name);
      await letPass(connection, 4 * SHORT_MS);
      const exists = await queueExists(connection, name);
      await channel.basicCancel(collector.consumer.consumerTag);
      await untilGone(channel, name);
      return [exists, collector.cancellations];
    },
    expect: [true, 0],
  },
  {
    name: "a queue whose consumer's connection has ended goes",
    async run({ connect, channel, queue }) {
      const other = await connect();
      const consuming = await other.openChannel();
      const name = await queue("queue", withArguments({ "x-expires": SHORT_MS }));
      await Collector.start(consuming, name);
      await other.close();
      await untilGone(channel, name);
      return "gone";
    },
    expect: "gone",
  },
  {
    name: "its messages go with it and nowhere else",
    async run({ channel, queue }) {
      const dead = await queue("dead");
      const name = await queue("queue", withArguments({ "x-expires": SHORT_MS, ...deadTo(dead) }));
      await fill(channel, name, "1 2 3");
      await untilGone(channel, name);
      return await counts(channel, dead);
    },
    expect: "0 ready, 0 consumers",
  },
  {
    name: "its bindings go with it",
    async run({ channel, exchange, queue }) {
      const source = await exchange("fanout");
      const name = await queue("queue", withArguments({ "x-expires": SHORT_MS }));
      await channel.queueBind({ queue: name, exchange: source });
      await untilGone(channel, name);
      let returned = 0;
      channel.onReturn = () => returned++;
      await channel.basicPublish({ exchange: source, mandatory: true }, "");
      return [returned, await outcome(channel.exchangeDelete(source, { ifUnused: true }))];
    },
    expect: [1, "ok"],
  },
  {
    name: "a message that was delivered may be acked when the queue is gone",
    async run({ channel, openChannel, queue }) {
      const name = await queue("queue", withArguments({ "x-expires": SHORT_MS }));
      await fill(channel, name, "1");
      const other = await openChannel();
      const delivery = await take(other, name);
      await untilGone(channel, name);
      delivery.ack();
      return await outcome(other.basicQos({ prefetchCount: 0 }));
    },
    expect: "ok",
  },
  {
    name: "a queue of this name may be declared anew",
    async run({ channel, queue }) {
      const name = await queue("queue", withArguments({ "x-expires": SHORT_MS }));
      await untilGone(channel, name);
      const { messageCount } = await channel.queueDeclare(name);
      return messageCount;
    },
    expect: 0,
  },
];
