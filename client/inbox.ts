import type { Link } from "../broker/amqp/link.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";
import { Fifo } from "./fifo.ts";

/** So many items are handed out before others get their turn. */
const ITEMS_A_TURN = 512;

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
  /** Recipient, item, recipient, item, ... */
  readonly #waiting = new Fifo<unknown>();
  #scheduled = false;
  readonly #link: Pick<Link, "collectAcks">;
  readonly #handOut = () => {
    // what callbacks ack goes to the broker together, and so does what it delivers for that
    this.#link.collectAcks(true);
    for (let left = ITEMS_A_TURN; left > 0 && this.#waiting.length > 0; left--) {
      const recipient = this.#waiting.shift() as Recipient<unknown>;
      recipient.take(this.#waiting.shift());
    }
    this.#link.collectAcks(false);
    this.#scheduled = this.#waiting.length > 0;
    if (this.#scheduled) atEndOfTurn(this.#handOut);
  };

  /** @param link Brings the items; gets the acks. */
  constructor(link: Pick<Link, "collectAcks">) {
    this.#link = link;
  }

  /** How many items wait. */
  get size(): number {
    return this.#waiting.length / 2;
  }

  /** Puts an item last. */
  push<Item>(recipient: Recipient<Item>, item: Item): void {
    this.#waiting.push(recipient);
    this.#waiting.push(item);
    if (this.#scheduled) return;
    this.#scheduled = true;
    atEndOfTurn(this.#handOut);
  }
}
