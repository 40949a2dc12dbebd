/**
 * The metrics, by the names, types and families that RabbitMQ's `rabbitmq_prometheus` has for them:
 * dashboards and alerts are written for these. What is only known of an Erlang machine is not there.
 *
 * @module
 */

import type { QueueInfo } from "../mod.ts";

/** What a value is: one that only grows, one that goes up and down, a constant 1 with labels, or how many
 * were up to so much. */
export type MetricType = "counter" | "gauge" | "untyped" | "summary" | "histogram";

/** One metric. */
export interface Metric {
  /** Its name, without the prefix. */
  readonly name: string;
  /** What it is. */
  readonly type: MetricType;
  /** What it tells. */
  readonly help: string;
}

const counter = (name: string, help: string): Metric => ({ name, type: "counter", help });
const gauge = (name: string, help: string): Metric => ({ name, type: "gauge", help });
const untyped = (name: string, help: string): Metric => ({ name, type: "untyped", help });

/** How often things came and went. */
export const CHURN: readonly Metric[] = [
  counter("connections_opened_total", "Total number of connections opened"),
  counter("connections_closed_total", "Total number of connections closed or terminated"),
  counter("channels_opened_total", "Total number of channels opened"),
  counter("channels_closed_total", "Total number of channels closed"),
  counter("queues_declared_total", "Total number of queues declared"),
  counter("queues_created_total", "Total number of queues created"),
  counter("queues_deleted_total", "Total number of queues deleted"),
];

/** What the process has of the machine. */
export const NODE_COARSE: readonly Metric[] = [
  gauge("process_open_fds", "Open file descriptors"),
  gauge("process_open_tcp_sockets", "Open TCP sockets"),
  gauge("process_resident_memory_bytes", "Memory used in bytes"),
  gauge("disk_space_available_bytes", "Disk space available in bytes"),
];

/** What it may have. */
export const NODE: readonly Metric[] = [
  gauge("process_max_fds", "Open file descriptors limit"),
  gauge("process_max_tcp_sockets", "Open TCP sockets limit"),
  gauge("resident_memory_limit_bytes", "Memory high watermark in bytes"),
  gauge("disk_space_available_limit_bytes", "Free disk space low watermark in bytes"),
  gauge("erlang_uptime_seconds", "Node uptime"),
];

/** Logins. */
export const AUTH: readonly Metric[] = [
  counter("auth_attempts_total", "Total number of authentication attempts"),
  counter("auth_attempts_succeeded_total", "Total number of successful authentication attempts"),
  counter("auth_attempts_failed_total", "Total number of failed authentication attempts"),
];

/** How many messages are in queues. */
export const QUEUE_COARSE: readonly Metric[] = [
  gauge("queue_messages_ready", "Messages ready to be delivered to consumers"),
  gauge(
    "queue_messages_unacked",
    "Messages delivered to consumers but not yet acknowledged",
  ),
  gauge("queue_messages", "Sum of ready and unacknowledged messages - total queue depth"),
];

/** Who consumes from queues. */
export const QUEUE_CONSUMERS: readonly Metric[] = [
  gauge("queue_consumers", "Consumers on a queue"),
];

/** What else is known of queues. */
export const QUEUE: readonly Metric[] = [
  ...QUEUE_CONSUMERS,
  gauge(
    "queue_consumer_capacity",
    "Part of the time in which a consumer of the queue has room for another message, from 0 to 1",
  ),
  gauge("queue_consumer_utilisation", "Same as consumer capacity"),
  gauge("queue_process_memory_bytes", "Memory that the queue takes in bytes, about"),
  gauge("queue_messages_ram", "Ready and unacknowledged messages stored in memory"),
  gauge(
    "queue_messages_ram_bytes",
    "Size of ready and unacknowledged messages stored in memory",
  ),
  gauge("queue_messages_ready_ram", "Ready messages stored in memory"),
  gauge("queue_messages_unacked_ram", "Unacknowledged messages stored in memory"),
  gauge("queue_messages_persistent", "Persistent messages"),
  gauge("queue_messages_persistent_bytes", "Size in bytes of persistent messages"),
  gauge("queue_messages_bytes", "Size in bytes of ready and unacknowledged messages"),
  gauge("queue_messages_ready_bytes", "Size in bytes of ready messages"),
  gauge("queue_messages_unacked_bytes", "Size in bytes of all unacknowledged messages"),
];

/** What cannot be summed up. */
export const QUEUE_HEAD: Metric = gauge(
  "queue_head_message_timestamp",
  "Timestamp of the first message in the queue, if any",
);

/** What only a stream has. RabbitMQ calls it a counter, though it goes down when segments go. */
export const STREAM: readonly Metric[] = [
  gauge("stream_segments", "Total number of stream segment files"),
];

/** What a queue comes to, in the order of `QUEUE`. */
export function queueValues(queue: QueueInfo): number[] {
  const unackedInMemory = queue.type === "stream" ? 0 : queue.messagesUnacknowledged;
  return [
    queue.consumers,
    queue.consumerCapacity,
    queue.consumerCapacity,
    queue.memory,
    queue.messagesReadyInMemory + unackedInMemory,
    queue.messageBytesInMemory,
    queue.messagesReadyInMemory,
    unackedInMemory,
    queue.messagesPersistent,
    queue.messageBytesPersistent,
    queue.messageBytesReady + queue.messageBytesUnacknowledged,
    queue.messageBytesReady,
    queue.messageBytesUnacknowledged,
  ];
}

/** What was taken from queues. */
export const QUEUE_DELIVERY: readonly Metric[] = [
  counter(
    "queue_get_ack_total",
    "Total number of messages fetched from a queue with basic.get in manual acknowledgement mode",
  ),
  counter(
    "queue_get_total",
    "Total number of messages fetched from a queue with basic.get in automatic acknowledgement mode",
  ),
  counter(
    "queue_messages_delivered_ack_total",
    "Total number of messages delivered from a queue to consumers in manual acknowledgement mode",
  ),
  counter(
    "queue_messages_delivered_total",
    "Total number of messages delivered from a queue to consumers in automatic acknowledgement mode",
  ),
  counter(
    "queue_messages_redelivered_total",
    "Total number of messages redelivered from a queue to consumers",
  ),
  counter(
    "queue_messages_acked_total",
    "Total number of messages acknowledged by consumers on a queue",
  ),
  counter(
    "queue_get_empty_total",
    "Total number of times basic.get operations fetched no message on a queue",
  ),
];

/** What was put into queues, whatever exchange it came through. */
export const QUEUE_EXCHANGE: readonly Metric[] = [
  counter(
    "queue_exchange_messages_published_total",
    "Total number of messages published into a queue through an exchange",
  ),
];

/** The same, by the name that it had before RabbitMQ 4. */
export const CHANNEL_QUEUE_EXCHANGE: readonly Metric[] = [
  counter("queue_messages_published_total", "Total number of messages published to queues"),
];

/** What is going on on channels. */
export const CHANNEL: readonly Metric[] = [
  gauge("channel_consumers", "Consumers on a channel"),
  gauge("channel_messages_unacked", "Delivered but not yet acknowledged messages"),
  gauge("channel_messages_unconfirmed", "Published but not yet confirmed messages"),
  gauge(
    "channel_messages_uncommitted",
    "Messages received in a transaction but not yet committed",
  ),
  gauge(
    "channel_acks_uncommitted",
    "Message acknowledgements in a transaction not yet committed",
  ),
  gauge("consumer_prefetch", "Limit of unacknowledged messages for each consumer"),
  gauge(
    "channel_prefetch",
    "Total limit of unacknowledged messages for all consumers on a channel",
  ),
];

/** What was published on channels. */
export const CHANNEL_EXCHANGE: readonly Metric[] = [
  counter(
    "channel_messages_published_total",
    "Total number of messages published into an exchange on a channel",
  ),
  counter(
    "channel_messages_confirmed_total",
    "Total number of messages published into an exchange and confirmed on the channel",
  ),
  counter(
    "channel_messages_unroutable_returned_total",
    "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable",
  ),
  counter(
    "channel_messages_unroutable_dropped_total",
    "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
  ),
];

/** What was delivered on channels. */
export const CHANNEL_QUEUE: readonly Metric[] = [
  counter(
    "channel_get_ack_total",
    "Total number of messages fetched with basic.get in manual acknowledgement mode",
  ),
  counter(
    "channel_get_total",
    "Total number of messages fetched with basic.get in automatic acknowledgement mode",
  ),
  counter(
    "channel_messages_delivered_ack_total",
    "Total number of messages delivered to consumers in manual acknowledgement mode",
  ),
  counter(
    "channel_messages_delivered_total",
    "Total number of messages delivered to consumers in automatic acknowledgement mode",
  ),
  counter(
    "channel_messages_redelivered_total",
    "Total number of messages redelivered to consumers",
  ),
  counter(
    "channel_messages_acked_total",
    "Total number of messages acknowledged by consumers",
  ),
  counter(
    "channel_get_empty_total",
    "Total number of times basic.get operations fetched no message",
  ),
];

/** Bytes of connections. */
export const CONNECTION_COARSE: readonly Metric[] = [
  counter("connection_incoming_bytes_total", "Total number of bytes received on a connection"),
  counter("connection_outgoing_bytes_total", "Total number of bytes sent on a connection"),
];

/** What else is known of connections. */
export const CONNECTION: readonly Metric[] = [
  gauge("connection_channels", "Channels on a connection"),
];

/** What was published to exchanges. Of a single one the first is known. */
export const EXCHANGE: readonly Metric[] = [
  counter(
    "exchange_messages_published_total",
    "Total number of messages published into an exchange",
  ),
  counter(
    "exchange_messages_confirmed_total",
    "Total number of messages published into an exchange and confirmed",
  ),
  counter(
    "exchange_messages_unroutable_returned_total",
    "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable",
  ),
  counter(
    "exchange_messages_unroutable_dropped_total",
    "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
  ),
];

/** How much there is. */
export const OBJECTS: readonly Metric[] = [
  gauge("connections", "Connections currently open"),
  gauge("channels", "Channels currently open"),
  gauge("consumers", "Consumers currently connected"),
  gauge("queues", "Queues available"),
];

/** What clients published, by protocol. */
export const GLOBAL_PUBLISHED: readonly Metric[] = [
  counter(
    "global_messages_received_total",
    "Total number of messages received from publishers",
  ),
  counter(
    "global_messages_received_confirm_total",
    "Total number of messages received from publishers expecting confirmations",
  ),
  counter(
    "global_messages_routed_total",
    "Total number of messages routed to queues or streams",
  ),
  counter(
    "global_messages_unroutable_dropped_total",
    "Total number of messages published as non-mandatory into an exchange and dropped as unroutable",
  ),
  counter(
    "global_messages_unroutable_returned_total",
    "Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable",
  ),
  counter("global_messages_confirmed_total", "Total number of messages confirmed to publishers"),
  gauge("global_publishers", "Current number of publishers"),
  gauge("global_consumers", "Current number of consumers"),
];

/** How messages died, by type of queue and what that does with the dead. */
export const DEAD_LETTERED: readonly Metric[] = [
  counter(
    "global_messages_dead_lettered_maxlen_total",
    "Total number of messages dead-lettered since a queue was full",
  ),
  counter(
    "global_messages_dead_lettered_expired_total",
    "Total number of messages dead-lettered since their time to live was over",
  ),
  counter(
    "global_messages_dead_lettered_rejected_total",
    "Total number of messages dead-lettered since a consumer rejected them",
  ),
  counter(
    "global_messages_dead_lettered_delivery_limit_total",
    "Total number of messages dead-lettered since they were delivered too often",
  ),
  counter(
    "global_messages_dead_lettered_confirmed_total",
    "Total number of messages dead-lettered and confirmed by target queues",
  ),
];

/** How large what they published was, since RabbitMQ 4.1. */
export const MESSAGE_SIZES: Metric = {
  name: "message_size_bytes",
  type: "histogram",
  help: "Size of messages received from publishers",
};

/** What they were given, by protocol and type of queue. */
export const GLOBAL_DELIVERED: readonly Metric[] = [
  counter(
    "global_messages_delivered_total",
    "Total number of messages delivered to consumers",
  ),
  counter(
    "global_messages_delivered_consume_manual_ack_total",
    "Total number of messages delivered to consumers using basic.consume with manual acknowledgment",
  ),
  counter(
    "global_messages_delivered_consume_auto_ack_total",
    "Total number of messages delivered to consumers using basic.consume with automatic acknowledgment",
  ),
  counter(
    "global_messages_delivered_get_manual_ack_total",
    "Total number of messages delivered to consumers using basic.get with manual acknowledgment",
  ),
  counter(
    "global_messages_delivered_get_auto_ack_total",
    "Total number of messages delivered to consumers using basic.get with automatic acknowledgment",
  ),
  counter(
    "global_messages_get_empty_total",
    "Total number of times basic.get operations fetched no message",
  ),
  counter(
    "global_messages_redelivered_total",
    "Total number of messages redelivered to consumers",
  ),
  counter(
    "global_messages_acknowledged_total",
    "Total number of messages acknowledged by consumers",
  ),
];

/** What is short. */
export const ALARMS: readonly Metric[] = [
  untyped(
    "alarms_file_descriptor_limit",
    "is 1 if file descriptor limit alarm is in effect",
  ),
  untyped(
    "alarms_free_disk_space_watermark",
    "is 1 if free disk space watermark alarm is in effect",
  ),
  untyped("alarms_memory_used_watermark", "is 1 if VM memory watermark alarm is in effect"),
];

/** Who is told of. */
export const BUILD_INFO: readonly Metric[] = [
  untyped("build_info", "RabbitMQ & Erlang/OTP version info"),
];

/** And as what. */
export const IDENTITY_INFO: readonly Metric[] = [
  untyped("identity_info", "RabbitMQ node & cluster identity info"),
];

/** What queues are, in labels. */
export const QUEUE_INFO: readonly Metric[] = [
  gauge(
    "queue_info",
    "A metric with a constant '1' value and labels that provide some queue details",
  ),
];

/** Which vhosts there are. */
export const VHOST_STATUS: readonly Metric[] = [
  gauge("vhost_status", "Whether a given vhost is running"),
];

/** How many bindings exchanges have. */
export const EXCHANGE_BINDINGS: readonly Metric[] = [
  gauge(
    "exchange_bindings",
    "Number of bindings for an exchange. This value is cluster-wide.",
  ),
];

/** Which exchanges there are. */
export const EXCHANGE_NAMES: readonly Metric[] = [
  gauge(
    "exchange_name",
    "Enumerates exchanges without any additional info. This value is cluster-wide. A cheaper " +
      "alternative to `exchange_bindings`",
  ),
];
