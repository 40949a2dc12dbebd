import type { SyncMode } from "../store/group_commit.ts";
import {
  type Arguments,
  type Known,
  readArguments,
  readDataDir,
  readPort,
  readWord,
  UsageError,
} from "./arguments.ts";
import type { BrokerOptions, DefaultUser } from "../options.ts";
import { BROKER_FLAGS, BROKER_USAGE, readBrokerOptions } from "./broker_options.ts";
import { CONFIG_SECRET_FLAGS, CONFIG_SECRET_USAGE } from "./config_secrets.ts";
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogThreshold } from "./log.ts";
import {
  OAUTH_FLAGS,
  OAUTH_OPTIONS,
  OAUTH_USAGE,
  type OAuthArguments,
  readOAuthArguments,
} from "./oauth_options.ts";
import type { HttpLimits } from "../http/limits.ts";
import { HTTP_FLAGS, HTTP_USAGE, readHttpLimits } from "./http_options.ts";
import {
  readSideTls,
  readTlsOptions,
  type Side,
  type SideTls,
  sideTlsFlags,
  TLS_FLAGS,
  TLS_USAGE,
  type TlsListening,
} from "./tls_options.ts";

/** The port that AMQP clients look for. */
export const DEFAULT_PORT = 5672;

/** What the arguments of `serve` ask for. */
export interface ServeOptions {
  /** Show how the program is used, and nothing else. */
  readonly help: boolean;
  /** Show the version, and nothing else. */
  readonly version: boolean;
  /** The addresses to listen on; none for loopback, IPv4 and IPv6. */
  readonly hosts: readonly string[];
  /** The port; 0 for any free one. */
  readonly port: number;
  /** Listen on no port without TLS, other than for WebSocket. */
  readonly noTcp: boolean;
  /** Where to listen besides. */
  readonly more: readonly Place[];
  /** The port for WebSocket, on the same addresses; 0 for any free one, undefined for no WebSocket. */
  readonly webSocketPort: number | undefined;
  /** Web pages of elsewhere that may use it. */
  readonly origins: readonly string[];
  /** TLS; undefined for none. */
  readonly tls: TlsListening | undefined;
  /** The port of the management API, on the same addresses; 0 for any free one, undefined for none. */
  readonly managementPort: number | undefined;
  /** True when somebody asked for that port, or for an address. */
  readonly managementAsked: boolean;
  /** Its addresses; none for those of AMQP. */
  readonly managementHosts: readonly string[];
  /** The same with TLS; undefined for none. */
  readonly managementTls: SideTls | undefined;
  /** The port of metrics for Prometheus, likewise. */
  readonly prometheusPort: number | undefined;
  /** True when somebody asked for that port. */
  readonly prometheusAsked: boolean;
  /** Their addresses, likewise. */
  readonly prometheusHosts: readonly string[];
  /** And with TLS. */
  readonly prometheusTls: SideTls | undefined;
  /** What clients may have of both. */
  readonly http: HttpLimits;
  /** A socket file to listen on as well. */
  readonly socketPath: string | undefined;
  /** Who may be a proxy; when it is not empty, everybody on a port must be one. */
  readonly trustedProxies: readonly string[];
  /** Keep nothing on disk. */
  readonly memory: boolean;
  /** Where durable things survive a restart; undefined for the usual folder of this port. */
  readonly dataDir: string | undefined;
  /** When what was written there is put on disk. */
  readonly sync: SyncMode;
  /** The user that a new broker begins with; undefined when it is not named here. */
  readonly user: string | undefined;
  /** Where its password is. */
  readonly passwordFile: string | undefined;
  /** How tokens are judged; undefined when nobody comes in by one. */
  readonly oauth: OAuthArguments | undefined;
  /** A file in the form of RabbitMQ's definitions that is applied before anybody can connect. */
  readonly definitions: string | undefined;
  /** A file that names the process while it serves; undefined for none. */
  readonly pidFile: string | undefined;
  /** What operators call the broker; undefined: as it is. */
  readonly clusterName: string | undefined;
  /** What the configuration file says of the user that a new broker begins with. */
  readonly defaultUser?: DefaultUser;
  /** What it says that means nothing here, a line each. */
  readonly ignored?: readonly string[];
  /** Which messages are traced; undefined: none. */
  readonly traceMessages: "continued" | "all" | undefined;
  /** How much is logged. */
  readonly logLevel: LogThreshold;
  /** And how. */
  readonly logFormat: LogFormat;
  /** What else the broker is told. */
  readonly broker: BrokerOptions;
}

/** The port that RabbitMQ's tools look for. */
export const DEFAULT_MANAGEMENT_PORT = 15672;

/** The port where Prometheus is told to find RabbitMQ. */
export const DEFAULT_PROMETHEUS_PORT = 15692;

/** Which messages may be traced. */
const TRACED_MESSAGES = ["continued", "all"] as const;

/** How the broker is served. */
export const SERVE_USAGE = `Usage: deno run -A broker/main.ts [serve] [options]

Serves an AMQP 0-9-1 broker until it is interrupted.

Options:
  --config FILE      read options from a file like RabbitMQ's rabbitmq.conf as well; those
                     on the command line count more
${CONFIG_SECRET_USAGE}
  --definitions FILE apply definitions as RabbitMQ exports them, before anybody connects
  --host ADDRESS     address to listen on, which may be given more than once
                     (default: 127.0.0.1, and ::1 where it exists)
  --port PORT        port to listen on, 0 for any free one (default: ${DEFAULT_PORT})
  --no-tcp           listen on no port without TLS
  --listen [ADDRESS:]PORT
                     listen there as well, which may be given more than once
  --ws-port PORT     serve AMQP over WebSocket there as well
  --ws-origin ORIGIN let web pages of https://app.example use it, * for all; may be
                     given more than once (default: pages from this machine)
${TLS_USAGE}
  --management-port PORT
                     port of the HTTP API for management on the same addresses, 0 for
                     any free one (default: ${DEFAULT_MANAGEMENT_PORT}; none with --port 0)
  --management-host ADDRESS
                     address of that instead, which may be given more than once
  --management-tls-port PORT
                     serve it with TLS there, and without TLS only if --management-port is
                     given too (default: 15671, with a certificate)
  --management-tls-cert FILE, --management-tls-key FILE
                     its certificate and key (default: those of AMQP). There are also
                     --management-tls-host, -key-password-file, -ca, -crl, -verify-peer
                     and -min-version, like those that begin with --tls
  --no-management    no HTTP API
  --prometheus-port PORT
                     port of the metrics for Prometheus on the same addresses, /metrics,
                     0 for any free one (default: ${DEFAULT_PROMETHEUS_PORT}; none with --port 0);
                     monitors also find them at /metrics of the management port
  --prometheus-host ADDRESS
                     address of that instead, which may be given more than once
  --prometheus-tls-port PORT
                     serve them with TLS there (default: 15691, with a certificate); the
                     options are as those of the HTTP API, such as --prometheus-tls-cert
  --no-prometheus    no metrics
${HTTP_USAGE}
  --unix PATH        listen on a socket file as well
  --proxy-protocol A,B
                     connections come through proxies at these addresses, such as
                     10.0.0.0/8, which say for whom in HAProxy's PROXY protocol;
                     unix: those of the socket file as well
  --data-dir DIR     keep what is durable or persistent there (default: warren/PORT in the
                     user's state folder, which is ~/.local/state on Linux)
  --memory           keep nothing on disk
  --sync WHEN        put writes on disk always (before confirms), interval=MS, or never
                     (default: always)
  --cluster-name NAME
                     what operators call the broker (default: as it was called before,
                     else its node's name)
  --pid-file FILE    write the number of the process there while it serves, for
                     rabbitmqctl wait
  --user NAME        begin with this user instead of guest, when there are none yet
  --password-file F  the password of that user is the first line of this file
${OAUTH_USAGE}
${BROKER_USAGE}
  --trace-messages WHICH
                     spans for messages by OpenTelemetry, with OTEL_DENO=true in the
                     environment: ${TRACED_MESSAGES.join(" or ")}: those that carry a trace already,
                     or all
  --log-level LEVEL  ${LOG_LEVELS.join(", ")} (default: info)
  --log-format FORMAT
                     ${LOG_FORMATS.join(" or ")}, an object on each line (default: text)
  --version          print the version
  --help             print this`;

/** What `serve` may be given. */
export const SERVE_KNOWN: Known = {
  flags: ["version", "memory", "no-tcp", "no-management", "no-prometheus", ...OAUTH_FLAGS],
  options: [
    "config",
    ...CONFIG_SECRET_FLAGS,
    "definitions",
    "log-format",
    "host",
    "port",
    "listen",
    "ws-port",
    "ws-origin",
    "management-port",
    "management-host",
    "prometheus-port",
    "prometheus-host",
    "unix",
    "proxy-protocol",
    "data-dir",
    "sync",
    "pid-file",
    "cluster-name",
    "user",
    "password-file",
    "trace-messages",
    "log-level",
    ...TLS_FLAGS,
    ...sideTlsFlags("management"),
    ...sideTlsFlags("prometheus"),
    ...HTTP_FLAGS,
    ...OAUTH_OPTIONS,
    ...BROKER_FLAGS,
  ],
};

/**
 * Reads the arguments of `serve`.
 *
 * @throws {UsageError} When one of them is unknown, twice there, has a value that it cannot have, or
 * does not go with another.
 */
export function readServeOptions(args: readonly string[]): ServeOptions {
  const given = readArguments(args, SERVE_KNOWN);
  const tls = readTlsOptions(given, readHost, readPlace);
  const options: ServeOptions = {
    help: given.has("help"),
    version: given.has("version"),
    hosts: given.values("host").map(readHost),
    port: readPort(given) ?? DEFAULT_PORT,
    noTcp: given.has("no-tcp"),
    more: given.values("listen").map(readPlace),
    webSocketPort: readPort(given, "ws-port"),
    origins: given.values("ws-origin"),
    tls,
    ...readManagement(given, tls),
    ...readPrometheus(given, tls),
    http: readHttpLimits(given),
    socketPath: readSocketPath(given),
    trustedProxies: readTrustedProxies(given),
    memory: given.has("memory"),
    dataDir: readDataDir(given),
    sync: readSync(given),
    pidFile: given.value("pid-file"),
    clusterName: given.value("cluster-name"),
    user: given.value("user"),
    passwordFile: given.value("password-file"),
    oauth: readOAuthArguments(given),
    definitions: given.value("definitions"),
    traceMessages: readWord(given, "trace-messages", TRACED_MESSAGES),
    logLevel: readWord(given, "log-level", LOG_LEVELS) ?? "info",
    logFormat: readWord(given, "log-format", LOG_FORMATS) ?? "text",
    broker: readBrokerOptions(given),
  };
  if (options.help || options.version) return options;
  const webSocketPort = options.webSocketPort ?? options.tls?.webSocketPort;
  if (options.origins.length > 0 && webSocketPort === undefined) {
    throw new UsageError("--ws-origin needs --ws-port or --wss-port");
  }
  if ((options.user === undefined) !== (options.passwordFile === undefined)) {
    throw new UsageError("--user and --password-file need each other");
  }
  // twice makes no sense
  for (const flag of ["config", ...CONFIG_SECRET_FLAGS]) given.value(flag);
  if (options.definitions === "") throw new UsageError("--definitions takes a file");
  if (options.clusterName === "") throw new UsageError("--cluster-name takes a name");
  if (options.pidFile === "") throw new UsageError("--pid-file takes a file");
  if (options.user === "") throw new UsageError("--user takes a name");
  if (options.noTcp) {
    if (options.more.length > 0) throw new UsageError("--listen does not go with --no-tcp");
    if (
      options.tls === undefined && options.socketPath === undefined && webSocketPort === undefined
    ) {
      throw new UsageError("--no-tcp needs --tls-port, --unix or --ws-port");
    }
  }
  if (options.memory) {
    for (const option of ["data-dir", "sync", "message-memory", "disk-free-limit"]) {
      if (given.value(option) === undefined) continue;
      throw new UsageError(`--${option} does not go with --memory, which keeps nothing on disk`);
    }
  } else if (options.port === 0 && options.dataDir === undefined) {
    // A folder named after a port that is another one each time would never be found again.
    throw new UsageError("--port 0 needs --data-dir DIR or --memory: a free port names no folder");
  }
  return options;
}

/** Another place to listen in. */
export interface Place {
  /** Its address; undefined: those of the first one. */
  readonly host: string | undefined;
  /** Its port. */
  readonly port: number;
}

/** Reads `5673`, `10.0.0.1:5673` or `[::1]:5673`. */
function readPlace(text: string): Place {
  const [, host, port] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) {
    throw new UsageError(`--listen takes a port, or an address and a port, not '${text}'`);
  }
  return { host: host === undefined ? undefined : readHost(host), port: Number(port) };
}

function readHost(text: string): string {
  if (text === "" || /[\s/]/.test(text)) {
    throw new UsageError(`--host takes an address such as 0.0.0.0, not '${text}'`);
  }
  return text.replace(/^\[(.*)\]$/, "$1");
}

function readManagement(
  args: Arguments,
  usual: TlsListening | undefined,
): Pick<
  ServeOptions,
  "managementPort" | "managementAsked" | "managementHosts" | "managementTls"
> {
  const side = readSide(args, "management", DEFAULT_MANAGEMENT_PORT, usual);
  const { port, asked, hosts, tls } = side;
  return {
    managementPort: port,
    managementAsked: asked,
    managementHosts: hosts,
    managementTls: tls,
  };
}

function readPrometheus(
  args: Arguments,
  usual: TlsListening | undefined,
): Pick<
  ServeOptions,
  "prometheusPort" | "prometheusAsked" | "prometheusHosts" | "prometheusTls"
> {
  const side = readSide(args, "prometheus", DEFAULT_PROMETHEUS_PORT, usual);
  const { port, asked, hosts, tls } = side;
  return {
    prometheusPort: port,
    prometheusAsked: asked,
    prometheusHosts: hosts,
    prometheusTls: tls,
  };
}

/** A broker on any free port is one of several, of which only one could have the usual port. */
function readSide(
  args: Arguments,
  what: Side,
  usual: number,
  amqpTls: TlsListening | undefined,
): {
  readonly port: number | undefined;
  readonly asked: boolean;
  readonly hosts: readonly string[];
  readonly tls: SideTls | undefined;
} {
  const port = readPort(args, `${what}-port`);
  const hosts = args.values(`${what}-host`).map(readHost);
  const tls = readSideTls(args, what, readHost, amqpTls);
  const asked = port !== undefined || hosts.length > 0 && tls === undefined;
  if (args.has(`no-${what}`)) {
    const given = [`${what}-port`, `${what}-host`, ...sideTlsFlags(what)];
    const option = given.find((one) => args.values(one).length > 0);
    if (option === undefined) return { port: undefined, asked, hosts, tls: undefined };
    throw new UsageError(`--${option} does not go with --no-${what}`);
  }
  // as in RabbitMQ: who asks for TLS alone gets it alone
  const isLeftOut = !asked && (tls !== undefined || readPort(args) === 0);
  return { port: port ?? (isLeftOut ? undefined : usual), asked, hosts, tls };
}

function readSocketPath(args: Arguments): string | undefined {
  const text = args.value("unix");
  if (text === "") throw new UsageError("--unix takes a path");
  return text;
}

function readTrustedProxies(args: Arguments): readonly string[] {
  const text = args.value("proxy-protocol");
  if (text === undefined) return [];
  const trusted = text.split(",").map((one) => one.trim());
  if (trusted.includes("")) {
    throw new UsageError(`--proxy-protocol takes addresses with commas between, not '${text}'`);
  }
  return trusted;
}

function readSync(args: Arguments): SyncMode {
  const text = args.value("sync") ?? "always";
  if (text === "always" || text === "never") return text;
  const intervalMs = Number(/^interval=(\d{1,6})$/.exec(text)?.[1] ?? 0);
  if (intervalMs === 0) {
    throw new UsageError(`--sync takes always, never or interval=MS, not '${text}'`);
  }
  return { intervalMs };
}
