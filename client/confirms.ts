import { PublishNackedError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import type { Intake } from "./intake.ts";

/** What waits for the publisher confirm of one message. It is called while the link brings the confirm,
 * so it must not send and must not run code of the user. */
export interface Confirmable {
  /** True once one of the two was called. */
  settled: boolean;
  /** The broker has taken the message. */
  ack(): void;
  /** It has not ({@linkcode PublishNackedError}), or nobody knows: the channel has ended. */
  fail(error: Error): void;
}

/** A published message whose publisher holds a promise. */
class Unconfirmed implements Confirmable {
  settled = false;
  readonly promise: Promise<void>;
  #resolve: (() => void) | undefined;
  #reject: ((error: Error) => void) | undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  ack(): void {
    this.settled = true;
    this.#resolve!();
  }

  fail(error: Error): void {
    this.settled = true;
    // a program that only ever calls waitForConfirms() holds none of these promises
    this.promise.catch(() => {});
    this.#reject!(error);
  }
}

interface Waiter {
  /** Number of the last message that it waits for. */
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The publisher confirms of one channel.
 *
 * Messages count from 1. Confirms may come in any order and for many at once, so the oldest ones
 * that are settled are dropped from the front:
 *
 * ```text
 * 1 2 3 4 5 6 7 8
 *       ^ . ^ ^ .     5 and 8 settled, 4 first
 * ```
 */
export class Confirms {
  readonly #unconfirmed = new Fifo<Confirmable>();
  /** Number of the first message in `#unconfirmed`. */
  #first = 1;
  #nacked: PublishNackedError | undefined;
  #waiters: Waiter[] = [];
  readonly #intake: Intake;

  /** @param intake Is told that confirms are awaited, so that the link is not held up. */
  constructor(intake: Intake) {
    this.#intake = intake;
  }

  /** Counts a message that is about to be published. */
  publish(): Promise<void> {
    const message = new Unconfirmed();
    this.track(message);
    return message.promise;
  }

  /** Counts a message that is about to be published, for one who needs no promise. */
  track(message: Confirmable): void {
    this.#unconfirmed.push(message);
    this.#intake.expectMore();
  }

  /** Takes `basic.ack` or `basic.nack` of the broker; delivery tag 0 with multiple means all. */
  settle(deliveryTag: number, multiple: boolean, acked: boolean): void {
    const last = deliveryTag === 0 && multiple
      ? this.#unconfirmed.length - 1
      : deliveryTag - this.#first;
    for (let index = multiple ? 0 : last; index <= last; index++) {
      const message = this.#unconfirmed.at(index);
      if (message === undefined) break;
      if (!message.settled) this.#settle(message, this.#first + index, acked);
    }
    this.#dropSettled();
  }

  /** Resolves when all that was published so far is settled; rejects when the broker nacked some of
   * it, or what was published since this was asked before. */
  whenSettled(): Promise<void> {
    return new Promise((resolve, reject) => {
      const upTo = this.#first + this.#unconfirmed.length - 1;
      this.#waiters.push({ upTo, resolve, reject });
      this.#wake();
    });
  }

  /** Rejects all that wait: no confirm will come any more. */
  fail(error: Error): void {
    for (let message = this.#unconfirmed.shift(); message; message = this.#unconfirmed.shift()) {
      this.#first++;
      if (message.settled) continue;
      this.#intake.expectLess();
      message.fail(error);
    }
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  #settle(message: Confirmable, deliveryTag: number, acked: boolean): void {
    this.#intake.expectLess();
    if (acked) {
      message.ack();
    } else {
      const error = new PublishNackedError(deliveryTag);
      this.#nacked ??= error;
      message.fail(error);
    }
  }

  #dropSettled(): void {
    while (this.#unconfirmed.at(0)?.settled) {
      this.#unconfirmed.shift();
      this.#first++;
    }
    if (this.#waiters.length > 0) this.#wake();
  }

  #wake(): void {
    while (this.#waiters.length > 0 && this.#waiters[0]!.upTo < this.#first) {
      const { resolve, reject } = this.#waiters.shift()!;
      const nacked = this.#nacked;
      this.#nacked = undefined;
      if (nacked === undefined) resolve();
      else reject(nacked);
    }
  }
}
