import { ConsumerTag } from "../amqp/consumer_tag.ts";
import type { Message } from "../message.ts";
import { DIRECT_REPLY_TO } from "../vhost/names.ts";
import type { BrokerChannel } from "./channel.ts";
import { traceDelivery } from "./observed.ts";

/**
 * Direct reply-to: a consumer of the pseudo-queue `amq.rabbitmq.reply-to`. Requests that its channel
 * publishes name a private address to reply to, and what is published to that address goes straight
 * to this consumer, through no queue. RabbitMQ, "Direct Reply-to".
 */
export class DirectReply {
  readonly #tag: ConsumerTag;
  /** The address that replaces `amq.rabbitmq.reply-to` in the channel's requests. */
  readonly address: string;
  readonly #channel: BrokerChannel;

  constructor(channel: BrokerChannel, consumerTag: string) {
    this.#channel = channel;
    this.#tag = new ConsumerTag(consumerTag);
    this.address = channel.connection.vhost.publishing.addReplyReceiver(this);
  }

  /** The consumer's tag. */
  get consumerTag(): string {
    return this.#tag.text;
  }

  /** Takes one reply. */
  deliverReply(message: Message): void {
    const channel = this.#channel;
    const { consumerTag } = this;
    const { link, vhost } = channel.connection;
    const deliveryTag = channel.nextDeliveryTag();
    // whoever replies is not held up by one who does not read: what waits for him is not copied as well
    const own = link.full ? message.withOwnBody() : message;
    const reply = vhost.tracer === undefined ? own : traceDelivery(channel, own, {
      name: "deliver",
      queue: DIRECT_REPLY_TO,
      consumerTag,
      deliveryTag,
      redelivered: false,
    });
    if (reply.transferred && !reply.pooled) {
      link.sendSharedDelivery(channel.number, this.#tag, deliveryTag, reply);
    } else link.sendDelivery(channel.number, this.#tag, deliveryTag, false, reply);
  }

  /** No more replies. */
  end(): void {
    this.#channel.connection.vhost.publishing.removeReplyReceiver(this.address);
    this.#channel.directReply = undefined;
  }
}
