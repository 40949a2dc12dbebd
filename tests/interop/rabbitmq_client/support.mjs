/** What the programs of rabbitmq-client share: the library, connecting, waiting. */

import { createRequire } from "node:module";
import process from "node:process";

export { controlBroker, Inbox, unique } from "../node/support.waiting.mjs";

/** The library. It is installed away from here, so that nothing else in the project sees it. */
export const { AMQPError, Connection, ConsumerStatus } = createRequire(
  process.env.INTEROP_NODE_PACKAGES,
)("rabbitmq-client");

/** Connects as guest, and again soon when the connection is lost. */
export function connect(options = {}) {
  const url = process.env.AMQP_URL;
  const connection = new Connection({
    url,
    retryLow: 100,
    retryHigh: 500,
    acquireTimeout: 60_000,
    connectionTimeout: 60_000,
    ...options,
  });
  connection.on("error", () => {}); // it tells of each lost connection, and goes on
  return connection;
}

/** Waits until a consumer consumes. */
export function ready(consumer) {
  return new Promise((resolve) => consumer.once("ready", resolve));
}
