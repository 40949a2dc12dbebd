import type { BindingFields, Destination } from "./binding.ts";
import { Bucket, NO_DESTINATIONS } from "./bucket.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import type { OctetRouting } from "./octet_routing.ts";
import { UNKNOWN_WORD, Words } from "./words.ts";

/** Matches a routing key that equals the binding key. */
export class DirectTable implements RoutingTable, OctetRouting {
  readonly cacheable = true;
  readonly #byKey = new Map<string, Bucket>();
  /** The same keys. */
  readonly #keys = new Words();
  /** The key that was found last, and where it leads, until a binding comes or goes. */
  #lastKey = "";
  #last: readonly Destination[] | undefined = undefined;
  /** True when the last key was none of them. */
  #missed = false;

  /** True when nothing is left, not even of bindings that were removed. */
  get empty(): boolean {
    return this.#byKey.size === 0 && this.#keys.size === 0;
  }

  add(binding: BindingFields): void {
    this.#last = undefined;
    let bucket = this.#byKey.get(binding.routingKey);
    if (bucket === undefined) {
      this.#byKey.set(binding.routingKey, bucket = new Bucket());
      this.#keys.use(binding.routingKey);
    }
    bucket.add(binding);
  }

  remove(binding: BindingFields): void {
    this.#last = undefined;
    const bucket = this.#byKey.get(binding.routingKey);
    bucket?.remove(binding);
    if (!bucket?.empty) return;
    this.#byKey.delete(binding.routingKey);
    this.#keys.release(binding.routingKey);
  }

  lookup(routingKey: string): readonly Destination[] {
    if (this.#last !== undefined && routingKey === this.#lastKey) return this.#last;
    // Asking the map is quickest for a key that it was asked for before, and slow for a string that is
    // new to the engine. Where one key is unknown the next may well be unknown and new, too.
    if (this.#missed && this.#keys.get(routingKey) === UNKNOWN_WORD) return NO_DESTINATIONS;
    const bucket = this.#byKey.get(routingKey);
    this.#missed = bucket === undefined;
    if (bucket === undefined) return NO_DESTINATIONS;
    this.#lastKey = routingKey;
    return this.#last = bucket.destinations;
  }

  route(routingKey: string, _message: RoutedMessage, into: Matches): void {
    into.addAll(this.lookup(routingKey));
  }

  routeOctets(octets: Uint8Array, start: number, end: number, into: Matches): void {
    const routingKey = this.#keys.ofOctets(octets, start, end);
    if (routingKey !== undefined) into.addAll(this.#byKey.get(routingKey)!.destinations);
  }

  onlyKey(binding: BindingFields): string {
    return binding.routingKey;
  }
}
