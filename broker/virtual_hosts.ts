import { AmqpError } from "./amqp/error.ts";
import { fitsShortString } from "./amqp/field_value.ts";
import { finish } from "./amqp/long_work.ts";
import type { ParameterEvent } from "./events.ts";
import type { HeapGuard } from "./heap_guard.ts";
import { DefinitionError } from "./policy/error.ts";
import { jsonCopy, type JsonObject, type JsonValue } from "./policy/json.ts";
import { reachedLimit } from "./policy/limits.ts";
import { checkNameSize } from "./policy/names.ts";
import { DROP_IN, type Profile } from "./profiles.ts";
import type { Store } from "./store/store.ts";
import type { TopologyLimits } from "./vhost/declarations.ts";
import { VhostDeletions } from "./vhost/deletions.ts";
import { DurableSettings, readSettings } from "./vhost/durable_settings.ts";
import { type Definition, forgetLosses, hasLosses, readDefinitions } from "./vhost/topology.ts";
import { NODE_NAME } from "./version.ts";
import { VirtualHost, type VirtualHostSurroundings } from "./vhost/vhost.ts";

/** What the vhosts of a broker share, and how much they may have together. */
export interface VirtualHostsOptions extends Omit<VirtualHostSurroundings, "limits"> {
  /** How many queues. Default: Infinity. */
  readonly queueMax?: number;
  /** How many vhosts. Default: Infinity. */
  readonly vhostMax?: number;
  /** How many exchanges. Default: Infinity. */
  readonly exchangeMax?: number;
  /** How many bindings. Default: Infinity. */
  readonly bindingMax?: number;
  /** Tells whether there is room for more of any kind. Default: there is. */
  readonly heap?: Pick<HeapGuard, "check">;
}

/** How many more of something there may be. What there is, is counted only when it may be too much. */
class Room {
  readonly max: number;
  /** So many may come before it is counted again. */
  #left = 0;

  constructor(max: number) {
    this.max = max;
  }

  /** Takes room for one more. */
  take(count: () => number): boolean {
    if (this.#left === 0) this.#left = Math.max(0, this.max - count());
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  /** Some came that had not to ask. */
  recount(): void {
    this.#left = 0;
  }
}

/** The vhosts of a broker, and the parameters that belong to none of them. */
export class VirtualHosts implements TopologyLimits {
  /** What differs between versions of RabbitMQ. */
  readonly profile: Profile;
  readonly #bindings: Room;
  readonly #heap: Pick<HeapGuard, "check"> | undefined;
  readonly #queues: Room;
  readonly #vhostMax: number;
  readonly #exchanges: Room;
  readonly #surroundings: VirtualHostSurroundings;
  readonly #durable: DurableSettings | undefined;
  readonly #byName = new Map<string, VirtualHost>();
  readonly #deletions = new VhostDeletions();
  readonly #globalParameters = new Map<string, JsonValue>();

  /** @param surroundings What they share. */
  constructor(surroundings: VirtualHostsOptions) {
    this.#surroundings = { ...surroundings, limits: this };
    const { store, profile = DROP_IN, queueMax = Infinity, exchangeMax = Infinity } = surroundings;
    this.#bindings = new Room(surroundings.bindingMax ?? Infinity);
    this.#heap = surroundings.heap;
    this.profile = profile;
    this.#queues = new Room(queueMax);
    this.#vhostMax = surroundings.vhostMax ?? Infinity;
    this.#exchanges = new Room(exchangeMax);
    this.#durable = store === undefined ? undefined : new DurableSettings(store);
  }

  /**
   * Makes the vhosts that there are when the broker starts, with all that the store remembers.
   *
   * @param wanted Those that there must be. Undefined: the usual one, unless the store knows better.
   * @param onDefault Called with the one where the broker tells of itself, before there is anything in
   * it: `/`, or the first.
   * @param usual The one that a new broker begins with.
   */
  start(
    wanted: readonly string[] | undefined,
    onDefault: (vhost: VirtualHost) => void,
    usual = "/",
  ): void {
    const { store } = this.#surroundings;
    if (store !== undefined) this.#startFrom(store, wanted, onDefault, usual);
    else {
      for (const name of wanted ?? [usual]) {
        if (!this.#byName.has(name)) this.#addNew(name);
      }
      const home = this.#home;
      if (home !== undefined) onDefault(home);
    }
    for (const vhost of this) vhost.start();
  }

  #startFrom(
    store: Store,
    wanted: readonly string[] | undefined,
    onDefault: (vhost: VirtualHost) => void,
    usual: string,
  ): void {
    // all is read before anything is written: a newer version's store is left as it is
    const stored = readSettings(store);
    const definitions = readDefinitions(store);
    for (const [name, metadata] of stored.vhosts) {
      const vhost = new VirtualHost(name, this.#surroundings);
      vhost.settings.restoreMetadata(metadata);
      this.#byName.set(name, vhost);
    }
    for (const name of wanted ?? (stored.begun ? [] : [usual])) {
      if (!this.#byName.has(name)) this.#addNew(name);
    }
    for (const { vhost } of hasLosses(store) ? definitions : []) {
      if (!this.#byName.has(vhost)) this.#addNew(vhost);
    }
    this.#durable?.begin();
    const home = this.#home;
    if (home !== undefined) onDefault(home);
    for (const { vhost, component, name, value } of stored.parameters) {
      this.#byName.get(vhost)?.settings.restoreParameter(component, name, value);
    }
    for (const [name, value] of stored.globalParameters) this.#globalParameters.set(name, value);
    for (const vhost of this) vhost.settings.applyPolicies();
    this.#restoreTopology(store, definitions, home);
    forgetLosses(store);
  }

  /** Where the broker tells of itself: `/`, or the first. */
  get #home(): VirtualHost | undefined {
    const [first] = this.#byName.values();
    return this.#byName.get("/") ?? first;
  }

  /**
   * Makes again what the store remembers, and forgets the messages of what is gone, unless its
   * definition may be lost.
   */
  #restoreTopology(
    store: Store,
    definitions: readonly Definition[],
    home: VirtualHost | undefined,
  ): void {
    const alive = new Set<number>();
    for (const definition of definitions) {
      if (definition.kind !== "binding" && definition.id !== undefined) alive.add(definition.id);
    }
    const nameless: number[] = [];
    for (const [id, queue] of [...store.queues]) {
      if (alive.has(id)) continue;
      if (queue.count > 0 && hasLosses(store)) nameless.push(id);
      else store.removeQueue(queue);
    }
    for (const definition of definitions) {
      this.#byName.get(definition.vhost)?.restore(definition);
    }
    if (nameless.length === 0) return;
    // with all vhosts lost, there is one again
    if (home === undefined) this.#addNew("/");
    for (const id of nameless) (home ?? this.get("/")).recoverQueue(id);
  }

  /** Finds a vhost. */
  find(name: string): VirtualHost | undefined {
    return this.#byName.get(name);
  }

  /** @throws {DefinitionError} When there is no such vhost. */
  get(name: string): VirtualHost {
    const vhost = this.#byName.get(name);
    if (vhost === undefined) {
      throw new DefinitionError("not-found", `Virtual host '${name}' does not exist`);
    }
    return vhost;
  }

  /**
   * One of them, or all by name.
   *
   * @throws {DefinitionError} When there is no such vhost.
   */
  some(name: string | undefined): VirtualHost[] {
    return name === undefined ? [...this] : [this.get(name)];
  }

  /** All of them, by name. */
  [Symbol.iterator](): Iterator<VirtualHost> {
    const byName = [...this.#byName.values()];
    return byName.sort((one, other) => one.name < other.name ? -1 : 1).values();
  }

  checkRoomForQueue(name: string): void {
    this.#heap?.check("queue", () => `declare queue '${name}'`);
    const room = this.#queues;
    if (room.take(() => this.#count(({ queues }) => queues.size))) return;
    throw new AmqpError(
      406,
      `cannot declare queue '${name}': queue limit in cluster (${room.max}) is reached`,
    );
  }

  checkRoomForExchange(exchange: string): void {
    this.#heap?.check("exchange", () => `declare ${exchange}`);
    const room = this.#exchanges;
    if (room.take(() => this.#count(({ exchanges }) => exchanges.size))) return;
    throw new AmqpError(
      406,
      `cannot declare ${exchange}: exchange limit of ${room.max} is reached`,
    );
  }

  checkRoomForBinding(binding: () => string): void {
    this.#heap?.check("binding", () => `bind ${binding()}`);
    const room = this.#bindings;
    const countOf = ({ exchanges }: VirtualHost) =>
      [...exchanges].reduce((sum, { bindingCount }) => sum + bindingCount, 0);
    if (room.take(() => this.#count(countOf))) return;
    throw new AmqpError(406, `cannot bind ${binding()}: binding limit of ${room.max} is reached`);
  }

  checkRoomForConsumer(queue: () => string): void {
    this.#heap?.check("consumer", () => `consume from ${queue()}`);
  }

  #count(countOf: (vhost: VirtualHost) => number): number {
    let count = 0;
    for (const vhost of this.#byName.values()) count += countOf(vhost);
    return count;
  }

  /**
   * Finds the vhost that a client wants to enter.
   *
   * @throws {AmqpError} 530 when there is none, or it has as many connections as it may have.
   */
  enter(name: string, user: string): VirtualHost {
    const vhost = this.#byName.get(name);
    if (vhost === undefined) throw new AmqpError(530, `vhost ${name} not found`);
    const limit = reachedLimit(vhost.settings.limits.maxConnections, vhost.connections.size);
    if (limit === undefined) return vhost;
    throw new AmqpError(
      530,
      `access to vhost '${name}' refused for user '${user}': connection limit (${limit}) is reached`,
    );
  }

  /**
   * Adds a vhost, or changes what is said of one that is there.
   *
   * @throws {DefinitionError} When something about its name or the metadata is wrong, or there are as
   * many as there may be.
   */
  add(name: string, metadata: JsonObject): void {
    checkName(name);
    const copy = jsonCopy(metadata, `metadata of vhost ${name}`) as JsonObject;
    const current = this.#byName.get(name);
    if (current !== undefined) {
      current.settings.setMetadata(copy);
      this.#surroundings.events.emit("vhost.updated", current.event);
      return;
    }
    this.#addNew(name, copy);
  }

  #addNew(name: string, metadata: JsonObject = {}): void {
    checkName(name);
    if (this.#byName.size >= this.#vhostMax) {
      const text = `cannot create vhost '${name}': vhost limit of ${this.#vhostMax} is reached`;
      throw new DefinitionError("limit", text);
    }
    // what the store knows of it by name must not be that of the one before
    this.#deletions.finish(name);
    const vhost = new VirtualHost(name, this.#surroundings);
    // it is there only if all of that is right
    vhost.settings.setMetadata(metadata);
    this.#byName.set(name, vhost);
    this.#exchanges.recount();
    this.#surroundings.events.emit("vhost.created", vhost.event);
  }

  /**
   * Deletes a vhost with all that is in it; its connections are closed. Nobody can enter it any more; what
   * is much is done in slices.
   *
   * @param onGone Called in the same moment in which the last of it goes.
   * @returns Resolves when all of it is gone.
   * @throws {DefinitionError} When there is none, or it is protected.
   */
  async delete(name: string, onGone: () => void): Promise<void> {
    const vhost = this.get(name);
    if (vhost.settings.metadata.protectedFromDeletion) {
      throw new DefinitionError(
        "protected",
        `Refusing to delete virtual host '${name}' because it is protected from deletion`,
      );
    }
    this.#byName.delete(name);
    await this.#deletions.begin(vhost, onGone);
  }

  /** Resolves when there is nothing left of a vhost that is being deleted; undefined when there is none. */
  whenGone(name: string): Promise<void> | undefined {
    return this.#deletions.of(name);
  }

  /** Sets no timer any more, and leaves nothing half done: the broker closes. */
  stop(): void {
    this.#deletions.finish();
    for (const vhost of this) vhost.stop();
  }

  /** Deletes all vhosts, those that are protected as well, and the parameters that belong to none. */
  clear(): void {
    this.#deletions.finish();
    for (const vhost of this) {
      this.#byName.delete(vhost.name);
      finish(vhost.deleting());
    }
    for (const { name } of this.globalParameters) this.deleteGlobalParameter(name);
  }

  /** The parameters that belong to no vhost, by name. */
  get globalParameters(): readonly { readonly name: string; readonly value: JsonValue }[] {
    return [...this.#globalParameters].map(([name, value]) => ({ name, value }))
      .sort((one, other) => one.name < other.name ? -1 : 1);
  }

  /** What operators call the broker; its node's name when nobody has said. */
  get clusterName(): string {
    const set = this.#globalParameters.get("cluster_name");
    return typeof set === "string" ? set : this.#surroundings.nodeName ?? NODE_NAME;
  }

  /** Sets such a parameter, in place of an older one. */
  setGlobalParameter(name: string, value: unknown): void {
    checkNameSize("global parameter", name);
    const copy = jsonCopy(value, `value of ${name}`);
    this.#globalParameters.set(name, copy);
    this.#durable?.setGlobalParameter(name, copy);
    this.#surroundings.events.emit("parameter.set", { ...globalParameter(name), value: copy });
  }

  /** @throws {DefinitionError} When there is no such parameter. */
  deleteGlobalParameter(name: string): void {
    if (!this.#globalParameters.delete(name)) {
      throw new DefinitionError("not-found", "Parameter does not exist");
    }
    this.#durable?.deleteGlobalParameter(name);
    this.#surroundings.events.emit("parameter.cleared", globalParameter(name));
  }
}

function globalParameter(name: string): ParameterEvent {
  return { vhost: undefined, component: "global", name };
}

function checkName(name: string): void {
  if (typeof name !== "string") throw new TypeError("Cannot add vhost: its name is no text");
  if (!fitsShortString(name)) {
    throw new DefinitionError("invalid", "name of vhost is longer than 255 bytes");
  }
}
