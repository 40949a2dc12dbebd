import type { FieldTable, FieldValue } from "../../broker/amqp/field_table.ts";
import type { QueueType } from "../../broker/queue/queue_arguments.ts";
import type { BehaviourCase, Context } from "../support/harness.ts";
import { attempt, fill, take } from "./observe.ts";

const TYPES: readonly QueueType[] = ["classic", "quorum", "stream"];

/** An argument, which types know it, and a value that is wrong where it is known. */
type Row = readonly [
  name: string,
  value: FieldValue,
  types: string,
  wrong?: FieldValue,
  reason?: string,
  needs?: FieldTable,
];

const NEGATIVE = [-1, "{value_negative,-1}"] as const;
const ZERO = [0, "{value_zero,0}"] as const;

/** All arguments that RabbitMQ knows: c for classic queues, q for quorum queues, s for streams. */
const ROWS: readonly Row[] = [
  ["x-expires", 60_000, "cq", ...ZERO],
  ["x-message-ttl", 60_000, "cq", ...NEGATIVE],
  ["x-dead-letter-exchange", "", "cq"],
  ["x-dead-letter-routing-key", "k", "cq", 1, "{unacceptable_type,signedint}", {
    "x-dead-letter-exchange": "",
  }],
  ["x-dead-letter-strategy", "at-least-once", "q", "never", "invalid_dlx_strategy"],
  ["x-max-length", 5, "cq", ...NEGATIVE],
  ["x-max-length-bytes", 5000, "cqs", ...NEGATIVE],
  ["x-max-in-memory-length", 5, "q", ...NEGATIVE],
  ["x-max-in-memory-bytes", 5000, "q", ...NEGATIVE],
  ["x-max-priority", 5, "c", 256, "{max_value_exceeded,256}"],
  ["x-overflow", "reject-publish", "cq", "burst", "invalid_overflow"],
  ["x-queue-mode", "lazy", "c", "eager", "\"unsupported queue mode 'eager'\""],
  ["x-queue-version", 2, "c", 3, "\"unsupported queue version '3'\""],
  ["x-single-active-consumer", true, "cq", 1, "{unacceptable_type,signedint}"],
  ["x-quorum-initial-group-size", 3, "q", ...ZERO],
  ["x-delivery-limit", 5, "cq"],
  ["x-max-age", "1D", "s", "1W", "invalid_max_age"],
  ["x-stream-max-segment-size-bytes", 1_000_000, "s", ...NEGATIVE],
  ["x-initial-cluster-size", 1, "s", ...ZERO],
  ["x-queue-leader-locator", "client-local", "cqs", "here", "invalid_queue_locator_arg"],
  ["x-queue-master-locator", "min-masters", "c"],
  ["x-nobody-knows", [1], "cqs"],
];

/** Declares a queue of a type on a channel of its own, and deletes it. */
async function tryArguments(
  { openChannel, name }: Context,
  type: string,
  arguments_: FieldTable,
): Promise<unknown> {
  const channel = await openChannel();
  const queue = name("q");
  const answer = await attempt(async () => {
    await channel.queueDeclare(queue, {
      durable: true,
      arguments: { "x-queue-type": type, ...arguments_ },
    });
    // what was said is kept, and so is the same again
    await channel.queueDeclare(queue, {
      durable: true,
      arguments: { "x-queue-type": type, ...arguments_ },
    });
    await channel.queueDelete(queue);
  });
  if (answer === "ok") await channel.close();
  return answer === "ok" ? answer : answer[1];
}

/** An argument with each type: whether it is taken, and what a wrong value is answered with. */
function row([name, value, types, wrong, reason, needs = {}]: Row): BehaviourCase[] {
  const refused = (type: string) =>
    `PRECONDITION_FAILED - invalid arg '${name}' for queue 'q' in vhost '/' ` +
    `of queue type rabbit_${type}_queue`;
  const isKnown = (type: string) => types.includes(type[0]!);
  const cases: BehaviourCase[] = [{
    name: `${name} is known to ${TYPES.filter(isKnown).join(", ")} queues`,
    run: async (context) => {
      const answers: unknown[] = [];
      for (const type of TYPES) {
        const others = isKnown(type) ? needs : {};
        answers.push(await tryArguments(context, type, { ...others, [name]: value }));
      }
      return answers;
    },
    expect: TYPES.map((type) => isKnown(type) ? "ok" : refused(type)),
  }];
  if (wrong !== undefined) {
    cases.push({
      name: `${name} is not ${JSON.stringify(wrong)}, and who does not know it says no more`,
      run: async (context) => {
        const answers: unknown[] = [];
        for (const type of TYPES) {
          const others = isKnown(type) ? needs : {};
          answers.push(await tryArguments(context, type, { ...others, [name]: wrong }));
        }
        return answers;
      },
      expect: TYPES.map((type) =>
        isKnown(type)
          ? `PRECONDITION_FAILED - invalid arg '${name}' for queue 'q' in vhost '/': ${reason}`
          : refused(type)
      ),
    });
  }
  return cases;
}

/** Which type of queue knows which argument. */
export const queueArguments: readonly BehaviourCase[] = [
  ...ROWS.flatMap(row),
  {
    name: "of several that a type does not know the first one is named",
    run: (context) =>
      tryArguments(context, "quorum", { "x-queue-mode": "lazy", "x-max-age": "1D" }),
    expect: "PRECONDITION_FAILED - invalid arg 'x-queue-mode' for queue 'q' in vhost '/' " +
      "of queue type rabbit_quorum_queue",
  },
  {
    name: "a wrong value is told of before what a type does not know",
    run: (context) => tryArguments(context, "quorum", { "x-max-age": "1D", "x-max-length": -1 }),
    expect: "PRECONDITION_FAILED - invalid arg 'x-max-length' for queue 'q' in vhost '/': " +
      "{value_negative,-1}",
  },
  {
    name: "a quorum queue takes reject-publish-dlx and drops its oldest messages",
    async run({ channel, queue }) {
      const name = await queue("q", {
        durable: true,
        arguments: {
          "x-queue-type": "quorum",
          "x-overflow": "reject-publish-dlx",
          "x-max-length": 1,
        },
      });
      await channel.confirmSelect();
      await fill(channel, name, "1 2");
      return (await take(channel, name)).text();
    },
    expect: "2",
  },
  {
    name: "a stream is deleted with all that is in it, and its consumers are cancelled",
    async run({ channel, queue }) {
      const arguments_ = { "x-queue-type": "stream" };
      const name = await queue("q", { durable: true, arguments: arguments_ });
      await channel.confirmSelect();
      await fill(channel, name, "1 2");
      await channel.basicQos({ prefetchCount: 5 });
      const cancelled = Promise.withResolvers<void>();
      await channel.basicConsume(name, { onCancel: cancelled.resolve }, () => {});
      await channel.queueDelete(name);
      await cancelled.promise;
      return await attempt(() => channel.queueDeclare(name, { passive: true }));
    },
    expect: [404, "NOT_FOUND - no queue 'q' in vhost '/'", "queue.declare"],
  },
];
