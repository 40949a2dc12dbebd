import type { Content } from "./content.ts";
import type { ContentMethod, Link, LinkReceiver } from "./link.ts";
import type { Method } from "./methods/mod.ts";
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
    if (!this.#closed) this.#other.#receiver!.receive(channel, method);
  }

  sendContent(channel: number, method: ContentMethod, content: Content): void {
    if (!this.#closed) this.#other.#receiver!.receiveContent(channel, method, content);
  }

  sendDelivery(
    channel: number,
    consumerTag: string,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void {
    if (this.#closed) return;
    this.#other.#receiver!.receiveDelivery(
      channel,
      consumerTag,
      deliveryTag,
      redelivered,
      content,
    );
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
    if (this.#closed) return;
    this.#closed = this.#other.#closed = true;
    const [mine, theirs] = [this.#receiver, this.#other.#receiver];
    atEndOfTurn(() => {
      mine?.closed();
      theirs?.closed();
    });
  }
}
