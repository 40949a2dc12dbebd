import type { Clock } from "../broker/amqp/clock.ts";
import type { Content } from "../broker/amqp/content.ts";
import { AmqpError } from "../broker/amqp/error.ts";
import type { FieldTable } from "../broker/amqp/field_table.ts";
import type { ContentMethod, Link, LinkReceiver } from "../broker/amqp/link.ts";
import { channelCloseOk } from "../broker/amqp/methods/channel.ts";
import {
  type ConnectionClose,
  connectionClose,
  connectionCloseOk,
} from "../broker/amqp/methods/connection.ts";
import type { Method } from "../broker/amqp/methods/mod.ts";
import { atEndOfTurn } from "../broker/amqp/turn.ts";
import { BodyPage } from "./body_page.ts";
import { ChannelCore } from "./channel_core.ts";
import { ClientEvents } from "./client_events.ts";
import type { Delivery } from "./delivery.ts";
import { ClosedError, ConnectionLostError, reconnecting } from "./errors.ts";
import { Inbox } from "./inbox.ts";
import { Intake } from "./intake.ts";
import { OutgoingContent } from "./outgoing_content.ts";
import { type MethodName, PendingReplies } from "./pending_replies.ts";
import { sendRequest } from "./send_request.ts";
import type { ClientTracing } from "./tracing.ts";

/** Channels are numbered by 16 bits. */
const CHANNEL_MAX = 0xffff;

/** What is known about a connection once it is open. */
export interface ConnectionSettings {
  /** How many channels may be open at once; 0 for as many as there are numbers. */
  readonly channelMax: number;
  /** Largest frame in bytes, 0 for no limit; undefined in process, where there are none. */
  readonly frameMax?: number;
  /** Seconds between heartbeats, 0 for none; undefined in process. */
  readonly heartbeatSeconds?: number;
  /** What the broker told about itself. */
  readonly serverProperties: FieldTable;
  /** Time, for the bound on closing. */
  readonly clock: Clock;
  /** How long closing may take. */
  readonly closeTimeoutMs: number;
  /** Where it tells what happens; those of the connection that it takes the place of. */
  readonly events?: ClientEvents;
  /** Tells a tracer of its messages; undefined: there is none. */
  readonly tracing?: ClientTracing | undefined;
  /** Drops the link at once, when closing took too long or the broker fell silent. */
  readonly abort?: (error: Error) => void;
}

/** How a connection is closed: reply code and text as the broker will log them. */
export interface CloseReason {
  /** A reply code; 200 when not given. */
  readonly replyCode?: number;
  /** A text of at most 255 bytes. */
  readonly replyText?: string;
}

/**
 * One connection as the protocol sees it: its life, its channels, and the receiving end of its link.
 *
 * ```text
 *   open --close()--> closing --close-ok, or too late--> closed
 *    |                   | connection.close came too: answer it, stay
 *    | connection.close came (close-ok is answered at the end of the turn),
 *    v the link is gone, or the peer broke the syntax
 *   closed; `onLost` may say that another one takes its place
 * ```
 *
 * `whenClosed` resolves a little later than that: when the link is gone, so that nothing is left open.
 */
export class ConnectionCore implements LinkReceiver {
  readonly link: Link;
  readonly settings: ConnectionSettings;
  readonly tracing: ClientTracing | undefined;
  readonly intake: Intake;
  readonly inbox: Inbox;
  readonly page: BodyPage = new BodyPage();
  readonly outgoing: OutgoingContent;
  /** Resolves when the link is gone: with the reason, unless its user closed it. */
  readonly whenClosed: Promise<Error | undefined>;
  private _resolveClosed!: (reason: Error | undefined) => void;

  /** Why the broker does not read what is published; undefined while it does. */
  blocked: string | undefined;
  onBlocked: ((reason: string) => void) | undefined;
  onUnblocked: (() => void) | undefined;
  onError: ((error: unknown, delivery?: Delivery) => void) | undefined;
  /** Told, once, why it ends when its user did not end it. True when another one will be made: then its
   * channels wait for that one. */
  onLost: ((reason: Error) => boolean) | undefined;
  /** True when `onLost` said so. */
  replaced = false;
  /** True when it ended because this end could not make sense of what came. */
  misunderstood = false;
  /** True when it has ended, and channels of the program's own had published on it. */
  wasShared = false;
  readonly events: ClientEvents;

  private _life: "open" | "closing" | "closed" = "open";
  private _reason: Error | undefined;
  private _cancelDeadline: (() => void) | undefined;
  private readonly _replies: PendingReplies;
  /** By number; 0 stays empty. */
  private readonly _channels: (ChannelCore | undefined)[] = [undefined];
  private readonly _freeNumbers: number[] = [];
  /** Channels that the broker has closed, until it is answered. */
  private readonly _unanswered: ChannelCore[] = [];
  private _change: PromiseWithResolvers<void> | undefined;

  constructor(link: Link, settings: ConnectionSettings) {
    this.link = link;
    this.settings = settings;
    this.tracing = settings.tracing;
    this.events = settings.events ?? new ClientEvents();
    this.events.onError = (error) => this._callbackFailed(error);
    this.intake = new Intake(link, settings.frameMax !== undefined);
    this.inbox = new Inbox(link);
    this.outgoing = new OutgoingContent(link);
    this._replies = new PendingReplies(this.intake, this.inbox);
    this.whenClosed = new Promise((resolve) => this._resolveClosed = resolve);
  }

  get isOpen(): boolean {
    return this._life === "open";
  }

  // ---- what the user asks for

  /** @param opened Told as soon as the channel is open: who asked may hear of that later. */
  async openChannel(opened?: (channel: ChannelCore) => void): Promise<ChannelCore> {
    this._assertOpen("open channel");
    // whoever hears that a channel has ended, and opens another, may do so before the end of the turn
    this._answerCloses();
    const number = this._freeNumbers.pop() ?? this._channels.length;
    const channelMax = this.settings.channelMax || CHANNEL_MAX;
    if (number > channelMax) {
      throw new RangeError(
        `Cannot open channel: all ${channelMax} of the connection are open; close some, or use another connection`,
      );
    }
    const channel = new ChannelCore(this, number);
    this._channels[number] = channel;
    await channel.open(opened);
    return channel;
  }

  /** Rejects when it is not open. */
  // deno-lint-ignore require-await -- what it throws is a rejection
  async whenOpen(): Promise<void> {
    this._assertOpen("go on");
  }

  /** Sends a request on channel 0 and waits for its reply. */
  async ask<Name extends MethodName>(method: Method, expected: Name): Promise<void> {
    await this._replies.ask([expected], () => {
      this._assertOpen(method.name);
      sendRequest(this.link, 0, method);
    });
  }

  /** Closes the connection, or waits for its end when it is closing. Never rejects. */
  async close({ replyCode = 200, replyText = "Normal shutdown" }: CloseReason): Promise<void> {
    if (this._life === "open") {
      this._life = "closing";
      for (const channel of this._channels) channel?.stop();
      this._startDeadline();
      this.link.send(0, connectionClose({ replyCode, replyText }));
      this.intake.expectReply();
    }
    await this.whenClosed;
  }

  private _assertOpen(action: string): void {
    if (this._life === "open") return;
    if (this.replaced) throw reconnecting(action, this._reason);
    throw this._reason ?? new ClosedError(action, "connection", "make another with connect()");
  }

  // ---- for its channels

  /** A channel's number may be used again. */
  release(channel: ChannelCore): void {
    if (this._channels[channel.number] !== channel) return;
    this._channels[channel.number] = undefined;
    this._freeNumbers.push(channel.number);
  }

  /** The broker has closed a channel, whose number may be used again as soon as it is answered. When both sides
   * close at once it still owes us an answer as well. */
  answerClose(channel: ChannelCore): void {
    this._unanswered.push(channel);
    atEndOfTurn(() => this._answerCloses());
  }

  private _answerCloses(): void {
    for (const channel of this._unanswered.splice(0)) {
      this.link.send(channel.number, channelCloseOk());
      if (channel.isClosed) this.release(channel);
    }
  }

  /** Resolves when the room for publishes may have changed. */
  change(): Promise<void> {
    return (this._change ??= Promise.withResolvers<void>()).promise;
  }

  /** Lets who waits for room look again. */
  signalChange(): void {
    this._change?.resolve();
    this._change = undefined;
  }

  /** Gives an error of the user's code to `onError`. Returns it when there is nobody to take it. */
  reportError(error: unknown, delivery?: Delivery): Error | undefined {
    let unhandled = error;
    if (this.onError !== undefined) {
      try {
        this.onError(error, delivery);
        return undefined;
      } catch (another) {
        unhandled = another;
      }
    }
    if (unhandled instanceof Error) return unhandled;
    return new Error("Cannot go on: a callback failed", { cause: unhandled });
  }

  // ---- receiving: none of it may send or run code of the user

  receive(channel: number, method: Method): void {
    if (channel !== 0) return this._channels[channel]?.receive(method);
    switch (method.name) {
      case "connection.blocked":
        this.blocked = method.reason;
        this.events.emit("blocked", { reason: method.reason });
        return this._tell(() => this.onBlocked?.(method.reason));
      case "connection.unblocked":
        return this._unblock();
      case "connection.close":
        return this._receiveClose(method);
      case "connection.close-ok":
        this._end(this._reason);
        return atEndOfTurn(() => this.link.close());
    }
    this._replies.answer(method);
  }

  receiveContent(channel: number, method: ContentMethod, content: Content): void {
    this._channels[channel]?.receiveContent(method, content);
  }

  receiveDelivery(
    channel: number,
    consumerTag: string,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
  ): void {
    this._channels[channel]?.consumers.deliver(consumerTag, deliveryTag, redelivered, content);
  }

  drained(): void {
    this.signalChange();
  }

  private _unblock(): void {
    this.events.emit("unblocked", { reason: this.blocked ?? "" });
    this.blocked = undefined;
    this.signalChange();
    this._tell(() => this.onUnblocked?.());
  }

  private _tell(callback: () => void): void {
    const take = () => {
      try {
        callback();
      } catch (error) {
        this._callbackFailed(error);
      }
    };
    this.inbox.push({ take }, undefined);
  }

  private _callbackFailed(error: unknown): void {
    const unhandled = this.reportError(error);
    if (unhandled !== undefined) this._fail(unhandled, 541, "a callback of the client failed");
  }

  /** Resolves after a time, or at the end of the connection. */
  async pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const cancel = this.settings.clock.after(ms, over.resolve);
    await Promise.race([over.promise, this.whenClosed]);
    cancel();
  }

  // ---- ending

  private _receiveClose(method: ConnectionClose): void {
    const ours = this._life === "closing";
    if (!ours) this._end(AmqpError.fromClose(method));
    atEndOfTurn(() => {
      this.link.send(0, connectionCloseOk());
      if (!ours) this.link.close();
    });
  }

  /** The peer broke the framing or the syntax. */
  failed(error: AmqpError): void {
    if (this._life === "closed") return;
    this.misunderstood = true;
    this._end(error);
    atEndOfTurn(() => {
      this._sendClose(error.replyCode, error.message);
      this.link.close();
    });
  }

  /** Ends a connection whose end its user does not want to wait for. */
  drop(cause: unknown): void {
    this.lost(
      new ConnectionLostError("Connection was dropped: its end was not waited for", { cause }),
    );
  }

  /** Ends a connection on which nothing comes any more. */
  lost(error: ConnectionLostError): void {
    this._end(error);
    this._abort(error);
  }

  closed(error?: Error): void {
    this._end(lostBecause(error));
    this._finish();
  }

  /** The user's code failed: closes with that reason. */
  private _fail(error: Error, replyCode: number, text: string): void {
    if (this._life !== "open") return;
    this._life = "closing";
    this._reason = error;
    for (const channel of this._channels) channel?.stop(error);
    this._startDeadline();
    this.intake.expectReply();
    this._sendClose(replyCode, new AmqpError(replyCode, text).message);
  }

  private _sendClose(replyCode: number, text: string): void {
    this.link.send(0, connectionClose({ replyCode, replyText: text.slice(0, 80) }));
  }

  private _end(reason: Error | undefined): void {
    if (this._life === "closed") return;
    // what our own close leads to has no reason but our own
    if (this._life === "open") {
      this._reason = reason;
      this.replaced = reason !== undefined && (this.onLost?.(reason) ?? false);
    }
    this._life = "closed";
    if (this.blocked !== undefined) {
      if (this.replaced) this._unblock();
      this.blocked = undefined;
    }
    this._startDeadline();
    this.wasShared = this._channels.some((channel) => channel?.publishing.hasPublished);
    for (const channel of this._channels) channel?.end(this._reason);
    this._replies.fail(
      this._reason ??
        new ClosedError("finish", "connection", "await what is under way before closing it"),
    );
    this.signalChange();
  }

  /** However the peer behaves, the end comes. */
  private _startDeadline(): void {
    const { clock, closeTimeoutMs } = this.settings;
    this._cancelDeadline ??= clock.after(closeTimeoutMs, () => {
      const error = new ConnectionLostError("Connection was lost: closing it took too long");
      this._end(error);
      this._abort(error);
      this._finish();
    });
  }

  private _finish(): void {
    this._cancelDeadline?.();
    this._resolveClosed(this._reason);
  }

  private _abort(error: Error): void {
    if (this.settings.abort === undefined) this.link.close();
    else this.settings.abort(error);
  }
}

function lostBecause(cause: Error | undefined): ConnectionLostError {
  let text = cause?.message ?? "Connection was lost: the broker closed it without a word";
  // the system says "Broken pipe" and no more
  if (!text.startsWith("Connection ")) text = `Connection was lost: ${text}`;
  return new ConnectionLostError(text, { cause });
}
