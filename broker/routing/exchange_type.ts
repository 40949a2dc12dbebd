import type { FieldTable } from "../amqp/field_table.ts";
import type { BasicProperties } from "../amqp/properties.ts";
import type { BindingFields, Destination } from "./binding.ts";

/** What a table may look at in a message besides its routing key, decoded only when it asks. Good during the
 * call that is given it, and not longer: the next message may come in the same object. */
export interface RoutedMessage {
  /** The headers; undefined when the message has none. A whole number that came as a double is a
   * `Double`. */
  headers(): FieldTable | undefined;
  /** The properties, headers included. */
  basicProperties(): BasicProperties;
}

/** Takes what a table finds. Finding a destination twice is harmless. */
export interface Matches {
  /** Adds one destination. */
  add(destination: Destination): void;
  /** Adds all of an array, which holds none twice and will never change. */
  addAll(destinations: readonly Destination[]): void;
}

/**
 * The bindings of one exchange in the form that its type finds them by: what differs between types.
 *
 * The exchange keeps count of its bindings, so a table is never given the same one twice, is asked
 * to remove only what it was given, and needs no other state than what it looks up. Caching, other
 * exchanges behind this one and alternate exchanges are none of its business.
 */
export interface RoutingTable {
  /**
   * True when, as long as no binding comes or goes, the routing key alone decides. The exchange then
   * remembers what `route` found. False for a table that looks at headers, or that draws lots.
   */
  readonly cacheable: boolean;
  /**
   * Adds a binding.
   *
   * @throws {AmqpError} 406 when this type cannot take its key or arguments; nothing has changed then.
   */
  add(binding: BindingFields): void;
  /**
   * Looks at a binding that a client wants to add, before it is. What was there before a restart is not
   * asked about again.
   *
   * @throws {AmqpError} 406 when clients may not add it.
   */
  check?(binding: BindingFields): void;
  /** Removes a binding. Must not throw. */
  remove(binding: BindingFields): void;
  /** Adds each destination that a message with this key matches to `into`. Must not throw, and must
   * not change anything that an array given to `into` before still holds. */
  route(routingKey: string, message: RoutedMessage, into: Matches): void;
  /**
   * Gives all destinations of a key, if a single look-up finds them: quicker than any cache.
   *
   * @returns An array that holds none twice and will never change; undefined when it takes `route`.
   */
  lookup?(routingKey: string): readonly Destination[] | undefined;
  /**
   * Gives the one routing key that a binding can match, so that the exchange forgets no others when
   * the binding comes or goes; undefined when there may be several.
   */
  onlyKey?(binding: BindingFields): string | undefined;
  /** True when the further keys of a message, those of its headers CC and BCC, do not matter: for
   * tables that choose one destination. */
  readonly oneKey?: boolean;
  /** What holds messages back before the exchange routes them; undefined when nothing does. */
  readonly delay?: RoutingDelay | undefined;
  /** What the exchange remembers for destinations that are bound later; undefined for nothing. */
  readonly history?: RoutingHistory | undefined;
}

/** Messages are held back for a while. The broker does it; a table says which and how long. */
export interface RoutingDelay {
  /** For how many milliseconds; 0 or less for a message that is routed at once. */
  of(message: RoutedMessage): number;
  /** Makes the properties that it goes on with when its time has come. Default: its own. */
  propertiesAfter?(properties: BasicProperties): BasicProperties;
}

/** The last messages are given to each new destination. The broker does it; a table says which. */
export interface RoutingHistory {
  /** How many are remembered. */
  readonly length: number;
  /** True for a message to remember. */
  takes(message: RoutedMessage): boolean;
}

/**
 * An exchange type: how the exchanges that were declared with it find destinations.
 *
 * @example A type that sends everything to the queue that was bound last
 * ```ts
 * import { type BindingFields, Broker, type ExchangeType } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * const last: ExchangeType = {
 *   name: "x-last",
 *   createTable() {
 *     const bindings = new Set<BindingFields>();
 *     return {
 *       cacheable: true,
 *       add: (binding) => void bindings.add(binding),
 *       remove: (binding) => void bindings.delete(binding),
 *       route(_routingKey, _message, into) {
 *         const found = [...bindings].at(-1);
 *         if (found !== undefined) into.add(found.destination);
 *       },
 *     };
 *   },
 * };
 *
 * await using broker = new Broker({ exchangeTypes: [last] });
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 * await channel.exchangeDeclare("news", "x-last");
 * for (const queue of ["old", "new"]) {
 *   await channel.queueDeclare(queue);
 *   await channel.queueBind({ queue, exchange: "news" });
 * }
 * await channel.basicPublish({ exchange: "news" }, "hello");
 * assertEquals(await channel.basicGet("old"), undefined);
 * assertEquals((await channel.basicGet("new"))?.text(), "hello");
 * ```
 */
export interface ExchangeType {
  /** The name to declare it by. */
  readonly name: string;
  /**
   * Makes the table of a new exchange.
   *
   * @param arguments_ The arguments that the exchange was declared with.
   * @throws {AmqpError} 406 when they make no sense for this type.
   */
  createTable(arguments_: FieldTable): RoutingTable;
}
