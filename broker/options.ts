import { type Clock, systemClock } from "./amqp/clock.ts";
import {
  BODY_SIZE_MAX,
  DEFAULT_CHANNEL_MAX,
  DEFAULT_FRAME_MAX,
  DEFAULT_HEARTBEAT_SECONDS,
  FRAME_MIN_SIZE,
} from "./amqp/constants.ts";
import { type Logger, silentLogger } from "./amqp/logger.ts";
import type { FileSystem } from "./store/file_system.ts";
import type { SyncMode } from "./store/group_commit.ts";
import type { ExchangeType } from "./routing/exchange_type.ts";
import type { Authenticator } from "./auth/authenticator.ts";
import type { PasswordHashing } from "./auth/password.ts";

/** The user that a new broker begins with. It may do everything, and there is no other one then. */
export interface DefaultUser {
  /** Its name. Default: `guest`. */
  readonly name?: string;
  /** Its password. Default: `guest`. */
  readonly password?: string;
  /** The vhost that the broker begins with, if none are asked for. Default: `/`. */
  readonly vhost?: string;
}

/** Options of a `Broker`; the defaults are RabbitMQ's. */
export interface BrokerOptions {
  /** Vhosts that there must be. Default: `/` alone, unless a data directory is not new: it knows. */
  readonly vhosts?: readonly string[];
  /** Heartbeat interval offered to clients, in seconds; 0 for none. Default: 60. */
  readonly heartbeatSeconds?: number;
  /** Largest frame offered to clients, in bytes, from 4096; 0 for no limit. Default: 131072. */
  readonly frameMax?: number;
  /** How many channels a connection may have, up to 65535. Default: 2047. */
  readonly channelMax?: number;
  /** Largest body of a message in bytes, up to 512 MiB. Default: 128 MiB. */
  readonly messageSizeMax?: number;
  /** How long a client's handshake may take, in milliseconds. Default: 10000. */
  readonly handshakeTimeoutMs?: number;
  /** How long a client from outside this process may keep a delivery without an ack, in milliseconds,
   * before its channel is closed with 406; 0 for as long as it likes. Default: 30 minutes. */
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
  /** Exchange types that clients can declare besides AMQP's and RabbitMQ's. Default: none. */
  readonly exchangeTypes?: readonly ExchangeType[];
  /** Who decides about logins. Default: the broker's users, by their passwords. */
  readonly authenticator?: Authenticator;
  /** The user that it begins with, unless a data directory is not new: it knows. Default: `guest` with
   * the password `guest`. */
  readonly defaultUser?: DefaultUser;
  /** Users that are let in from loopback addresses only. Default: `guest` alone. */
  readonly loopbackUsers?: readonly string[];
  /** What new passwords are hashed with. RabbitMQ knows its own hashes alone: a user whose password was
   * hashed with scrypt has none there until it is given one. Default: `scrypt`. */
  readonly passwordHashing?: PasswordHashing;
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
}

/** All options, checked, with their defaults. */
export type CompleteOptions =
  & Required<Omit<BrokerOptions, OptionalOption>>
  & Omit<InternalOptions, keyof BrokerOptions>
  & { readonly [Name in OptionalOption]: BrokerOptions[Name] | undefined };

/** Options whose absence means something. */
type OptionalOption = "authenticator" | "dataDir" | "defaultUser" | "vhosts";

/**
 * Fills in the defaults.
 *
 * @throws {RangeError} When a number is out of its range.
 */
export function completeOptions(options: InternalOptions): CompleteOptions {
  const { openDirectory, segmentSize } = options;
  const complete: CompleteOptions = {
    vhosts: options.vhosts,
    heartbeatSeconds: options.heartbeatSeconds ?? DEFAULT_HEARTBEAT_SECONDS,
    frameMax: options.frameMax ?? DEFAULT_FRAME_MAX,
    channelMax: options.channelMax ?? DEFAULT_CHANNEL_MAX,
    messageSizeMax: options.messageSizeMax ?? 128 * 1024 * 1024,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
    consumerTimeoutMs: options.consumerTimeoutMs ?? 30 * 60_000,
    dataDir: options.dataDir,
    ...(openDirectory === undefined ? {} : { openDirectory }),
    ...(segmentSize === undefined ? {} : { segmentSize }),
    sync: options.sync ?? "always",
    messageMemory: options.messageMemory ?? 256 * 1024 * 1024,
    exchangeTypes: options.exchangeTypes ?? [],
    authenticator: options.authenticator,
    defaultUser: options.defaultUser,
    loopbackUsers: options.loopbackUsers ?? ["guest"],
    passwordHashing: options.passwordHashing ?? "scrypt",
    logger: options.logger ?? silentLogger,
    clock: options.clock ?? systemClock,
  };
  checkRange("heartbeatSeconds", complete.heartbeatSeconds, 0, 65_535);
  if (complete.frameMax !== 0) {
    checkRange("frameMax", complete.frameMax, FRAME_MIN_SIZE, 0xffff_ffff);
  }
  checkRange("channelMax", complete.channelMax, 1, 65_535);
  checkRange("messageSizeMax", complete.messageSizeMax, 0, BODY_SIZE_MAX);
  checkRange("consumerTimeoutMs", complete.consumerTimeoutMs, 0, Number.MAX_SAFE_INTEGER);
  checkRange("messageMemory", complete.messageMemory, 0, Number.MAX_SAFE_INTEGER);
  checkRange("handshakeTimeoutMs", complete.handshakeTimeoutMs, 1, 0x7fff_ffff);
  return complete;
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(
      `Cannot create broker: ${name} is ${value}, not a whole number from ${least} to ${most}`,
    );
  }
}
