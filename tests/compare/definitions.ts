import { Broker } from "../../broker/broker.ts";
import type { JsonObject, JsonValue } from "../../broker/policy/json.ts";
import { connect } from "../../client/connect.ts";
import type { RabbitmqServer } from "../support/rabbitmq.ts";
import type { Comparison } from "./compare.ts";
import { generationOf } from "./generation.ts";

/** Definitions of policies that are wrong, one way or another. */
const WRONG: readonly JsonObject[] = [
  { "message-ttl": -1 },
  { expires: 0 },
  { "max-length": "a" },
  { "max-length-bytes": { a: ["b", null, true] } },
  { overflow: "nope" },
  { "dead-letter-exchange": 1 },
  { foo: [1, "a", { b: null }], bar: "x" },
  {},
];

/** The sections of definitions that both know. */
const SECTIONS = [
  "users",
  "permissions",
  "topic_permissions",
  "vhosts",
  "parameters",
  "global_parameters",
  "policies",
  "queues",
  "exchanges",
  "bindings",
];

/** Compares what operators see: texts of refusals, and definitions that go from one to the other. */
export async function* compareDefinitions(rabbitmq: RabbitmqServer): AsyncGenerator<Comparison> {
  for (const definition of WRONG) yield await compareRefusal(rabbitmq, definition);
  await using broker = await furnishedBroker();
  const ours = broker.exportDefinitions();
  const theirs = await throughRabbitmq(rabbitmq, ours);
  yield compared("definitions: RabbitMQ exports what it imported from Warren", theirs, ours);
  await using other = new Broker();
  await other.importDefinitions(theirs);
  yield compared(
    "definitions: Warren exports what it imported from RabbitMQ",
    theirs,
    other.exportDefinitions(),
  );
  yield {
    title: "definitions: users keep their passwords, both ways",
    rabbitmq: `${await logsIn(rabbitmq.port, "ops", "s3cret")}`,
    warren: `${await other.authenticateUser("ops", "s3cret")}`,
  };
  yield* compareNewerFile(rabbitmq);
  const slow = await throughRabbitmq(rabbitmq, await definitionsWithScrypt());
  const entry = (slow["users"] as readonly JsonObject[]).find(({ name }) => name === "slow");
  yield {
    title: "definitions: RabbitMQ takes a user whose password it cannot verify, without it",
    rabbitmq: JSON.stringify([entry?.["name"], entry?.["password_hash"], entry?.["tags"]]),
    warren: JSON.stringify(["slow", "", ["monitoring"]]),
  };
}

/** What RabbitMQ 3.10 does not know of a file as 4.x writes it: keys of vhosts, policies, arguments, */
const NEWER_KEYS = [
  "protected_from_deletion",
  "target-group-size",
  "consumer-timeout",
  "stream-max-segment-size-bytes",
  "x-stream-filter-size-bytes",
];
/** what policies may apply to, */
const NEWER_TARGETS = ["quorum_queues", "classic_queues", "streams"];
/** parameters of a plugin that is off, and the name that this one is not to be called by. */
const UNKNOWN_PARAMETERS = ["federation-upstream", "cluster_name"];

/** A file in the form of 4.x, which RabbitMQ 3.10 takes but for what it does not know. */
async function* compareNewerFile(rabbitmq: RabbitmqServer): AsyncGenerator<Comparison> {
  const text = await Deno.readTextFile(new URL("../broker/definitions_4.x.json", import.meta.url));
  await using broker = new Broker();
  await broker.importDefinitions(text);
  const file = knownToOlder(broker.exportDefinitions());
  const theirs = await throughRabbitmq(rabbitmq, file);
  const title = "definitions: RabbitMQ exports what it imported of a file in the form of 4.x";
  yield compared(title, ofNewerFile(theirs), ofNewerFile(plain(rabbitmq, file)));
}

function knownToOlder(file: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(file), (name, value) => {
    if (name === "apply-to" && NEWER_TARGETS.includes(value)) return "queues";
    if (value === "x-local-random") return "x-random";
    if (NEWER_KEYS.includes(name)) return undefined;
    if (name !== "parameters" && name !== "global_parameters") return value;
    return (value as readonly JsonObject[]).filter(({ component, name }) =>
      !UNKNOWN_PARAMETERS.includes(String(component ?? name))
    );
  });
}

/** What that file has and RabbitMQ had not: there is more from before. */
function ofNewerFile(file: JsonObject): JsonObject {
  const names = ["orders", "certificate", "plain", "cluster_tags"];
  return Object.fromEntries(SECTIONS.map((section) => {
    const entries = (file[section] ?? []) as readonly JsonObject[];
    return [
      section,
      entries.filter(({ vhost, name }) => vhost === "orders" || names.includes(String(name))),
    ];
  }));
}

async function logsIn(port: number, username: string, password: string): Promise<boolean> {
  try {
    await using connection = await connect({ hostname: "127.0.0.1", port, username, password });
    await connection.openChannel();
    return true;
  } catch {
    return false;
  }
}

async function definitionsWithScrypt(): Promise<JsonObject> {
  await using broker = new Broker();
  await broker.addUser("slow", { password: "s3cret", tags: ["monitoring"] });
  return broker.exportDefinitions();
}

async function compareRefusal(
  rabbitmq: RabbitmqServer,
  definition: JsonObject,
): Promise<Comparison> {
  const json = JSON.stringify(definition);
  const text = (error: Error) => error.message.replace(/^Error:\n/, "").trim();
  await using broker = new Broker();
  return {
    title: `policies: ${json} is refused`,
    rabbitmq: await rabbitmq.control("set_policy", "p", "^x", json).catch(text),
    warren: await broker.setPolicy({ name: "p", pattern: "^x", definition })
      .then(() => "", text),
  };
}

/** A broker with something of everything that RabbitMQ 3.10 knows as well. */
async function furnishedBroker(): Promise<Broker> {
  const broker = new Broker({ passwordHashing: "rabbitmq-sha256" });
  await broker.addUser("ops", {
    password: "s3cret",
    tags: ["administrator", "own word"],
    limits: { maxConnections: 10, maxChannels: -1 },
  });
  await broker.addUser("nopassword");
  const patterns = { configure: "^a\\.|b", write: "", read: ".*" };
  await broker.setPermissions({ user: "ops", ...patterns });
  const topic = { exchange: "amq.topic", write: "^{username}\\.", read: "" };
  await broker.setTopicPermissions({ user: "ops", ...topic });
  await broker.addVhost("v", {
    description: "other",
    tags: ["a", "b"],
    defaultQueueType: "quorum",
  });
  await broker.setVhostLimits({ maxConnections: 10, maxQueues: 100 }, { vhost: "v" });
  await broker.setPolicy({
    name: "p",
    pattern: "^q\\.",
    applyTo: "queues",
    priority: 3,
    definition: { "max-length": 10, "dead-letter-exchange": "x", overflow: "reject-publish" },
    vhost: "v",
  });
  await broker.setOperatorPolicy({ name: "o", pattern: "", definition: { "max-length": 100 } });
  await broker.setGlobalParameter("burrow", "deep");
  const connection = await broker.connect({ vhost: "v" });
  const channel = await connection.openChannel();
  const arguments_ = { "alternate-exchange": "y" };
  await channel.exchangeDeclare("x", "topic", { durable: true, arguments: arguments_ });
  await channel.exchangeDeclare("y", "fanout", { autoDelete: true });
  await channel.exchangeBind({ source: "x", destination: "y", routingKey: "#" });
  await channel.queueDeclare("q.quorum", { durable: true });
  await channel.queueDeclare("q.classic", {
    arguments: { "x-max-length": 5, "x-overflow": "reject-publish", custom: [1, "a", { b: true }] },
  });
  await channel.queueBind({ queue: "q.quorum", exchange: "x", routingKey: "k" });
  await channel.queueBind({
    queue: "q.classic",
    exchange: "amq.headers",
    arguments: { "x-match": "any", size: 5 },
  });
  return broker;
}

/** What a RabbitMQ exports after it has imported definitions. */
async function throughRabbitmq(
  rabbitmq: RabbitmqServer,
  definitions: JsonObject,
): Promise<JsonObject> {
  const directory = await Deno.makeTempDir({ prefix: "definitions-" });
  try {
    await Deno.writeTextFile(`${directory}/in.json`, JSON.stringify(definitions));
    await rabbitmq.control("import_definitions", `${directory}/in.json`);
    await rabbitmq.control("export_definitions", `${directory}/out.json`);
    return plain(rabbitmq, JSON.parse(await Deno.readTextFile(`${directory}/out.json`)));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function plain({ version }: RabbitmqServer, file: JsonObject): JsonObject {
  return generationOf(version) === 4 ? withoutAdditions(file) : file;
}

/** A file without what RabbitMQ 4 says of everything, asked or not: the usual type of queues, its own exchange, and
 * that there are no tags. */
function withoutAdditions(file: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(file), (name, value) => {
    if (name === "x-queue-type" && value === "classic") return undefined;
    if (name === "default_queue_type" && value === "classic") return undefined;
    if (name !== "exchanges" && name !== "global_parameters") return value;
    return (value as readonly JsonObject[]).filter((entry) =>
      entry["name"] !== "amq.rabbitmq.log" &&
      (entry["name"] !== "cluster_tags" || JSON.stringify(entry["value"]) !== "[]")
    );
  });
}

function compared(title: string, rabbitmq: JsonObject, warren: JsonObject): Comparison {
  return { title, rabbitmq: comparable(rabbitmq), warren: comparable(warren) };
}

/** The sections as a text that does not depend on order. */
function comparable(definitions: JsonObject): string {
  return SECTIONS.flatMap((name) => {
    const entries = (definitions[name] ?? []) as readonly JsonObject[];
    return [name, ...entries.map((entry) => ordered(alike(entry))).sort()];
  }).join("\n");
}

/** RabbitMQ exports no internal exchanges, so it does not say which ones are; and no limits are an
 * empty list to it. */
function alike({ internal: _, ...entry }: JsonObject): JsonObject {
  return Array.isArray(entry["limits"]) && entry["limits"].length === 0
    ? { ...entry, limits: {} }
    : entry;
}

/** A value with its keys in order, and objects that RabbitMQ writes as lists of pairs as objects. */
function ordered(value: JsonValue): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const list = Array.isArray(value) ? value as readonly JsonValue[] : undefined;
  if (list !== undefined && !isPairs(list)) return `[${list.map(ordered).join(",")}]`;
  const pairs = list === undefined ? Object.entries(value) : list as [string, JsonValue][];
  return `{${pairs.toSorted().map(([name, item]) => `${name}:${ordered(item)}`).join(",")}}`;
}

function isPairs(list: readonly JsonValue[]): boolean {
  return list.length > 0 &&
    list.every((item) => Array.isArray(item) && item.length === 2 && typeof item[0] === "string");
}
