import { Broker } from "../../broker/broker.ts";
import { serveMetrics } from "../../broker/prometheus/mod.ts";
import { connect, type Connection } from "../../mod.ts";
import { type Generation, PROFILES } from "./generation.ts";

/** Metrics that only one of the two has, and why. */
interface MetricDifference {
  /** Which: looked for in names. */
  readonly metric: RegExp;
  /** Who has them. */
  readonly onlyIn: "RabbitMQ" | "Warren";
  /** Why. */
  readonly reason: string;
  /** Which RabbitMQ it is a difference from. Absent: both. */
  readonly from?: Generation;
}

/** The metrics of RabbitMQ 3.10.8 and 4.3.6 that are not there, and those of other versions that are. */
const INTENDED: readonly MetricDifference[] = [
  {
    metric: /^erlang_|^rabbitmq_(detailed_)?erlang_(?!uptime)/,
    onlyIn: "RabbitMQ",
    reason: "there is no Erlang",
  },
  {
    metric: /^process_(?:start|cpu|virtual|resident|threads|max|open)/,
    onlyIn: "RabbitMQ",
    reason:
      "what the Prometheus client of Erlang tells of its process; node_coarse_metrics have it",
  },
  {
    metric: /_process_reductions_total$/,
    onlyIn: "RabbitMQ",
    reason: "queues, channels and connections are no processes",
  },
  {
    metric: /^rabbitmq_(detailed_)?(io|msg_store|schema_db|queue_index)_/,
    onlyIn: "RabbitMQ",
    reason: "counters of RabbitMQ's stores",
  },
  {
    metric: /_queue_(disk_(reads|writes)_total|messages_paged_out(_bytes)?)$/,
    onlyIn: "RabbitMQ",
    reason: "nothing is paged out, and all queues share the disk",
  },
  {
    metric: /^rabbitmq_queue_head_message_timestamp$/,
    onlyIn: "RabbitMQ",
    reason: "times cannot be summed up: each queue's own is there",
  },
  {
    metric: /_message_size_bytes/,
    onlyIn: "Warren",
    reason: "as since RabbitMQ 4.1",
    from: 3,
  },
  {
    metric: /_connection_((incoming|outgoing)_packets_total|pending_packets)$/,
    onlyIn: "RabbitMQ",
    reason: "the runtime does not tell; bytes are counted",
  },
  { metric: /_raft_/, onlyIn: "RabbitMQ", reason: "a single node needs no consensus" },
  {
    metric: /_auth_attempts_detailed_/,
    onlyIn: "RabbitMQ",
    reason: "by address and user; there only when track_auth_attempt_source is on",
  },
  {
    metric: /^telemetry_scrape_encoded_size_bytes$/,
    onlyIn: "RabbitMQ",
    reason: "nothing is compressed here; RabbitMQ 4 has it no more",
    from: 3,
  },
  {
    metric:
      /_exchange_messages_|_queue_(get(_ack|_empty)?|messages_(delivered(_ack)?|redelivered|acked))_total$|_queue_info$/,
    onlyIn: "Warren",
    reason: "since RabbitMQ 4",
    from: 3,
  },
  {
    metric: /_stream_segments$|^rabbitmq_alarms_/,
    onlyIn: "Warren",
    reason: "since RabbitMQ 4, alarms beside single things as well",
    from: 3,
  },
  {
    metric: /_alarms_file_descriptor_limit$|_process_(open|max)_tcp_sockets$/,
    onlyIn: "Warren",
    reason: "dashboards from before RabbitMQ 4 ask for them",
    from: 4,
  },
  {
    metric: /_unreachable_cluster_peers_count$/,
    onlyIn: "RabbitMQ",
    reason: "there are no peers",
    from: 4,
  },
  {
    metric: /_stream_consumer_max_offset_lag$/,
    onlyIn: "RabbitMQ",
    reason: "of consumers by the stream protocol, which is not spoken",
    from: 4,
  },
];

/** What is asked of both. */
const PATHS = [
  "/metrics",
  "/metrics/per-object",
  "/metrics/detailed?" + [
    "queue_coarse_metrics",
    "queue_metrics",
    "channel_metrics",
    "channel_exchange_metrics",
    "channel_queue_metrics",
    "channel_queue_exchange_metrics",
    "connection_coarse_metrics",
    "connection_metrics",
    "connection_churn_metrics",
    "node_coarse_metrics",
    "node_metrics",
    "auth_attempt_metrics",
    "vhost_status",
    "exchange_bindings",
    "exchange_names",
  ].map((family) => `family=${family}`).join("&"),
];

/** One path, and how the metrics differ. */
export interface MetricsComparison {
  readonly title: string;
  /** What differs without a reason. */
  readonly unexplained: readonly string[];
  /** What differs with one. */
  readonly explained: readonly string[];
}

/** What RabbitMQ needs in its configuration. */
export function prometheusConfiguration(port: number): string {
  return `prometheus.tcp.ip = 127.0.0.1\nprometheus.tcp.port = ${port}\n`;
}

/**
 * Compares the names, types and help of the metrics of both, and the labels of those that are of single
 * things.
 *
 * @param amqp The AMQP port of RabbitMQ.
 * @param http The port of its metrics.
 * @param generation Which RabbitMQ it is.
 */
export async function* comparePrometheus(
  { amqp, http, generation }: {
    readonly amqp: number;
    readonly http: number;
    readonly generation: Generation;
  },
): AsyncGenerator<MetricsComparison> {
  await using broker = new Broker({ profile: PROFILES[generation] });
  await using server = await broker.listen({ port: 0 });
  await using metrics = await serveMetrics(broker, { port: 0 });
  await using _theirs = await furnish(amqp);
  await using _ours = await furnish(server.port);
  const unused = new Set(
    INTENDED.filter(({ from }) => from === undefined || from === generation),
  );
  const intended = [...unused];
  const [declaredThere, declaredHere] = [
    await countDeclarations(amqp, http),
    await countDeclarations(server.port, metrics.port),
  ];
  yield {
    title: "how often queues are declared and created",
    unexplained: declaredThere === declaredHere && /^\d+ and \d+$/.test(declaredHere)
      ? []
      : [`${declaredThere} in RabbitMQ, ${declaredHere} in Warren`],
    explained: [],
  };
  for (const path of PATHS) {
    const rabbitmq = await ask(http, path);
    const warren = await ask(metrics.port, path);
    const comparison = { title: path.replace(/\?.*/, ""), unexplained: [], explained: [] };
    compareNames(rabbitmq, warren, comparison, { intended, unused });
    yield comparison;
  }
  for (const { metric, reason } of unused) {
    yield {
      title: `${metric}`,
      unexplained: [`nothing differs like that any more: ${reason}`],
      explained: [],
    };
  }
}

/** Declares a queue, declares it again, asks for it, and declares it as it is not. */
async function countDeclarations(amqp: number, http: number): Promise<string> {
  const count = async () => {
    const text = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
    return ["declared", "created"].map((what) =>
      Number(new RegExp(`^rabbitmq_queues_${what}_total (\\d+)$`, "m").exec(text)?.[1])
    );
  };
  const before = await count();
  const connection = await connect(`amqp://127.0.0.1:${amqp}`);
  const channel = await connection.openChannel();
  await channel.queueDeclare("declared", { exclusive: true });
  await channel.queueDeclare("declared", { exclusive: true });
  await channel.queueDeclare("declared", { passive: true });
  const other = await connection.openChannel();
  await other.queueDeclare("declared", { exclusive: true, autoDelete: true }).catch(() => {});
  await connection.close();
  return (await count()).map((number, at) => number - before[at]!).join(" and ");
}

/** Metrics by their names: what they are, and the labels of the first value. */
type Metrics = ReadonlyMap<string, { readonly what: string; readonly labels: string | undefined }>;

async function ask(port: number, path: string): Promise<Metrics> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text}`);
  const metrics = new Map<string, { what: string; labels: string | undefined }>();
  for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\w+)$/gm)) {
    const value = new RegExp(`^${name}(?:\\{(.*)\\})? `, "m").exec(text);
    const names = [...(value?.[1] ?? "").matchAll(/(\w+)="/g)].map((match) => match[1]);
    metrics.set(name!, {
      what: type!,
      labels: value === null ? undefined : names.sort().join(","),
    });
  }
  return metrics;
}

function compareNames(
  rabbitmq: Metrics,
  warren: Metrics,
  { explained, unexplained }: { explained: string[]; unexplained: string[] },
  { intended: all, unused }: {
    readonly intended: readonly MetricDifference[];
    readonly unused: Set<MetricDifference>;
  },
): void {
  for (const name of new Set([...rabbitmq.keys(), ...warren.keys()])) {
    const [theirs, ours] = [rabbitmq.get(name), warren.get(name)];
    if (theirs === undefined || ours === undefined) {
      const onlyIn = ours === undefined ? "RabbitMQ" : "Warren";
      const intended = all.find((one) => one.onlyIn === onlyIn && one.metric.test(name));
      if (intended === undefined) {
        unexplained.push(`${name}: only in ${onlyIn}`);
        continue;
      }
      unused.delete(intended);
      explained.push(`${name}: only in ${onlyIn}: ${intended.reason}`);
      continue;
    }
    if (theirs.what !== ours.what && !GAUGES.test(name)) {
      unexplained.push(`${name}: ${theirs.what}, not ${ours.what}`);
    }
    if (theirs.labels === undefined || ours.labels === undefined) continue;
    const intended = LABELS.get(name.replace("_detailed", ""));
    if (theirs.labels !== ours.labels && ours.labels !== intended) {
      unexplained.push(`${name}: labels ${theirs.labels}, not ${ours.labels}`);
    }
  }
}

/** What RabbitMQ calls a counter though it may fall. */
const GAUGES = /_stream_segments$/;

/** Labels that are not as in RabbitMQ, by their metrics: what a channel did is counted for the channel
 * alone, not for each queue and exchange as well, and what came to a queue is not counted by exchanges;
 * products have names; nodes have an endpoint, since 4. */
const LABELS: ReadonlyMap<string, string> = new Map([
  ...["published", "confirmed", "unroutable_returned", "unroutable_dropped"]
    .map((what) => [`rabbitmq_channel_messages_${what}_total`, "channel,vhost"] as const),
  ...["get", "get_ack", "get_empty", "messages_delivered", "messages_delivered_ack"]
    .map((what) => [`rabbitmq_channel_${what}_total`, "channel,vhost"] as const),
  ...["redelivered", "acked"]
    .map((what) => [`rabbitmq_channel_messages_${what}_total`, "channel,vhost"] as const),
  ["rabbitmq_queue_messages_published_total", "queue,queue_vhost"],
  ["rabbitmq_queue_exchange_messages_published_total", "queue,vhost"],
  [
    "rabbitmq_build_info",
    "erlang_version,product_name,product_version,prometheus_client_version," +
    "prometheus_plugin_version,rabbitmq_version",
  ],
  [
    "rabbitmq_identity_info",
    "rabbitmq_cluster,rabbitmq_cluster_permanent_id,rabbitmq_endpoint,rabbitmq_node",
  ],
]);

/** Something of everything, and some use of it. */
async function furnish(port: number): Promise<Connection> {
  const connection = await connect(`amqp://127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  await channel.confirmSelect();
  await channel.queueDeclare("metrics", { exclusive: true });
  for (let at = 0; at < 3; at++) await channel.basicPublish({ routingKey: "metrics" }, "x");
  await channel.basicPublish({ exchange: "amq.direct" }, "x");
  await channel.waitForConfirms();
  (await channel.basicGet("metrics"))!.ack();
  await channel.basicConsume("metrics", {}, () => {});
  return connection;
}
