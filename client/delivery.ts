import type { Content } from "../broker/amqp/content.ts";
import type { BodyPage } from "./body_page.ts";
import type { ChannelCore } from "./channel_core.ts";
import { ACK_NAMES, NACK_NAMES, REJECT_NAMES } from "./channel_options.ts";
import { checkOptions } from "./fields.ts";
import { ReceivedMessage } from "./received_message.ts";

/**
 * A message that the broker delivered to a consumer, or gave for `basicGet`.
 *
 * Unless its consumer is `noAck`, the broker remembers it until it is settled, once, by `ack`, `nack`
 * or `reject`, and delivers it again when the channel closes before. When the connection is lost and
 * made anew meanwhile, or a `Connection.consumer` has another channel, settling this object does
 * nothing: another delivery of the message will come.
 *
 * @example Settling
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using connection = await broker.connect();
 * const channel = await connection.openChannel();
 * const { queue } = await channel.queueDeclare();
 *
 * await channel.basicPublish({ routingKey: queue, properties: { type: "greeting" } }, "hello");
 * const delivery = await channel.basicGet(queue);
 * assertEquals(delivery?.text(), "hello");
 * assertEquals(delivery?.properties.type, "greeting");
 * delivery?.ack();
 * ```
 */
export class Delivery extends ReceivedMessage {
  /** Numbers the deliveries of a channel from 1. */
  declare readonly deliveryTag: number;
  /** True when the message may have been delivered before. */
  declare readonly redelivered: boolean;
  /** Tag of the consumer that it was delivered to; `""` for `basicGet`. */
  declare readonly consumerTag: string;
  /** For `basicGet`: how many messages are still ready in the queue. */
  declare readonly messageCount: number | undefined;
  readonly #channel: ChannelCore;
  /** True when nothing is left to settle. */
  #settled: boolean;

  /** @ignore */
  constructor(
    channel: ChannelCore,
    consumerTag: string,
    noAck: boolean,
    deliveryTag: number,
    redelivered: boolean,
    messageCount: number | undefined,
    content: Content,
    page: BodyPage,
  ) {
    super(content, page);
    this.deliveryTag = deliveryTag;
    this.redelivered = redelivered;
    this.consumerTag = consumerTag;
    this.messageCount = messageCount;
    this.#channel = channel;
    this.#settled = noAck;
  }

  /**
   * Tells the broker that the message is done with.
   *
   * @param options `multiple` to ack all earlier deliveries of the channel as well.
   * @throws {TypeError} When it is settled already, by this object, or its consumer is `noAck`.
   * @throws {Error} When the channel is closed; the message goes back to its queue then.
   */
  ack(options?: { readonly multiple?: boolean }): void {
    if (options !== undefined) checkOptions(options, ACK_NAMES, "ack");
    if (this.#settle("ack")) this.#channel.ack(this.deliveryTag, options?.multiple ?? false);
  }

  /**
   * Tells the broker that the message was not handled.
   *
   * @param options `requeue` (true when not given) puts it back in its queue, at its old position;
   * false discards it or has it dead-lettered. `multiple` does the same to all earlier deliveries of
   * the channel.
   * @throws {TypeError} When it is settled already, by this object, or its consumer is `noAck`.
   * @throws {Error} When the channel is closed; the message goes back to its queue then.
   */
  nack(options?: { readonly multiple?: boolean; readonly requeue?: boolean }): void {
    if (options !== undefined) checkOptions(options, NACK_NAMES, "nack");
    if (!this.#settle("nack")) return;
    this.#channel.nack(this.deliveryTag, options?.multiple ?? false, options?.requeue ?? true);
  }

  /**
   * Rejects this one message.
   *
   * @param options `requeue` (true when not given) puts it back in its queue, at its old position;
   * false discards it or has it dead-lettered.
   * @throws {TypeError} When it is settled already, by this object, or its consumer is `noAck`.
   * @throws {Error} When the channel is closed; the message goes back to its queue then.
   */
  reject(options?: { readonly requeue?: boolean }): void {
    if (options !== undefined) checkOptions(options, REJECT_NAMES, "reject");
    if (!this.#settle("reject")) return;
    this.#channel.reject(this.deliveryTag, options?.requeue ?? true);
  }

  /** True when it was settled by this object, or was delivered with `noAck`. */
  get settled(): boolean {
    return this.#settled;
  }

  /** True when the broker is to be told. It is not when another channel has taken the place of the one
   * that this was delivered on: the message is in its queue again, and the tag would mean another one. */
  #settle(verb: string): boolean {
    if (this.#settled) {
      throw new TypeError(
        `Cannot ${verb} delivery ${this.deliveryTag}: it is settled, or was delivered with noAck`,
      );
    }
    const forgets = this.#channel.forgetsDeliveries;
    if (!forgets) this.#channel.assertOpen(verb);
    this.#settled = true;
    return !forgets;
  }
}
