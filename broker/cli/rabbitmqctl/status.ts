import type { JsonObject, JsonValue } from "../../policy/json.ts";
import type { ManagementClient, Row } from "../management_client.ts";
import { bold } from "../bold.ts";
import type { Terminal } from "../terminal.ts";
import type { CtlCommand } from "./command.ts";
import { gigabytes } from "../sizes.ts";
import { prettyTerm } from "./erlang_pretty.ts";
import { alarmsOf, describeListener, listenersOf, purposeOf } from "./node_facts.ts";
import { environmentTerm, type KnownNode, statusTerm } from "./status_terms.ts";

/** What the broker is and how it fares, in RabbitMQ's words. What only Erlang has is left out. */
export const STATUS_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  status: {
    summary: "Displays status of a node",
    usage: "[--unit <unit>] [--timeout <timeout>]",
    options: { unit: "value" },
    banner: async ({ node }) => `Status of node ${await node()} ...`,
    async run({ client, terminal }) {
      const known = await look(client);
      return {
        text: statusText(known, headings(terminal)),
        value: statusValue(known),
        term: statusTerm(known),
      };
    },
  },
  cluster_status: {
    summary: "Displays all the nodes in the cluster grouped by node type, together with the " +
      "currently running nodes",
    usage: "",
    banner: async ({ node }) => `Cluster status of node ${await node()} ...`,
    async run({ client, terminal }) {
      const known = await look(client);
      return { text: clusterText(known, headings(terminal)), value: clusterValue(known) };
    },
  },
  environment: {
    summary: "Displays the name and value of each variable in the application environment for " +
      "each running application",
    usage: "",
    banner: async ({ node }) => `Application environment of node ${await node()} ...`,
    async run({ client }) {
      const known = await look(client);
      const term = environmentTerm(known);
      return { text: prettyTerm(term), value: environmentValue(known), term };
    },
  },
  report: {
    summary: "Generate a server status report containing a concatenation of all server status " +
      "information for support purposes",
    usage: "",
    banner: async ({ node }) => `Reporting server status of node ${await node()} ...\n`,
    async run({ client, terminal }) {
      const known = await look(client);
      const heading = headings(terminal);
      const lists = ["connections", "channels", "queues", "exchanges", "bindings", "policies"];
      const parts = await Promise.all(
        lists.map(async (kind) => {
          const rows = await client.get<Row[]>([kind]);
          return `Listing ${kind} ...\n${rows.map((row) => JSON.stringify(row)).join("\n")}\n`;
        }),
      );
      const text = [statusText(known, heading), clusterText(known, heading), ...parts].join("\n");
      return { text };
    },
  },
};

async function look(client: ManagementClient): Promise<KnownNode> {
  const [[node], overview, vhosts] = await Promise.all([
    client.get<Row[]>(["nodes"]),
    client.get<Row>(["overview"]),
    client.get<Row[]>(["vhosts"], "columns=name"),
  ]);
  return { node: node!, overview, vhosts: vhosts.length };
}

/** Writes what a part begins with. */
type Heading = (text: string) => string;

function headings({ colours }: Terminal): Heading {
  return (text) => `${bold(text, colours)}\n`;
}

function statusText(known: KnownNode, heading: Heading): string {
  const { node, overview, vhosts } = known;
  const totals = (overview["object_totals"] ?? {}) as Row;
  const alarms = alarmsOf(known.node);
  const limit = node["mem_limit"];
  return [
    heading("Runtime"),
    `OS PID: ${node["os_pid"]}`,
    `Uptime (seconds): ${Math.round(Number(node["uptime"]) / 1000)}`,
    `Is under maintenance?: ${node["being_drained"]}`,
    `RabbitMQ version: ${overview["rabbitmq_version"]}`,
    `Product: ${overview["product_name"]} ${overview["product_version"]}`,
    `Node name: ${node["name"]}`,
    "",
    heading("Data directory"),
    `Node data directory: ${node["db_dir"] === "" ? "(none)" : node["db_dir"]}`,
    "",
    heading("Alarms"),
    ...alarms.length === 0 ? ["(none)"] : alarms,
    "",
    heading("Memory"),
    `Total memory used: ${gigabytes(node["mem_used"])}`,
    `Calculation strategy: ${node["mem_calculation_strategy"]}`,
    `Memory high watermark computed to: ${limit === undefined ? "infinity" : gigabytes(limit)}`,
    "",
    heading("Free Disk Space"),
    `Low free disk space watermark: ${gigabytes(node["disk_free_limit"])}`,
    ...node["disk_free"] === undefined ? [] : [`Free disk space: ${gigabytes(node["disk_free"])}`],
    "",
    heading("Totals"),
    `Connection count: ${totals["connections"]}`,
    `Queue count: ${totals["queues"]}`,
    `Virtual host count: ${vhosts}`,
    "",
    heading("Listeners"),
    ...listenersOf(overview).map((one) => `I${describeListener(one)}`),
  ].join("\n");
}

function statusValue(known: KnownNode): JsonValue {
  const { node, overview, vhosts } = known;
  const totals = (overview["object_totals"] ?? {}) as Row;
  return {
    alarms: alarmsOf(known.node),
    active_plugins: node["enabled_plugins"] ?? [],
    config_files: node["config_files"] ?? [],
    data_directory: node["db_dir"] ?? "",
    ...node["disk_free"] === undefined ? {} : { disk_free: node["disk_free"] },
    disk_free_limit: node["disk_free_limit"] ?? 0,
    is_under_maintenance: false,
    listeners: describeListeners(known),
    log_files: node["log_files"] ?? [],
    memory: { strategy: "rss", total: { erlang: 0, rss: node["mem_used"]!, allocated: 0 } },
    pid: Number(node["os_pid"]),
    product_name: overview["product_name"] ?? "",
    product_version: overview["product_version"] ?? "",
    rabbitmq_version: overview["rabbitmq_version"] ?? "",
    run_queue: 0,
    totals: {
      virtual_host_count: vhosts,
      connection_count: totals["connections"] ?? 0,
      queue_count: totals["queues"] ?? 0,
    },
    uptime: Math.round(Number(node["uptime"]) / 1000),
    vm_memory_calculation_strategy: "rss",
    vm_memory_high_watermark_limit: node["mem_limit"] ?? "infinity",
  };
}

function describeListeners({ node, overview }: KnownNode): JsonObject[] {
  return listenersOf(overview).map(({ ip_address, port, protocol }) => ({
    interface: ip_address,
    node: node["name"]!,
    port,
    protocol,
    purpose: purposeOf(protocol),
  }));
}

function clusterText(known: KnownNode, heading: Heading): string {
  const { node, overview } = known;
  const name = node["name"];
  const alarms = alarmsOf(known.node);
  return [
    heading("Basics"),
    `Cluster name: ${overview["cluster_name"]}`,
    "",
    heading("Disk Nodes"),
    `${name}`,
    "",
    heading("Running Nodes"),
    `${name}`,
    "",
    heading("Versions"),
    `${name}: RabbitMQ ${overview["rabbitmq_version"]} (${overview["product_name"]} ` +
    `${overview["product_version"]})`,
    "",
    heading("Maintenance status"),
    `Node: ${name}, status: not under maintenance`,
    "",
    heading("Alarms"),
    ...alarms.length === 0 ? ["(none)"] : alarms,
    "",
    heading("Network Partitions"),
    "(none)",
    "",
    heading("Listeners"),
    ...listenersOf(overview).map((one) => `Node: ${name}, i${describeListener(one)}`),
    "",
    heading("Feature flags"),
  ].join("\n");
}

function clusterValue(known: KnownNode): JsonValue {
  const { node, overview } = known;
  const name = String(node["name"]);
  return {
    alarms: alarmsOf(known.node),
    cluster_name: overview["cluster_name"] ?? "",
    disk_nodes: [name],
    feature_flags: [],
    listeners: { [name]: describeListeners(known) },
    maintenance_status: { [name]: "not under maintenance" },
    partitions: {},
    ram_nodes: [],
    running_nodes: [name],
    versions: {
      [name]: {
        erlang_version: overview["erlang_version"] ?? "",
        rabbitmq_name: overview["product_name"] ?? "",
        rabbitmq_version: overview["rabbitmq_version"] ?? "",
      },
    },
  };
}

function environmentValue({ node, overview }: KnownNode): JsonValue {
  return {
    warren: { product_version: overview["product_version"]! },
    rabbit: {
      rabbitmq_version: overview["rabbitmq_version"]!,
      data_dir: node["db_dir"] ?? "",
      disk_free_limit: node["disk_free_limit"] ?? 0,
      vm_memory_high_watermark_limit: node["mem_limit"] ?? "infinity",
      auth_mechanisms: ((node["auth_mechanisms"] ?? []) as Row[]).map(({ name }) => name!),
      tcp_listeners: listenersOf(overview).map(({ ip_address, port }) => `${ip_address}:${port}`),
    },
  };
}
