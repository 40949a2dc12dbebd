import type { Delivery } from "../delivery.ts";
import type { Codecs } from "./codecs.ts";
import type { MessageHandler } from "./consumer_options.ts";
import { Message } from "./message.ts";
import type { Settlement } from "./settlement.ts";

/** What {@linkcode Handling} is made of. */
export interface HandlingParts<Body> {
  readonly handler: MessageHandler<Body>;
  /** How many messages at once. */
  readonly concurrency: number;
  readonly codecs: Codecs;
  readonly settlement: Settlement<Body>;
  /** The next message to handle, if there is one. */
  readonly next: () => Delivery | undefined;
}

/** Runs the handler of a consumer, a bounded number of times at once, and settles what it was given. */
export class Handling<Body> {
  readonly #parts: HandlingParts<Body>;
  #running = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(parts: HandlingParts<Body>) {
    this.#parts = parts;
  }

  /** How many messages are being handled. */
  get running(): number {
    return this.#running;
  }

  /** True when one more may be handled now. */
  get hasRoom(): boolean {
    return this.#running < this.#parts.concurrency;
  }

  /** Resolves when none is. */
  async whenIdle(): Promise<void> {
    if (this.#running === 0) return;
    await (this.#idle ??= Promise.withResolvers()).promise;
  }

  /** Handles a message, for which there must be room, and then one after the other until there is none.
   * What takes no time is done when this returns. Never throws. */
  handle(first: Delivery): void {
    this.#running++;
    for (let delivery: Delivery | undefined = first; delivery; delivery = this.#parts.next()) {
      const end = this.#handle(delivery);
      if (end !== undefined) return void this.#goOn(end);
    }
    this.#done();
  }

  async #goOn(end: Promise<void>): Promise<void> {
    const { next } = this.#parts;
    await end;
    for (let delivery = next(); delivery; delivery = next()) await this.#handle(delivery);
    this.#done();
  }

  #done(): void {
    if (--this.#running === 0) this.#idle?.resolve();
  }

  /** Handles one message. A promise, which never rejects, only when there is something to wait for. */
  #handle(delivery: Delivery): Promise<void> | undefined {
    const { handler, codecs, settlement } = this.#parts;
    let message: Message<Body> | undefined;
    try {
      const body = codecs.decode(delivery.body, delivery.properties);
      if (body instanceof Promise) return this.#handleDecoded(delivery, body);
      message = new Message(body as Body, delivery);
      const handled = handler(message);
      if (isThenable(handled)) return this.#settleAfter(message, handled);
      settlement.settle(delivery, "ack");
      return undefined;
    } catch (error) {
      return settlement.fail(error, message ?? undecoded(delivery));
    }
  }

  async #handleDecoded(delivery: Delivery, decoding: Promise<unknown>): Promise<void> {
    const { handler, settlement } = this.#parts;
    let message: Message<Body> | undefined;
    try {
      message = new Message(await decoding as Body, delivery);
      await handler(message);
      settlement.settle(delivery, "ack");
    } catch (error) {
      await settlement.fail(error, message ?? undecoded(delivery));
    }
  }

  async #settleAfter(message: Message<Body>, handled: unknown): Promise<void> {
    const { settlement } = this.#parts;
    try {
      await handled;
      settlement.settle(message.delivery, "ack");
    } catch (error) {
      await settlement.fail(error, message);
    }
  }
}

/** A message whose body is its bytes, since nothing could be made of them. */
function undecoded<Body>(delivery: Delivery): Message<Body> {
  return new Message(delivery.body as Body, delivery);
}

/** True of what is to be awaited. */
export function isThenable(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";
}
