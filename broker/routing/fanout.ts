import type { BindingFields, Destination } from "./binding.ts";
import { Bucket } from "./bucket.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import type { OctetRouting } from "./octet_routing.ts";

/** Matches every message. */
export class FanoutTable implements RoutingTable, OctetRouting {
  readonly cacheable = true;
  readonly #all = new Bucket();

  /** True when nothing is bound. */
  get empty(): boolean {
    return this.#all.empty;
  }

  add(binding: BindingFields): void {
    this.#all.add(binding);
  }

  remove(binding: BindingFields): void {
    this.#all.remove(binding);
  }

  lookup(_routingKey: string): readonly Destination[] {
    return this.#all.destinations;
  }

  routeOctets(_octets: Uint8Array, _start: number, _end: number, into: Matches): void {
    into.addAll(this.#all.destinations);
  }

  route(_routingKey: string, _message: RoutedMessage, into: Matches): void {
    into.addAll(this.#all.destinations);
  }
}
