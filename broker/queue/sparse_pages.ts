import { Slices } from "../amqp/slices.ts";
import type { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";

/** Visits all messages that are objects, and lets others go on each time that it yields. */
export type VisitHeld = (visit: (message: Message) => void) => Iterable<void>;

/**
 * Moves together what is left in pages in memory that few messages keep, in the background. One message that
 * a client works on for an hour, or that waits in a queue which nobody works off, would else keep the
 * mebibyte that it came with. A page knows how many messages are in it, but not which; so all that are
 * objects are looked through.
 */
export class SparsePages {
  readonly #pages: PagePool;
  readonly #visitHeld: VisitHeld;
  #busy = false;
  #stopped = false;

  /** Moves what is left whenever it is worth it. */
  constructor(pages: PagePool, visitHeld: VisitHeld) {
    this.#pages = pages;
    this.#visitHeld = visitHeld;
    pages.onSparse = () => {
      if (!this.#busy && !this.#stopped) void this.#work();
    };
  }

  /** Moves nothing any more. */
  stop(): void {
    this.#stopped = true;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    const pages = this.#pages;
    const slices = new Slices(1);
    // never within a turn that somebody has views in
    await slices.rest();
    while (pages.tooSparse && !this.#stopped) {
      const sparse = [...pages.sparse];
      for (const _ of this.#visitHeld((message) => message.leaveSparsePage(pages))) {
        if (!slices.over) continue;
        await slices.rest();
        if (this.#stopped) return;
      }
      // large messages, or somebody else has them: they stay
      for (const page of sparse) pages.leaveSparse(page);
    }
    this.#busy = false;
  }
}
