/** What the programs of rabbitmq-client share: the library, fresh names, waiting, the broker's end. */

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import process from "node:process";

/** The library. It is installed away from here, so that nothing else in the project sees it. */
export const { AMQPError, Connection, ConsumerStatus } = createRequire(
  process.env.INTEROP_NODE_PACKAGES,
)("rabbitmq-client");

/** How long something may take before it counts as missing, in milliseconds. */
const PATIENCE = 20_000;

/** Connects as guest, and again soon when the connection is lost. */
export function connect(options = {}) {
  const url = process.env.AMQP_URL;
  const connection = new Connection({ url, retryLow: 100, retryHigh: 500, ...options });
  connection.on("error", () => {}); // it tells of each lost connection, and goes on
  return connection;
}

/** A name that no other run uses. */
export function unique(name) {
  return `${name}-${randomUUID().slice(0, 8)}`;
}

/** Waits until a consumer consumes. */
export function ready(consumer) {
  return new Promise((resolve) => consumer.once("ready", resolve));
}

/** What has come so far, and a way to wait for more. */
export class Inbox {
  items = [];
  #waiting = [];

  push(item) {
    this.items.push(item);
    this.#waiting = this.#waiting.filter((check) => !check());
  }

  /** Waits until what has come is enough. */
  async until(enough, what) {
    await new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what}: waited, and there is ${JSON.stringify(this.items)}`)),
        PATIENCE,
      );
      const check = () => {
        if (!enough(this.items)) return false;
        clearTimeout(timer);
        resolve();
        return true;
      };
      if (!check()) this.#waiting.push(check);
    });
    return this.items;
  }
}

/** Has the broker ended and started again: `restart` in an orderly way, `kill` without. */
export async function controlBroker(action) {
  const { ok } = await fetch(process.env.INTEROP_CONTROL_URL + action, { method: "POST" });
  if (!ok) throw new Error(`Cannot ${action} the broker`);
}
