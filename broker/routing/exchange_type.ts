import type { FieldTable } from "../amqp/field_table.ts";
import type { BindingFields, Destination } from "./binding.ts";
import { DirectTable } from "./direct.ts";
import { FanoutTable } from "./fanout.ts";
import { HeadersTable } from "./headers.ts";
import { TopicTable } from "./topic.ts";

/** The headers of a message, decoded only when a table asks for them. */
export type LazyHeaders = () => FieldTable | undefined;

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
  /** Removes a binding. */
  remove(binding: BindingFields): void;
  /** Adds each destination that a message with this key and these headers matches to `into`. Must
   * not throw, and must not change anything that an array given to `into` before still holds. */
  route(routingKey: string, headers: LazyHeaders, into: Matches): void;
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
}

/** An exchange type: how the exchanges that were declared with it find destinations. */
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

/**
 * The exchange types of one broker: direct, fanout, headers and topic, and those that its program
 * adds. Brokers of one process share none.
 */
export class ExchangeTypes {
  readonly #byName = new Map<string, ExchangeType>();

  /** Starts with the types that every broker has. */
  constructor() {
    this.register({ name: "direct", createTable: () => new DirectTable() });
    this.register({ name: "fanout", createTable: () => new FanoutTable() });
    this.register({ name: "headers", createTable: () => new HeadersTable() });
    this.register({ name: "topic", createTable: () => new TopicTable() });
  }

  /**
   * Adds a type. Exchanges can be declared with it from then on.
   *
   * @param type The type.
   * @returns The same type.
   * @throws {TypeError} When a type of this name is there already.
   *
   * @example A type that sends everything to the queue that was bound last
   * ```ts
   * import { type BindingFields, Exchange, Exchanges, ExchangeTypes } from "./mod.ts";
   * import { assertEquals } from "@std/assert";
   *
   * const types = new ExchangeTypes();
   * const type = types.register({
   *   name: "x-last",
   *   createTable() {
   *     const bindings = new Set<BindingFields>();
   *     return {
   *       cacheable: true,
   *       add: (binding) => void bindings.add(binding),
   *       remove: (binding) => void bindings.delete(binding),
   *       route(_routingKey, _headers, into) {
   *         const last = [...bindings].at(-1);
   *         if (last !== undefined) into.add(last.destination);
   *       },
   *     };
   *   },
   * });
   *
   * const exchange = new Exchange(new Exchanges(), { name: "latest", type });
   * exchange.bind({ kind: "queue", name: "old" }, "");
   * exchange.bind({ kind: "queue", name: "new" }, "");
   * assertEquals(exchange.route("any", () => undefined).map((queue) => queue.name), ["new"]);
   * ```
   */
  register(type: ExchangeType): ExchangeType {
    if (this.#byName.has(type.name)) {
      throw new TypeError(`Cannot register exchange type "${type.name}": the name is taken`);
    }
    this.#byName.set(type.name, type);
    return type;
  }

  /**
   * Finds a type.
   *
   * @param name Its name.
   * @returns The type, or undefined when there is none of this name.
   */
  get(name: string): ExchangeType | undefined {
    return this.#byName.get(name);
  }

  /** The names of all types, in the order of their registration. */
  names(): string[] {
    return [...this.#byName.keys()];
  }
}
