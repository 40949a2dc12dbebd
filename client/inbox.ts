import type { Link } from "../broker/amqp/link.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";

/** So many items are handed out before others get their turn. */
const ITEMS_A_TURN = 512;
/** The ring starts so small. */
const SMALLEST_RING = 16;

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
  /** Recipient, item, recipient, item, ...: a ring of a power of two. */
  #ring: unknown[] = new Array(SMALLEST_RING).fill(undefined);
  #head = 0;
  #length = 0;
  #scheduled = false;
  readonly #link: Pick<Link, "collectAcks">;
  readonly #handOut = () => {
    // what callbacks ack goes to the broker together, and so does what it delivers for that
    this.#link.collectAcks(true);
    for (let left = ITEMS_A_TURN; left > 0 && this.#length > 0; left--) {
      const ring = this.#ring;
      const head = this.#head;
      const recipient = ring[head] as Recipient<unknown>;
      const item = ring[head + 1];
      ring[head] = ring[head + 1] = undefined;
      this.#head = (head + 2) & (ring.length - 1);
      this.#length -= 2;
      recipient.take(item);
    }
    this.#link.collectAcks(false);
    this.#scheduled = this.#length > 0;
    if (this.#scheduled) atEndOfTurn(this.#handOut);
  };

  /** @param link Brings the items; gets the acks. */
  constructor(link: Pick<Link, "collectAcks">) {
    this.#link = link;
  }

  /** How many items wait. */
  get size(): number {
    return this.#length / 2;
  }

  /** Puts an item last. */
  push<Item>(recipient: Recipient<Item>, item: Item): void {
    if (this.#length === this.#ring.length) this.#grow();
    const ring = this.#ring;
    const at = (this.#head + this.#length) & (ring.length - 1);
    ring[at] = recipient;
    ring[at + 1] = item;
    this.#length += 2;
    if (this.#scheduled) return;
    this.#scheduled = true;
    atEndOfTurn(this.#handOut);
  }

  #grow(): void {
    const ring = this.#ring;
    const rest = new Array(ring.length).fill(undefined);
    this.#ring = [...ring.slice(this.#head), ...ring.slice(0, this.#head), ...rest];
    this.#head = 0;
  }
}
