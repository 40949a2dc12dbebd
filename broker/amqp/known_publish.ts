import { sameRange } from "./byte_ranges.ts";
import { type BasicPublish, basicPublish } from "./methods/basic.ts";

/** A longer method is not remembered. */
const SIZE_MAX = 128;

/**
 * The last `basic.publish` of a peer, with the octets that it came as: most messages go where the one
 * before went, and comparing octets is much cheaper than decoding names.
 */
export class KnownPublish {
  /** The method. Shared by all publishes that it matches. */
  method: BasicPublish = basicPublish();
  readonly #bytes = new Uint8Array(SIZE_MAX);
  readonly #view = new DataView(this.#bytes.buffer);
  #size = 0;

  /** True when a method's payload is the one that was learnt. */
  matches(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const size = this.#size;
    return end - start === size && sameRange(bytes, view, start, this.#bytes, this.#view, 0, size);
  }

  /** Remembers a method and its payload. */
  learn(bytes: Uint8Array, start: number, end: number, method: BasicPublish): void {
    this.#size = 0;
    if (end - start > SIZE_MAX) return;
    this.#bytes.set(bytes.subarray(start, end));
    this.#size = end - start;
    this.method = method;
  }
}
