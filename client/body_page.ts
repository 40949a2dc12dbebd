import { copyRange } from "../broker/amqp/byte_ranges.ts";
import type { Content } from "../broker/amqp/content.ts";

/** A page is shared by so many bytes of bodies and properties. */
export const BODY_PAGE_SIZE = 64 * 1024;
/** What is larger gets a buffer of its own. */
const SHARED_MAX = 4096;
/** Property flags alone, none of them set. */
const NO_PROPERTIES_SIZE = 2;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

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
  /** A whole buffer, which holds what was kept last. */
  bytes: Uint8Array<ArrayBuffer> = NO_BYTES;
  /** The same as a buffer, which costs a call into the engine to ask for. */
  buffer: ArrayBuffer = NO_BYTES.buffer;
  /** Start of its body there. */
  start = 0;
  /** End of its body and start of its properties. */
  middle = 0;
  /** End of its properties; equal to `middle` when it has none in wire form. */
  end = 0;
  /** The page that is written to, as long as it is the one that is shown; empty while another buffer is. */
  private _shown: Uint8Array<ArrayBuffer> = NO_BYTES;
  private _page: Uint8Array<ArrayBuffer> = NO_BYTES;
  private _view: DataView = NO_VIEW;
  private _used = 0;

  /** Copies a content's body and, when they are not an object, its properties. The fields above tell
   * where to, until the next call. */
  keep(content: Content): void {
    const from = content.bodyStart;
    const to = content.bodyEnd;
    const start = this._used;
    const end = start + to - from;
    const page = this._shown;
    // a page that a user has transferred has no length any more, as where another buffer is shown
    if (end >= page.length || end - start > SHARED_MAX || content.head !== undefined) {
      return this._keepWhole(content);
    }
    this.start = start;
    this.middle = this.end = this._used = end;
    copyRange(content.body, from, to, page, this._view, start);
  }

  /** The same where it may be large, have properties, or begin a page. */
  private _keepWhole(content: Content): void {
    const { head, body, bodyStart, bodyEnd, propertiesStart, propertiesEnd } = content;
    const bodySize = bodyEnd - bodyStart;
    let size = bodySize;
    if (head !== undefined && content.properties === undefined) {
      const propertiesSize = propertiesEnd - propertiesStart;
      if (propertiesSize > NO_PROPERTIES_SIZE) size += propertiesSize;
    }
    if (size > SHARED_MAX) return this._keepApart(content, size);
    // an empty body needs a page too: it is its message's own, and a user may transfer it
    if (this._used + size > this._page.length || this._page.length === 0) this._turn();
    const start = this._used;
    const page = this._page;
    const view = this._view;
    this._used = this.end = start + size;
    this.start = start;
    // only when it was another one: V8 has to note each young object that an old one is given
    if (this.bytes !== page) this._show(this._shown = page);
    const middle = this.middle = copyRange(body, bodyStart, bodyEnd, page, view, start);
    if (size > bodySize) copyRange(head!, propertiesStart, propertiesEnd, page, view, middle);
  }

  private _show(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.buffer = bytes.buffer;
  }

  private _turn(): void {
    this._page = new Uint8Array(BODY_PAGE_SIZE);
    this._view = new DataView(this._page.buffer);
    this._used = 0;
  }

  private _keepApart(content: Content, size: number): void {
    const { head, body, bodyStart, bodyEnd, propertiesStart, propertiesEnd } = content;
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    this._show(bytes);
    this._shown = NO_BYTES;
    this.start = 0;
    this.end = size;
    const middle = this.middle = copyRange(body, bodyStart, bodyEnd, bytes, view, 0);
    if (size > middle) copyRange(head!, propertiesStart, propertiesEnd, bytes, view, middle);
  }
}
