import {
  ApiError,
  type ManagementClient,
  type Row,
  TimedOutError,
  UnreachableError,
} from "../management_client.ts";
import { type CtlCall, type CtlCommand, CtlError, CtlUsageError, EXIT } from "./command.ts";
import { chooseColumns } from "./columns.ts";
import { isStopped, validated } from "./errors.ts";
import { readByteSize } from "../sizes.ts";

/** Between two looks whether a broker is there, in milliseconds. */
const LOOK_MS = 200;

/** What is logged by RabbitMQ's levels: a notice is less than a warning, and what is worse than an error
 * does not end here. */
const LOG_LEVELS: Readonly<Record<string, string>> = {
  debug: "debug",
  info: "info",
  notice: "warning",
  warning: "warning",
  error: "error",
  critical: "none",
  alert: "none",
  emergency: "none",
  none: "none",
};

/** The broker as a whole: whether it is there, and what it may use. */
export const NODE_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  ping: {
    summary: "Checks that the node OS process is up, registered with EPMD and CLI tools can " +
      "authenticate with it",
    usage: "[--timeout <timeout>]",
    banner: async ({ node, timeoutMs }) =>
      `Will ping ${await node()}. This only checks if the OS process is running and registered ` +
      `with epmd. Timeout: ${timeoutMs} ms.`,
    async run({ client }) {
      await client.get(["whoami"]);
      return { text: "Ping succeeded" };
    },
  },
  await_startup: {
    summary: "Waits for the RabbitMQ application to start on the target node",
    usage: "[--timeout <timeout>]",
    async run(call) {
      await untilThere(call);
    },
  },
  await_online_nodes: {
    summary: "Waits for <count> nodes to join the cluster",
    usage: "<count> [--timeout <timeout>]",
    args: [1, 1],
    banner: async ({ args: [count], node, timeoutMs }) =>
      `Will wait for at least ${count} nodes to join the cluster of ${await node()}. ` +
      `Timeout: ${timeoutMs / 1000} seconds.`,
    async run(call) {
      const count = Number(call.args[0]);
      if (!Number.isInteger(count) || count < 1) {
        throw new CtlUsageError("Bad argument.", EXIT.dataError);
      }
      await untilThere(call);
      if (count > 1) {
        throw new CtlError(EXIT.temporary, `Warren is one node: ${count} will never be online`);
      }
    },
  },
  node_health_check: {
    summary: "DEPRECATED. Performs intrusive, opinionated health checks on a fully booted node. " +
      "See https://www.rabbitmq.com/monitoring.html#health-checks instead",
    usage: "[--timeout <timeout>]",
    banner: async ({ node, timeoutMs }) =>
      [
        "This command is DEPRECATED and will be removed in a future version.",
        "It performs intrusive, opinionated health checks and requires a fully booted node.",
        "Use one of the options covered in " +
        "https://www.rabbitmq.com/monitoring.html#health-checks instead.",
        `Timeout: ${timeoutMs / 1000} seconds ...`,
        `Checking health of node ${await node()} ...`,
      ].join("\n"),
    async run({ client }) {
      try {
        await client.get(["health", "checks", "alarms"]);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 503 || isStopped(error)) throw error;
        throw new CtlError(EXIT.unavailable, `Health check failed: ${error.reason}`);
      }
      return { text: "Health check passed" };
    },
  },
  set_vm_memory_high_watermark: {
    summary: "Sets the vm_memory_high_watermark setting",
    usage: "<fraction> | absolute <value>",
    args: [1, 2],
    banner: async ({ args, node }) =>
      `Setting memory threshold on ${await node()} to ${
        args[0] === "absolute" ? `${args[1]} bytes` : args[0]
      } ...`,
    async run({ args, client, node }) {
      const value = readWatermark(args);
      const path = ["nodes", await nodeOf(client, node), "memory-high-watermark"];
      await validated(client.put(path, { value }));
    },
  },
  set_disk_free_limit: {
    summary: "Sets the disk_free_limit setting",
    usage: "<disk_limit> | mem_relative <fraction>",
    args: [1, 2],
    banner: async ({ args: [limit, fraction], node }) =>
      limit === "mem_relative"
        ? `Setting disk free limit on ${await node()} to ${fraction} times the total RAM ...`
        : `Setting disk free limit on ${await node()} to ${limit} bytes ...`,
    async run({ args: [limit = "", fraction], client, node }) {
      const value = limit === "mem_relative"
        ? { memory: readFraction(fraction, Infinity) }
        : readByteSize(limit);
      if (value === undefined) throw new CtlUsageError("Bad argument.", EXIT.dataError);
      const path = ["nodes", await nodeOf(client, node), "disk-free-limit"];
      await validated(client.put(path, { value }));
    },
  },
  set_log_level: {
    summary: "Sets log level in the running node",
    usage: "<log_level>",
    args: [1, 1],
    banner: ({ args: [level] }) => `Setting log level to "${level}" ...`,
    check({ args: [level = ""] }) {
      if (Object.hasOwn(LOG_LEVELS, level)) return;
      throw new CtlError(
        EXIT.unavailable,
        `level ${level} is not supported. Try one of debug, info, warning, error, critical, none`,
      );
    },
    async run({ args: [level = ""], client, node }) {
      const path = ["nodes", await nodeOf(client, node), "log-level"];
      await client.put(path, { value: LOG_LEVELS[level]! });
    },
  },
  force_gc: {
    summary: "Makes all Erlang processes on the target node perform/schedule a full sweep " +
      "garbage collection",
    usage: "",
    banner: async ({ node }) =>
      `Will ask all processes on node ${await node()} to schedule a full sweep GC`,
    // the runtime collects when it sees fit
    async run({ client }) {
      await client.get(["whoami"]);
    },
  },
  list_feature_flags: {
    summary: "Lists feature flags",
    usage: "[<column> ...]",
    args: [0, Infinity],
    columns: ["name", "state", "stability", "provided_by", "desc", "doc_url"],
    banner: () => "Listing feature flags ...",
    async run({ client }) {
      await client.get(["feature-flags"]);
      return { columns: ["name", "state"], rows: [], collected: true };
    },
  },
  list_deprecated_features: {
    summary: "Lists deprecated features",
    usage: "[--used] [<column> ...]",
    args: [0, Infinity],
    columns: ["name", "deprecation_phase", "state", "provided_by", "desc", "doc_url"],
    options: { used: "flag" },
    banner: ({ options }) =>
      options["used"] === true
        ? "Listing deprecated features in use ..."
        : "Listing deprecated features ...",
    async run({ args, options, client }) {
      const used = options["used"] === true ? ["used"] : [];
      const rows = await client.get<Row[]>(["deprecated-features", ...used]);
      const columns = chooseColumns(args, ["name", "deprecation_phase", "state"]);
      return {
        columns,
        rows: rows.map((row) => inColumns(row, columns)),
        collected: true,
      };
    },
  },
  reset_stats_db: {
    summary: "Resets statistics database. This will remove all metrics data!",
    usage: "[--all]",
    options: { all: "flag" },
    banner: async ({ node, options }) =>
      options["all"] === true
        ? "Resetting statistics database in all nodes"
        : `Resetting statistics database on node ${await node()}`,
    async run({ client }) {
      await client.delete(["reset"]);
    },
  },
  list_node_auth_attempt_stats: {
    summary: "Lists authentication attempts on the target node",
    usage: "[--by-source]",
    options: { "by-source": "flag" },
    banner: async ({ node }) => `Listing authentication\n attempts for node "${await node()}" ...`,
    async run({ client, node, options }) {
      const path = ["auth", "attempts", await nodeOf(client, node)];
      const bySource = options["by-source"] === true;
      const rows = await client.get<Row[]>(bySource ? [...path, "source"] : path);
      if (rows.length === 0) {
        return { text: `Node ${await node()} reported no authentication attempt stats` };
      }
      const columns = [
        ...bySource ? ["remote_address", "username"] : [],
        "protocol",
        "auth_attempts",
        "auth_attempts_failed",
        "auth_attempts_succeeded",
      ];
      return {
        columns,
        rows: rows.map((row) => inColumns(row, columns)),
        collected: true,
      };
    },
  },
  enable_feature_flag: {
    summary: "Enables a feature flag or all supported feature flags on the target node",
    usage: "<all | feature_flag>",
    args: [1, 1],
    options: { "opt-in": "flag", experimental: "flag" },
    banner: ({ args: [name] }) =>
      name === "all" ? "Enabling all feature flags ..." : `Enabling feature flag "${name}" ...`,
    // there is one Warren, and all that it can is on
    async run({ client }) {
      await client.get(["feature-flags"]);
    },
  },
};

/** The name by which a broker knows itself, whatever it was called on the command line. */
export async function nodeOf(client: ManagementClient, _named?: CtlCall["node"]): Promise<string> {
  const { node } = await client.get<Row>(["overview"], "columns=node");
  return String(node);
}

function readWatermark([first = "", second]: readonly string[]) {
  if (first === "absolute") {
    const bytes = readByteSize(second ?? "");
    if (bytes === undefined) throw new CtlUsageError("Bad argument.", EXIT.dataError);
    return { absolute: bytes };
  }
  if (second !== undefined) throw new CtlUsageError("too many arguments.");
  return readFraction(first, 1);
}

function readFraction(text: string | undefined, most: number): number {
  const value = Number(text);
  if (text === undefined || !/^\d*\.?\d+$/.test(text)) {
    throw new CtlUsageError("Bad argument.", EXIT.dataError);
  }
  if (value <= most) return value;
  throw new CtlUsageError(
    "Bad argument: The threshold should be a fraction between 0.0 and 1.0",
    EXIT.dataError,
  );
}

/** Waits until the broker answers. */
async function untilThere({ client, timeoutMs }: CtlCall): Promise<void> {
  const until = Date.now() + timeoutMs;
  let isStopped = false;
  while (true) {
    try {
      await client.get(["health", "checks", "ready-to-serve-clients"]);
      return;
    } catch (error) {
      const isRefused = error instanceof ApiError && error.status === 503;
      if (!isRefused && !(error instanceof UnreachableError)) throw error;
      // the last answer counts, not that there was no time for one more
      if (!(error instanceof TimedOutError)) isStopped = isRefused;
      if (Date.now() + LOOK_MS > until) {
        throw isStopped
          ? new CtlError(EXIT.unavailable, "rabbit_is_not_running")
          : new CtlError(EXIT.temporary, `Timed out: ${error.message}`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** What a row has in the columns that are shown; nothing where it has none. */
function inColumns(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.map((name) => [name, row[name] ?? ""]));
}
