import { Broker } from "../../../broker/broker.ts";
import { manage } from "../../../broker/management/mod.ts";
import { ask } from "./ask.ts";
import type { RequestComparison } from "./compare.ts";

/** What definitions consist of. */
const SECTIONS = [
  "users",
  "vhosts",
  "permissions",
  "topic_permissions",
  "parameters",
  "global_parameters",
  "policies",
  "queues",
  "exchanges",
  "bindings",
];

/** What entries have besides in files as 4.x writes them. */
const NEWER: Readonly<Record<string, readonly string[]>> = {
  vhosts: ["metadata", "limits", "description", "tags", "default_queue_type"],
  queues: ["type"],
};

/** What 4.x does not write of exchanges: those that are internal are not in its files. */
const OMITTED = "internal";

type Entry = Readonly<Record<string, unknown>>;

/** Something of each kind, by the requests that make it. */
const THINGS: readonly (readonly [method: string, path: string, body: unknown])[] = [
  ["PUT", "/vhosts/carried", { description: "d", tags: "a,b" }],
  ["PUT", "/users/ann", { password: "s3cret", tags: "monitoring,own" }],
  ["PUT", "/users/nobody", { password_hash: "", tags: "" }],
  ["PUT", "/permissions/carried/ann", { configure: "^a\\.|b", write: "", read: ".*" }],
  ["PUT", "/user-limits/ann/max-channels", { value: 7 }],
  ["PUT", "/vhost-limits/carried/max-queues", { value: 100 }],
  ["PUT", "/global-parameters/burrow", { value: { deep: [1, "a", true] } }],
  ["PUT", "/policies/carried/p", {
    pattern: "^q",
    definition: { "max-length": 10, overflow: "reject-publish" },
    "apply-to": "queues",
    priority: 3,
  }],
  ["PUT", "/operator-policies/carried/o", { pattern: "", definition: { "max-length": 100 } }],
  ["PUT", "/exchanges/carried/x", {
    type: "topic",
    durable: true,
    arguments: { "alternate-exchange": "y" },
  }],
  ["PUT", "/topic-permissions/carried/ann", { exchange: "x", write: "^{username}", read: "" }],
  ["PUT", "/exchanges/carried/y", { type: "fanout", auto_delete: true, durable: true }],
  ["PUT", "/queues/carried/q.classic", {
    durable: true,
    arguments: { "x-max-length": 5, custom: [1, "a", { b: true }] },
  }],
  ["PUT", "/queues/carried/q.quorum", { durable: true, arguments: { "x-queue-type": "quorum" } }],
  ["PUT", "/queues/%2F/s", { durable: true, arguments: { "x-queue-type": "stream" } }],
  ["POST", "/bindings/carried/e/x/q/q.classic", { routing_key: "a.*" }],
  ["POST", "/bindings/carried/e/x/q/q.quorum", { routing_key: "é", arguments: { k: "v" } }],
  ["POST", "/bindings/carried/e/x/e/y", { routing_key: "#" }],
];

/**
 * RabbitMQ's definitions go to an empty Warren, and what that exports to a RabbitMQ that was emptied
 * meanwhile, each time twice: nothing is lost or changed.
 */
export async function carryDefinitions(rabbitmq: string): Promise<RequestComparison> {
  await using broker = new Broker();
  using management = manage(broker);
  await using api = await management.serve({ port: 0 });
  const path = "/definitions";
  const get = async (base: string) => (await ask(base, { method: "GET", path })).body as Entry;
  const post = async (base: string, body: unknown) =>
    (await ask(base, { method: "POST", path, body })).status;
  const unexplained: string[] = [];
  for (const [method, path, body] of THINGS) {
    const { status } = await ask(rabbitmq, { method, path, body });
    if (status !== 201 && status !== 204) unexplained.push(`${method} ${path} is ${status}`);
  }
  const before = await get(rabbitmq);
  const statuses = [await post(api.url, before), await post(api.url, before)];
  const ours = await get(api.url);
  await empty(rabbitmq, before);
  const nothing = await get(rabbitmq);
  statuses.push(await post(rabbitmq, ours), await post(rabbitmq, ours));
  const after = await get(rabbitmq);
  unexplained.push(...statuses.filter((status) => status !== 204).map((one) => `is ${one}`));
  for (const section of SECTIONS) {
    const [one, carried, gone, other] = [before, ours, nothing, after].map((file) =>
      entries(file, section)
    );
    if (gone!.length >= one!.length) unexplained.push(`${section} of RabbitMQ were not deleted`);
    if (JSON.stringify(one) !== JSON.stringify(carried)) {
      unexplained.push(`${section} in Warren: ${JSON.stringify([one, carried])}`);
    }
    if (JSON.stringify(one) !== JSON.stringify(other)) {
      unexplained.push(`${section} of RabbitMQ: ${JSON.stringify([one, other])}`);
    }
  }
  return { title: "definitions go from RabbitMQ to Warren and back", unexplained, explained: [] };
}

/** Deletes all that definitions name, but who asks and where. */
async function empty(base: string, file: Entry): Promise<void> {
  const remove = (...path: readonly unknown[]) =>
    ask(base, {
      method: "DELETE",
      path: path.map((part) => `/${encodeURIComponent(String(part))}`).join(""),
    });
  const all = (section: string) => (file[section] ?? []) as readonly Entry[];
  for (const { name } of all("vhosts")) if (name !== "/") await remove("vhosts", name);
  for (const { name } of all("users")) if (name !== "guest") await remove("users", name);
  const inDefault = (section: string) => all(section).filter(({ vhost }) => vhost === "/");
  for (const { name } of inDefault("queues")) await remove("queues", "/", name);
  for (const { name } of inDefault("exchanges")) await remove("exchanges", "/", name);
  for (const { name } of inDefault("policies")) await remove("policies", "/", name);
  for (const { component, name } of inDefault("parameters")) {
    await remove("parameters", component, "/", name);
  }
  for (const { name } of all("global_parameters")) await remove("global-parameters", name);
}

/** What definitions say of one kind of things, in some order. */
function entries(file: Entry, section: string): string[] {
  const list = (file[section] ?? []) as readonly Entry[];
  // 4.x names the exchange for its log, which it makes itself
  return list.filter(({ name }) => name !== "amq.rabbitmq.log").map((entry) => {
    const known = Object.entries(entry).filter(([name, value]) =>
      !NEWER[section]?.includes(name) && !(name === OMITTED && value === false)
    );
    return JSON.stringify(sorted(Object.fromEntries(known)));
  }).sort();
}

function sorted(value: unknown): unknown {
  // to RabbitMQ no limits are an empty list
  if (Array.isArray(value)) return value.length === 0 ? {} : value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const items = Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1);
  return Object.fromEntries(items.map(([name, item]) => [name, sorted(item)]));
}
