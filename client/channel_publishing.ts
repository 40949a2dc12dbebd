import type { Content } from "../broker/amqp/content.ts";
import { MANY_KEYS } from "../broker/amqp/fresh_addresses.ts";
import { type BasicPublish, basicPublish } from "../broker/amqp/methods/basic.ts";
import { channelFlowOk } from "../broker/amqp/methods/channel.ts";
import { type BasicProperties, propertiesToSend } from "../broker/amqp/properties.ts";
import { briefPause, untilBriefPause } from "../broker/amqp/turn.ts";
import type { ChannelCore } from "./channel_core.ts";
import { type Confirmable, Confirms } from "./confirms.ts";
import { checkFlag, checkShortString } from "./fields.ts";
import { checkHeaderSize } from "../broker/amqp/header_size.ts";
import { HeldPublishes } from "./held_publishes.ts";
import type { Recipient } from "./inbox.ts";
import { ReturnedMessage } from "./received_message.ts";

/** Takes a mandatory message that came back. */
export type ReturnCallback = (message: ReturnedMessage) => void;

/** The options of so many publishes of a channel are looked at: by then each place in a program that
 * publishes has mostly had its turn. */
const LOOKED_AT_FIRST = 1000;
/** After that, those of one in so many, which is prime so that it meets all places that take turns. */
const LOOKED_AT_EACH = 31;

/** After so many publishes in a row of which each had another routing key than the one before, keys are
 * taken for new ones. */
const CHANGES_MIN = 16;
/** From then on it is looked whether one comes twice after so many publishes. */
const NEW_IN_A_ROW = 32;

/** What a channel publishes, and what comes of it: whether there is room, confirms, returns. */
export class ChannelPublishing implements Recipient<ReturnedMessage> {
  private readonly _channel: ChannelCore;
  private _onReturn: ReturnCallback | undefined;
  private _expectsReturns = false;
  /** Messages that came back and were not yet handed out, and confirms that came behind them. */
  private _handedOutLater = 0;
  private _confirms: Confirms | undefined;

  /** The latest publish method, used again while nothing in it changes. */
  private _method: BasicPublish = basicPublish();
  /** So many publishes in a row were of another routing key than the one before. */
  private _changes = 0;
  /** While keys are taken for new: the one that the next publish is compared with, if any. */
  private _lookedFor: string | undefined = undefined;
  /** How often options were looked at. */
  private _looks = 0;
  /** So many more need not be, and how many that were when one was looked at last. */
  private _unlooked = 0;
  private _granted = 0;
  /** How many were published since the one before that was looked at. */
  private _done = 0;
  /** False after the broker asked for a pause by `channel.flow`, until what was held meanwhile is sent. */
  private _flowing = true;
  /** What it asked for last. */
  private _mayFlow = true;
  private readonly _held = new HeldPublishes();
  /** Shared by all publishers that must wait. */
  private _room: Promise<void> | undefined;

  constructor(channel: ChannelCore) {
    this._channel = channel;
  }

  get onReturn(): ReturnCallback | undefined {
    return this._onReturn;
  }

  set onReturn(callback: ReturnCallback | undefined) {
    this._expectReturns(callback !== undefined);
    this._onReturn = callback;
  }

  get confirms(): Confirms | undefined {
    return this._confirms;
  }

  /** From the next message on, publishes are confirmed. */
  startConfirms(): void {
    this._confirms ??= new Confirms(this._channel.connection.intake);
  }

  /** Tells whether the options of the next publish are to be looked at: a look at each takes a fifth of
   * what publishing does in process. All are that go elsewhere than the one before. */
  looksAt(exchange: string, routingKey: string): boolean {
    const latest = this._method;
    if (
      --this._unlooked >= 0 && latest.routingKey === routingKey && latest.exchange === exchange
    ) return false;
    this._done = this._granted - this._unlooked;
    if (this._looks < LOOKED_AT_FIRST) this._looks++;
    else this._unlooked = LOOKED_AT_EACH - 1;
    this._granted = this._unlooked;
    return true;
  }

  /** True when its user has published, which is looked at the first time. */
  get hasPublished(): boolean {
    return this._looks > 0;
  }

  /** Publishes a content that was taken from the connection's `outgoing` with its body. */
  publish(
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    immediate: boolean,
    properties: BasicProperties | undefined,
    content: Content,
    tracked?: Confirmable,
  ): Promise<void> | undefined {
    const method = this._methodFor(exchange, routingKey, mandatory, immediate);
    content.exchange = method.exchange;
    content.keyText = method.bears === MANY_KEYS
      ? checkShortString(routingKey, "routingKey")
      : method.routingKey;
    const { number, connection } = this._channel;
    const { link } = connection;
    if (properties !== undefined) {
      // checked before it is the content's: what is refused must not go out with the next message
      const sent = propertiesToSend(properties);
      checkHeaderSize(sent, connection.settings.frameMax);
      content.properties = sent;
    }
    // counted first: in one process the confirm comes while the message is being sent
    let confirmed: Promise<void> | undefined;
    if (tracked === undefined) confirmed = this._confirms?.publish();
    else this._confirms!.track(tracked);
    if (this._flowing) link.sendContent(number, method, content);
    else this._held.hold(method, content);
    connection.outgoing.release(content);
    if (confirmed !== undefined) return confirmed;
    return tracked === undefined && !this.hasRoom ? this._waitForRoom() : undefined;
  }

  /** In this process nothing else would make a loop of publishes without confirms wait, for ever: asked for
   * with each that is looked at. */
  pause(): Promise<void> | undefined {
    if (this._channel.connection.settings.frameMax !== undefined) return undefined;
    const pause = briefPause(this._done);
    this._granted = this._unlooked = Math.min(this._unlooked, untilBriefPause() - 1);
    return pause;
  }

  private _methodFor(
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    immediate: boolean,
  ): BasicPublish {
    const latest = this._method;
    if (
      latest.routingKey === routingKey && latest.exchange === exchange &&
      latest.mandatory === mandatory && latest.immediate === immediate
    ) {
      this._changes = 0;
      return latest;
    }
    return this._method = this._nextMethod(exchange, routingKey, mandatory, immediate);
  }

  /** The same for another address. Where each key is a new one, all of them share a method: making one of each
   * and comparing it with the one before costs more than routing some of them. */
  private _nextMethod(
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    immediate: boolean,
  ): BasicPublish {
    const latest = this._method;
    const isAlike = latest.exchange === exchange && latest.mandatory === mandatory &&
      latest.immediate === immediate;
    const areNew = isAlike && ++this._changes > CHANGES_MIN;
    if (!isAlike) this._changes = 0;
    if (areNew && !this._isAgain(routingKey)) {
      if (latest.bears === MANY_KEYS) return latest;
      const many = basicPublish({ exchange: latest.exchange, mandatory, immediate });
      many.bears = MANY_KEYS;
      return many;
    }
    return basicPublish({
      // with many keys there is mostly one exchange
      exchange: latest.exchange === exchange
        ? latest.exchange
        : checkShortString(exchange, "exchange"),
      routingKey: checkShortString(routingKey, "routingKey"),
      mandatory: checkFlag(mandatory, "mandatory", "publish"),
      immediate: checkFlag(immediate, "immediate", "publish"),
    });
  }

  /** Tells once in a while that a key is the one before it. */
  private _isAgain(routingKey: string): boolean {
    const before = this._lookedFor;
    if (before !== undefined) {
      this._lookedFor = undefined;
      if (before === routingKey) {
        this._changes = 0;
        return true;
      }
    } else if (this._changes % NEW_IN_A_ROW === 0) this._lookedFor = routingKey;
    return false;
  }

  // ---- room

  /** False while publishers are to wait. */
  get hasRoom(): boolean {
    const { link, blocked } = this._channel.connection;
    return !link.full && blocked === undefined && this._flowing;
  }

  /** Resolves when there is room, or the channel has ended. */
  async whenRoom(): Promise<void> {
    await this._waitForRoom().catch(() => {});
  }

  private _waitForRoom(): Promise<void> {
    if (this._room === undefined) {
      this._room = this._untilRoom();
      // who does not wait learns of it by the next publish
      this._room.catch(() => {});
    }
    return this._room;
  }

  private async _untilRoom(): Promise<void> {
    const { connection } = this._channel;
    connection.intake.expectReply();
    while (this._channel.isOpen && !this.hasRoom) await connection.change();
    connection.intake.expectNoReply();
    this._room = undefined;
    this._channel.assertOpen("publish");
  }

  // ---- receiving: none of it may send or run code of the user

  /** Takes `channel.flow`. */
  flow(active: boolean): void {
    this._mayFlow = active;
    if (!active) this._flowing = false;
    this._channel.answer(channelFlowOk({ active }), () => {
      if (active) this._goOn();
    });
  }

  /** What was held goes out, and only then there is room for more. */
  private _goOn(): void {
    if (!this._mayFlow) return;
    this._flowing = true;
    const channel = this._channel;
    if (!channel.isOpen) return;
    this._held.sendTo(channel.connection.link, channel.number);
    channel.connection.signalChange();
  }

  /** Takes `basic.ack` or `basic.nack` of the broker. */
  settle(deliveryTag: number, multiple: boolean, acked: boolean): void {
    if (this._confirms === undefined) return;
    if (this._handedOutLater === 0) {
      this._confirms.settle(deliveryTag, multiple, acked);
    } else {
      // a message that came back is handed out before its publish is confirmed
      this._handedOutLater++;
      const settle = () => {
        this._handedOutLater--;
        this._confirms!.settle(deliveryTag, multiple, acked);
      };
      this._channel.connection.inbox.push({ take: settle }, undefined);
    }
  }

  /** Takes a message that came back. */
  returned(replyCode: number, replyText: string, content: Content): void {
    const { inbox, page } = this._channel.connection;
    this._handedOutLater++;
    inbox.push(this, new ReturnedMessage(replyCode, replyText, content, page));
  }

  /** True while messages that came back are still to be handed out, or what came behind them. */
  get handsOutReturns(): boolean {
    return this._handedOutLater > 0;
  }

  /** Hands a message that came back to the user. */
  take(message: ReturnedMessage): void {
    this._handedOutLater--;
    const { onReturn } = this;
    if (onReturn !== undefined) this._channel.callUser(() => onReturn(message));
  }

  /** The user may wait for a message to come back, and only the link brings it. */
  private _expectReturns(on: boolean): void {
    if (on === this._expectsReturns || this._channel.isClosed) return;
    this._expectsReturns = on;
    if (on) this._channel.connection.intake.expectReply();
    else this._channel.connection.intake.expectNoReply();
  }

  // ---- ending

  /** The channel is about to be closed: nothing comes back any more. */
  ending(): void {
    this._expectReturns(false);
  }

  /** The channel is closed: what is not confirmed never will be. */
  end(error: Error): void {
    this._confirms?.fail(error);
    this._held.clear();
  }
}
