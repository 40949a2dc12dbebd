/**
 * What the methods of a channel take and give, in the specification's words.
 *
 * @module
 */

import type { FieldTable } from "../broker/amqp/field_table.ts";
import type { BasicProperties } from "../broker/amqp/properties.ts";
import type { CallOptions } from "./abortable.ts";
import { checkOptions, checkProperties, isRecord, type OptionNames } from "./fields.ts";

/** Options of `Channel.exchangeDeclare`. */
export interface ExchangeDeclareOptions extends CallOptions {
  /** True to check only that the exchange exists. */
  readonly passive?: boolean;
  /** True when it survives a restart of the broker. */
  readonly durable?: boolean;
  /** True when it is deleted with its last binding. */
  readonly autoDelete?: boolean;
  /** True when nobody may publish to it but other exchanges. */
  readonly internal?: boolean;
  /** Such as `alternate-exchange`. */
  readonly arguments?: FieldTable;
}

/** Options of `Channel.exchangeDelete`. */
export interface ExchangeDeleteOptions extends CallOptions {
  /** True to refuse when something is bound to it. */
  readonly ifUnused?: boolean;
}

/** A binding of one exchange to another. */
export interface ExchangeBindOptions extends CallOptions {
  /** Exchange that gets the messages. */
  readonly destination: string;
  /** Exchange that they come from. */
  readonly source: string;
  /** Binding key. */
  readonly routingKey?: string;
  /** What a headers exchange matches. */
  readonly arguments?: FieldTable;
}

/** Options of `Channel.queueDeclare`. */
export interface QueueDeclareOptions extends CallOptions {
  /** True to check only that the queue exists. */
  readonly passive?: boolean;
  /** True when it survives a restart of the broker. */
  readonly durable?: boolean;
  /** True when only this connection may use it; it is deleted when the connection closes. */
  readonly exclusive?: boolean;
  /** True when it is deleted with its last consumer. */
  readonly autoDelete?: boolean;
  /** Such as `x-message-ttl` and `x-dead-letter-exchange`. */
  readonly arguments?: FieldTable;
}

/** What `Channel.queueDeclare` tells. */
export interface DeclaredQueue {
  /** The queue's name, chosen by the broker when none was given. */
  readonly queue: string;
  /** How many messages are ready in it. */
  readonly messageCount: number;
  /** How many consumers it has. */
  readonly consumerCount: number;
}

/** Options of `Channel.queueDelete`. */
export interface QueueDeleteOptions extends CallOptions {
  /** True to refuse when it has consumers. */
  readonly ifUnused?: boolean;
  /** True to refuse when it has messages. */
  readonly ifEmpty?: boolean;
}

/** A binding of a queue to an exchange. */
export interface QueueBindOptions extends CallOptions {
  /** Queue that gets the messages; `""` for the one that the channel declared last. */
  readonly queue: string;
  /** Exchange that they come from. */
  readonly exchange: string;
  /** Binding key. */
  readonly routingKey?: string;
  /** What a headers exchange matches. */
  readonly arguments?: FieldTable;
}

/** What `Channel.queuePurge` and `Channel.queueDelete` tell. */
export interface DiscardedMessages {
  /** How many ready messages were discarded. */
  readonly messageCount: number;
}

/** Options of `Channel.basicQos`. */
export interface QosOptions extends CallOptions {
  /** How many deliveries may be unacked at once; 0 for no limit. */
  readonly prefetchCount: number;
  /** True for one limit that all consumers of the channel share; otherwise each consumer started
   * later gets a limit of its own. */
  readonly global?: boolean;
  /** A limit in bytes, which RabbitMQ refuses unless it is 0. */
  readonly prefetchSize?: number;
}

/** Where and how `Channel.basicPublish` publishes. */
export interface PublishOptions extends CallOptions {
  /** Exchange to publish to. Default: `""`, which takes the routing key for a queue's name. */
  readonly exchange?: string;
  /** Routing key. Default: `""`. */
  readonly routingKey?: string;
  /** True to get the message back, at `onReturn`, when no queue takes it. */
  readonly mandatory?: boolean;
  /** A leftover of the specification that RabbitMQ refuses. */
  readonly immediate?: boolean;
  /** The message's properties, such as `deliveryMode: 2` for a persistent one. */
  readonly properties?: BasicProperties;
  /** True when you will not write to the body's buffer again, which saves a copy. */
  readonly transfer?: boolean;
}

/** Options of `Channel.basicConsume`. */
export interface ConsumeOptions extends CallOptions {
  /** Names the consumer on its channel. Default: `""`, which lets the broker choose. */
  readonly consumerTag?: string;
  /** True when messages are settled by being sent: nothing is acked, and what is lost on the way is
   * lost. */
  readonly noAck?: boolean;
  /** True to be the queue's only consumer. */
  readonly exclusive?: boolean;
  /** True not to get what this connection publishes; RabbitMQ ignores it. */
  readonly noLocal?: boolean;
  /** Such as `x-priority`. */
  readonly arguments?: FieldTable;
  /** Is called when the broker cancels the consumer, because its queue is gone. */
  readonly onCancel?: () => void;
}

/** Options of `Channel.basicGet`. */
export interface GetOptions extends CallOptions {
  /** True when the message is settled by being sent. */
  readonly noAck?: boolean;
}

/** Options of `Channel.channelFlow`. */
export interface FlowOptions extends CallOptions {
  /** False to pause deliveries, true to go on. */
  readonly active: boolean;
}

/** Options of `Channel.basicAck`. */
export interface AckOptions {
  /** True to settle all earlier deliveries of the channel as well. */
  readonly multiple?: boolean;
}

/** Options of `Channel.basicReject`. */
export interface RejectOptions {
  /** True to put the message back in its queue, at its old position; false to discard it or have it
   * dead-lettered. Default: true. */
  readonly requeue?: boolean;
}

/** Options of `Channel.basicNack`. */
export interface NackOptions extends AckOptions, RejectOptions {}

/** All options of each method. */
export const EXCHANGE_DECLARE_NAMES: OptionNames<ExchangeDeclareOptions> = {
  passive: "flag",
  durable: "flag",
  autoDelete: "flag",
  internal: "flag",
  arguments: true,
  signal: true,
};
export const EXCHANGE_DELETE_NAMES: OptionNames<ExchangeDeleteOptions> = {
  ifUnused: "flag",
  signal: true,
};
export const EXCHANGE_BIND_NAMES: OptionNames<ExchangeBindOptions> = {
  destination: true,
  source: true,
  routingKey: true,
  arguments: true,
  signal: true,
};
export const QUEUE_DECLARE_NAMES: OptionNames<QueueDeclareOptions> = {
  passive: "flag",
  durable: "flag",
  exclusive: "flag",
  autoDelete: "flag",
  arguments: true,
  signal: true,
};
export const QUEUE_DELETE_NAMES: OptionNames<QueueDeleteOptions> = {
  ifUnused: "flag",
  ifEmpty: "flag",
  signal: true,
};
export const QUEUE_BIND_NAMES: OptionNames<QueueBindOptions> = {
  queue: true,
  exchange: true,
  routingKey: true,
  arguments: true,
  signal: true,
};
const PUBLISH_NAMES: OptionNames<PublishOptions> = {
  exchange: true,
  routingKey: true,
  mandatory: "flag",
  immediate: "flag",
  properties: true,
  transfer: "flag",
  signal: true,
};
export const QOS_NAMES: OptionNames<QosOptions> = {
  prefetchCount: true,
  global: "flag",
  prefetchSize: true,
  signal: true,
};
export const CONSUME_NAMES: OptionNames<ConsumeOptions> = {
  consumerTag: true,
  noAck: "flag",
  exclusive: "flag",
  noLocal: "flag",
  arguments: true,
  onCancel: true,
  signal: true,
};
export const GET_NAMES: OptionNames<GetOptions> = { noAck: "flag", signal: true };
export const ACK_NAMES: OptionNames<AckOptions> = { multiple: "flag" };
/** Of what is given back: one that is misspelt would put a message back that was to be discarded. */
export const NACK_NAMES: OptionNames<NackOptions> = { multiple: "flag", requeue: "flag" };
export const REJECT_NAMES: OptionNames<RejectOptions> = { requeue: "flag" };
export const RECOVER_NAMES: OptionNames<RejectOptions & CallOptions> = {
  requeue: "flag",
  signal: true,
};
export const FLOW_NAMES: OptionNames<FlowOptions> = { active: "flag", signal: true };

/**
 * Checks the options of a message.
 *
 * @throws {TypeError} When there is no such option; it says what there is instead.
 */
export function checkPublishOptions(options: PublishOptions): void {
  // most have no others, and those are looked at anyway: a key that is new each time has each publish
  // come here
  let others = !isRecord(options);
  for (const name in options) {
    others ||= name !== "routingKey" && name !== "exchange" && name !== "properties";
  }
  if (others) checkOptions(options, PUBLISH_NAMES, "publish");
  checkProperties(options.properties, "publish");
}
