import { basicQos } from "../../broker/amqp/methods/basic.ts";
import { confirmSelect } from "../../broker/amqp/methods/confirm.ts";
import { normaliseProperties } from "../../broker/amqp/properties.ts";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import type { ChannelCore } from "../channel_core.ts";
import { ClosedError, PublishNackedError, UnroutableError } from "../errors.ts";
import type { ReturnedMessage } from "../received_message.ts";
import { InterruptedMessages } from "./interrupted_messages.ts";
import type { Home } from "./lasting_channel.ts";
import type { Keeper, OutgoingMessage } from "./outgoing_message.ts";
import type { ResolvedPublisher } from "./publisher_options.ts";
import { Suspects } from "./suspects.ts";
import { WaitingMessages } from "./waiting_messages.ts";

/**
 * The messages of a publisher, from when they were taken until they are settled.
 *
 * What is being compressed waits as well: it has its place among the others, and counts as what it was
 * before.
 *
 * ```text
 *       hold(), compress()       room, or another channel
 *   taken ──────────► waiting ──────────────► sent ──────────► confirmed, nacked
 *     └──────────────── send() ────────────────┘ ▲ │
 *                                                │ ▼ its channel has ended
 *                                             again, unless they reject
 * ```
 */
export class Outbox implements Keeper {
  readonly options: ResolvedPublisher;
  readonly #home: Home;
  /** The channel that messages go out on, while there is one. */
  #core: ChannelCore | undefined;
  /** Sent and not confirmed, in order. */
  readonly #sent = new Set<OutgoingMessage>();
  /** Not sent yet. */
  readonly #waiting: WaitingMessages;
  /** Which of the next messages may be what the broker closes channels or connections for. */
  readonly #suspects: Suspects<OutgoingMessage>;
  /** Sent on channels that have ended. */
  readonly #interrupted: InterruptedMessages;
  /** Those of them that are sent again next. */
  readonly #again: OutgoingMessage[];
  /** Messages went out on this channel that nobody confirms. */
  #sentBlindly = false;
  /** A wait for room is under way. */
  #held = false;
  #pumpScheduled = false;
  /** Somebody waits until there is room. */
  #room: PromiseWithResolvers<void> | undefined;
  #ended = false;

  constructor(home: Home, options: ResolvedPublisher) {
    this.#home = home;
    this.options = options;
    this.#waiting = new WaitingMessages(options);
    this.#suspects = new Suspects(home, () => this.#more(), () => this.#core?.isStuck === true);
    this.#interrupted = new InterruptedMessages(this.#suspects, options.unconfirmed === "reject");
    this.#again = this.#interrupted.again;
  }

  /** The channel that messages go out on, while there is one. */
  get core(): ChannelCore | undefined {
    return this.#core;
  }

  /** How many messages wait to be sent. */
  get buffered(): number {
    return this.#waiting.length - this.#waiting.abandonedCount + this.#again.length;
  }

  /** How many messages were sent and are not confirmed. */
  get unconfirmedCount(): number {
    return this.#sent.size;
  }

  /** What settles when the messages that are here now do, whichever way. */
  pending(): Promise<void>[] {
    const pending: Promise<void>[] = [];
    for (let index = 0; index < this.#waiting.length; index++) {
      pending.push(this.#waiting.at(index)!.promise);
    }
    for (const { promise } of this.#sent) pending.push(promise);
    for (const { promise } of this.#interrupted.all()) pending.push(promise);
    return pending;
  }

  // ---- taking and sending them

  /** True when a message that was sent now would not overtake another one, or a bound. */
  get hasRoom(): boolean {
    return this.#waiting.length === 0 && this.#canSend(this.#core);
  }

  /** Resolves when there is room, or will be none any more. */
  async whenRoom(): Promise<void> {
    while (!this.hasRoom && !this.#ended) {
      if (this.#core?.isOpen && !this.#core.publishing.hasRoom) this.#pumpLater(this.#core);
      await (this.#room ??= Promise.withResolvers()).promise;
    }
  }

  #signalRoom(): void {
    if (this.#room === undefined || (!this.hasRoom && !this.#ended)) return;
    this.#room.resolve();
    this.#room = undefined;
  }

  /** Sends a message; there must be room. What cannot be encoded throws. */
  send(message: OutgoingMessage): void {
    this.#send(this.#core!, message);
  }

  /** Keeps a message until it can be sent. What cannot be encoded throws at once. */
  hold(message: OutgoingMessage): void {
    this.checkBounds(message.size);
    this.#keep(message);
    this.#pump();
  }

  /** Keeps a message until its body is compressed and it can be sent. What cannot be encoded throws at
   * once, and then nothing is compressed. */
  compress(message: OutgoingMessage, compress: () => Promise<Uint8Array>): void {
    // one that would be sent at once, but for that, waits for nobody
    if (!this.hasRoom) this.checkBounds(message.size);
    this.#keep(message);
    compress().then((body) => {
      this.#waiting.replaceBody(message, body);
      this.#pump();
    }, (error) => {
      message.reject(error);
      this.abandon(message);
      this.#pump();
    });
  }

  /** Throws when a body of so many bytes or more may not wait. */
  checkBounds(size: number): void {
    this.#waiting.checkBounds(size);
  }

  #keep(message: OutgoingMessage): void {
    normaliseProperties(message.properties);
    this.#waiting.push(message);
  }

  /** Nobody waits for a message any more: it need not be sent. */
  abandon(message: OutgoingMessage): void {
    this.#waiting.abandon(message);
  }

  #canSend(core: ChannelCore | undefined): core is ChannelCore {
    if (core === undefined || !core.isOpen || !core.publishing.hasRoom || this.#again.length > 0) {
      return false;
    }
    return !this.#suspects.keptOut && this.#sent.size < this.options.maxUnconfirmed;
  }

  #send(core: ChannelCore, message: OutgoingMessage): void {
    const { outgoing } = core.connection;
    const { exchange, mandatory, properties, body, start, size } = message;
    const routingKey = this.#keyOf(message);
    const { confirm } = this.options;
    const content = typeof body === "string"
      ? outgoing.take(body, false)
      : outgoing.takeKept(body!, start, start + size);
    if (confirm) {
      message.settled = message.returned = false; // it may have been sent before
      this.#sent.add(message);
      try {
        core.publishing.publish(
          exchange,
          routingKey,
          mandatory,
          false,
          properties,
          content,
          message,
        );
      } catch (error) {
        this.#sent.delete(message);
        throw error;
      }
    } else {
      this.#sentBlindly = true;
      const room = core.publishing.publish(
        exchange,
        routingKey,
        mandatory,
        false,
        properties,
        content,
      );
      if (room === undefined) message.resolve();
      else room.then(() => message.resolve(), (error) => message.reject(error));
    }
  }

  /** What could be encoded when it was published may be too large for the frames of another connection. */
  #sendOrReject(core: ChannelCore, message: OutgoingMessage): void {
    try {
      this.#send(core, message);
    } catch (error) {
      message.reject(error as Error);
      this.#settled(message);
    }
  }

  /** Sends what can be sent of what waits. */
  #pump(): void {
    const core = this.#core;
    if (core === undefined) return;
    for (;;) {
      if (this.#again.length > 0) {
        if (!core.isOpen || !core.publishing.hasRoom || this.#suspects.keptOut) break;
        const message = this.#again.shift()!;
        if (!message.abandoned) {
          if (this.#suspects.count > 0) this.#try(core, message);
          else this.#sendOrReject(core, message);
        } else {
          message.resolve();
          this.#settled(message);
        }
      } else {
        if (this.#waiting.length === 0 || !this.#canSend(core)) break;
        const first = this.#waiting.at(0)!;
        if (first.body === undefined && !first.abandoned) break;
        const message = this.#waiting.shift()!;
        if (message.abandoned) message.resolve();
        else this.#sendOrReject(core, message);
      }
    }
    this.#signalRoom();
    this.#watchRoom(core);
  }

  /** Sends a suspect, and asks something after it: the answer tells that the broker has taken it. */
  #try(core: ChannelCore, message: OutgoingMessage): void {
    this.#suspects.sent(message);
    this.#sendOrReject(core, message);
    if (!this.#suspects.isTrying(message)) return;
    core.ask(basicQos({ prefetchCount: 0 }), ["basic.qos-ok"])
      .then(() => this.#suspects.taken(message), () => {}); // the channel has ended
  }

  /** Something waits for room in the link, which is told to nobody else. */
  #watchRoom(core: ChannelCore): void {
    if (this.buffered === 0 && this.#room === undefined) return;
    if (core.isOpen && !core.publishing.hasRoom) this.#pumpLater(core);
  }

  async #pumpLater(core: ChannelCore): Promise<void> {
    if (this.#held) return;
    this.#held = true;
    await core.publishing.whenRoom();
    this.#held = false;
    this.#pump();
  }

  // ---- what becomes of them

  /** The broker has taken a message. */
  confirmed(message: OutgoingMessage): void {
    this.#sent.delete(message);
    if (message.returned) message.reject(new UnroutableError(message));
    else message.resolve();
    this.#settled(message);
    this.#more();
  }

  /** It has not, or nobody knows. */
  unconfirmed(message: OutgoingMessage, error: Error): void {
    this.#sent.delete(message);
    if (error instanceof PublishNackedError) {
      message.reject(error);
      this.#settled(message);
      return this.#more();
    }
    this.#interrupted.add(message);
  }

  #settled(message: OutgoingMessage): void {
    if (this.#suspects.active) this.#suspects.settled(message);
  }

  /** Room has come; but this is inside a call of the link, from where nothing is sent. */
  #more(): void {
    if (this.buffered === 0) {
      this.#signalRoom();
      if (this.#core !== undefined) this.#watchRoom(this.#core);
      return;
    }
    if (this.#pumpScheduled) return;
    this.#pumpScheduled = true;
    atEndOfTurn(() => {
      this.#pumpScheduled = false;
      this.#pump();
    });
  }

  #returned({ exchange, routingKey, properties: { messageId } }: ReturnedMessage): void {
    for (const message of this.#sent) {
      if (
        !message.returned && message.mandatory && message.exchange === exchange &&
        this.#keyOf(message) === routingKey &&
        // as it arrives
        message.properties.messageId?.toWellFormed() === messageId
      ) {
        message.returned = true;
        return;
      }
    }
  }

  /** The default exchange goes by the names of queues, which may be others on this connection. */
  #keyOf({ exchange, routingKey }: OutgoingMessage): string {
    return exchange === "" ? this.#home.queueName(routingKey) : routingKey;
  }

  // ---- one channel after the other

  /** Makes a new channel what the messages need. */
  async setUp(core: ChannelCore): Promise<void> {
    if (!this.options.confirm) return;
    core.publishing.startConfirms();
    core.publishing.onReturn = (message) => this.#returned(message);
    await core.ask(confirmSelect(), ["confirm.select-ok"]);
  }

  /** Messages go out on this channel from now on. */
  opened(core: ChannelCore): void {
    this.#core = core;
    this.#sentBlindly = false;
    this.#suspects.opened();
    this.#pump();
  }

  /** The channel has ended; another one will come. True when that brings these messages on: it takes one
   * channel for each that is refused, and with a pause each the others would wait for minutes. */
  lost(reason: Error): boolean {
    const core = this.#core;
    this.#core = undefined;
    return this.#interrupted.lost(core, reason, this.#sentBlindly);
  }

  /** None will come: what is not settled rejects. */
  ended(reason: Error | undefined): void {
    this.#core = undefined;
    const error = reason ??
      new ClosedError("publish", "publisher", "close it when its messages are confirmed");
    for (const message of [...this.#interrupted.all(), ...this.#sent]) message.reject(error);
    const waiting = this.#waiting;
    for (let message = waiting.shift(); message; message = waiting.shift()) message.reject(error);
    this.#interrupted.clear();
    this.#sent.clear();
    this.#ended = true;
    this.#suspects[Symbol.dispose]();
    this.#signalRoom();
  }
}
