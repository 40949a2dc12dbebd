import type { Link } from "../broker/amqp/link.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";
import { BYTES_MAX, COUNT_MAX } from "./intake.ts";

/**
 * How much is held for one consumer that its user has not taken, where the link can hold up those for it
 * alone: what others of its connection wait for comes nevertheless. Over a socket it cannot.
 */
export class HeldUp {
  readonly #link: Link;
  readonly #channel: number;
  readonly #consumerTag: string;
  #count = 0;
  #bytes = 0;
  #throttled = false;
  #resuming = false;
  #ended = false;
  readonly #resume = () => {
    this.#resuming = false;
    if (this.#ended || this.#hasEnough(1)) return;
    this.#throttled = false;
    this.#link.throttleConsumer!(this.#channel, this.#consumerTag, false);
  };

  private constructor(link: Link, channel: number, consumerTag: string) {
    this.#link = link;
    this.#channel = channel;
    this.#consumerTag = consumerTag;
  }

  /** Undefined where the link cannot. */
  static of(link: Link, channel: number, consumerTag: string): HeldUp | undefined {
    return link.throttleConsumer && new HeldUp(link, channel, consumerTag);
  }

  /** A delivery of that size is held. */
  hold(size: number): void {
    this.#count++;
    this.#bytes += size;
    if (this.#throttled || this.#ended || !this.#hasEnough(0)) return;
    this.#throttled = true;
    this.#link.throttleConsumer!(this.#channel, this.#consumerTag, true);
  }

  /** It is not any more. Goes on when half is gone, at the end of the turn, as `Intake` does. */
  release(size: number): void {
    this.#count--;
    this.#bytes -= size;
    if (!this.#throttled || this.#ended || this.#resuming || this.#hasEnough(1)) return;
    this.#resuming = true;
    atEndOfTurn(this.#resume);
  }

  /** Its consumer has ended: another one may have its tag, and is not to go on because of what is taken of this. */
  end(): void {
    this.#ended = true;
  }

  /** @param halvings 1 to compare with half of the limits. */
  #hasEnough(halvings: number): boolean {
    return this.#count > COUNT_MAX >> halvings || this.#bytes > BYTES_MAX >> halvings;
  }
}
