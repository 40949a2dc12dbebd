import { Content, NO_BYTES } from "./amqp/content.ts";
import { contentProperties } from "./amqp/content_codec.ts";
import type { FieldTable } from "./amqp/field_table.ts";
import { type Page, PAGED_MAX, type PagePool } from "./pages.ts";

/** Bodies of at least this many bytes that have a buffer of their own stay in it. */
const OWN_BUFFER_MIN = 4096;

/**
 * A message inside the broker: what was published, shared by all queues that it was routed to, and
 * never changed.
 *
 * **When a view is copied.** A message begins as views of what was read or given (`Content`), which
 * are good for this turn only. Most messages go out again within the turn and are never copied. The
 * first holder that keeps one longer, a queue or a channel's unacked deliveries, calls
 * {@linkcode Message.hold}, which copies address, properties and body into a page. The last holder's
 * {@linkcode Message.release} gives the page's room back. This file is the only place where that is
 * decided.
 */
export class Message extends Content {
  /** How many queues and channels hold it. */
  #holders = 0;
  #page: Page | undefined = undefined;
  /** True until all of its queues have seen it: until then its page's room is not given back. */
  #inRouting = true;

  /** Begins as views of a content that a link handed over. */
  constructor(content: Content) {
    super();
    this.assign(content);
  }

  /** Size of the body in bytes. */
  get size(): number {
    return this.bodyEnd - this.bodyStart;
  }

  /** The headers, decoded anew at each call; undefined when the message has none. */
  headers(): FieldTable | undefined {
    return contentProperties(this).headers;
  }

  /** One more holder keeps the message past this turn; the first one makes it move to a page. */
  hold(pages: PagePool): void {
    if (this.#holders++ === 0 && this.#page === undefined) this.#move(pages);
  }

  /** A holder has done with the message. */
  release(pages: PagePool): void {
    if (this.#holders === 0) throw new Error("Cannot release message: nobody holds it");
    if (--this.#holders === 0 && !this.#inRouting) this.#leavePage(pages);
  }

  /** All queues that it was routed to have seen it. */
  routed(pages: PagePool): void {
    this.#inRouting = false;
    if (this.#holders === 0) this.#leavePage(pages);
  }

  #leavePage(pages: PagePool): void {
    const page = this.#page;
    if (page === undefined) return;
    this.#page = undefined;
    pages.release(page);
    // Whoever should still look at it must not see the next message's bytes.
    this.head = undefined;
    this.body = NO_BYTES;
    this.bodyStart = this.bodyEnd = 0;
  }

  #move(pages: PagePool): void {
    const { head, body } = this;
    const addressSize = this.addressEnd - this.addressStart;
    const propertiesSize = this.propertiesEnd - this.propertiesStart;
    const headSize = head === undefined ? 0 : addressSize + propertiesSize;
    const bodyStays = this.transferred && (this.size >= OWN_BUFFER_MIN || this.size === 0);
    const size = headSize + (bodyStays ? 0 : this.size);
    if (size === 0) return;

    let bytes: Uint8Array;
    let at = 0;
    if (size > PAGED_MAX) bytes = new Uint8Array(size);
    else {
      const page = pages.pageFor(size);
      bytes = page.bytes;
      at = page.used;
      page.used += size;
      page.messages++;
      this.#page = page;
    }
    if (head !== undefined) {
      copy(head, this.addressStart, this.addressEnd, bytes, at);
      this.head = bytes;
      this.addressStart = at;
      this.addressEnd = at += addressSize;
      copy(head, this.propertiesStart, this.propertiesEnd, bytes, at);
      this.propertiesStart = at;
      this.propertiesEnd = at += propertiesSize;
    }
    if (!bodyStays) {
      copy(body, this.bodyStart, this.bodyEnd, bytes, at);
      this.bodyEnd = at + this.size;
      this.bodyStart = at;
      this.body = bytes;
    }
  }
}

/** Short ranges are quicker in a loop than by `set`, which needs a view of the source. */
function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 48) to.set(from.subarray(start, end), at);
  else for (let index = start; index < end; index++) to[at++] = from[index]!;
}
