import nodeProcess from "node:process";
import { silentLogger } from "../amqp/logger.ts";
import { systemClock } from "../amqp/clock.ts";
import { LoginAttempts } from "./attempts.ts";
import type { Broker, Clock, Logger } from "../mod.ts";
import { createApi } from "./app.ts";
import { isLoopback } from "../auth/authenticator.ts";
import { type HttpServer, listenHttp, owning, type ServeHttpOptions } from "../http/listen.ts";
import type { Peer } from "../http/server.ts";
import type { ExposedMetrics, ManagedProgram, Management } from "./context.ts";
import { Rates } from "./rates.ts";

/** RabbitMQ's port. */
export const MANAGEMENT_PORT = 15672;

/** And the one with TLS. */
export const MANAGEMENT_TLS_PORT = 15671;

/** How the management API is served. */
export interface ManagementOptions {
  /** Where bugs are logged. Default: nowhere. */
  readonly logger?: Logger;
  /** Time. Default: the machine's. */
  readonly clock?: Clock;
  /** What administrators may do with the program itself: end it, and change what it logs. Default:
   * nothing. */
  readonly program?: ManagedProgram;
  /** What answers at `/metrics` and below, as `exposeMetrics` of `@warren/amqp/prometheus` makes it: for
   * users with the tag `monitoring` or `administrator`. Default: nothing. */
  readonly metrics?: ExposedMetrics;
}

/** And where. */
export interface ServeManagementOptions extends ManagementOptions, ServeHttpOptions {
  /** The port; 0 for any free one. Default: 15672, or 15671 with TLS. */
  readonly port?: number;
}

/** The management API on a port. */
export type ManagementServer = HttpServer;

/** Answers requests to the management API of one broker. Disposing of it ends its timer, which it has
 * for rates. */
export interface ManagementHandler extends Disposable {
  /**
   * Answers a request. It never rejects.
   *
   * @param request The request; its path begins with `/api`, or is that of a file of the dashboard.
   * @param peer Who sent it: some users may come from this machine alone.
   */
  handle(request: Request, peer: Peer): Promise<Response>;
  /** Serves the API on one more port, until that is closed. */
  serve(options?: ServeHttpOptions): Promise<ManagementServer>;
}

/**
 * Makes the management API of a broker without listening: for a program that has an HTTP server
 * already.
 *
 * @param broker What is managed.
 * @param options Logger and clock.
 */
export function manage(broker: Broker, options: ManagementOptions = {}): ManagementHandler {
  const { logger = silentLogger, clock = systemClock, program, metrics } = options;
  const listeners = new Set<HttpServer>();
  const runtime = {
    pid: nodeProcess.pid,
    processors: navigator.hardwareConcurrency,
    memory: memoryOfMachine,
    sizes: Deno.memoryUsage,
  };
  const rates = new Rates(broker, clock);
  const { name: node } = broker.node();
  const attempts = new LoginAttempts(broker);
  const management: Management = {
    ...{ broker, node, logger, clock, listeners, rates, attempts, program, metrics, runtime },
  };
  const api = createApi(management);
  const handle = async (request: Request, peer: Peer): Promise<Response> =>
    await api.fetch(withDefaultExchange(request), { peer });
  return {
    handle,
    async serve(options: ServeHttpOptions = {}) {
      const { hostname = "127.0.0.1", tls } = options;
      const { port = tls === undefined ? MANAGEMENT_PORT : MANAGEMENT_TLS_PORT } = options;
      let own: HttpServer | undefined;
      const onClose = () => listeners.delete(own!);
      const server = await listenHttp(handle, {
        ...options,
        hostname,
        port,
        clock,
        logger,
        onClose,
        warnOfReach: ({ secure }) => secure ? undefined : WITHOUT_TLS,
      });
      await warnOfGuest(server, broker, logger);
      listeners.add(own = server);
      return server;
    },
    [Symbol.dispose]() {
      rates[Symbol.dispose]();
      attempts[Symbol.dispose]();
    },
  };
}

/**
 * Serves RabbitMQ's management HTTP API for a broker, and at `/` a dashboard that uses it.
 *
 * Users log in as over AMQP, and need one of the tags `management`, `policymaker`, `monitoring` and
 * `administrator`.
 *
 * @param broker What is managed.
 * @param options Where. Default: `127.0.0.1:15672`.
 * @returns What listens; `port` tells which port 0 became. Close it before the broker.
 * @throws {TypeError} When a limit makes no sense, or a certificate cannot be used.
 * @throws {Deno.errors.AddrInUse} When another program listens there.
 *
 * @example Ask how many queues there are
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { serveManagement } from "@warren/amqp/management";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using server = await serveManagement(broker, { port: 0 });
 * await broker.declareQueue({ queue: "orders" });
 *
 * const headers = { authorization: `Basic ${btoa("guest:guest")}` };
 * const response = await fetch(`${server.url}/api/queues/%2F?columns=name,durable`, { headers });
 * assertEquals(await response.json(), [{ name: "orders", durable: true }]);
 * ```
 */
export function serveManagement(
  broker: Broker,
  options: ServeManagementOptions = {},
): Promise<ManagementServer> {
  const handler = manage(broker, options);
  return owning(handler.serve(options), handler);
}

const WITHOUT_TLS =
  " without TLS, and passwords can be read on the way: serve it with TLS, or behind a proxy that does";

/** `guest` comes in from this machine alone, unless somebody has changed that. */
async function warnOfGuest(
  { hostname, url }: ManagementServer,
  broker: Broker,
  logger: Logger,
): Promise<void> {
  if (isLoopback(hostname) || !await broker.admitsGuest()) return;
  logger.log(
    "warning",
    `${url} can be reached from elsewhere, and there is a user guest with the password guest: ` +
      "add a user of your own, and delete guest or change its password",
  );
}

function memoryOfMachine(): number | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "systemMemoryInfo" });
  return state === "granted" ? Deno.systemMemoryInfo().total : undefined;
}

/** Some write the default exchange as nothing between two slashes. */
function withDefaultExchange(request: Request): Request {
  if (!/\/(?:e|exchanges\/[^/]+)\/\//.test(request.url)) return request;
  const { method, headers, body } = request;
  const url = request.url.replace(/(\/(?:e|exchanges\/[^/]+)\/)\//, "$1amq.default/");
  // not all of it: the runtime warns of whoever touches the signal
  return new Request(url, { method, headers, body });
}
