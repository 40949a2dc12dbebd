import type { Content } from "../broker/amqp/content.ts";
import type { BasicProperties } from "../broker/amqp/properties.ts";
import type { BodyPage } from "./body_page.ts";
import type { ChannelCore } from "./channel_core.ts";
import { ACK_NAMES, NACK_NAMES, REJECT_NAMES } from "./channel_options.ts";
import { checkOptions } from "./fields.ts";
import { ownProperties, ReceivedMessage } from "./received_message.ts";

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
  /** Exchange that the message was published to; `""` is the default exchange. */
  declare readonly exchange: string;
  /** Routing key that it was published with. */
  declare readonly routingKey: string;
  /** Numbers the deliveries of a channel from 1. */
  declare readonly deliveryTag: number;
  /** True when the message may have been delivered before. */
  declare readonly redelivered: boolean;
  /** Tag of the consumer that it was delivered to; `""` for `basicGet`. */
  declare readonly consumerTag: string;
  /** For `basicGet`: how many messages are still ready in the queue. */
  declare readonly messageCount: number | undefined;
  // Each field that is left out counts where there is one object for each message; so does each private
  // method, which is a field too. That is why some have two meanings.
  /** Where it is settled; undefined when nothing is left to settle. */
  #channel: ChannelCore | undefined;
  /** Where `BodyPage` has copied body and properties to; the body itself once somebody had it. */
  #bytes: ArrayBuffer | Uint8Array<ArrayBuffer>;
  /** Start of the body there; its complement once somebody had it. */
  #start: number;
  /** End of the body and start of the properties. */
  readonly #middle: number;
  /** End of the properties; -1 once they are its user's. */
  #end: number;
  /** Properties of a message of this process: somebody else's until they are copied. */
  #properties: BasicProperties | undefined;

  /**
   * @ignore
   * @param channel Where it is settled; undefined when there is nothing to settle.
   * @param page Has kept the content: with that, the constructor would be too large for V8 to do without
   * a call.
   */
  constructor(
    channel: ChannelCore | undefined,
    consumerTag: string,
    deliveryTag: number,
    redelivered: boolean,
    messageCount: number | undefined,
    content: Content,
    page: BodyPage,
  ) {
    super();
    this.exchange = content.exchange;
    this.routingKey = content.routingKey;
    this.deliveryTag = deliveryTag;
    this.redelivered = redelivered;
    this.consumerTag = consumerTag;
    this.messageCount = messageCount;
    this.#channel = channel;
    this.#bytes = page.buffer;
    this.#start = page.start;
    this.#middle = page.middle;
    this.#end = page.end;
    this.#properties = content.properties;
  }

  /** The body: this message's own, but a small one shares its `buffer` with other messages. */
  override get body(): Uint8Array<ArrayBuffer> {
    const start = this.#start;
    if (start < 0) return this.#bytes as Uint8Array<ArrayBuffer>;
    const body = new Uint8Array(this.#bytes as ArrayBuffer, start, this.#middle - start);
    this.#start = ~start;
    this.#bytes = body;
    return body;
  }

  /** Size of the body in bytes. */
  override get bodySize(): number {
    const start = this.#start;
    return this.#middle - (start < 0 ? ~start : start);
  }

  /** The properties, those that were set; a copy of this message's own, made when first asked for. */
  override get properties(): BasicProperties {
    if (this.#end < 0) return this.#properties!;
    const bytes = this.#bytes;
    const buffer = bytes instanceof Uint8Array ? bytes.buffer : bytes;
    const own = ownProperties(this.#properties, buffer, this.#middle, this.#end);
    this.#end = -1;
    return this.#properties = own;
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
    Delivery.#settle(this, "ack")?.ack(this.deliveryTag, options?.multiple ?? false);
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
    const channel = Delivery.#settle(this, "nack");
    channel?.nack(this.deliveryTag, options?.multiple ?? false, options?.requeue ?? true);
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
    Delivery.#settle(this, "reject")?.reject(this.deliveryTag, options?.requeue ?? true);
  }

  /** True when it was settled by this object, or was delivered with `noAck`. A rollback of the transaction in
   * which it was settled makes it false again. */
  get settled(): boolean {
    return this.#channel === undefined;
  }

  /** The channel to tell the broker on. There is none when another channel has taken the place of the one
   * that this was delivered on: the message is in its queue again, and the tag would mean another one. */
  static #settle(delivery: Delivery, verb: string): ChannelCore | undefined {
    const channel = delivery.#channel;
    if (channel === undefined) {
      throw new TypeError(
        `Cannot ${verb} delivery ${delivery.deliveryTag}: it is settled, or was delivered with noAck`,
      );
    }
    const forgets = channel.forgetsDeliveries;
    if (!forgets) channel.assertOpen(verb);
    delivery.#channel = undefined;
    if (channel.transaction !== undefined) {
      channel.transaction.settled(() => delivery.#channel = channel);
    }
    return forgets ? undefined : channel;
  }
}
