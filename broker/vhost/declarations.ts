import type { FieldTable } from "../amqp/field_table.ts";

/**
 * What declarations ask for, and whom they have to ask.
 *
 * @module
 */

/** The fields of `exchange.declare` apart from its name. */
export interface ExchangeDeclaration {
  readonly type: string;
  readonly passive: boolean;
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly internal: boolean;
  readonly arguments: FieldTable;
}

/** The fields of `queue.declare` apart from its name. */
export interface QueueDeclaration {
  readonly passive: boolean;
  readonly durable: boolean;
  readonly exclusive: boolean;
  readonly autoDelete: boolean;
  readonly arguments: FieldTable;
}

/** The fields of a binding as methods name it. */
export interface BindingDeclaration {
  readonly source: string;
  readonly destination: string;
  readonly routingKey: string;
  readonly arguments: FieldTable;
}

/** What a declaration asks for, as soon as the name is known. Each throws an `AmqpError` of 403. */
export interface DeclarePermit {
  /** Something of this name is declared. */
  declare(name: string): void;
  /** It is new, and what it does not keep is to go on to an exchange. */
  forward(name: string, exchange: string): void;
}

/** How many queues, exchanges and bindings all vhosts may have together, and whether there is room for them
 * and for consumers. */
export interface TopologyLimits {
  /**
   * @param name The queue.
   * @throws {AmqpError} 406 when there are as many as there may be, or V8's heap is nearly full.
   */
  checkRoomForQueue(name: string): void;
  /**
   * @param exchange How texts call it: `exchange 'e' in vhost '/'`.
   * @throws {AmqpError} 406 as for a queue.
   */
  checkRoomForExchange(exchange: string): void;
  /**
   * @param binding What it leads to and from where, as texts call them.
   * @throws {AmqpError} 406 as for a queue.
   */
  checkRoomForBinding(binding: () => string): void;
  /**
   * @param queue How texts call it.
   * @throws {AmqpError} 406 when V8's heap is nearly full.
   */
  checkRoomForConsumer(queue: () => string): void;
}
