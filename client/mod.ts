/**
 * The client: `connect` to a broker over TCP; what it gives is the same as `Broker.connect` gives in
 * one process.
 *
 * @module
 */

export * from "./common.ts";
export { connect } from "./connect.ts";
export { TlsError } from "../broker/amqp/tls_error.ts";
