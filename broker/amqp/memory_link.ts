import type { ConsumerTag } from "./consumer_tag.ts";
import type { Content } from "./content.ts";
import type { ContentMethod, Link, LinkReceiver } from "./link.ts";
import { basicAck, type Method } from "./methods/mod.ts";
import { atEndOfTurn } from "./turn.ts";

/**
 * One of two links in the same process that are each other's other end: methods cross as objects, at
 * once and without being encoded. A client's end is normalised by the client (short strings, tables,
 * properties), so that what crosses is what a wire would have made of it.
 */
export class MemoryLink implements Link {
  #other!: MemoryLink;
  #receiver: LinkReceiver | undefined;
  #closed = false;
  /** Our side asked for nothing more to be brought. */
  #throttled = false;
  #collecting = false;
  /** The channel whose acks wait to go together; 0: none do. */
  #ackChannel = 0;
  /** The deliveries that they are of, without a gap. */
  #firstAck = 0;
  #lastAck = 0;

  /** Makes both ends. Each gets its receiver by {@linkcode MemoryLink.attach}. */
  static pair(): readonly [MemoryLink, MemoryLink] {
    const [one, two] = [new MemoryLink(), new MemoryLink()];
    one.#other = two;
    two.#other = one;
    return [one, two];
  }

  /** Says who takes what comes. Must be done before the other end sends. */
  attach(receiver: LinkReceiver): void {
    this.#receiver = receiver;
  }

  send(channel: number, method: Method): void {
    if (this.#ackChannel !== 0) this.#passAcks();
    if (!this.#closed) this.#other.#receiver!.receive(channel, method);
  }

  sendContent(channel: number, method: ContentMethod, content: Content): void {
    if (this.#ackChannel !== 0) this.#passAcks();
    if (!this.#closed) this.#other.#receiver!.receiveContent(channel, method, content);
  }

  sendDelivery(
    channel: number,
    consumerTag: ConsumerTag,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void {
    if (this.#closed) return;
    this.#other.#receiver!.receiveDelivery(
      channel,
      consumerTag.text,
      deliveryTag,
      redelivered,
      content,
    );
  }

  sendAck(channel: number, deliveryTag: number): void {
    if (channel === this.#ackChannel && deliveryTag === this.#lastAck + 1) {
      this.#lastAck = deliveryTag;
      return;
    }
    if (this.#ackChannel !== 0) this.#passAcks();
    this.#ackChannel = channel;
    this.#firstAck = this.#lastAck = deliveryTag;
    if (!this.#collecting) this.#passAcks();
  }

  collectAcks(on: boolean): void {
    this.#collecting = on;
    if (this.#ackChannel !== 0) this.#passAcks();
  }

  #passAcks(): void {
    const channel = this.#ackChannel;
    this.#ackChannel = 0;
    const receiver = this.#other.#receiver!;
    const first = this.#firstAck;
    if (receiver.receiveAcks !== undefined) {
      if (!this.#closed) receiver.receiveAcks(channel, first, this.#lastAck);
      return;
    }
    const count = this.#lastAck - first + 1;
    for (let index = 0; index < count; index++) {
      if (!this.#closed) receiver.receive(channel, basicAck({ deliveryTag: first + index }));
    }
  }

  /** None: a content comes in one call. */
  readonly unfinishedBytes = 0;

  get full(): boolean {
    return this.#other.#throttled;
  }

  throttle(on: boolean): void {
    const was = this.#throttled;
    this.#throttled = on;
    if (was && !on && !this.#closed) this.#other.#receiver!.drained();
  }

  close(): void {
    if (this.#ackChannel !== 0) this.#passAcks();
    if (this.#closed) return;
    this.#closed = this.#other.#closed = true;
    const [mine, theirs] = [this.#receiver, this.#other.#receiver];
    atEndOfTurn(() => {
      mine?.closed();
      theirs?.closed();
    });
  }
}
