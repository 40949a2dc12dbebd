import { type Clock, systemClock } from "../broker/amqp/clock.ts";
import type { FieldTable } from "../broker/amqp/field_table.ts";
import { checkInteger, checkShortString } from "./fields.ts";
import { type RecoveryOptions, resolveRecovery } from "./recovery/recovery_options.ts";

/** Where to connect to, as whom, and how. Everything has a default. */
export interface ConnectOptions {
  /** Name or address of the broker's host. Default: `localhost`. */
  readonly hostname?: string;
  /** Its port. Default: 5672. */
  readonly port?: number;
  /** A socket file on this machine to connect to, instead of a host and its port. */
  readonly path?: string;
  /** The address of a WebSocket to connect through, `ws:` or `wss:`, instead of a host and its port.
   * It goes to the HTTP server as it is, so it must not have a user or a password. */
  readonly webSocketUrl?: string;
  /** True for TLS, which is not supported yet. Default: false. */
  readonly tls?: boolean;
  /** User name. Default: `guest`. */
  readonly username?: string;
  /** Password. Default: `guest`. */
  readonly password?: string;
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
  /** Gives up connecting when it aborts. Once connected it means nothing any more. */
  readonly signal?: AbortSignal;
  /** Time; for tests. */
  readonly clock?: Clock;
}

/** Options with every default filled in. */
export interface ResolvedOptions extends ConnectOptions {
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
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
 * @throws {TypeError} When a text is too long for the wire, or TLS is asked for.
 */
export function resolveOptions(options: ConnectOptions): ResolvedOptions {
  if (options.tls === true) throw new TypeError("Cannot connect: TLS is not supported yet");
  const { frameMax = 0, heartbeatSeconds = 0, channelMax = 0 } = options;
  checkInteger(heartbeatSeconds, 0xffff, "heartbeatSeconds");
  checkInteger(channelMax, 0xffff, "channelMax");
  checkInteger(frameMax, 0xffff_ffff, "frameMax");
  resolveRecovery(options.recovery);
  if (frameMax > 0 && frameMax < 4096) {
    throw new RangeError(`Cannot connect: frameMax ${frameMax} is below 4096`);
  }
  return {
    ...options,
    hostname: options.hostname ?? "localhost",
    port: checkInteger(options.port ?? 5672, 0xffff, "port"),
    username: options.username ?? "guest",
    password: options.password ?? "guest",
    vhost: checkShortString(options.vhost ?? "/", "vhost"),
    connectTimeoutMs: options.connectTimeoutMs ?? 30_000,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
    closeTimeoutMs: options.closeTimeoutMs ?? CLOSE_TIMEOUT_MS,
    clock: options.clock ?? systemClock,
  };
}
