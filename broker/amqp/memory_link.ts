import type { ConsumerTag } from "./consumer_tag.ts";
import { Content } from "./content.ts";
import type { ContentMethod, Link, LinkReceiver } from "./link.ts";
import { basicAck, type Method } from "./methods/mod.ts";
import { atEndOfTurn } from "./turn.ts";

/**
 * One of two links in the same process that are each other's other end: methods cross as objects, at
 * once and without being encoded. A client's end is normalised by the client (short strings, tables,
 * properties), so that what crosses is what a wire would have made of it.
 */
export class MemoryLink implements Link {
  private _other!: MemoryLink;
  private _receiver: LinkReceiver | undefined;
  private _closed = false;
  /** Our side asked for nothing more to be brought. */
  private _throttled = false;
  private _collecting = false;
  /** The channel whose acks wait to go together; 0: none do. */
  private _ackChannel = 0;
  /** The deliveries that they are of, without a gap. */
  private _firstAck = 0;
  private _lastAck = 0;

  /** Makes both ends. Each gets its receiver by {@linkcode MemoryLink.attach}. */
  static pair(): readonly [MemoryLink, MemoryLink] {
    const [one, two] = [new MemoryLink(), new MemoryLink()];
    one._other = two;
    two._other = one;
    return [one, two];
  }

  /** Says who takes what comes. Must be done before the other end sends. */
  attach(receiver: LinkReceiver): void {
    this._receiver = receiver;
  }

  send(channel: number, method: Method): void {
    if (this._ackChannel !== 0) this._passAcks();
    if (!this._closed) this._other._receiver!.receive(channel, method);
  }

  sendContent(channel: number, method: ContentMethod, content: Content): void {
    if (this._ackChannel !== 0) this._passAcks();
    if (!this._closed) this._other._receiver!.receiveContent(channel, method, content);
  }

  sendDelivery(
    channel: number,
    consumerTag: ConsumerTag,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void {
    if (this._closed) return;
    this._other._receiver!.receiveDelivery(
      channel,
      consumerTag.text,
      deliveryTag,
      redelivered,
      content,
    );
  }

  sendSharedDelivery(
    channel: number,
    consumerTag: ConsumerTag,
    deliveryTag: number,
    content: Content,
  ): void {
    this.sendDelivery(channel, consumerTag, deliveryTag, false, content);
  }

  newContent(): Content {
    return this._other._receiver!.newContent?.() ?? new Content();
  }

  sendAck(channel: number, deliveryTag: number): void {
    if (channel === this._ackChannel && deliveryTag === this._lastAck + 1) {
      this._lastAck = deliveryTag;
      return;
    }
    if (this._ackChannel !== 0) this._passAcks();
    this._ackChannel = channel;
    this._firstAck = this._lastAck = deliveryTag;
    if (!this._collecting) this._passAcks();
  }

  collectAcks(on: boolean): void {
    this._collecting = on;
    if (this._ackChannel !== 0) this._passAcks();
  }

  /** The acks that wait go to the other end. */
  private _passAcks(): void {
    const channel = this._ackChannel;
    this._ackChannel = 0;
    const receiver = this._other._receiver!;
    const first = this._firstAck;
    if (receiver.receiveAcks !== undefined) {
      if (!this._closed) receiver.receiveAcks(channel, first, this._lastAck);
      return;
    }
    const count = this._lastAck - first + 1;
    for (let index = 0; index < count; index++) {
      if (!this._closed) receiver.receive(channel, basicAck({ deliveryTag: first + index }));
    }
  }

  /** None: a content comes in one call. */
  readonly unfinishedBytes = 0;

  get full(): boolean {
    return this._other._throttled;
  }

  throttle(on: boolean): void {
    const was = this._throttled;
    this._throttled = on;
    if (was && !on && !this._closed) this._other._receiver!.drained();
  }

  throttleConsumer(channel: number, consumerTag: string, on: boolean): void {
    if (!this._closed) this._other._receiver!.consumerThrottled?.(channel, consumerTag, on);
  }

  close(): void {
    if (this._ackChannel !== 0) this._passAcks();
    if (this._closed) return;
    this._closed = this._other._closed = true;
    const [mine, theirs] = [this._receiver, this._other._receiver];
    atEndOfTurn(() => {
      mine?.closed();
      theirs?.closed();
    });
  }
}
