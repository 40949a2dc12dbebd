import type { Content } from "../broker/amqp/content.ts";
import { AmqpError } from "../broker/amqp/error.ts";
import type { ContentMethod } from "../broker/amqp/link.ts";
import {
  basicCancel,
  basicCancelOk,
  type BasicPublish,
  basicPublish,
} from "../broker/amqp/methods/basic.ts";
import {
  type ChannelClose,
  channelClose,
  channelCloseOk,
  channelFlowOk,
  channelOpen,
} from "../broker/amqp/methods/channel.ts";
import type { Method } from "../broker/amqp/methods/mod.ts";
import { type BasicProperties, normaliseProperties } from "../broker/amqp/properties.ts";
import { atEndOfTurn, loopPause } from "../broker/amqp/turn.ts";
import { abortable } from "./abortable.ts";
import { type Confirmable, Confirms } from "./confirms.ts";
import type { ConnectionCore } from "./connection_core.ts";
import type { ConsumerCore } from "./consumer_core.ts";
import { Delivery } from "./delivery.ts";
import { ClosedError, reconnecting } from "./errors.ts";
import { checkShortString } from "./fields.ts";
import { HeldPublishes } from "./held_publishes.ts";
import type { Recipient } from "./inbox.ts";
import type { OutgoingContent } from "./outgoing_content.ts";
import {
  type MethodName,
  type MethodNamed,
  PendingReplies,
  type TakeReply,
} from "./pending_replies.ts";
import { ReturnedMessage } from "./received_message.ts";

/** Takes a mandatory message that came back. */
export type ReturnCallback = (message: ReturnedMessage) => void;

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
export class ChannelCore implements Recipient<ReturnedMessage> {
  readonly connection: ConnectionCore;
  readonly number: number;
  /** Resolves when the channel is closed: with the reason, unless its user closed it. */
  readonly closed: Promise<Error | undefined>;
  #onReturn: ReturnCallback | undefined;
  #resolveClosed!: (reason: Error | undefined) => void;
  #life: "opening" | "open" | "closing" | "closed" = "opening";
  #reason: Error | undefined;
  /** True when its connection was lost and will be made anew, this channel with it: what was delivered
   * on this one cannot be settled any more, and needs not be. */
  replaced = false;
  /** What counts on a former connection came to: tags go on from there, so that no tag of one
   * connection can be taken for one of the next. */
  deliveryTagOffset = 0;
  #lastDeliveryTag = 0;

  readonly #replies: PendingReplies;
  #confirms: Confirms | undefined;
  #expectsReturns = false;
  /** Messages that came back and were not yet handed out. */
  #returnsWaiting = 0;

  readonly #consumers = new Map<string, ConsumerCore>();
  /** The one that got the latest delivery: mostly it gets the next one too. */
  #lastConsumer: ConsumerCore | undefined;

  /** The latest publish method, used again while nothing in it changes. */
  #publish: BasicPublish = basicPublish();
  /** False after the broker asked for a pause by `channel.flow`. */
  #flowing = true;
  readonly #held = new HeldPublishes();
  /** Shared by all publishers that must wait. */
  #room: Promise<void> | undefined;

  constructor(connection: ConnectionCore, number: number) {
    this.connection = connection;
    this.number = number;
    this.#replies = new PendingReplies(connection.intake);
    this.closed = new Promise((resolve) => this.#resolveClosed = resolve);
  }

  get isOpen(): boolean {
    return this.#life === "open";
  }

  /** Why it is closed; undefined when its user closed it, or it is open. */
  get reason(): Error | undefined {
    return this.#reason;
  }

  /** What the user knows a delivery by. */
  userTag(deliveryTag: number): number {
    this.#lastDeliveryTag = deliveryTag;
    return deliveryTag + this.deliveryTagOffset;
  }

  /** The highest delivery tag that its user has seen, of former connections too. */
  get lastDeliveryTag(): number {
    return this.deliveryTagOffset + this.#lastDeliveryTag;
  }

  get onReturn(): ReturnCallback | undefined {
    return this.#onReturn;
  }

  set onReturn(callback: ReturnCallback | undefined) {
    this.#expectReturns(callback !== undefined);
    this.#onReturn = callback;
  }

  /** Throws why the channel is closed unless it is open. */
  assertOpen(verb: string): void {
    if (this.#life === "open") return;
    if (this.replaced) throw reconnecting(verb, this.#reason);
    throw this.#reason ??
      new ClosedError(verb, "channel", "open another with connection.openChannel()");
  }

  async open(): Promise<void> {
    await this.#replies.ask(["channel.open-ok"], () => this.send(channelOpen()));
  }

  /** Closes the channel, or waits for its end when it is closing. Never rejects. */
  async close(reason?: Error, text = "a callback of the client failed"): Promise<void> {
    this.abandon(reason);
    if (this.#life === "open") {
      this.stop(reason);
      const close = reason === undefined
        ? { replyCode: 200, replyText: "Normal shutdown" }
        : { replyCode: 541, replyText: `INTERNAL_ERROR - ${text}` };
      this.send(channelClose(close));
    }
    const { intake } = this.connection;
    intake.expectMore();
    await this.closed;
    intake.expectLess();
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
    const asked = this.#replies.ask(expected, () => {
      this.assertOpen(method.name);
      this.send(method);
    }, take);
    const reply = signal === undefined ? asked : abortable(asked, signal, late);
    const pause = loopPause();
    return pause === undefined ? reply : Promise.all([reply, pause]).then(([result]) => result);
  }

  ack(deliveryTag: number, multiple: boolean): void {
    if (deliveryTag !== 0) {
      deliveryTag -= this.deliveryTagOffset;
      if (deliveryTag <= 0) return; // of a former connection
    }
    this.send({ name: "basic.ack", deliveryTag, multiple });
  }

  nack(deliveryTag: number, multiple: boolean, requeue: boolean): void {
    if (deliveryTag !== 0) {
      deliveryTag -= this.deliveryTagOffset;
      if (deliveryTag <= 0) return;
    }
    this.send({ name: "basic.nack", deliveryTag, multiple, requeue });
  }

  reject(deliveryTag: number, requeue: boolean): void {
    if (deliveryTag !== 0) {
      deliveryTag -= this.deliveryTagOffset;
      if (deliveryTag <= 0) return;
    }
    this.send({ name: "basic.reject", deliveryTag, requeue });
  }

  async cancel(consumerTag: string, signal?: AbortSignal): Promise<void> {
    await this.ask(
      basicCancel({ consumerTag }),
      ["basic.cancel-ok"],
      (reply) => this.#endConsumer(reply.consumerTag, "cancelled"),
      signal,
    );
  }

  /** Publishes what the connection's outgoing content holds as its body. */
  publish(
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    immediate: boolean,
    properties: BasicProperties | undefined,
    content: OutgoingContent,
    tracked?: Confirmable,
  ): Promise<void> | undefined {
    const method = this.#publishMethod(exchange, routingKey, mandatory, immediate);
    content.exchange = method.exchange;
    content.routingKey = method.routingKey;
    if (properties !== undefined) content.properties = normaliseProperties(properties);
    const { link } = this.connection;
    // counted first: in one process the confirm comes while the message is being sent
    let confirmed: Promise<void> | undefined;
    if (tracked === undefined) confirmed = this.#confirms?.publish();
    else this.#confirms!.track(tracked);
    if (this.#flowing && this.#held.length === 0) link.sendContent(this.number, method, content);
    else this.#held.hold(method, content);
    content.release();
    if (confirmed !== undefined) return confirmed;
    if (tracked === undefined && !this.hasRoom) return this.#waitForRoom();
  }

  /** False while publishers are to wait. */
  get hasRoom(): boolean {
    const { link, blocked } = this.connection;
    return !link.full && blocked === undefined && this.#flowing;
  }

  /** Resolves when there is room, or the channel has ended. */
  async whenRoom(): Promise<void> {
    await this.#waitForRoom().catch(() => {});
  }

  #publishMethod(
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    immediate: boolean,
  ): BasicPublish {
    const latest = this.#publish;
    if (
      latest.routingKey === routingKey && latest.exchange === exchange &&
      latest.mandatory === mandatory && latest.immediate === immediate
    ) return latest;
    return this.#publish = basicPublish({
      exchange: checkShortString(exchange, "exchange"),
      routingKey: checkShortString(routingKey, "routingKey"),
      mandatory,
      immediate,
    });
  }

  #waitForRoom(): Promise<void> {
    if (this.#room === undefined) {
      this.#room = this.#untilRoom();
      // who does not wait learns of it by the next publish
      this.#room.catch(() => {});
    }
    return this.#room;
  }

  async #untilRoom(): Promise<void> {
    const { connection } = this;
    connection.intake.expectMore();
    while (this.#life === "open" && !this.hasRoom) await connection.change();
    connection.intake.expectLess();
    this.#room = undefined;
    this.assertOpen("publish");
  }

  // ---- publisher confirms

  get confirms(): Confirms | undefined {
    return this.#confirms;
  }

  /** From the next message on, publishes are confirmed. */
  startConfirms(): void {
    this.#confirms ??= new Confirms(this.connection.intake);
  }

  // ---- receiving: none of it may send or run code of the user

  receive(method: Method): void {
    switch (method.name) {
      case "basic.ack":
        return this.#settle(method.deliveryTag, method.multiple, true);
      case "basic.nack":
        return this.#settle(method.deliveryTag, method.multiple, false);
      case "basic.cancel":
        this.#endConsumer(method.consumerTag, "cancelledByBroker");
        if (!method.noWait) this.#answer(basicCancelOk({ consumerTag: method.consumerTag }));
        return;
      case "channel.open-ok":
        if (this.#life === "opening") this.#life = "open";
        break;
      case "channel.flow":
        return this.#flow(method.active);
      case "channel.close":
        return this.#receiveClose(method);
      case "channel.close-ok":
        this.end(this.#reason);
        return this.connection.release(this);
    }
    this.#replies.answer(method);
  }

  receiveContent(method: ContentMethod, content: Content): void {
    if (method.name === "basic.return") {
      const { inbox, page } = this.connection;
      this.#returnsWaiting++;
      inbox.push(this, new ReturnedMessage(method.replyCode, method.replyText, content, page));
    } else {
      this.#replies.answer(method, content);
    }
  }

  receiveDelivery(
    consumerTag: string,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void {
    let consumer = this.#lastConsumer;
    if (consumer === undefined || consumer.consumerTag !== consumerTag) {
      consumer = this.#consumers.get(consumerTag);
      if (consumer === undefined) return; // it ended; the broker has not heard of it yet
      this.#lastConsumer = consumer;
    }
    const { noAck } = consumer;
    const { page } = this.connection;
    const tag = this.userTag(deliveryTag);
    consumer.receive(
      new Delivery(this, consumerTag, noAck, tag, redelivered, undefined, content, page),
    );
  }

  /** Hands a message that came back to the user. */
  take(message: ReturnedMessage): void {
    this.#returnsWaiting--;
    const { onReturn } = this;
    if (onReturn !== undefined) this.callUser(() => onReturn(message));
  }

  /** The user may wait for a message to come back, and only the link brings it. */
  #expectReturns(on: boolean): void {
    if (on === this.#expectsReturns || this.#life === "closed") return;
    this.#expectsReturns = on;
    if (on) this.connection.intake.expectMore();
    else this.connection.intake.expectLess();
  }

  #settle(deliveryTag: number, multiple: boolean, acked: boolean): void {
    if (this.#confirms === undefined) return;
    if (this.#returnsWaiting === 0) {
      this.#confirms.settle(deliveryTag, multiple, acked);
    } else {
      // a message that came back is handed out before its publish is confirmed
      const settle = () => this.#confirms!.settle(deliveryTag, multiple, acked);
      this.connection.inbox.push({ take: settle }, undefined);
    }
  }

  #flow(active: boolean): void {
    this.#flowing = active;
    this.#answer(channelFlowOk({ active }));
    atEndOfTurn(() => {
      if (!this.#flowing || this.#life !== "open") return;
      this.#held.sendTo(this.connection.link, this.number);
      this.connection.signalChange();
    });
  }

  #answer(method: Method): void {
    atEndOfTurn(() => this.send(method));
  }

  // ---- consumers

  addConsumer(consumer: ConsumerCore): void {
    this.#consumers.set(consumer.consumerTag, consumer);
  }

  #endConsumer(consumerTag: string, state: "cancelled" | "cancelledByBroker"): void {
    this.#consumers.get(consumerTag)?.end(state);
    this.#consumers.delete(consumerTag);
    this.#lastConsumer = undefined;
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
   * the channel closes, which puts the message back in its queue and tells everybody why. */
  callbackFailed(error: unknown, delivery?: Delivery): void {
    const unhandled = this.connection.reportError(error, delivery);
    if (unhandled !== undefined) this.close(unhandled);
  }

  // ---- ending

  #receiveClose(method: ChannelClose): void {
    const { connection } = this;
    const ours = this.#life === "closing";
    if (!ours) this.end(AmqpError.fromClose(method));
    atEndOfTurn(() => {
      this.send(channelCloseOk());
      // the number is free as soon as the broker has our answer; when both sides close at once it
      // still owes us one
      if (!ours) connection.release(this);
    });
  }

  /** The connection is closing or this channel's close was sent: nothing more is asked or handed
   * out. */
  stop(reason?: Error): void {
    if (this.#life === "closed") return;
    this.#life = "closing";
    this.#reason = reason;
    this.#endConsumers(reason);
  }

  /** The channel is closed. */
  end(reason: Error | undefined): void {
    if (this.#life === "closed") return;
    this.#expectReturns(false);
    this.replaced = this.#life === "open" && this.connection.replaced;
    this.#life = "closed";
    this.#reason = reason;
    if (this.replaced) { for (const consumer of this.#consumers.values()) consumer.interrupt(); }
    else this.#endConsumers(reason);
    const error = reason ??
      new ClosedError("finish", "channel", "await what is under way before closing it");
    this.#replies.fail(error);
    this.#confirms?.fail(error);
    this.#held.clear();
    this.connection.signalChange();
    this.#resolveClosed(reason);
  }

  /** Another channel has taken its place, with its consumers. */
  succeededBy(successor: ChannelCore): void {
    for (const consumer of this.#consumers.values()) {
      if (consumer.state === "active") consumer.moveTo(successor);
    }
    this.#consumers.clear();
    this.#lastConsumer = undefined;
  }

  /** None will take its place: the connection is closed for good. */
  abandon(reason: Error | undefined): void {
    if (!this.replaced) return;
    this.replaced = false;
    this.#reason = reason;
    this.#endConsumers(reason);
  }

  #endConsumers(reason: Error | undefined): void {
    for (const consumer of this.#consumers.values()) consumer.end("closed", reason);
    this.#consumers.clear();
    this.#lastConsumer = undefined;
  }
}
