import type { BindingFields, Destination } from "./binding.ts";
import { Bucket, NO_DESTINATIONS } from "./bucket.ts";
import type { LazyHeaders, Matches, RoutingTable } from "./exchange_type.ts";

/** Matches a routing key that equals the binding key. */
export class DirectTable implements RoutingTable {
  readonly cacheable = true;
  readonly #byKey = new Map<string, Bucket>();

  /** True when nothing is left, not even of bindings that were removed. */
  get empty(): boolean {
    return this.#byKey.size === 0;
  }

  add(binding: BindingFields): void {
    let bucket = this.#byKey.get(binding.routingKey);
    if (bucket === undefined) this.#byKey.set(binding.routingKey, bucket = new Bucket());
    bucket.add(binding);
  }

  remove(binding: BindingFields): void {
    const bucket = this.#byKey.get(binding.routingKey);
    bucket?.remove(binding);
    if (bucket?.empty) this.#byKey.delete(binding.routingKey);
  }

  lookup(routingKey: string): readonly Destination[] {
    const bucket = this.#byKey.get(routingKey);
    return bucket === undefined ? NO_DESTINATIONS : bucket.destinations;
  }

  route(routingKey: string, _headers: LazyHeaders, into: Matches): void {
    into.addAll(this.lookup(routingKey));
  }

  onlyKey(binding: BindingFields): string {
    return binding.routingKey;
  }
}
