import type { FieldTable } from "../../broker/amqp/field_table.ts";
import type { Channel } from "../../client/channel.ts";
import type { BehaviourCase, Context } from "../support/harness.ts";
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

/** So long queues may be unused that are to go in a case, unless the machine is too busy for that. */
const SHORT_MS = 150;
/** So long those that are used again and again, at intervals that are shorter. */
const EXPIRES_MS = 400;

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

/** What was done, and whether it was done before a queue could expire. */
interface Tried<Result> {
  readonly inTime: boolean;
  readonly result: Result;
}

/** Tries something with a queue of which it matters that it is quick: on a busy machine it is done anew
 * with more time, twice as much each time, on a channel that no earlier trial has closed. */
async function quickEnough<Result>(
  { openChannel }: Context,
  expiresMs: number,
  attempt: (channel: Channel, expiresMs: number) => Promise<Tried<Result>>,
): Promise<Result> {
  for (let ms = expiresMs;; ms *= 2) {
    const begun = performance.now();
    try {
      const { inTime, result } = await attempt(await openChannel(), ms);
      if (inTime) return result;
    } catch (error) {
      // what came too late is refused
      if (performance.now() - begun < ms) throw error;
    }
  }
}

/** A queue that somebody did something with before it expired. */
interface MortalQueue<Result> {
  readonly queue: string;
  readonly expiresMs: number;
  /** Where it was done. */
  readonly channel: Channel;
  readonly result: Result;
}

/** Declares a queue and does something with it before it expires. */
function mortalQueue<Result>(
  context: Context,
  use: (channel: Channel, queue: string) => Promise<Result>,
  arguments_: FieldTable = {},
): Promise<MortalQueue<Result>> {
  return quickEnough(context, SHORT_MS, async (channel, expiresMs) => {
    const queue = context.name(`queue${expiresMs}`);
    const begun = performance.now();
    await channel.queueDeclare(queue, withArguments({ "x-expires": expiresMs, ...arguments_ }));
    const result = await use(channel, queue);
    const inTime = performance.now() - begun < expiresMs;
    return { inTime, result: { queue, expiresMs, channel, result } };
  });
}

/** Uses a queue for longer than it may be unused. Tells whether it is there, then waits for its end. */
function used(
  name: string,
  use: (channel: Channel, queue: string, expiresMs: number) => Promise<unknown>,
) {
  return {
    name,
    async run(context) {
      const { connection } = context;
      return await quickEnough(context, EXPIRES_MS, async (channel, expiresMs) => {
        const queue = context.name(`queue${expiresMs}`);
        const intervalMs = Math.floor(expiresMs * 3 / 8);
        let longestMs = 0;
        let last = performance.now();
        const timed = async <Result>(action: Promise<Result>) => {
          const result = await action;
          longestMs = Math.max(longestMs, performance.now() - last);
          return result;
        };
        await channel.queueDeclare(queue, withArguments({ "x-expires": expiresMs }));
        for (let time = 0; time < expiresMs + intervalMs; time += intervalMs) {
          await letPass(connection, intervalMs);
          const begun = performance.now();
          await timed(use(channel, queue, expiresMs));
          last = begun;
        }
        const exists = await timed(queueExists(connection, queue));
        await untilGone(channel, queue);
        return { inTime: longestMs < expiresMs, result: exists };
      });
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
    (channel, queue, ms) => channel.queueDeclare(queue, withArguments({ "x-expires": ms })),
  ),
  used("getting from it is a use", (channel, queue) => channel.basicGet(queue)),
  {
    name: "a queue with a consumer stays, and goes when that has left",
    async run(context) {
      const { connection } = context;
      const mortal = await mortalQueue(context, Collector.start);
      const { queue: name, expiresMs, channel, result: collector } = mortal;
      await letPass(connection, 4 * expiresMs);
      const exists = await queueExists(connection, name);
      await channel.basicCancel(collector.consumer.consumerTag);
      await untilGone(channel, name);
      return [exists, collector.cancellations];
    },
    expect: [true, 0],
  },
  {
    name: "a queue whose consumer's connection has ended goes",
    async run(context) {
      const { connect, channel } = context;
      const { queue: name, result: other } = await mortalQueue(context, async (_, queue) => {
        const other = await connect();
        await Collector.start(await other.openChannel(), queue);
        return other;
      });
      await other.close();
      await untilGone(channel, name);
      return "gone";
    },
    expect: "gone",
  },
  {
    name: "its messages go with it and nowhere else",
    async run(context) {
      const { channel } = context;
      const dead = await context.queue("dead");
      const { queue: name } = await mortalQueue(
        context,
        (own, queue) => fill(own, queue, "1 2 3"),
        deadTo(dead),
      );
      await untilGone(channel, name);
      return await counts(channel, dead);
    },
    expect: "0 ready, 0 consumers",
  },
  {
    name: "its bindings go with it",
    async run(context) {
      const { channel } = context;
      const { queue: name, result: source } = await mortalQueue(context, async (own, queue) => {
        const source = await context.exchange("fanout");
        await own.queueBind({ queue, exchange: source });
        return source;
      });
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
    async run(context) {
      const mortal = await mortalQueue(context, async (own, queue) => {
        await fill(own, queue, "1");
        return await take(own, queue);
      });
      const { queue: name, channel: other, result: delivery } = mortal;
      await untilGone(context.channel, name);
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
