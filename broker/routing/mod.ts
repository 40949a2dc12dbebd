/**
 * Exchanges: from a routing key to queues.
 *
 * @module
 */
export { Binding } from "./binding.ts";
export type { BindingFields, Destination } from "./binding.ts";
export { Exchange } from "./exchange.ts";
export type { ExchangeOptions } from "./exchange.ts";
export { ExchangeTypes } from "./exchange_type.ts";
export type { ExchangeType, LazyHeaders, Matches, RoutingTable } from "./exchange_type.ts";
export { Exchanges } from "./exchanges.ts";
