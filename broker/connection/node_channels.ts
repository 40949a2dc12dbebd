import { AmqpError } from "../amqp/error.ts";

/** How many channels are open on all connections of a broker, and how many may be. */
export class NodeChannels {
  readonly #node: string;
  readonly #max: number;
  #count = 0;

  /**
   * @param node What texts call the broker.
   * @param max How many there may be; Infinity for any number.
   */
  constructor(node: string, max: number) {
    this.#node = node;
    this.#max = max;
  }

  /**
   * Counts one more.
   *
   * @throws {AmqpError} 530 when there are as many as there may be.
   */
  open(): void {
    if (this.#count >= this.#max) {
      throw new AmqpError(
        530,
        `number of channels opened on node '${this.#node}' has reached the maximum allowed limit ` +
          `of ${this.#max}`,
      );
    }
    this.#count++;
  }

  /** One of them has ended. */
  close(): void {
    this.#count--;
  }
}
