import type { JsonObject } from "../../mod.ts";
import type { Api, Management } from "../context.ts";
import { answer } from "../listing.ts";
import { contexts, exchangeTypes, listeners } from "./nodes.ts";
import { requireAdministrator } from "../access.ts";
import { readObject, required } from "../body.ts";
import { badRequest } from "../errors.ts";

/** The broker as a whole. */
export function overviewRoutes(api: Api, management: Management): void {
  const { broker } = management;

  api.get("/api/overview", async (call) => {
    const node = broker.node();
    const { rabbitmqVersion: version } = node;
    return answer(call, {
      management_version: version,
      rates_mode: "basic",
      exchange_types: exchangeTypes(node),
      product_name: "Warren",
      product_version: node.productVersion,
      rabbitmq_version: version,
      cluster_name: clusterName(management),
      cluster_tags: {},
      node_tags: {},
      erlang_version: "0",
      erlang_full_version: "none: this is Warren",
      disable_stats: false,
      enable_queue_totals: false,
      default_queue_type: "classic",
      statistics_db_event_queue: 0,
      ...await totals(management),
      node: node.name,
      listeners: await listeners(management),
      contexts: contexts(management),
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
  api.get("/api/version", (call) => call.text(broker.node().rabbitmqVersion));
}

/** How the broker is called; its node's name when nobody has said. */
function clusterName({ broker }: Management): string {
  const set = broker.globalParameters().find(({ name }) => name === "cluster_name");
  return typeof set?.value === "string" ? set.value : broker.node().name;
}

/** How much there is. */
async function totals({ broker }: Management): Promise<JsonObject> {
  const { vhosts, queues, connections } = await broker.snapshot({
    only: ["vhosts", "queues", "connections"],
  });
  const sum = <T>(of: readonly T[], value: (one: T) => number) =>
    of.reduce((total, one) => total + value(one), 0);
  return {
    queue_totals: {
      messages: sum(queues, ({ messages }) => messages),
      messages_ready: sum(queues, ({ messagesReady }) => messagesReady),
      messages_unacknowledged: sum(queues, ({ messagesUnacknowledged: count }) => count),
    },
    object_totals: {
      channels: sum(connections, ({ channels }) => channels),
      connections: connections.length,
      consumers: sum(queues, ({ consumers }) => consumers),
      exchanges: sum(vhosts, ({ exchanges }) => exchanges),
      queues: queues.length,
    },
  };
}
