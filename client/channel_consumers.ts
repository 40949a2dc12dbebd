import type { Content } from "../broker/amqp/content.ts";
import type { ChannelCore } from "./channel_core.ts";
import type { ConsumerCore } from "./consumer_core.ts";
import { Delivery } from "./delivery.ts";

/** The consumers of a channel, by their tags. */
export class ChannelConsumers {
  private readonly _channel: ChannelCore;
  private readonly _byTag = new Map<string, ConsumerCore>();
  /** The one that got the latest delivery: mostly it gets the next one too. */
  private _last: ConsumerCore | undefined;

  constructor(channel: ChannelCore) {
    this._channel = channel;
  }

  add(consumer: ConsumerCore): void {
    this._byTag.set(consumer.consumerTag, consumer);
  }

  /** Gives a delivery to its consumer. */
  deliver(consumerTag: string, deliveryTag: number, redelivered: boolean, content: Content): void {
    let consumer = this._last;
    if (consumer === undefined || consumer.consumerTag !== consumerTag) {
      consumer = this._byTag.get(consumerTag);
      if (consumer === undefined) return; // it ended; the broker has not heard of it yet
      this._last = consumer;
    }
    const channel = this._channel;
    const { page } = channel.connection;
    page.keep(content);
    const delivery = new Delivery(
      consumer.noAck ? undefined : channel,
      consumerTag,
      channel.userTag(deliveryTag),
      redelivered,
      undefined,
      content,
      page,
    );
    if (consumer.position.follows) consumer.position.take(delivery);
    consumer.receive(delivery);
  }

  /** One of them is being cancelled. */
  leaves(consumerTag: string): void {
    const consumer = this._byTag.get(consumerTag);
    if (consumer !== undefined) consumer.leaving = this._channel;
  }

  /** One of them was cancelled. */
  end(consumerTag: string, state: "cancelled" | "cancelledByBroker"): void {
    this._byTag.get(consumerTag)?.end(state);
    this._byTag.delete(consumerTag);
    this._last = undefined;
  }

  /** The broker has put back what was not settled: it will be delivered again. */
  requeued(): void {
    for (const consumer of this._byTag.values()) consumer.requeued();
  }

  /** True when some hold what their user has not looked at. */
  get hold(): boolean {
    for (const consumer of this._byTag.values()) if (consumer.holds) return true;
    return false;
  }

  /** Their channel is closed. */
  endAll(reason: Error | undefined): void {
    for (const consumer of this._byTag.values()) consumer.end("closed", reason);
    this._clear();
  }

  /** Their channel is closed, and another one will take them over. */
  interrupt(): void {
    for (const consumer of [...this._byTag.values()]) {
      consumer.interrupt();
      // its cancel was sent, and it went with the connection at the latest
      if (consumer.leaving !== undefined) consumer.end("cancelled");
    }
  }

  /** Another channel takes them over. */
  moveTo(successor: ChannelCore): void {
    for (const consumer of this._byTag.values()) {
      if (consumer.state === "active") consumer.moveTo(successor);
    }
    this._clear();
  }

  private _clear(): void {
    this._byTag.clear();
    this._last = undefined;
  }
}
