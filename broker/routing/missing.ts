import { AmqpError } from "../amqp/error.ts";
import { Bucket } from "./bucket.ts";
import type { ExchangeType, RoutingTable } from "./exchange_type.ts";

/**
 * Stands for the type of a durable exchange that this broker does not know any more: the exchange
 * and its bindings are there, but nothing passes. RabbitMQ, `rabbit_exchange_type_invalid.erl`.
 *
 * @param name The name of the type.
 * @param exchange The exchange, for the error: `exchange 'x' in vhost '/'`.
 */
export function missingType(name: string, exchange: string): ExchangeType {
  return { name, createTable: () => new MissingTable(name, exchange) };
}

class MissingTable extends Bucket implements RoutingTable {
  readonly cacheable = false;
  readonly #type: string;
  readonly #exchange: string;

  constructor(type: string, exchange: string) {
    super();
    this.#type = type;
    this.#exchange = exchange;
  }

  route(): never {
    throw new AmqpError(
      406,
      `Cannot route message through ${this.#exchange}: exchange type ${this.#type} not found`,
    );
  }
}
