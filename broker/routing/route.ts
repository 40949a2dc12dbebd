/**
 * From a routing key to queues: through the bindings of an exchange, on to the exchanges that they
 * lead to, and to alternate exchanges.
 *
 * @module
 */
import type { Destination } from "./binding.ts";
import { NO_DESTINATIONS } from "./bucket.ts";
import type { Exchange } from "./exchange.ts";
import type { Matches, RoutedMessage } from "./exchange_type.ts";
import type { OctetRouting } from "./octet_routing.ts";
import type { RouteCache } from "./route_cache.ts";

/** What routing needs to know of a message. */
export interface RouteRequest<Q extends Destination> {
  /** The routing key. */
  readonly routingKey: string;
  /** Further keys. Each exchange on the way looks for all of them. */
  readonly moreKeys?: readonly string[];
  /** Gives the rest, should a table want to see it. */
  readonly message: RoutedMessage;
  /** Where to remember the result, unless an exchange on the way speaks against it. */
  readonly cache?: RouteCache<Q>;
}

/**
 * Finds the queues of a message, without looking at what is remembered.
 *
 * Each exchange is visited once, so cycles end. An exchange whose own bindings match nothing at all,
 * neither a queue nor an exchange, is followed by its alternate, if there is one of that name.
 *
 * @param start The exchange that the message was published to.
 * @param request What is known of the message.
 * @returns Each queue once, in an array that never changes.
 */
export function resolveRoute<Q extends Destination>(
  start: Exchange<Q>,
  request: RouteRequest<Q>,
): readonly Q[] {
  // more than one is needed only when a table of some plug-in routes through another exchange
  const found = idle.pop() as Found<Q> | undefined ?? new Found<Q>();
  let cacheable: boolean;
  if (start.leadsToQueuesOnly && start.alternate === undefined) {
    matchBindings(start, request, found);
    cacheable = start.cacheable;
  } else {
    cacheable = visitExchanges(start, request, found);
  }
  const queues = found.finish();
  idle.push(found);
  if (cacheable) request.cache?.set(request.routingKey, queues);
  return queues;
}

/**
 * As `resolveRoute`, for an exchange that decides alone.
 *
 * @returns Each queue once, in an array that never changes.
 */
export function resolveAlone<Q extends Destination>(
  exchange: Exchange<Q>,
  routingKey: string,
  message: RoutedMessage,
): readonly Q[] {
  const found = idle.pop() as Found<Q> | undefined ?? new Found<Q>();
  found.start(exchange);
  exchange.table.route(routingKey, message, found);
  const queues = found.finish();
  idle.push(found);
  return queues;
}

/**
 * As `resolveRoute`, for an exchange that decides alone, by the octets of a routing key.
 *
 * @returns Each queue once, in an array that never changes.
 */
export function resolveOctets<Q extends Destination>(
  exchange: Exchange<Q>,
  table: OctetRouting,
  octets: Uint8Array,
  start: number,
  end: number,
): readonly Q[] {
  const found = idle.pop() as Found<Q> | undefined ?? new Found<Q>();
  found.start(exchange);
  table.routeOctets(octets, start, end, found);
  const queues = found.finish();
  idle.push(found);
  return queues;
}

const idle: Found<Destination>[] = [];

/** Visits all exchanges that the message gets to. Returns false when one of them went by something
 * else than the routing key. */
function visitExchanges<Q extends Destination>(
  start: Exchange<Q>,
  request: RouteRequest<Q>,
  found: Found<Q>,
): boolean {
  let cacheable = true;
  found.exchanges.add(start);
  // the set grows while it is gone through
  for (const exchange of found.exchanges) {
    if (!exchange.cacheable) cacheable = false;
    if (matchBindings(exchange, request, found) || exchange.alternate === undefined) continue;
    const alternate = exchange.exchanges.get(exchange.alternate);
    if (alternate !== undefined) found.exchanges.add(alternate);
  }
  return cacheable;
}

/** Finds what the bindings of one exchange lead to; returns false when that is nothing. A message
 * that the exchange holds back is not lost, so it is no matter for an alternate exchange. */
function matchBindings<Q extends Destination>(
  exchange: Exchange<Q>,
  { routingKey, moreKeys, message }: RouteRequest<Q>,
  found: Found<Q>,
): boolean {
  if (exchange.keeps && exchange.exchanges.keeper?.keep(exchange, message)) return true;
  found.start(exchange);
  const { table } = exchange;
  table.route(routingKey, message, found);
  if (moreKeys !== undefined && !table.oneKey) {
    for (const key of moreKeys) table.route(key, message, found);
  }
  return found.matched;
}

/** Up to this size an array is searched quicker than a set. */
const SEARCH_MAX = 16;

/** What has been found for one message. Used again for the next. */
class Found<Q extends Destination> implements Matches {
  /** The exchanges that the message gets to, in the order they are visited. */
  readonly exchanges = new Set<Exchange<Q>>();
  /** True when the exchange that is being visited has matched something. */
  matched = false;
  /** True when that exchange leads to queues only. */
  private _queuesOnly = true;
  private _queues: readonly Q[] = NONE;
  /** The same array, once it is our own: up to then it is a table's and must not change. */
  private _own: Q[] | undefined = undefined;
  /** The same queues, once they are many. */
  private _set: Set<Q> | undefined = undefined;

  /** Goes on with another exchange. */
  start(exchange: Exchange<Q>): void {
    this.matched = false;
    this._queuesOnly = exchange.leadsToQueuesOnly;
  }

  add(destination: Destination): void {
    this.matched = true;
    // what bindings of an Exchange<Q> lead to is a Q or another Exchange<Q>
    if (destination.kind === "exchange") this.exchanges.add(destination as Exchange<Q>);
    else this._addQueue(destination as Q);
  }

  addAll(destinations: readonly Destination[]): void {
    if (destinations.length === 0) return;
    if (this._queuesOnly && this._queues.length === 0) {
      this.matched = true;
      this._queues = destinations as readonly Q[];
      return;
    }
    for (const destination of destinations) this.add(destination);
  }

  private _addQueue(queue: Q): void {
    const own = this._own ??= this._queues = [...this._queues];
    if (own.length < SEARCH_MAX) {
      if (own.includes(queue)) return;
    } else {
      const set = this._set ??= new Set(own);
      if (set.has(queue)) return;
      set.add(queue);
    }
    own.push(queue);
  }

  /** Gives the queues and forgets everything. */
  finish(): readonly Q[] {
    const queues = this._queues;
    if (this.exchanges.size > 0) this.exchanges.clear();
    this._queues = NONE;
    this._own = undefined;
    this._set = undefined;
    return queues;
  }
}

const NONE = NO_DESTINATIONS as readonly never[];
