import type { Link } from "../broker/amqp/link.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";
import { Fifo } from "./fifo.ts";

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
  readonly #first: unknown[] = new Array(SMALLEST_CHUNK);
  /** The one that is read, and from where. */
  #head: unknown[] = this.#first;
  #start = 0;
  /** The one that is written to, and where. */
  #tail: unknown[] = this.#first;
  #end = 0;
  /** Those that come after the one that is read, up to the one that is written to. */
  readonly #chunks = new Fifo<unknown[]>();
  #size = 0;
  #scheduled = false;
  readonly #link: Pick<Link, "collectAcks">;
  readonly #handOut = () => {
    // what callbacks ack goes to the broker together, and so does what it delivers for that
    this.#link.collectAcks(true);
    for (let left = ITEMS_A_TURN; left > 0 && this.#size > 0; left--) {
      if (this.#start === this.#head.length) this.#nextChunk();
      const head = this.#head;
      const at = this.#start;
      const recipient = head[at] as Recipient<unknown>;
      const item = head[at + 1];
      head[at] = head[at + 1] = undefined;
      this.#start = at + 2;
      this.#size--;
      recipient.take(item);
    }
    this.#link.collectAcks(false);
    this.#scheduled = this.#size > 0;
    if (this.#scheduled) atEndOfTurn(this.#handOut);
    else this.#beginAnew();
  };

  /** @param link Brings the items; gets the acks. */
  constructor(link: Pick<Link, "collectAcks">) {
    this.#link = link;
  }

  /** How many items wait. */
  get size(): number {
    return this.#size;
  }

  /** Puts an item last. */
  push<Item>(recipient: Recipient<Item>, item: Item): void {
    if (this.#end === this.#tail.length) this.#addChunk();
    const tail = this.#tail;
    const at = this.#end;
    tail[at] = recipient;
    tail[at + 1] = item;
    this.#end = at + 2;
    this.#size++;
    if (!this.#scheduled) this.#schedule();
  }

  #schedule(): void {
    this.#scheduled = true;
    atEndOfTurn(this.#handOut);
  }

  #addChunk(): void {
    const size = Math.min(this.#tail.length * 2, LARGEST_CHUNK);
    this.#chunks.push(this.#tail = new Array(size));
    this.#end = 0;
  }

  #nextChunk(): void {
    this.#head = this.#chunks.shift()!;
    this.#start = 0;
  }

  /** All were read, so the one that was read last is the one that was written to. */
  #beginAnew(): void {
    this.#head = this.#tail = this.#first;
    this.#start = this.#end = 0;
  }
}
