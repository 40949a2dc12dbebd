import type { BindingFields } from "./binding.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";

/**
 * `x-random`: one binding by chance for each message, whatever the key; a queue that is bound twice
 * is drawn twice as often. RabbitMQ, `rabbit_exchange_type_random.erl`.
 */
export class RandomTable implements RoutingTable {
  readonly cacheable = false;
  readonly oneKey = true;
  readonly #random: () => number;
  readonly #bindings: BindingFields[] = [];
  /** Where each binding stands among them. */
  readonly #places = new Map<BindingFields, number>();

  /** @param random Gives numbers from 0 to below 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** True when nothing is left, not even of bindings that were removed. */
  get empty(): boolean {
    return this.#bindings.length === 0 && this.#places.size === 0;
  }

  add(binding: BindingFields): void {
    this.#places.set(binding, this.#bindings.push(binding) - 1);
  }

  remove(binding: BindingFields): void {
    const place = this.#places.get(binding);
    if (place === undefined) return;
    this.#places.delete(binding);
    // the order does not matter, so the last one fills the gap
    const last = this.#bindings.pop()!;
    if (last === binding) return;
    this.#bindings[place] = last;
    this.#places.set(last, place);
  }

  route(_routingKey: string, _message: RoutedMessage, into: Matches): void {
    const drawn = this.#bindings[Math.floor(this.#random() * this.#bindings.length)];
    if (drawn !== undefined) into.add(drawn.destination);
  }
}
