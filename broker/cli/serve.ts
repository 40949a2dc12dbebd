import { Broker } from "../broker.ts";
import type { HttpServer } from "../http/listen.ts";
import type { ManagedProgram, ManagementHandler, ManagementServer } from "../management/mod.ts";
import type { BrokerOptions } from "../options.ts";
import type { MetricsHandler, MetricsServer } from "../prometheus/mod.ts";
import type { ListenOptions } from "../net/listener.ts";
import type { BrokerServer } from "../server.ts";
// with all the rest, rather than when it listens
import "../sockets.ts";
import { isLoopback } from "../auth/authenticator.ts";
import { loadHeapStatistics } from "../machine.ts";
import { StoreError } from "../store/error.ts";
import { WARREN_VERSION } from "../version.ts";
import { DEFAULT_MEMORY_HIGH_WATERMARK } from "./broker_options.ts";
import type { Command } from "./command.ts";
import { readConfiguredOptions } from "./configured_options.ts";
import { logChanges } from "./changes_log.ts";
import { readDefaultUser } from "./default_user.ts";
import { defaultDataDir, whyNotUsable } from "./data_directory.ts";
import { asJson, terminalLogger } from "./log.ts";
import { readOAuthOptions } from "./oauth_options.ts";
import { UsageError } from "./arguments.ts";
import { type Place, SERVE_KNOWN, SERVE_USAGE, type ServeOptions } from "./serve_options.ts";
import { LOOPBACK, type Output, serveBeside, urlHost } from "./serve_beside.ts";
import type { SideTls } from "./tls_options.ts";
import type { Terminal } from "./terminal.ts";

/** What is served besides takes so long to load that who waits for the broker's port, and tries it again and
 * again, would have to wait for that as well: he is let in first. */
const FIRST_CLIENTS_MS = 10;

/** `serve`: a broker until the process is told to stop. It ends with 1 when the address or the data
 * directory cannot be had. */
export const serve: Command = {
  known: SERVE_KNOWN,
  summary: "serve a broker, as without a command",
  async run(args, terminal) {
    const options = readConfiguredOptions(args);
    if (options.help || options.version) {
      terminal.say(options.help ? SERVE_USAGE : `warren ${WARREN_VERSION}`);
      return 0;
    }
    return await serveUntilSignal(options, terminal);
  },
};

async function serveUntilSignal(options: ServeOptions, terminal: Terminal): Promise<number> {
  const { memory, port, sync } = options;
  // not before it listens: who cannot is told that alone
  const { memoryHighWatermark = DEFAULT_MEMORY_HIGH_WATERMARK, ...brokerOptions } = options.broker;
  const dataDir = memory
    ? undefined
    : options.dataDir ?? defaultDataDir(port, terminal, "--data-dir DIR or --memory");
  const logger = terminalLogger(options.logLevel, options.logFormat);
  for (const line of options.ignored ?? []) logger.log("warning", line);
  const defaultUser = readDefaultUser(options, terminal);
  const authenticator = await readAuthenticator(options);
  const tracer = await readTracer(options);
  if (tracer === "off") {
    terminal.complain(
      "warren: --trace-messages needs OpenTelemetry, which is off: set OTEL_DENO=true",
    );
    return 1;
  }
  let opened: Broker;
  try {
    opened = new Broker({
      // a token may be longer than what RabbitMQ 3.13 takes
      ...(options.oauth === undefined ? {} : { handshakeFrameMax: 8192 }),
      ...brokerOptions,
      logger,
      sync,
      ...(dataDir === undefined ? {} : { dataDir }),
      ...(defaultUser === undefined ? {} : { defaultUser }),
      ...(authenticator === undefined ? {} : { authenticator }),
      ...(tracer === undefined ? {} : { tracer }),
    });
  } catch (cause) {
    if (dataDir === undefined) throw cause;
    terminal.complain(`warren: ${whyNotOpen(dataDir, cause)}`);
    return 1;
  }
  await using broker = opened;
  try {
    await furnish(broker, options);
  } catch (cause) {
    terminal.complain(`warren: ${textOf(cause)}`);
    return 1;
  }
  // from the first client on there is something to close
  const signalled = nextSignal();
  let servers: BrokerServer[];
  try {
    servers = await listen(broker, options);
  } catch (cause) {
    terminal.complain(`warren: ${whyNotListen(cause, options)}`);
    return 1;
  }

  // A bug in one connection must not end the others: it is logged, and the process goes on.
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    logger.log("error", `internal error: ${event.reason?.stack ?? event.reason}`);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    logger.log("error", `internal error: ${event.error?.stack ?? event.message}`);
  });

  if (servesMore(options)) await new Promise((resolve) => setTimeout(resolve, FIRST_CLIENTS_MS));
  await loadHeapStatistics();
  broker.setMemoryHighWatermark(memoryHighWatermark);
  const asGuest = await broker.admitsGuest();
  // clients are served already, while this is loaded
  logChanges(broker, logger, { details: () => logger.threshold === "debug" });
  const asked = Promise.withResolvers<string>();
  const program: ManagedProgram = {
    shutDown: (user) => asked.resolve(`user '${user}' asked for it`),
    setLogLevel(level) {
      logger.threshold = level;
      logger.log("info", `the log level is '${level}' now`);
    },
    furnish: () => furnish(broker, options),
  };
  const output = { logger, terminal };
  const exposed = await readMetrics(broker, options, output);
  const management = await serveManagement(broker, servers, options, output, program, exposed);
  const metrics = management === undefined
    ? undefined
    : await serveMetrics(servers, options, output, exposed);
  if (management === undefined || metrics === undefined) {
    await Promise.all(management?.map((server) => server.close()) ?? []);
    await broker.close();
    return 1;
  }
  const close = () =>
    Promise.all([...management, ...metrics].map((server) => server.close()))
      .then(() => broker.close());
  try {
    await writePidFile(options.pidFile);
  } catch (cause) {
    terminal.complain(`warren: cannot write --pid-file: ${textOf(cause)}`);
    await close();
    return 1;
  }
  introduce(servers, { dataDir, asGuest, management, metrics }, sayer(options, terminal));
  const secure = [...management, ...metrics].filter((server) => server.secure);
  if (options.tls !== undefined || secure.length > 0) reloadWhenAsked(broker, secure, logger);
  const why = await Promise.race([signalled.then((signal) => `${signal} came`), asked.promise]);
  logger.log("info", `${why}: closing all connections`);
  nextSignal().then(() => Deno.exit(1)); // somebody does not want to wait for slow clients
  await close();
  await removePidFile(options.pidFile);
  return 0;
}

async function writePidFile(file: string | undefined): Promise<void> {
  if (file !== undefined) await Deno.writeTextFile(file, `${Deno.pid}\n`);
}

async function removePidFile(file: string | undefined): Promise<void> {
  // somebody else may have tidied up already
  if (file !== undefined) await Deno.remove(file).catch(() => {});
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : `${cause}`;
}

/** Gives a broker what the options say it begins with. */
async function furnish(broker: Broker, options: ServeOptions): Promise<void> {
  await applyDefinitions(broker, options);
  await nameCluster(broker, options);
}

/** Applies a file of definitions. */
async function applyDefinitions(broker: Broker, { definitions }: ServeOptions): Promise<void> {
  if (definitions === undefined) return;
  try {
    await broker.importDefinitions(await Deno.readTextFile(definitions));
  } catch (cause) {
    const text = `cannot apply the definitions in ${definitions}: ${textOf(cause)}`;
    throw new Error(text, { cause });
  }
}

/** Calls it as it was asked for, unless it is called so already: that would be written down anew. */
async function nameCluster(broker: Broker, { clusterName }: ServeOptions): Promise<void> {
  if (clusterName === undefined) return;
  const set = broker.globalParameters().find(({ name }) => name === "cluster_name");
  if (set?.value !== clusterName) await broker.setGlobalParameter("cluster_name", clusterName);
}

/** Who decides about logins; undefined: the broker's users alone. The library for tokens is loaded only
 * when there are any. */
async function readAuthenticator(
  { oauth }: ServeOptions,
): Promise<BrokerOptions["authenticator"] | undefined> {
  if (oauth === undefined) return undefined;
  const { OAuth2Authenticator } = await import("../oauth/mod.ts");
  const options = await readOAuthOptions(oauth);
  try {
    const tokens = new OAuth2Authenticator(options);
    return oauth.alone ? tokens : [tokens, "users"];
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new UsageError(`tokens cannot be judged: ${cause.message}`);
  }
}

/** Who is told of each message; the library for that is loaded only when somebody is. */
async function readTracer(
  { traceMessages: messages }: ServeOptions,
): Promise<BrokerOptions["tracer"] | "off"> {
  if (messages === undefined) return undefined;
  const { hasTracerProvider, OpenTelemetryTracer } = await import("../opentelemetry/mod.ts");
  return hasTracerProvider() ? new OpenTelemetryTracer({ messages }) : "off";
}

/** True when there is a port for anything else than AMQP. */
function servesMore(options: ServeOptions): boolean {
  const { managementPort, managementTls, prometheusPort, prometheusTls } = options;
  return [managementPort, managementTls, prometheusPort, prometheusTls]
    .some((place) => place !== undefined);
}

/** Serves the management API, unless nobody wants it: then it is not even loaded. */
async function serveManagement(
  broker: Broker,
  servers: readonly BrokerServer[],
  options: ServeOptions,
  output: Output,
  program: ManagedProgram,
  metrics: MetricsHandler | undefined,
): Promise<ManagementServer[] | undefined> {
  const { managementPort: port, managementAsked: asked, managementHosts: hosts } = options;
  const { managementTls: tls } = options;
  if ((port ?? tls) === undefined) return [];
  const { manage } = await import("../management/mod.ts");
  const side = { what: "management API", option: "management", port, asked, hosts, tls };
  const handler = manage(broker, {
    ...output,
    program,
    ...metrics === undefined ? {} : { metrics },
  });
  return await serveSide(side, handler, servers, options, output);
}

/** What is measured: not loaded where it is served nowhere. */
async function readMetrics(
  broker: Broker,
  options: ServeOptions,
  output: Output,
): Promise<MetricsHandler | undefined> {
  if (!servesMore(options)) return undefined;
  const { exposeMetrics } = await import("../prometheus/mod.ts");
  return exposeMetrics(broker, output);
}

/** And the metrics on ports of their own. */
async function serveMetrics(
  servers: readonly BrokerServer[],
  options: ServeOptions,
  output: Output,
  handler: MetricsHandler | undefined,
): Promise<MetricsServer[] | undefined> {
  const { prometheusPort: port, prometheusAsked: asked, prometheusHosts: hosts } = options;
  const { prometheusTls: tls } = options;
  if (handler === undefined || (port ?? tls) === undefined) return [];
  const side = { what: "metrics", option: "prometheus", port, asked, hosts, tls };
  return await serveSide(side, handler, servers, options, output);
}

/** Serves something over HTTP, with and without TLS. */
async function serveSide(
  { what, option, port, asked, hosts, tls }: {
    readonly what: string;
    readonly option: string;
    readonly port: number | undefined;
    readonly asked: boolean;
    readonly hosts: readonly string[];
    readonly tls: SideTls | undefined;
  },
  handler: ManagementHandler | MetricsHandler,
  servers: readonly BrokerServer[],
  { hosts: usual, http: limits }: ServeOptions,
  output: Output,
): Promise<HttpServer[] | undefined> {
  const plain = port === undefined ? [] : await serveBeside(
    { what, option, port, asked, how: { limits } },
    handler,
    { hosts, usual },
    servers,
    output,
  );
  if (plain === undefined || tls === undefined) return plain;
  const secure = await serveBeside(
    {
      what,
      option: `${option}-tls`,
      port: tls.port,
      asked: true,
      how: { limits, tls: tls.options },
    },
    handler,
    { hosts: tls.hosts.length === 0 ? hosts : tls.hosts, usual },
    servers,
    output,
  );
  if (secure !== undefined) return [...plain, ...secure];
  await Promise.all(plain.map((server) => server.close()));
  return undefined;
}

async function listen(broker: Broker, options: ServeOptions): Promise<BrokerServer[]> {
  const { port, noTcp, webSocketPort, socketPath, origins, tls } = options;
  const servers = noTcp ? [] : await listenOnHosts(broker, options, { port });
  for (const place of options.more) servers.push(...await listenThere(broker, options, place));
  if (webSocketPort !== undefined) {
    const webSocket = { port: webSocketPort, websocket: true, origins };
    servers.push(...await listenOnHosts(broker, options, webSocket));
  }
  if (tls !== undefined) {
    const secure = { ...options, hosts: tls.hosts.length === 0 ? options.hosts : tls.hosts };
    const { port, webSocketPort, options: how } = tls;
    servers.push(...await listenOnHosts(broker, secure, { port, tls: how }));
    for (const place of tls.more) {
      servers.push(...await listenThere(broker, secure, place, { tls: how }));
    }
    if (webSocketPort !== undefined) {
      const webSocket = { port: webSocketPort, websocket: true, origins, tls: how };
      servers.push(...await listenOnHosts(broker, secure, webSocket));
    }
  }
  if (socketPath !== undefined) {
    const proxied = options.trustedProxies.includes("unix") ? proxyProtocol(options) : {};
    servers.push(await broker.listen({ path: socketPath, ...proxied }));
  }
  return servers;
}

/** Listens in one place more. */
async function listenThere(
  broker: Broker,
  options: ServeOptions,
  { host, port }: Place,
  how: ListenOptions = {},
): Promise<BrokerServer[]> {
  const hosts = host === undefined ? options.hosts : [host];
  return await listenOnHosts(broker, { ...options, hosts }, { ...how, port });
}

/** Listens on one port of all addresses; which one 0 becomes, the first of them decides. */
async function listenOnHosts(
  broker: Broker,
  options: ServeOptions,
  way: ListenOptions & { readonly port: number },
): Promise<BrokerServer[]> {
  const { hosts } = options;
  const proxied = proxyProtocol(options);
  const servers: BrokerServer[] = [];
  for (const hostname of hosts.length === 0 ? LOOPBACK : hosts) {
    try {
      const port = servers[0]?.port ?? way.port;
      servers.push(await broker.listen({ ...way, ...proxied, hostname, port }));
    } catch (cause) {
      // not every machine has IPv6; but somebody else's server on ::1 would get half of our clients
      const missing = hosts.length === 0 && servers.length > 0 &&
        !(cause instanceof Deno.errors.AddrInUse && way.port !== 0);
      if (!missing) throw new ListenError(hostname, way, cause);
    }
  }
  return servers;
}

/** An address that could not be listened on. */
class ListenError extends Error {
  override readonly name = "ListenError";
  /** The address. */
  readonly where: string;
  /** The port. */
  readonly port: number;
  /** The option by which another one is chosen. */
  readonly option: string;

  constructor(
    hostname: string,
    { port, websocket, tls }: ListenOptions & { port: number },
    cause: unknown,
  ) {
    super(`Cannot listen on ${hostname}`, { cause });
    this.where = `${urlHost(hostname)}:${port}`;
    this.port = port;
    const kind = websocket === true ? "ws" : tls === undefined ? "" : "tls";
    this.option = kind === ""
      ? "--port"
      : `--${kind === "ws" && tls !== undefined ? "wss" : kind}-port`;
  }
}

function proxyProtocol({ trustedProxies: trusted }: ServeOptions): ListenOptions {
  return trusted.length === 0 ? {} : { proxyProtocol: { trusted } };
}

/** Prints what belongs together: a line each for people, one object for machines, which wait for the
 * same words. */
function sayer(
  { logFormat }: ServeOptions,
  { say }: Terminal,
): (...lines: readonly string[]) => void {
  if (logFormat === "text") return (...lines) => lines.forEach(say);
  return (...lines) => say(asJson("info", lines.map((line) => line.trim()).join(" ")));
}

function introduce(
  servers: readonly BrokerServer[],
  { dataDir, asGuest, management, metrics }: {
    readonly dataDir: string | undefined;
    readonly asGuest: boolean;
    readonly management: readonly ManagementServer[];
    readonly metrics: readonly MetricsServer[];
  },
  say: (...lines: readonly string[]) => void,
): void {
  say(`Warren ${WARREN_VERSION} serves AMQP 0-9-1 on`, ...servers.map(({ url }) => `  ${url}`));
  for (const { url } of onePerScheme(management)) say(`and its management API on ${url}`);
  for (const { url } of onePerScheme(metrics)) say(`and metrics for Prometheus on ${url}`);
  if (asGuest) say("Log in as guest with the password guest, from this machine.");
  say(
    dataDir === undefined
      ? "Everything is in memory: nothing survives a restart."
      : `Durable things and persistent messages are kept in ${dataDir}.`,
  );
  if (!servers.every(({ hostname, path }) => path !== undefined || isLoopback(hostname))) {
    say(
      `Other machines reach this address${
        asGuest ? ", but guest is let in from this one alone" : ""
      }.`,
    );
  }
  say("Server startup complete; Ctrl+C stops it.");
}

/** The first one with and without TLS. */
function onePerScheme(servers: readonly HttpServer[]): readonly HttpServer[] {
  return [false, true].flatMap((secure) =>
    servers.filter((server) => server.secure === secure).slice(0, 1)
  );
}

function whyNotOpen(dataDir: string, cause: unknown): string {
  const why = whyNotUsable(dataDir, cause);
  return cause instanceof StoreError && cause.code === "locked"
    ? `${why}: stop it, or choose another directory with --data-dir or by another --port`
    : why;
}

function whyNotListen(error: unknown, { socketPath }: ServeOptions): string {
  const onPort = error instanceof ListenError ? error : undefined;
  const where = onPort?.where ?? socketPath;
  const cause = onPort?.cause ?? error;
  const text = textOf(cause);
  if (cause instanceof Deno.errors.AddrInUse && onPort !== undefined) {
    const { option, port } = onPort;
    return `port ${port} is in use: stop the other program or choose another one with ${option}`;
  }
  if (cause instanceof Deno.errors.PermissionDenied || cause instanceof Deno.errors.NotCapable) {
    return `not allowed to listen on ${where}`;
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) return `no such address here: ${where}`;
  return `cannot listen on ${where}: ${text.replace(/^Cannot listen: /, "")}`;
}

/** Certificates are renewed while the broker runs. What goes wrong with them is in the log. */
function reloadWhenAsked(
  broker: Broker,
  secure: readonly HttpServer[],
  logger: Output["logger"],
): void {
  Deno.addSignalListener("SIGHUP", () => {
    void broker.reloadCertificates().catch(() => {});
    for (const server of secure) {
      server.reloadCertificates().catch((cause) => {
        const why = cause instanceof Error ? cause.message : cause;
        logger.log("error", `${server.url}: certificates stay as they were: ${why}`);
      });
    }
  });
}

/** Resolves with the name of the first signal that asks the process to stop. */
function nextSignal(): Promise<Deno.Signal> {
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  return new Promise((resolve) => {
    for (const signal of signals) Deno.addSignalListener(signal, () => resolve(signal));
  });
}
