import type { Content } from "../broker/amqp/content.ts";
import { AmqpError } from "../broker/amqp/error.ts";
import type { ContentMethod } from "../broker/amqp/link.ts";
import { basicAck, basicCancel, basicCancelOk } from "../broker/amqp/methods/basic.ts";
import { type ChannelClose, channelClose, channelOpen } from "../broker/amqp/methods/channel.ts";
import type { Method } from "../broker/amqp/methods/mod.ts";
import { atEndOfTurn, loopPause } from "../broker/amqp/turn.ts";
import { abortable } from "./abortable.ts";
import { ChannelConsumers } from "./channel_consumers.ts";
import { ChannelPublishing } from "./channel_publishing.ts";
import type { ConnectionCore } from "./connection_core.ts";
import type { Delivery } from "./delivery.ts";
import { closedByBroker, ClosedError, reconnecting } from "./errors.ts";
import {
  type MethodName,
  type MethodNamed,
  PendingReplies,
  type TakeReply,
} from "./pending_replies.ts";
import { sendRequest } from "./send_request.ts";
import { Transaction } from "./transaction.ts";

/**
 * One channel as the protocol sees it: its life, what waits for a reply on it, and where what comes
 * in goes. `Channel` gives it the words.
 *
 * ```text
 *   opening --open-ok--> open --close()--> closing --close-ok--> closed
 *                          |                  | channel.close came too: answer it, stay
 *                          | channel.close came (close-ok is answered at the end of the turn),
 *                          v or the connection has closed
 *                        closed
 * ```
 */
export class ChannelCore {
  readonly connection: ConnectionCore;
  readonly number: number;
  readonly publishing: ChannelPublishing;
  readonly consumers: ChannelConsumers;
  /** Resolves when the channel is closed: with the reason, unless its user closed it. */
  readonly closed: Promise<Error | undefined>;
  private _resolveClosed!: (reason: Error | undefined) => void;
  private _life: "opening" | "open" | "closing" | "closed" = "opening";
  private _reason: Error | undefined;
  /** True when its connection was lost and will be made anew, this channel with it: what was delivered
   * on this one cannot be settled any more, and needs not be. */
  replaced = false;
  /** The channel that has taken its place. */
  successor: ChannelCore | undefined = undefined;
  /** Told when it was to be replaced, and will not be: with the reason, unless its user closed it. */
  onAbandoned: ((reason: Error | undefined) => void) | undefined = undefined;
  /** True when another channel takes its place however it ends, unless this program closes it. */
  lasting = false;
  /** What counts on a former connection came to: tags go on from there, so that no tag of one
   * connection can be taken for one of the next. */
  deliveryTagOffset = 0;
  private _lastDeliveryTag = 0;
  /** The highest delivery tag up to which all were settled together. */
  private _settledUpTo = 0;
  /** What a rollback would undo; undefined unless the channel is transactional. */
  transaction: Transaction | undefined = undefined;

  private readonly _replies: PendingReplies;
  /** What answers wait for besides, once in a while. */
  private _pause: Promise<void> | undefined = undefined;

  constructor(connection: ConnectionCore, number: number) {
    this.connection = connection;
    this.number = number;
    this.publishing = new ChannelPublishing(this);
    this.consumers = new ChannelConsumers(this);
    this._replies = new PendingReplies(connection.intake, connection.inbox);
    this.closed = new Promise((resolve) => this._resolveClosed = resolve);
  }

  get isOpen(): boolean {
    return this._life === "open";
  }

  get isClosed(): boolean {
    return this._life === "closed";
  }

  /** True while what was sent may be at this end still, or the broker does not read it. */
  get isStuck(): boolean {
    const { link, blocked } = this.connection;
    return link.full || blocked !== undefined;
  }

  /** True when what was delivered on it is in its queues again, and will come on another channel. It is
   * from when its close was sent: nothing is settled any more then. */
  get forgetsDeliveries(): boolean {
    return this.replaced || (this.lasting && !this.isOpen && this._reason !== undefined);
  }

  /** Why it is closed; undefined when its user closed it, or it is open. */
  get reason(): Error | undefined {
    return this._reason;
  }

  /** What the user knows a delivery by. */
  userTag(deliveryTag: number): number {
    this._lastDeliveryTag = deliveryTag;
    return deliveryTag + this.deliveryTagOffset;
  }

  /** The highest delivery tag that its user has seen, of former connections too. */
  get lastDeliveryTag(): number {
    return this.deliveryTagOffset + this._lastDeliveryTag;
  }

  /** Throws why the channel is closed unless it is open. */
  assertOpen(verb: string): void {
    if (this._life !== "open") throw this._errorOf(verb);
  }

  private _errorOf(verb: string): Error {
    if (this.replaced) return reconnecting(verb, this._reason);
    if (this._reason instanceof AmqpError) return closedByBroker(verb, this._reason);
    return this._reason ??
      new ClosedError(verb, "channel", "open another with connection.openChannel()");
  }

  async open(opened?: (channel: ChannelCore) => void): Promise<void> {
    const take = () => opened?.(this);
    await this._replies.ask(["channel.open-ok"], () => this.send(channelOpen()), take);
    // one that is opened after another is a loop as well
    const pause = loopPause();
    if (pause !== undefined) await pause;
  }

  /** Closes the channel, or waits for its end when it is closing. Never rejects. */
  async close(reason?: Error, text = "a callback of the client failed"): Promise<void> {
    this.abandon(reason);
    if (this._life === "open") {
      this.stop(reason);
      const close = reason === undefined
        ? { replyCode: 200, replyText: "Normal shutdown" }
        : { replyCode: 541, replyText: `INTERNAL_ERROR - ${text}` };
      this.send(channelClose(close));
    }
    const { intake } = this.connection;
    intake.expectReply();
    await this.closed;
    intake.expectNoReply();
  }

  // ---- sending

  send(method: Method): void {
    this.connection.link.send(this.number, method);
  }

  /** Sends a request and waits for its reply. */
  ask<Name extends MethodName, Result = MethodNamed<Name>>(
    method: Method,
    expected: readonly Name[],
    take?: TakeReply<Name, Result>,
    signal?: AbortSignal,
    late?: (result: Result) => void,
  ): Promise<Result> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const asked = this._replies.ask(expected, () => {
      this.assertOpen(method.name);
      sendRequest(this.connection.link, this.number, method);
    }, take);
    const reply = signal === undefined ? asked : abortable(asked, signal, late);
    const pause = loopPause();
    if (pause !== undefined) {
      this._pause = pause;
      void pause.then(() => {
        if (this._pause === pause) this._pause = undefined;
      });
    }
    // whoever asks after one that waits is not answered before it, and one refusal after another is a loop too
    return this._pause === undefined
      ? reply
      : Promise.allSettled([reply, this._pause]).then(() => reply);
  }

  ack(deliveryTag: number, multiple: boolean): void {
    if (deliveryTag !== 0) {
      deliveryTag -= this.deliveryTagOffset;
      if (deliveryTag <= 0) return; // of a former connection
    }
    if (multiple) {
      this._settled(deliveryTag);
      if (deliveryTag === 0) this._learnSettled();
      this.send(basicAck({ deliveryTag, multiple }));
    } else this.connection.link.sendAck(this.number, deliveryTag);
  }

  nack(deliveryTag: number, multiple: boolean, requeue: boolean): void {
    if (deliveryTag !== 0) {
      deliveryTag -= this.deliveryTagOffset;
      if (deliveryTag <= 0) return;
    }
    if (multiple) {
      this._settled(deliveryTag);
      if (deliveryTag === 0) this._learnSettled();
    }
    this.send({ name: "basic.nack", deliveryTag, multiple, requeue });
  }

  /** All up to this one are settled, 0 for all that there are: whether their consumers have looked at them or
   * not. */
  private _settled(deliveryTag: number): void {
    const last = deliveryTag === 0 ? this._lastDeliveryTag : deliveryTag;
    if (last > this._settledUpTo) this._settledUpTo = last;
  }

  /** All that the broker has sent is about to be settled, also what is on its way from there still. Where a loop
   * may give some of that back later, an answer tells which it is: to settle twice would end the channel. It is
   * asked for before, since what comes behind may have been sent for what was settled. */
  private _learnSettled(): void {
    // one that is being started may have some already
    if (!this.consumers.hold && !this._replies.expects("basic.consume-ok")) return;
    const within = this.transaction;
    const take = () => {
      if (within?.isUndone) return;
      this._settled(0);
      // it was committed, or was before all transactions
      if (within !== this.transaction) this.transaction?.settledBefore(this._lastDeliveryTag);
    };
    // one that does not exist
    this.ask(basicCancel(), ["basic.cancel-ok"], take).catch(() => {});
  }

  /** True when a delivery was settled together with later ones. */
  wasSettled(deliveryTag: number): boolean {
    return deliveryTag - this.deliveryTagOffset <= this._settledUpTo;
  }

  reject(deliveryTag: number, requeue: boolean): void {
    if (deliveryTag !== 0) {
      deliveryTag -= this.deliveryTagOffset;
      if (deliveryTag <= 0) return;
    }
    this.send({ name: "basic.reject", deliveryTag, requeue });
  }

  // ---- transactions: what was sent before counts, so nothing waits for the answer

  /** Transactions were selected. */
  beginTransactions(): void {
    this.transaction ??= new Transaction(this._settledUpTo);
  }

  /** A commit was sent. */
  committed(): void {
    if (this.transaction !== undefined) this.transaction = new Transaction(this._settledUpTo);
  }

  /** A rollback was sent: what was settled is not any more. */
  rolledBack(): void {
    const { transaction } = this;
    if (transaction === undefined) return;
    this._settledUpTo = transaction.settledUpTo;
    this.transaction = new Transaction(this._settledUpTo);
    transaction.undo();
  }

  async cancel(consumerTag: string, signal?: AbortSignal): Promise<void> {
    if (this.isOpen && !signal?.aborted) this.consumers.leaves(consumerTag);
    await this.ask(
      basicCancel({ consumerTag }),
      ["basic.cancel-ok"],
      (reply) => this.consumers.end(reply.consumerTag, "cancelled"),
      signal,
    );
  }

  // ---- receiving: none of it may send or run code of the user

  receive(method: Method): void {
    switch (method.name) {
      case "basic.ack":
        return this.publishing.settle(method.deliveryTag, method.multiple, true);
      case "basic.nack":
        return this.publishing.settle(method.deliveryTag, method.multiple, false);
      case "basic.cancel":
        this.consumers.end(method.consumerTag, "cancelledByBroker");
        if (!method.noWait) this.answer(basicCancelOk({ consumerTag: method.consumerTag }));
        return;
      case "channel.open-ok":
        if (this._life === "opening") this._life = "open";
        break;
      case "channel.flow":
        return this.publishing.flow(method.active);
      case "channel.close":
        return this._receiveClose(method);
      case "channel.close-ok":
        this.end(this._reason);
        return this.connection.release(this);
    }
    this._replies.answer(method);
  }

  receiveContent(method: ContentMethod, content: Content): void {
    if (method.name === "basic.return") {
      this.publishing.returned(method.replyCode, method.replyText, content);
    } else {
      this._replies.answer(method, content);
    }
  }

  /**
   * Answers the broker at the end of the turn, unless the channel has ended by then: its number may be another
   * channel's.
   *
   * @param then What is done after that.
   */
  answer(method: Method, then?: () => void): void {
    atEndOfTurn(() => {
      if (this.isClosed) return;
      this.send(method);
      then?.();
    });
  }

  // ---- code of the user

  /** Calls the user, who may throw. */
  callUser(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.callbackFailed(error);
    }
  }

  /** A callback threw. Its message stays unacked. Unless the connection's `onError` takes the error,
   * the channel closes, which puts the message back in its queue and tells everybody why. A consumer that
   * has ended stays on the channel that it was on, though that has a successor. */
  callbackFailed(error: unknown, delivery?: Delivery): void {
    if (this.successor !== undefined) return this.successor.callbackFailed(error, delivery);
    const unhandled = this.connection.reportError(error, delivery);
    if (unhandled !== undefined) this.close(unhandled);
  }

  // ---- ending

  private _receiveClose(method: ChannelClose): void {
    if (this._life !== "closing") this.end(AmqpError.fromClose(method));
    this.connection.answerClose(this);
  }

  /** The connection is closing or this channel's close was sent: nothing more is asked or handed
   * out. */
  stop(reason?: Error): void {
    if (this._life === "closed") return;
    this._life = "closing";
    this._reason = reason;
    this.consumers.endAll(reason);
  }

  /** The channel is closed. */
  end(reason: Error | undefined): void {
    if (this._life === "closed") return;
    this.publishing.ending();
    this.replaced = this._life === "open" && this.connection.replaced;
    this._life = "closed";
    this._reason = reason;
    this.transaction = undefined;
    if (this.replaced) this.consumers.interrupt();
    else this.consumers.endAll(reason);
    const error = reason ??
      new ClosedError("finish", "channel", "await what is under way before closing it");
    this._replies.fail(error);
    // a message that came back holds up the confirms behind it, which have come all the same
    const finish = () => {
      this.publishing.end(error);
      this.connection.signalChange();
      this._resolveClosed(reason);
    };
    if (this.publishing.handsOutReturns) this.connection.inbox.push({ take: finish }, undefined);
    else finish();
  }

  /** None will take its place: the connection is closed for good, or this channel was closed while it was
   * being made anew. */
  abandon(reason: Error | undefined): void {
    if (!this.replaced) return;
    this.replaced = false;
    this._reason = reason;
    this.consumers.endAll(reason);
    this.onAbandoned?.(reason);
  }
}
