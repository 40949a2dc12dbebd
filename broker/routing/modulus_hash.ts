import type { BindingFields, Destination } from "./binding.ts";
import type { Matches, RoutedMessage, RoutingTable } from "./exchange_type.ts";
import { hashText } from "./string_hash.ts";

/** A chunk with more entries than this becomes two. */
const CHUNK_MAX = 512;

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
  /** One entry for each binding, exchanges first, by name: always in order, since to sort very many takes
   * long, and in chunks, since so does moving them. None of these is empty. */
  readonly #chunks: Destination[][] = [];
  #count = 0;

  /** True when nothing is bound. */
  get empty(): boolean {
    return this.#count === 0;
  }

  add({ destination }: BindingFields): void {
    this.#count++;
    const chunks = this.#chunks;
    // one that comes before all others goes into the first chunk
    const at = Math.max(0, lowerBound(chunks, (chunk) => inOrder(chunk[0]!, destination)) - 1);
    const chunk = chunks[at];
    if (chunk === undefined) return void chunks.push([destination]);
    chunk.splice(lowerBound(chunk, (other) => inOrder(other, destination)), 0, destination);
    if (chunk.length > CHUNK_MAX) chunks.splice(at + 1, 0, chunk.splice(CHUNK_MAX >> 1));
  }

  remove({ destination }: BindingFields): void {
    const chunks = this.#chunks;
    let at = Math.max(0, lowerBound(chunks, (chunk) => inOrder(chunk[0]!, destination)) - 1);
    for (; at < chunks.length; at++) {
      const chunk = chunks[at]!;
      const place = chunk.indexOf(destination);
      if (place < 0) continue;
      this.#count--;
      chunk.splice(place, 1);
      if (chunk.length === 0) chunks.splice(at, 1);
      return;
    }
  }

  route(routingKey: string, _message: RoutedMessage, into: Matches): void {
    if (this.#count === 0) return;
    let number = hashText(routingKey) % this.#count;
    for (const chunk of this.#chunks) {
      const found = chunk[number];
      if (found !== undefined) return into.add(found);
      number -= chunk.length;
    }
  }
}

/** How many of some things in order come before what is looked for. */
function lowerBound<Item>(items: readonly Item[], compare: (item: Item) => number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(items[middle]!) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function inOrder(one: Destination, other: Destination): number {
  if (one === other) return 0;
  return compare(one.kind, other.kind) || compare(one.name, other.name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
