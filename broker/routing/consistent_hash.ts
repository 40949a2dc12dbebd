import { AmqpError } from "../amqp/error.ts";
import type { FieldTable, FieldValue } from "../amqp/field_table.ts";
import type { BindingFields, Destination } from "./binding.ts";
import { BindingRow } from "./binding_row.ts";
import { printed } from "./erlang_text.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import { hashText, mix } from "./string_hash.ts";
import { valueKey } from "./value_key.ts";

/** The largest weight of a binding. */
const WEIGHT_MAX = 10_000;

/** What `hash-property` may name. */
const PROPERTIES: readonly string[] = ["correlation_id", "message_id", "timestamp"];

/**
 * `x-consistent-hash`: one destination by the hash of the routing key, or of a header or a property;
 * the binding key is the weight. RabbitMQ, `rabbit_exchange_type_consistent_hash.erl`.
 *
 * Each destination draws a lot for each key, and the highest one, weights considered, gets it
 * (weighted rendezvous hashing: Schindelhauer and Schomaker, "Weighted Distributed Hash Tables").
 * So a destination that comes takes its share from all others in proportion, one that goes gives its
 * keys to them, and no other key moves. Neither the order of the bindings nor a restart matters,
 * which is more than RabbitMQ promises. The price is a look at each destination; those of one weight
 * are compared by a few integer operations each, and keys that come again are remembered by the
 * exchange.
 *
 * As in RabbitMQ it is the first binding of a destination that counts. Here the next one takes its
 * place when it goes.
 */
export class ConsistentHashTable implements RoutingTable {
  readonly cacheable: boolean;
  readonly oneKey = true;
  readonly #textOf: ((message: RoutedMessage) => string) | undefined;
  /** The bindings of each destination, oldest first. */
  readonly #bindings = new Map<Destination, BindingRow>();
  readonly #byWeight = new Map<number, Candidates>();

  /**
   * @param arguments_ `hash-header` or `hash-property` say what is hashed; default: the routing key.
   * @throws {AmqpError} 406 when they say both, or something that there is not.
   */
  constructor(arguments_: FieldTable = {}) {
    const header = textArgument(arguments_, "hash-header");
    const property = textArgument(arguments_, "hash-property");
    if (header !== undefined && property !== undefined) {
      throw new AmqpError(406, "hash-header and hash-property are mutually exclusive");
    }
    if (header !== undefined) this.#textOf = (message) => headerText(message, header);
    if (property !== undefined) this.#textOf = propertyReader(property);
    this.cacheable = this.#textOf === undefined;
  }

  /** True when nothing is left, not even of bindings that were removed. */
  get empty(): boolean {
    return this.#bindings.size === 0 && this.#byWeight.size === 0;
  }

  add(binding: BindingFields): void {
    const weight = parseWeight(binding.routingKey);
    const { destination } = binding;
    const bindings = this.#bindings.get(destination) ?? new BindingRow();
    bindings.add(binding);
    if (bindings.first !== binding) return;
    this.#bindings.set(destination, bindings);
    this.#enter(destination, weight);
  }

  remove(binding: BindingFields): void {
    const { destination } = binding;
    const bindings = this.#bindings.get(destination);
    if (bindings === undefined) return;
    const wasFirst = bindings.first === binding;
    bindings.remove(binding);
    if (!wasFirst) return;
    this.#leave(destination, parseWeight(binding.routingKey));
    const next = bindings.first;
    if (next === undefined) this.#bindings.delete(destination);
    else this.#enter(destination, parseWeight(next.routingKey));
  }

  #enter(destination: Destination, weight: number): void {
    const candidates = this.#byWeight.get(weight) ?? new Candidates();
    this.#byWeight.set(weight, candidates);
    candidates.add(destination);
  }

  #leave(destination: Destination, weight: number): void {
    const candidates = this.#byWeight.get(weight);
    candidates?.remove(destination);
    if (candidates?.empty) this.#byWeight.delete(weight);
  }

  route(routingKey: string, message: RoutedMessage, into: Matches): void {
    if (this.#byWeight.size === 0) return;
    const key = hashText(this.#textOf === undefined ? routingKey : this.#textOf(message));
    let winner: Destination | undefined;
    let highest = -1;
    for (const [weight, candidates] of this.#byWeight) {
      const best = candidates.best(key);
      if (this.#byWeight.size === 1) winner = best;
      else {
        const score = weight / -Math.log((candidates.highest + 0.5) / 2 ** 32);
        if (score > highest) {
          highest = score;
          winner = best;
        }
      }
    }
    into.add(winner!);
  }
}

/** Destinations of one weight. */
class Candidates {
  readonly #destinations: Destination[] = [];
  /** A number for each, by its name and kind. */
  readonly #seeds: number[] = [];
  /** Where each stands among them. */
  readonly #places = new Map<Destination, number>();
  /** The highest lot that was drawn when `best` was asked last. */
  highest = 0;

  get empty(): boolean {
    return this.#destinations.length === 0;
  }

  add(destination: Destination): void {
    this.#places.set(destination, this.#destinations.push(destination) - 1);
    this.#seeds.push(hashText(`${destination.kind} ${destination.name}`));
  }

  remove(destination: Destination): void {
    const place = this.#places.get(destination)!;
    this.#places.delete(destination);
    // their order does not matter, so the last one fills the gap
    const last = this.#destinations.pop()!;
    const seed = this.#seeds.pop()!;
    if (last === destination) return;
    this.#destinations[place] = last;
    this.#seeds[place] = seed;
    this.#places.set(last, place);
  }

  /** The one that drew the highest lot for a key. */
  best(key: number): Destination {
    const seeds = this.#seeds;
    let winner = 0;
    let highest = -1;
    for (let index = 0; index < seeds.length; index++) {
      const lot = mix(key ^ seeds[index]!);
      if (lot > highest) {
        highest = lot;
        winner = index;
      }
    }
    this.highest = highest;
    return this.#destinations[winner]!;
  }
}

/** A binding key as Erlang's `list_to_integer` reads it. */
function parseWeight(bindingKey: string): number {
  if (!/^[+-]?[0-9]+$/.test(bindingKey)) {
    throw new AmqpError(406, `The binding key must be an integer: ${printed(bindingKey)}`);
  }
  const weight = Number(bindingKey);
  if (weight < 1) throw new AmqpError(406, "The binding key must be greater than 0");
  if (weight > WEIGHT_MAX) {
    throw new AmqpError(406, `The binding key must not exceed ${WEIGHT_MAX}`);
  }
  return weight;
}

/** RabbitMQ fails inside over anything but a string. */
function textArgument(arguments_: FieldTable, name: string): string | undefined {
  const value = Object.hasOwn(arguments_, name) ? arguments_[name] : undefined;
  if (value === undefined || typeof value === "string") return value;
  throw new AmqpError(406, `Invalid argument ${printed(value)}, '${name}' must be a string`);
}

/** Messages without what is to be hashed all go one way. */
const NOTHING = "undefined";

function headerText(message: RoutedMessage, header: string): string {
  const headers = message.headers();
  if (headers === undefined || !Object.hasOwn(headers, header)) return NOTHING;
  return valueAsText(headers[header]!);
}

/** Equal values give equal texts, whatever the width of an integer was. */
function valueAsText(value: FieldValue): string {
  return typeof value === "string" ? value : String(valueKey(value));
}

function propertyReader(property: string): (message: RoutedMessage) => string {
  if (!PROPERTIES.includes(property)) {
    throw new AmqpError(406, `Unsupported property: ${property}`);
  }
  return (message) => {
    const { correlationId, messageId, timestamp } = message.basicProperties();
    if (property === "correlation_id") return correlationId ?? NOTHING;
    if (property === "message_id") return messageId ?? NOTHING;
    return timestamp === undefined ? NOTHING : String(Math.floor(timestamp.getTime() / 1000));
  };
}
