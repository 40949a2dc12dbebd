/**
 * The metrics of a broker of this process for Prometheus, by RabbitMQ's names, so that dashboards that
 * were made for RabbitMQ show them.
 *
 * @module
 */
export {
  exposeMetrics,
  METRICS_PORT,
  METRICS_TLS_PORT,
  type MetricsHandler,
  type MetricsOptions,
  type MetricsServer,
  serveMetrics,
  type ServeMetricsOptions,
} from "./server.ts";
export type { HttpServer, ServeHttpOptions } from "../http/listen.ts";
export type { HttpLimits } from "../http/limits.ts";
