import { ConsumerCore, type ConsumerParts } from "./consumer_core.ts";
import type { Delivery } from "./delivery.ts";
import type { Recipient } from "./inbox.ts";

/** Takes a delivery; what it returns may be a promise, which is watched for an error. */
export type DeliveryCallback = (delivery: Delivery) => void | Promise<void>;

/** Calls back for each delivery, in order, at the end of the turn that brought it. */
export class CallbackConsumer extends ConsumerCore implements Recipient<Delivery> {
  readonly #onDelivery: DeliveryCallback;
  readonly #expects: boolean;
  #dropping = false;
  /** Deliveries in the inbox. */
  #queued = 0;
  /** How many of them are of a former connection. */
  #former = 0;

  constructor(parts: ConsumerParts, onDelivery: DeliveryCallback) {
    super(parts);
    this.#onDelivery = onDelivery;
    this.#expects = parts.expects ?? true;
    // the next delivery may be what the user waits for, and it can only come over the link
    if (this.#expects) this.channel.connection.intake.expectMore();
  }

  receive(delivery: Delivery): void {
    const { intake, inbox } = this.channel.connection;
    intake.queue(delivery.bodySize);
    this.#queued++;
    inbox.push(this, delivery);
  }

  take(delivery: Delivery): void {
    this.#queued--;
    if (this.#former > 0) {
      this.#former--;
      if (!this.noAck) return;
    } else {
      this.channel.connection.intake.unqueue(delivery.bodySize);
    }
    if (this.#dropping) return;
    try {
      const result = this.queue === undefined
        ? this.#onDelivery(delivery)
        : this.#traced(delivery, this.queue);
      if (result !== undefined) this.#watch(result, delivery);
    } catch (error) {
      this.channel.callbackFailed(error, delivery);
    }
  }

  #traced(delivery: Delivery, queue: string): void | Promise<void> {
    const { tracing } = this.channel.connection;
    return tracing!.process(delivery, queue, () => this.#onDelivery(delivery));
  }

  #watch(result: void | Promise<void>, delivery: Delivery): void {
    if (typeof result?.then !== "function") return;
    result.then(undefined, (error) => this.channel.callbackFailed(error, delivery));
  }

  interrupt(): void {
    this.#former = this.#queued;
    if (this.#expects) this.channel.connection.intake.expectLess();
  }

  protected moved(): void {
    if (this.#expects) this.channel.connection.intake.expectMore();
  }

  protected ended(reason: Error | undefined): void {
    if (this.#expects && !this.channel.replaced) this.channel.connection.intake.expectLess();
    this.#dropping = this.dropsUnseen(reason);
  }
}
