/** What is copied together lies in buffers of this size. */
const BUFFER_SIZE = 4096;
/** More than this has a buffer of its own. */
const PACKED_MAX = 512;

/**
 * Copies of short byte strings that share buffers: one of its own costs 300 bytes and more besides what
 * is in it. A buffer stays for as long as there is anything of what it holds.
 */
export class PackedBytes {
  #buffer = new Uint8Array(0);
  #used = 0;

  /** A copy of these bytes. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > PACKED_MAX) return bytes.slice();
    if (this.#used + length > this.#buffer.length) {
      this.#buffer = new Uint8Array(BUFFER_SIZE);
      this.#used = 0;
    }
    const copy = this.#buffer.subarray(this.#used, this.#used += length);
    copy.set(bytes);
    return copy;
  }
}
