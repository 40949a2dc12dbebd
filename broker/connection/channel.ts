import type { Content } from "../amqp/content.ts";
import { AmqpError } from "../amqp/error.ts";
import type { ContentMethod } from "../amqp/link.ts";
import type { Steps } from "../amqp/long_work.ts";
import { basicCancel } from "../amqp/methods/basic.ts";
import type { Method } from "../amqp/methods/mod.ts";
import type { ChannelEvent } from "../events.ts";
import type { QueueEntry } from "../queue/entry.ts";
import type { MessageQueue, ReturnCause } from "../queue/message_queue.ts";
import type { TracedChannel } from "../vhost/firehose.ts";
import { ChannelCounts } from "../stats.ts";
import type { PublisherConfirms } from "./confirms.ts";
import type { BrokerConnection } from "./connection.ts";
import type { ChannelConsumer } from "./consumer.ts";
import type { DirectReply } from "./direct_reply.ts";
import { giveBack } from "./giving_back.ts";
import * as basic from "./handlers/basic.ts";
import { handleConfirm } from "./handlers/confirm.ts";
import { handleExchange } from "./handlers/exchange.ts";
import { handleQueue } from "./handlers/queue.ts";
import { handleTx } from "./handlers/tx.ts";
import { keptMethod, type Postponed } from "./postponed.ts";
import { Prefetch } from "./prefetch.ts";
import { RoomOffers } from "./room_offers.ts";
import { settleEach } from "./settling.ts";
import type { TagRanges } from "./tag_ranges.ts";
import type { HeldSettlement, Settlement, Transaction } from "./transaction.ts";
import {
  type DeliverySource,
  type SettlingQueue,
  Unacked,
  type UnackedDelivery,
} from "./unacked.ts";

/** While memory is short, a channel that has so many unacked deliveries gets no more of them: more than
 * any prefetch allows, so that only consumers without one are meant. */
const UNACKED_MAX = 65_536;
/** So many deliveries are settled at once; more are in slices. */
const SETTLED_AT_ONCE = 2048;
/** More than one slice does: nothing can be done in this one. */
const NOTHING_MORE = Infinity;

/** Methods by which things come and go, of which others are told whose doing it was. */
const CHANGES: ReadonlySet<string> = new Set<Method["name"]>([
  "basic.cancel",
  "basic.consume",
  "exchange.bind",
  "exchange.declare",
  "exchange.delete",
  "exchange.unbind",
  "queue.bind",
  "queue.declare",
  "queue.delete",
  "queue.unbind",
]);

/**
 * The broker's side of one channel: its state, and which handler takes which method. What methods do
 * is in `handlers/`, one file per AMQP class.
 */
export class BrokerChannel {
  /** Its number on the connection. */
  readonly number: number;
  /** The connection that it belongs to. */
  readonly connection: BrokerConnection;
  /** Deliveries that are not settled. */
  readonly unacked: Unacked;
  /** Its consumers by tag. */
  readonly consumers: Map<string, ChannelConsumer> = new Map();
  /** The limit over all of its consumers (`basic.qos` with global on). */
  readonly prefetch: Prefetch = new Prefetch();
  /** Offers more to its consumers that had no room. */
  readonly offers: RoomOffers;
  /** What has gone through it. */
  readonly counts: ChannelCounts = new ChannelCounts();
  /** The limit for each consumer that is started from now on. */
  consumerPrefetchCount = 0;
  /** The queue that an empty name stands for. */
  lastQueue = "";
  /** Set once confirms are on. */
  confirms: PublisherConfirms | undefined = undefined;
  /** Set once the channel is transactional. */
  transaction: Transaction | undefined = undefined;
  /** Set while it consumes direct replies. */
  directReply: DirectReply | undefined = undefined;
  /** True once it is over; nothing may be sent for it any more, and its consumers get nothing. */
  ended = false;
  /** Its end, once that has begun. */
  private _end: Steps | undefined = undefined;
  private _lastDeliveryTag = 0;
  /** A reply waits for the store, or for long work to be done. */
  private _replyWaits = false;
  /** What is said of consumers once whoever deletes their queue has been answered. */
  private _heldCancels: Method[] | undefined = undefined;
  /** True while long work is done for it. */
  private _working = false;
  private _catchingUp = false;
  /** What came while a reply waited or the connection was blocked. */
  private readonly _postponed: Postponed[] = [];

  constructor(connection: BrokerConnection, number: number) {
    this.connection = connection;
    this.number = number;
    this.unacked = new Unacked(connection.limits.unackedBytesMax);
    this.offers = new RoomOffers(this);
  }

  /**
   * Takes a method of the client.
   *
   * @throws {AmqpError} When it breaks a rule.
   */
  accept(method: Method): void {
    // the one that comes with each message needs no look-up
    if (method.name === "basic.ack") return basic.handleBasic(this, method);
    if (!CHANGES.has(method.name)) return this._handle(method);
    const { vhost: { events }, user } = this.connection;
    events.by(user.name, () => this._handle(method));
  }

  private _handle(method: Method): void {
    switch (method.name.slice(0, method.name.indexOf("."))) {
      case "basic":
        return basic.handleBasic(this, method);
      case "queue":
        return handleQueue(this, method);
      case "exchange":
        return handleExchange(this, method);
      case "confirm":
        return handleConfirm(this, method);
      case "tx":
        return handleTx(this, method);
      default:
        throw new AmqpError(503, "unimplemented method");
    }
  }

  /** Sends a method to the client. */
  send(method: Method): void {
    this.connection.link.send(this.number, method);
  }

  /**
   * Sends a reply once what it confirms is on disk. What the client has sent after it waits as well,
   * so that all that the channel answers and delivers keeps its order.
   *
   * @param touched False when nothing was written: then there is nothing to wait for.
   */
  sendWhenSynced(method: Method, touched: boolean): void {
    const { store } = this.connection.vhost;
    if (!touched || store === undefined) return this._reply(method);
    this._replyWaits = true;
    store.whenSynced((error) => {
      if (this.ended) return;
      this._replyWaits = false;
      if (error !== undefined) return this.connection.storeFailed(this.number, error, method);
      this._reply(method);
      this.catchUp();
      this.connection.caughtUp();
    });
  }

  private _reply(method: Method): void {
    this.send(method);
    this.sendHeldCancels();
  }

  /** Sends a reply once this calls back, and what was touched by then is on disk. */
  sendWhen(whenDone: (callback: () => void) => void, method: Method, touched: boolean): void {
    this._replyWaits = true;
    whenDone(() => {
      if (this.ended) return;
      this._replyWaits = false;
      this.sendWhenSynced(method, touched);
      if (this._replyWaits) return;
      this.catchUp();
      this.connection.caughtUp();
    });
  }

  /**
   * Does something long that its client asked for. What comes for the channel meanwhile waits, and so
   * does its end.
   *
   * @param method What was asked for.
   * @param onDone Called when it is done, unless the channel has ended meanwhile.
   */
  doInSteps(steps: Steps, method: Method, onDone: () => void): void {
    this._working = true;
    this._replyWaits = true;
    this.connection.inSlices(this._guarded(steps, method), () => {
      if (this.ended) return;
      this._replyWaits = false;
      onDone();
      if (this._replyWaits) return;
      this.catchUp();
      this.connection.caughtUp();
    });
  }

  private *_guarded(steps: Steps, method: Method): Steps {
    try {
      yield* steps;
    } catch (cause) {
      this._working = false;
      // a client whose channel has ended meanwhile is not told of a fault of its own
      if (this.ended && cause instanceof AmqpError) return;
      this.connection.fail(this.number, cause, method);
    }
    this._working = false;
  }

  /** True while it does something long: what is unacked may be settled already. */
  get working(): boolean {
    return this._working;
  }

  /** What events tell of it. */
  get event(): ChannelEvent {
    const { name, user, vhost } = this.connection;
    return { vhost: vhost.name, connection: name, number: this.number, user: user.name };
  }

  /** What the firehose tells of it. */
  get traced(): TracedChannel {
    const { name, user } = this.connection;
    return { connection: name, channel: this.number, user: user.name };
  }

  /** True while something came before that had not its turn yet: what comes must be postponed. */
  get waits(): boolean {
    return this._replyWaits || this._postponed.length > 0;
  }

  /** True when the client must not be told that its connection is closed, since it would take what it
   * has asked here for done. Who asked for confirms knows what is. */
  get holdsUpClose(): boolean {
    return this._replyWaits || (this._postponed.length > 0 && this.confirms === undefined);
  }

  /** How many messages wait to be published. */
  get postponedMessages(): number {
    if (this._postponed.length === 0) return 0;
    return this._postponed.filter(({ message }) => message !== undefined).length;
  }

  /** Carries out what was postponed, until there is something to wait for again. */
  catchUp(): void {
    if (this._catchingUp) return;
    this._catchingUp = true;
    while (!this._replyWaits && this._postponed.length > 0) {
      const next = this._postponed[0]!;
      if (!this.connection.admits(this, next.method)) break;
      this._postponed.shift();
      this.connection.postponedBytes(-next.size);
      this.connection.replay(this, next);
    }
    this._catchingUp = false;
  }

  /** Keeps a method of the client until its turn comes. */
  postpone(method: Method | ContentMethod, content?: Content): void {
    const postponed = keptMethod(this.connection.vhost.publishing, method, content);
    this._postponed.push(postponed);
    this.connection.postponedBytes(postponed.size);
  }

  /** Takes out what waits for its turn, and will have none here. */
  takePostponed(): Postponed[] {
    const taken = this._postponed.splice(0);
    for (const postponed of taken) this.connection.postponedBytes(-postponed.size);
    return taken;
  }

  /** Forgets what waits for its turn. */
  dropPostponed(): void {
    if (this._postponed.length === 0) return;
    for (const { message } of this.takePostponed()) {
      if (message !== undefined) this.connection.vhost.publishing.discard(message);
    }
  }

  /** Numbers the next delivery. */
  nextDeliveryTag(): number {
    return ++this._lastDeliveryTag;
  }

  /**
   * The queue that a method means: an empty name stands for the one declared last.
   *
   * @throws {AmqpError} 404 when the name is empty and none was declared.
   */
  queueName(name: string): string {
    if (name !== "") return name;
    if (this.lastQueue === "") throw new AmqpError(404, "no previously declared queue");
    return this.lastQueue;
  }

  /**
   * Acks deliveries whose tags follow one another, as if one by one; only then their consumers get
   * more.
   *
   * @throws {AmqpError} 406 when there is none of such a tag. Those before it are acked.
   */
  ack(first: number, count: number): void {
    const { unacked } = this;
    // many in a row mostly come from one queue, and are counted together
    let source: DeliverySource | undefined;
    let row = 0;
    try {
      for (let tag = first; tag < first + count; tag++) {
        const entry = unacked.entryOf(tag);
        if (entry === undefined) {
          const old = unacked.takeOne(tag);
          this._acked(old, 1);
          old.queue.settle(old.entry);
          continue;
        }
        const from = unacked.sourceOf(tag);
        unacked.drop(tag);
        if (from !== source) {
          if (source !== undefined) this._acked(source, row);
          source = from;
          row = 0;
        }
        row++;
        from.queue.settle(entry);
      }
    } finally {
      if (source !== undefined) this._acked(source, row);
    }
    this.offers.offerSettled();
  }

  /** Counts deliveries that were acked. Their consumer is to be offered more. */
  private _acked({ consumer, queue }: DeliverySource, count: number): void {
    this.counts.ack += count;
    queue.counts.ack += count;
    if (consumer !== undefined) this.relieve(consumer, count);
  }

  /** So many deliveries of a consumer are settled. It is to be offered more. */
  relieve(consumer: ChannelConsumer, count: number): void {
    consumer.prefetch.unacked -= count;
    this.prefetch.unacked -= count;
    this.offers.relieve(consumer);
  }

  /** Settles one delivery that was taken out of `unacked`: the usual case. */
  settleOne(delivery: UnackedDelivery, settlement: Settlement): void {
    this.settleTaken(delivery, settlement);
    this.offers.offerSettled();
  }

  /** The same for one of many; its consumer gets no more yet. */
  settleTaken(delivery: UnackedDelivery, settlement: Settlement): void {
    this._countDown(delivery);
    if (settlement === "requeue") delivery.queue.requeue([delivery.entry]);
    else if (settlement === "fail") delivery.queue.requeue([delivery.entry], "rejected");
    else if (settlement === "reject") delivery.queue.reject(delivery.entry);
    else {
      this.counts.ack++;
      delivery.queue.counts.ack++;
      delivery.queue.settle(delivery.entry);
    }
  }

  /**
   * Settles all deliveries up to a tag; 0 stands for all there are.
   *
   * @param method What its client asked for.
   * @throws {AmqpError} 406 when the tag itself is not outstanding.
   */
  settleUpTo(deliveryTag: number, settlement: Settlement, method: Method): void {
    const { unacked } = this;
    const last = deliveryTag === 0 ? this._lastDeliveryTag : deliveryTag;
    if (unacked.atMostUpTo(last) <= SETTLED_AT_ONCE) {
      return this.settle(unacked.takeUpTo(deliveryTag), settlement);
    }
    if (deliveryTag !== 0) unacked.require(deliveryTag);
    const steps = settleEach(this, unacked.takeEach(last), settlement);
    this.doInSteps(steps, method, () => this.offers.offer());
  }

  /**
   * The same within a transaction: they are settled when it is committed.
   *
   * @param method What its client asked for.
   * @throws {AmqpError} 406 when the tag itself is not outstanding.
   */
  settleUpToWithCommit(deliveryTag: number, settlement: Settlement, method: Method): void {
    const { unacked } = this;
    const transaction = this.transaction!;
    const last = deliveryTag === 0 ? this._lastDeliveryTag : deliveryTag;
    if (unacked.atMostUpTo(last) <= SETTLED_AT_ONCE) {
      transaction.settlements.push({ deliveries: unacked.takeUpTo(deliveryTag), settlement });
      return;
    }
    if (deliveryTag !== 0) unacked.require(deliveryTag);
    this.doInSteps(transaction.settleUpTo(unacked, last, settlement), method, () => {});
  }

  /** Settles deliveries that were taken out of `unacked`, in the order of their tags. */
  settle(deliveries: readonly UnackedDelivery[], settlement: Settlement): void {
    for (const delivery of deliveries) this._countDown(delivery);
    if (settlement === "requeue" || settlement === "fail") {
      requeue(deliveries, settlement === "fail" ? "rejected" : "givenBack");
    } else if (settlement === "reject") {
      for (const { queue, entry } of deliveries) queue.reject(entry);
    } else {
      this.counts.ack += deliveries.length;
      for (const { queue, entry } of deliveries) {
        queue.counts.ack++;
        queue.settle(entry);
      }
    }
    this.offers.offer();
  }

  private _countDown({ consumer }: DeliverySource): void {
    if (consumer !== undefined) this.relieve(consumer, 1);
  }

  /** True when its consumers may have more in all. */
  get hasRoom(): boolean {
    const { unacked } = this;
    return this.prefetch.hasRoom && !unacked.full &&
      !(this.connection.lowOnMemory && unacked.size >= UNACKED_MAX);
  }

  /** Cancels consumers of queues that its user may read no more. What they have stays theirs. */
  cancelUnpermitted(): void {
    const { restrictions } = this.connection;
    if (restrictions === undefined) return;
    for (const consumer of [...this.consumers.values()]) {
      const { queue } = consumer;
      if (restrictions.permits("read", "queue", queue.name)) continue;
      this.connection.noteUnpermitted(consumer);
      queue.removeConsumer(consumer);
      this.consumerCancelled(consumer);
    }
  }

  /** A consumer is none of its any more. */
  forgetConsumer(consumer: ChannelConsumer): void {
    this.consumers.delete(consumer.consumerTag);
    consumer.waitsAt?.remove(consumer);
  }

  /** The queue of a consumer has gone. */
  consumerCancelled(consumer: ChannelConsumer): void {
    const { consumerTag } = consumer;
    this.forgetConsumer(consumer);
    this.connection.vhost.events.emit("consumer.deleted", consumer.event);
    if (!this.ended && this.connection.capabilities.consumerCancelNotify) {
      const method = basicCancel({ consumerTag, noWait: true });
      if (this._heldCancels === undefined) this.send(method);
      else this._heldCancels.push(method);
    }
  }

  /** Until its next reply it does not say which consumers have lost their queue: whoever deletes one hears of
   * that first, as from RabbitMQ, and may end all when he hears of his consumer. */
  holdCancels(): void {
    this._heldCancels = [];
  }

  /** Says what it would have said since. */
  sendHeldCancels(): void {
    const held = this._heldCancels;
    if (held === undefined) return;
    this._heldCancels = undefined;
    for (const cancel of held) this.send(cancel);
  }

  /**
   * Takes back what its consumers have kept for too long, and cancels them.
   *
   * @param tags Of deliveries, some of which may be settled by now; those that are left are taken back in slices.
   * @returns False when one of them cannot be cancelled: its client would not know, or it is none any
   * more, or never was one. Then nothing has happened.
   */
  takeBack(tags: TagRanges): boolean {
    const late = new Set<ChannelConsumer>();
    for (const tag of tags) {
      const source = this.unacked.ownedBy(tag);
      if (source === undefined) continue;
      const { consumer } = source;
      if (consumer === undefined || !this.connection.capabilities.consumerCancelNotify) {
        return false;
      }
      if (consumer.late || late.has(consumer)) continue;
      if (this.consumers.get(consumer.consumerTag) !== consumer) return false;
      late.add(consumer);
    }
    // first, or it would all come straight back to them; and who is served next gets it before what is new
    const queues: SettlingQueue[] = [];
    for (const consumer of late) {
      consumer.late = true;
      consumer.queue.holdBack();
      queues.push(consumer.queue);
      consumer.queue.removeConsumer(consumer, { quietly: true });
      this.consumerCancelled(consumer);
    }
    const steps = takingBack(this._disowned(tags), queues);
    this.connection.inSlices(steps, () => this.offers.offer());
    return true;
  }

  /** Takes what is late from its consumers: what its client has settled by then is not, and a channel that
   * ends gives back the rest. */
  private *_disowned(tags: TagRanges): Generator<UnackedDelivery> {
    for (const deliveryTag of tags) {
      if (this.ended) return;
      const source = this.unacked.ownedBy(deliveryTag);
      if (source === undefined) continue;
      this._countDown(source);
      yield this.unacked.disown({ deliveryTag });
    }
  }

  /** Nothing more is sent for it, given to its consumers, or taken of its client: what comes waits. */
  stop(): void {
    // what was taken in this turn would be published again
    this.confirms?.confirmTaken();
    this.ended = true;
    this._replyWaits = true;
  }

  /** Ends the channel, step by step: no more deliveries, and what is unacked goes back. Whoever asks for
   * that while it goes on goes on with it. */
  ending(): Steps {
    this.stop();
    return this._end ??= this._steps();
  }

  private *_steps(): Steps {
    const { vhost } = this.connection;
    // what its client had asked for comes first
    while (this._working) yield NOTHING_MORE;
    this.directReply?.end();
    const singles: MessageQueue[] = [];
    try {
      yield* this._giveUp(singles);
    } finally {
      // who is served now in the place of one of ours gets what waits behind what came back
      for (const queue of singles) queue.handOut();
    }
    this.counts.confirm = this.confirms?.told ?? 0;
    vhost.counts.channelGoes(this.counts);
    vhost.events.emit("channel.closed", this.event);
    this.connection.channelEnded();
  }

  /**
   * Gives up its consumers, and what they and its client had.
   *
   * @param singles Gets the queues that serve one at a time: they hand nothing out until told to.
   */
  private *_giveUp(singles: MessageQueue[]): Steps {
    const { vhost } = this.connection;
    // Requeued before the consumers are removed, a message could come straight back to one of them;
    // removed before, an auto-delete queue goes with its last consumer, as it should.
    for (const consumer of this.consumers.values()) {
      const { queue } = consumer;
      this.forgetConsumer(consumer);
      if (queue.singleActiveConsumer) {
        queue.holdBack();
        singles.push(queue);
      }
      queue.removeConsumer(consumer, { quietly: true });
      vhost.events.emit("consumer.deleted", consumer.event);
      yield 1;
    }
    const held = this.transaction?.take();
    const settlements = held?.settlements ?? [];
    for (const [index, { message, forget }] of (held?.publishes ?? []).entries()) {
      forget?.();
      vhost.publishing.discard(message);
      if (index % 16 === 0) yield 1;
    }
    if (this.unacked.size > 0 || settlements.length > 0) {
      yield* giveBack(unsettled(this.unacked, settlements), "left");
      this.unacked.clear();
    }
  }
}

/** Gives back what was taken from consumers that kept it for too long; then its queues hand out again. */
function* takingBack(
  deliveries: Iterable<UnackedDelivery>,
  queues: readonly SettlingQueue[],
): Steps {
  try {
    yield* giveBack(deliveries, "givenBack");
  } finally {
    for (const queue of queues) queue.handOut();
  }
}

/** All that a channel has not settled, or said that it would when its transaction is committed. */
function* unsettled(
  unacked: Unacked,
  settlements: readonly HeldSettlement[],
): Generator<UnackedDelivery> {
  yield* unacked.takeEach(Infinity);
  for (const { deliveries } of settlements) yield* deliveries;
}

/** Gives entries back to their queues, sorted as they were. */
function requeue(deliveries: readonly UnackedDelivery[], cause: ReturnCause): void {
  const byQueue = new Map<SettlingQueue, QueueEntry[]>();
  for (const { queue, entry } of deliveries) {
    const entries = byQueue.get(queue);
    if (entries !== undefined) entries.push(entry);
    else byQueue.set(queue, [entry]);
  }
  for (const [queue, entries] of byQueue) {
    queue.requeue(entries.sort((a, b) => a.position - b.position), cause);
  }
}
