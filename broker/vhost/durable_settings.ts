import { type JsonValue, readJson } from "../policy/json.ts";
import type { Store } from "../store/store.ts";
import { decodeDefinition, encodeDefinition } from "./topology.ts";

/**
 * Vhosts, their parameters and those of the whole broker as definitions of the store. What they say is
 * JSON, since that is what operators write. Policies and limits are parameters, as in RabbitMQ.
 *
 * @module
 */

/** Written once the first vhosts were made: which there are is the store's to know from then on. */
const BEGUN = JSON.stringify(["vhosts-begun"]);

/** A parameter of a vhost. */
export interface ParameterDefinition {
  readonly vhost: string;
  readonly component: string;
  readonly name: string;
  readonly value: JsonValue;
}

/** What a store knows apart from topology. */
export interface StoredSettings {
  /** True when its first vhosts were made. */
  readonly begun: boolean;
  /** Of each vhost by name what is said of it. */
  readonly vhosts: ReadonlyMap<string, JsonValue>;
  /** The parameters of vhosts. */
  readonly parameters: readonly ParameterDefinition[];
  /** The parameters of the whole broker, by name. */
  readonly globalParameters: ReadonlyMap<string, JsonValue>;
}

/** Writes settings down and crosses them out. */
export class DurableSettings {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  begin(): void {
    if (!this.#store.definitions.has(BEGUN)) this.#store.define(BEGUN, encodeDefinition({}));
  }

  setVhost(name: string, metadata: JsonValue): void {
    this.#set(["vhost", name], metadata);
  }

  deleteVhost(name: string): void {
    this.#store.undefine(JSON.stringify(["vhost", name]));
  }

  setParameter({ vhost, component, name, value }: ParameterDefinition): void {
    this.#set(["parameter", vhost, component, name], value);
  }

  deleteParameter({ vhost, component, name }: Omit<ParameterDefinition, "value">): void {
    this.#store.undefine(JSON.stringify(["parameter", vhost, component, name]));
  }

  setGlobalParameter(name: string, value: JsonValue): void {
    this.#set(["global-parameter", name], value);
  }

  deleteGlobalParameter(name: string): void {
    this.#store.undefine(JSON.stringify(["global-parameter", name]));
  }

  /** Writes something down that is not a vhost's. */
  set(key: readonly string[], value: JsonValue): void {
    this.#set(key, value);
  }

  /** Crosses it out. */
  delete(key: readonly string[]): void {
    this.#store.undefine(JSON.stringify(key));
  }

  #set(key: readonly string[], value: JsonValue): void {
    this.#store.define(JSON.stringify(key), encodeDefinition({ json: JSON.stringify(value) }));
  }
}

/**
 * All settings that a store defines.
 *
 * @throws {StoreError} When some of it cannot be read, as when a newer version wrote it.
 */
export function readSettings(store: Pick<Store, "definitions">): StoredSettings {
  const vhosts = new Map<string, JsonValue>();
  const parameters: ParameterDefinition[] = [];
  const globalParameters = new Map<string, JsonValue>();
  for (const [key, bytes] of store.definitions) {
    const [kind, first, component, name] = JSON.parse(key) as string[];
    if (kind !== "vhost" && kind !== "parameter" && kind !== "global-parameter") continue;
    const value = readJson(String(decodeDefinition(bytes)["json"]));
    if (kind === "vhost") vhosts.set(first!, value);
    else if (kind === "global-parameter") globalParameters.set(first!, value);
    else parameters.push({ vhost: first!, component: component!, name: name!, value });
  }
  return { begun: store.definitions.has(BEGUN), vhosts, parameters, globalParameters };
}

/**
 * What a store defines that begins with one of these words, with the words of its key.
 *
 * @throws {StoreError} When some of it cannot be read, as when a newer version wrote it.
 */
export function readRecords(
  store: Pick<Store, "definitions">,
  kinds: readonly string[],
): [key: readonly string[], value: JsonValue][] {
  const records: [key: readonly string[], value: JsonValue][] = [];
  for (const [text, bytes] of store.definitions) {
    const key = JSON.parse(text) as string[];
    if (!kinds.includes(key[0]!)) continue;
    records.push([key, readJson(String(decodeDefinition(bytes)["json"]))]);
  }
  return records;
}
