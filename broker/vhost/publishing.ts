import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import type { Steps } from "../amqp/long_work.ts";
import { encodeContentHead, isPersistent } from "../amqp/content_codec.ts";
import { MANY_KEYS } from "../amqp/fresh_addresses.ts";
import type { BasicPublish } from "../amqp/methods/basic.ts";
import { editedContent } from "../amqp/content_edit.ts";
import { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import type { Profile } from "../profiles.ts";
import type { QueueEntry } from "../queue/entry.ts";
import { Deduplicator } from "../queue/deduplicator.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import type { DeathReason, Queue } from "../queue/queue.ts";
import type { Exchange } from "../routing/exchange.ts";
import type { Exchanges } from "../routing/exchanges.ts";
import { Placement } from "../store/placement.ts";
import type { Store } from "../store/store.ts";
import { deadLetter, deathsByItself, isDeadLetterCycle } from "./dead_letter.ts";
import {
  type Burial,
  type DeadLetterLimits,
  DeadLetters,
  type DeadMessage,
} from "./dead_letters.ts";
import type { DelayedMessages } from "./delayed_messages.ts";
import { KeptMessages, type KeptRoute } from "./kept_messages.ts";
import { Lane } from "./lane.ts";
import { DIRECT_REPLY_TO, generatedName, isDirectReplyTo } from "./names.ts";
import { senderSelectedKeys, withoutBcc } from "./sender_selected.ts";

const NO_QUEUES: readonly MessageQueue[] = [];
/** Borne by a method that has come before, of which nothing is known. */
const ONCE = Symbol("once");

/** What became of a publish. */
export interface PublishResult {
  /** How many queues took it. */
  queues: number;
  /** True when the store took it: it is safe once the store has synced. */
  stored: boolean;
  /** True when a queue did not take it: it refuses what is too much, or the store could not take it,
   * and then no queue did. */
  refused: boolean;
  /** The queues that it was routed to. */
  routed: readonly MessageQueue[];
}

/** A message that waits for the commit of a transaction. */
export interface HeldMessage {
  readonly message: Message;
  /** The names of the queues that it is for. */
  readonly destinations: readonly string[];
  /** True when an exchange holds it back, and the store has it: it is safe once that has synced. */
  readonly stored: boolean;
  /** True when an exchange should have held it back and the store did not take it. */
  readonly refused: boolean;
  /** True when an exchange holds it back, so that it is not lost where no queue takes it. */
  readonly heldBack: boolean;
  /** Makes an exchange that passes on each message but once forget it, if that is what it is for. */
  readonly forget: (() => void) | undefined;
}

/** Where a message is moved to. */
export interface MoveAddress {
  /** The exchange; the empty one leads to the queue that the routing key names. */
  readonly exchange: string;
  /** Default: the one that the message has. */
  readonly routingKey?: string;
}

/** So many names that no queue has are known at most: a client may ask for any. */
const TO_NOTHING_MAX = 1024;
/** So many dead messages are published at least with each publish that leads to some. */
const DEAD_FOR_ONE = 2;
/** The same for each publish, and each message that a client lets die, while very many wait: more than one
 * that is published mostly leads to later. */
const DEAD_WHILE_LONG = 4;

/** Takes what is published to its private name: a direct reply-to consumer. */
export interface ReplyReceiver {
  /** Takes one reply. Must not throw or await. */
  deliverReply(message: Message): void;
}

/** What a vhost's messages pass through. */
export interface PublishingOptions {
  /** Where messages are kept. */
  readonly pages: PagePool;
  /** Where persistent messages survive a restart; undefined when nothing does. */
  readonly store: Store | undefined;
  /** The vhost's exchanges. */
  readonly exchanges: Exchanges<MessageQueue>;
  /** The vhost's queues by name. */
  readonly queues: ReadonlyMap<string, MessageQueue>;
  /** Time. */
  readonly clock: Clock;
  /** Where it is told what went wrong with a message that nobody waits for. */
  readonly logger: Logger;
  /** Where messages wait that exchanges hold back. */
  readonly delayed: DelayedMessages;
  /** Gives an id of the store for what memory has no room for. */
  readonly nextQueueId: () => number;
  /** What versions of RabbitMQ do not agree about. */
  readonly profile: Pick<Profile, "continuesDeaths">;
  /** How many dead messages may wait. */
  readonly deadLetters?: DeadLetterLimits | undefined;
}

/**
 * The way of messages into the queues of one vhost: routed by their exchange, written to the store
 * once for all queues that must not lose them, and pushed into each.
 */
export class Publishing {
  /** What exchanges keep of the messages that pass them. */
  readonly kept: KeptMessages;
  /** How many messages were published to the default exchange, which is not asked for its routes. */
  defaultIn = 0;
  /** How many of them a queue took. */
  defaultOut = 0;
  private readonly _options: PublishingOptions;
  private readonly _placement = new Placement();
  /** Exchanges that pass on each message but once. */
  private readonly _deduplicators = new Map<string, Deduplicator>();
  /** The one of them that has just remembered the message that was routed last, if any has. */
  private _rememberedBy: Deduplicator | undefined = undefined;
  private readonly _replyReceivers = new Map<string, ReplyReceiver>();
  /** Used again for each publish. */
  private readonly _result: PublishResult = noResult();
  /** The one queue of a message for the default exchange; used again for each. */
  private readonly _one: MessageQueue[] = [];
  /** Lanes that lead nowhere until there is another queue. */
  private readonly _toNothing: Lane[] = [];
  /** True while a message is on its way into queues. */
  private _busy = false;
  /** Dead messages that are to be published. */
  private readonly _dead: DeadLetters;

  constructor(options: PublishingOptions) {
    this._options = options;
    const { pages, store, delayed, exchanges, nextQueueId } = options;
    this.kept = new KeptMessages({
      pages,
      store,
      nextQueueId,
      delayed,
      publish: (message, route) => this._publishKept(message, route),
    });
    exchanges.keeper = this.kept;
    const { clock, logger } = options;
    const publish = (dead: DeadMessage, deathsMax: number) => this._tryDead(dead, deathsMax);
    this._dead = new DeadLetters({ ...options.deadLetters, publish, clock, logger });
  }

  /**
   * Routes a message into its queues. The result is valid until the next publish.
   *
   * @param method What it is published with, if a client does it.
   * @throws {AmqpError} 406 when its header CC or BCC is not a list.
   */
  publish(message: Message, method?: BasicPublish): PublishResult {
    const moreKeys = senderSelectedKeys(message);
    const queues = method === undefined || moreKeys !== undefined
      ? this._routed(message, moreKeys)
      : this._routedWith(method, message);
    if (moreKeys !== undefined) message = this._withoutBcc(message);
    const { stored, refused } = this.kept;
    const before = this._dead.waiting;
    const result = refused
      ? this._refuse(message, queues, this._result)
      : this._deliver(message, queues, this._result);
    if (stored) result.stored = true;
    if (result.refused && message.exchange !== "") this._forgetRouted();
    if (this._dead.waiting > 0) this._payForDead(before);
    return result;
  }

  /**
   * Publishes dead ones: who publishes into full queues pays for what drops out of them, or it would be ever
   * more.
   *
   * @param before How many waited before he did.
   */
  private _payForDead(before: number): void {
    const dead = this._dead;
    // what is told of the message itself, which they would write over
    const [one] = this._one;
    const { heldBack } = this.kept;
    dead.goOn(dead.isLong ? DEAD_WHILE_LONG : dead.waiting > before ? DEAD_FOR_ONE : 0);
    if (one !== undefined) this._one[0] = one;
    this.kept.heldBack = heldBack;
  }

  /** As `_routed`, by what the method knows since it came before. */
  private _routedWith(method: BasicPublish, message: Message): readonly MessageQueue[] {
    if (method.bears === MANY_KEYS) return this._routedByOctets(message);
    const lane = Lane.of(method, this._options.exchanges);
    if (lane === undefined) return this._routedFirst(method, message);
    const exchange = lane.exchange;
    const queues = lane.queues;
    this.kept.begin();
    this._rememberedBy = undefined;
    if (exchange === undefined) {
      this.defaultIn++;
      this.defaultOut += queues.length;
    } else {
      exchange.publishIn++;
      exchange.publishOut += queues.length;
    }
    return queues;
  }

  /** The same where it is not known yet what the method leads to. */
  private _routedFirst(method: BasicPublish, message: Message): readonly MessageQueue[] {
    const queues = this._routed(message, undefined);
    if (method.bears === undefined) method.bears = ONCE;
    else method.bears = this._laneTo(message, queues);
    return queues;
  }

  /** As `_routed`, for a routing key of which mostly nobody has made a text, and none is needed. */
  private _routedByOctets(message: Message): readonly MessageQueue[] {
    const { exchange, head, addressStart, addressEnd } = message;
    if (message.keyText === undefined && exchange !== "" && this._deduplicators.size === 0) {
      const found = this._options.exchanges.get(exchange);
      const keyAt = addressStart + 2 + head![addressStart]!;
      const queues = found?.routeOctets(head!, keyAt, addressEnd);
      if (queues !== undefined) {
        this.kept.begin();
        this._rememberedBy = undefined;
        found!.publishIn++;
        found!.publishOut += queues.length;
        return queues;
      }
    }
    return this._routed(message, undefined);
  }

  private _laneTo(
    { exchange: name, routingKey }: Message,
    queues: readonly MessageQueue[],
  ): Lane | typeof ONCE {
    const { exchanges } = this._options;
    if (name === "") {
      if (queues.length === 1) return Lane.to(queues[0]!, exchanges);
      return queues.length > 0 || routingKey.startsWith(DIRECT_REPLY_TO)
        ? ONCE
        : this._laneToNothing();
    }
    const exchange = exchanges.get(name);
    // deduplicators look at each message
    if (!exchange?.decidesAlone || this._deduplicators.has(name)) return ONCE;
    return Lane.through(exchange, queues);
  }

  private _laneToNothing(): Lane {
    if (this._toNothing.length === TO_NOTHING_MAX) this._forgetNames();
    const lane = Lane.toNothing(this._options.exchanges);
    this._toNothing.push(lane);
    return lane;
  }

  /** There is a new queue. */
  queueAdded(): void {
    this._forgetNames();
  }

  /** What is known of names that no queue has holds no longer. */
  private _forgetNames(): void {
    const lanes = this._toNothing;
    for (let index = 0; index < lanes.length; index++) lanes[index]!.forget();
    lanes.length = 0;
  }

  /** The message that was routed last was not taken, or not by all: it is no duplicate when it comes
   * again. */
  private _forgetRouted(): void {
    const deduplicator = this._rememberedBy;
    deduplicator?.forgetValue(deduplicator.last);
  }

  /** An exchange could not hold a message back, so nobody gets it. */
  private _refuse(
    message: Message,
    routed: readonly MessageQueue[],
    result: PublishResult,
  ): PublishResult {
    message.routed(this._options.pages);
    result.queues = 0;
    result.routed = routed;
    result.stored = false;
    result.refused = true;
    return result;
  }

  /** There is a new exchange. */
  exchangeAdded(exchange: Exchange<MessageQueue>): void {
    const deduplicator = Deduplicator.ofExchange(exchange, this._options.clock);
    if (deduplicator !== undefined) this._deduplicators.set(exchange.name, deduplicator);
  }

  /** An exchange is gone. */
  exchangeRemoved(exchange: Exchange<MessageQueue>): void {
    this._deduplicators.delete(exchange.name);
    // which may hold very much
    this._rememberedBy = undefined;
    this.kept.removed(exchange);
  }

  /** Publishes what an exchange has kept. False when the store did not take it, and so nobody did. */
  private _publishKept(message: Message, route: KeptRoute): boolean {
    const moreKeys = senderSelectedKeys(message);
    this.kept.begin();
    const before = this._dead.waiting;
    const queues = route(moreKeys);
    if (moreKeys !== undefined) message = this._withoutBcc(message);
    const result = this.kept.refused
      ? this._refuse(message, queues, noResult())
      : this._deliver(message, queues, noResult());
    if (this._dead.waiting > 0) this._payForDead(before);
    return !result.refused || result.queues > 0;
  }

  /** What goes on in place of a message that may have a header BCC. */
  private _withoutBcc(message: Message): Message {
    const copy = withoutBcc(message);
    // an exchange may have kept the message on its way
    if (copy !== message) message.routed(this._options.pages);
    return copy;
  }

  /**
   * Keeps a message for a transaction, with the names of the queues that it is for: it is routed when
   * its client publishes, and queues of these names are looked for when it is committed.
   *
   * @throws {AmqpError} 406 when its header CC or BCC is not a list.
   */
  holdRouted(message: Message): HeldMessage {
    const moreKeys = senderSelectedKeys(message);
    this.kept.begin();
    const destinations = message.exchange === ""
      ? [message.routingKey, ...moreKeys ?? []]
      : this._route(message, moreKeys).map(({ name }) => name);
    if (moreKeys !== undefined) message = this._withoutBcc(message);
    this.hold(message);
    const { stored, refused } = this.kept;
    const heldBack = this.kept.heldBack > 0;
    const forget = this._forgetterOf(message);
    return { message, destinations, stored, refused, heldBack, forget };
  }

  /** What is held back goes on whatever becomes of its transaction, so that is not forgotten. */
  private _forgetterOf({ exchange }: Message): (() => void) | undefined {
    const deduplicator = exchange === "" ? undefined : this._rememberedBy;
    if (deduplicator === undefined || this.kept.heldBack > 0) return undefined;
    const { last } = deduplicator;
    return () => deduplicator.forgetValue(last);
  }

  /** True when the store would take a message for the queues of these names, or need not. */
  accepts(message: Message, destinations: readonly string[]): boolean {
    const { store, queues } = this._options;
    if (store === undefined || store.state === "open") return true;
    const persistent = isPersistent(message);
    return !destinations.some((name) => {
      const queue = queues.get(name);
      return queue?.keepsMessages && (persistent || queue.keepsAll);
    });
  }

  /** Puts a message that was held into the queues of these names. */
  publishHeld(message: Message, destinations: readonly string[]): PublishResult {
    const queues = this._byNames(message, destinations);
    const before = this._dead.waiting;
    const result = this._deliver(message, queues, this._result);
    if (this._dead.waiting > 0) this._payForDead(before);
    return result;
  }

  /** Publishes a dead message once more, as its queue's settings say. Not at once when another one is
   * on its way, so that none is routed in the middle of another. */
  deadLetter(queue: Queue, entry: QueueEntry, reason: DeathReason): void {
    const dead = this._dead;
    dead.add(queue, entry, reason);
    if (this._busy) return;
    dead.goOn(reason !== "expired" && reason !== "maxlen" && dead.isLong ? DEAD_WHILE_LONG : 0);
  }

  /** Tells whether a queue must keep what would die in it by itself: `DeadLetters.mustKeep`. */
  mustKeepDead(queue: Queue, patiently: boolean): boolean {
    return this._dead.mustKeep(queue, patiently);
  }

  /**
   * Publishes a message that an operator moves out of its queue, as it is but for its address.
   *
   * @returns False when nobody takes it, or not all of those do that it is for: then it stays.
   */
  move(queue: Queue, entry: QueueEntry, address: MoveAddress): boolean {
    const { exchange, routingKey = entry.message.routingKey } = address;
    const message = new Message(editedContent(entry.message, { exchange, routingKey }));
    message.readExpiration();
    try {
      const queues = this._routed(message, undefined);
      const delayed = this.kept.heldBack > 0;
      const refused = this.kept.refused || (queues.length === 0 && !delayed) ||
        queues.some((target) => target.refuses(message.size));
      if (refused) {
        this._forgetRouted();
        message.routed(this._options.pages);
        return false;
      }
      const result = this._deliver(message, queues, noResult());
      const taken = !result.refused || result.queues > 0 || delayed;
      if (!taken) this._forgetRouted();
      if (this._dead.waiting > 0) this._dead.goOn();
      return taken;
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      this._options.logger.log("error", `moved message of queue '${queue.name}': ${text}`);
      return false;
    }
  }

  /** As `publishOneDead`, for what exchanges throw: their types may be somebody's own, or missing.
   * This happens at any time, so nobody else's doings may end over it. */
  private _tryDead(dead: DeadMessage, deathsMax: number): Burial {
    this._rememberedBy = undefined;
    try {
      const burial = this._publishOneDead(dead, deathsMax);
      if (burial === "later") this._forgetRouted();
      return burial;
    } catch (error) {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      this._options.logger.log("error", `dead message of queue '${dead.queue.name}': ${text}`);
      return dead.queue.settings.deadLetterAtLeastOnce ? "later" : "done";
    }
  }

  /** It is for later when it could not be published, and must not be lost. */
  private _publishOneDead({ queue, entry, reason }: DeadMessage, deathsMax: number): Burial {
    const { deadLetterExchange, deadLetterRoutingKey, deadLetterAtLeastOnce } = queue.settings;
    if (deadLetterExchange === undefined || (queue.deleted && deadLetterAtLeastOnce)) return "done";
    const { message, moreKeys, deaths } = deadLetter(entry.message, {
      queue: queue.name,
      reason,
      exchange: deadLetterExchange,
      routingKey: deadLetterRoutingKey,
      now: this._options.clock.now(),
    }, this._options.profile);
    if (deathsByItself(deaths) >= deathsMax) {
      message.routed(this._options.pages);
      return deadLetterAtLeastOnce ? "later" : "dropped";
    }
    let queues = this.kept.routeDead(deaths, () => this._routed(message, moreKeys));
    if (this.kept.refused) {
      message.routed(this._options.pages);
      return "later";
    }
    const delayed = this.kept.heldBack > 0;
    if (reason !== "rejected" && queues.some(({ name }) => isDeadLetterCycle(deaths, name))) {
      queues = queues.filter(({ name }) => !isDeadLetterCycle(deaths, name));
    }
    // a way round in a circle is none: what may not be lost waits for another one
    const hasNoWay = queues.length === 0
      ? !delayed
      : queues.some((target) => target.refuses(message.size, true));
    if (deadLetterAtLeastOnce && hasNoWay) {
      // an exchange may remember it
      message.routed(this._options.pages);
      return "later";
    }
    const result = this._deliver(message, queues, noResult(), true);
    return !result.refused || result.queues > 0 || delayed ? "done" : "later";
  }

  /** Sets no timer any more: the broker closes. */
  stop(): void {
    this._dead.stop();
  }

  /** Lets go of what it still had to publish, step by step: the vhost is gone. */
  ending(): Steps {
    this._forgetNames();
    return this._dead.ending();
  }

  /** Keeps a message past this turn; `release` or `discard` is its end. */
  hold(message: Message): void {
    message.hold(this._options.pages);
  }

  /** Gives up what `hold` kept and was published since. */
  release(message: Message): void {
    message.release(this._options.pages);
  }

  /** Gives up what `hold` kept and was never published. */
  discard(message: Message): void {
    message.routed(this._options.pages);
    message.release(this._options.pages);
  }

  /** True when the name is that of direct reply-to, or of a consumer of it that is there. */
  isReplyName(name: string): boolean {
    return isDirectReplyTo(name) || this._replyReceivers.has(name);
  }

  /** True when a message that went into no queue was a direct reply that somebody got. */
  isReceivedReply(message: Message): boolean {
    const receivers = this._replyReceivers;
    if (receivers.size === 0 || message.exchange !== "") return false;
    return receivers.has(message.routingKey) ||
      senderSelectedKeys(message)?.some((key) => receivers.has(key)) === true;
  }

  /** Makes a private name under which replies reach a channel, in the form of RabbitMQ's: two parts in
   * base64, of which the second one is 16 octets. */
  addReplyReceiver(receiver: ReplyReceiver): string {
    const name = generatedName(`${generatedName(`${DIRECT_REPLY_TO}.`)}.`) + "==";
    this._replyReceivers.set(name, receiver);
    return name;
  }

  /** Forgets such a name. */
  removeReplyReceiver(name: string): void {
    this._replyReceivers.delete(name);
  }

  private _routed(
    message: Message,
    moreKeys: readonly string[] | undefined,
  ): readonly MessageQueue[] {
    this.kept.begin();
    if (message.exchange !== "") return this._route(message, moreKeys);
    const queues = moreKeys === undefined || moreKeys.length === 0
      ? this._byName(message, message.routingKey)
      : this._byNames(message, [message.routingKey, ...moreKeys]);
    this.defaultIn++;
    this.defaultOut += queues.length;
    return queues;
  }

  private _route(
    message: Message,
    moreKeys: readonly string[] | undefined,
  ): readonly MessageQueue[] {
    const { exchange } = message;
    this._rememberedBy = undefined;
    if (this._deduplicators.size > 0) {
      const deduplicator = this._deduplicators.get(exchange);
      if (deduplicator?.isDuplicate(message)) {
        // the one before may not be on disk yet, and whoever sends it once more relies on that
        this.kept.stored = this._options.store !== undefined;
        return NO_QUEUES;
      }
      this._rememberedBy = deduplicator;
    }
    const found = this._options.exchanges.get(exchange);
    if (found === undefined) return NO_QUEUES;
    const queues = found.route(message.routingKey, message, moreKeys);
    found.publishIn++;
    found.publishOut += queues.length;
    return queues;
  }

  /** The queue of a name. A direct reply goes through none. */
  private _byName(message: Message, name: string): readonly MessageQueue[] {
    const queue = this._options.queues.get(name);
    if (queue !== undefined) {
      this._one[0] = queue;
      return this._one;
    }
    if (name.startsWith(DIRECT_REPLY_TO)) this._replyReceivers.get(name)?.deliverReply(message);
    return NO_QUEUES;
  }

  /** The same for several. Who takes direct replies there is given one body together, since what is sent
   * to a peer at once is a copy for each, and a name that comes twice counts once. */
  private _byNames(message: Message, names: readonly string[]): readonly MessageQueue[] {
    const queues = new Set<MessageQueue>();
    let reply: Message | undefined;
    for (const name of new Set(names)) {
      const queue = this._options.queues.get(name);
      if (queue !== undefined) queues.add(queue);
      else if (name.startsWith(DIRECT_REPLY_TO)) {
        this._replyReceivers.get(name)?.deliverReply(reply ??= message.withOwnBody());
      }
    }
    return [...queues];
  }

  private _deliver(
    message: Message,
    queues: readonly MessageQueue[],
    result: PublishResult,
    isDead = false,
  ): PublishResult {
    result.queues = queues.length;
    result.routed = queues;
    result.stored = result.refused = false;
    const options = this._options;
    this._busy = true;
    try {
      const size = message.size;
      for (let index = 0; index < queues.length; index++) {
        if (!queues[index]!.refuses(size, isDead)) continue;
        queues = this._takeRefusing(message, queues, isDead);
        result.refused = true;
        break;
      }
      const placed = options.store !== undefined &&
        this._keepIfAsked(options.store, message, queues, result);
      if (result.queues > 0) {
        message.alone = queues.length === 1;
        for (let index = 0; index < queues.length; index++) queues[index]!.push(message, placed);
      }
      message.routed(options.pages);
    } finally {
      this._busy = false;
    }
    return result;
  }

  /** Hands the message to the store if any of its queues wants that. Returns true when the store took it. */
  private _keepIfAsked(
    store: Store,
    message: Message,
    queues: readonly MessageQueue[],
    result: PublishResult,
  ): boolean {
    const persistent = isPersistent(message);
    if (!persistent && !mayNeedStore(message, this._options.pages) && !queues.some(keepsAll)) {
      return false;
    }
    return this._keep(store, message, queues, persistent, result);
  }

  /** Lets the queues that do not want the message do with it what they do, and gives the others. */
  private _takeRefusing(
    message: Message,
    queues: readonly MessageQueue[],
    isDead: boolean,
  ): readonly MessageQueue[] {
    return queues.filter((queue) => {
      if (!queue.refuses(message.size, isDead)) return true;
      queue.refuse(message);
      return false;
    });
  }

  /** A persistent message for durable queues goes to the store, once for all of them; so does any
   * message that is to wait while memory is short. Returns true when the store took it. */
  private _keep(
    store: Store,
    message: Message,
    queues: readonly MessageQueue[],
    persistent: boolean,
    result: PublishResult,
  ): boolean {
    const placement = this._placement;
    placement.clear();
    placement.transient = true;
    placement.keptByOthers = !persistent && queues.some(keepsAll);
    for (let index = 0; index < queues.length; index++) {
      queues[index]!.place(placement, message, persistent);
    }
    if (placement.count === 0) return false;
    // the store writes it later, when it may be settled
    message.keepBuffer();
    placement.bodyStays = message.transferred;
    encodeContentHead(message);
    const placed = store.append(message, placement);
    // what need not survive waits in memory when it is not taken, short as that may be
    if (!placement.transient) {
      result.stored = placed;
      if (!placed) {
        result.refused = true;
        result.queues = 0;
      }
    }
    return placed;
  }
}

function noResult(): PublishResult {
  return { queues: 0, stored: false, refused: false, routed: NO_QUEUES };
}

/** True when memory is short, and the message may be too large for the pages that go to disk then. */
function mayNeedStore(message: Message, pages: PagePool): boolean {
  return pages.short && !message.leavesWithPage(pages);
}

function keepsAll(queue: MessageQueue): boolean {
  return queue.keepsAll;
}
