import { copyRange, viewOf } from "../broker/amqp/byte_ranges.ts";
import type { Content } from "../broker/amqp/content.ts";

/** A page is shared by so many bytes of bodies and properties. */
const PAGE_SIZE = 64 * 1024;
/** What is larger gets a buffer of its own. */
const SHARED_MAX = 4096;
/** Property flags alone, none of them set. */
const NO_PROPERTIES_SIZE = 2;

const NO_BYTES = new Uint8Array(0);

/**
 * Where deliveries keep their bytes: a link's content is valid only during its call, and one buffer
 * for each small body would cost more than all the rest of a delivery.
 *
 * A page is written once from start to end and then left to the garbage collector, which frees it
 * when the last delivery in it is gone.
 *
 * ```text
 * bytes  [ ... | body | properties in wire form | ... ]
 *              start  middle                    end
 * ```
 */
export class BodyPage {
  /** The buffer that holds what was kept last. */
  bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** Start of its body there. */
  start = 0;
  /** End of its body and start of its properties. */
  middle = 0;
  /** End of its properties; equal to `middle` when it has none in wire form. */
  end = 0;
  #page: Uint8Array<ArrayBuffer> = NO_BYTES;
  #used = 0;

  /** Copies a content's body and, when they are not an object, its properties. The fields above tell
   * where to, until the next call. */
  keep(content: Content): void {
    const bodySize = content.bodyEnd - content.bodyStart;
    const propertiesSize = encodedPropertiesSize(content);
    const size = bodySize + propertiesSize;
    const start = this.#reserve(size);
    const { bytes } = this;
    const view = viewOf(bytes);
    copyRange(content.body, content.bodyStart, content.bodyEnd, bytes, view, start);
    this.start = start;
    this.middle = start + bodySize;
    this.end = start + size;
    if (propertiesSize > 0) {
      const { head, propertiesStart, propertiesEnd } = content;
      copyRange(head!, propertiesStart, propertiesEnd, bytes, view, this.middle);
    }
  }

  #reserve(size: number): number {
    if (size > SHARED_MAX) {
      this.bytes = new Uint8Array(size);
      return 0;
    }
    if (this.#used + size > this.#page.length) {
      this.#page = new Uint8Array(PAGE_SIZE);
      this.#used = 0;
    }
    this.bytes = this.#page;
    const start = this.#used;
    this.#used += size;
    return start;
  }
}

function encodedPropertiesSize(content: Content): number {
  if (content.properties !== undefined || content.head === undefined) return 0;
  const size = content.propertiesEnd - content.propertiesStart;
  return size <= NO_PROPERTIES_SIZE ? 0 : size;
}
