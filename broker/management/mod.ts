/**
 * RabbitMQ's management HTTP API for a broker of this process, and a dashboard for people.
 *
 * @module
 */
export {
  manage,
  MANAGEMENT_PORT,
  MANAGEMENT_TLS_PORT,
  type ManagementHandler,
  type ManagementOptions,
  type ManagementServer,
  serveManagement,
  type ServeManagementOptions,
} from "./server.ts";
export type { ExposedMetrics, ManagedProgram } from "./context.ts";
export type { HttpServer, ServeHttpOptions } from "../http/listen.ts";
export type { HttpLimits } from "../http/limits.ts";
export type { Peer } from "../http/server.ts";
