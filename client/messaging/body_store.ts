import { copyOf } from "../../broker/amqp/byte_ranges.ts";
import { encodeInto } from "../../broker/amqp/small_integers.ts";

const encoder = new TextEncoder();

/** Bodies up to this size share a page. */
const SHARED_MAX = 4096;
const PAGE_SIZE = 64 * 1024;

/**
 * Where a publisher keeps bodies until they are confirmed, since their owner may write to them again, and
 * texts that wait, whose bytes are counted.
 *
 * A page is written once from start to end and then left to the garbage collector, as a buffer for each
 * small body would cost more than all the rest of publishing it. The fields tell where the latest is.
 */
export class BodyStore {
  /** The buffer that it is in. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Where it starts there. */
  start = 0;
  #page: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #used = 0;

  /** Copies a body. */
  keep(body: Uint8Array): void {
    if (body.length > SHARED_MAX) {
      this.bytes = copyOf(body);
      this.start = 0;
      return;
    }
    this.#makeRoom(body.length);
    this.#page.set(body, this.#used);
    this.bytes = this.#page;
    this.start = this.#used;
    this.#used += body.length;
  }

  /** Encodes a text, which must be done once anyway, and tells how many bytes it took. */
  keepText(text: string): number {
    const most = 3 * text.length;
    if (most > SHARED_MAX) {
      this.bytes = encoder.encode(text);
      this.start = 0;
      return this.bytes.length;
    }
    this.#makeRoom(most);
    const size = encodeInto(text, this.#page.subarray(this.#used));
    this.bytes = this.#page;
    this.start = this.#used;
    this.#used += size;
    return size;
  }

  #makeRoom(size: number): void {
    if (this.#used + size <= this.#page.length) return;
    this.#page = new Uint8Array(PAGE_SIZE);
    this.#used = 0;
  }
}
