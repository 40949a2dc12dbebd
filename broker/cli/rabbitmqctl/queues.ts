import { ApiError, type Row } from "../management_client.ts";
import { type CtlCommand, CtlError, EXIT } from "./command.ts";

/** Queues emptied and deleted, connections closed. */
export const QUEUE_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  purge_queue: {
    summary: "Purges a queue (removes all messages in it)",
    usage: "[--vhost <vhost>] <queue>",
    args: [1, 1],
    banner: ({ args: [queue], vhost }) => `Purging queue '${queue}' in vhost '${vhost}' ...`,
    async run({ args: [queue = ""], vhost, client }) {
      try {
        await client.delete(["queues", vhost, queue, "contents"]);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        throw new CtlError(
          EXIT.unavailable,
          error.status === 404 ? "not_found" : error.reason,
        );
      }
    },
  },
  delete_queue: {
    summary: "Deletes a queue",
    usage: "[--vhost <vhost>] <queue_name> [--if-empty|-e] [--if-unused|-u] [--timeout <timeout>]",
    args: [1, 1],
    // by force those go that RabbitMQ 4 protects, its plugins' own: there are none
    options: { "if-empty": "flag", "if-unused": "flag", force: "flag" },
    banner: ({ args: [queue], vhost, options }) => {
      const conditions = [
        ...options["if-empty"] === true ? ["if queue is empty "] : [],
        ...options["if-unused"] === true ? ["if queue is unused "] : [],
      ].join("and ");
      return `Deleting queue '${queue}' on vhost '${vhost}' ${conditions}...`;
    },
    async run({ args: [queue = ""], vhost, options, client }) {
      const found = await client.find<Row>(["queues", vhost, queue]);
      if (found === undefined) throw new CtlError(EXIT.usage, "Queue not found");
      const conditions = ["if-empty", "if-unused"].filter((name) => options[name] === true);
      const query = conditions.map((name) => `${name}=true`).join("&");
      try {
        await client.delete(["queues", vhost, queue], { query });
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (/\bin use\b/.test(error.reason)) throw new CtlError(EXIT.usage, "Queue is in use");
        if (/not empty/.test(error.reason)) throw new CtlError(EXIT.usage, "Queue is not empty");
        throw error;
      }
      const ready = found["messages_ready"] ?? 0;
      return { text: `Queue was successfully deleted with ${ready} ready messages` };
    },
  },
  close_connection: {
    summary: "Instructs the broker to close the connection associated with the Erlang process id",
    usage: "<connectionpid> <explanation>",
    args: [2, 2],
    banner: ({ args: [name, reason] }) => `Closing connection ${name}, reason: ${reason}...`,
    async run({ args: [name = "", reason = ""], client }) {
      try {
        await client.delete(["connections", name], { reason });
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) throw error;
        throw new CtlError(EXIT.unavailable, `Error:\n{:not_a_connection_pid, "${name}"}`);
      }
    },
  },
  close_all_connections: {
    summary: "Instructs the broker to close all connections for the specified vhost " +
      "or entire RabbitMQ node",
    usage: "[--vhost <vhost> --limit <limit>] [-n <node> --global] " +
      "[--per-connection-delay <delay>] <explanation>",
    args: [1, 1],
    options: { global: "flag", "per-connection-delay": "value", limit: "value" },
    banner: ({ args: [reason], vhost, options }) =>
      options["global"] === true
        ? `Closing all connections to node, reason: ${reason}...`
        : `Closing all connections in vhost ${vhost}, reason: ${reason}...`,
    async run({ args: [reason = ""], vhost, options, client }) {
      const path = options["global"] === true ? ["connections"] : ["vhosts", vhost, "connections"];
      const found = await client.find<Row[]>(path, "columns=name") ?? [];
      const limit = Number(options["limit"] ?? 0);
      const chosen = limit > 0 ? found.slice(0, limit) : found;
      const pause = Number(options["per-connection-delay"] ?? 0);
      for (const { name } of chosen) {
        await withoutMissing(client.delete(["connections", String(name)], { reason }));
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      }
      return { text: `Closed ${chosen.length} connections` };
    },
  },
};

/** A connection that has gone by itself need not be closed. */
async function withoutMissing(closing: Promise<void>): Promise<void> {
  try {
    await closing;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
}
