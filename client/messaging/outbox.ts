import { AmqpError } from "../../broker/amqp/error.ts";
import { basicQos } from "../../broker/amqp/methods/basic.ts";
import { confirmSelect } from "../../broker/amqp/methods/confirm.ts";
import { normaliseProperties } from "../../broker/amqp/properties.ts";
import { atEndOfTurn } from "../../broker/amqp/turn.ts";
import type { ChannelCore } from "../channel_core.ts";
import {
  BufferFullError,
  ClosedError,
  ConnectionLostError,
  PoisonMessageError,
  PublishNackedError,
  UnroutableError,
} from "../errors.ts";
import { Fifo } from "../fifo.ts";
import type { ReturnedMessage } from "../received_message.ts";
import { blamedFor } from "./blame.ts";
import type { Home } from "./lasting_channel.ts";
import type { Keeper, OutgoingMessage } from "./outgoing_message.ts";
import type { ResolvedPublisher } from "./publisher_options.ts";
import { mayBeForMessage, Suspects } from "./suspects.ts";

/** All that a publish can name and that may not exist is its exchange. */
const NOT_FOUND = 404;

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
  #waiting = new Fifo<OutgoingMessage>();
  #waitingBytes = 0;
  /** How many of those nobody waits for any more. They have no place here, but in the middle of a row
   * it takes a while to find them. */
  #abandonedCount = 0;
  /** Sent on a channel that is ending, in order. */
  #failing: OutgoingMessage[] = [];
  /** Sent on channels that have ended; to be sent again, one at a time while there are suspects. */
  #again: OutgoingMessage[] = [];
  /** Which of the next messages may be what the broker closes channels or connections for. */
  readonly #suspects: Suspects<OutgoingMessage>;
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
    this.#suspects = new Suspects(home, () => this.#more(), () => this.#core?.isStuck === true);
  }

  /** The channel that messages go out on, while there is one. */
  get core(): ChannelCore | undefined {
    return this.#core;
  }

  /** How many messages wait to be sent. */
  get buffered(): number {
    return this.#waiting.length - this.#abandonedCount + this.#again.length;
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
    for (const messages of [this.#sent, this.#failing, this.#again]) {
      for (const { promise } of messages) pending.push(promise);
    }
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
      if (message.waiting && !message.abandoned) this.#waitingBytes += body.length - message.size;
      message.body = body;
      message.size = body.length;
      this.#pump();
    }, (error) => {
      message.reject(error);
      this.abandon(message);
      this.#pump();
    });
  }

  /** Throws when a body of so many bytes or more may not wait. */
  checkBounds(size: number): void {
    const { maxBuffered, maxBufferedBytes } = this.options;
    if (this.#waiting.length - this.#abandonedCount >= maxBuffered) {
      throw new BufferFullError(`${maxBuffered} messages wait already`);
    }
    if (size > maxBufferedBytes) {
      throw new BufferFullError(
        `its body is larger than the ${maxBufferedBytes} bytes that may wait`,
      );
    }
    if (this.#waitingBytes + size > maxBufferedBytes) {
      throw new BufferFullError(
        `${this.#waitingBytes} bytes wait already, and ${maxBufferedBytes} may`,
      );
    }
  }

  #keep(message: OutgoingMessage): void {
    normaliseProperties(message.properties);
    message.waiting = true;
    this.#waiting.push(message);
    this.#waitingBytes += message.size;
  }

  /** Nobody waits for a message any more: it need not be sent. */
  abandon(message: OutgoingMessage): void {
    if (message.abandoned) return;
    message.abandoned = true;
    if (!message.waiting) return;
    this.#waitingBytes -= message.size;
    if (2 * ++this.#abandonedCount > this.#waiting.length) this.#sweep();
  }

  #sweep(): void {
    const waiting = this.#waiting;
    this.#waiting = new Fifo();
    this.#abandonedCount = 0;
    for (let message = waiting.shift(); message; message = waiting.shift()) {
      if (message.abandoned) message.resolve();
      else this.#waiting.push(message);
    }
  }

  #shift(): OutgoingMessage | undefined {
    const message = this.#waiting.shift();
    if (message === undefined) return undefined;
    message.waiting = false;
    if (message.abandoned) this.#abandonedCount--;
    else this.#waitingBytes -= message.size;
    return message;
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
    if (typeof body === "string") outgoing.setBody(body, false);
    else outgoing.setKeptBody(body!, start, start + size);
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
          outgoing,
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
        outgoing,
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
        const message = this.#shift()!;
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
    this.#failing.push(message);
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
        !message.returned && message.mandatory && message.properties.messageId === messageId &&
        message.exchange === exchange && this.#keyOf(message) === routingKey
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
    const failing = this.#suspects.interrupted(this.#failing);
    this.#failing = [];
    const refused = reason instanceof AmqpError && !reason.hard &&
      (failing.length > 0 || this.#sentBlindly);
    if (this.options.unconfirmed === "reject") {
      const blamed = refused ? blamedFor(reason, failing) : [];
      const doubtful = new ConnectionLostError(
        `Cannot tell whether the message arrived: the ${
          refused ? "channel was closed" : "connection was lost"
        } before its confirm`,
        { cause: reason },
      );
      for (const message of [...failing, ...this.#again]) {
        message.reject(blamed.includes(message) ? reason : doubtful);
      }
      this.#again = [];
      this.#suspects.end();
    } else if (refused && failing.length === 1) {
      // the only one that was under way is to blame
      failing[0]!.reject(reason);
      this.#settled(failing[0]!);
      if (reason.replyCode === NOT_FOUND) this.#rejectSuspectsTo(failing[0]!.exchange, reason);
    } else {
      // each of them may be to blame, and is tried alone
      if (refused) this.#suspects.channelClosed(failing);
      else this.#connectionClosed(core, reason, failing);
      this.#again = [...failing, ...this.#again];
    }
    return refused;
  }

  /** A broker may have closed the connection for a message: one that it does so for each time is taken
   * out of those that failed. */
  #connectionClosed(
    core: ChannelCore | undefined,
    reason: Error,
    failing: OutgoingMessage[],
  ): void {
    if (core === undefined || core.connection.misunderstood) return;
    if (!(reason instanceof AmqpError) || !mayBeForMessage(reason)) return;
    const culprit = this.#suspects.connectionClosed(failing, core.connection.wasShared);
    if (culprit === undefined) return;
    failing.splice(failing.indexOf(culprit), 1);
    culprit.reject(new PoisonMessageError(this.#suspects.ends, reason));
  }

  /** An exchange does not exist. Those that went to it together with the one that found that out would be
   * told the same, each at the price of a channel. */
  #rejectSuspectsTo(exchange: string, reason: Error): void {
    const suspects = this.#suspects.count;
    this.#again = this.#again.filter((message, index) => {
      if (index >= suspects || message.exchange !== exchange) return true;
      message.reject(reason);
      this.#settled(message);
      return false;
    });
  }

  /** None will come: what is not settled rejects. */
  ended(reason: Error | undefined): void {
    this.#core = undefined;
    const error = reason ??
      new ClosedError("publish", "publisher", "close it when its messages are confirmed");
    for (const message of [...this.#failing, ...this.#again, ...this.#sent]) message.reject(error);
    for (let message = this.#shift(); message; message = this.#shift()) message.reject(error);
    this.#failing = [];
    this.#again = [];
    this.#sent.clear();
    this.#ended = true;
    this.#suspects[Symbol.dispose]();
    this.#signalRoom();
  }
}
