import { hideInside } from "../amqp/hidden_inside.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import { Binding, bindingIdentity } from "./binding.ts";
import type { Destination } from "./binding.ts";
import type { ExchangeType, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import type { Exchanges } from "./exchanges.ts";
import { type OctetRouting, octetRouting } from "./octet_routing.ts";
import { resolveAlone, resolveOctets, resolveRoute } from "./route.ts";
import { RouteCache } from "./route_cache.ts";

/** What an exchange is declared with. */
export interface ExchangeOptions {
  /** Its name. */
  readonly name: string;
  /** Its type; the name of it alone decides nothing. */
  readonly type: ExchangeType;
  /** Survives a restart of the broker. */
  readonly durable?: boolean;
  /** Goes with the last binding that it is the source of. */
  readonly autoDelete?: boolean;
  /** Cannot be published to by clients. */
  readonly internal?: boolean;
  /** The arguments, in the form that decoding gives. */
  readonly arguments?: FieldTable;
}

/**
 * An exchange: what it was declared with, and the bindings that it is the source of.
 *
 * How it finds destinations is its type's business (the table). What holds for every type is here:
 * which binding is the same as which, and what is remembered of routes found before. Who may bind,
 * what happens to an auto-delete exchange without bindings and where durable ones are written down is
 * decided above.
 */
export class Exchange<Q extends Destination> implements Destination {
  /** Tells it from a queue. */
  readonly kind = "exchange";
  /** Its name. */
  readonly name: string;
  /** The name of its type. */
  readonly type: string;
  /** Survives a restart of the broker. */
  readonly durable: boolean;
  /** Goes with the last binding that it is the source of. */
  readonly autoDelete: boolean;
  /** Cannot be published to by clients. */
  readonly internal: boolean;
  /** The arguments that it was declared with. */
  readonly arguments: FieldTable;
  /** The exchanges of its vhost. */
  readonly exchanges: Exchanges<Q>;
  /** Finds destinations among the bindings. */
  readonly table: RoutingTable;
  /** True when its type wants messages kept past their routing: held back, or remembered. */
  readonly keeps: boolean;
  /** True when the routing key alone decides, as long as no binding comes or goes. */
  readonly cacheable: boolean;

  /** How many messages were published to it. */
  publishIn = 0;
  /** To how many queues they went, all together. */
  publishOut = 0;

  private readonly _bindings = new Map<string, Binding<Q>>();
  /** How many of the bindings lead to an exchange. */
  private _exchangeBindings = 0;
  private _alternate: string | undefined;
  private readonly _byOctets: OctetRouting | undefined;
  private readonly _cache = new RouteCache<Q>();
  /** The version of the vhost's bindings that the cache was filled under. */
  private _cacheVersion = 0;

  /**
   * Makes an exchange without bindings. It is not added to those of its vhost yet.
   *
   * @param exchanges The exchanges of its vhost.
   * @param options What it is declared with.
   * @throws {AmqpError} 406 when its type cannot take the arguments.
   */
  constructor(exchanges: Exchanges<Q>, options: ExchangeOptions) {
    this.exchanges = exchanges;
    this.name = options.name;
    this.type = options.type.name;
    this.durable = options.durable ?? false;
    this.autoDelete = options.autoDelete ?? false;
    this.internal = options.internal ?? false;
    this.arguments = options.arguments ?? {};
    this.table = options.type.createTable(this.arguments);
    this._byOctets = octetRouting(this.table);
    this.keeps = this.table.delay !== undefined || this.table.history !== undefined;
    this.cacheable = this.table.cacheable && !this.keeps;
    const alternate = this.arguments["alternate-exchange"];
    this._alternate = typeof alternate === "string" ? alternate : undefined;
  }

  /** Name of the exchange that gets what none of the bindings matches; it need not exist. At first
   * what the argument `alternate-exchange` says; a policy may set it later. */
  get alternate(): string | undefined {
    return this._alternate;
  }
  set alternate(name: string | undefined) {
    if (name === this._alternate) return;
    this._alternate = name;
    this._cache.clear();
    this.exchanges.changed();
  }

  /** True when all bindings lead to queues. */
  get leadsToQueuesOnly(): boolean {
    return this._exchangeBindings === 0;
  }

  /** True when its bindings and the routing key alone decide where a message goes. */
  get decidesAlone(): boolean {
    return this.cacheable && this._exchangeBindings === 0 && this._alternate === undefined;
  }

  /** True when it is the source of a binding. */
  get hasBindings(): boolean {
    return this._bindings.size > 0;
  }

  /** How many bindings it is the source of. */
  get bindingCount(): number {
    return this._bindings.size;
  }

  /** The bindings that it is the source of, oldest first. They may be removed while going through. */
  bindings(): Iterable<Binding<Q>> {
    return this._bindings.values();
  }

  /**
   * Checks a binding that a client wants to add.
   *
   * @throws {AmqpError} 406 when clients may not add it.
   */
  check(destination: Q | Exchange<Q>, routingKey: string, arguments_: FieldTable = {}): void {
    this.table.check?.({ destination, routingKey, arguments: arguments_ });
  }

  /**
   * Adds a binding.
   *
   * @param destination A queue, or an exchange of the same vhost.
   * @param routingKey The binding key.
   * @param arguments_ The arguments, in the form that decoding gives.
   * @returns The new binding, or undefined when the same one was already there.
   * @throws {AmqpError} 406 when the exchange's type cannot take the key or the arguments.
   */
  bind(
    destination: Q | Exchange<Q>,
    routingKey: string,
    arguments_: FieldTable = {},
  ): Binding<Q> | undefined {
    const binding = new Binding(this, { destination, routingKey, arguments: arguments_ });
    if (this._bindings.has(binding.identity)) return undefined;
    this.table.add(binding);
    this._bindings.set(binding.identity, binding);
    if (destination.kind === "exchange") this._exchangeBindings++;
    this._bindingsChanged(binding);
    return binding;
  }

  /** True when `bind` with equal arguments has made a binding that is still there. */
  has(destination: Q | Exchange<Q>, routingKey: string, arguments_: FieldTable = {}): boolean {
    return this._bindings.has(bindingIdentity({ destination, routingKey, arguments: arguments_ }));
  }

  /**
   * Removes the binding that `bind` with equal arguments made.
   *
   * @param destination Where it leads.
   * @param routingKey The binding key.
   * @param arguments_ The arguments, in any order.
   * @returns The binding that was removed, or undefined when there was none.
   */
  unbind(
    destination: Q | Exchange<Q>,
    routingKey: string,
    arguments_: FieldTable = {},
  ): Binding<Q> | undefined {
    const identity = bindingIdentity({ destination, routingKey, arguments: arguments_ });
    const binding = this._bindings.get(identity);
    if (binding !== undefined) this.remove(binding);
    return binding;
  }

  /**
   * Removes a binding.
   *
   * @param binding One of this exchange.
   * @returns False when it is not there any more.
   */
  remove(binding: Binding<Q>): boolean {
    if (this._bindings.get(binding.identity) !== binding) return false;
    this._bindings.delete(binding.identity);
    this.table.remove(binding);
    if (binding.destination.kind === "exchange") this._exchangeBindings--;
    this._bindingsChanged(binding);
    return true;
  }

  private _bindingsChanged(binding: Binding<Q>): void {
    this.exchanges.changed();
    const onlyKey = this.table.onlyKey?.(binding);
    if (onlyKey === undefined) this._cache.clear();
    else this._cache.delete(onlyKey);
  }

  /**
   * Finds the queues of a message: through the bindings, the exchanges that they lead to, and the
   * alternate exchange of each one that has nothing for it.
   *
   * @param routingKey The routing key.
   * @param message Gives what else a table may want to see.
   * @param moreKeys Further keys to route by, as the headers CC and BCC give them.
   * @returns Each queue once. The array belongs to the exchange and never changes.
   */
  route(routingKey: string, message: RoutedMessage, moreKeys?: readonly string[]): readonly Q[] {
    if (moreKeys !== undefined && moreKeys.length > 0) {
      return resolveRoute(this, { routingKey, moreKeys, message });
    }
    if (this._exchangeBindings === 0 && !this.keeps) {
      const found = this.table.lookup?.(routingKey);
      if (found !== undefined && (found.length > 0 || this._alternate === undefined)) {
        return found as readonly Q[]; // all bindings lead to queues
      }
    }
    if (!this.cacheable) return resolveRoute(this, { routingKey, message });
    this._checkCache();
    const known = this._cache.get(routingKey);
    if (known !== undefined) return known;
    if (!this.decidesAlone) return resolveRoute(this, { routingKey, message, cache: this._cache });
    const queues = resolveAlone(this, routingKey, message);
    this._cache.set(routingKey, queues);
    return queues;
  }

  /**
   * As `route`, for a routing key that lies somewhere as ASCII octets and has never come before, so that
   * nothing is remembered of it.
   *
   * @returns Undefined when it takes more than the octets.
   */
  routeOctets(octets: Uint8Array, start: number, end: number): readonly Q[] | undefined {
    const table = this._byOctets;
    if (table === undefined || !this.decidesAlone) return undefined;
    return resolveOctets(this, table, octets, start, end);
  }

  /** What others see of it: see `hideInside`. */
  toJSON(): Record<string, unknown> {
    const { kind, name, type, durable, autoDelete, internal, arguments: arguments_ } = this;
    return { kind, name, type, durable, autoDelete, internal, arguments: arguments_ };
  }

  /** Drops what is remembered if it may depend on bindings of other exchanges and any have changed.
   * Changes of our own have dropped what they concern already. */
  private _checkCache(): void {
    if (this._exchangeBindings === 0 && this._alternate === undefined) return;
    const { version } = this.exchanges;
    if (version === this._cacheVersion) return;
    this._cacheVersion = version;
    this._cache.clear();
  }
}

hideInside(Exchange);
