import type { Clock } from "../amqp/clock.ts";
import { Slices } from "../amqp/slices.ts";
import { Message } from "../message.ts";
import { type Page, PAGE_SIZE, type PagePool, type PlaceKeeper } from "../pages.ts";
import { StoreError } from "../store/error.ts";

/** What is left in so many pages is looked for at once. */
const PAGES_AT_ONCE = 64;
/** And no more pages once so many messages are left in them: what is found of them takes memory. */
const MESSAGES_AT_ONCE = 50_000;
/** So many messages move before the time is looked at. */
const MOVES_AT_ONCE = 256;

/** When the disk does not give so many pages in a row, it is tried again later. */
const FAILURES_MAX = 4;
/** After so long. */
const AGAIN_MS = 1000;

/** Where a message is known to be. */
interface Spot {
  readonly keeper: PlaceKeeper;
  readonly at: number;
  readonly place: number;
}

/**
 * Moves together what is left in nearly empty pages on disk, in the background: one message that waits for
 * long would keep a whole page there. A page knows how much is left in it, but not what; so those who keep
 * places look through them, and learn the new ones.
 */
export class PageMoves {
  readonly #pages: PagePool;
  readonly #clock: Clock;
  #busy = false;
  #stopped = false;
  /** Cancels what is to be tried again. */
  #stopWaiting: (() => void) | undefined = undefined;

  /** Moves what is left whenever it is worth it. */
  constructor(pages: PagePool, clock: Clock) {
    this.#pages = pages;
    this.#clock = clock;
    pages.onWasteful = () => this.#begin();
  }

  /** Moves nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#stopWaiting?.();
  }

  #begin(): void {
    if (this.#busy || this.#stopped || this.#stopWaiting !== undefined) return;
    this.#busy = true;
    void this.#work().then((isDone) => {
      this.#busy = false;
      if (isDone || this.#stopped) return;
      this.#stopWaiting = this.#clock.after(AGAIN_MS, () => {
        this.#stopWaiting = undefined;
        if (this.#pages.wasteful) this.#begin();
      });
    });
  }

  /** False when something is left that the disk does not let move at present. */
  async #work(): Promise<boolean> {
    const pages = this.#pages;
    const slices = new Slices(1);
    await slices.rest();
    let failures = 0;
    while (pages.wasteful) {
      for (const [page, spots] of await this.#find(slices)) {
        // one after another with all others who read
        await new Promise<void>((resolve) => pages.whenMayRead(resolve));
        // memory would have to take what the disk does not
        if (this.#stopped || !pages.space!.takes) return false;
        if (await this.#move(page, spots, slices)) failures = 0;
        else {
          pages.leaveForLater(page);
          if (++failures === FAILURES_MAX) return false;
        }
      }
    }
    return true;
  }

  /** Looks for what is left in some nearly empty pages. */
  async #find(slices: Slices): Promise<Map<Page, Spot[]>> {
    const pages = this.#pages;
    const found = new Map<Page, Spot[]>();
    let messages = 0;
    for (const page of pages.nearlyEmpty) {
      if (found.size === PAGES_AT_ONCE || messages > MESSAGES_AT_ONCE) break;
      found.set(page, []);
      messages += page.messages;
    }
    for (const keeper of [...pages.keepers]) {
      const visit = (place: number, at: number) => {
        const page = pages.pageAt(place);
        if (page.nearlyEmpty) found.get(page)?.push({ keeper, at, place });
      };
      for (let from = 0; from >= 0;) {
        if (slices.over) await slices.rest();
        from = keeper.visitPlaces(from, visit);
      }
    }
    return found;
  }

  /** Moves what was found in a page; false when that is not possible at present. */
  async #move(page: Page, spots: Spot[], slices: Slices): Promise<boolean> {
    const pages = this.#pages;
    // what several queues share lies side by side then, and heads that are shared follow one another
    spots.sort((one, other) => one.place - other.place);
    let last = 0;
    let copy = 0;
    let size = 0;
    const move = (place: number) => {
      if (place === last && copy !== 0) pages.repoint(page, pages.pageAt(copy), size);
      else {
        copy = Message.repack(pages, place);
        // it is the last one there
        if (copy !== 0) size = pages.pageAt(copy).used - copy % PAGE_SIZE;
      }
      last = place;
      return copy;
    };
    try {
      for (let index = 0; index < spots.length; index++) {
        if (index > 0 && index % MOVES_AT_ONCE === 0 && slices.over) {
          await slices.rest();
          // nobody may have the last copy any more
          last = copy = 0;
        }
        // all of it is gone meanwhile
        if (!page.nearlyEmpty) return true;
        const { keeper, at, place } = spots[index]!;
        keeper.replace(at, place, move);
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      // a damaged one is told of when its turn comes
      if (error.code !== "corrupt") return false;
    }
    if (page.nearlyEmpty) pages.leaveAsItIs(page);
    return true;
  }
}
