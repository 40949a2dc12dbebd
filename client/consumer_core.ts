/**
 * What a channel knows of a consumer: where its deliveries go, and what happens when it ends.
 *
 * A consumer ends in one of three ways:
 *
 * - `cancelled`: the user cancelled it. What was delivered before is still handed out.
 * - `cancelledByBroker`: its queue is gone. Likewise.
 * - `closed`: its channel is closed. What was not handed out goes back to its queue, so it is dropped
 *   here; with `noAck` the broker has forgotten it, so it is still handed out, unless it was the user
 *   who closed the channel.
 *
 * @module
 */

import type { ChannelCore } from "./channel_core.ts";
import type { Delivery } from "./delivery.ts";
import { StreamPosition } from "./stream_position.ts";

/** Whether a consumer still gets messages, and if not, why. */
export type ConsumerState = "active" | "cancelled" | "cancelledByBroker" | "closed";

/** What a consumer is made of. */
export interface ConsumerParts {
  readonly channel: ChannelCore;
  readonly consumerTag: string;
  readonly noAck: boolean;
  readonly onCancel: (() => void) | undefined;
  /** False when its owner tells the intake itself whether a delivery may be what the user waits for. */
  readonly expects?: boolean;
  /** The queue that a tracer is told of when its user gets a message; undefined: its user tells. */
  readonly queue?: string;
  /** How far a consumer has come that this one takes the place of. */
  readonly position?: StreamPosition;
}

/** What both kinds of consumer share. */
export abstract class ConsumerCore {
  /** The channel that it is on; another one after the connection was lost and made anew. */
  channel: ChannelCore;
  readonly consumerTag: string;
  /** The channel that it is being cancelled on. */
  leaving: ChannelCore | undefined;
  readonly noAck: boolean;
  /** The queue that a tracer is told of. */
  readonly queue: string | undefined;
  /** How far it has come, if it reads a stream. */
  readonly position: StreamPosition;
  readonly #onCancel: (() => void) | undefined;
  #state: ConsumerState = "active";
  #isTelling = false;
  /** Is told once that it has ended. */
  onEnd: (() => void) | undefined;

  constructor({ channel, consumerTag, noAck, onCancel, queue, position }: ConsumerParts) {
    this.channel = channel;
    this.consumerTag = consumerTag;
    this.noAck = noAck;
    this.#onCancel = onCancel;
    this.queue = channel.connection.tracing === undefined ? undefined : queue;
    this.position = position ?? new StreamPosition();
  }

  get state(): ConsumerState {
    return this.#state;
  }

  /** True while the user is still to be told that the broker has cancelled it. */
  get isTelling(): boolean {
    return this.#isTelling;
  }

  /** Takes a delivery from the link: no code of the user runs here. */
  abstract receive(delivery: Delivery): void;

  /** Ends it. The first end counts. */
  end(state: Exclude<ConsumerState, "active">, reason?: Error): void {
    if (this.#state !== "active") return;
    this.#state = state;
    if (state === "cancelledByBroker" && this.#onCancel !== undefined) this.#tell(this.#onCancel);
    this.ended(reason);
    this.onEnd?.();
  }

  #tell(hook: () => void): void {
    this.#isTelling = true;
    const take = () => {
      this.#isTelling = false;
      this.channel.callUser(hook);
      this.told();
    };
    this.channel.connection.inbox.push({ take }, undefined);
  }

  /** The user was told that the broker has cancelled it. */
  protected told(): void {}

  /** Cancels it, at the broker too when there is one at the moment. */
  async cancel(signal?: AbortSignal): Promise<void> {
    if (this.#state !== "active") return;
    if (this.channel.replaced) this.end("cancelled");
    else await this.channel.cancel(this.consumerTag, signal);
  }

  /** The connection was lost and will be made anew: what was delivered and not handed out will be
   * delivered again, unless it is `noAck`. */
  abstract interrupt(): void;

  /** True when it keeps deliveries until its user looks at them, and gives the others back. */
  get holds(): boolean {
    return false;
  }

  /** What was delivered to it and not settled is in its queue again. */
  requeued(): void {}

  /** A channel of the next connection takes it over. */
  moveTo(channel: ChannelCore): void {
    this.channel = channel;
    channel.consumers.add(this);
    this.moved();
  }

  /** Is told that it is on another channel. */
  protected abstract moved(): void;

  /** Is told once that no more deliveries come. */
  protected abstract ended(reason: Error | undefined): void;

  /** True when deliveries that the user has not seen are to be dropped. */
  protected dropsUnseen(reason: Error | undefined): boolean {
    return this.#state === "closed" && (!this.noAck || reason === undefined);
  }
}
