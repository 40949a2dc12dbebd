/**
 * Exchanges: from a routing key to queues.
 *
 * @module
 */
export { Binding } from "./binding.ts";
export type { BindingFields, Destination } from "./binding.ts";
export { Exchange } from "./exchange.ts";
export type { ExchangeOptions } from "./exchange.ts";
export type {
  ExchangeType,
  Matches,
  RoutedMessage,
  RoutingDelay,
  RoutingHistory,
  RoutingTable,
} from "./exchange_type.ts";
export { ExchangeTypes } from "./exchange_types.ts";
export { Exchanges } from "./exchanges.ts";
export type { MessageKeeper } from "./exchanges.ts";
