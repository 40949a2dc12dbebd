import type { InVhost } from "./operator_options.ts";
import type { JsonObject } from "./policy/json.ts";
import type { VhostLimits } from "./policy/limits.ts";

/**
 * What a broker tells of the things in it: plain objects that `JSON.stringify` writes and `JSON.parse`
 * reads back unchanged. The words are those of RabbitMQ's HTTP API, in camelCase; what does not apply is
 * null. Each is a copy that nobody changes any more.
 *
 * @module
 */

/** A vhost. */
export interface VhostInfo {
  /** Its name. */
  readonly name: string;
  /** What it is for. */
  readonly description: string;
  /** Words by which it can be found. */
  readonly tags: readonly string[];
  /** The type of queues that are declared without one; null: classic. */
  readonly defaultQueueType: string | null;
  /** True when it cannot be deleted. */
  readonly protectedFromDeletion: boolean;
  /** True while its firehose is on. */
  readonly tracing: boolean;
  /** How much it may have. */
  readonly limits: VhostLimits;
  /** How many queues there are. */
  readonly queues: number;
  /** How many exchanges there are, RabbitMQ's included. */
  readonly exchanges: number;
  /** How many connections have entered it. */
  readonly connections: number;
}

/** An exchange. */
export interface ExchangeInfo {
  /** Its name; empty for the default exchange. */
  readonly name: string;
  /** Its vhost. */
  readonly vhost: string;
  /** Its type. */
  readonly type: string;
  /** Survives a restart. */
  readonly durable: boolean;
  /** Goes with its last binding. */
  readonly autoDelete: boolean;
  /** Clients cannot publish to it. */
  readonly internal: boolean;
  /** What it was declared with. */
  readonly arguments: JsonObject;
  /** Name of the policy that applies. */
  readonly policy: string | null;
  /** The exchange that gets what it has no queue for, by argument or policy. */
  readonly alternateExchange: string | null;
  /** How many bindings it is the source of; those that every queue has with the default exchange are
   * not counted. */
  readonly bindings: number;
  /** How many messages it holds back. */
  readonly messagesDelayed: number;
}

/** How many messages died in some queues. */
export interface DeathInfo {
  /** Of which type these are. */
  readonly queueType: "classic" | "quorum";
  /** What becomes of the dead there: nothing, one try to publish them once more, or as many as it takes. */
  readonly strategy: "disabled" | "atMostOnce" | "atLeastOnce";
  /** A client did not want them. */
  readonly rejected: number;
  /** They grew too old. */
  readonly expired: number;
  /** There were more than may be. */
  readonly maxlen: number;
  /** They were delivered too often. */
  readonly deliveryLimit: number;
  /** Of all those, with `atLeastOnce`: somebody has taken them. */
  readonly confirmed: number;
}

/** How large the messages are that clients published since the broker started. */
export interface MessageSizesInfo {
  /** How many there were up to so many bytes, those of the classes before included; Infinity: all. */
  readonly upTo: readonly { readonly bytes: number; readonly count: number }[];
  /** All of them together, in bytes. */
  readonly bytes: number;
}

/** A queue. */
export interface QueueInfo {
  /** Its name. */
  readonly name: string;
  /** Its vhost. */
  readonly vhost: string;
  /** Its type. */
  readonly type: "classic" | "quorum" | "stream";
  /** Survives a restart. */
  readonly durable: boolean;
  /** Goes when its last consumer goes. */
  readonly autoDelete: boolean;
  /** Belongs to one connection. */
  readonly exclusive: boolean;
  /** What it was declared with. */
  readonly arguments: JsonObject;
  /** Name of the policy that applies. */
  readonly policy: string | null;
  /** Name of the operator policy that applies. */
  readonly operatorPolicy: string | null;
  /** What both come to. */
  readonly effectivePolicyDefinition: JsonObject;
  /** Name of the connection that it belongs to. */
  readonly owner: string | null;
  /** How many consumers there are. */
  readonly consumers: number;
  /** The tag of the consumer that asked to be the only one. */
  readonly exclusiveConsumerTag: string | null;
  /** The tag of the consumer that is served, where only one is. */
  readonly singleActiveConsumerTag: string | null;
  /** All that are in it: ready, unacked, waiting for another try, or dead and not yet taken by anybody
   * where none of them may be lost. */
  readonly messages: number;
  /** How many wait; of a stream, how many are kept. */
  readonly messagesReady: number;
  /** How many are delivered and not settled. */
  readonly messagesUnacknowledged: number;
  /** How many came back and wait before they go out again. */
  readonly messagesRetrying: number;
  /** Size of the bodies that wait, in bytes; of a stream, what is kept with its headers. */
  readonly messageBytesReady: number;
  /** Size of the bodies that are delivered and not settled, in bytes; 0 of a stream, which keeps them. */
  readonly messageBytesUnacknowledged: number;
  /** How many messages survive a restart. */
  readonly messagesPersistent: number;
  /** Size of their bodies, in bytes. */
  readonly messageBytesPersistent: number;
  /** How many of those that wait are in memory. */
  readonly messagesReadyInMemory: number;
  /** When the first of those that wait was made, as its publisher says in the property `timestamp`, in
   * seconds since 1970; null when that says nothing, when it is on disk alone, and for a stream. */
  readonly headMessageTimestamp: number | null;
  /** Size of the bodies that are in memory, unacked ones as well, in bytes. */
  readonly messageBytesInMemory: number;
  /** How much memory it takes in bytes, about. */
  readonly memory: number;
  /** For which part of the last seconds some consumer had room for another message, from 0 to 1; 0
   * without consumers. */
  readonly consumerCapacity: number;
  /** Of how many segments a stream is, which go whole when it is too large or too old; null: it is none. */
  readonly segments: number | null;
}

/** A binding. */
export interface BindingInfo {
  /** Name of the exchange that messages come from; empty for the binding that every queue has. */
  readonly source: string;
  /** Its vhost. */
  readonly vhost: string;
  /** Name of the queue or exchange that they go to. */
  readonly destination: string;
  /** What that is. */
  readonly destinationType: "queue" | "exchange";
  /** The binding key. */
  readonly routingKey: string;
  /** What it was made with. */
  readonly arguments: JsonObject;
}

/** A connection. */
export interface ConnectionInfo {
  /** Its name: from where to where it leads, or `local-1` for one in this process. */
  readonly name: string;
  /** What its client calls it. */
  readonly userProvidedName: string | null;
  /** The vhost that it entered. */
  readonly vhost: string;
  /** Who logged in. */
  readonly user: string;
  /** `blocked`: an alarm keeps its client from publishing; `flow`: it publishes more than consumers
   * take, and is slowed down at this moment. */
  readonly state: "running" | "blocked" | "flow" | "closing";
  /** `direct`: from this process. */
  readonly type: "network" | "direct";
  /** Address of the client. */
  readonly peerHost: string | null;
  /** Port of the client. */
  readonly peerPort: number | null;
  /** Address that it came to. */
  readonly host: string | null;
  /** Port that it came to. */
  readonly port: number | null;
  /** The SASL mechanism that its client logged in by. */
  readonly authMechanism: string | null;
  /** True when it is encrypted. */
  readonly ssl: boolean;
  /** The version of TLS, as RabbitMQ writes it: `tlsv1.3`. */
  readonly sslProtocol: string | null;
  /** How the two agreed on a key: `any` with TLS 1.3. */
  readonly sslKeyExchange: string | null;
  /** What it is encrypted with: `aes_256_gcm`. */
  readonly sslCipher: string | null;
  /** What guards it against changes: `aead` when that is the cipher's part. */
  readonly sslHash: string | null;
  /** The number of the client's certificate, in hexadecimal digits. */
  readonly peerCertSerialNumber: string | null;
  /** Whom the certificate of the client is for, as RFC 4514 writes it. */
  readonly peerCertSubject: string | null;
  /** Who has signed it. */
  readonly peerCertIssuer: string | null;
  /** From when to when it is valid, as ISO 8601 writes it. */
  readonly peerCertValidity: string | null;
  /** How many channels are open. */
  readonly channels: number;
  /** How many may be. */
  readonly channelMax: number;
  /** The largest frame in bytes; 0: any. */
  readonly frameMax: number;
  /** Interval of heartbeats in seconds; 0: none. */
  readonly timeout: number;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** How many bytes came. */
  readonly recvOct: number;
  /** How many bytes went. */
  readonly sendOct: number;
  /** What the client told about itself. */
  readonly clientProperties: JsonObject;
}

/** A channel. */
export interface ChannelInfo {
  /** Name of its connection, and its number. */
  readonly name: string;
  /** Its number. */
  readonly number: number;
  /** Name of its connection. */
  readonly connection: string;
  /** Address of the client; null for one in this process. */
  readonly peerHost: string | null;
  /** Port of the client. */
  readonly peerPort: number | null;
  /** The vhost. */
  readonly vhost: string;
  /** Who logged in. */
  readonly user: string;
  /** True when it is transactional. */
  readonly transactional: boolean;
  /** True when it has publisher confirms. */
  readonly confirm: boolean;
  /** How many consumers it has. */
  readonly consumerCount: number;
  /** How many deliveries are not settled. */
  readonly messagesUnacknowledged: number;
  /** How many of its messages are not confirmed yet. */
  readonly messagesUnconfirmed: number;
  /** How many messages wait for a commit. */
  readonly messagesUncommitted: number;
  /** How many acks wait for a commit. */
  readonly acksUncommitted: number;
  /** The limit for each consumer that is started from now on; 0: none. */
  readonly prefetchCount: number;
  /** The limit for all consumers together; 0: none. */
  readonly globalPrefetchCount: number;
}

/** A consumer. */
export interface ConsumerInfo {
  /** Its name on the channel. */
  readonly consumerTag: string;
  /** Where it takes messages from. */
  readonly queue: string;
  /** The vhost. */
  readonly vhost: string;
  /** Name of its connection. */
  readonly connection: string;
  /** Number of its channel. */
  readonly channel: number;
  /** Address of the client; null for one in this process. */
  readonly peerHost: string | null;
  /** Port of the client. */
  readonly peerPort: number | null;
  /** Who logged in. */
  readonly user: string;
  /** True when what it gets waits for an ack. */
  readonly ackRequired: boolean;
  /** True when it asked to be the only one. */
  readonly exclusive: boolean;
  /** How many unacked messages it takes; 0: any number. */
  readonly prefetchCount: number;
  /** How many it has. */
  readonly messagesUnacknowledged: number;
  /** How long it may take for an ack, in milliseconds; null: for ever. */
  readonly consumerTimeout: number | null;
  /** False while another one is served in its place. */
  readonly active: boolean;
  /** The same in RabbitMQ's words. */
  readonly activityStatus: "up" | "single_active" | "waiting";
  /** What it was made with. */
  readonly arguments: JsonObject;
}

/** Where the broker is served. */
export interface ListenerInfo {
  /** The address for clients, which tells the protocol: `amqp://127.0.0.1:5672`. */
  readonly url: string;
  /** The address listened on; empty for a socket file. */
  readonly ipAddress: string;
  /** The port; 0 for a socket file. */
  readonly port: number;
  /** The socket file. */
  readonly path: string | null;
  /** From when to when its certificates are valid; none without TLS. */
  readonly certificates: readonly CertificateInfo[];
}

/** A certificate of a listener. */
export interface CertificateInfo {
  /** What it is for: shown to clients, or one of those who may sign clients' certificates. */
  readonly role: "server" | "authority";
  /** The file that it is in; null when it was given as text. */
  readonly file: string | null;
  /** From when on it is valid, in milliseconds since 1970. */
  readonly validFrom: number;
  /** Until when, likewise. */
  readonly validTo: number;
}

/** What something is of which messages are counted. */
export type MeterKind = "vhost" | "exchange" | "queue" | "connection" | "channel";

/** Of which things it is counted how many there are. */
export interface CountFilter {
  /** Those of one vhost. Default: of all. */
  readonly vhost?: string;
  /** Connections and channels of one user. Default: of all. */
  readonly user?: string;
}

/** What has been counted somewhere since it was made, or since the broker started. */
export interface Meter {
  /** Tells it from all others, also from a later one of the same name: a key for a `WeakMap`, and
   * nothing to look into. */
  readonly of: object;
  /** Its vhost. */
  readonly vhost: string;
  /** Its name. */
  readonly name: string;
  /** The numbers. Of a vhost and a channel: `publish`, `confirm`, `returnUnroutable`,
   * `dropUnroutable`, `deliver`, `deliverNoAck`, `get`, `getNoAck`, `getEmpty`, `redeliver`, `ack`, and
   * `deliverGet` for all that was given to clients; of a vhost and a connection, in bytes: `recvOct` and `sendOct`; of an exchange: `publishIn` and
   * `publishOut`; of a queue `publish`, those of a channel from `deliver` on, and at this moment
   * `consumers`, `messages`, `messagesReady` and `messagesUnacknowledged`. */
  readonly values: Readonly<Record<string, number>>;
}

/** The broker itself, and the machine that it runs on. What is not known is null. */
export interface NodeInfo {
  /** Its name, as RabbitMQ's nodes have one. */
  readonly name: string;
  /** When the broker was made, in milliseconds since 1970. */
  readonly startedAt: number;
  /** The version of RabbitMQ whose ways it has. */
  readonly rabbitmqVersion: string;
  /** Of which RabbitMQ the answers of its HTTP API are where those contradict one another. */
  readonly httpApi: 3 | 4;
  /** Its own version. */
  readonly productVersion: string;
  /** The types that exchanges can have. */
  readonly exchangeTypes: readonly string[];
  /** The SASL mechanisms that are offered. */
  readonly authMechanisms: readonly string[];
  /** How many connections there may be; null: any number. */
  readonly connectionMax: number | null;
  /** The type of queues that do not say it, in a vhost that does not say it. */
  readonly defaultQueueType: "classic" | "quorum" | "stream";
  /** Memory of the process, in bytes. */
  readonly memoryUsed: number;
  /** With more than that nobody may publish; null: any. */
  readonly memoryLimit: number | null;
  /** True while memory is short. */
  readonly memoryAlarm: boolean;
  /** How much of the disk of the data directory is free, in bytes. */
  readonly diskFree: number | null;
  /** With less than that nobody may publish, in bytes. */
  readonly diskFreeLimit: number;
  /** True while the disk is short, or the store takes nothing. */
  readonly diskAlarm: boolean;
  /** Where durable things are kept; null: nowhere. */
  readonly dataDir: string | null;
}

// ---- which of them

/** Which exchanges are meant; all when nothing is said. */
export interface ExchangeFilter extends InVhost {
  /** The one of this name. */
  readonly exchange?: string;
}

/** Which queues are meant; all when nothing is said. */
export interface QueueFilter extends InVhost {
  /** The one of this name. */
  readonly queue?: string;
}

/** Which bindings are meant; all when nothing is said. */
export interface BindingFilter extends InVhost {
  /** Those of this exchange; empty for those that every queue has. */
  readonly source?: string;
  /** Those that lead to this queue or exchange. */
  readonly destination?: string;
  /** Those that lead to queues, or to exchanges. */
  readonly destinationType?: "queue" | "exchange";
}

/** Which connections and channels are meant; all when nothing is said. */
export interface ConnectionFilter extends InVhost {
  /** The one of this name. */
  readonly connection?: string;
  /** Those of this user. */
  readonly user?: string;
}

/** Which consumers are meant; all when nothing is said. */
export interface ConsumerFilter extends ConnectionFilter {
  /** Those of this queue. */
  readonly queue?: string;
}

// ---- all of them

/** What a snapshot can tell of. */
export interface SnapshotParts {
  /** The vhosts, by name. */
  readonly vhosts: readonly VhostInfo[];
  /** The exchanges of each vhost. */
  readonly exchanges: readonly ExchangeInfo[];
  /** The queues of each vhost. */
  readonly queues: readonly QueueInfo[];
  /** The bindings of each vhost, those included that every queue has. */
  readonly bindings: readonly BindingInfo[];
  /** The connections, oldest first. */
  readonly connections: readonly ConnectionInfo[];
  /** Their channels. */
  readonly channels: readonly ChannelInfo[];
  /** Their consumers. */
  readonly consumers: readonly ConsumerInfo[];
  /** Where the broker is served. */
  readonly listeners: readonly ListenerInfo[];
}

/** The name of a part. */
export type SnapshotPart = keyof SnapshotParts;

/** Which part of a broker a snapshot tells of. */
export interface SnapshotOptions<Part extends SnapshotPart = SnapshotPart> extends InVhost {
  /** These parts alone. Default: all of them. */
  readonly only?: readonly Part[];
}

/** What a broker is like at some time. */
export type BrokerSnapshot<Part extends SnapshotPart = SnapshotPart> =
  & {
    /** Grows when something here changes its meaning or goes; what only comes does not count. */
    readonly formatVersion: 1;
    /** When it was begun, in milliseconds since 1970. */
    readonly time: number;
    /** The version of RabbitMQ whose ways the broker has. */
    readonly rabbitmqVersion: string;
    /** The broker's own version. */
    readonly productVersion: string;
  }
  & Pick<SnapshotParts, Part>;
