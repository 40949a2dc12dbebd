import { sourceOf } from "../amqp/source.ts";
import type { Transport } from "../amqp/transport.ts";

/**
 * Connections that are not ready for AMQP yet: the header of a proxy, TLS or a WebSocket is under way.
 * There are so many at most, and who stops half-way with all of them keeps nobody out: the oldest of
 * the address that has the most makes room. Of IPv6 a network (64 bits) counts as one address.
 */
export class Preparing {
  readonly #max: number;
  /** By source; each in the order in which they came. */
  readonly #bySource = new Map<string, Set<Transport>>();
  #size = 0;

  /** @param max How many there may be. */
  constructor(max: number) {
    this.#max = max;
  }

  /** One has come. Gives the one that must go for it, which is not among them any more. */
  add(transport: Transport): Transport | undefined {
    const loser = this.#size >= this.#max ? this.#oldestOfMost() : undefined;
    if (loser !== undefined) this.delete(loser);
    const source = sourceOf(transport.peer.hostname);
    const others = this.#bySource.get(source);
    if (others === undefined) this.#bySource.set(source, new Set([transport]));
    else others.add(transport);
    this.#size += 1;
    return loser;
  }

  /** True while it is among them. */
  has(transport: Transport): boolean {
    return this.#bySource.get(sourceOf(transport.peer.hostname))?.has(transport) === true;
  }

  /** One is ready, or has to go. False when it was not among them any more. */
  delete(transport: Transport): boolean {
    const source = sourceOf(transport.peer.hostname);
    const all = this.#bySource.get(source);
    if (all?.delete(transport) !== true) return false;
    this.#size -= 1;
    if (all.size === 0) this.#bySource.delete(source);
    return true;
  }

  /** All of them, address by address. */
  *[Symbol.iterator](): Generator<Transport> {
    for (const all of this.#bySource.values()) yield* all;
  }

  #oldestOfMost(): Transport | undefined {
    let most: Set<Transport> | undefined;
    for (const all of this.#bySource.values()) if (all.size > (most?.size ?? 0)) most = all;
    return most?.values().next().value;
  }
}
