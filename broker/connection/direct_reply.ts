import type { Message } from "../message.ts";
import type { BrokerChannel } from "./channel.ts";

/**
 * Direct reply-to: a consumer of the pseudo-queue `amq.rabbitmq.reply-to`. Requests that its channel
 * publishes name a private address to reply to, and what is published to that address goes straight
 * to this consumer, through no queue. RabbitMQ, "Direct Reply-to".
 */
export class DirectReply {
  /** The consumer's tag. */
  readonly consumerTag: string;
  /** The address that replaces `amq.rabbitmq.reply-to` in the channel's requests. */
  readonly address: string;
  readonly #channel: BrokerChannel;

  constructor(channel: BrokerChannel, consumerTag: string) {
    this.#channel = channel;
    this.consumerTag = consumerTag;
    this.address = channel.connection.vhost.publishing.addReplyReceiver(this);
  }

  /** Takes one reply. */
  deliverReply(message: Message): void {
    const channel = this.#channel;
    channel.connection.link.sendDelivery(
      channel.number,
      this.consumerTag,
      channel.nextDeliveryTag(),
      false,
      message,
    );
  }

  /** No more replies. */
  end(): void {
    this.#channel.connection.vhost.publishing.removeReplyReceiver(this.address);
    this.#channel.directReply = undefined;
  }
}
