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

import { onAbort } from "./abortable.ts";
import type { ChannelCore } from "./channel_core.ts";
import type { Delivery } from "./delivery.ts";
import { Fifo } from "./fifo.ts";
import type { Recipient } from "./inbox.ts";
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

/** Takes a delivery; what it returns may be a promise, which is watched for an error. */
export type DeliveryCallback = (delivery: Delivery) => void | Promise<void>;

/** What both kinds of consumer share. */
export abstract class ConsumerCore {
  /** The channel that it is on; another one after the connection was lost and made anew. */
  channel: ChannelCore;
  readonly consumerTag: string;
  readonly noAck: boolean;
  /** The queue that a tracer is told of. */
  readonly queue: string | undefined;
  /** How far it has come, if it reads a stream. */
  readonly position: StreamPosition;
  readonly #onCancel: (() => void) | undefined;
  #state: ConsumerState = "active";
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

  /** Takes a delivery from the link: no code of the user runs here. */
  abstract receive(delivery: Delivery): void;

  /** Ends it. The first end counts. */
  end(state: Exclude<ConsumerState, "active">, reason?: Error): void {
    if (this.#state !== "active") return;
    this.#state = state;
    // first, so that the user is told before a loop that waits comes to its end
    if (state === "cancelledByBroker" && this.#onCancel !== undefined) this.#tell(this.#onCancel);
    this.ended(reason);
    this.onEnd?.();
  }

  #tell(hook: () => void): void {
    this.channel.connection.inbox.push({ take: () => this.channel.callUser(hook) }, undefined);
  }

  /** Cancels it, at the broker too when there is one at the moment. */
  async cancel(signal?: AbortSignal): Promise<void> {
    if (this.#state !== "active") return;
    if (this.channel.replaced) this.end("cancelled");
    else await this.channel.cancel(this.consumerTag, signal);
  }

  /** The connection was lost and will be made anew: what was delivered and not handed out will be
   * delivered again, unless it is `noAck`. */
  abstract interrupt(): void;

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

/** Calls back for each delivery, in order, at the end of the turn that brought it. */
export class CallbackConsumer extends ConsumerCore implements Recipient<Delivery> {
  readonly #onDelivery: DeliveryCallback;
  readonly #expects: boolean;
  #dropping = false;
  /** Deliveries in the inbox. */
  #queued = 0;
  /** How many of them are of a former connection. */
  #former = 0;

  constructor(parts: ConsumerParts, onDelivery: DeliveryCallback) {
    super(parts);
    this.#onDelivery = onDelivery;
    this.#expects = parts.expects ?? true;
    // the next delivery may be what the user waits for, and it can only come over the link
    if (this.#expects) this.channel.connection.intake.expectMore();
  }

  receive(delivery: Delivery): void {
    const { intake, inbox } = this.channel.connection;
    intake.queue(delivery.bodySize);
    this.#queued++;
    inbox.push(this, delivery);
  }

  take(delivery: Delivery): void {
    this.#queued--;
    if (this.#former > 0) {
      this.#former--;
      if (!this.noAck) return;
    } else {
      this.channel.connection.intake.unqueue(delivery.bodySize);
    }
    if (this.#dropping) return;
    try {
      const result = this.queue === undefined
        ? this.#onDelivery(delivery)
        : this.#traced(delivery, this.queue);
      if (result !== undefined) this.#watch(result, delivery);
    } catch (error) {
      this.channel.callbackFailed(error, delivery);
    }
  }

  #traced(delivery: Delivery, queue: string): void | Promise<void> {
    const { tracing } = this.channel.connection;
    return tracing!.process(delivery, queue, () => this.#onDelivery(delivery));
  }

  #watch(result: void | Promise<void>, delivery: Delivery): void {
    if (typeof result?.then !== "function") return;
    result.then(undefined, (error) => this.channel.callbackFailed(error, delivery));
  }

  interrupt(): void {
    this.#former = this.#queued;
    if (this.#expects) this.channel.connection.intake.expectLess();
  }

  protected moved(): void {
    if (this.#expects) this.channel.connection.intake.expectMore();
  }

  protected ended(reason: Error | undefined): void {
    if (this.#expects && !this.channel.replaced) this.channel.connection.intake.expectLess();
    this.#dropping = this.dropsUnseen(reason);
  }
}

interface Waiter {
  readonly resolve: (result: IteratorResult<Delivery, undefined>) => void;
  readonly reject: (error: Error) => void;
}

/** Holds deliveries until the user's iteration asks for them. */
export class IteratorConsumer extends ConsumerCore {
  readonly #held = new Fifo<Delivery>();
  readonly #waiters = new Fifo<Waiter>();
  /** Why iteration ends with an exception; thrown once. */
  #error: Error | undefined;
  #leaving = false;
  /** How many of those held are of a former connection. */
  #former = 0;

  receive(delivery: Delivery): void {
    const waiter = this.#leaving ? undefined : this.#waiters.shift();
    const { intake } = this.channel.connection;
    if (waiter === undefined) {
      intake.hold(delivery.bodySize);
      this.#held.push(delivery);
    } else {
      intake.expectLess();
      this.#handedOut(delivery);
      waiter.resolve({ done: false, value: delivery });
    }
  }

  #handedOut(delivery: Delivery): void {
    if (this.queue !== undefined) this.channel.connection.tracing!.received(delivery, this.queue);
  }

  /** The next delivery; waits for it, until the signal aborts. */
  next(signal?: AbortSignal): Promise<IteratorResult<Delivery, undefined>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const delivery = this.#held.shift();
    if (delivery !== undefined) {
      this.#release(delivery);
      this.#handedOut(delivery);
      return Promise.resolve({ done: false, value: delivery });
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    if (this.state !== "active" || this.#leaving) {
      return Promise.resolve({ done: true, value: undefined });
    }
    const { promise, resolve, reject } = Promise.withResolvers<
      IteratorResult<Delivery, undefined>
    >();
    const waiter = { resolve, reject };
    this.channel.connection.intake.expectMore();
    this.#waiters.push(waiter);
    if (signal !== undefined) onAbort(signal, promise, () => this.#giveUp(waiter, signal.reason));
    return promise;
  }

  /** A waiter goes, unless its delivery has come. */
  #giveUp(waiter: Waiter, reason: Error): void {
    if (!this.#waiters.delete(waiter)) return;
    if (!this.channel.replaced) this.channel.connection.intake.expectLess();
    waiter.reject(reason);
  }

  /** The user's loop ends: the consumer is cancelled, and what it has not looked at goes back to the
   * queue. */
  async leave(): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#finishWaiters(undefined);
    try {
      await this.cancel();
    } catch {
      // the channel has closed meanwhile: the consumer is gone all the same
    }
    // only now, or the broker would deliver the same messages here again
    this.#giveBack();
  }

  interrupt(): void {
    const { intake } = this.channel.connection;
    for (let left = this.#waiters.length; left > 0; left--) intake.expectLess();
    for (let index = this.#former; index < this.#held.length; index++) {
      intake.release(this.#held.at(index)!.bodySize);
    }
    this.#former = this.#held.length;
    if (!this.noAck) this.#drop();
  }

  protected moved(): void {
    const { intake } = this.channel.connection;
    for (let left = this.#waiters.length; left > 0; left--) intake.expectMore();
  }

  /** A delivery is no longer held. */
  #release(delivery: Delivery): void {
    if (this.#former > 0) this.#former--;
    else this.channel.connection.intake.release(delivery.bodySize);
  }

  protected ended(reason: Error | undefined): void {
    this.#error = this.#waiters.length === 0 && !this.#leaving ? reason : undefined;
    this.#finishWaiters(reason);
    if (this.dropsUnseen(reason)) this.#drop();
  }

  #finishWaiters(reason: Error | undefined): void {
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) {
      if (!this.channel.replaced) this.channel.connection.intake.expectLess();
      if (reason === undefined) waiter.resolve({ done: true, value: undefined });
      else waiter.reject(reason);
    }
  }

  #giveBack(): void {
    const unseen: Delivery[] = [];
    for (let delivery = this.#held.shift(); delivery; delivery = this.#held.shift()) {
      this.#release(delivery);
      unseen.push(delivery);
    }
    if (this.noAck || !this.channel.isOpen) return;
    for (const delivery of unseen) delivery.nack({ requeue: true });
  }

  #drop(): void {
    for (let delivery = this.#held.shift(); delivery; delivery = this.#held.shift()) {
      this.#release(delivery);
    }
  }
}
