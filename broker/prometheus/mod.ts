/**
 * The metrics of a broker of this process for Prometheus, by RabbitMQ's names, so that dashboards that
 * were made for RabbitMQ show them.
 *
 * @module
 */
export {
  exposeMetrics,
  METRICS_PORT,
  type MetricsHandler,
  type MetricsOptions,
  type MetricsServer,
  serveMetrics,
  type ServeMetricsOptions,
} from "./server.ts";
