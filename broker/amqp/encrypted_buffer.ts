/** For an idle peer. */
const SMALLEST = 512;
/** Each may have as much whose reads fill it. */
const USUAL_MAX = 128 * 1024;
/** A larger one is filled by peers that send flat out: fewer reads, and fewer steps of all that TLS passes. */
const LARGEST = 256 * 1024;
/** So many bytes in all are in those that are larger than usual. */
const LARGE_BYTES_MAX = 16 * 1024 * 1024;
/** After so many reads in a row that needed next to nothing of it, it shrinks. */
const SMALL_READS = 16;

/** How many bytes are in them. */
let largeBytes = 0;

/** What is read into, of a peer whose bytes are decrypted as they come: it grows while reads fill it, and
 * shrinks again when the peer has little to say. */
export class EncryptedBuffer {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SMALLEST);
  #smallReads = 0;

  /** Read into this. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  /**
   * A read has brought so many bytes.
   *
   * @param isTaken True when nobody looks at them any more: then the next ones may come in their place.
   */
  filled(count: number, isTaken: boolean): void {
    const size = this.#bytes.length;
    const next = this.#nextSize(count, size);
    if (next !== size || !isTaken) this.#replace(next);
  }

  /** Nothing is read any more. */
  release(): void {
    this.#replace(0);
  }

  #nextSize(count: number, size: number): number {
    if (count === size) {
      this.#smallReads = 0;
      const wanted = Math.min(4 * size, LARGEST);
      const others = largeBytes - (size > USUAL_MAX ? size : 0);
      return others + wanted <= LARGE_BYTES_MAX ? wanted : Math.min(wanted, USUAL_MAX);
    }
    this.#smallReads = count > size / 8 ? 0 : this.#smallReads + 1;
    if (this.#smallReads < SMALL_READS) return size;
    this.#smallReads = 0;
    return Math.max(SMALLEST, size / 4);
  }

  #replace(size: number): void {
    const large = (bytes: number) => bytes > USUAL_MAX ? bytes : 0;
    largeBytes += large(size) - large(this.#bytes.length);
    this.#bytes = new Uint8Array(size);
  }
}
