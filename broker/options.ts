import { type Clock, systemClock } from "./amqp/clock.ts";
import {
  BODY_SIZE_MAX,
  DEFAULT_CHANNEL_MAX,
  DEFAULT_FRAME_MAX,
  DEFAULT_HEARTBEAT_SECONDS,
  FRAME_MIN_SIZE,
  TABLE_DEPTH_MAX,
} from "./amqp/constants.ts";
import { type Logger, silentLogger } from "./amqp/logger.ts";
import type { MessageTracer } from "./amqp/tracer.ts";
import type { Machine } from "./machine.ts";
import type { FileSystem } from "./store/file_system.ts";
import type { SyncMode } from "./store/group_commit.ts";
import type { ExchangeType } from "./routing/exchange_type.ts";
import type { AuthenticatorOption } from "./auth/authenticators.ts";
import type { PasswordHashing } from "./auth/password.ts";
import type { Permissions } from "./auth/permissions.ts";
import type { CertificateLogin } from "./auth/peer_certificate.ts";
import { type Mechanism, MECHANISMS } from "./auth/user_authenticator.ts";
import { type Profile, type ProfileName, profileName, profileOf } from "./profiles.ts";
import { NODE_NAME } from "./version.ts";

/** What waits for a client is in memory. */
const OUTGOING_BUFFER_MAX = 64 * 1024 * 1024;
/** RabbitMQ's `disk_free_limit.absolute` in bytes. */
const DEFAULT_DISK_FREE_LIMIT = 50_000_000;

/** The user that a new broker begins with. It may do everything, and there is no other one then. */
export interface DefaultUser {
  /** Its name. Default: `guest`. */
  readonly name?: string;
  /** Its password. Default: `guest`. */
  readonly password?: string;
  /** The vhost that the broker begins with, if none are asked for. Default: `/`. */
  readonly vhost?: string;
  /** Its tags. Default: `administrator`. */
  readonly tags?: readonly string[];
  /** What it may do there, as patterns of names. Default: everything. */
  readonly permissions?: Partial<Permissions>;
}

/** Options of a `Broker`; the defaults are RabbitMQ's, but for limits that it does not have. */
export interface BrokerOptions {
  /** Vhosts that there must be. Default: `/` alone, unless a data directory is not new: it knows. */
  readonly vhosts?: readonly string[];
  /** What the node is called, as RabbitMQ's `RABBITMQ_NODENAME`: such as `rabbit@burrow`. Tools that
   * watch several brokers tell them apart by it. Default: `warren@localhost`. */
  readonly nodeName?: string;
  /** Which version of RabbitMQ it behaves like where they differ: `rabbitmq-3.13`, `rabbitmq-4.3`, or
   * `drop-in`, which is 3.13 with what later ones do better, as long as it breaks no client. Default:
   * `drop-in`. */
  readonly profile?: ProfileName | "3.13" | "4.3";
  /** Heartbeat interval offered to clients, in seconds; 0 for none. Default: 60. */
  readonly heartbeatSeconds?: number;
  /** Largest frame offered to clients, in bytes, from 4096 (4.3: 8192); 0 for no limit. Default:
   * 131072. */
  readonly frameMax?: number;
  /** How many channels a connection may have, up to 65535. Default: 2047. */
  readonly channelMax?: number;
  /** Largest body of a message in bytes, up to 512 MiB. Default: 128 MiB (4.3: 16 MiB). */
  readonly messageSizeMax?: number;
  /** How many connections there may be at once, those of this process included. Default: 100 000;
   * Infinity for any number, as in RabbitMQ. */
  readonly connectionMax?: number;
  /** How many connections there may be at once of one address, or of one network of IPv6 (64 bits),
   * handshakes included; more are dropped. Default: 20 000, since a proxy or a router may stand for
   * thousands of clients. */
  readonly connectionMaxPerAddress?: number;
  /** How many connections a user may have at once whose own limits say nothing of it. Default:
   * 50 000. */
  readonly connectionMaxPerUser?: number;
  /** How many connections may come in a second, in all; more are dropped. Default: 5000. */
  readonly connectionRate?: number;
  /** How many connections may come in a second from one address, or one network of IPv6; more are
   * dropped. Default: 2000. */
  readonly connectionRatePerAddress?: number;
  /** How many connections may come at once before a rate counts. Default: 20 000, since after a
   * restart all clients come back at once. */
  readonly connectionBurst?: number;
  /** How many channels there may be at once on all connections. Default: 1 000 000. */
  readonly channelMaxPerNode?: number;
  /** How many consumers a channel may have. Default: 100 000. */
  readonly consumerMaxPerChannel?: number;
  /** How many messages a channel may publish in a transaction before it commits; more close the channel
   * with 406. RabbitMQ's `channel_tx_message_max`. Default: 1 000 000, and 10 000 with profile 4.3. */
  readonly txMessageMaxPerChannel?: number;
  /** How many queues there may be in all vhosts; RabbitMQ's `cluster_queue_limit`. Default:
   * 1 000 000. */
  readonly queueMax?: number;
  /** How many vhosts there may be; RabbitMQ's `vhost_max`. Default: 100 000. */
  readonly vhostMax?: number;
  /** The type of queues that are declared without `x-queue-type` in a vhost that has no default type
   * of its own; RabbitMQ's `default_queue_type`. Default: classic, and no type is compared when a queue
   * is declared again. */
  readonly defaultQueueType?: "classic" | "quorum" | "stream";
  /** How many exchanges there may be in all vhosts, of which each has seven by itself; RabbitMQ's
   * `cluster_exchange_limit`. Default: 1 000 000. */
  readonly exchangeMax?: number;
  /** How many bindings there may be in all vhosts, those to the default exchange apart. Default:
   * 10 000 000. */
  readonly bindingMax?: number;
  /** How many bytes of bodies a channel may have without an ack. With as many or more it gets no more
   * deliveries, and `basic.get` closes it with 406, until it acks some. Default: 4 GiB; what is
   * unacked counts for the memory alarm, too. */
  readonly unackedBytesMaxPerChannel?: number;
  /** So much that waits for its turn is kept of a connection, such as what comes after a publish while
   * there is an alarm, in bytes; with more it is not read any more. Default: 64 KiB. */
  readonly waitingBytesMaxPerConnection?: number;
  /** When more dead letters than that wait in a vhost, those that have died by themselves in four queues
   * are let go; a tenth of it counts where they died of other dead letters, a hundredth while memory is
   * short. Default: 1 000 000. */
  readonly deadLetterMax?: number;
  /** How many clients of a listener may be in the middle of a proxy's header, TLS or the opening of a
   * WebSocket; with more, the oldest of the address that has the most makes room. Default: 1000. */
  readonly openingMax?: number;
  /** How deep tables may be nested that a client sends, from 2 to 64. Default: 64. */
  readonly tableDepthMax?: number;
  /** With more bytes than this waiting to be taken by a client it gets no more deliveries, and with
   * eight times as much it is not read any more. Default: 1 MiB. */
  readonly outgoingBufferMax?: number;
  /** How long a client may take next to nothing of what waits for it, less than 16 bytes a second and not
   * all of it, in milliseconds, before its connection is dropped; 0 for ever. Default: 30 minutes, as
   * long as it may keep a delivery without an ack. */
  readonly writeTimeoutMs?: number;
  /** How long a client that has begun a frame or a message may send next to nothing of the rest of it,
   * less than 64 bytes a second, in milliseconds, before its connection is dropped; 0 for ever. Time in
   * which it is not read for reasons of the broker does not count. Default: 5 minutes. */
  readonly readTimeoutMs?: number;
  /** Largest frame of a client that has not logged in yet, in bytes, from 4096; 0 for that of
   * `frameMax`. Tokens may need more. Default: 4096 (4.3: 8192). */
  readonly handshakeFrameMax?: number;
  /** How long a client's handshake may take, in milliseconds. Default: 10000. */
  readonly handshakeTimeoutMs?: number;
  /** How long a client from outside this process may keep a delivery without an ack, in milliseconds,
   * before its channel is closed with 406; 0 for as long as it likes. What a queue or its policy says
   * (`x-consumer-timeout`, `consumer-timeout`) counts instead, and inside this process too. Default: 30
   * minutes. */
  readonly consumerTimeoutMs?: number;
  /** A directory in which durable things and persistent messages survive a restart; made when it is
   * missing. Default: none, everything is in memory. */
  readonly dataDir?: string;
  /** When a data directory's writes are put on disk: `always` before they are confirmed, at intervals,
   * or `never`, by the operating system when it likes. Default: `always`. */
  readonly sync?: SyncMode;
  /** So many bytes of messages are kept in memory; beyond them, what waits goes to the data directory,
   * whether it is to survive a restart or not. Without a data directory all waits in memory. Default:
   * 256 MiB. */
  readonly messageMemory?: number;
  /**
   * How much memory the process may take before nobody may publish: as a part of the memory that
   * there is, from 0 to 1, or as bytes. RabbitMQ's `vm_memory_high_watermark`. Default: as much as it
   * likes, since the program around a broker is not the broker's to judge; `broker/main.ts` gives 0.6.
   *
   * To know how much there is takes the permission `sys=systemMemoryInfo`. Without that a part is one
   * of 1 GiB, as in RabbitMQ where the system does not tell.
   */
  readonly memoryHighWatermark?: number;
  /** How much of V8's limit the heap of the process may take before nobody may publish, from 0 to 1.
   * At 1 the process ends. Default: 0.8. */
  readonly heapHighWatermark?: number;
  /** With less free on the disk of the data directory, in bytes, nobody may publish. To know it takes
   * the permission `sys=statfs`; without that, and with 0, only a disk that is full counts. RabbitMQ's
   * `disk_free_limit`. Default: 50000000. */
  readonly diskFreeLimit?: number;
  /** Exchange types that clients can declare besides AMQP's and RabbitMQ's. Default: none. */
  readonly exchangeTypes?: readonly ExchangeType[];
  /** The SASL mechanisms by which the broker's users log in, in any order; RabbitMQ's
   * `auth_mechanisms`. `EXTERNAL` is by the certificate that a client has shown in TLS, and offered only
   * to those who have. It is not there by itself, since some clients prefer it to the password that they
   * were given. Default: `PLAIN` and `AMQPLAIN`. */
  readonly mechanisms?: readonly Mechanism[];
  /** What of a certificate is the name of the user, for `EXTERNAL`; RabbitMQ's `ssl_cert_login_from`.
   * Default: `distinguished_name`, such as `CN=ann,O=Burrow`. */
  readonly certificateLogin?: CertificateLogin;
  /** Who decides about logins: an authenticator of the program's own, or several that are asked in
   * turn, of which `"users"` is the broker's users. Default: the broker's users, by their passwords. */
  readonly authenticator?: AuthenticatorOption;
  /** The user that clients come in as who choose the SASL mechanism ANONYMOUS and show nothing. One of
   * `loopbackUsers` comes in so from loopback alone, too. RabbitMQ's `anonymous_login_user`. Default:
   * none, and ANONYMOUS is not offered. */
  readonly anonymousUser?: string;
  /** The user that it begins with, unless a data directory is not new: it knows. Default: `guest` with
   * the password `guest`. */
  readonly defaultUser?: DefaultUser;
  /** Users that are let in from loopback addresses only. Default: `guest` alone. */
  readonly loopbackUsers?: readonly string[];
  /** What new passwords are hashed with. RabbitMQ knows its own hashes alone: a user whose password was
   * hashed with scrypt has none there until it is given one. Default: `scrypt`. */
  readonly passwordHashing?: PasswordHashing;
  /** Is told of each message that is published and delivered: `OpenTelemetryTracer`, for example.
   * Default: nobody is, and that costs nothing. */
  readonly tracer?: MessageTracer;
  /** Where log lines go. Default: nowhere. */
  readonly logger?: Logger;
  /** Where time comes from. Default: the machine. */
  readonly clock?: Clock;
}

/** A data directory in use: its files, and the right to them, which nobody else has meanwhile. */
export interface DataDirectory {
  /** What is in it. */
  readonly files: FileSystem;
  /** Gives it free. */
  release(): void;
}

/** What this project's tests replace; a broker's users know nothing of it. */
export interface InternalOptions extends BrokerOptions {
  /** Takes a data directory into use. Default: one of this machine, with a lock. */
  readonly openDirectory?: (dataDir: string) => DataDirectory;
  /** Size of a segment of the store in bytes. */
  readonly segmentSize?: number;
  /** What memory and disk are watched by. Default: those of this machine. */
  readonly machine?: Machine;
}

/** All options, checked, with their defaults. */
export type CompleteOptions =
  & Required<Omit<BrokerOptions, OptionalOption | "profile">>
  & Omit<InternalOptions, keyof BrokerOptions>
  & { readonly [Name in OptionalOption]: BrokerOptions[Name] | undefined }
  & { readonly profile: Profile };

/** Options whose absence means something. */
type OptionalOption =
  | "anonymousUser"
  | "authenticator"
  | "dataDir"
  | "defaultQueueType"
  | "defaultUser"
  | "tracer"
  | "vhosts";

/** What holds unless somebody says otherwise, apart from what a profile says. */
const DEFAULTS: Omit<
  CompleteOptions,
  "handshakeFrameMax" | "messageSizeMax" | "profile" | "txMessageMaxPerChannel"
> = {
  vhosts: undefined,
  nodeName: NODE_NAME,
  heartbeatSeconds: DEFAULT_HEARTBEAT_SECONDS,
  frameMax: DEFAULT_FRAME_MAX,
  channelMax: DEFAULT_CHANNEL_MAX,
  connectionMax: 100_000,
  connectionMaxPerAddress: 20_000,
  connectionMaxPerUser: 50_000,
  connectionRate: 5000,
  connectionRatePerAddress: 2000,
  connectionBurst: 20_000,
  channelMaxPerNode: 1_000_000,
  consumerMaxPerChannel: 100_000,
  queueMax: 1_000_000,
  vhostMax: 100_000,
  defaultQueueType: undefined,
  exchangeMax: 1_000_000,
  bindingMax: 10_000_000,
  unackedBytesMaxPerChannel: 4 * 1024 ** 3,
  waitingBytesMaxPerConnection: 64 * 1024,
  deadLetterMax: 1_000_000,
  openingMax: 1000,
  tableDepthMax: TABLE_DEPTH_MAX,
  outgoingBufferMax: 1024 * 1024,
  writeTimeoutMs: 30 * 60_000,
  readTimeoutMs: 5 * 60_000,
  handshakeTimeoutMs: 10_000,
  consumerTimeoutMs: 30 * 60_000,
  dataDir: undefined,
  sync: "always",
  messageMemory: 256 * 1024 * 1024,
  memoryHighWatermark: Infinity,
  heapHighWatermark: 0.8,
  diskFreeLimit: DEFAULT_DISK_FREE_LIMIT,
  exchangeTypes: [],
  authenticator: undefined,
  mechanisms: ["AMQPLAIN", "PLAIN"],
  certificateLogin: "distinguished_name",
  anonymousUser: undefined,
  defaultUser: undefined,
  loopbackUsers: ["guest"],
  passwordHashing: "scrypt",
  tracer: undefined,
  logger: silentLogger,
  clock: systemClock,
};

/** Names of those, and of what has no default or that of the profile. */
const NAMES = [
  ...Object.keys(DEFAULTS),
  "handshakeFrameMax",
  "machine",
  "messageSizeMax",
  "openDirectory",
  "segmentSize",
  "txMessageMaxPerChannel",
] as (keyof Omit<InternalOptions, "profile">)[];

/**
 * Fills in the defaults, and checks what is none of them.
 *
 * @throws {RangeError} When a number is out of its range.
 * @throws {TypeError} When there is no such profile, or no such mechanism.
 */
export function completeOptions(options: InternalOptions): CompleteOptions {
  const profile = readProfile(options.profile);
  const { messageSizeMax, handshakeFrameMax, txMessageMax: txMessageMaxPerChannel } = profile;
  const complete: CompleteOptions = {
    ...DEFAULTS,
    profile,
    messageSizeMax,
    handshakeFrameMax,
    txMessageMaxPerChannel,
  };
  let said = options.profile !== undefined;
  for (const name of NAMES) {
    const value = options[name] ?? undefined;
    if (value === undefined) continue;
    (complete as Record<string, unknown>)[name] = value;
    said = true;
  }
  if (said) checkOptions(complete);
  return complete;
}

function checkOptions(complete: CompleteOptions): void {
  const { profile } = complete;
  if (Array.isArray(complete.authenticator) && complete.authenticator.length === 0) {
    throw new TypeError("Cannot create broker: nobody decides about logins");
  }
  checkRange("heartbeatSeconds", complete.heartbeatSeconds, 0, 65_535);
  if (complete.frameMax !== 0) {
    checkRange("frameMax", complete.frameMax, profile.frameMaxLeast, 0xffff_ffff);
  }
  checkRange("channelMax", complete.channelMax, 1, 65_535);
  checkRange("messageSizeMax", complete.messageSizeMax, 0, BODY_SIZE_MAX);
  for (const name of LIMITS) {
    if (complete[name] !== Infinity) checkRange(name, complete[name], 0, Number.MAX_SAFE_INTEGER);
  }
  if (complete.handshakeFrameMax !== 0) {
    checkRange("handshakeFrameMax", complete.handshakeFrameMax, FRAME_MIN_SIZE, 0xffff_ffff);
  }
  checkRange("connectionBurst", complete.connectionBurst, 1, Number.MAX_SAFE_INTEGER);
  checkRange(
    "waitingBytesMaxPerConnection",
    complete.waitingBytesMaxPerConnection,
    4096,
    WAITING_BYTES_MAX,
  );
  checkRange("openingMax", complete.openingMax, 1, OPENING_MAX);
  checkRange("tableDepthMax", complete.tableDepthMax, 2, TABLE_DEPTH_MAX);
  checkRange("outgoingBufferMax", complete.outgoingBufferMax, 4096, OUTGOING_BUFFER_MAX);
  checkRange("writeTimeoutMs", complete.writeTimeoutMs, 0, 0x7fff_ffff);
  checkRange("readTimeoutMs", complete.readTimeoutMs, 0, 0x7fff_ffff);
  checkRange("consumerTimeoutMs", complete.consumerTimeoutMs, 0, Number.MAX_SAFE_INTEGER);
  checkRange("messageMemory", complete.messageMemory, 0, Number.MAX_SAFE_INTEGER);
  checkRange("handshakeTimeoutMs", complete.handshakeTimeoutMs, 1, 0x7fff_ffff);
  if (!isNodeName(complete.nodeName)) {
    throw new TypeError(
      `Cannot create broker: nodeName is ${
        JSON.stringify(complete.nodeName)
      }, not such as rabbit@burrow`,
    );
  }
  checkMechanisms(complete.mechanisms);
  checkMemoryHighWatermark(complete.memoryHighWatermark);
  checkDiskFreeLimit(complete.diskFreeLimit);
  if (!(complete.heapHighWatermark >= 0 && complete.heapHighWatermark <= 1)) {
    throw new RangeError(
      `Cannot create broker: heapHighWatermark is ${complete.heapHighWatermark}, not from 0 to 1`,
    );
  }
}

/** True for what Erlang calls a node: a name and a host, in as many characters as one may have there. */
export function isNodeName(text: string): boolean {
  return text.length <= NODE_NAME_MAX && /^[\w-]+@[\w.:-]+$/.test(text);
}

/** Erlang's bound of an atom. */
const NODE_NAME_MAX = 255;
/** What waits in memory of one connection must stay little. */
const WAITING_BYTES_MAX = 64 * 1024 ** 2;
/** Each that is half-way costs some memory. */
const OPENING_MAX = 100_000;

/** Limits that there may be or not. */
const LIMITS = [
  "connectionMax",
  "channelMaxPerNode",
  "consumerMaxPerChannel",
  "txMessageMaxPerChannel",
  "queueMax",
  "vhostMax",
  "exchangeMax",
  "bindingMax",
  "connectionMaxPerAddress",
  "connectionMaxPerUser",
  "connectionRate",
  "connectionRatePerAddress",
  "unackedBytesMaxPerChannel",
  "deadLetterMax",
] as const;

function readProfile(text: string = "drop-in"): Profile {
  const name = profileName(text);
  if (name === undefined) {
    throw new TypeError(`Cannot create broker: there is no profile ${JSON.stringify(text)}`);
  }
  return profileOf(name);
}

function checkMechanisms(mechanisms: readonly string[]): void {
  const known: readonly string[] = MECHANISMS;
  const unknown = mechanisms.find((one) => !known.includes(one));
  if (unknown === undefined && mechanisms.length > 0) return;
  throw new TypeError(
    `Cannot create broker: mechanisms are some of ${MECHANISMS.join(", ")}, not ${
      unknown ?? "none"
    }`,
  );
}

/** @throws {RangeError} When it is neither a part nor a number of bytes. */
export function checkMemoryHighWatermark(value: number): void {
  if (value >= 0 && value <= Infinity) return;
  throw new RangeError(`Cannot set memoryHighWatermark: ${value} is no part and no size`);
}

/** @throws {RangeError} When it is no number of bytes. */
export function checkDiskFreeLimit(value: number): void {
  if (Number.isInteger(value) && value >= 0) return;
  throw new RangeError(`Cannot set diskFreeLimit: ${value} is no number of bytes`);
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(
      `Cannot create broker: ${name} is ${value}, not a whole number from ${least} to ${most}`,
    );
  }
}
