import type { FieldTable } from "../amqp/field_table.ts";
import type { BrokerChannel } from "../connection/channel.ts";
import type { TlsFacts } from "../amqp/transport.ts";
import { BrokerConnection } from "../connection/connection.ts";
import { ChannelConsumer } from "../connection/consumer.ts";
import { argumentsToJson } from "../json_arguments.ts";
import type {
  BindingInfo,
  ChannelInfo,
  ConnectionInfo,
  ConsumerInfo,
  ExchangeInfo,
  QueueInfo,
  VhostInfo,
} from "../operator_info.ts";
import type { JsonObject } from "../policy/json.ts";
import type { QueueConsumer } from "../queue/consumer.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { Binding } from "../routing/binding.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { VirtualHost } from "../vhost/vhost.ts";

/**
 * What operators are told of each thing: `operator_info.ts` says what that means.
 *
 * @module
 */

const NOTHING: JsonObject = Object.freeze({});

/** What is told of a vhost. */
export function describeVhost(vhost: VirtualHost): VhostInfo {
  const { name, queues, exchanges, connections, firehose, settings } = vhost;
  const { defaultQueueType = null, ...metadata } = settings.metadata;
  return {
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

/** What is told of an exchange. */
export function describeExchange(
  vhost: VirtualHost,
  exchange: Exchange<MessageQueue>,
): ExchangeInfo {
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

/** What is told of a queue. */
export function describeQueue(vhost: VirtualHost, queue: MessageQueue): QueueInfo {
  const { policy, operatorPolicy, definition } = vhost.settings.appliedTo(queue);
  const { name, durable, autoDelete, exclusive, owner, messageCount, unackedCount } = queue;
  const { holdings, retryingCount, dyingCount } = queue;
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
    messages: messageCount + retryingCount + dyingCount +
      (queue.keepsDelivered ? 0 : unackedCount),
    messagesReady: messageCount,
    messagesUnacknowledged: unackedCount,
    messagesRetrying: retryingCount,
    messageBytesReady: queue.messageBytes,
    messageBytesUnacknowledged: queue.unackedBytes,
    messagesPersistent: holdings.persistent,
    messageBytesPersistent: holdings.persistentBytes,
    messagesReadyInMemory: holdings.readyInMemory,
    headMessageTimestamp: holdings.headTimestamp ?? null,
    messageBytesInMemory: holdings.bytesInMemory,
    memory: holdings.memory,
    consumerCapacity: holdings.consumerCapacity,
    segments: holdings.segments ?? null,
  };
}

function tagOf(consumer: QueueConsumer | undefined): string | null {
  return consumer instanceof ChannelConsumer ? consumer.consumerTag : null;
}

/** The binding to the default exchange that every queue has. */
export function defaultBinding(vhost: VirtualHost, { name }: MessageQueue): BindingInfo {
  return {
    source: "",
    vhost: vhost.name,
    destination: name,
    destinationType: "queue",
    routingKey: name,
    arguments: NOTHING,
  };
}

/** What is told of a binding. */
export function describeBinding(vhost: VirtualHost, binding: Binding<MessageQueue>): BindingInfo {
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

/** What is told of a connection. */
export function describeConnection(connection: BrokerConnection): ConnectionInfo {
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
    authMechanism: network?.mechanism ?? null,
    ...describeTls(network?.tls),
    peerCertSerialNumber: network?.certificate?.serialNumber ?? null,
    peerCertSubject: network?.certificate?.subject ?? null,
    peerCertIssuer: network?.certificate?.issuer ?? null,
    peerCertValidity: network?.certificate?.validity ?? null,
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

type TlsInfo = Pick<
  ConnectionInfo,
  "ssl" | "sslProtocol" | "sslKeyExchange" | "sslCipher" | "sslHash"
>;

const NO_TLS: TlsInfo = Object.freeze({
  ssl: false,
  sslProtocol: null,
  sslKeyExchange: null,
  sslCipher: null,
  sslHash: null,
});

/** The parts of a cipher suite by the names that Erlang has for them: `TLS_AES_256_GCM_SHA384` of TLS
 * 1.3, `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` of those before. All that are spoken are AEAD. */
export function describeTls(tls: TlsFacts | undefined): TlsInfo {
  if (tls === undefined) return NO_TLS;
  const suite = tls.cipherSuite.toLowerCase().replace(/^tls_/, "").replace(/_sha\d+$/, "");
  const [cipher = suite, keyExchange = "any"] = suite.split("_with_").reverse();
  return {
    ssl: true,
    sslProtocol: tls.protocol.toLowerCase(),
    sslKeyExchange: keyExchange,
    sslCipher: cipher,
    sslHash: "aead",
  };
}

/** What is told of a channel. */
export function describeChannel(channel: BrokerChannel): ChannelInfo {
  const { number, connection, transaction, confirms, consumers, unacked, prefetch } = channel;
  const held = transaction?.settlements ?? [];
  const acksUncommitted = held.reduce((count, { deliveries }) => count + deliveries.length, 0);
  return {
    name: `${connection.name} (${number})`,
    number,
    connection: connection.name,
    peerHost: connection.network?.peer.hostname ?? null,
    peerPort: connection.network?.peer.port ?? null,
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

/** What is told of a consumer. */
export function describeConsumer(consumer: ChannelConsumer): ConsumerInfo {
  const { consumerTag, queue, channel, noAck, prefetch } = consumer;
  const { connection, number } = channel;
  const active = !queue.singleActiveConsumer || queue.activeConsumer === consumer;
  const timeout = connection.timeoutOf({ consumer, queue });
  return {
    consumerTag,
    queue: queue.name,
    vhost: connection.vhost.name,
    connection: connection.name,
    channel: number,
    peerHost: connection.network?.peer.hostname ?? null,
    peerPort: connection.network?.peer.port ?? null,
    user: connection.user.name,
    ackRequired: !noAck,
    exclusive: queue.exclusiveConsumer === consumer,
    prefetchCount: prefetch.limit,
    messagesUnacknowledged: prefetch.unacked,
    consumerTimeout: timeout === Infinity ? null : timeout,
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
