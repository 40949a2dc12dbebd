import type { PasswordHashing } from "../auth/password.ts";
import type { AlternativeNameType, CertificateLogin } from "../auth/peer_certificate.ts";
import { type Mechanism, MECHANISMS } from "../auth/user_authenticator.ts";
import { thisMachine } from "../machine.ts";
import { type BrokerOptions, isNodeName } from "../options.ts";
import { profileName, profileOf } from "../profiles.ts";
import { type Arguments, UsageError } from "./arguments.ts";
import { endless, type Read, SIZE, size, TIME, time, whole } from "./quantities.ts";
import { usageOf } from "./usage.ts";

/**
 * The options of `serve` that a broker is made with: each by its flag, with what it takes.
 *
 * @module
 */

/** An option of the command. */
interface BrokerFlag {
  /** Its name on the command line, without the dashes. */
  readonly flag: string;
  /** What stands for its value in the help. */
  readonly value: string;
  /** The help, line by line. */
  readonly help: readonly string[];
  /** What it takes, as an error says it. */
  readonly takes: string;
  /** Reads it into the options of a broker; undefined when the value makes no sense. */
  readonly read: Read<BrokerOptions>;
}

const KIB = 1024;

/** RabbitMQ's, since 4.0. */
export const DEFAULT_MEMORY_HIGH_WATERMARK = 0.6;

const PASSWORD_HASHINGS: readonly PasswordHashing[] = [
  "scrypt",
  "rabbitmq-sha256",
  "rabbitmq-sha512",
];

const QUEUE_TYPES = ["classic", "quorum", "stream"] as const;

const FLAGS: readonly BrokerFlag[] = [
  {
    flag: "profile",
    value: "PROFILE",
    help: [
      "behave like rabbitmq-3.13 or rabbitmq-4.3 where they differ",
      "(default: drop-in, what harms the fewest clients)",
    ],
    takes: "drop-in, rabbitmq-3.13 or rabbitmq-4.3",
    read: option("profile", profileName),
  },
  {
    flag: "node-name",
    value: "NAME@HOST",
    help: ["what the node is called (default: warren@localhost)"],
    takes: "a name such as rabbit@burrow",
    read: option("nodeName", (text) => isNodeName(text) ? text : undefined),
  },
  {
    flag: "anonymous-user",
    value: "NAME",
    help: [
      "clients that choose ANONYMOUS and show nothing come in as this user",
      "(default: none)",
    ],
    takes: "a name",
    read: option("anonymousUser", (text) => text === "" ? undefined : text),
  },
  {
    flag: "password-hashing",
    value: "HASHING",
    help: [
      `${PASSWORD_HASHINGS.join(", ")}: RabbitMQ can import`,
      "passwords hashed with its own alone (default: scrypt)",
    ],
    takes: PASSWORD_HASHINGS.join(", "),
    read: option("passwordHashing", (text) => PASSWORD_HASHINGS.find((one) => one === text)),
  },
  {
    flag: "auth-mechanisms",
    value: "A,B",
    help: [
      "how users may log in: PLAIN, AMQPLAIN, and EXTERNAL, by the",
      "certificate that a client shows in TLS (default: PLAIN,AMQPLAIN)",
    ],
    takes: "some of PLAIN, AMQPLAIN and EXTERNAL, with commas between",
    read: option("mechanisms", mechanisms),
  },
  {
    flag: "ssl-cert-login-from",
    value: "WHAT",
    help: [
      "what of the certificate is the user's name: distinguished_name,",
      "common_name, or an alternative name: dns, email, uri or ip, the",
      "second of its kind dns:1 (default: distinguished_name)",
    ],
    takes: "distinguished_name, common_name, or dns, email, uri or ip",
    read: option("certificateLogin", certificateLogin),
  },
  {
    flag: "memory-high-watermark",
    value: "SIZE",
    help: [
      "with more memory in use, nobody may publish: a part of what there",
      `is, or a size such as 2GiB (default: ${DEFAULT_MEMORY_HIGH_WATERMARK})`,
    ],
    takes: "a part such as 0.6, or a size such as 2GiB",
    read: option("memoryHighWatermark", watermark),
  },
  {
    flag: "heap-high-watermark",
    value: "PART",
    help: [
      "the same for V8's heap: a part of what it may grow to, at which the",
      "process would end (default: 0.8)",
    ],
    takes: "a part such as 0.8",
    read: option("heapHighWatermark", part),
  },
  {
    flag: "disk-free-limit",
    value: "SIZE",
    help: [
      "with less free on the disk, nobody may publish: a size, or such as",
      "1.5x, so many times the memory that there is; 0 for no limit",
      "(default: 50MB)",
    ],
    takes: `${SIZE}, or 1.5x of a memory that may be asked for`,
    read: option("diskFreeLimit", diskFreeLimit),
  },
  {
    flag: "message-memory",
    value: "SIZE",
    help: [
      "so much of what waits is kept in memory, the rest in the data",
      "directory (default: 256MiB)",
    ],
    takes: SIZE,
    read: option("messageMemory", size(Number.MAX_SAFE_INTEGER)),
  },
  {
    flag: "message-size-max",
    value: "SIZE",
    help: ["largest body of a message, up to 512MiB (default: 128MiB; 4.3: 16MiB)"],
    takes: `${SIZE}, up to 512MiB`,
    read: option("messageSizeMax", size(512 * KIB ** 2)),
  },
  {
    flag: "consumer-timeout",
    value: "TIME",
    help: [
      "how long a client may keep a message without an ack, such as",
      "90s; 0 for ever (default: 30m)",
    ],
    takes: TIME,
    read: option("consumerTimeoutMs", time(Number.MAX_SAFE_INTEGER)),
  },
  {
    flag: "handshake-timeout",
    value: "TIME",
    help: ["how long a client may take to log in (default: 10s)"],
    takes: `${TIME}, from 1 to 2147483647 ms`,
    read: option("handshakeTimeoutMs", time(0x7fff_ffff, 1)),
  },
  {
    flag: "handshake-frame-max",
    value: "SIZE",
    help: [
      "largest frame of a client that has not logged in, 0 for that of",
      "--frame-max (default: 4096, with --oauth-... and 4.3 8192)",
    ],
    takes: "0, or a size from 4096 to 4294967295",
    read: option("handshakeFrameMax", (text) => text === "0" ? 0 : size(0xffff_ffff, 4096)(text)),
  },
  {
    flag: "heartbeat",
    value: "SECONDS",
    help: ["heartbeat interval offered to clients, 0 for none (default: 60)"],
    takes: "a number from 0 to 65535",
    read: option("heartbeatSeconds", whole(65_535)),
  },
  {
    flag: "frame-max",
    value: "SIZE",
    help: ["largest frame offered to clients, 0 for no limit (default: 128KiB)"],
    takes: "0, or a size from 4096 (4.3: 8192) to 4294967295",
    read: option("frameMax", size(0xffff_ffff)),
  },
  {
    flag: "channel-max",
    value: "N",
    help: ["how many channels a connection may have (default: 2047)"],
    takes: "a number from 1 to 65535",
    read: option("channelMax", whole(65_535, 1)),
  },
  limit("max-connections", "connectionMax", "how many connections there may be", 100000),
  limit("max-connections-per-address", "connectionMaxPerAddress", "how many of one address", 20000),
  limit(
    "max-connections-per-user",
    "connectionMaxPerUser",
    "how many of a user without own limit",
    50000,
  ),
  limit("connection-rate", "connectionRate", "how many connections may come in a second", 5000),
  limit(
    "connection-rate-per-address",
    "connectionRatePerAddress",
    "how many from one address",
    2000,
  ),
  {
    flag: "connection-burst",
    value: "N",
    help: ["how many connections at once before a rate counts (default: 20000)"],
    takes: "a whole number from 1",
    read: option("connectionBurst", whole(Number.MAX_SAFE_INTEGER, 1)),
  },
  limit(
    "channel-max-per-node",
    "channelMaxPerNode",
    "how many channels, on all connections",
    1000000,
  ),
  limit(
    "consumer-max-per-channel",
    "consumerMaxPerChannel",
    "how many consumers on a channel",
    100000,
  ),
  {
    flag: "tx-message-max-per-channel",
    value: "N",
    help: [
      "how many messages in a transaction before its commit",
      "(default: 1000000; 10000 with profile 4.3)",
    ],
    takes: "a whole number or infinity",
    read: option("txMessageMaxPerChannel", endless(whole(Number.MAX_SAFE_INTEGER))),
  },
  limit("queue-limit", "queueMax", "how many queues, in all vhosts", 1000000),
  limit("vhost-limit", "vhostMax", "how many vhosts", 100000),
  {
    flag: "default-queue-type",
    value: "TYPE",
    help: [
      "what queues are that do not say it, in a vhost that does not say it:",
      `${QUEUE_TYPES.join(", ")} (default: classic)`,
    ],
    takes: QUEUE_TYPES.join(", "),
    read: option("defaultQueueType", (text) => QUEUE_TYPES.find((one) => one === text)),
  },
  limit(
    "exchange-limit",
    "exchangeMax",
    "how many exchanges, seven of each vhost included",
    1000000,
  ),
  limit("binding-limit", "bindingMax", "how many bindings, in all vhosts", 10000000),
  {
    flag: "unacked-bytes-max-per-channel",
    value: "SIZE",
    help: ["with as much unacked, a channel gets no more (default: 4GiB)"],
    takes: `${SIZE}, or infinity`,
    read: option("unackedBytesMaxPerChannel", endless(size(Number.MAX_SAFE_INTEGER))),
  },
  {
    flag: "waiting-bytes-max-per-connection",
    value: "SIZE",
    help: [
      "with more waiting for its turn, as while nobody may publish, a",
      "client is not read (default: 64KiB)",
    ],
    takes: `${SIZE}, from 4096 to 64MiB`,
    read: option("waitingBytesMaxPerConnection", size(64 * KIB ** 2, 4096)),
  },
  limit(
    "dead-letter-max",
    "deadLetterMax",
    "how many wait before those that died often go",
    1000000,
  ),
  {
    flag: "opening-max",
    value: "N",
    help: ["how many clients may be in the midst of TLS (default: 1000)"],
    takes: "a number from 1 to 100000",
    read: option("openingMax", whole(100_000, 1)),
  },
  {
    flag: "table-depth-max",
    value: "N",
    help: ["how deep tables of clients may be nested (default: 64)"],
    takes: "a number from 2 to 64",
    read: option("tableDepthMax", whole(64, 2)),
  },
  {
    flag: "outgoing-buffer-max",
    value: "SIZE",
    help: ["with more waiting for a client it gets no deliveries (default: 1MiB)"],
    takes: `${SIZE}, from 4096 to 64MiB`,
    read: option("outgoingBufferMax", size(64 * KIB ** 2, 4096)),
  },
  {
    flag: "write-timeout",
    value: "TIME",
    help: [
      "a client that takes less than 16 bytes a second of what waits for",
      "it for so long is dropped; 0 for ever (default: 30m)",
    ],
    takes: `${TIME}, up to 2147483647 ms`,
    read: option("writeTimeoutMs", time(0x7fff_ffff)),
  },
  {
    flag: "read-timeout",
    value: "TIME",
    help: [
      "a client in the middle of a frame or a message that sends less",
      "than 64 bytes a second for so long is dropped; 0 for ever",
      "(default: 5m)",
    ],
    takes: `${TIME}, up to 2147483647 ms`,
    read: option("readTimeoutMs", time(0x7fff_ffff)),
  },
];

/** Their names. */
export const BROKER_FLAGS: readonly string[] = FLAGS.map(({ flag }) => flag);

/** How they are used. */
export const BROKER_USAGE: string = FLAGS.map(usageOf).join("\n");

/**
 * Reads them.
 *
 * @throws {UsageError} When a value makes no sense.
 */
export function readBrokerOptions(given: Arguments): BrokerOptions {
  let options: BrokerOptions = {};
  for (const { flag, takes, read } of FLAGS) {
    const text = given.value(flag);
    if (text === undefined) continue;
    const more = read(text);
    if (more === undefined) throw new UsageError(`--${flag} takes ${takes}, not '${text}'`);
    options = { ...options, ...more };
  }
  const { frameMax = 0, profile = "drop-in" } = options;
  const least = profileOf(profileName(profile) ?? "drop-in").frameMaxLeast;
  if (frameMax > 0 && frameMax < least) {
    throw new UsageError(
      `--frame-max takes 0, or a size from ${least} to 4294967295, not '${frameMax}'`,
    );
  }
  return options;
}

/** An option of a broker that a value is read into. */
function option<Name extends keyof BrokerOptions>(
  name: Name,
  read: Read<BrokerOptions[Name]>,
): Read<BrokerOptions> {
  return (text) => {
    const value = read(text);
    return value === undefined ? undefined : { [name]: value };
  };
}

/** How many there may be of something. */
function limit(flag: string, name: keyof BrokerOptions, help: string, usual: number): BrokerFlag {
  return {
    flag,
    value: "N",
    help: [`${help} (default: ${usual})`],
    takes: "a whole number or infinity",
    read: option(name, endless(whole(Number.MAX_SAFE_INTEGER))),
  };
}

function mechanisms(text: string): readonly Mechanism[] | undefined {
  const names = text.split(",").map((name) => name.trim().toUpperCase());
  const known = MECHANISMS.filter((one) => names.includes(one));
  return known.length === names.length ? known : undefined;
}

function certificateLogin(text: string): CertificateLogin | undefined {
  if (text === "distinguished_name" || text === "common_name") return text;
  const [, kind, index = "0"] = /^(dns|email|uri|ip)(?::(\d{1,4}))?$/.exec(text) ?? [];
  if (kind === undefined) return undefined;
  return { alternativeName: kind as AlternativeNameType, index: Number(index) };
}

function part(text: string): number | undefined {
  return /^\d*\.?\d+$/.test(text) && Number(text) <= 1 ? Number(text) : undefined;
}

/** A part of the memory that there is, or bytes. */
function watermark(text: string): number | undefined {
  return part(text) ?? size(Number.MAX_SAFE_INTEGER)(text);
}

/** Bytes, or so many times the memory that there is. */
function diskFreeLimit(text: string): number | undefined {
  const [, times] = /^(\d*\.?\d+)x$/.exec(text) ?? [];
  if (times === undefined) return size(Number.MAX_SAFE_INTEGER)(text);
  const memory = thisMachine.memory();
  return memory === undefined ? undefined : Math.round(Number(times) * memory);
}
