import type { Content } from "../broker/amqp/content.ts";
import { MANY_KEYS } from "../broker/amqp/fresh_addresses.ts";
import { type BasicPublish, basicPublish } from "../broker/amqp/methods/basic.ts";
import { channelFlowOk } from "../broker/amqp/methods/channel.ts";
import { type BasicProperties, propertiesToSend } from "../broker/amqp/properties.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";
import type { ChannelCore } from "./channel_core.ts";
import { type Confirmable, Confirms } from "./confirms.ts";
import { checkFlag, checkShortString } from "./fields.ts";
import { checkHeaderSize } from "./header_size.ts";
import { HeldPublishes } from "./held_publishes.ts";
import type { Recipient } from "./inbox.ts";
import type { OutgoingContent } from "./outgoing_content.ts";
import { ReturnedMessage } from "./received_message.ts";

/** Takes a mandatory message that came back. */
export type ReturnCallback = (message: ReturnedMessage) => void;

/** The options of so many publishes of a channel are looked at: by then each place in a program that
 * publishes has mostly had its turn. */
const LOOKED_AT_FIRST = 1000;
/** After that, those of one in so many, which is prime so that it meets all places that take turns. */
const LOOKED_AT_EACH = 61;

/** After so many publishes in a row of which each had another routing key than the one before, keys are
 * taken for new ones. */
const CHANGES_MIN = 16;
/** From then on it is looked whether one comes twice after so many publishes. */
const NEW_IN_A_ROW = 32;

/** What a channel publishes, and what comes of it: whether there is room, confirms, returns. */
export class ChannelPublishing implements Recipient<ReturnedMessage> {
  readonly #channel: ChannelCore;
  #onReturn: ReturnCallback | undefined;
  #expectsReturns = false;
  /** Messages that came back and were not yet handed out. */
  #returnsWaiting = 0;
  #confirms: Confirms | undefined;

  /** The latest publish method, used again while nothing in it changes. */
  #method: BasicPublish = basicPublish();
  /** So many publishes in a row were of another routing key than the one before. */
  #changes = 0;
  /** While keys are taken for new: the one that the next publish is compared with, if any. */
  #lookedFor: string | undefined = undefined;
  /** How often options were looked at. */
  #looks = 0;
  /** So many more need not be. */
  #unlooked = 0;
  /** False after the broker asked for a pause by `channel.flow`. */
  #flowing = true;
  readonly #held = new HeldPublishes();
  /** Shared by all publishers that must wait. */
  #room: Promise<void> | undefined;

  constructor(channel: ChannelCore) {
    this.#channel = channel;
  }

  get onReturn(): ReturnCallback | undefined {
    return this.#onReturn;
  }

  set onReturn(callback: ReturnCallback | undefined) {
    this.#expectReturns(callback !== undefined);
    this.#onReturn = callback;
  }

  get confirms(): Confirms | undefined {
    return this.#confirms;
  }

  /** From the next message on, publishes are confirmed. */
  startConfirms(): void {
    this.#confirms ??= new Confirms(this.#channel.connection.intake);
  }

  /** Tells whether the options of the next publish are to be looked at: a look at each takes a fifth of
   * what publishing does in process. All are that go elsewhere than the one before. */
  looksAt(exchange: string, routingKey: string): boolean {
    const latest = this.#method;
    if (
      --this.#unlooked >= 0 && latest.routingKey === routingKey && latest.exchange === exchange
    ) return false;
    if (this.#looks < LOOKED_AT_FIRST) this.#looks++;
    else this.#unlooked = LOOKED_AT_EACH - 1;
    return true;
  }

  /** True when its user has published, which is looked at the first time. */
  get hasPublished(): boolean {
    return this.#looks > 0;
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
    const method = this.#methodFor(exchange, routingKey, mandatory, immediate);
    content.exchange = method.exchange;
    content.routingKey = method.bears === MANY_KEYS
      ? checkShortString(routingKey, "routingKey")
      : method.routingKey;
    const { number, connection: { link, settings } } = this.#channel;
    if (properties !== undefined) {
      // checked before it is the content's: what is refused must not go out with the next message
      const sent = propertiesToSend(properties);
      checkHeaderSize(sent, settings.frameMax);
      content.properties = sent;
    }
    // counted first: in one process the confirm comes while the message is being sent
    let confirmed: Promise<void> | undefined;
    if (tracked === undefined) confirmed = this.#confirms?.publish();
    else this.#confirms!.track(tracked);
    if (this.#flowing && this.#held.length === 0) link.sendContent(number, method, content);
    else this.#held.hold(method, content);
    content.release();
    if (confirmed !== undefined) return confirmed;
    if (tracked === undefined && !this.hasRoom) return this.#waitForRoom();
  }

  #methodFor(
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    immediate: boolean,
  ): BasicPublish {
    const latest = this.#method;
    if (
      latest.routingKey === routingKey && latest.exchange === exchange &&
      latest.mandatory === mandatory && latest.immediate === immediate
    ) {
      this.#changes = 0;
      return latest;
    }
    return this.#method = this.#nextMethod(exchange, routingKey, mandatory, immediate);
  }

  /** The same for another address. Where each key is a new one, all of them share a method: making one of each
   * and comparing it with the one before costs more than routing some of them. */
  #nextMethod(
    exchange: string,
    routingKey: string,
    mandatory: boolean,
    immediate: boolean,
  ): BasicPublish {
    const latest = this.#method;
    const isAlike = latest.exchange === exchange && latest.mandatory === mandatory &&
      latest.immediate === immediate;
    const areNew = isAlike && ++this.#changes > CHANGES_MIN;
    if (!isAlike) this.#changes = 0;
    if (areNew && !this.#isAgain(routingKey)) {
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
  #isAgain(routingKey: string): boolean {
    const before = this.#lookedFor;
    if (before !== undefined) {
      this.#lookedFor = undefined;
      if (before === routingKey) {
        this.#changes = 0;
        return true;
      }
    } else if (this.#changes % NEW_IN_A_ROW === 0) this.#lookedFor = routingKey;
    return false;
  }

  // ---- room

  /** False while publishers are to wait. */
  get hasRoom(): boolean {
    const { link, blocked } = this.#channel.connection;
    return !link.full && blocked === undefined && this.#flowing;
  }

  /** Resolves when there is room, or the channel has ended. */
  async whenRoom(): Promise<void> {
    await this.#waitForRoom().catch(() => {});
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
    const { connection } = this.#channel;
    connection.intake.expectMore();
    while (this.#channel.isOpen && !this.hasRoom) await connection.change();
    connection.intake.expectLess();
    this.#room = undefined;
    this.#channel.assertOpen("publish");
  }

  // ---- receiving: none of it may send or run code of the user

  /** Takes `channel.flow`. */
  flow(active: boolean): void {
    this.#flowing = active;
    const channel = this.#channel;
    atEndOfTurn(() => channel.send(channelFlowOk({ active })));
    atEndOfTurn(() => {
      if (!this.#flowing || !channel.isOpen) return;
      this.#held.sendTo(channel.connection.link, channel.number);
      channel.connection.signalChange();
    });
  }

  /** Takes `basic.ack` or `basic.nack` of the broker. */
  settle(deliveryTag: number, multiple: boolean, acked: boolean): void {
    if (this.#confirms === undefined) return;
    if (this.#returnsWaiting === 0) {
      this.#confirms.settle(deliveryTag, multiple, acked);
    } else {
      // a message that came back is handed out before its publish is confirmed
      const settle = () => this.#confirms!.settle(deliveryTag, multiple, acked);
      this.#channel.connection.inbox.push({ take: settle }, undefined);
    }
  }

  /** Takes a message that came back. */
  returned(replyCode: number, replyText: string, content: Content): void {
    const { inbox, page } = this.#channel.connection;
    this.#returnsWaiting++;
    inbox.push(this, new ReturnedMessage(replyCode, replyText, content, page));
  }

  /** Hands a message that came back to the user. */
  take(message: ReturnedMessage): void {
    this.#returnsWaiting--;
    const { onReturn } = this;
    if (onReturn !== undefined) this.#channel.callUser(() => onReturn(message));
  }

  /** The user may wait for a message to come back, and only the link brings it. */
  #expectReturns(on: boolean): void {
    if (on === this.#expectsReturns || this.#channel.isClosed) return;
    this.#expectsReturns = on;
    if (on) this.#channel.connection.intake.expectMore();
    else this.#channel.connection.intake.expectLess();
  }

  // ---- ending

  /** The channel is about to be closed: nothing comes back any more. */
  ending(): void {
    this.#expectReturns(false);
  }

  /** The channel is closed: what is not confirmed never will be. */
  end(error: Error): void {
    this.#confirms?.fail(error);
    this.#held.clear();
  }
}
