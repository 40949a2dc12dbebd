/**
 * Memory for what stays past a turn: large buffers, each shared by many messages.
 *
 * A buffer of its own costs 340 to 600 ns whatever its size, so small messages are copied one after
 * another into a page. A page counts the messages in it; when the last one is gone it is filled anew.
 *
 * @module
 */

/** Size of a page in bytes. */
export const PAGE_SIZE = 1024 * 1024;
/** A message that needs more gets a buffer of its own. */
export const PAGED_MAX = 64 * 1024;
/** So many empty pages are kept for the next burst. */
const SPARE_MAX = 8;

/** A page: bytes, and how many messages lie in them. */
export class Page {
  /** Tells it from the other pages of its pool; from 1. */
  readonly id: number;
  /** The buffer. */
  readonly bytes: Uint8Array = new Uint8Array(PAGE_SIZE);
  /** A view of it. */
  readonly view: DataView = new DataView(this.bytes.buffer);
  /** How much of it is taken. */
  used = 0;
  /** How many messages lie in it. */
  messages = 0;

  constructor(id: number) {
    this.id = id;
  }
}

/** The pages of one broker. */
export class PagePool {
  #current: Page | undefined;
  readonly #spare: Page[] = [];
  /** Pages by id; ids of pages that were given up are given again. */
  readonly #pages: (Page | undefined)[] = [undefined];
  readonly #freeIds: number[] = [];
  readonly #budget: number;
  #bytes = 0;
  /** How many messages wait as objects at the heads of queues, which count them. */
  objects = 0;

  /** @param budget With more bytes than this held, memory is short. */
  constructor(budget = Infinity) {
    this.#budget = budget;
  }

  /** How many bytes are held: pages in which messages lie, and buffers that messages brought. */
  get bytes(): number {
    return this.#bytes - this.#spare.length * PAGE_SIZE;
  }

  /** True when more is held than was planned for: what can go to disk should. */
  get short(): boolean {
    return this.#bytes > this.#budget && this.bytes > this.#budget;
  }

  /** A page with room for so many bytes, at most `PAGED_MAX`, at its `used`. */
  pageFor(size: number): Page {
    let page = this.#current;
    if (page === undefined || page.used + size > PAGE_SIZE) {
      if (page !== undefined && page.messages === 0) page.used = 0;
      else page = this.#spare.pop() ?? this.#addPage();
      this.#current = page;
    }
    return page;
  }

  /** The page of an id. */
  page(id: number): Page {
    return this.#pages[id]!;
  }

  /** A message of this page is gone. */
  release(page: Page): void {
    if (--page.messages > 0) return;
    page.used = 0;
    if (page === this.#current) return;
    if (this.#spare.length < SPARE_MAX) this.#spare.push(page);
    else {
      this.#bytes -= PAGE_SIZE;
      this.#pages[page.id] = undefined;
      this.#freeIds.push(page.id);
    }
  }

  /** Counts a buffer that a message has for itself; less than none when it is gone. */
  count(bytes: number): void {
    this.#bytes += bytes;
  }

  #addPage(): Page {
    const page = new Page(this.#freeIds.pop() ?? this.#pages.length);
    this.#pages[page.id] = page;
    this.#bytes += PAGE_SIZE;
    return page;
  }
}
