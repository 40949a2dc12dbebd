import type { BasicProperties } from "../../broker/amqp/properties.ts";
import type { Delivery } from "../delivery.ts";

/**
 * A message as a {@linkcode MessageConsumer} hands it out: its body is decoded by its content type.
 *
 * @typeParam Body What the program expects the body to be; nothing checks it.
 */
export class Message<Body = unknown> {
  /** What the body stands for: of JSON the value, of `text/*` a string, of what has a codec what that
   * makes of it, of anything else the bytes. */
  readonly body: Body;
  /** The delivery as it came, with the body's bytes. */
  readonly delivery: Delivery;

  /** @ignore */
  constructor(body: Body, delivery: Delivery) {
    this.body = body;
    this.delivery = delivery;
  }

  /** Exchange that it was published to. */
  get exchange(): string {
    return this.delivery.exchange;
  }

  /** Routing key that it was published with. */
  get routingKey(): string {
    return this.delivery.routingKey;
  }

  /** Its properties, those that were set. */
  get properties(): BasicProperties {
    return this.delivery.properties;
  }

  /** True when it may have been delivered before. */
  get redelivered(): boolean {
    return this.delivery.redelivered;
  }

  /** True when it was acked, nacked or rejected, or needs not be. */
  get settled(): boolean {
    return this.delivery.settled;
  }

  /** Tells the broker that it is done with. See {@linkcode Delivery.ack}. */
  ack(): void {
    this.delivery.ack();
  }

  /** Tells the broker that it was not handled. See {@linkcode Delivery.nack}. */
  nack(options?: { readonly requeue?: boolean }): void {
    this.delivery.nack(options);
  }

  /** Rejects it. See {@linkcode Delivery.reject}. */
  reject(options?: { readonly requeue?: boolean }): void {
    this.delivery.reject(options);
  }
}
