import type { Link } from "../broker/amqp/link.ts";
import { atEndOfTurn, briefPause, untilBriefPause } from "../broker/amqp/turn.ts";
import { Fifo } from "../broker/amqp/fifo.ts";

/** So many items are handed out before others get their turn. */
const ITEMS_A_TURN = 512;
/** An array for items begins so small, and doubles. */
const SMALLEST_CHUNK = 16;
/** Up to this. */
const LARGEST_CHUNK = 256;

/** Who takes an item from an {@linkcode Inbox}. Must not throw. */
export interface Recipient<Item> {
  /** Takes the item. This is where code of the user runs. */
  take(item: Item): void;
}

/**
 * What a link brought for the user's callbacks, in order: it is handed out at the end of the turn,
 * because no code of the user may run while the link is bringing it.
 */
export class Inbox {
  // Recipient, item, recipient, item, ...: in arrays that are thrown away when they are read, but for the
  // first one. A ring would be old, and V8 has to note each young object that an old one is given.
  private readonly _first: unknown[] = new Array(SMALLEST_CHUNK);
  /** The one that is read, and from where. */
  private _head: unknown[] = this._first;
  private _start = 0;
  /** The one that is written to, and where. */
  private _tail: unknown[] = this._first;
  private _end = 0;
  /** Those that come after the one that is read, up to the one that is written to. */
  private readonly _chunks = new Fifo<unknown[]>();
  private _size = 0;
  private _scheduled = false;
  private readonly _link: Pick<Link, "collectAcks">;
  private readonly _handOut = () => {
    // what callbacks ack goes to the broker together, and so does what it delivers for that
    this._link.collectAcks(true);
    let pause: Promise<void> | undefined;
    let some = 0;
    for (let left = ITEMS_A_TURN; left > 0 && this._size > 0; left -= some) {
      // what callbacks do may take long
      if ((pause = briefPause(some)) !== undefined) break;
      this._handOutSome(some = Math.min(untilBriefPause(), left));
    }
    this._link.collectAcks(false);
    this._scheduled = this._size > 0;
    if (pause !== undefined) void pause.then(this._handOut);
    else if (this._scheduled) atEndOfTurn(this._handOut);
    else this._beginAnew();
  };

  /** Hands out so many at most. */
  private _handOutSome(count: number): void {
    for (; count > 0 && this._size > 0; count--) {
      if (this._start === this._head.length) this._nextChunk();
      const head = this._head;
      const at = this._start;
      const recipient = head[at] as Recipient<unknown>;
      const item = head[at + 1];
      head[at] = head[at + 1] = undefined;
      this._start = at + 2;
      this._size--;
      recipient.take(item);
    }
  }

  /** @param link Brings the items; gets the acks. */
  constructor(link: Pick<Link, "collectAcks">) {
    this._link = link;
  }

  /** How many items wait. */
  get size(): number {
    return this._size;
  }

  /** Puts an item last. */
  push<Item>(recipient: Recipient<Item>, item: Item): void {
    if (this._end === this._tail.length) this._addChunk();
    const tail = this._tail;
    const at = this._end;
    tail[at] = recipient;
    tail[at + 1] = item;
    this._end = at + 2;
    this._size++;
    if (!this._scheduled) this._schedule();
  }

  private _schedule(): void {
    this._scheduled = true;
    atEndOfTurn(this._handOut);
  }

  private _addChunk(): void {
    const size = Math.min(this._tail.length * 2, LARGEST_CHUNK);
    this._chunks.push(this._tail = new Array(size));
    this._end = 0;
  }

  private _nextChunk(): void {
    this._head = this._chunks.shift()!;
    this._start = 0;
  }

  /** All were read, so the one that was read last is the one that was written to. */
  private _beginAnew(): void {
    this._head = this._tail = this._first;
    this._start = this._end = 0;
  }
}
