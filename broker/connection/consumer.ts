import { ConsumerTag } from "../amqp/consumer_tag.ts";
import type { Content } from "../amqp/content.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { ConsumerEvent } from "../events.ts";
import type { Message } from "../message.ts";
import { QueueConsumer } from "../queue/consumer.ts";
import type { QueueEntry } from "../queue/entry.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { ChannelCounts, DeliveryCounts } from "../stats.ts";
import type { BrokerChannel } from "./channel.ts";
import { counted } from "./delivery_count.ts";
import { observeDelivery } from "./observed.ts";
import { Prefetch } from "./prefetch.ts";
import { BEHIND } from "./slowdown.ts";
import type { DeliverySource } from "./unacked.ts";
import type { WaitingConsumers } from "./waiting_consumers.ts";

/** After so many deliveries it is asked how much memory there is. */
const NOTED_DELIVERIES = 1024;

/** What `basic.consume` asks for. */
export interface ConsumerOptions {
  /** Its name on the channel. */
  readonly consumerTag: string;
  /** Where it takes messages from. */
  readonly queue: MessageQueue;
  /** It asked to be the only one. */
  readonly exclusive: boolean;
  /** Deliveries count as settled when they are sent. */
  readonly noAck: boolean;
  /** How many unacked deliveries it may have; 0 for no limit. */
  readonly prefetchCount: number;
  /** From the argument `x-priority`. */
  readonly priority: number;
  /** How long a delivery to it may wait for its ack, in milliseconds; undefined: as its queue says. */
  readonly timeoutMs: number | undefined;
  /** The arguments of `basic.consume`. */
  readonly arguments: FieldTable;
}

/** A consumer on a channel: what its queue gives it goes out as `basic.deliver`. */
export class ChannelConsumer extends QueueConsumer {
  // what each delivery looks at comes first, as in its queue
  readonly noAck: boolean;
  /** True while its client has as much for it as it wants to hold. */
  private _throttled = false;
  private readonly _tag: ConsumerTag;
  private readonly _channel: BrokerChannel;
  readonly queue: MessageQueue;
  readonly exclusive: boolean;
  readonly priority: number;
  readonly timeoutMs: number | undefined;
  readonly arguments: FieldTable;
  /** True once it was cancelled because it keeps what it gets for too long. */
  late = false;
  /** True while its channel is about to offer it more, since it has acked something. */
  relieved = false;
  /** Where it waits for what it shares with others; what follows belongs to that. */
  waitsAt: WaitingConsumers | undefined = undefined;
  waitingNumber = 0;
  waitingPlace = 0;
  /** Its own limit, beside the channel's. */
  readonly prefetch: Prefetch;
  /** What is remembered of each of its deliveries. */
  private readonly _source: DeliverySource;
  private readonly _counts: ChannelCounts;
  private readonly _queueCounts: DeliveryCounts;

  constructor(channel: BrokerChannel, options: ConsumerOptions) {
    super();
    this._channel = channel;
    this._counts = channel.counts;
    this._queueCounts = options.queue.counts;
    this._tag = new ConsumerTag(options.consumerTag);
    this.queue = options.queue;
    this._source = { queue: options.queue, consumer: this };
    this.exclusive = options.exclusive;
    this.noAck = options.noAck;
    this.priority = options.priority;
    this.timeoutMs = options.timeoutMs;
    this.arguments = options.arguments;
    this.prefetch = new Prefetch(options.prefetchCount);
    this.timeoutChanged();
  }

  get consumerTag(): string {
    return this._tag.text;
  }

  override timeoutChanged(): void {
    if (this.noAck) return;
    this._channel.connection.watchAcks(this.timeoutMs ?? this.queue.consumerTimeoutMs);
  }

  hasRoom(): boolean {
    const channel = this._channel;
    if (channel.ended || this._throttled) return false;
    if (channel.connection.link.full) return this._mustWait(channel);
    if (this.noAck) return channel.prefetch.hasRoom || this._waitForRoom(channel);
    return this.prefetch.hasRoom && (channel.hasRoom || this._waitForRoom(channel));
  }

  private _waitForRoom(channel: BrokerChannel): false {
    channel.offers.forRoom.add(this);
    return false;
  }

  /** Its client wants nothing more for it, or more again. */
  throttle(on: boolean): void {
    this._throttled = on;
    if (!on && !this.inRow) this.queue.consumerHasRoom(this);
  }

  private _mustWait(channel: BrokerChannel): false {
    channel.offers.forLink.add(this);
    // one that does not read is worth a pause of whoever publishes to its queue
    if (!this.queue.keepsDelivered) channel.connection.vhost.pacing.pressure += BEHIND;
    return false;
  }

  /** The channel that it belongs to. */
  get channel(): BrokerChannel {
    return this._channel;
  }

  /** What events tell of it. */
  get event(): ConsumerEvent {
    const { connection, number } = this._channel;
    return {
      vhost: connection.vhost.name,
      connection: connection.name,
      channel: number,
      consumerTag: this.consumerTag,
      queue: this.queue.name,
      exclusive: this.exclusive,
      ackRequired: !this.noAck,
      prefetchCount: this.prefetch.limit,
      arguments: this.arguments,
    };
  }

  override get unackedCount(): number {
    return this.prefetch.unacked;
  }

  deliverForgotten(
    message: Message,
    redelivered: boolean,
    deliveryCount: number,
    acquiredCount: number,
  ): void {
    const channel = this._channel;
    const connection = channel.connection;
    channel.counts.deliverNoAck++;
    if (redelivered) this._countRedelivery();
    const deliveryTag = channel.nextDeliveryTag();
    const outgoing = acquiredCount > 0 || connection.vhost.observed
      ? this._outgoing(message, deliveryTag, redelivered, deliveryCount, acquiredCount)
      : message;
    connection.link.sendDelivery(channel.number, this._tag, deliveryTag, redelivered, outgoing);
  }

  /** What goes out in place of a message that came back, or that somebody watches. */
  private _outgoing(
    message: Message,
    deliveryTag: number,
    redelivered: boolean,
    deliveryCount: number,
    acquiredCount: number,
  ): Content {
    const outgoing = acquiredCount > 0
      ? this._counted(message, deliveryCount, acquiredCount)
      : message;
    if (!this._channel.connection.vhost.observed) return outgoing;
    const { consumerTag, queue: { name: queue } } = this;
    const delivery = { name: "deliver", queue, consumerTag, deliveryTag, redelivered } as const;
    return observeDelivery(this._channel, message, outgoing, delivery);
  }

  private _countRedelivery(): void {
    this._counts.redeliver++;
    this._queueCounts.redeliver++;
  }

  private _counted(message: Message, deliveryCount: number, acquiredCount: number): Content {
    const { tellsAcquiredCount } = this._channel.connection.profile;
    const counts = { deliveryCount, acquiredCount: tellsAcquiredCount ? acquiredCount : 0 };
    return counted(message, this.queue, counts);
  }

  deliver(entry: QueueEntry): void {
    const channel = this._channel;
    const connection = channel.connection;
    const redelivered = entry.redelivered;
    const deliveryTag = channel.nextDeliveryTag();
    this._counts.deliver++;
    this._queueCounts.deliver++;
    if (redelivered) this._countRedelivery();
    if (deliveryTag % NOTED_DELIVERIES === 0) connection.noteDeliveries(NOTED_DELIVERIES);
    this.prefetch.unacked++;
    channel.prefetch.unacked++;
    channel.unacked.put(deliveryTag, entry, this._source, connection.now);
    const message = entry.message;
    const acquiredCount = entry.acquiredCount;
    const outgoing = acquiredCount > 0 || connection.vhost.observed
      ? this._outgoing(message, deliveryTag, redelivered, entry.deliveryCount, acquiredCount)
      : message;
    connection.link.sendDelivery(channel.number, this._tag, deliveryTag, redelivered, outgoing);
  }

  cancelled(): void {
    this._channel.consumerCancelled(this);
  }
}
