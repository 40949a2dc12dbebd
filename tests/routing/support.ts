import { assertEquals } from "@std/assert";
import { Exchange, Exchanges, ExchangeTypes } from "../../broker/routing/mod.ts";
import type {
  BindingFields,
  Destination,
  ExchangeOptions,
  Matches,
  RoutedMessage,
  RoutingTable,
} from "../../broker/routing/mod.ts";
import type { FieldTable } from "../../broker/amqp/field_table.ts";
import { octetRouting } from "../../broker/routing/octet_routing.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";

/** Stands for the broker's queue. */
export interface TestQueue extends Destination {
  readonly kind: "queue";
}

/** Makes a queue of which routing knows only the name. */
export function queue(name: string): TestQueue {
  return { kind: "queue", name };
}

/** Makes several queues at once. */
export function queues<Names extends string[]>(
  ...names: Names
): { [Index in keyof Names]: TestQueue } {
  return names.map(queue) as { [Index in keyof Names]: TestQueue };
}

/** What a table sees of a binding. */
export function bindingTo(
  destination: Destination,
  routingKey = "",
  arguments_: FieldTable = {},
): BindingFields {
  return { destination, routingKey, arguments: arguments_ };
}

/** A message as far as routing sees it. */
export interface TestMessage {
  readonly routingKey?: string;
  readonly headers?: FieldTable | undefined;
  readonly properties?: BasicProperties;
}

/** What a table may look at in it. */
export function asRouted({ headers, properties = {} }: TestMessage): RoutedMessage {
  return {
    headers: () => headers,
    basicProperties: () => headers === undefined ? properties : { ...properties, headers },
  };
}

/** Collects what a table finds, as often as it says so. */
export class FoundList implements Matches {
  readonly destinations: Destination[] = [];

  add(destination: Destination): void {
    this.destinations.push(destination);
  }

  addAll(destinations: readonly Destination[]): void {
    this.destinations.push(...destinations);
  }
}

/** The names of what a table finds for a message, sorted, each once. One that routes by octets must find the
 * same by those. */
export function namesFound(table: RoutingTable, message: TestMessage): string[] {
  const { routingKey = "" } = message;
  const found = new FoundList();
  table.route(routingKey, asRouted(message), found);
  const names = uniqueNames(found.destinations);
  const byOctets = octetRouting(table);
  if (byOctets !== undefined && isAscii(routingKey)) {
    const foundByOctets = new FoundList();
    const octets = inTheMiddle(routingKey);
    byOctets.routeOctets(octets, 1, octets.length - 1, foundByOctets);
    assertEquals(uniqueNames(foundByOctets.destinations), names, "by octets");
  }
  return names;
}

function uniqueNames(destinations: readonly Destination[]): string[] {
  return [...new Set(destinations.map(({ name }) => name))].sort();
}

function isAscii(text: string): boolean {
  return new TextEncoder().encode(text).every((octet) => octet < 0x80);
}

/** The octets of a key with others around them. */
function inTheMiddle(routingKey: string): Uint8Array {
  return new TextEncoder().encode(`.${routingKey}x`);
}

/** For messages without headers. */
export const noHeaders: RoutedMessage = asRouted({});

/** A vhost with nothing but exchanges. */
export class TestVhost {
  readonly exchanges: Exchanges<TestQueue> = new Exchanges();
  readonly #types = new ExchangeTypes();

  /** Makes an exchange and adds it. */
  declare(
    name: string,
    type: string,
    options: Omit<ExchangeOptions, "name" | "type"> = {},
  ): Exchange<TestQueue> {
    const exchange = new Exchange(this.exchanges, {
      name,
      type: this.#types.get(type)!,
      ...options,
    });
    this.exchanges.add(exchange);
    return exchange;
  }
}

/** The names of the queues that an exchange routes a message to, sorted; twice what is found twice. */
export function routed(exchange: Exchange<TestQueue>, message: TestMessage | string): string[] {
  const sent = typeof message === "string" ? { routingKey: message } : message;
  const { routingKey = "" } = sent;
  const names = exchange.route(routingKey, asRouted(sent)).map(({ name }) => name).sort();
  if (isAscii(routingKey)) {
    const octets = inTheMiddle(routingKey);
    const byOctets = exchange.routeOctets(octets, 1, octets.length - 1);
    if (byOctets !== undefined) {
      assertEquals(byOctets.map(({ name }) => name).sort(), names, "by octets");
    }
  }
  return names;
}

/** Numbers that are the same for the same seed, at least 0 and below 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** One of several, by chance. */
export function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}
