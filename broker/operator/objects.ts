import type { FieldTable } from "../amqp/field_table.ts";
import type { BrokerChannel } from "../connection/channel.ts";
import { BrokerConnection } from "../connection/connection.ts";
import { ChannelConsumer } from "../connection/consumer.ts";
import { argumentsToJson } from "../json_arguments.ts";
import type {
  BindingFilter,
  BindingInfo,
  ChannelInfo,
  ConnectionFilter,
  ConnectionInfo,
  ConsumerFilter,
  ConsumerInfo,
  ExchangeFilter,
  ExchangeInfo,
  QueueFilter,
  QueueInfo,
  VhostInfo,
} from "../operator_info.ts";
import type { InVhost } from "../operator_options.ts";
import type { JsonObject } from "../policy/json.ts";
import type { QueueConsumer } from "../queue/consumer.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { Binding } from "../routing/binding.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { VirtualHost } from "../vhost/vhost.ts";
import type { VirtualHosts } from "../virtual_hosts.ts";

const NOTHING: JsonObject = Object.freeze({});

/**
 * What there is in a broker, one thing after another: each is described when it is asked for, so that
 * nobody pays for more than they look at, and things may come and go meanwhile.
 */
export class BrokerObjects {
  readonly #vhosts: VirtualHosts;
  readonly #connections: ReadonlySet<BrokerConnection>;

  /**
   * @param vhosts Where exchanges, queues and bindings are.
   * @param connections Those that have entered.
   */
  constructor(vhosts: VirtualHosts, connections: ReadonlySet<BrokerConnection>) {
    this.#vhosts = vhosts;
    this.#connections = connections;
  }

  *vhosts({ vhost }: InVhost): Generator<VhostInfo, void, undefined> {
    for (const each of this.#vhosts.some(vhost)) {
      const { name, queues, exchanges, connections, firehose, settings } = each;
      const { defaultQueueType = null, ...metadata } = settings.metadata;
      yield {
        name,
        ...metadata,
        defaultQueueType,
        tracing: firehose !== undefined,
        limits: settings.limits,
        queues: queues.size,
        exchanges: exchanges.size,
        connections: connections.size,
      };
    }
  }

  *exchanges({ vhost, exchange }: ExchangeFilter): Generator<ExchangeInfo, void, undefined> {
    for (const each of this.#vhosts.some(vhost)) {
      if (exchange === undefined) {
        for (const found of each.exchanges) yield describeExchange(each, found);
      } else {
        const found = each.exchanges.get(exchange);
        if (found !== undefined) yield describeExchange(each, found);
      }
    }
  }

  *queues({ vhost, queue }: QueueFilter): Generator<QueueInfo, void, undefined> {
    for (const each of this.#vhosts.some(vhost)) {
      if (queue === undefined) {
        for (const found of each.queues.values()) yield describeQueue(each, found);
      } else {
        const found = each.queues.get(queue);
        if (found !== undefined) yield describeQueue(each, found);
      }
    }
  }

  *bindings({ vhost, ...filter }: BindingFilter): Generator<BindingInfo, void, undefined> {
    for (const each of this.#vhosts.some(vhost)) {
      for (const binding of bindingsOf(each, filter)) {
        if (isWanted(binding, filter)) yield binding;
      }
    }
  }

  *connections(filter: ConnectionFilter): Generator<ConnectionInfo, void, undefined> {
    for (const connection of this.#wanted(filter)) yield describeConnection(connection);
  }

  *channels(filter: ConnectionFilter): Generator<ChannelInfo, void, undefined> {
    for (const { channels } of this.#wanted(filter)) {
      for (const channel of channels.values()) yield describeChannel(channel);
    }
  }

  *consumers({ queue, ...filter }: ConsumerFilter): Generator<ConsumerInfo, void, undefined> {
    if (queue !== undefined) {
      for (const { queues } of this.#vhosts.some(filter.vhost)) {
        for (const consumer of queues.get(queue)?.consumers ?? []) {
          if (!(consumer instanceof ChannelConsumer)) continue;
          if (isMeant(consumer.channel.connection, filter)) yield describeConsumer(consumer);
        }
      }
      return;
    }
    for (const { channels } of this.#wanted(filter)) {
      for (const { consumers } of channels.values()) {
        for (const consumer of consumers.values()) yield describeConsumer(consumer);
      }
    }
  }

  *#wanted(filter: ConnectionFilter): Generator<BrokerConnection, void, undefined> {
    // one that is wrong is told of, as everywhere
    if (filter.vhost !== undefined) this.#vhosts.get(filter.vhost);
    for (const connection of this.#connections) {
      if (isMeant(connection, filter)) yield connection;
    }
  }
}

function isMeant(
  { vhost, name, user }: BrokerConnection,
  { vhost: vhostName, connection, user: userName }: ConnectionFilter,
): boolean {
  return (vhostName === undefined || vhost.name === vhostName) &&
    (connection === undefined || name === connection) &&
    (userName === undefined || user.name === userName);
}

// ---- in vhosts

function describeExchange(vhost: VirtualHost, exchange: Exchange<MessageQueue>): ExchangeInfo {
  const { name, type, durable, autoDelete, internal, alternate, bindingCount } = exchange;
  return {
    name,
    vhost: vhost.name,
    type,
    durable,
    autoDelete,
    internal,
    arguments: json(exchange.arguments),
    policy: vhost.settings.appliedTo(exchange).policy ?? null,
    alternateExchange: alternate ?? null,
    bindings: bindingCount,
    messagesDelayed: vhost.publishing.kept.delaysOf(exchange)?.length ?? 0,
  };
}

function describeQueue(vhost: VirtualHost, queue: MessageQueue): QueueInfo {
  const { policy, operatorPolicy, definition } = vhost.settings.appliedTo(queue);
  const { name, durable, autoDelete, exclusive, owner, messageCount, unackedCount } = queue;
  const { retryingCount } = queue;
  return {
    name,
    vhost: vhost.name,
    type: queue.queueType,
    durable,
    autoDelete,
    exclusive,
    arguments: json(queue.arguments),
    policy: policy ?? null,
    operatorPolicy: operatorPolicy ?? null,
    effectivePolicyDefinition: definition,
    owner: owner instanceof BrokerConnection ? owner.name : null,
    consumers: queue.consumerCount,
    exclusiveConsumerTag: tagOf(queue.exclusiveConsumer),
    singleActiveConsumerTag: tagOf(queue.activeConsumer),
    // a stream keeps what is delivered
    messages: messageCount + retryingCount + (queue.keepsDelivered ? 0 : unackedCount),
    messagesReady: messageCount,
    messagesUnacknowledged: unackedCount,
    messagesRetrying: retryingCount,
    messageBytesReady: queue.messageBytes,
  };
}

function tagOf(consumer: QueueConsumer | undefined): string | null {
  return consumer instanceof ChannelConsumer ? consumer.consumerTag : null;
}

/** Those that may be wanted, found by the end of which the name is known. */
function* bindingsOf(
  vhost: VirtualHost,
  { source, destination, destinationType }: BindingFilter,
): Generator<BindingInfo, void, undefined> {
  const { exchanges, queues } = vhost;
  const byDestination = destination !== undefined;
  if (source === undefined || source === "") {
    const found = byDestination ? queues.get(destination) : undefined;
    const named = byDestination ? found === undefined ? [] : [found] : queues.values();
    for (const queue of named) yield defaultBinding(vhost, queue);
  }
  if (source === "") return;
  if (byDestination) {
    const ends = [
      destinationType === "exchange" ? undefined : queues.get(destination),
      destinationType === "queue" ? undefined : exchanges.get(destination),
    ];
    for (const end of ends) {
      if (end === undefined) continue;
      for (const binding of vhost.bindingsTo(end) ?? []) yield describeBinding(vhost, binding);
    }
    return;
  }
  const named = source === undefined ? exchanges : [exchanges.get(source)];
  for (const exchange of named) {
    if (exchange === undefined) continue;
    for (const binding of exchange.bindings()) yield describeBinding(vhost, binding);
  }
}

function isWanted(
  binding: BindingInfo,
  { source, destination, destinationType }: BindingFilter,
): boolean {
  return (source === undefined || binding.source === source) &&
    (destination === undefined || binding.destination === destination) &&
    (destinationType === undefined || binding.destinationType === destinationType);
}

/** The binding to the default exchange that every queue has. */
function defaultBinding(vhost: VirtualHost, { name }: MessageQueue): BindingInfo {
  return {
    source: "",
    vhost: vhost.name,
    destination: name,
    destinationType: "queue",
    routingKey: name,
    arguments: NOTHING,
  };
}

function describeBinding(vhost: VirtualHost, binding: Binding<MessageQueue>): BindingInfo {
  const { source, destination, routingKey } = binding;
  return {
    source: source.name,
    vhost: vhost.name,
    destination: destination.name,
    destinationType: destination.kind,
    routingKey,
    arguments: json(binding.arguments),
  };
}

// ---- in connections

function describeConnection(connection: BrokerConnection): ConnectionInfo {
  const { name, vhost, user, state, network, channels, limits, connectedAt } = connection;
  const { connection_name: userProvidedName } = connection.clientProperties;
  return {
    name,
    userProvidedName: typeof userProvidedName === "string" ? userProvidedName : null,
    vhost: vhost.name,
    user: user.name,
    state,
    type: network === undefined ? "direct" : "network",
    peerHost: network?.peer.hostname ?? null,
    peerPort: network?.peer.port ?? null,
    host: network?.local.hostname ?? null,
    port: network?.local.port ?? null,
    channels: channels.size,
    channelMax: limits.channelMax,
    frameMax: network?.frameMax ?? 0,
    timeout: network?.heartbeat ?? 0,
    connectedAt,
    recvOct: network?.traffic.bytesRead ?? 0,
    sendOct: network?.traffic.bytesWritten ?? 0,
    clientProperties: json(connection.clientProperties),
  };
}

function describeChannel(channel: BrokerChannel): ChannelInfo {
  const { number, connection, transaction, confirms, consumers, unacked, prefetch } = channel;
  const held = transaction?.settlements ?? [];
  const acksUncommitted = held.reduce((count, { deliveries }) => count + deliveries.length, 0);
  return {
    name: `${connection.name} (${number})`,
    number,
    connection: connection.name,
    vhost: connection.vhost.name,
    user: connection.user.name,
    transactional: transaction !== undefined,
    confirm: confirms !== undefined,
    consumerCount: consumers.size,
    messagesUnacknowledged: unacked.size + acksUncommitted,
    messagesUnconfirmed: confirms?.unconfirmed ?? 0,
    messagesUncommitted: transaction?.publishes.length ?? 0,
    acksUncommitted,
    prefetchCount: channel.consumerPrefetchCount,
    globalPrefetchCount: prefetch.limit,
  };
}

function describeConsumer(consumer: ChannelConsumer): ConsumerInfo {
  const { consumerTag, queue, channel, noAck, prefetch } = consumer;
  const { connection, number } = channel;
  const active = !queue.singleActiveConsumer || queue.activeConsumer === consumer;
  return {
    consumerTag,
    queue: queue.name,
    vhost: connection.vhost.name,
    connection: connection.name,
    channel: number,
    user: connection.user.name,
    ackRequired: !noAck,
    exclusive: queue.exclusiveConsumer === consumer,
    prefetchCount: prefetch.limit,
    messagesUnacknowledged: prefetch.unacked,
    active,
    activityStatus: !queue.singleActiveConsumer ? "up" : active ? "single_active" : "waiting",
    arguments: json(consumer.arguments),
  };
}

/** Most things have no arguments. */
function json(table: FieldTable): JsonObject {
  for (const _ in table) return argumentsToJson(table);
  return NOTHING;
}
