import type { FieldTable } from "../amqp/field_table.ts";
import type { Exchange } from "./exchange.ts";
import { tableText } from "./value_key.ts";

/**
 * Where a binding leads: a queue, or another exchange.
 *
 * This is all that routing knows about a queue. One destination is one object as long as something
 * is bound to it.
 */
export interface Destination {
  /** What it is. Whatever says `"exchange"` is an {@linkcode Exchange}. */
  readonly kind: "queue" | "exchange";
  /** Its name, unique among its kind in one vhost. */
  readonly name: string;
  /** Of a queue: its type. Default: `classic`. */
  readonly queueType?: string;
}

/** What a binding is made of, apart from its source: all that a routing table sees of it. */
export interface BindingFields<D extends Destination = Destination> {
  /** Where it leads. */
  readonly destination: D;
  /** The binding key. */
  readonly routingKey: string;
  /** The arguments, in the form that decoding gives. */
  readonly arguments: FieldTable;
}

/** A rule of an exchange: what matches it goes to its destination. Immutable. */
export class Binding<Q extends Destination = Destination> implements BindingFields {
  /** The exchange that it belongs to. */
  readonly source: Exchange<Q>;
  /** Where it leads. */
  readonly destination: Q | Exchange<Q>;
  /** The binding key. */
  readonly routingKey: string;
  /** The arguments, in the form that decoding gives. */
  readonly arguments: FieldTable;
  /** The same text for the same binding of one source: see {@linkcode bindingIdentity}. */
  readonly identity: string;

  /**
   * Makes a binding, without adding it to its source: {@linkcode Exchange.bind} does both.
   *
   * @param source The exchange that it belongs to.
   * @param fields The rest.
   */
  constructor(source: Exchange<Q>, fields: BindingFields<Q | Exchange<Q>>) {
    this.source = source;
    this.destination = fields.destination;
    this.routingKey = fields.routingKey;
    this.arguments = fields.arguments;
    this.identity = bindingIdentity(fields);
  }
}

/**
 * What makes a binding the same as another one of its source: kind and name of the destination, key,
 * and arguments in any order.
 *
 * @param fields A binding, or what one would be made of.
 * @returns A text that is equal for equal bindings and differs otherwise.
 */
export function bindingIdentity(fields: BindingFields): string {
  const { destination, routingKey, arguments: arguments_ } = fields;
  // with their lengths, since names and keys may hold any character
  return `${destination.kind} ${destination.name.length} ${routingKey.length} ` +
    destination.name + routingKey + tableText(arguments_);
}
