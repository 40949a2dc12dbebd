import { PublishNackedError } from "./errors.ts";
import { Fifo } from "../broker/amqp/fifo.ts";
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
  private _resolve: (() => void) | undefined;
  private _reject: ((error: Error) => void) | undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this._resolve = resolve;
      this._reject = reject;
    });
  }

  ack(): void {
    this.settled = true;
    this._resolve!();
  }

  fail(error: Error): void {
    this.settled = true;
    // a program that only ever calls waitForConfirms() holds none of these promises
    this.promise.catch(() => {});
    this._reject!(error);
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
  private readonly _unconfirmed = new Fifo<Confirmable>();
  /** Number of the first message in `_unconfirmed`. */
  private _first = 1;
  private _nacked: PublishNackedError | undefined;
  private _waiters: Waiter[] = [];
  private readonly _intake: Intake;

  /** @param intake Is told that confirms are awaited, so that the link is not held up. */
  constructor(intake: Intake) {
    this._intake = intake;
  }

  /** Counts a message that is about to be published. */
  publish(): Promise<void> {
    const message = new Unconfirmed();
    this.track(message);
    return message.promise;
  }

  /** Counts a message that is about to be published, for one who needs no promise. */
  track(message: Confirmable): void {
    this._unconfirmed.push(message);
    this._intake.expectReply();
  }

  /** Takes `basic.ack` or `basic.nack` of the broker; delivery tag 0 with multiple means all. */
  settle(deliveryTag: number, multiple: boolean, acked: boolean): void {
    const last = deliveryTag === 0 && multiple
      ? this._unconfirmed.length - 1
      : deliveryTag - this._first;
    for (let index = multiple ? 0 : last; index <= last; index++) {
      const message = this._unconfirmed.at(index);
      if (message === undefined) break;
      if (!message.settled) this._settle(message, this._first + index, acked);
    }
    this._dropSettled();
  }

  /** Resolves when all that was published so far is settled; rejects when the broker nacked some of
   * it, or what was published since this was asked before. */
  whenSettled(): Promise<void> {
    return new Promise((resolve, reject) => {
      const upTo = this._first + this._unconfirmed.length - 1;
      this._waiters.push({ upTo, resolve, reject });
      this._wake();
    });
  }

  /** Rejects all that wait: no confirm will come any more. */
  fail(error: Error): void {
    for (let message = this._unconfirmed.shift(); message; message = this._unconfirmed.shift()) {
      this._first++;
      if (message.settled) continue;
      this._intake.expectNoReply();
      message.fail(error);
    }
    for (const waiter of this._waiters.splice(0)) waiter.reject(error);
  }

  private _settle(message: Confirmable, deliveryTag: number, acked: boolean): void {
    this._intake.expectNoReply();
    if (acked) {
      message.ack();
    } else {
      const error = new PublishNackedError(deliveryTag);
      this._nacked ??= error;
      message.fail(error);
    }
  }

  private _dropSettled(): void {
    while (this._unconfirmed.at(0)?.settled) {
      this._unconfirmed.shift();
      this._first++;
    }
    if (this._waiters.length > 0) this._wake();
  }

  private _wake(): void {
    while (this._waiters.length > 0 && this._waiters[0]!.upTo < this._first) {
      const { resolve, reject } = this._waiters.shift()!;
      const nacked = this._nacked;
      this._nacked = undefined;
      if (nacked === undefined) resolve();
      else reject(nacked);
    }
  }
}
