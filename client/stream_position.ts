import type { FieldTable } from "../broker/amqp/field_value.ts";
import type { Delivery } from "./delivery.ts";
import { Fifo } from "../broker/amqp/fifo.ts";

const OFFSET = "x-stream-offset";

/**
 * How far a consumer has come in a stream, so that another one goes on there: what it was started with
 * would have it read everything again, or pass over what was published meanwhile.
 *
 * Whether it is a stream at all is seen in the first message, which has its offset in a header.
 */
export class StreamPosition {
  /** False once it is known to read no stream: `take` need not be called. */
  follows = true;
  #isStream = false;
  /** Delivered, and not settled when somebody looked last, in order. */
  readonly #unsettled = new Fifo<Delivery>();
  #last: Delivery | undefined;
  /** Where it was to go on, as long as nothing has come since: the next one goes on there too. */
  #resumed: number | undefined;

  /** A message was delivered. */
  take(delivery: Delivery): void {
    if (!this.#isStream) {
      this.#isStream = this.follows &&= offsetOf(delivery) !== undefined;
      if (!this.follows) return;
    }
    this.#prune();
    this.#unsettled.push(delivery);
    this.#last = delivery;
    this.#resumed = undefined;
  }

  /** The arguments to go on with: at the first message that is not settled, or after the last one. */
  resume(table: FieldTable): FieldTable {
    if (this.#last === undefined) return table;
    this.#prune();
    const first = this.#unsettled.shift();
    while (this.#unsettled.length > 0) this.#unsettled.shift();
    this.#resumed = first === undefined
      ? this.#resumed ?? offsetOf(this.#last)! + 1
      : offsetOf(first)!;
    return { ...table, [OFFSET]: this.#resumed };
  }

  #prune(): void {
    while (this.#unsettled.at(0)?.settled) this.#unsettled.shift();
  }
}

function offsetOf({ properties }: Delivery): number | undefined {
  const offset = properties.headers?.[OFFSET];
  return typeof offset === "number" ? offset : undefined;
}
