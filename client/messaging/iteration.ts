import { briefPause } from "../../broker/amqp/turn.ts";
import { onAbort } from "../abortable.ts";
import type { Delivery } from "../delivery.ts";
import { Fifo } from "../../broker/amqp/fifo.ts";
import type { HeldDeliveries } from "./held_deliveries.ts";
import type { Message } from "./message.ts";

/** Who waits for the next message. */
interface Waiter<Body> {
  /** Waits no longer. */
  gone: boolean;
  readonly resolve: (result: IteratorResult<Message<Body>, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** What {@linkcode Iteration} needs of its consumer. */
export interface IterationParts<Body> {
  /** Makes a message of a delivery; undefined when it was settled because it cannot. */
  readonly decode: (delivery: Delivery) => Promise<Message<Body> | undefined>;
  /** Told of each that somebody gets. */
  readonly handedOut: (delivery: Delivery) => void;
}

/** Hands out the messages of a consumer that has no handler, one a call. */
export class Iteration<Body> {
  readonly #held: HeldDeliveries;
  readonly #parts: IterationParts<Body>;
  readonly #waiters = new Fifo<Waiter<Body>>();
  /** Decoded for somebody who gave up meanwhile. */
  #decoded = new Fifo<Message<Body>>();
  #ended: { readonly reason: Error | undefined } | undefined;

  /** @param held What was delivered and not handed out. */
  constructor(held: HeldDeliveries, parts: IterationParts<Body>) {
    this.#held = held;
    this.#parts = parts;
  }

  /** True when somebody waits for a delivery. */
  get isWaiting(): boolean {
    return this.#waiters.length > 0;
  }

  /** The next message; waits for it, until the signal aborts. */
  async next(signal?: AbortSignal): Promise<IteratorResult<Message<Body>, undefined>> {
    signal?.throwIfAborted();
    const decoded = this.#decoded.shift();
    if (decoded !== undefined) return this.#next(decoded);
    for (let delivery = this.#held.shift(); delivery; delivery = this.#held.shift()) {
      const message = await this.#parts.decode(delivery);
      if (message === undefined) continue;
      // what is there is taken within a turn, and for an ack in this process more of it comes
      const pause = briefPause();
      if (pause !== undefined) await pause;
      return this.#next(message);
    }
    if (this.#ended !== undefined) return this.#last();
    const { promise, resolve, reject } = Promise.withResolvers<
      IteratorResult<Message<Body>, undefined>
    >();
    const waiter: Waiter<Body> = { gone: false, resolve, reject };
    this.#wait(waiter);
    if (signal !== undefined) onAbort(signal, promise, () => this.#giveUp(waiter, signal.reason));
    return await promise;
  }

  /** Takes what was delivered. */
  take(delivery: Delivery): void {
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return this.#held.push(delivery);
    this.#held.expect(this.isWaiting);
    this.#give(delivery, waiter);
  }

  /** What was decoded and not handed out will be delivered again. */
  forget(): void {
    this.#decoded = new Fifo();
  }

  /** Nothing will be delivered any more. With a reason, the next one who asks is told. */
  end(reason: Error | undefined): void {
    this.#ended = { reason };
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) {
      if (reason === undefined) waiter.resolve({ done: true, value: undefined });
      else waiter.reject(reason);
    }
  }

  #last(): IteratorResult<Message<Body>, undefined> {
    const reason = this.#ended?.reason;
    this.#ended = { reason: undefined };
    if (reason !== undefined) throw reason;
    return { done: true, value: undefined };
  }

  #wait(waiter: Waiter<Body>): void {
    this.#waiters.push(waiter);
    this.#held.expect(true);
  }

  #giveUp(waiter: Waiter<Body>, reason: unknown): void {
    waiter.gone = true;
    this.#waiters.delete(waiter);
    this.#held.expect(this.isWaiting);
    waiter.reject(reason);
  }

  /** Gives a waiter the first message from here on that can be decoded. */
  async #give(first: Delivery, waiter: Waiter<Body>): Promise<void> {
    for (let delivery: Delivery | undefined = first; delivery; delivery = this.#held.shift()) {
      const message = await this.#parts.decode(delivery);
      if (message !== undefined) return this.#hand(message, waiter);
      if (waiter.gone) return;
    }
    if (this.#ended === undefined) this.#wait(waiter);
    else this.next().then(waiter.resolve, waiter.reject);
  }

  /** A waiter that has given up meanwhile leaves its message to the next one. */
  #hand(message: Message<Body>, waiter: Waiter<Body> | undefined): void {
    if (waiter?.gone) waiter = this.#waiters.shift();
    if (waiter !== undefined) waiter.resolve(this.#next(message));
    else if (this.#ended === undefined) this.#decoded.push(message);
  }

  #next(message: Message<Body>): IteratorResult<Message<Body>, undefined> {
    this.#parts.handedOut(message.delivery);
    return { done: false, value: message };
  }
}
