import type { Link } from "../broker/amqp/link.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";

/** So many deliveries that the user has not taken are enough. */
export const COUNT_MAX = 4096;
/** So many bytes of them are enough. */
export const BYTES_MAX = 4 * 1024 * 1024;

/**
 * How much a connection holds that its user has not taken yet, and whether its link should bring
 * more: the back-pressure on the broker.
 *
 * There are two kinds. What waits for a callback is on its way: the client itself calls until none
 * is left, so the link can be told to wait. What is held for an iterator is taken when the user asks
 * for it, and the user may first be waiting for something else of this connection: a reply, a
 * confirm, a delivery to another consumer. The link is held up for an iterator's sake only while
 * nothing of the kind is expected, since otherwise the two would wait for each other for ever. The
 * real bound of a consumer is its prefetch. In process only deliveries are held up, so there it is only
 * another delivery that matters; and each iterator has those for itself held up (`HeldUp`).
 */
export class Intake {
  /** True while the link was asked to bring nothing more. */
  throttled = false;
  private readonly _link: Link;
  private readonly _holdsAll: boolean;
  /** How many there are of both kinds, and how large they are. */
  private _count = 0;
  private _bytes = 0;
  /** Of these, those that are held. */
  private _heldCount = 0;
  private _heldBytes = 0;
  private _expected = 0;
  private _resuming = false;
  private readonly _resume = () => {
    this._resuming = false;
    if (!this.throttled || this._hasEnough(1)) return;
    this.throttled = false;
    this._link.throttle(false);
  };

  /**
   * @param link The link to hold up.
   * @param holdsAll True when it then brings nothing at all, as a socket does; else no deliveries.
   */
  constructor(link: Link, holdsAll = true) {
    this._link = link;
    this._holdsAll = holdsAll;
  }

  /** A delivery of that size now waits for a callback. */
  queue(size: number): void {
    const count = ++this._count;
    const bytes = this._bytes += size;
    // mostly there is little, and this is asked for each delivery
    if (count > COUNT_MAX || bytes > BYTES_MAX) this._check();
  }

  /** A delivery went to its callback, or will not go to it any more. */
  unqueue(size: number): void {
    this._count--;
    this._bytes -= size;
    if (this.throttled) this._relax();
  }

  /** A delivery of that size is now held for an iterator. */
  hold(size: number): void {
    this._heldCount++;
    this._heldBytes += size;
    this.queue(size);
  }

  /** An iterator's user took a delivery, or will not take it any more. */
  release(size: number): void {
    this._heldCount--;
    this._heldBytes -= size;
    this.unqueue(size);
  }

  /** The user waits for one more delivery. */
  expectMore(): void {
    this._expected++;
    this._relax();
  }

  /** It came, or never will. */
  expectLess(): void {
    this._expected--;
  }

  /** The user waits for one more thing that is no delivery: a reply, a confirm, a message that comes back. */
  expectReply(): void {
    if (this._holdsAll) this.expectMore();
  }

  /** It came, or never will. */
  expectNoReply(): void {
    if (this._holdsAll) this.expectLess();
  }

  private _check(): void {
    if (this.throttled || !this._hasEnough(0)) return;
    this.throttled = true;
    this._link.throttle(true);
  }

  /** Goes on when half is gone, at the end of the turn: the link may bring more at once, and this
   * may be inside a call of the link. */
  private _relax(): void {
    if (!this.throttled || this._resuming || this._hasEnough(1)) return;
    this._resuming = true;
    atEndOfTurn(this._resume);
  }

  /** @param halvings 1 to compare with half of the limits. */
  private _hasEnough(halvings: number): boolean {
    const countMax = COUNT_MAX >> halvings;
    const bytesMax = BYTES_MAX >> halvings;
    const queuedCount = this._count - this._heldCount;
    const queuedBytes = this._bytes - this._heldBytes;
    if (queuedCount > countMax || queuedBytes > bytesMax) return true;
    return this._expected === 0 && (this._heldCount > countMax || this._heldBytes > bytesMax);
  }
}
