import type { BindingFields, Destination } from "./binding.ts";
import { BucketMap } from "./bucket.ts";
import type { LazyHeaders, Matches, RoutingTable } from "./exchange_type.ts";

/** Matches a routing key that equals the binding key. */
export class DirectTable implements RoutingTable {
  readonly cacheable = true;
  readonly #byKey = new BucketMap();

  add(binding: BindingFields): void {
    this.#byKey.add(binding);
  }

  remove(binding: BindingFields): void {
    this.#byKey.remove(binding);
  }

  lookup(routingKey: string): readonly Destination[] {
    return this.#byKey.get(routingKey);
  }

  route(routingKey: string, _headers: LazyHeaders, into: Matches): void {
    into.addAll(this.#byKey.get(routingKey));
  }

  onlyKey(binding: BindingFields): string {
    return binding.routingKey;
  }
}
