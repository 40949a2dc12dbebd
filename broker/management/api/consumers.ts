import type { ConsumerInfo, JsonObject } from "../../mod.ts";
import { isMonitor, vhostOf } from "../access.ts";
import type { Api, Call, Management } from "../context.ts";
import { answerList } from "../listing.ts";
import { toldArguments } from "../told_arguments.ts";

/** Consumers: what there is. */
export function consumerRoutes(api: Api, management: Management): void {
  const { broker } = management;
  const list = (call: Call, rows: Iterable<ConsumerInfo>) => {
    const { session } = call.var;
    const all = isMonitor(session);
    return answerList(call, {
      rows,
      wanted: ({ user }) => all || user === session.user,
      key: byTag(),
      describe: (consumer) => describeConsumer(consumer, management),
      paged: false,
    });
  };
  api.get("/api/consumers", (call) => list(call, broker.consumers()));
  api.get(
    "/api/consumers/:vhost",
    (call) => list(call, broker.consumers({ vhost: vhostOf(call, broker) })),
  );
}

/** RabbitMQ's order: one channel after the other, as they come, and in each of them by tag. */
function byTag(): (consumer: ConsumerInfo) => string {
  let last = "";
  let count = 0;
  return ({ connection, channel, consumerTag }) => {
    const name = `${connection} (${channel})`;
    if (name !== last) count++;
    last = name;
    return `${String(count).padStart(10, "0")}\0${consumerTag}`;
  };
}

/** What is told of a consumer. */
export function describeConsumer(consumer: ConsumerInfo, { node }: Management): JsonObject {
  const { connection, channel: number } = consumer;
  return {
    consumer_tag: consumer.consumerTag,
    queue: { name: consumer.queue, vhost: consumer.vhost },
    channel_details: {
      name: `${connection} (${number})`,
      number,
      connection_name: connection,
      node,
      peer_host: consumer.peerHost,
      peer_port: consumer.peerPort,
      user: consumer.user,
    },
    ack_required: consumer.ackRequired,
    exclusive: consumer.exclusive,
    prefetch_count: consumer.prefetchCount,
    messages_unacknowledged: consumer.messagesUnacknowledged,
    // RabbitMQ has no word for "for ever" that tools would read as a number; its options have 0
    consumer_timeout: consumer.consumerTimeout ?? 0,
    active: consumer.active,
    activity_status: consumer.activityStatus,
    arguments: toldArguments(consumer.arguments),
  };
}
