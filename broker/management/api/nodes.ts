import { type FileDescriptors, fileDescriptors } from "../../http/file_descriptors.ts";
import { servedBeside, type ServedPort } from "../../http/served.ts";
import type { JsonObject, ListenerInfo, NodeInfo } from "../../mod.ts";
import { requireMonitor } from "../access.ts";
import type { Api, Call, Management } from "../context.ts";
import { notFound } from "../errors.ts";
import { answer, answerList } from "../listing.ts";
import { Stats } from "../stats.ts";

/** What RabbitMQ says of the types that it has. */
const TYPES: Readonly<Record<string, string>> = {
  direct: "AMQP direct exchange, as per the AMQP specification",
  fanout: "AMQP fanout exchange, as per the AMQP specification",
  headers: "AMQP headers exchange, as per the AMQP specification",
  topic: "AMQP topic exchange, as per the AMQP specification",
  "x-consistent-hash": "Consistent Hashing Exchange",
  "x-delayed-message": "Delayed Message Exchange.",
  "x-local-random": "Picks one random local binding (queue) to route via (to).",
  "x-message-deduplication": "Message Deduplication Exchange.",
  "x-modulus-hash": "Modulus Hashing Exchange",
  "x-random": "Randomly picks a binding (queue) to route via (to).",
  "x-recent-history": "Recent History Exchange.",
};

const MECHANISMS: Readonly<Record<string, string>> = {
  PLAIN: "SASL PLAIN authentication mechanism",
  AMQPLAIN: "QPid AMQPLAIN mechanism",
};

/** What is told of Erlang. */
export const NO_ERLANG = {
  erlang_version: "0",
  erlang_full_version: "none: this is Warren",
  crypto_lib_version: "that of Deno",
};

/** How many processes Erlang has room for. There are none, and no such limit: but tools divide by it. */
const PROCESSES_MAX = 1_048_576;

/** The one node. */
export function nodeRoutes(api: Api, management: Management): void {
  const { broker } = management;
  const find = (call: Call) => {
    requireMonitor(call);
    const node = broker.node();
    if (call.req.param("node") !== node.name) throw notFound();
    return node;
  };

  api.get("/api/nodes", async (call) => {
    requireMonitor(call);
    const stats = new Stats(management.rates, call);
    const files = await fileDescriptors();
    return answerList(call, {
      rows: [broker.node()],
      describe: (node) => describeNode(node, management, stats, files),
      paged: false,
    });
  });
  api.get("/api/nodes/:node", async (call) => {
    const node = find(call);
    const memory = call.req.query("memory") === "true" ? memoryOf(node, management) : {};
    const stats = new Stats(management.rates, call);
    const files = await fileDescriptors();
    return answer(call, { ...describeNode(node, management, stats, files), ...memory });
  });
  api.get("/api/nodes/:node/memory", (call) => answer(call, memoryOf(find(call), management)));
  api.get(
    "/api/nodes/:node/memory/relative",
    (call) => answer(call, relativeMemory(memoryOf(find(call), management).memory)),
  );
  // Erlang's tables, of which there are none
  for (const below of ["", "/relative", "/:filter", "/:filter/relative"]) {
    api.get(`/api/nodes/:node/memory/ets${below}`, (call) => {
      find(call);
      return answer(call, { ets_tables_memory: "no_tables" });
    });
  }
}

/** The types that exchanges can have. */
export function exchangeTypes({ exchangeTypes: types }: NodeInfo): JsonObject[] {
  return types.map((name) => ({ name, description: TYPES[name] ?? "", enabled: true }));
}

/** Where the broker is served, in RabbitMQ's words. */
export async function listeners(management: Management): Promise<JsonObject[]> {
  const { broker } = management;
  const { name: node } = broker.node();
  const { listeners: served } = await broker.snapshot({ only: ["listeners"] });
  const amqp = served.filter(({ path }) => path === null).map(({ url, ipAddress, port }) => ({
    node,
    protocol: protocolOf({ url }),
    ip_address: ipAddress,
    port,
    tls: /^(?:amqp|ws)s:/.test(url),
  }));
  const http = httpPorts(management).map(({ protocol, server: { hostname, port, secure } }) => ({
    node,
    protocol,
    ip_address: hostname,
    port,
    tls: secure,
  }));
  return [...amqp, ...http];
}

/** Where the API is served, and what is beside it. */
export function httpPorts({ broker, listeners }: Management): ServedPort[] {
  const own = [...listeners].map((server) => ({
    protocol: server.secure ? "https" : "http",
    server,
  }));
  return [...own, ...servedBeside(broker)];
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  "amqp:": "amqp",
  "amqps:": "amqp/ssl",
  "ws:": "http/web-amqp",
  "wss:": "https/web-amqp",
};

/** What RabbitMQ calls the protocol of a listener. */
export function protocolOf({ url }: Pick<ListenerInfo, "url">): string {
  const [scheme = ""] = /^\w+:/.exec(url) ?? [];
  return PROTOCOLS[scheme] ?? "amqp";
}

/** Where the API is served. */
export function contexts({ broker, listeners }: Management): JsonObject[] {
  const { name: node } = broker.node();
  return [...listeners].map(({ hostname, port, secure }) => ({
    node,
    description: "Warren management",
    path: "/",
    ip: hostname,
    port: `${port}`,
    ...secure ? { ssl: "true" } : {},
    ssl_opts: [],
  }));
}

function describeNode(
  node: NodeInfo,
  management: Management,
  stats: Stats,
  { open, max }: FileDescriptors,
): JsonObject {
  const { broker, clock, rates, runtime } = management;
  const sockets = broker.count("connection");
  const processes = 1 + sockets + broker.count("channel") + broker.count("queue");
  const { dataDir, memoryLimit, diskFree } = node;
  return {
    name: node.name,
    type: "disc",
    running: broker.serving,
    being_drained: false,
    partitions: [],
    os_pid: `${runtime.pid}`,
    uptime: clock.now() - node.startedAt,
    processors: runtime.processors,
    run_queue: 0,
    rates_mode: "basic",
    rabbitmq_version: node.rabbitmqVersion,
    ...NO_ERLANG,
    exchange_types: exchangeTypes(node),
    auth_mechanisms: node.authMechanisms.map((name) => ({
      name,
      description: MECHANISMS[name] ?? "",
      enabled: true,
    })),
    applications: [{ name: "warren", description: "Warren", version: node.productVersion }],
    contexts: contexts(management),
    enabled_plugins: ["rabbitmq_management"],
    log_files: ["<stderr>"],
    config_files: [],
    db_dir: dataDir ?? "",
    mem_used: node.memoryUsed,
    mem_used_details: { rate: rates.rate(rates.node(), "memoryUsed") },
    ...open === undefined ? {} : { fd_used: open, fd_used_details: { rate: 0 } },
    // a socket is one of them
    ...max === undefined ? {} : { fd_total: max, sockets_total: max },
    sockets_used: sockets,
    sockets_used_details: { rate: 0 },
    proc_used: processes,
    proc_used_details: { rate: 0 },
    proc_total: PROCESSES_MAX,
    ...memoryLimit === null ? {} : { mem_limit: Math.round(memoryLimit) },
    mem_alarm: node.memoryAlarm,
    mem_calculation_strategy: "rss",
    ...diskFree === null ? {} : {
      disk_free: diskFree,
      disk_free_details: { rate: rates.rate(rates.node(), "diskFree") },
    },
    disk_free_limit: node.diskFreeLimit,
    disk_free_alarm: node.diskAlarm,
    ...stats.churn(rates.comings()),
    cluster_links: [],
  };
}

/** What RabbitMQ 4 tells of memory, and V8 does not. Tools read numbers, and fail without. */
const UNKNOWN_PARTS = [
  ...["connection_readers", "connection_writers", "connection_channels", "connection_other"],
  ...["queue_procs", "quorum_queue_procs", "quorum_queue_dlx_procs", "stream_queue_procs"],
  ...["stream_queue_replica_reader_procs", "stream_queue_coordinator_procs", "plugins"],
  ...["metadata_store", "metrics", "mgmt_db", "quorum_ets", "mnesia", "metadata_store_ets"],
  ...["other_ets", "msg_index", "code", "atom", "other_system"],
];

/** What a process of this kind knows of its memory, in RabbitMQ's words: objects are Erlang's
 * processes, and buffers its binaries. As there, the parts come to the largest of the totals. */
function memoryOf(
  { memoryUsed: rss }: NodeInfo,
  { runtime }: Management,
): { readonly memory: JsonObject } {
  const { heapUsed, heapTotal, external } = runtime.sizes();
  const allocated = heapTotal + external;
  return {
    memory: {
      ...Object.fromEntries(UNKNOWN_PARTS.map((name) => [name, 0])),
      other_proc: heapUsed,
      binary: external,
      allocated_unused: heapTotal - heapUsed,
      reserved_unallocated: Math.max(0, rss - allocated),
      strategy: "rss",
      total: { erlang: heapUsed + external, rss, allocated },
    },
  };
}

/** Each part in percent of all parts, rounded up, so that what there is of something is not told as nothing. */
function relativeMemory({ strategy: _, total: __, ...parts }: JsonObject): JsonObject {
  const sizes = Object.entries(parts).map(([name, size]) => [name, Number(size)] as const);
  const sum = sizes.reduce((total, [, size]) => total + size, 0);
  const percents = sizes.map(([name, size]) => [name, Math.ceil(100 * size / sum)]);
  return { memory: { total: 100, ...Object.fromEntries(percents) } };
}
