import { AmqpError } from "./amqp/error.ts";
import type { FieldTable } from "./amqp/field_table.ts";
import { fitsShortString } from "./amqp/field_value.ts";
import type { Logger } from "./amqp/logger.ts";
import type { PasswordHash, PasswordHashing } from "./auth/password.ts";
import { ALL_PERMISSIONS } from "./auth/permissions.ts";
import {
  exportPermissions,
  exportTopicPermissions,
  exportUsers,
  importPermission,
  importTopicPermission,
  importUser,
  usualAlgorithm,
} from "./auth/user_definitions.ts";
import type { Users } from "./auth/users.ts";
import {
  type DefinedThings,
  DefinitionSection,
  type DefinitionSections,
} from "./definition_sections.ts";
import { argumentsFromJson, argumentsToJson } from "./json_arguments.ts";
import { DefinitionError } from "./policy/error.ts";
import { isJsonObject, jsonCopy, type JsonObject, type JsonValue } from "./policy/json.ts";
import { limitsValue } from "./policy/limits.ts";
import { readLongJson } from "./policy/long_json.ts";
import { type Policy, policyValue } from "./policy/policy.ts";
import type { Profile } from "./profiles.ts";
import type { MessageQueue } from "./queue/message_queue.ts";
import { queueTypeOf } from "./queue/queue_arguments.ts";
import type { Binding, Exchange } from "./routing/mod.ts";
import { metadataValue, withDefaultQueueType } from "./vhost/metadata.ts";
import type { Parameter } from "./vhost/settings.ts";
import type { VirtualHost } from "./vhost/vhost.ts";
import { WARREN_VERSION } from "./version.ts";
import type { VirtualHosts } from "./virtual_hosts.ts";

/**
 * Users, vhosts, exchanges, queues, bindings, policies and parameters as RabbitMQ's definitions file
 * has them, both ways.
 *
 * @module
 */

/** What the file says of who wrote it. */
function fileFacts({ profile: { version } }: { readonly profile: Profile }) {
  return {
    rabbit_version: version,
    rabbitmq_version: version,
    product_name: "Warren",
    product_version: WARREN_VERSION,
  };
}

// ---- out

/** All that the broker was told, and that is neither a message nor one connection's alone. */
export function exportAll(vhosts: VirtualHosts, users: Users): DefinitionSections {
  const all = [...vhosts];
  const ofAll = <T>(things: (vhost: VirtualHost) => DefinedThings<T>) =>
    DefinitionSection.of(all.map((vhost) => withVhost(vhost, things(vhost))));
  return {
    ...fileFacts(vhosts),
    rabbitmq_definition_format: "cluster",
    original_cluster_name: vhosts.clusterName,
    explanation: `Definitions of cluster '${vhosts.clusterName}'`,
    users: DefinitionSection.of([exportUsers(users)]),
    vhosts: DefinitionSection.of([{ rows: all, key: ({ name }) => name, describe: vhostEntry }]),
    permissions: DefinitionSection.of([exportPermissions(users)]),
    topic_permissions: DefinitionSection.of([exportTopicPermissions(users)]),
    parameters: ofAll(exportParameters),
    global_parameters: DefinitionSection.of([exportGlobalParameters(vhosts)]),
    policies: ofAll(exportPolicies),
    queues: ofAll(exportQueues),
    exchanges: ofAll(exportExchanges),
    bindings: ofAll(exportBindings),
  };
}

/** The same of one vhost, in a form that can be imported into another one. */
export function exportVhost(vhost: VirtualHost): DefinitionSections {
  const { name, settings: { limits, metadata } } = vhost;
  return {
    ...fileFacts(vhost),
    rabbitmq_definition_format: "single_virtual_host",
    original_vhost_name: name,
    explanation: `Definitions of virtual host '${name}'`,
    description: metadata.description,
    metadata: metadataValue(metadata),
    limits: limitsValue(limits),
    parameters: DefinitionSection.of([exportParameters(vhost)]),
    policies: DefinitionSection.of([exportPolicies(vhost)]),
    queues: DefinitionSection.of([exportQueues(vhost)]),
    exchanges: DefinitionSection.of([exportExchanges(vhost)]),
    bindings: DefinitionSection.of([exportBindings(vhost)]),
  };
}

function vhostEntry({ name, settings: { limits, metadata } }: VirtualHost): JsonObject {
  return { name, limits: limitsValue(limits), metadata: metadataValue(metadata) };
}

function withVhost<T>({ name }: VirtualHost, things: DefinedThings<T>): DefinedThings<T> {
  return { ...things, describe: (row) => ({ vhost: name, ...things.describe(row) }) };
}

/** Policies have a section of their own, operator policies and limits have not. */
function exportParameters({ settings }: VirtualHost): DefinedThings<Parameter> {
  return {
    rows: [...settings.unsortedParameters].filter(({ component }) => component !== "policy"),
    key: ({ component, name }) => `${component}\0${name}`,
    describe: ({ component, name, value }) => ({ component, name, value }),
  };
}

function exportGlobalParameters(
  { globalParameters }: VirtualHosts,
): DefinedThings<VirtualHosts["globalParameters"][number]> {
  return {
    rows: globalParameters,
    key: ({ name }) => name,
    describe: ({ name, value }) => ({ name, value }),
  };
}

function exportPolicies({ settings }: VirtualHost): DefinedThings<Policy> {
  return {
    rows: settings.policies.list("policy"),
    key: ({ name }) => name,
    describe: (policy) => ({ name: policy.name, ...policyValue(policy) }),
  };
}

function exportQueues({ queues }: VirtualHost): DefinedThings<MessageQueue> {
  return {
    rows: [...queues.values()].filter(isExported),
    key: ({ name }) => name,
    describe: (queue) => ({
      name: queue.name,
      type: queueTypeOf(queue.arguments),
      durable: queue.durable,
      auto_delete: queue.autoDelete,
      arguments: argumentsToJson(queue.arguments),
    }),
  };
}

function exportExchanges({ exchanges }: VirtualHost): DefinedThings<Exchange<MessageQueue>> {
  return {
    rows: [...exchanges].filter(isExported),
    key: ({ name }) => name,
    describe: (exchange) => ({
      name: exchange.name,
      type: exchange.type,
      durable: exchange.durable,
      auto_delete: exchange.autoDelete,
      internal: exchange.internal,
      arguments: argumentsToJson(exchange.arguments),
    }),
  };
}

function exportBindings({ exchanges }: VirtualHost): DefinedThings<Binding<MessageQueue>> {
  return {
    rows: [...exchanges].flatMap((exchange) => [...exchange.bindings()])
      .filter(({ destination }) => destination.kind === "exchange" || isExported(destination)),
    key: (binding) => JSON.stringify(bindingEntry(binding)),
    describe: bindingEntry,
  };
}

function bindingEntry(
  { source, destination, routingKey, arguments: arguments_ }: Binding<MessageQueue>,
): JsonObject {
  return {
    source: source.name,
    destination: destination.name,
    destination_type: destination.kind,
    routing_key: routingKey,
    arguments: argumentsToJson(arguments_),
  };
}

/** What one connection has alone, and what the broker has named, is not for others. */
function isExported({ name, exclusive }: { name: string; exclusive?: boolean }): boolean {
  return exclusive !== true && name !== "" && !name.startsWith("amq.");
}

// ---- in

/** So much of a file is made a text at once, in bytes: that takes half a millisecond. */
const DECODED = 64 * 1024;

/**
 * Reads a definitions file, a part of it each time that it is asked to go on.
 *
 * @throws {DefinitionError} When it is none.
 */
export function* readDefinitionsFile(file: unknown): Generator<void, JsonObject> {
  const what = "definitions file";
  const text = file instanceof Uint8Array ? yield* decoded(file) : file;
  const value = typeof text === "string" ? yield* readText(text, what) : jsonCopy(text, what);
  if (isJsonObject(value)) return value;
  throw new DefinitionError("invalid", "definitions file is not an object");
}

function* decoded(bytes: Uint8Array): Generator<void, string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let at = 0; at < bytes.length; at += DECODED) {
    text += decoder.decode(bytes.subarray(at, at + DECODED), { stream: true });
    yield;
  }
  return text + decoder.decode();
}

function* readText(file: string, what: string): Generator<void, JsonValue> {
  try {
    return yield* readLongJson(file.trim() === "" ? "{}" : file.replace(/^\ufeff/, ""), what);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const text = `definitions are not JSON: ${cause.message}`;
    throw new DefinitionError("invalid", text, { cause });
  }
}

/** What an import needs besides the file. */
export interface ImportOptions {
  /** Where things are. */
  readonly vhosts: VirtualHosts;
  /** Who there is. */
  readonly users: Users;
  /** The hashes of passwords that the file says itself, by their users' entries. */
  readonly hashes: ReadonlyMap<JsonObject, PasswordHash>;
  /** What a hash was made with of which the file does not say it. */
  readonly hashing: PasswordHashing;
  /** Who may do everything in vhosts that are new; undefined when nobody may by that. */
  readonly grantTo: string | undefined;
  /** Where warnings go. */
  readonly logger: Logger;
}

/** Imports into all of the broker, or one vhost. Nothing is deleted; what exists of exchanges, queues
 * and bindings stays as it is; users, vhosts, policies and parameters are replaced. */
export class DefinitionsImport {
  readonly #vhosts: VirtualHosts;
  readonly #users: Users;
  readonly #hashes: ReadonlyMap<JsonObject, PasswordHash>;
  readonly #hashing: PasswordHashing;
  readonly #grantTo: string | undefined;
  readonly #logger: Logger;
  readonly #file: JsonObject;
  /** The one vhost that all goes into; undefined when the entries say into which. */
  readonly #only: string | undefined;
  /** Whose exclusive queues it could touch: nobody's. */
  readonly #owner = {};
  /** Those whose policies have been changed. */
  readonly #withPolicies = new Set<VirtualHost>();

  /**
   * @param only The vhost to import into; undefined when the file says.
   * @throws {DefinitionError} When there is no such vhost.
   */
  constructor(options: ImportOptions, file: JsonObject, only?: string) {
    const { vhosts, users, hashes, hashing, grantTo, logger } = options;
    this.#vhosts = vhosts;
    this.#users = users;
    this.#hashes = hashes;
    this.#hashing = hashing;
    this.#grantTo = grantTo;
    this.#logger = logger;
    this.#file = file;
    this.#only = only;
    if (only !== undefined) this.#existing(only);
  }

  /**
   * Does it, in RabbitMQ's order, an entry each time that it is asked to go on. What was there before may
   * be gone by then.
   *
   * @throws {DefinitionError} At the first entry that cannot be; what came before it stays.
   */
  *steps(): Generator<void> {
    if (this.#only === undefined) {
      const usual = usualAlgorithm(this.#hashing, this.#file["rabbit_version"]);
      yield* this.#each("users", (entry) => {
        importUser(this.#users, entry, this.#hashes.get(entry), usual);
      });
      yield* this.#each("vhosts", (entry) => this.#addVhost(entry));
    }
    yield* this.#checkRoomForQueues();
    if (this.#only === undefined) {
      yield* this.#each("permissions", (entry) => {
        this.#vhostOf(entry);
        importPermission(this.#users, entry);
      });
      yield* this.#each("topic_permissions", (entry) => {
        this.#vhostOf(entry);
        importTopicPermission(this.#users, entry);
      });
    }
    yield* this.#each("exchanges", (entry) => this.#addExchange(entry));
    if (this.#only === undefined) {
      yield* this.#each("global_parameters", ({ name, value }) => {
        this.#vhosts.setGlobalParameter(textOf(name, "name", "global parameter"), value);
      });
    }
    try {
      yield* this.#each("policies", (entry) => this.#addPolicy(entry));
      yield* this.#each("parameters", (entry) => this.#addParameter(entry));
    } finally {
      // once for all of them, also of those before one that cannot be
      for (const { settings } of this.#withPolicies) yield* settings.policyApplications();
    }
    yield* this.#each("queues", (entry) => this.#addQueue(entry));
    for (const entry of this.#section("bindings")) {
      yield* this.#addBinding(entry);
      yield;
    }
  }

  *#each(section: string, add: (entry: JsonObject) => void): Generator<void> {
    for (const entry of this.#section(section)) {
      add(entry);
      yield;
    }
  }

  /** The entries of a section; none when it is missing. */
  #section(name: string): readonly JsonObject[] {
    return sectionOf(this.#file, name);
  }

  #existing(name: string): VirtualHost {
    const vhost = this.#vhosts.find(name);
    if (vhost !== undefined) return vhost;
    throw new DefinitionError(
      "not-found",
      `Please create virtual host "${name}" prior to importing definitions.`,
    );
  }

  #vhostOf({ vhost, name }: JsonObject): VirtualHost {
    if (this.#only !== undefined) return this.#existing(this.#only);
    if (typeof vhost === "string") return this.#existing(vhost);
    throw new DefinitionError(
      "invalid",
      `'${name}' does not say which vhost it belongs to: definitions of a single vhost have to be ` +
        "imported into one",
    );
  }

  #addVhost(entry: JsonObject): void {
    const { metadata, description, tags, tracing, limits } = entry;
    const name = textOf(entry["name"], "name", "vhost");
    const isNew = this.#vhosts.find(name) === undefined;
    this.#vhosts.add(name, {
      ...isJsonObject(metadata) ? metadata : {},
      ...description === undefined ? {} : { description },
      ...tags === undefined ? {} : { tags },
    });
    const vhost = this.#vhosts.get(name);
    if (typeof tracing === "boolean") vhost.setTracing(tracing);
    if (isNew) this.#grant(name);
    // RabbitMQ goes by the parameter, which its own files have as well, and passes over these
    if (isJsonObject(limits) && Object.keys(limits).length > 0) {
      located(`(vhost: "${name}")`, () => {
        vhost.settings.setParameter("vhost-limits", "limits", limits);
      });
    }
  }

  /** Before the file's own permissions, which count more. */
  #grant(vhost: string): void {
    const user = this.#grantTo;
    // of those who log in by a token, the token says what they may do
    if (user === undefined || this.#users.find(user) === undefined) return;
    this.#users.setPermissions({ user, vhost, ...ALL_PERMISSIONS });
  }

  /** Refuses a file with too many queues as a whole. */
  *#checkRoomForQueues(): Generator<void> {
    const added = new Map<VirtualHost, number>();
    for (const entry of this.#section("queues")) {
      yield;
      const vhost = this.#vhostOf(entry);
      if (vhost.queues.has(String(entry["name"]))) continue;
      added.set(vhost, (added.get(vhost) ?? 0) + 1);
    }
    for (const [{ name, queues, settings }, count] of added) {
      const limit = settings.limits.maxQueues ?? -1;
      if (limit < 0 || queues.size + count <= limit) continue;
      throw new DefinitionError(
        "limit",
        `Adding ${count} queue(s) to virtual host "${name}" would exceed the limit of ${limit} ` +
          `queue(s).\n\nThis virtual host currently has ${queues.size} queue(s) defined.\n\n` +
          "Import aborted!",
      );
    }
  }

  #addExchange(entry: JsonObject): void {
    const name = shortTextOf(entry["name"], "name", "exchange");
    const vhost = this.#vhostOf(entry);
    if (!isExported({ name }) || vhost.exchanges.get(name) !== undefined) return;
    const { type, durable = true, auto_delete: autoDelete, internal } = entry;
    translated(`exchange '${name}'`, () =>
      vhost.declareExchange(name, {
        type: textOf(type, "type", `exchange '${name}'`),
        passive: false,
        durable: durable === true,
        autoDelete: autoDelete === true,
        internal: internal === true,
        arguments: argumentsFromJson(entry["arguments"]),
      }));
  }

  #addPolicy(entry: JsonObject): void {
    const vhost = this.#vhostOf(entry);
    const name = textOf(entry["name"], "name", `policy in virtual host '${vhost.name}'`);
    const value = only(entry, ["pattern", "definition", "priority", "apply-to"]);
    located(
      `(vhost: "${vhost.name}" key: "${name}")`,
      () => this.#keepParameter(vhost, "policy", name, value),
    );
  }

  #keepParameter(vhost: VirtualHost, component: string, name: string, value: unknown): void {
    const policy = vhost.settings.setParameter(component, name, value);
    if (policy !== undefined) this.#withPolicies.add(vhost);
  }

  #addParameter(entry: JsonObject): void {
    const vhost = this.#vhostOf(entry);
    const component = textOf(entry["component"], "component", "parameter");
    const name = textOf(entry["name"], "name", "parameter");
    located(`(vhost: "${vhost.name}" / component: "${component}" / key: "${name}")`, () => {
      refusePolicyParameter(component);
      this.#keepParameter(vhost, component, name, entry["value"]);
    });
  }

  #addQueue(entry: JsonObject): void {
    const name = shortTextOf(entry["name"], "name", "queue");
    const vhost = this.#vhostOf(entry);
    if (!isExported({ name }) || vhost.queues.has(name)) return;
    const { type, durable = true, auto_delete: autoDelete } = entry;
    translated(`queue '${name}'`, () => {
      const declared = {
        passive: false,
        durable: durable === true,
        exclusive: false,
        autoDelete: autoDelete === true,
        arguments: argumentsFromJson(entry["arguments"]),
      };
      const becomes = queueTypeOf(withDefaultQueueType(declared, vhost.defaultQueueType));
      // one that was made before the default must not become another type
      const named: FieldTable = typeof type === "string" && type !== becomes
        ? { "x-queue-type": type }
        : {};
      const arguments_ = { ...named, ...declared.arguments };
      vhost.declareQueue(name, { ...declared, arguments: arguments_ }, this.#owner);
    });
  }

  /** What an exchange remembers for who is bound later may be very much. */
  *#addBinding(entry: JsonObject): Generator<void> {
    const vhost = this.#vhostOf(entry);
    const source = textOf(entry["source"], "source", "binding");
    const destination = textOf(entry["destination"], "destination", "binding");
    const { destination_type: type, routing_key: routingKey = "" } = entry;
    if (type !== "queue" && type !== "exchange") {
      const text = `destination_type of a binding is ${JSON.stringify(type)}`;
      throw new DefinitionError("invalid", text);
    }
    // every queue has one of those
    if (source === "") return;
    const { exchanges, queues } = vhost;
    const end = type === "queue" ? queues.get(destination) : exchanges.get(destination);
    if (exchanges.get(source) === undefined || end === undefined) {
      // RabbitMQ exports bindings of internal exchanges and of queues that it named, but not these
      const text = `binding from '${source}' to '${destination}' in vhost '${vhost.name}'`;
      this.#logger.log("warning", `definitions: ${text} passed over: one of these does not exist`);
      return;
    }
    const thing = `binding from '${source}' to '${destination}'`;
    const steps = translated(thing, () => {
      const fields = {
        source,
        destination,
        routingKey: shortTextOf(routingKey, "routing_key", "binding"),
        arguments: argumentsFromJson(entry["arguments"]),
      };
      return type === "queue"
        ? vhost.beginBindingQueue(fields, this.#owner)
        : vhost.beginBindingExchange(fields);
    });
    if (steps === undefined) return;
    while (translated(thing, () => steps.next()).done !== true) yield;
  }
}

/**
 * The entries of a section of a definitions file; none when it is missing.
 *
 * @throws {DefinitionError} When it is no list of objects.
 */
export function sectionOf(file: JsonObject, name: string): readonly JsonObject[] {
  const entries = file[name] ?? [];
  if (Array.isArray(entries) && entries.every(isJsonObject)) return entries;
  throw new DefinitionError("invalid", `section '${name}' of definitions is not a list of objects`);
}

/** @throws {DefinitionError} When a parameter would be a policy, which has a way of its own. */
export function refusePolicyParameter(component: string): void {
  if (component !== "policy") return;
  throw new DefinitionError("invalid", "policies may not be set using this method");
}

function textOf(value: JsonValue | undefined, field: string, thing: string): string {
  if (typeof value === "string") return value;
  throw new DefinitionError("invalid", `${thing} has no ${field}`);
}

/** A text that AMQP can say: it has at most 255 bytes. */
function shortTextOf(value: JsonValue | undefined, field: string, thing: string): string {
  const text = textOf(value, field, thing);
  if (fitsShortString(text)) return text;
  throw new DefinitionError("invalid", `${field} of ${thing} is longer than 255 bytes`);
}

/** Some of the entries of an object. */
function only(entry: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(entry).filter(([name]) => names.includes(name)));
}

/** Says where it was that something went wrong. */
function located(where: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof DefinitionError)) throw error;
    throw new DefinitionError(error.code, `${error.message} ${where}`, { cause: error });
  }
}

/** Says what could not be made, whatever it was that refused it. */
function translated<Result>(thing: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    if (!(cause instanceof AmqpError) && !(cause instanceof TypeError)) throw cause;
    throw new DefinitionError("invalid", `${thing}: ${cause.message}`, { cause });
  }
}
