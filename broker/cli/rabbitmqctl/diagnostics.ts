import type { JsonObject, JsonValue } from "../../policy/json.ts";
import type { Row } from "../management_client.ts";
import {
  type CtlCall,
  type CtlCommand,
  CtlError,
  type CtlResult,
  CtlStateError,
  CtlUsageError,
  EXIT,
} from "./command.ts";
import {
  alarmsOf,
  describeListener,
  listenersOf,
  listenerValue,
  type Listening,
} from "./node_facts.ts";
import { portTimeout } from "./timeouts.ts";

/**
 * The health checks of rabbitmq-diagnostics, which container files and scripts call.
 *
 * @module
 */

/** Names that a protocol has besides the one that RabbitMQ's listeners go by. */
const PROTOCOLS: readonly (readonly [names: RegExp, protocol: string])[] = [
  [/^amqp(?:091|0[.\-_]9[.\-_]1|10|1[.\-_]0)$/, "amqp"],
  [/^amqps$/, "amqp/ssl"],
  [/^(?:http1(?:\.1)?|http_api|management|management_ui|ui)$/, "http"],
];

/** @throws {CtlStateError} When the broker is stopped. */
async function alarms({ client, node }: CtlCall): Promise<string[]> {
  const [told] = await client.get<Row[]>(["nodes"]);
  if (told!["running"] !== true) throw new CtlStateError("running");
  return alarmsOf({ ...told!, name: await node() });
}

/** @throws {CtlStateError} When the broker is stopped. */
async function listeners(call: CtlCall): Promise<Listening[]> {
  if (!await isServing(call)) throw new CtlStateError("running");
  return listenersOf(await call.client.get<Row>(["overview"], "columns=listeners"));
}

/** RabbitMQ writes what such a check has found alone, without `Error:`. */
function checkFailed(text: string, value: JsonValue): CtlError {
  return new CtlError(EXIT.unavailable, text, { plain: true, value });
}

/** What such a check tells in JSON of what nobody listens on, with those that are there. */
function missing(
  what: number | string,
  found: JsonObject,
  all: readonly Listening[],
  node: string,
): JsonValue {
  const listeners = all.map((one) => listenerValue(one, node));
  return { result: "error", missing: what, ...found, listeners };
}

/** True when some checks tell by their status alone how it is. */
function saysNothing({ options: { silent, formatter } }: CtlCall): boolean {
  return silent === true && formatter !== "json";
}

function passed(call: CtlCall, text: string): CtlResult {
  return saysNothing(call) ? { lines: [] } : { text, value: { result: "ok" } };
}

/** True when the broker serves clients, and is not stopped. */
async function isServing({ client }: CtlCall): Promise<boolean> {
  const [told] = await client.get<Row[]>(["nodes"]);
  return told!["running"] === true;
}

const noAlarms = async ({ node }: CtlCall) =>
  `Node ${await node()} reported no alarms, local or clusterwide`;
const runs = async ({ node }: CtlCall) =>
  `RabbitMQ on node ${await node()} is fully booted and running`;
const runsNot = async ({ node }: CtlCall) =>
  `RabbitMQ on node ${await node()} is not running or has not fully booted yet ` +
  "(check with is_booting)";
const notBooting = async ({ node }: CtlCall) =>
  `RabbitMQ on node ${await node()} is fully booted (check with is_running), stopped or has not ` +
  "started booting yet";

function portsOf(all: readonly Listening[]): string {
  return [...new Set(all.map(({ port }) => port))].sort((a, b) => a - b).join(", ");
}

/** True when somebody takes a connection there. */
async function connects(hostname: string, port: number, withinMs: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(withinMs);
    (await Deno.connect({ hostname, port, signal })).close();
    return true;
  } catch {
    return false;
  }
}

/** What tells whether a broker is well. */
export const DIAGNOSTICS_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  alarms: {
    summary: "Lists resource alarms (local or cluster-wide) in effect on the target node",
    usage: "",
    banner: async ({ node }) =>
      `Asking node ${await node()} to report any known resource alarms ...`,
    async run(call) {
      const [found, node] = [await alarms(call), await call.node()];
      if (found.length === 0) {
        return { text: await noAlarms(call), value: { result: "ok", node, alarms: [] } };
      }
      const value = {
        result: "ok",
        local: found,
        global: [],
        message: `Node ${node} reported alarms`,
      };
      return { text: found.join("\n"), value };
    },
  },
  check_alarms: {
    summary:
      "Health check that exits with a non-zero code if the target node reports any alarms, " +
      "local or cluster-wide.",
    usage: "",
    banner: async ({ node }) =>
      `Asking node ${await node()} to report any local resource alarms ...`,
    async run(call) {
      const found = await alarms(call);
      if (found.length > 0) {
        const message = `Node ${await call.node()} reported alarms`;
        const text = saysNothing(call) ? "" : found.join("\n");
        throw checkFailed(text, { result: "error", local: found, global: [], message });
      }
      return passed(call, await noAlarms(call));
    },
  },
  check_local_alarms: {
    summary: "Health check that exits with a non-zero code if the target node reports any alarms",
    usage: "",
    banner: async ({ node }) =>
      `Asking node ${await node()} to report any local resource alarms ...`,
    async run(call) {
      const found = await alarms(call);
      const node = await call.node();
      if (found.length > 0) {
        const message = `Node ${node} reported local alarms`;
        const value = { result: "error", local: found, message };
        throw new CtlError(EXIT.unavailable, saysNothing(call) ? "" : found.join("\n"), { value });
      }
      return passed(call, `Node ${node} reported no local alarms`);
    },
  },
  check_port_connectivity: {
    summary: "Basic TCP connectivity health check for each listener's port on the target node",
    usage: "[--address <target address>]",
    options: { address: "value" },
    banner: async ({ node, options: { address } }) =>
      `Testing TCP connections to all active listeners on node ${await node()} using ` +
      `${address === undefined ? "hostname resolution" : `${address} for node IP address`} ...`,
    async run(call) {
      const { client, options: { address } } = call;
      const hostname = String(address ?? new URL(client.url).hostname).replace(/^\[|\]$/g, "");
      const [all, node] = [await listeners(call), await call.node()];
      const failed: Listening[] = [];
      const ports = new Set(all.map((one) => one.port));
      const withinMs = portTimeout(call.timeoutMs, ports.size);
      for (const port of ports) {
        if (!await connects(hostname, port, withinMs)) {
          failed.push(...all.filter((one) => one.port === port));
        }
      }
      if (failed.length > 0) {
        const lines = failed.map((one) => `I${describeListener(one)}`);
        const what = `Connection to ports of the following listeners on node ${node} failed: `;
        const failures = failed.map((one) => listenerValue(one, node));
        const value = { result: "error", node, failures };
        throw new CtlError(EXIT.unavailable, [what, ...lines].join("\n"), { value });
      }
      const how = address === undefined
        ? "node hostname resolution"
        : `${address} for target IP address`;
      return {
        text: `Successfully connected to ports ${portsOf(all)} on node ${node} (using ${how})`,
        value: { result: "ok", node, listeners: all.map((one) => listenerValue(one, node)) },
      };
    },
  },
  check_port_listener: {
    summary:
      "Health check that exits with a non-zero code if target node does not have an active " +
      "listener for given port",
    usage: "<port>",
    args: [1, 1],
    check({ args: [port = ""] }) {
      if (!/^\d+$/.test(port)) throw new CtlUsageError("Bad argument.", EXIT.dataError);
    },
    banner: async ({ args: [port], node }) =>
      `Asking node ${await node()} if there's an active listener on port ${port} ...`,
    async run(call) {
      const port = Number(call.args[0]);
      const [all, node] = [await listeners(call), await call.node()];
      if (!all.some((one) => one.port === port)) {
        throw checkFailed(
          `No listener for port ${port} is active on node ${node}. ` +
            `Found listeners that use the following ports: ${portsOf(all)}`,
          missing(port, { ports: all.map((one) => one.port) }, all, node),
        );
      }
      return {
        text: `A listener for port ${port} is running on node ${node}.`,
        value: { result: "ok", node, port },
      };
    },
  },
  check_protocol_listener: {
    summary:
      "Health check that exits with a non-zero code if target node does not have an active " +
      "listener for given protocol",
    usage: "<protocol>",
    args: [1, 1],
    banner: async ({ args: [protocol], node }) =>
      `Asking node ${await node()} if there's an active listener for protocol ${protocol} ...`,
    async run(call) {
      const given = call.args[0]!.toLowerCase();
      const protocol = PROTOCOLS.find(([names]) => names.test(given))?.[1] ?? given;
      const [all, node] = [await listeners(call), await call.node()];
      if (!all.some((one) => one.protocol === protocol)) {
        const found = [...new Set(all.map((one) => one.protocol))].sort().join(", ");
        throw new CtlError(
          EXIT.unavailable,
          `No listener for protocol ${protocol} is active on node ${node}. ` +
            `Found listeners for the following protocols: ${found}`,
          { value: missing(protocol, { protocols: all.map((one) => one.protocol) }, all, node) },
        );
      }
      return {
        text: `A listener for protocol ${protocol} is running on node ${node}.`,
        value: { result: "ok", node, protocol },
      };
    },
  },
  check_running: {
    summary:
      "Health check that exits with a non-zero code if the RabbitMQ app on the target node " +
      "is not running",
    usage: "",
    banner: async ({ node }) => `Checking if RabbitMQ is running on node ${await node()} ...`,
    async run(call) {
      if (!await isServing(call)) throw new CtlError(EXIT.unavailable, await runsNot(call));
      return { text: await runs(call) };
    },
  },
  check_if_any_deprecated_features_are_used: {
    summary: "Generate a report listing all deprecated features in use",
    usage: "[--timeout <timeout>]",
    banner: () => "Checking if any deprecated features are used ...",
    async run(call) {
      const used = await call.client.get<Row[]>(["deprecated-features", "used"]);
      if (used.length === 0) return passed(call, "Cluster reported no deprecated features in use");
      const names = used.map(({ name }) => String(name));
      throw checkFailed(names.join("\n"), {
        result: "error",
        deprecated_features: names,
        message: "Cluster reported deprecated features in use",
      });
    },
  },
  has_reached_target_cluster_size: {
    summary: "Health check that exits with a non-zero code if the cluster has not yet reached " +
      "its target size",
    usage: "[--timeout <timeout>]",
    banner: async ({ node }) =>
      `Checking if target cluster size has been reached on node ${await node()} ...`,
    async run(call) {
      await call.client.get(["health", "checks", "reached-target-cluster-size"]);
      return passed(call, `Target cluster size has been reached on node ${await call.node()}`);
    },
  },
  check_virtual_hosts: {
    summary: "Health check that checks if all vhosts are running in the target node",
    usage: "",
    banner: async ({ node }) => `Checking if all vhosts are running on node ${await node()} ...`,
    async run(call) {
      await call.client.get(["health", "checks", "virtual-hosts"]);
      return passed(call, `Node ${await call.node()} reported all vhosts as running`);
    },
  },
  is_booting: {
    summary: "Checks if RabbitMQ is still booting on the target node",
    usage: "",
    banner: async ({ node }) => `Asking node ${await node()} for its boot status ...`,
    async run(call) {
      // it answers nobody before it has begun
      await call.client.get(["whoami"]);
      const message = await notBooting(call);
      return { text: message, value: { message, result: false } };
    },
  },
  is_running: {
    summary: "Checks if RabbitMQ is fully booted and running on the target node",
    usage: "",
    banner: async ({ node }) => `Asking node ${await node()} for its status ...`,
    async run(call) {
      const result = await isServing(call);
      const message = await (result ? runs : runsNot)(call);
      return { text: message, value: { message, result } };
    },
  },
  listeners: {
    summary:
      "Lists active connection listeners (bound interface, port, protocol) on the target node",
    usage: "",
    banner: async ({ node }) => `Asking node ${await node()} to report its protocol listeners ...`,
    async run(call) {
      const [all, node] = [await listeners(call), await call.node()];
      return {
        text: all.length === 0
          ? `Node ${node} reported no enabled listeners.`
          : all.map((one) => `I${describeListener(one)}`).join("\n"),
        value: { result: "ok", node, listeners: all.map((one) => listenerValue(one, node)) },
      };
    },
  },
  server_version: {
    summary: "Displays server version on the target node",
    usage: "",
    banner: async ({ node }) => `Asking node ${await node()} for its RabbitMQ version...`,
    async run({ client }) {
      const { rabbitmq_version: text } = await client.get<Row>(["overview"]);
      return { text: String(text), value: { result: "ok", value: String(text) } };
    },
  },
};
