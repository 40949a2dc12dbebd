import { type Clock, systemClock } from "../broker/amqp/clock.ts";
import { type FieldTable, normaliseTable } from "../broker/amqp/field_table.ts";
import { describe } from "../broker/amqp/field_value.ts";
import type { MessageTracer } from "../broker/amqp/tracer.ts";
import type { ByteStream } from "../broker/amqp/transport.ts";
import {
  checkFunction,
  checkInteger,
  checkOptions,
  checkShortString,
  isRecord,
  type OptionNames,
} from "./fields.ts";
import { type RecoveryOptions, resolveRecovery } from "./recovery/recovery_options.ts";

/** How a client speaks TLS. Texts are in PEM. */
export interface ClientTlsOptions {
  /** Certificates of those who may sign the broker's. Default: those that the machine trusts. */
  readonly ca?: string;
  /** The client's certificate, followed by those between it and the root. Default: none. */
  readonly cert?: string;
  /** Its private key. */
  readonly key?: string;
  /** What the key is encrypted with, if it is. */
  readonly passphrase?: string;
  /** Revocation lists, one of each of those who are in `ca` or between them and the broker: a broker whose
   * certificate is on one, or of which nobody says, is not believed. Default: none. */
  readonly crl?: string;
  /** The name that must be in the broker's certificate. Default: the hostname. */
  readonly serverName?: string;
  /** What must be right with the broker's certificate: `yes`: all of it; `any-name`: who signed it, but
   * not for whom; `no`: nothing, so that anybody can listen in. Default: `yes`. */
  readonly verifyServer?: "yes" | "any-name" | "no";
  /** Oldest version of TLS that is spoken. Default: `TLSv1.2`. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

/** A password, or what gives one. */
export type Password = string | (() => string | Promise<string>);

/** Where to connect to, as whom, and how. Everything has a default. */
export interface ConnectOptions {
  /** Name or address of the broker's host. Default: `localhost`. */
  readonly hostname?: string;
  /** Its port. Default: 5672, or 5671 with TLS. */
  readonly port?: number;
  /** A socket file on this machine to connect to, instead of a host and its port, with which it is
   * refused. */
  readonly path?: string;
  /** The address of a WebSocket to connect through, `ws:` or `wss:`, instead of a host and its port.
   * It goes to the HTTP server as it is, so it must not have a user or a password. What `wss:` trusts is
   * up to the runtime. With `hostname`, `port` or `path` it is refused. */
  readonly webSocketUrl?: string;
  /** Reaches the broker another way, through a tunnel for example: gives a stream of bytes, such as a
   * `Deno.Conn`, which belongs to the connection from then on, and gives up when the signal aborts. TLS
   * goes through it when that is wanted. Default: by TCP to the host and port. */
  readonly dial?: (signal: AbortSignal) => Promise<ByteStream>;
  /** TLS, and how; true for how it usually is. Default: false. */
  readonly tls?: boolean | ClientTlsOptions;
  /** How to log in: `EXTERNAL` is by the certificate that was shown in TLS. Default: `PLAIN`, or
   * `AMQPLAIN` where that is not offered. */
  readonly mechanism?: "PLAIN" | "AMQPLAIN" | "EXTERNAL";
  /** User name. Default: `guest`. */
  readonly username?: string;
  /** Password, or a function that gives it, such as a token that expires: asked before each login, and
   * then a login that was refused is tried again while the connection is made anew. Default: `guest`. */
  readonly password?: Password;
  /** Virtual host. Default: `/`. */
  readonly vhost?: string;
  /** Seconds between heartbeats, 0 for none. Default: what the broker proposes; more than that is
   * lowered to it. */
  readonly heartbeatSeconds?: number;
  /** Largest frame in bytes, from 4096; 0 for no limit of ours. Default: what the broker proposes;
   * more than that is lowered to it. */
  readonly frameMax?: number;
  /** How many channels may be open at once; 0 for no limit of ours. Default: what the broker
   * proposes; more than that is lowered to it. */
  readonly channelMax?: number;
  /** A name for the connection that the broker shows to its operators. */
  readonly connectionName?: string;
  /** What else the client tells the broker about itself. */
  readonly clientProperties?: FieldTable;
  /** How long it may take to reach the host, in milliseconds. Default: 30 000. */
  readonly connectTimeoutMs?: number;
  /** How long login may take after that, in milliseconds. Default: 10 000. */
  readonly handshakeTimeoutMs?: number;
  /** How long closing may take before the socket is just dropped, in milliseconds. Default: 10 000. */
  readonly closeTimeoutMs?: number;
  /** Whether and how the connection is made anew when it is lost, or closed by a broker that stops, with
   * what was declared, its channels and consumers. Default: true. False leaves it closed. */
  readonly recovery?: boolean | RecoveryOptions;
  /** Is told of each message that is sent, received or handled over the connection:
   * `OpenTelemetryTracer`, for example. Default: nobody is. */
  readonly tracer?: MessageTracer;
  /** Gives up connecting when it aborts. Once connected it means nothing any more. */
  readonly signal?: AbortSignal;
  /** Time; for tests. */
  readonly clock?: Clock;
}

/** Options with every default filled in. */
export interface ResolvedOptions extends ConnectOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls: ClientTlsOptions | false;
  readonly username: string;
  readonly password: Password;
  readonly vhost: string;
  readonly connectTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly clock: Clock;
}

/** How long closing may take when nobody says otherwise. */
export const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Fills in the defaults and checks the rest.
 *
 * @throws {RangeError} When a number is out of its range.
 * @throws {TypeError} When a text is too long for the wire, or an option makes no sense.
 */
export function resolveOptions(options: ConnectOptions): ResolvedOptions {
  checkConnect(options);
  const tls = resolveTls(options);
  const { dial, path, webSocketUrl } = options;
  if (dial !== undefined) checkFunction(dial, "dial", "connect");
  if (dial !== undefined && (path !== undefined || webSocketUrl !== undefined)) {
    throw new TypeError(
      "Cannot connect: dial takes the place of a path or a webSocketUrl; leave one out",
    );
  }
  checkPlace(options);
  checkPeer(options);
  const { frameMax = 0, heartbeatSeconds = 0, channelMax = 0 } = options;
  checkInteger(heartbeatSeconds, 0xffff, "heartbeatSeconds");
  checkInteger(channelMax, 0xffff, "channelMax");
  checkInteger(frameMax, 0xffff_ffff, "frameMax");
  resolveRecovery(options.recovery);
  if (frameMax > 0 && frameMax < 4096) {
    throw new RangeError(
      `Cannot connect: frameMax ${frameMax} is below 4096; leave it out, or raise it`,
    );
  }
  return {
    ...options,
    hostname: options.hostname ?? "localhost",
    port: checkInteger(options.port ?? (tls === false ? 5672 : 5671), 0xffff, "port"),
    tls,
    username: options.username ?? "guest",
    password: options.password ?? "guest",
    vhost: checkShortString(options.vhost ?? "/", "vhost"),
    connectTimeoutMs: checkTime(options.connectTimeoutMs ?? 30_000, "connectTimeoutMs"),
    handshakeTimeoutMs: checkTime(options.handshakeTimeoutMs ?? 10_000, "handshakeTimeoutMs"),
    closeTimeoutMs: checkTime(options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS, "closeTimeoutMs"),
    clock: options.clock ?? systemClock,
  };
}

/** What is used later on, when nobody could tell any more whose it was. */
function checkPeer(options: ConnectOptions): void {
  const { username, connectionName, clientProperties, clock, tracer } = options;
  for (const [name, value] of Object.entries({ username, connectionName })) {
    if (value === undefined || value === null || typeof value === "string") continue;
    throw new TypeError(`Cannot connect: ${name} is ${describe(value)}, not a string`);
  }
  if (clientProperties !== undefined && clientProperties !== null) {
    if (!isRecord(clientProperties)) {
      const what = describe(clientProperties);
      throw new TypeError(`Cannot connect: clientProperties are ${what}, not an object`);
    }
    normaliseTable(clientProperties);
  }
  for (
    const [name, value, method] of [["clock", clock, "after"], ["tracer", tracer, "begin"]] as const
  ) {
    if (
      value === undefined || value === null ||
      typeof (value as unknown as Fields)[method] === "function"
    ) {
      continue;
    }
    throw new TypeError(`Cannot connect: ${name} is ${describe(value)}, which has no ${method}()`);
  }
}

type Fields = Record<string, unknown>;

/** An option that says where the broker is must not be without effect. */
function checkPlace({ hostname, port, path, webSocketUrl }: ConnectOptions): void {
  if (path !== undefined && webSocketUrl !== undefined) {
    throw new TypeError("Cannot connect: path and webSocketUrl are two places; leave one out");
  }
  const place = webSocketUrl === undefined ? "path of a socket file" : "address of a WebSocket";
  if (path === undefined && webSocketUrl === undefined) return;
  for (const [name, value] of Object.entries({ hostname, port })) {
    if (value === undefined) continue;
    throw new TypeError(
      `Cannot connect: the ${place} says where the broker is, not ${name}; ` +
        (webSocketUrl === undefined ? `leave ${name} out` : `write the ${name} into the address`),
    );
  }
}

function checkTime(ms: number, name: string): number {
  return checkInteger(ms, 0x7fff_ffff, name);
}

/**
 * Checks that there are such options for a connection.
 *
 * @throws {TypeError} When there is no such option, or what was given is no object.
 */
export function checkConnect(options: ConnectOptions): void {
  checkOptions(options, NAMES, "connect");
}

const NAMES: OptionNames<ConnectOptions> = {
  hostname: true,
  port: true,
  path: true,
  webSocketUrl: true,
  dial: true,
  tls: true,
  mechanism: true,
  username: true,
  password: true,
  vhost: true,
  heartbeatSeconds: true,
  frameMax: true,
  channelMax: true,
  connectionName: true,
  clientProperties: true,
  connectTimeoutMs: true,
  handshakeTimeoutMs: true,
  closeTimeoutMs: true,
  recovery: true,
  signal: true,
  clock: true,
  tracer: true,
};

const TLS_NAMES: OptionNames<ClientTlsOptions> = {
  ca: true,
  crl: true,
  cert: true,
  key: true,
  passphrase: true,
  serverName: true,
  verifyServer: true,
  minVersion: true,
};

const MECHANISMS: readonly unknown[] = [undefined, "PLAIN", "AMQPLAIN", "EXTERNAL"];

function resolveTls(
  { tls = false, path, webSocketUrl, mechanism }: ConnectOptions,
): ClientTlsOptions | false {
  const refuse = (why: string) => new TypeError(`Cannot connect: ${why}`);
  if (!MECHANISMS.includes(mechanism)) {
    throw refuse(`mechanism is ${String(mechanism)}, not PLAIN, AMQPLAIN or EXTERNAL`);
  }
  if (tls === false) return false;
  if (path !== undefined) throw refuse("a socket file is on this machine, without TLS");
  if (webSocketUrl !== undefined) throw refuse("it is the runtime that encrypts a WebSocket, wss:");
  if (tls === true) return {};
  checkOptions(tls, TLS_NAMES, "connect by TLS");
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw refuse("tls.cert and tls.key need each other");
  }
  if (tls.crl !== undefined && tls.ca === undefined) throw refuse("tls.crl needs tls.ca");
  const { verifyServer = "yes", minVersion = "TLSv1.2" } = tls;
  if (!["yes", "any-name", "no"].includes(verifyServer)) {
    throw refuse(`tls.verifyServer is "${verifyServer}", not yes, any-name or no`);
  }
  if (!["TLSv1.2", "TLSv1.3"].includes(minVersion)) {
    throw refuse(`tls.minVersion is "${minVersion}", not TLSv1.2 or TLSv1.3`);
  }
  return tls;
}
