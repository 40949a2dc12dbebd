import { ConsumerCore, type ConsumerParts } from "./consumer_core.ts";
import type { Delivery } from "./delivery.ts";
import type { Recipient } from "./inbox.ts";

/** Takes a delivery; what it returns may be a promise, which is watched for an error. */
export type DeliveryCallback = (delivery: Delivery) => void | Promise<void>;

/** Calls back for each delivery, in order, at the end of the turn that brought it. */
export class CallbackConsumer extends ConsumerCore implements Recipient<Delivery> {
  private readonly _onDelivery: DeliveryCallback;
  private readonly _expects: boolean;
  private _dropping = false;
  /** Deliveries in the inbox. */
  private _queued = 0;
  /** How many of them are of a former connection. */
  private _former = 0;

  constructor(parts: ConsumerParts, onDelivery: DeliveryCallback) {
    super(parts);
    this._onDelivery = onDelivery;
    this._expects = parts.expects ?? true;
    // the next delivery may be what the user waits for, and it can only come over the link
    if (this._expects) this.channel.connection.intake.expectMore();
  }

  receive(delivery: Delivery): void {
    const { intake, inbox } = this.channel.connection;
    intake.queue(delivery.bodySize);
    this._queued++;
    inbox.push(this, delivery);
  }

  take(delivery: Delivery): void {
    this._queued--;
    if (this._former > 0) {
      this._former--;
      if (!this.noAck) return;
    } else {
      this.channel.connection.intake.unqueue(delivery.bodySize);
    }
    if (this._dropping) return;
    try {
      const result = this.queue === undefined
        ? this._onDelivery(delivery)
        : this._traced(delivery, this.queue);
      if (result !== undefined) this._watch(result, delivery);
    } catch (error) {
      this.channel.callbackFailed(error, delivery);
    }
  }

  private _traced(delivery: Delivery, queue: string): void | Promise<void> {
    const { tracing } = this.channel.connection;
    return tracing!.process(delivery, queue, () => this._onDelivery(delivery));
  }

  private _watch(result: void | Promise<void>, delivery: Delivery): void {
    if (typeof result?.then !== "function") return;
    result.then(undefined, (error) => this.channel.callbackFailed(error, delivery));
  }

  interrupt(): void {
    this._former = this._queued;
    if (this._expects) this.channel.connection.intake.expectLess();
  }

  protected moved(): void {
    if (this._expects) this.channel.connection.intake.expectMore();
  }

  protected ended(reason: Error | undefined): void {
    if (this._expects && !this.channel.replaced) this.channel.connection.intake.expectLess();
    this._dropping = this.dropsUnseen(reason);
  }
}
