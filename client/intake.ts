import type { Link } from "../broker/amqp/link.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";

/** So many deliveries that the user has not taken are enough. */
const COUNT_MAX = 4096;
/** So many bytes of them are enough. */
const BYTES_MAX = 4 * 1024 * 1024;

/**
 * How much a connection holds that its user has not taken yet, and whether its link should bring
 * more: the back-pressure on the broker.
 *
 * There are two kinds. What waits for a callback is on its way: the client itself calls until none
 * is left, so the link can be told to wait. What is held for an iterator is taken when the user asks
 * for it, and the user may first be waiting for something else of this connection: a reply, a
 * confirm, a delivery to another consumer. The link is held up for an iterator's sake only while
 * nothing of the kind is expected, since otherwise the two would wait for each other for ever. The
 * real bound of a consumer is its prefetch.
 */
export class Intake {
  /** True while the link was asked to bring nothing more. */
  throttled = false;
  readonly #link: Link;
  /** How many there are of both kinds, and how large they are. */
  #count = 0;
  #bytes = 0;
  /** Of these, those that are held. */
  #heldCount = 0;
  #heldBytes = 0;
  #expected = 0;
  #resuming = false;
  readonly #resume = () => {
    this.#resuming = false;
    if (!this.throttled || this.#hasEnough(1)) return;
    this.throttled = false;
    this.#link.throttle(false);
  };

  /** @param link The link to hold up. */
  constructor(link: Link) {
    this.#link = link;
  }

  /** A delivery of that size now waits for a callback. */
  queue(size: number): void {
    const count = ++this.#count;
    const bytes = this.#bytes += size;
    // mostly there is little, and this is asked for each delivery
    if (count > COUNT_MAX || bytes > BYTES_MAX) this.#check();
  }

  /** A delivery went to its callback, or will not go to it any more. */
  unqueue(size: number): void {
    this.#count--;
    this.#bytes -= size;
    if (this.throttled) this.#relax();
  }

  /** A delivery of that size is now held for an iterator. */
  hold(size: number): void {
    this.#heldCount++;
    this.#heldBytes += size;
    this.queue(size);
  }

  /** An iterator's user took a delivery, or will not take it any more. */
  release(size: number): void {
    this.#heldCount--;
    this.#heldBytes -= size;
    this.unqueue(size);
  }

  /** The user waits for one more thing that only the link can bring. */
  expectMore(): void {
    this.#expected++;
    this.#relax();
  }

  /** It came, or never will. */
  expectLess(): void {
    this.#expected--;
  }

  #check(): void {
    if (this.throttled || !this.#hasEnough(0)) return;
    this.throttled = true;
    this.#link.throttle(true);
  }

  /** Goes on when half is gone, at the end of the turn: the link may bring more at once, and this
   * may be inside a call of the link. */
  #relax(): void {
    if (!this.throttled || this.#resuming || this.#hasEnough(1)) return;
    this.#resuming = true;
    atEndOfTurn(this.#resume);
  }

  /** @param halvings 1 to compare with half of the limits. */
  #hasEnough(halvings: number): boolean {
    const countMax = COUNT_MAX >> halvings;
    const bytesMax = BYTES_MAX >> halvings;
    const queuedCount = this.#count - this.#heldCount;
    const queuedBytes = this.#bytes - this.#heldBytes;
    if (queuedCount > countMax || queuedBytes > bytesMax) return true;
    return this.#expected === 0 && (this.#heldCount > countMax || this.#heldBytes > bytesMax);
  }
}
