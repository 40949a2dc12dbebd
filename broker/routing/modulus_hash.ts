import type { BindingFields, Destination } from "./binding.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import { hashText } from "./string_hash.ts";

/**
 * `x-modulus-hash`: the binding whose number is the hash of the routing key modulo their count. They
 * are numbered by the names of their destinations, so that a restart changes nothing; a binding more
 * or less moves most keys. RabbitMQ, `rabbit_exchange_type_modulus_hash.erl`, of the plugin
 * `rabbitmq_sharding` before 4.3. Its hash is Erlang's own, so a key may go to another queue than
 * there.
 */
export class ModulusHashTable implements RoutingTable {
  readonly cacheable = true;
  readonly oneKey = true;
  readonly #bindings = new Set<BindingFields>();
  /** Undefined until somebody asks after a binding has come or gone. */
  #sorted: Destination[] | undefined = undefined;

  /** True when nothing is bound. */
  get empty(): boolean {
    return this.#bindings.size === 0;
  }

  add(binding: BindingFields): void {
    this.#bindings.add(binding);
    this.#sorted = undefined;
  }

  remove(binding: BindingFields): void {
    this.#bindings.delete(binding);
    this.#sorted = undefined;
  }

  route(routingKey: string, _message: RoutedMessage, into: Matches): void {
    const sorted = this.#sorted ??= this.#sort();
    if (sorted.length > 0) into.add(sorted[hashText(routingKey) % sorted.length]!);
  }

  /** One entry for each binding, exchanges first, by name. */
  #sort(): Destination[] {
    return [...this.#bindings]
      .map(({ destination }) => destination)
      .sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name));
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
