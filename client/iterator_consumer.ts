import { briefPause } from "../broker/amqp/turn.ts";
import { onAbort } from "./abortable.ts";
import type { ChannelCore } from "./channel_core.ts";
import { ConsumerCore, type ConsumerParts } from "./consumer_core.ts";
import type { Delivery } from "./delivery.ts";
import { Fifo } from "../broker/amqp/fifo.ts";
import { HeldUp } from "./held_up.ts";

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
  readonly #heldUp: HeldUp | undefined;

  constructor(parts: ConsumerParts) {
    super(parts);
    const { connection, number } = parts.channel;
    this.#heldUp = HeldUp.of(connection.link, number, parts.consumerTag);
  }

  receive(delivery: Delivery): void {
    const waiter = this.#leaving ? undefined : this.#waiters.shift();
    const { intake } = this.channel.connection;
    if (waiter === undefined) {
      intake.hold(delivery.bodySize);
      this.#heldUp?.hold(delivery.bodySize);
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
      const result = { done: false, value: delivery } as const;
      // what is there is taken within a turn, and for an ack in this process more of it comes
      return briefPause()?.then(() => result) ?? Promise.resolve(result);
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error);
    if (this.#leaving || this.state !== "active" && !this.isTelling) {
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

  override get holds(): boolean {
    return !this.noAck;
  }

  override requeued(): void {
    if (!this.noAck) this.#drop();
  }

  protected moved(): void {
    const { intake } = this.channel.connection;
    for (let left = this.#waiters.length; left > 0; left--) intake.expectMore();
  }

  /** A delivery is no longer held. */
  #release(delivery: Delivery): void {
    if (this.#former > 0) this.#former--;
    else {
      this.channel.connection.intake.release(delivery.bodySize);
      this.#heldUp?.release(delivery.bodySize);
    }
  }

  protected ended(reason: Error | undefined): void {
    this.#heldUp?.end();
    this.#error = this.#waiters.length === 0 && !this.#leaving ? reason : undefined;
    // `onCancel` is called before a loop comes to its end, however long others have their turn
    if (!this.isTelling) this.#finishWaiters(reason);
    if (this.dropsUnseen(reason)) this.#drop();
  }

  protected override told(): void {
    this.#finishWaiters(undefined);
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
    if (!this.noAck) giveBack(this.channel, unseen);
  }

  #drop(): void {
    for (let delivery = this.#held.shift(); delivery; delivery = this.#held.shift()) {
      this.#release(delivery);
    }
  }
}

/** Gives back what no user has seen, and again when that is rolled back: nobody else could settle it. */
function giveBack(channel: ChannelCore, unseen: readonly Delivery[]): void {
  for (const delivery of unseen) {
    if (!channel.isOpen) return;
    if (!channel.wasSettled(delivery.deliveryTag)) delivery.nack({ requeue: true });
  }
  if (unseen.length > 0) channel.transaction?.settled(() => giveBack(channel, unseen));
}
