import { fileDescriptors } from "../http/file_descriptors.ts";
import { Slices } from "../http/slices.ts";
import type { Broker, Clock } from "../mod.ts";
import * as families from "./families.ts";
import { labelsOf, MetricTable } from "./text.ts";

/** Erlang's, which is not there. */
const NO_ERLANG = "0";

/** What is told of the node: memory, disk, and how much of them it may have. */
export async function nodeTables(
  broker: Broker,
  prefix: string,
  clock: Clock,
): Promise<MetricTable[]> {
  const { open, max } = await fileDescriptors();
  let sockets = 0;
  const slices = new Slices();
  for (const { values } of broker.meters("connection")) {
    // those from within this process have none
    if (values["recvOct"] !== 0) sockets++;
    if (slices.over) await slices.rest();
  }
  const { memoryUsed, memoryLimit, diskFree, diskFreeLimit, startedAt } = broker.node();
  return [
    new MetricTable(prefix, families.NODE_COARSE).add("", [
      open,
      sockets,
      memoryUsed,
      diskFree ?? undefined,
    ]),
    new MetricTable(prefix, families.NODE).add("", [
      max,
      max,
      memoryLimit === null ? undefined : Math.round(memoryLimit),
      diskFreeLimit,
      (clock.now() - startedAt) / 1000,
    ]),
  ];
}

/** Who answers, as labels by which dashboards find it. */
export function identityTables(broker: Broker, prefix: string, endpoint: string): MetricTable[] {
  const { name, rabbitmqVersion: version, productVersion } = broker.node();
  const global = (wanted: string) => {
    const value = broker.globalParameters().find(({ name }) => name === wanted)?.value;
    return typeof value === "string" ? value : undefined;
  };
  return [
    new MetricTable(prefix, families.BUILD_INFO).add(
      labelsOf({
        rabbitmq_version: version,
        prometheus_plugin_version: version,
        prometheus_client_version: productVersion,
        erlang_version: NO_ERLANG,
        product_name: "Warren",
        product_version: productVersion,
      }),
      [1],
    ),
    new MetricTable(prefix, families.IDENTITY_INFO).add(
      labelsOf({
        rabbitmq_node: name,
        rabbitmq_cluster: global("cluster_name") ?? name,
        rabbitmq_cluster_permanent_id: global("internal_cluster_id") ?? name,
        rabbitmq_endpoint: endpoint,
      }),
      [1],
    ),
  ];
}

/** What is short. There is no limit of file descriptors that would raise an alarm. */
export function alarmTables(broker: Broker, prefix: string): MetricTable[] {
  const { diskAlarm, memoryAlarm } = broker.node();
  const values = [0, Number(diskAlarm), Number(memoryAlarm)];
  return [
    new MetricTable(prefix, families.ALARMS).add("", values),
  ];
}
