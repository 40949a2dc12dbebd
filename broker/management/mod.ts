/**
 * RabbitMQ's management HTTP API for a broker of this process, and a dashboard for people.
 *
 * @module
 */
export {
  manage,
  MANAGEMENT_PORT,
  type ManagementHandler,
  type ManagementOptions,
  type ManagementServer,
  serveManagement,
  type ServeManagementOptions,
} from "./server.ts";
export type { Peer } from "./context.ts";
