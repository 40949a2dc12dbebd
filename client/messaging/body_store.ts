/** Bodies up to this size share a page. */
const SHARED_MAX = 4096;
const PAGE_SIZE = 64 * 1024;

/**
 * Where a publisher keeps bodies until they are confirmed, since their owner may write to them again.
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
      this.bytes = body.slice();
      this.start = 0;
      return;
    }
    if (this.#used + body.length > this.#page.length) {
      this.#page = new Uint8Array(PAGE_SIZE);
      this.#used = 0;
    }
    this.#page.set(body, this.#used);
    this.bytes = this.#page;
    this.start = this.#used;
    this.#used += body.length;
  }
}
