import type { Clock } from "../amqp/clock.ts";
import type { Alarms } from "../alarms.ts";
import type { Content } from "../amqp/content.ts";
import { AmqpError } from "../amqp/error.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import type { ContentMethod, Link, LinkReceiver } from "../amqp/link.ts";
import { type Steps, workInSlices } from "../amqp/long_work.ts";
import type { Logger } from "../amqp/logger.ts";
import type { Endpoint, TlsFacts } from "../amqp/transport.ts";
import type { HeapGuard } from "../heap_guard.ts";
import type { MemoryWatch } from "../memory_watch.ts";
import { Message } from "../message.ts";
import { accessRequestOk } from "../amqp/methods/access.ts";
import { basicAck } from "../amqp/methods/basic.ts";
import {
  channelClose,
  channelCloseOk,
  channelFlowOk,
  channelOpenOk,
} from "../amqp/methods/channel.ts";
import {
  connectionBlocked,
  connectionClose,
  connectionCloseOk,
  connectionUnblocked,
  type ConnectionUpdateSecret,
  connectionUpdateSecretOk,
} from "../amqp/methods/connection.ts";
import { type Method, type MethodFacts, type MethodName, METHODS } from "../amqp/methods/mod.ts";
import type { User } from "../auth/authenticator.ts";
import type { Rights } from "../auth/authorization.ts";
import type { PeerCertificate } from "../auth/peer_certificate.ts";
import type { Restrictions } from "../auth/restrictions.ts";
import type { ConnectionCreatedEvent, ConnectionEvent } from "../events.ts";
import type { Profile } from "../profiles.ts";
import type { VirtualHost } from "../vhost/vhost.ts";
import type { AckTimeouts } from "./ack_timeouts.ts";
import type { Capabilities } from "./capabilities.ts";
import { BrokerChannel } from "./channel.ts";
import type { ChannelConsumer } from "./consumer.ts";
import { type Authority, Credential } from "./credential.ts";
import { publish } from "./handlers/basic.ts";
import { HeldChannels } from "./held_channels.ts";
import type { NodeChannels } from "./node_channels.ts";
import { keptMethod, METHOD_SIZE, type Postponed } from "./postponed.ts";
import { Slowdown } from "./slowdown.ts";
import { TagRanges } from "./tag_ranges.ts";
import type { UnackedDelivery } from "./unacked.ts";

/** How long a peer may take to confirm a close before its link is dropped. */
const CLOSE_TIMEOUT_MS = 10_000;
/** How long after it broke the framing: no confirmation may be heard any more. RabbitMQ's time. */
const FAILED_TIMEOUT_MS = 3_000;
/** How long a client's `connection.close` waits for what it had asked before. */
const CLOSE_WAIT_MS = 5_000;
/** How long a client that has its close-ok may take to close the socket, before the broker does it. */
const LEAVE_WAIT_MS = 5_000;

/** What a look at a channel costs that has nothing late. */
const CHANNEL_COST = 0.25;
/** And to close one. */
const CLOSE_COST = 16;

/** What one client may use. */
export interface ConnectionLimits {
  /** How many channels may be open at once; 0 for no limit. */
  readonly channelMax: number;
  /** The largest body of a message in bytes. */
  readonly messageSizeMax: number;
  /** How many consumers a channel may have. */
  readonly consumerMax: number;
  /** How many messages a transaction may have before its commit. */
  readonly txMessageMax: number;
  /** How many bytes of deliveries may be unacked on a channel. */
  readonly unackedBytesMax: number;
  /** So many bytes that wait for their turn are kept; then it is not read any more. Until then it is: so a
   * blocked client that closes, beats or goes is heard. */
  readonly waitingBytesMax: number;
  /** How long it may keep a delivery of a queue that says nothing of it, in milliseconds. */
  readonly consumerTimeoutMs: number;
}

/** How a connection came over a network. */
export interface ConnectionNetwork {
  /** The client's end. */
  readonly peer: Endpoint;
  /** Our end. */
  readonly local: Endpoint;
  /** The largest frame in bytes; 0: any. */
  readonly frameMax: number;
  /** Interval of heartbeats in seconds; 0: none. */
  readonly heartbeat: number;
  /** The SASL mechanism that the client logged in by. */
  readonly mechanism: string;
  /** What TLS agreed on; undefined: there is none. */
  readonly tls: TlsFacts | undefined;
  /** The certificate that the client has shown. */
  readonly certificate: PeerCertificate | undefined;
  /** How much went both ways so far. */
  readonly traffic: { readonly bytesRead: number; readonly bytesWritten: number };
}

/** What a connection is made of, once the handshake is done. */
export interface ConnectionOptions {
  /** For logs: where it comes from. */
  readonly name: string;
  /** How methods come and go. */
  readonly link: Link;
  /** Drops the link without waiting for anything. */
  readonly abort: () => void;
  /** Limits how many bytes one read of the client brings. Undefined for a client that is not slowed
   * down when it publishes too fast: one in this process, whose publishes and the consumers'
   * deliveries take turns anyway. */
  readonly limitReads: ((bytes: number) => void) | undefined;
  /** The vhost it entered. */
  readonly vhost: VirtualHost;
  /** Who logged in. */
  readonly user: User;
  /** What he may do. */
  readonly rights: Rights;
  /** Who decides when that is asked again; undefined for the program itself, which may do all. */
  readonly authority: Authority | undefined;
  /** Asked before a channel is opened; throws what there is against it. */
  readonly checkRoomForChannel?: (() => void) | undefined;
  /** Tells whether V8's heap has room for more channels. Default: it has. */
  readonly heap?: Pick<HeapGuard, "hasRoom" | "whenRoom"> | undefined;
  /** What the client understands. */
  readonly capabilities: Capabilities;
  /** What the client told about itself. */
  readonly clientProperties: FieldTable;
  /** What it may use. */
  readonly limits: ConnectionLimits;
  /** How it came; undefined: from this process. */
  readonly network?: ConnectionNetwork | undefined;
  /** Time. */
  readonly clock: Clock;
  /** Looks for deliveries that were kept for too long without an ack. */
  readonly ackTimeouts: AckTimeouts;
  /** Counts the channels of all connections. */
  readonly nodeChannels: Pick<NodeChannels, "open" | "close">;
  /** What differs between versions of RabbitMQ. */
  readonly profile: Profile;
  /** Where its log lines go. */
  readonly logger: Logger;
  /** While one of them is raised nobody may publish. */
  readonly alarms: Alarms;
  /** Raises one of them. It is told how much comes in. */
  readonly memory: MemoryWatch;
  /** Called once when the conversation is over; the client may still have to close its socket. */
  readonly onClosed: (connection: BrokerConnection) => void;
}

/**
 * The broker's side of a conversation: takes methods from its link to their channels, and is the one
 * place where an error becomes a close.
 *
 * ```text
 *   open --- client: connection.close ---> closed (what is still on its way to the disk is waited for, but
 *    |                                             not long; then close-ok is sent, and the client closes
 *    |                                             the socket)
 *    | hard error, or the broker closes
 *    v
 *   closing --- close-ok, or too late ---> closed      everything else that comes is ignored
 * ```
 *
 * While an alarm is raised, a connection that publishes is blocked from its first publish on: that one
 * and all that comes after it waits, acks included, and soon the client is not read any more.
 *
 * On whichever way, and when the link just breaks, `_end` runs once: channels end, what was unacked
 * goes back, exclusive queues go. Where that is much it takes several turns, and only then is the client
 * told, and the connection counted no more.
 */
export class BrokerConnection implements LinkReceiver {
  /** For logs. */
  readonly name: string;
  /** How methods come and go. */
  readonly link: Link;
  /** The vhost it entered. */
  readonly vhost: VirtualHost;
  /** Who logged in. */
  user: User;
  /** What the client understands. */
  readonly capabilities: Capabilities;
  /** What the client told about itself. */
  readonly clientProperties: FieldTable;
  /** What it may use. */
  readonly limits: ConnectionLimits;
  /** What the user may not do; undefined when he may do everything. */
  restrictions: Restrictions | undefined;
  /** True when the user may publish in the name of others. */
  impersonates: boolean;
  /** How it came; undefined: from this process. */
  readonly network: ConnectionNetwork | undefined;
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** What differs between versions of RabbitMQ. */
  readonly profile: Profile;
  /** Resolves when the link is gone. */
  readonly closedPromise: Promise<void>;
  /** The last sum of what went through its vhost that it is in. */
  summedIn = 0;

  private readonly _options: ConnectionOptions;
  private _channels = new Map<number, BrokerChannel>();
  /** The one that something came for last: mostly it is for the same one again. */
  private _lastChannel: BrokerChannel | undefined = undefined;
  /** The one for which there was no more room when they were offered some. */
  private _offeredLast: BrokerChannel | undefined = undefined;
  /** Channels that wait for room; undefined: none ever did. */
  private _held: HeldChannels | undefined = undefined;
  private _stopHolding: (() => void) | undefined = undefined;
  /** Channels closed by an error whose close-ok has not come: the client may not know of it yet. */
  private _closingChannels: Map<number, "by us" | "by both"> | undefined = undefined;
  private _state: "open" | "closing" | "closed" = "open";
  private _ended = false;
  /** Channels that it had when it ended, and that have still to. */
  private _ending: Map<number, BrokerChannel> | undefined = undefined;
  /** What comes when they have; undefined before and after. */
  private _afterEnd: (() => void)[] | undefined = undefined;
  /** Its link is no more. */
  private _gone = false;
  /** Once the client has its close-ok it is not to take its time. */
  private _hurried = false;
  private _stopTimer: (() => void) | undefined;
  /** Set once its client has published faster than consumers take. */
  private _slowdown: Slowdown | undefined;
  /** Set while it is blocked: no longer waits for the alarms to end. */
  private _stopWaiting: (() => void) | undefined;
  /** Set once its user has one that expires. */
  private _credential: Credential | undefined;
  /** Secrets that are being looked at, or wait for that. */
  private _renewals = 0;
  private _lastRenewal: Promise<void> | undefined;
  /** What comes waits: the connection is blocked, or it is not known yet what its user may do. */
  private _paused = false;
  /** Size of what waits for its turn. */
  private _postponedBytes = 0;
  private _reading = true;
  /** The client has asked for the end, and something is waited for. */
  private _closeAsked = false;
  /** The client has its close-ok and is to close the socket. */
  private _leaving = false;
  private _resolveClosed!: () => void;

  constructor(options: ConnectionOptions) {
    this._options = options;
    this.name = options.name;
    this.link = options.link;
    this.vhost = options.vhost;
    this.user = options.user;
    this.capabilities = options.capabilities;
    this.clientProperties = options.clientProperties;
    this.limits = options.limits;
    ({ restrictions: this.restrictions, impersonates: this.impersonates } = options.rights);
    this.network = options.network;
    this.connectedAt = options.clock.now();
    this.profile = options.profile;
    this.closedPromise = new Promise((resolve) => this._resolveClosed = resolve);
    this.vhost.events.emit("connection.created", this._createdEvent);
    this.watchAcks(options.limits.consumerTimeoutMs);
    if (options.authority !== undefined) this._watchCredential();
  }

  newContent(): Content {
    return Message.empty();
  }

  /** Its open channels by number. */
  get channels(): ReadonlyMap<number, BrokerChannel> {
    return this._ending ?? this._channels;
  }

  /** The time that deliveries are stamped with. */
  get now(): number {
    return this._options.ackTimeouts.stamp;
  }

  /** Some of its deliveries may not wait longer than this for their ack. */
  watchAcks(timeoutMs: number | undefined): void {
    if (timeoutMs !== undefined && !this._ended) this._options.ackTimeouts.watch(this, timeoutMs);
  }

  /** Closes channels with a delivery that has waited too long for its ack, or cancels its consumer. */
  *checkAcks(now: number): Steps {
    for (const [number, channel] of [...this._channels]) {
      yield CHANNEL_COST;
      if (isBusy(channel)) continue;
      yield* this.profile.consumerTimeoutCancels
        ? this._cancelLate(number, channel, now)
        : this._closeLate(number, channel, now);
    }
  }

  private *_closeLate(number: number, channel: BrokerChannel, now: number): Steps {
    let late: UnackedDelivery | undefined;
    yield* this._overdue(channel, now, (delivery) => {
      late = delivery;
      return true;
    });
    if (late === undefined || isBusy(channel)) return;
    this._fail(number, tooLate(number, this.timeoutOf(late)));
    yield CLOSE_COST;
  }

  private *_cancelLate(number: number, channel: BrokerChannel, now: number): Steps {
    const late = new TagRanges();
    yield* this._overdue(channel, now, ({ deliveryTag }) => {
      late.add(deliveryTag);
      return false;
    });
    if (late.empty || isBusy(channel)) return;
    // -1 is what RabbitMQ 4.3 says, whose channel does not know the time
    if (!channel.takeBack(late)) this._fail(number, tooLate(number, -1));
    yield CLOSE_COST;
  }

  private _overdue(
    { unacked }: BrokerChannel,
    now: number,
    onFound: (delivery: UnackedDelivery) => boolean,
  ): Steps {
    const timeoutOf = (delivery: UnackedDelivery) => this.timeoutOf(delivery);
    return this._options.ackTimeouts.overdue(unacked, now, timeoutOf, onFound);
  }

  /** What it is doing; `flow`: its client is slowed down. */
  get state(): "running" | "blocked" | "flow" | "closing" {
    if (this._state !== "open") return "closing";
    if (this.blocked) return "blocked";
    return this._slowdown?.active === true ? "flow" : "running";
  }

  /** How long a delivery may wait for its ack, in milliseconds. */
  timeoutOf({ consumer, queue }: Pick<UnackedDelivery, "consumer" | "queue">): number {
    return consumer?.timeoutMs ?? queue.consumerTimeoutMs ?? this.limits.consumerTimeoutMs;
  }

  /** True while an alarm keeps its client from publishing. */
  get blocked(): boolean {
    return this._stopWaiting !== undefined;
  }

  /** False while its client is not read until something else has happened: its silence says nothing. */
  get reading(): boolean {
    return this._reading;
  }

  /** The user may do more now, or less. What was begun goes on. */
  setRights({ restrictions, impersonates }: Rights): void {
    this.restrictions = restrictions;
    this.impersonates = impersonates;
  }

  /** Closes the connection from this side, with 320 unless told otherwise. */
  close(error: AmqpError): void {
    // its client may be closing as well, which is known only later
    this._hurried = true;
    if (this._state === "open") this._closeWith(error);
    else if (this._leaving) this._closeLink();
  }

  /** Closes one of its channels from this side. */
  closeChannel(number: number, error: AmqpError): void {
    if (this._state === "open" && this._channels.has(number)) this._fail(number, error);
  }

  /** The client publishes more than consumers take. */
  feelPressure(): void {
    if (this._options.limitReads === undefined) this.vhost.pacing.feltBy();
    else (this._slowdown ?? this._slowable(this._options.limitReads)).feel();
  }

  private _slowable(limitReads: (bytes: number) => void): Slowdown {
    const { clock } = this._options;
    const onChange = () => this._throttle();
    return this._slowdown = new Slowdown({
      pacing: this.vhost.pacing,
      clock,
      limitReads,
      onChange,
    });
  }

  // ---- alarms, and what waits

  /**
   * Asked before each publish, and each commit of some. False when an alarm is raised: the client is
   * blocked from here on, and this and all that follows must be postponed.
   */
  admits(channel: BrokerChannel, { name }: Method): boolean {
    const { alarms } = this._options;
    if (this._paused) return false;
    if (!alarms.raised) return true;
    const commits = name === "tx.commit" && (channel.transaction?.publishes.length ?? 0) > 0;
    if (name !== "basic.publish" && !commits) return true;
    this._block();
    return false;
  }

  private _block(): void {
    const { alarms } = this._options;
    this._paused = true;
    this._stopWaiting = alarms.whenClear(() => this._unblock());
    this._log("info", `blocked: ${alarms.reason}`);
    if (this.capabilities.connectionBlocked) {
      this.link.send(0, connectionBlocked({ reason: alarms.reason }));
    }
  }

  private _unblock(): void {
    this._stopWaiting = undefined;
    this._log("info", "unblocked");
    if (this.capabilities.connectionBlocked) this.link.send(0, connectionUnblocked());
    this._goOn();
  }

  private _goOn(): void {
    this._paused = this.blocked || this._renewals > 0;
    if (this._paused) return;
    for (const channel of this._channels.values()) channel.catchUp();
    this._throttle();
    this._closeIfAsked();
  }

  /** So many bytes were read of its client. A message that is still on its way takes memory too. */
  noteRead(bytes: number): void {
    const { alarms, memory } = this._options;
    memory.note(bytes);
    if (!alarms.raised || this._state !== "open") return;
    if (this.link.unfinishedBytes <= this.limits.waitingBytesMax) return;
    if (!this.blocked) this._block();
    this._throttle();
  }

  /** So many deliveries wait for their acks from now on. */
  noteDeliveries(count: number): void {
    this._options.memory.noteContents(0, count);
  }

  /** True while there is too little memory for more deliveries that wait for their acks. */
  get lowOnMemory(): boolean {
    return this._options.alarms.lowOnMemory;
  }

  /** The user of a consumer may not read its queue any more. */
  noteUnpermitted({ consumerTag, queue }: ChannelConsumer): void {
    this._log(
      "warning",
      `cancelling consumer '${consumerTag}' on queue '${queue.name}': read access refused after ` +
        "credential update",
    );
  }

  /** The client has taken what was sent, or there is enough memory again. Channels have their turns: the first
   * is the one after that for which there was no more room the last time. */
  offerRoom(): void {
    const last = this._offeredLast;
    this._offeredLast = undefined;
    let isAfter = false;
    for (const channel of this._channels.values()) {
      if (isAfter && !this._offer(channel)) return;
      if (channel === last) isAfter = true;
    }
    for (const channel of this._channels.values()) {
      if (!this._offer(channel) || channel === last) return;
    }
  }

  /** False when there is no room for more after it. */
  private _offer(channel: BrokerChannel): boolean {
    channel.offers.offer();
    if (!this.link.full) return true;
    this._offeredLast = channel;
    return false;
  }

  /** So many bytes more, or less, wait for their turn. */
  postponedBytes(change: number): void {
    this._postponedBytes += change;
    this._throttle();
  }

  private _throttle(): void {
    const { waitingBytesMax } = this.limits;
    const full = !this._ended && (this._postponedBytes > waitingBytesMax ||
      this.blocked && this.link.unfinishedBytes > waitingBytesMax);
    this._reading = !full;
    this.link.throttle(full || this._slowdown?.active === true);
  }

  /** A channel has ended. */
  channelEnded(): void {
    this._options.nodeChannels.close();
  }

  /** A channel has nothing to wait for any more. */
  caughtUp(): void {
    if (this._closeAsked) this._closeIfAsked();
  }

  private _channel(number: number): BrokerChannel | undefined {
    const last = this._lastChannel;
    if (last !== undefined && last.number === number) return last;
    const channel = this._channels.get(number);
    if (channel !== undefined) this._lastChannel = channel;
    return channel;
  }

  private _removeChannel(number: number): void {
    this._channels.delete(number);
    if (this._offeredLast?.number === number) this._offeredLast = undefined;
    this._lastChannel = undefined;
  }

  // ---- what the link brings

  receive(number: number, method: Method): void {
    if (this._closeAsked) return;
    const channel = this._channel(number);
    if (channel !== undefined && this._mustWait(channel, method)) channel.postpone(method);
    else this._take(number, method, channel);
  }

  receiveContent(number: number, method: ContentMethod, content: Content): void {
    if (this._closeAsked) return;
    const options = this._options;
    // what comes from outside was counted as it was read
    if (options.limitReads === undefined) {
      options.memory.noteContents(content.bodyEnd - content.bodyStart);
    }
    const channel = this._channel(number);
    if (channel === undefined) this._contentWithoutChannel(number, method, content);
    else if (this._mustWait(channel, method)) channel.postpone(method, content);
    else this._takeContent(channel, method, content);
  }

  receiveAcks(number: number, first: number, last: number): void {
    const channel = this._channel(number);
    const isPlain = channel !== undefined && this._state === "open" && !this._closeAsked &&
      !this.blocked && !channel.waits && channel.transaction === undefined;
    const count = last - first + 1;
    if (!isPlain) {
      for (let index = 0; index < count; index++) {
        this.receive(number, basicAck({ deliveryTag: first + index }));
      }
      return;
    }
    try {
      channel.ack(first, count);
    } catch (cause) {
      this._fail(number, cause, basicAck({ deliveryTag: first }));
    }
  }

  private _mustWait(channel: BrokerChannel, method: Method): boolean {
    return channel.waits || this._options.alarms.raised && !this.admits(channel, method) ||
      this._paused;
  }

  private _take(number: number, method: Method, channel: BrokerChannel | undefined): void {
    try {
      if (this._state !== "open") this._receiveWhileClosing(number, method);
      else if (number === 0) this._control(method);
      else if (channel === undefined) this._methodWithoutChannel(number, method);
      else this._channelMethod(channel, method);
    } catch (cause) {
      this._fail(number, cause, method);
    }
  }

  private _takeContent(channel: BrokerChannel, method: ContentMethod, content: Content): void {
    if (this._state !== "open") return;
    try {
      if (method.name !== "basic.publish") throw unimplemented();
      publish(channel, method, content);
    } catch (cause) {
      this._fail(channel.number, cause, method);
    }
  }

  private _contentWithoutChannel(number: number, method: ContentMethod, content: Content): void {
    if (this._state !== "open" || this._closingChannels?.has(number)) return;
    if (this._held?.keep(number, () => this._postponed(method, content))) return;
    this._fail(number, notOpen(), method);
  }

  receiveDelivery(number: number): void {
    if (this._state !== "open") return;
    const error = unimplemented();
    this._fail(number, error.during(METHODS["basic.deliver"]));
  }

  /** What was postponed has its turn. */
  replay(channel: BrokerChannel, { method, message }: Postponed): void {
    if (message === undefined) return this._take(channel.number, method, channel);
    this._takeContent(channel, method as ContentMethod, message);
    this.vhost.publishing.discard(message);
  }

  /** What a channel was asked to make durable could not be written: that channel must know, and no
   * other. */
  storeFailed(number: number, cause: Error, reply: Method): void {
    const error = new AmqpError(406, "the store could not be written", { cause });
    this._fail(number, error.during(requestOf(reply.name)));
  }

  failed(error: AmqpError): void {
    if (this._state !== "open") return;
    // nothing that a peer sends may cause anything but a fault of its own
    const isBug = error.cause !== undefined && !(error.cause instanceof AmqpError);
    this._closeWith(isBug ? this._bug(error.cause) : error, FAILED_TIMEOUT_MS);
  }

  drained(): void {
    this.vhost.pacing.relieve();
    this.offerRoom();
  }

  consumerThrottled(number: number, consumerTag: string, on: boolean): void {
    this._channels.get(number)?.consumers.get(consumerTag)?.throttle(on);
  }

  closed(error?: Error): void {
    const orderly = this._state !== "open" || this._closeAsked;
    this._state = "closed";
    this._gone = true;
    this._end(() => this._leave(orderly, error));
  }

  private _leave(orderly: boolean, error: Error | undefined): void {
    if (!orderly) {
      this._log("warning", `closed by the client without connection.close (${error?.message})`);
    } else this._log(this.network === undefined ? "debug" : "info", "closed");
    if (!this._leaving) this._options.onClosed(this);
    this._resolveClosed();
  }

  // ---- channel 0

  private _control(method: Method): void {
    switch (method.name) {
      case "connection.close":
        this._closeAsked = true;
        return this._closeIfAsked();
      case "connection.update-secret":
        return this._updateSecret(method);
      default:
        throw new AmqpError(504, "unexpected method in connection state running");
    }
  }

  /** Takes a secret in place of the one that the client logged in with. That of a user who never
   * expires is not looked at, as in RabbitMQ. What comes after it waits, since it may need what the new
   * one permits. */
  private _updateSecret(method: ConnectionUpdateSecret): void {
    const { authority } = this._options;
    if (authority === undefined || (this.user.expiresAt === undefined && this._renewals === 0)) {
      return this._admitAgain(this.user, method.reason);
    }
    this._renewals++;
    this._paused = true;
    this.postponedBytes(METHOD_SIZE + method.newSecret.length);
    const renew = () => this._renew(authority, method);
    this._lastRenewal = this._lastRenewal?.then(renew) ?? renew();
  }

  private async _renew(authority: Authority, method: ConnectionUpdateSecret): Promise<void> {
    const outcome = await authority.renew(this.user, method.newSecret);
    this._renewals--;
    this.postponedBytes(-METHOD_SIZE - method.newSecret.length);
    if (this._state !== "open") return;
    try {
      if ("not" in outcome) {
        throw new AmqpError(
          530,
          outcome.not === "refused"
            ? "New secret was refused by one of the backends"
            : "Secret update failed",
        );
      }
      this._admitAgain(outcome.user, method.reason);
    } catch (cause) {
      return this._fail(0, cause, method);
    }
    this._goOn();
  }

  /**
   * Asks anew what somebody may do who is here already.
   *
   * @throws {AmqpError} 530 when he may not be here any more.
   */
  private _admitAgain(user: User, reason: string): void {
    const rights = this._options.authority?.rights(user);
    this.user = user;
    if (this._options.authority !== undefined) this._watchCredential();
    if (rights !== undefined) {
      this.setRights(rights);
      for (const channel of this._channels.values()) channel.cancelUnpermitted();
    }
    this.link.send(0, connectionUpdateSecretOk());
    this._log("info", `user '${user.name}' updated secret, reason: ${reason}`);
  }

  private _watchCredential(): void {
    if (this.user.expiresAt !== undefined) {
      this._credential ??= new Credential(this._options.clock, () => this._expire());
    }
    this._credential?.watch(this.user);
  }

  private _expire(): void {
    this._log("warning", `closing, since the credential of user '${this.user.name}' has expired`);
    this.close(new AmqpError(320, "credential expired"));
  }

  /** What the client had asked before it closed is done first, if that is a matter of seconds. */
  private _closeIfAsked(): void {
    if (!this._closeAsked || this._state !== "open") return;
    const waits = this._held?.hasMessages === true ||
      [...this._channels.values()].some((channel) => channel.holdsUpClose);
    if (waits) {
      this._stopTimer ??= this._options.clock.after(CLOSE_WAIT_MS, () => this._closeAsAsked());
    } else this._closeAsAsked();
  }

  private _closeAsAsked(): void {
    this._state = "closed";
    this._end(() => {
      if (this._gone) return;
      this.link.send(0, connectionCloseOk());
      this._letLeave();
    });
  }

  /**
   * Leaves it to the client to close the socket, as RabbitMQ does. One that sees its end in the moment in
   * which it gets close-ok may take that for an error.
   */
  private _letLeave(): void {
    if (this.network === undefined || this._hurried) return this._closeLink();
    this.link.throttle(false);
    this._leaving = true;
    this._options.onClosed(this);
    this._stopTimer = this._options.clock.after(LEAVE_WAIT_MS, () => this._closeLink());
  }

  private _closeLink(): void {
    this._stopTimer?.();
    // a client that reads no more would keep its link for ever
    this._startDeadline(CLOSE_TIMEOUT_MS);
    this.link.close();
  }

  private _receiveWhileClosing(number: number, method: Method): void {
    if (number !== 0 || this._state === "closed") return;
    if (method.name === "connection.close") return this._closeAsAsked();
    if (method.name !== "connection.close-ok") return;
    this._state = "closed";
    this.link.close();
  }

  // ---- channels

  private _channelMethod(channel: BrokerChannel, method: Method): void {
    const { number } = channel;
    switch (method.name) {
      case "channel.open":
        throw new AmqpError(504, "second 'channel.open' seen");
      case "channel.close":
        return this._endChannel(channel, () => this.link.send(number, channelCloseOk()));
      case "channel.flow":
        if (!method.active) throw new AmqpError(540, "active=false");
        return channel.send(channelFlowOk({ active: true }));
      case "access.request":
        return channel.send(accessRequestOk({ ticket: 1 }));
      default:
        return channel.accept(method);
    }
  }

  private _methodWithoutChannel(number: number, method: Method): void {
    const closing = this._closingChannels?.get(number);
    if (closing !== undefined && !(closing === "by both" && method.name === "channel.open")) {
      // A client that closes at the same moment gets its answer. It owes us one all the same, which
      // some forget. All else was sent before it knew.
      if (method.name === "channel.close") {
        this.link.send(number, channelCloseOk());
        this._closingChannels!.set(number, "by both");
      } else if (method.name === "channel.close-ok") this._closingChannels?.delete(number);
      return;
    }
    if (this._held?.keep(number, () => this._postponed(method))) return;
    if (method.name !== "channel.open") throw notOpen();
    const max = this.limits.channelMax;
    const count = this._channels.size + (this._held?.size ?? 0);
    // as in RabbitMQ it is their count that matters, whatever their numbers are
    if (max > 0 && count >= max) {
      throw new AmqpError(
        530,
        `number of channels opened (${count}) has reached the negotiated ` +
          `channel_max (${max})`,
      );
    }
    this._options.checkRoomForChannel?.();
    const { heap } = this._options;
    // one channel is always possible: what is in the way can be deleted by it
    if (heap !== undefined && !heap.hasRoom("channel") && count > 0) {
      return this._hold(number, method, heap);
    }
    this._options.nodeChannels.open();
    this._closingChannels?.delete(number);
    const channel = new BrokerChannel(this, number);
    this._channels.set(number, channel);
    this.vhost.events.emit("channel.created", channel.event);
    this.link.send(number, channelOpenOk());
  }

  /**
   * Opens a channel later, when V8's heap has room for it. It is no fault of the client that there is none
   * now, and what it has goes on: it may be the one who makes room, which a close of its connection would
   * keep it from. So it waits as a publish does.
   */
  private _hold(number: number, method: Method, heap: Pick<HeapGuard, "whenRoom">): void {
    // what came late for the one before it is nobody's; what comes now is for this one
    this._closingChannels?.delete(number);
    (this._held ??= new HeldChannels()).hold(number, this._postponed(method));
    if (this._stopHolding !== undefined) return;
    this._log(
      "warning",
      "no more channels are opened for now: the broker's memory is nearly used up",
    );
    this._stopHolding = heap.whenRoom(() => this._openHeld());
  }

  private _openHeld(): void {
    this._stopHolding = undefined;
    for (const [number, postponed] of this._held!.take()) {
      this.postponedBytes(-postponed.size);
      this._replayLater(number, postponed);
    }
    this._closeIfAsked();
  }

  /** Tells how many messages waited with them. */
  private _dropHeld(): number {
    this._stopHolding?.();
    let messages = 0;
    for (const [, { message, size }] of this._held?.take() ?? []) {
      this.postponedBytes(-size);
      if (message === undefined) continue;
      this.vhost.publishing.discard(message);
      messages++;
    }
    return messages;
  }

  /** What a client has sent, to be kept until its turn comes. */
  private _postponed(method: Method | ContentMethod, content?: Content): Postponed {
    const postponed = keptMethod(this.vhost.publishing, method, content);
    this.postponedBytes(postponed.size);
    return postponed;
  }

  // ---- errors and the end

  /** Something went wrong for one of its channels, later than in the call that it was asked for in. */
  fail(number: number, cause: unknown, method: Method): void {
    this._fail(number, cause, method);
  }

  /** Turns what was thrown into a close: of the channel when soft, else of the connection. */
  private _fail(number: number, cause: unknown, method?: Method): void {
    const error = cause instanceof AmqpError ? cause : this._bug(cause);
    if (method !== undefined) error.during(METHODS[method.name]);
    const channel = this._channel(number);
    if (error.hard || channel === undefined) return this._closeWith(error);
    if (channel.ended) return;
    this._log("info", `channel ${number} closed: ${error.message}`);
    channel.dropPostponed();
    this._endChannel(channel, () => {
      (this._closingChannels ??= new Map()).set(number, "by us");
      this.link.send(number, channelClose(closeFields(error)));
    });
  }

  /** Ends a channel, then tells the client. What that has sent for the number meanwhile waits. */
  private _endChannel(channel: BrokerChannel, tell: () => void): void {
    this.inSlices(channel.ending(), () => {
      if (this._ended) return;
      this._removeChannel(channel.number);
      tell();
      for (const postponed of channel.takePostponed()) this._replayLater(channel.number, postponed);
      this._closeIfAsked();
    });
  }

  /** What was postponed has its turn after its channel: it may be for another one of the same number. */
  private _replayLater(number: number, { method, message }: Postponed): void {
    const channel = this._channel(number);
    if (channel !== undefined && this._mustWait(channel, method)) {
      channel.postpone(method, message);
    } else if (message === undefined) this._take(number, method, channel);
    else if (channel === undefined) {
      this._contentWithoutChannel(number, method as ContentMethod, message);
    } else this._takeContent(channel, method as ContentMethod, message);
    if (message !== undefined) this.vhost.publishing.discard(message);
  }

  /** What is done is the user's doing. */
  inSlices(steps: Steps, onDone: () => void): void {
    workInSlices(steps, (slice) => this.vhost.events.by(this.user.name, slice), onDone);
  }

  /** The peer learns that something went wrong, the log what it was. */
  private _bug(cause: unknown): AmqpError {
    const text = cause instanceof Error ? cause.stack ?? cause.message : String(cause);
    this._log("error", `internal error: ${text}`);
    return new AmqpError(541, "internal error", { cause });
  }

  private _closeWith(error: AmqpError, timeoutMs = CLOSE_TIMEOUT_MS): void {
    this._log("info", `closing: ${error.message}`);
    if (this._state === "closed") return;
    if (this._closeAsked && this._state === "open") return this._closeAsAsked();
    this._state = "closing";
    this._end(() => {
      // the client may have gone meanwhile, or have asked for the end itself
      if (this._state !== "closing") return;
      this._startDeadline(timeoutMs);
      this.link.send(0, connectionClose(closeFields(error)));
    });
  }

  private _startDeadline(timeoutMs: number): void {
    this._stopTimer = this._options.clock.after(timeoutMs, () => this._options.abort());
  }

  /**
   * What must happen whichever way a connection ends.
   *
   * @param then What comes after it: at once, unless it is much.
   */
  private _end(then: () => void): void {
    if (this._state === "closed") this._stopTimer?.();
    if (this._ended) {
      this._slowdown?.end();
      if (this._afterEnd === undefined) then();
      else this._afterEnd.push(then);
      return;
    }
    this._ended = true;
    this._credential?.stop();
    this._options.ackTimeouts.remove(this);
    this._stopWaiting?.();
    this._stopWaiting = undefined;
    this._slowdown?.end();
    let lost = this._dropHeld();
    for (const channel of this._channels.values()) {
      channel.stop();
      lost += channel.postponedMessages;
      channel.dropPostponed();
    }
    if (lost > 0) this._log("warning", `${lost} messages that waited to be published are dropped`);
    const ending = this._ending = this._channels;
    const afterEnd = this._afterEnd = [then];
    this._channels = new Map();
    this._lastChannel = undefined;
    this.inSlices(this._endAll(ending), () => {
      this._afterEnd = undefined;
      for (const next of afterEnd) next();
    });
  }

  private *_endAll(channels: Map<number, BrokerChannel>): Steps {
    for (const [number, channel] of channels) {
      yield* channel.ending();
      channels.delete(number);
      yield 1;
    }
    yield* this.vhost.deleteExclusiveQueues(this);
    this.vhost.events.emit("connection.closed", this._event);
  }

  private get _event(): ConnectionEvent {
    const { name, vhost, user, clientProperties } = this;
    return { name, vhost: vhost.name, user: user.name, clientProperties };
  }

  private get _createdEvent(): ConnectionCreatedEvent {
    const { connectedAt, limits: { channelMax }, network } = this;
    const event = { ...this._event, connectedAt, channelMax } as const;
    if (network === undefined) return { ...event, type: "direct" };
    const { peer, local, frameMax, heartbeat: timeout, mechanism: authMechanism, tls } = network;
    return {
      ...event,
      type: "network",
      peerHost: peer.hostname,
      peerPort: peer.port,
      host: local.hostname,
      port: local.port,
      frameMax,
      timeout,
      authMechanism,
      ssl: tls !== undefined,
      ...tls !== undefined && { sslProtocol: tls.protocol, sslCipher: tls.cipherSuite },
    };
  }

  private _log(level: "debug" | "info" | "warning" | "error", message: string): void {
    this._options.logger.log(level, `connection ${this.name}: ${message}`);
  }
}

/** True for a channel of which nothing is late: it is settling, or ends. */
function isBusy({ ended, working }: BrokerChannel): boolean {
  return ended || working;
}

/** The method that a reply answers. */
export function requestOf(reply: MethodName): MethodFacts {
  return Object.values(METHODS).find(({ replies }) => replies.includes(reply))!;
}

/** A delivery on a channel was kept for too long without an ack. */
function tooLate(channel: number, timeoutMs: number): AmqpError {
  return new AmqpError(
    406,
    `delivery acknowledgement on channel ${channel} timed out. Timeout value used: ${timeoutMs} ms. ` +
      "This timeout value can be configured, see consumers doc guide to learn more",
  );
}

function unimplemented(): AmqpError {
  return new AmqpError(503, "unimplemented method");
}

function notOpen(): AmqpError {
  return new AmqpError(504, "expected 'channel.open'");
}

/** The fields of a close method, its text cut to what a short string holds. */
export function closeFields(error: AmqpError): {
  replyCode: number;
  replyText: string;
  classId: number;
  methodId: number;
} {
  const { replyCode, classId, methodId } = error;
  return { replyCode, replyText: shortText(error.message), classId, methodId };
}

const encoder = new TextEncoder();
const scratch = new Uint8Array(255);

/** At most 255 octets long; cut at a whole character, with dots that say so, as in RabbitMQ. */
function shortText(text: string): string {
  if (text.length <= 85 || encoder.encodeInto(text, scratch).read === text.length) return text;
  return `${text.slice(0, encoder.encodeInto(text, scratch.subarray(0, 252)).read)}...`;
}
