import { systemClock } from "../amqp/clock.ts";
import { silentLogger } from "../amqp/logger.ts";
import { type HttpServer, listenHttp, owning, type ServeHttpOptions } from "../http/listen.ts";
import { noteServed } from "../http/served.ts";
import type { Broker, Clock, Logger } from "../mod.ts";
import { Exporter } from "./exporter.ts";

/** The port of RabbitMQ's plugin. */
export const METRICS_PORT = 15692;

/** And the one with TLS. */
export const METRICS_TLS_PORT = 15691;

/** How metrics are exposed. */
export interface MetricsOptions {
  /** Where bugs are logged. Default: nowhere. */
  readonly logger?: Logger;
  /** Time. Default: the machine's. */
  readonly clock?: Clock;
}

/** And where. */
export interface ServeMetricsOptions extends MetricsOptions, ServeHttpOptions {
  /** The port; 0 for any free one. Default: 15692, or 15691 with TLS. */
  readonly port?: number;
}

const FOR_ALL =
  ", and nobody has to log in: what is measured can be read by all, names of queues included";

/** Metrics on a port. */
export type MetricsServer = HttpServer;

/** Answers Prometheus for one broker. Disposing of it ends its counting. */
export interface MetricsHandler extends Disposable {
  /**
   * Answers a request. It never rejects.
   *
   * @param request The request; its path is one of `/metrics`, `/metrics/per-object` and
   * `/metrics/detailed`.
   */
  handle(request: Request): Promise<Response>;
  /** Serves the metrics on one more port, until that is closed. */
  serve(options?: ServeHttpOptions): Promise<MetricsServer>;
}

/**
 * Makes the metrics of a broker without listening: for a program that has an HTTP server already.
 *
 * @param broker What is looked at.
 * @param options Logger and clock.
 */
export function exposeMetrics(broker: Broker, options: MetricsOptions = {}): MetricsHandler {
  const { logger = silentLogger, clock = systemClock } = options;
  const exporter = new Exporter(broker, clock);
  const fail = (cause: unknown): Response => {
    const text = cause instanceof Error ? cause.stack ?? cause.message : `${cause}`;
    logger.log("error", `internal error: ${text}`);
    return new Response(null, { status: 500 });
  };
  const handle = (request: Request) => exporter.answer(request).catch(fail);
  return {
    handle,
    async serve(options: ServeHttpOptions = {}) {
      const { hostname = "127.0.0.1", tls } = options;
      const { port = tls === undefined ? METRICS_PORT : METRICS_TLS_PORT } = options;
      let forget = () => {};
      const server = await listenHttp(handle, {
        ...options,
        hostname,
        port,
        path: "/metrics",
        clock,
        logger,
        // who shows a certificate may read
        warnOfReach: () => tls?.verifyPeer === "fail-if-none" ? undefined : FOR_ALL,
        onClose: () => forget(),
      });
      forget = noteServed(broker, {
        protocol: tls === undefined ? "http/prometheus" : "https/prometheus",
        server,
      });
      return server;
    },
    [Symbol.dispose]: () => exporter[Symbol.dispose](),
  };
}

/**
 * Serves the metrics of a broker to Prometheus, by the names that RabbitMQ's `rabbitmq_prometheus` has
 * for them: `/metrics` sums them up, `/metrics/per-object` has them of each queue, channel and
 * connection, `/metrics/detailed?family=queue_coarse_metrics&vhost=%2F` a choice of those. Nobody has to
 * log in, as with RabbitMQ.
 *
 * @param broker What is looked at.
 * @param options Where. Default: `127.0.0.1:15692`.
 * @returns What listens; `port` tells which port 0 became. Close it before the broker.
 * @throws {TypeError} When a limit makes no sense, or a certificate cannot be used.
 * @throws {Deno.errors.AddrInUse} When another program listens there.
 *
 * @example Ask how many messages wait
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { serveMetrics } from "@warren/amqp/prometheus";
 * import { assertMatch } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using server = await serveMetrics(broker, { port: 0 });
 * await broker.declareQueue({ queue: "orders" });
 *
 * const text = await (await fetch(server.url)).text();
 * assertMatch(text, /^rabbitmq_queues 1$/m);
 * assertMatch(text, /^rabbitmq_queue_messages_ready 0$/m);
 * ```
 */
export function serveMetrics(
  broker: Broker,
  options: ServeMetricsOptions = {},
): Promise<MetricsServer> {
  const handler = exposeMetrics(broker, options);
  return owning(handler.serve(options), handler);
}
