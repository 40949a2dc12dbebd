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
   * Never rejects. */
  async handle(first: Delivery): Promise<void> {
    const { handler, codecs, settlement, next } = this.#parts;
    this.#running++;
    for (let delivery: Delivery | undefined = first; delivery; delivery = next()) {
      let message = new Message(delivery.body as Body, delivery);
      try {
        const decoded = codecs.decode(delivery.body, delivery.properties);
        const body = decoded instanceof Promise ? await decoded : decoded;
        message = new Message(body as Body, delivery);
        const handled = handler(message);
        if (isThenable(handled)) await handled;
        settlement.settle(delivery, "ack");
      } catch (error) {
        await settlement.fail(error, message);
      }
    }
    if (--this.#running === 0) this.#idle?.resolve();
  }
}

/** True of what is to be awaited. */
export function isThenable(value: unknown): boolean {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";
}
