import type { JsonObject } from "../../mod.ts";
import type { Api, Management } from "../context.ts";
import { answer } from "../listing.ts";
import { contexts, exchangeTypes, listeners, NO_ERLANG } from "./nodes.ts";
import { isMonitor, requireAdministrator } from "../access.ts";
import { isObject, readObject, required } from "../body.ts";
import { badRequest } from "../errors.ts";
import { Stats } from "../stats.ts";
import { visibleTotals } from "../visible_totals.ts";

/** The broker as a whole. */
export function overviewRoutes(api: Api, management: Management): void {
  const { broker } = management;

  api.get("/api/overview", async (call) => {
    const node = broker.node();
    const { rabbitmqVersion: version } = node;
    return answer(call, {
      management_version: version,
      rates_mode: "basic",
      sample_retention_policies: { global: [3600, 86_400], basic: [300], detailed: [] },
      exchange_types: exchangeTypes(node),
      product_name: "Warren",
      product_version: node.productVersion,
      rabbitmq_version: version,
      cluster_name: clusterName(management),
      cluster_tags: clusterTags(management),
      node_tags: {},
      ...NO_ERLANG,
      disable_stats: false,
      enable_queue_totals: false,
      default_queue_type: node.defaultQueueType,
      is_op_policy_updating_enabled: true,
      require_definition_json_extension: false,
      statistics_db_event_queue: 0,
      ...isMonitor(call.var.session)
        ? {
          ...await totals(management, new Stats(management.rates, call)),
          node: node.name,
          listeners: await listeners(management),
          contexts: contexts(management),
        }
        : await visibleTotals(call, management),
    });
  });

  api.get("/api/cluster-name", (call) => answer(call, { name: clusterName(management) }));
  api.put("/api/cluster-name", async (call) => {
    requireAdministrator(call);
    const [name] = required(await readObject(call), "name");
    if (typeof name !== "string") throw badRequest(["not_a_string", name ?? null]);
    await broker.setGlobalParameter("cluster_name", name);
    return call.body(null, 204);
  });

  api.get("/api/extensions", (call) => call.json([]));
  api.get("/api/version", (call) => call.json(broker.node().rabbitmqVersion));
}

/** How the broker is called; its node's name when nobody has said. */
function clusterName({ broker }: Management): string {
  const set = broker.globalParameters().find(({ name }) => name === "cluster_name");
  return typeof set?.value === "string" ? set.value : broker.node().name;
}

/** What somebody has set as a parameter of that name; RabbitMQ's configuration sets it as well. */
function clusterTags({ broker }: Management): JsonObject {
  const set = broker.globalParameters().find(({ name }) => name === "cluster_tags");
  return isObject(set?.value) ? set.value : {};
}

/** How much there is, and what went through it. */
async function totals({ broker, rates }: Management, stats: Stats): Promise<JsonObject> {
  const whole = await rates.whole();
  const { queues, consumers, ...lengths } = await rates.totals();
  return {
    message_stats: stats.messages(whole).message_stats ?? {},
    churn_rates: stats.churn(rates.comings()),
    queue_totals: stats.lengths({ of: whole.of, values: { ...lengths } }),
    object_totals: {
      channels: broker.count("channel"),
      connections: broker.count("connection"),
      consumers,
      exchanges: broker.count("exchange"),
      queues,
    },
  };
}
