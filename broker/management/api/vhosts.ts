import type { JsonObject, Vhost, VhostOptions } from "../../mod.ts";
import { requireAdministrator, visibleVhosts } from "../access.ts";
import { booleanOf, readObject } from "../body.ts";
import type { Api, Call, Management } from "../context.ts";
import { badRequest, notFound } from "../errors.ts";
import { answer, answerList, wantsNoStats } from "../listing.ts";
import { Slices } from "../../http/slices.ts";
import { LENGTHS, Stats } from "../stats.ts";
import { byVhost, describePermissions } from "./permissions.ts";

/** What a vhost may say that its queues are, when they do not. */
const QUEUE_TYPES = ["classic", "quorum", "stream"] as const;

/** Vhosts: what there is, making and deleting. */
export function vhostRoutes(api: Api, management: Management): void {
  const { broker } = management;
  const find = (call: Call) => {
    const found = broker.vhosts().find(({ name }) => name === call.req.param("vhost"));
    if (found === undefined) throw notFound();
    return found;
  };

  /** Who makes a vhost may do everything in it: nobody else could let them in. */
  const grantAll = async (call: Call, vhost: string) => {
    const { user } = call.var.session;
    // of those who log in by a token, the token says what they may do
    if (!broker.hasUser(user)) return;
    await broker.setPermissions({ vhost, user, configure: ".*", write: ".*", read: ".*" });
  };

  const describer = async (call: Call) => {
    if (wantsNoStats(call)) return (vhost: Vhost) => describeVhost(vhost, management);
    const stats = new Stats(management.rates, call);
    const meters = new Map((await broker.vhostMeters()).map((meter) => [meter.name, meter]));
    const lengths = await lengthsByVhost(management);
    return (vhost: Vhost): JsonObject => {
      const meter = meters.get(vhost.name);
      return {
        ...describeVhost(vhost, management),
        ...meter === undefined ? {} : stats.octets(meter),
        ...stats.messages(meter),
        ...lengths(vhost.name, stats),
      };
    };
  };

  api.get("/api/vhosts", async (call) =>
    answerList(call, {
      rows: visibleVhosts(call, broker),
      key: ({ name }) => name,
      name: ({ name }) => name,
      describe: await describer(call),
    }));

  api.get("/api/vhosts/:vhost", async (call) => {
    requireAdministrator(call);
    const vhost = find(call);
    return answer(call, (await describer(call))(vhost));
  });

  api.put("/api/vhosts/:vhost", async (call) => {
    requireAdministrator(call);
    const name = call.req.param("vhost");
    const body = await readObject(call);
    const options = readVhost(body);
    const tracing = "tracing" in body ? booleanOf(body, "tracing", false) : undefined;
    const grant = booleanOf(body, "grant", true);
    const before = broker.hasVhost(name);
    await broker.addVhost(name, options);
    if (!before && grant) await grantAll(call, name);
    if (tracing !== undefined) broker.setTracing(name, tracing);
    return call.body(null, before ? 204 : 201);
  });

  api.delete("/api/vhosts/:vhost", async (call) => {
    requireAdministrator(call);
    await broker.deleteVhost(find(call).name);
    return call.body(null, 204);
  });

  for (const [method, protectedFromDeletion] of [["POST", true], ["DELETE", false]] as const) {
    api.on(method, "/api/vhosts/:vhost/deletion/protection", async (call) => {
      requireAdministrator(call);
      await broker.addVhost(find(call).name, { protectedFromDeletion });
      return call.body(null, 204);
    });
  }

  // there is nothing to start: a vhost that is there runs
  api.post("/api/vhosts/:vhost/start/:node", (call) => {
    requireAdministrator(call);
    find(call);
    if (call.req.param("node") !== management.node) throw notFound();
    return call.body(null, 204);
  });

  api.get("/api/vhosts/:vhost/permissions", (call) => {
    requireAdministrator(call);
    const { name: vhost } = find(call);
    return answerList(call, {
      rows: broker.permissions({ vhost }),
      key: byVhost,
      describe: describePermissions,
      paged: false,
    });
  });

  api.get("/api/vhosts/:vhost/topic-permissions", (call) => {
    requireAdministrator(call);
    const { name: vhost } = find(call);
    return answerList(call, {
      rows: broker.topicPermissions({ vhost }),
      key: byVhost,
      describe: (entry): JsonObject => ({ ...entry }),
      paged: false,
    });
  });
}

/** How many messages there are in each vhost, told by a function of its name. */
async function lengthsByVhost(
  { broker, rates }: Management,
): Promise<(vhost: string, stats: Stats) => JsonObject> {
  const sums = new Map<string, Record<string, number>>();
  const slices = new Slices();
  for (const { vhost, values } of broker.meters("queue")) {
    const sum = sums.get(vhost) ?? {};
    for (const name in LENGTHS) sum[name] = (sum[name] ?? 0) + (values[name] ?? 0);
    sums.set(vhost, sum);
    if (slices.over) await slices.rest();
  }
  return (vhost, stats) => {
    const values = sums.get(vhost);
    return values === undefined ? {} : stats.lengths(rates.lengths(vhost, values));
  };
}

/** Clients that write down all fields of an object have null for what they do not set. */
function readVhost(body: JsonObject): VhostOptions {
  // the second name is that of 3.11, and of its clients
  const { tags, default_queue_type: type = body["defaultqueuetype"] } = body;
  const description = body["description"] === null ? "" : body["description"];
  const words = typeof tags === "string"
    ? tags.split(",").map((tag) => tag.trim()).filter(Boolean)
    : tags === null
    ? []
    : tags;
  if (words !== undefined && !(Array.isArray(words) && words.every(isText))) {
    throw badRequest("vhost tags have to be a list of texts");
  }
  const none = type === null || type === "" || type === "undefined";
  const known = none ? null : QUEUE_TYPES.find((one) => one === type);
  if (type !== undefined && known === undefined) {
    throw badRequest(
      `Unsupported default queue type: ${typeof type === "string" ? type : JSON.stringify(type)}`,
    );
  }
  return {
    ...typeof description === "string" ? { description } : {},
    ...words === undefined ? {} : { tags: words as string[] },
    ...known === undefined ? {} : { defaultQueueType: known },
    ..."protected_from_deletion" in body
      ? { protectedFromDeletion: booleanOf(body, "protected_from_deletion", false) }
      : {},
  };
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function describeVhost(vhost: Vhost, { node }: Management): JsonObject {
  const { name, description, tags, defaultQueueType, protectedFromDeletion } = vhost;
  const type = defaultQueueType === undefined ? {} : { default_queue_type: defaultQueueType };
  return {
    name,
    description,
    tags,
    default_queue_type: defaultQueueType ?? "undefined",
    metadata: { description, tags, ...type },
    tracing: vhost.tracing,
    protected_from_deletion: protectedFromDeletion,
    cluster_state: { [node]: "running" },
  };
}
