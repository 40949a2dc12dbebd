import type { Clock } from "../amqp/clock.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import { contentPriority } from "../amqp/content_codec.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import { DROP_IN } from "../profiles.ts";
import type { Placement } from "../store/placement.ts";
import type { StoreError } from "../store/error.ts";
import { READS_AT_ONCE } from "../reading_turns.ts";
import { type CompleteBrowseOptions, describeMessages, type QueuedMessage } from "./browsing.ts";
import type { QueueConsumer } from "./consumer.ts";
import { DeadlineTimer } from "./deadline_timer.ts";
import { Deduplicator } from "./deduplicator.ts";
import { Discard } from "./discard.ts";
import { Dispatcher } from "./dispatcher.ts";
import { QueueEntry } from "./entry.ts";
import { FifoReadyList } from "./fifo_ready_list.ts";
import {
  type ConsumeOptions,
  MEMORY_OF_NUMBER,
  MEMORY_OF_OBJECT,
  MEMORY_OF_QUEUE,
  type MessageQueue,
  type QueueFinding,
  type QueueHoldings,
} from "./message_queue.ts";
import { NOTHING_READY } from "./nothing_ready.ts";
import { PriorityReadyList } from "./priority_ready_list.ts";
import { type QueueType, queueTypeOf } from "./queue_arguments.ts";
import {
  NO_SETTINGS,
  type QueueProfile,
  type QueueSettings,
  queueSettings,
} from "./queue_settings.ts";
import type { ReadyList } from "./ready_list.ts";
import { Retries, retryDelay } from "./retries.ts";
import type { QueueDurability, QueueStorage } from "./storage.ts";
import { readEntries } from "./stored_message.ts";
import { type DeadLetterStrategy, type DeathsByStrategy, DeliveryCounts } from "../stats.ts";
import { UnusedExpiry } from "./unused_expiry.ts";
import { firstOf, type TakenMessage } from "./waiting.ts";

/** So many waiting messages go out before others get a chance to do something. */
const DISPATCH_BATCH = 1000;

/** So many are dropped or moved by their positions at once, where nothing has to be read from disk. */
const POSITIONS_AT_ONCE = 100;

/** With so many messages waiting, its consumers are behind. */
const BACKLOG = 1000;
/** With so few they have caught up. */
const RELIEF = 300;

/** When the disk does not give what waits, it is asked again after so long. */
const READ_AGAIN_MS = 1000;

/** Why a message is dead. The names are those of the `x-death` header. */
export type DeathReason = "rejected" | "expired" | "maxlen" | "delivery_limit";

/** What a queue is declared with. */
export interface QueueOptions {
  /** Its name. */
  readonly name: string;
  /** Survives a restart of the broker. */
  readonly durable: boolean;
  /** Goes when its last consumer goes. */
  readonly autoDelete: boolean;
  /** Whose alone it is: an exclusive queue belongs to one connection. Undefined: everybody's. */
  readonly owner: object | undefined;
  /** The `x-` arguments. */
  readonly arguments: FieldTable;
  /** Where its messages are kept. */
  readonly pages: PagePool;
  /** Where a durable queue's persistent messages are kept as well. */
  readonly durability?: QueueDurability | undefined;
  /** Gives a queue that has no place in the store one, for what memory has no room for. */
  readonly spill?: (() => QueueDurability) | undefined;
  /** Time. */
  readonly clock: Clock;
  /** Called for a stored message that cannot be read any more. */
  readonly onUnreadable?: ((error: StoreError, queue: string) => void) | undefined;
  /** Called for each message that joins a long row although there are consumers. */
  readonly onBacklog: () => void;
  /** Called when consumers took so many messages from such a row. */
  readonly onTaken: (count: number) => void;
  /** Called when such a row has become short. */
  readonly onRelief: () => void;
  /** Called when an auto-delete queue has lost its last consumer, or the queue has been unused for as
   * long as it may be. */
  readonly onUnused: (queue: Queue) => void;
  /** What governs its messages. */
  readonly settings?: QueueSettings | undefined;
  /** What versions of RabbitMQ do not agree about. Default: drop-in. */
  readonly profile?: QueueProfile | undefined;
  /** Where deaths in queues of its type are counted. Default: nowhere. */
  readonly deaths?: DeathsByStrategy | undefined;
  /** Takes a message that is dead and is to be published once more; ends with `Queue.bury`. */
  readonly onDeath?: ((queue: Queue, entry: QueueEntry, reason: DeathReason) => void) | undefined;
}

/**
 * A queue: messages that wait and consumers that wait, and never both at once for long.
 *
 * ```text
 *           push                 dispatch                       settle
 *  message ------> ready list ------------> unacked (a channel) ------> gone
 *     |                ^                        |
 *     |                +------------------------+
 *     |                  requeue: to its place, redelivered
 *     +--> straight to a consumer with room, when nothing waits
 * ```
 */
export class Queue implements MessageQueue {
  // What each message that goes straight on looks at comes first, side by side: with a thousand queues each line
  // of memory that is touched has to be fetched.

  /** True when there is a limit on what waits. */
  #limited = false;
  #lastPosition = 0;
  /** How many went to consumers that do not ack, and are not in `#counts`. */
  #forgotten = 0;
  /** How many give something back, and have not done with it. */
  #returns = 0;
  #ready: ReadyList = NOTHING_READY;
  /** Tells messages that were there before, when that is asked for. */
  readonly #deduplicator: Deduplicator | undefined;
  /** The one consumer, where there is no other. */
  #only: QueueConsumer | undefined = undefined;

  /** Tells it from an exchange. */
  readonly kind = "queue";
  /** Its name. */
  readonly name: string;
  readonly queueType: QueueType;
  /** Survives a restart of the broker. */
  readonly durable: boolean;
  /** Goes when its last consumer goes. */
  readonly autoDelete: boolean;
  /** The connection that it belongs to alone; undefined when it is everybody's. */
  readonly owner: object | undefined;
  /** The `x-` arguments that it was declared with. */
  readonly arguments: FieldTable;
  /** The one consumer that asked to be the only one. */
  exclusiveConsumer: QueueConsumer | undefined = undefined;
  finding: QueueFinding | undefined = undefined;
  /** How many messages are delivered and not yet settled. */
  unackedCount = 0;
  unackedBytes = 0;
  readonly #counts = new DeliveryCounts();

  /** True when persistent messages of this queue survive a restart. */
  readonly keepsMessages: boolean;
  /** True when all messages count as persistent, whatever they say themselves: in a quorum queue. */
  readonly keepsAll: boolean;
  /** A message is gone once it is settled. */
  readonly keepsDelivered = false;

  readonly #storage: QueueStorage;
  readonly #spill: (() => QueueDurability) | undefined;
  readonly #clock: Clock;
  readonly #onBacklog: () => void;
  readonly #onTaken: (count: number) => void;
  readonly #onRelief: () => void;
  readonly #onUnused: (queue: Queue) => void;
  readonly #onDeath: QueueOptions["onDeath"];
  readonly #deaths: QueueOptions["deaths"];
  /** Those that came back and wait before they go out again; undefined: there never were any. */
  #retries: Retries | undefined = undefined;
  /** Lets go of what was purged or deleted. */
  #discard: Discard | undefined = undefined;
  readonly #dispatcher: Dispatcher;
  /** True when messages go out by their priority. */
  readonly #prioritised: boolean;
  readonly #maxPriority: number;
  /** True when what comes back goes out next, or last, and not where it was. */
  readonly #quorum: boolean;
  readonly #profile: QueueProfile;
  #settings: QueueSettings = NO_SETTINGS;
  /** Waits for the next deadline; undefined: no message ever had one. */
  #deadlines: DeadlineTimer | undefined = undefined;
  /** Ends the queue when nobody uses it; undefined: it may be unused for ever. */
  #unused: UnusedExpiry | undefined = undefined;
  /** The last position that was given before the broker started. */
  #restoredPosition = 0;
  /** The position that was last said to the store. */
  #placed = 0;
  /** The deadline that was said with it. */
  #placedDeadline = 0;
  #stopWaiting: (() => void) | undefined = undefined;
  #deleted = false;
  #stopped = false;
  /** True while a part of the work waits for the end of the turn. */
  #goesOn = false;
  /** True after `onBacklog` and before `onRelief`. */
  #behind = false;

  constructor(options: QueueOptions) {
    this.name = options.name;
    this.durable = options.durable;
    this.autoDelete = options.autoDelete;
    this.owner = options.owner;
    this.arguments = options.arguments;
    this.queueType = queueTypeOf(options.arguments);
    this.keepsAll = this.queueType === "quorum";
    const { pages, durability, onUnreadable } = options;
    this.keepsMessages = durability !== undefined;
    this.#storage = {
      pages,
      durability,
      onUnreadable: (_, error) => onUnreadable?.(error, this.name),
    };
    this.#maxPriority = Number(options.arguments["x-max-priority"] ?? 0);
    this.#prioritised = this.#maxPriority > 0;
    this.#quorum = this.keepsAll;
    this.#profile = options.profile ?? DROP_IN;
    this.#dispatcher = new Dispatcher({
      single: options.arguments["x-single-active-consumer"] === true,
      yields: this.#quorum,
      clock: options.clock,
    });
    this.#onDeath = options.onDeath;
    this.#deaths = options.deaths;
    this.#deduplicator = Deduplicator.ofQueue(options.arguments, options.clock);
    this.#spill = options.spill;
    this.#clock = options.clock;
    this.#onBacklog = options.onBacklog;
    this.#onTaken = options.onTaken;
    this.#onRelief = options.onRelief;
    this.#onUnused = options.onUnused;
    if (options.settings !== undefined) this.configure(options.settings);
  }

  /** What waits, to add something. Made for the first message that does: in many queues none ever has to. */
  get #readyToFill(): ReadyList {
    if (this.#ready !== NOTHING_READY) return this.#ready;
    return this.#ready = this.#prioritised
      ? new PriorityReadyList(this.#storage, this.#maxPriority)
      : new FifoReadyList(this.#storage, { inOrderOfReturn: this.#quorum });
  }

  /** What governs its messages. */
  get settings(): QueueSettings {
    return this.#settings;
  }

  applyPolicy(policy: FieldTable): void {
    this.configure(queueSettings(this.arguments, policy, this.#profile));
  }

  /** Puts new settings into effect, on what waits as well. */
  configure(settings: QueueSettings): void {
    const { consumerTimeoutMs, expiresMs } = this.#settings;
    this.#settings = settings;
    this.#limited = settings.maxLength < Infinity || settings.maxLengthBytes < Infinity;
    if (settings.expiresMs !== expiresMs) this.#expireAfter(settings.expiresMs);
    if (settings.consumerTimeoutMs !== consumerTimeoutMs) {
      for (const consumer of this.#dispatcher) consumer.timeoutChanged();
    }
    this.#trim();
  }

  get consumerTimeoutMs(): number | undefined {
    return this.#settings.consumerTimeoutMs;
  }

  #expireAfter(expiresMs: number): void {
    this.#unused?.stop();
    this.#unused = undefined;
    if (expiresMs === Infinity || this.#stopped) return;
    this.#unused = new UnusedExpiry({
      clock: this.#clock,
      expiresMs,
      inUse: () => this.#dispatcher.size > 0,
      onExpired: () => this.#onUnused(this),
    });
  }

  /** Somebody uses the queue: its time to be unused begins again. */
  touch(): void {
    this.#unused?.touch();
  }

  /** All is restored, exchanges and bindings too: what is too old or too much can go. */
  start(): void {
    this.#trim();
    if (this.#deadlines !== undefined) this.#buryExpired();
  }

  /** Sets no timer any more: the broker closes. */
  stop(): void {
    this.#stopped = true;
    this.#stopWaiting?.();
    this.#deadlines?.stop();
    this.#unused?.stop();
    this.#retries?.stop();
  }

  /** True once it is deleted: what is left of it are deliveries that nobody needs to settle. */
  get deleted(): boolean {
    return this.#deleted;
  }

  /** True when only one consumer at a time is served. */
  get singleActiveConsumer(): boolean {
    return this.#dispatcher.single;
  }

  get activeConsumer(): QueueConsumer | undefined {
    return this.#dispatcher.active;
  }

  /** True for a queue that belongs to one connection. */
  get exclusive(): boolean {
    return this.owner !== undefined;
  }

  /** How many messages wait. */
  get messageCount(): number {
    return this.#ready.length;
  }

  /** The sizes of the bodies that wait. */
  get messageBytes(): number {
    return this.#ready.bytes;
  }

  get holdings(): QueueHoldings {
    const ready = this.#ready;
    const retries = this.#retries;
    const stored = this.keepsMessages ? this.#storage.durability!.stored : undefined;
    const readyInMemory = ready.length - ready.onDisk.count;
    const bytesInMemory = ready.bytes - ready.onDisk.bytes + this.unackedBytes +
      (retries?.bytesInMemory ?? 0);
    const objects = ready.objects + this.unackedCount;
    const count = ready.length + this.retryingCount + this.unackedCount;
    return {
      persistent: stored?.persistentCount ?? 0,
      persistentBytes: stored?.persistentBytes ?? 0,
      readyInMemory,
      headTimestamp: ready.head?.message.timestamp(),
      bytesInMemory,
      memory: MEMORY_OF_QUEUE + bytesInMemory + objects * MEMORY_OF_OBJECT +
        (count - objects) * MEMORY_OF_NUMBER,
      consumerCapacity: this.#dispatcher.capacity,
    };
  }

  get counts(): DeliveryCounts {
    this.#counts.deliverNoAck += this.#forgotten;
    this.#forgotten = 0;
    return this.#counts;
  }

  get publishCount(): number {
    return this.#lastPosition - this.#restoredPosition;
  }

  get tellsDeliveryCount(): boolean {
    return this.#settings.tellsDeliveryCount;
  }

  get retryingCount(): number {
    return this.#retries?.length ?? 0;
  }

  /** True when more wait than may, those included that wait for another try, and `more` besides. */
  #exceeds(more = 0, bytes = 0): boolean {
    const { maxLength, maxLengthBytes } = this.#settings;
    return this.#ready.length + this.retryingCount + more > maxLength ||
      this.#ready.bytes + (this.#retries?.bytes ?? 0) + bytes > maxLengthBytes;
  }

  /** True when a message of this size would be too much and the queue refuses such. */
  refuses(size: number): boolean {
    if (!this.#limited) return false;
    return this.#settings.overflow !== "drop-head" && this.#exceeds(1, size);
  }

  /** Takes a message that was refused only to have it dead-lettered, if the queue wants that. */
  refuse(message: Message): void {
    if (this.#settings.overflow !== "reject-publish-dlx") return;
    message.hold(this.#storage.pages);
    this.#die(new QueueEntry(message, 0), "maxlen");
  }

  /** How many consumers there are. */
  get consumerCount(): number {
    return this.#dispatcher.size;
  }

  get consumers(): Iterable<QueueConsumer> {
    return this.#dispatcher;
  }

  /**
   * Says where the message that is pushed next will be, if the store is to have it: so that it is not
   * lost, or because memory is short and it will wait for long, without a page that could go to disk.
   */
  place(placement: Placement, message: Message, persistent: boolean): void {
    const keep = (persistent || this.keepsAll) && this.keepsMessages;
    const { pages } = this.#storage;
    if (!keep && !(pages.short && this.#ready.long && !message.leavesWithPage(pages))) return;
    const durability = this.#storage.durability ??= this.#spill?.();
    if (durability === undefined) return;
    if (keep) placement.transient = false;
    if (this.#prioritised) placement.priority = contentPriority(message);
    this.#placed = this.#lastPosition + 1;
    this.#placedDeadline = this.#deadlineOf(message);
    placement.add(durability.stored, this.#placed, this.#placedDeadline);
  }

  /** When a message that comes in now is too old; 0: never. */
  #deadlineOf({ expirationMs }: Message): number {
    const ttlMs = Math.min(this.#settings.messageTtlMs, expirationMs);
    return ttlMs === Infinity ? 0 : this.#clock.now() + ttlMs;
  }

  /** Takes back what the store had when the broker started. */
  restore(): void {
    const { stored } = this.#storage.durability!;
    const { retry } = this.#settings;
    for (let at = stored.next(0); at !== undefined; at = stored.next(at + 1)) {
      const count = retry === undefined ? 0 : stored.deliveryCount(at);
      // nobody knows since when it has waited, nor why
      if (count > 0) {
        this.#retriesOf().addStored(at, retryDelay(retry, count, retry!.type === "failed")!);
      } else this.#readyToFill.pushStored(at);
      if (stored.deadline(at) !== 0) this.#awaitDeadlines();
    }
    this.#lastPosition = this.#restoredPosition = Math.max(stored.highest, stored.mark);
  }

  /**
   * Takes a message in, or hands it straight to a consumer.
   *
   * @param stored True when the store took it for the queues that had it `place`d.
   */
  push(message: Message, stored = false): void {
    const position = ++this.#lastPosition;
    stored &&= this.#placed === position;
    if (this.#deduplicator?.isDuplicate(message)) {
      if (stored) this.#forget(position);
      return;
    }
    // nor may it overtake what is coming back
    if (this.#ready.length === 0 && this.#returns === 0) {
      const consumer = this.#next();
      if (consumer !== undefined) {
        if (consumer.noAck) {
          this.#forgotten++;
          consumer.deliverForgotten(message, false, 0, 0);
          this.#deduplicator?.forget(message);
          if (stored) this.#forget(position);
        } else {
          message.hold(this.#storage.pages);
          this.unackedCount++;
          this.unackedBytes += message.size;
          if (stored) this.#noteDelivery(position);
          const deadline = stored ? this.#placedDeadline : this.#deadlineOf(message);
          consumer.deliver(
            new QueueEntry(message, position, stored, deadline, this.#priorityOf(message)),
          );
        }
        return;
      }
    }
    this.#enqueue(message, position, stored);
    if (this.#ready.length > BACKLOG && this.#dispatcher.size > 0) {
      this.#behind = true;
      this.#onBacklog();
    }
  }

  /** Whose turn it is; undefined when no consumer has room. */
  #next(): QueueConsumer | undefined {
    const only = this.#only;
    if (only === undefined || !only.inRow) return this.#dispatcher.next();
    if (only.hasRoom()) return only;
    this.#dispatcher.onlyIsBusy(only);
    return undefined;
  }

  #enqueue(message: Message, position: number, stored: boolean): void {
    const deadline = stored ? this.#placedDeadline : this.#deadlineOf(message);
    this.#readyToFill.push(message, position, stored, deadline, this.#priorityOf(message));
    if (this.#limited) this.#trim();
    if (deadline === 0) return;
    this.#awaitDeadlines();
    if (this.#settings.messageTtlMs === 0 || message.expirationMs === 0) this.#buryExpired();
    else this.#watchDeadlines();
  }

  #priorityOf(message: Message): number {
    return this.#prioritised ? contentPriority(message) : 0;
  }

  /** Takes the message that waits longest: `basic.get`. It counts as unacked until it is settled. */
  take(): QueueEntry | undefined {
    this.touch();
    const entry = this.#takeLiving();
    if (this.#deadlines !== undefined) this.#watchDeadlines();
    if (entry !== undefined) {
      this.unackedCount++;
      this.unackedBytes += entry.message.size;
      if (entry.stored) this.#noteDelivery(entry.position);
    }
    this.#relieve();
    return entry;
  }

  #takeLiving(): QueueEntry | undefined {
    const now = this.#deadlines === undefined ? 0 : this.#clock.now();
    for (let entry = this.#ready.shift();; entry = this.#ready.shift()) {
      if (entry === undefined || !isExpired(entry, now)) return entry;
      this.#die(entry, "expired");
    }
  }

  /** Done with a message that was delivered: it is gone. */
  settle(entry: QueueEntry): void {
    this.unackedCount--;
    this.unackedBytes -= entry.message.size;
    this.#leave(entry);
  }

  /** Its consumer does not want a message that was delivered: it is dead. */
  reject(entry: QueueEntry): void {
    this.unackedCount--;
    this.unackedBytes -= entry.message.size;
    this.#die(entry, "rejected");
  }

  /** A dead message has been published once more, or there was nowhere to publish it to. */
  bury(entry: QueueEntry): void {
    const isKept = this.#settings.deadLetterAtLeastOnce && !this.#deleted;
    if (isKept && this.#deaths !== undefined) this.#deaths.atLeastOnce.confirmed++;
    this.#drop(entry);
  }

  #die(entry: QueueEntry, reason: DeathReason): void {
    if (this.#deaths !== undefined && !this.#deleted) this.#deaths[this.#strategy][reason]++;
    // before it goes on, since it may come back here
    this.#forgetValue(entry);
    if (
      this.#deleted || this.#onDeath === undefined ||
      this.#settings.deadLetterExchange === undefined
    ) {
      this.#drop(entry, reason === "maxlen");
    } else this.#onDeath(this, entry, reason);
  }

  get #strategy(): DeadLetterStrategy {
    const { deadLetterExchange, deadLetterAtLeastOnce } = this.#settings;
    if (deadLetterExchange === undefined) return "disabled";
    return deadLetterAtLeastOnce ? "atLeastOnce" : "atMostOnce";
  }

  /** Lets the oldest messages go while more wait than may, a bounded number at a time. */
  #trim(): void {
    if (!this.#limited || this.#settings.overflow !== "drop-head") return;
    let count = 0;
    while (this.#exceeds()) {
      if (count++ === DISPATCH_BATCH || this.#waitsForDisk) return this.#goOnLater();
      const entry = this.#ready.shift();
      if (entry === undefined) return this.#readAgainLater();
      this.#die(entry, "maxlen");
    }
    if (count === 0) return;
    // another one is at the head now
    this.#watchDeadlines();
    this.#relieve();
  }

  /** Lets go what is too old, a bounded number at a time, and waits for what will be. */
  #buryExpired(): void {
    const now = this.#clock.now();
    const { pages } = this.#storage;
    const { reads } = pages;
    for (let count = 0; count < DISPATCH_BATCH; count++) {
      // where there are priorities, others than the next one are too old
      const hasReadEnough = pages.reads > reads && !pages.mayRead;
      if (hasReadEnough || this.#waitsForDisk) {
        this.#relieve();
        return this.#goOnLater(true);
      }
      const entry = this.#ready.shiftExpired(now);
      if (entry === undefined) {
        this.#relieve();
        return this.#watchDeadlines();
      }
      this.#die(entry, "expired");
    }
    this.#relieve();
    this.#deadlines?.watch(now);
  }

  /** A message has a deadline: from now on they are looked at. */
  #awaitDeadlines(): void {
    if (this.#deadlines !== undefined) return;
    this.#deadlines = new DeadlineTimer(this.#clock, () => this.#buryExpired());
    if (this.#stopped) this.#deadlines.stop();
  }

  /** Sets the timer for the next deadline. */
  #watchDeadlines(): void {
    if (this.#deadlines === undefined) return;
    if (this.#waitsForDisk) return this.#goOnLater();
    const next = this.#ready.nextDeadline();
    if (next !== 0) this.#deadlines.watch(next);
    else if (this.#ready.peek() === undefined) this.#readAgainLater();
  }

  /** A message is in the queue no longer, and so another one of its kind is no duplicate. */
  #leave(entry: QueueEntry): void {
    this.#forgetValue(entry);
    this.#drop(entry);
  }

  #forgetValue(entry: QueueEntry): void {
    // what was refused was never in here
    if (entry.position > 0) this.#deduplicator?.forget(entry.message);
  }

  #drop(entry: QueueEntry, replaced = false): void {
    if (entry.stored && !this.#deleted) this.#forget(entry.position, replaced);
    entry.message.release(this.#storage.pages);
  }

  #forget(position: number, replaced = false): void {
    const { store, stored } = this.#storage.durability!;
    // a purge may take longer than the broker lives
    if (store.state === "closed") return;
    store.settle(stored, position, replaced);
  }

  /** After a crash it will count as redelivered. */
  #noteDelivery(position: number): void {
    if (!this.keepsMessages) return;
    const { store, stored } = this.#storage.durability!;
    store.delivered(stored, position);
  }

  /** Takes back what was delivered, each to the place it had; sorted by position. */
  requeue(entries: readonly QueueEntry[], failed = false): void {
    this.unackedCount -= entries.length;
    for (const { message } of entries) this.unackedBytes -= message.size;
    if (this.#deleted) {
      for (const entry of entries) entry.message.release(this.#storage.pages);
      return;
    }
    const { deliveryLimit } = this.#settings;
    const counts = failed || this.#profile.nackCounts ? 1 : 0;
    let dead = 0;
    for (const entry of entries) {
      entry.redelivered = true;
      entry.acquiredCount++;
      entry.deliveryCount += counts;
      if (entry.deliveryCount > deliveryLimit) dead++;
      else if (entry.stored) {
        const { store, stored } = this.#storage.durability!;
        store.returned(stored, entry.position, entry.deliveryCount);
      }
    }
    const isDead = (entry: QueueEntry) => entry.deliveryCount > deliveryLimit;
    const living = dead === 0 ? entries : entries.filter((entry) => !isDead(entry));
    if (this.#settings.retry === undefined) this.#putBack(living);
    else this.#putBack(living.filter((entry) => !this.#waitsForRetry(entry, failed)));
    if (dead > 0) {
      for (const entry of entries) if (isDead(entry)) this.#die(entry, "delivery_limit");
    }
    this.#trim();
    this.dispatch();
  }

  holdBack(): void {
    this.#returns++;
  }

  handOut(): void {
    this.#returns--;
    if (!this.#deleted) this.dispatch();
  }

  /** Puts what came back where it goes out again from. */
  #putBack(entries: readonly QueueEntry[]): void {
    if (this.#quorum && this.#settings.deliveryLimit === Infinity) {
      this.#readyToFill.putLast(entries);
    } else this.#readyToFill.putBack(entries);
    if (this.#deadlines !== undefined || entries.some(({ deadline }) => deadline !== 0)) {
      this.#awaitDeadlines();
      this.#buryExpired();
    }
  }

  /** Keeps a message that came back until it may be tried again, if the queue's settings want that. */
  #waitsForRetry(entry: QueueEntry, failed: boolean): boolean {
    const delayMs = retryDelay(this.#settings.retry, entry.deliveryCount, failed);
    if (delayMs === undefined) return false;
    this.#retriesOf().add(entry, delayMs);
    return true;
  }

  #retriesOf(): Retries {
    return this.#retries ??= new Retries(this.#storage, this.#clock, (entries) => {
      this.#putBack(entries);
      this.#trim();
      this.dispatch();
    });
  }

  /** Drops all messages that wait and tells how many. */
  purge(): number {
    this.#deduplicator?.clear();
    const forget = (position: number) => {
      if (!this.#deleted) this.#forget(position);
    };
    const retrying = this.#retries?.clear(forget) ?? 0;
    const list = this.#ready;
    const count = list.length;
    if (count === 0) return retrying;
    this.#ready = NOTHING_READY;
    (this.#discard ??= new Discard()).add((max) => {
      list.drop(max, forget);
      return list.length === 0;
    });
    this.#relieve();
    return count + retrying;
  }

  browse(options: CompleteBrowseOptions): QueuedMessage[] {
    const { limit } = options;
    for (let { after } = options;;) {
      const found = this.#ready.browse(after, limit);
      if (this.#retries !== undefined) found.push(...this.#retries.browse(after, limit));
      const waiting = firstOf(found, limit);
      const { told, done } = describeMessages(waiting, this.#storage, options);
      if (told.length > 0 || done === 0) return told;
      // all of these are damaged, but more may wait behind them
      after = waiting[done - 1]!.position;
    }
  }

  /** How many messages may be dropped or moved by their positions in a turn: each may have to be read from
   * disk. */
  get atOnce(): number {
    return this.#ready.onDisk.count > 0 ? READS_AT_ONCE : POSITIONS_AT_ONCE;
  }

  /** Drops waiting messages by their positions, and tells how many there were. */
  discard(positions: ReadonlySet<number>): number {
    const taken = this.#takeAt(positions);
    // what was there must be forgotten by its contents, too
    if (this.#deduplicator !== undefined) {
      for (const entry of this.#entriesOf(taken)) this.#leave(entry);
    } else {
      for (const { position, entry } of taken) {
        if (entry === undefined) this.#forget(position);
        else this.#drop(entry);
      }
    }
    this.#relieve();
    return taken.length;
  }

  /**
   * Takes waiting messages out that are published elsewhere.
   *
   * @param which So many at most, the next ones first, as far as they can be read at once; or those at
   * some positions.
   * @param publish Publishes one of them; false: it cannot be, so it stays, and so do the others.
   * @returns How many left, and whether none stayed of those that were taken out.
   * @throws What `publish` throws; then it is as if it had returned false.
   */
  moveOut(
    which: number | ReadonlySet<number>,
    publish: (entry: QueueEntry) => boolean,
  ): { count: number; all: boolean } {
    const taken = typeof which === "number" ? [] : this.#takeAt(which);
    const entries = typeof which === "number" ? this.#takeNext(which) : this.#entriesOf(taken);
    let count = 0;
    try {
      while (count < entries.length && this.#movesOut(entries[count]!, publish)) count++;
    } finally {
      const rest = entries.slice(count);
      if (rest.length > 0) this.#stay(rest, taken);
      this.#relieve();
    }
    return { count, all: count === entries.length };
  }

  #movesOut(entry: QueueEntry, publish: (entry: QueueEntry) => boolean): boolean {
    // it may be moved to where it is
    this.#forgetValue(entry);
    let moved = false;
    try {
      moved = publish(entry);
    } finally {
      if (moved) this.#drop(entry);
      else this.#deduplicator?.isDuplicate(entry.message);
    }
    return moved;
  }

  /** Puts back what was taken out and could not be moved; what waited for another try waits on. */
  #stay(entries: readonly QueueEntry[], taken: readonly TakenMessage[]): void {
    const retryTimes = new Map(taken.map(({ position, retryTime }) => [position, retryTime]));
    const isRetry = ({ position }: QueueEntry) => (retryTimes.get(position) ?? 0) > 0;
    for (const entry of entries.filter(isRetry)) {
      const waitMs = retryTimes.get(entry.position)! - this.#clock.now();
      this.#retriesOf().add(entry, Math.max(0, waitMs));
    }
    this.#readyToFill.putBack(entries.filter((entry) => !isRetry(entry)));
    this.dispatch();
  }

  #takeNext(count: number): QueueEntry[] {
    const entries: QueueEntry[] = [];
    const { pages } = this.#storage;
    const { reads } = pages;
    while (entries.length < count && pages.reads - reads < READS_AT_ONCE) {
      const entry = this.#ready.shift();
      if (entry === undefined) break;
      entries.push(entry);
    }
    return entries;
  }

  #takeAt(positions: ReadonlySet<number>): TakenMessage[] {
    if (positions.size === 0) return [];
    const taken = this.#ready.take(positions);
    return this.#retries === undefined ? taken : [...taken, ...this.#retries.take(positions)];
  }

  /** Reads those that the store has, in order of their positions. */
  #entriesOf(taken: readonly TakenMessage[]): QueueEntry[] {
    const entries = taken.map(({ entry }) => entry).filter((entry) => entry !== undefined);
    const stored = taken.filter(({ entry }) => entry === undefined).map(({ position }) => position)
      .sort((a, b) => a - b);
    if (stored.length === 0) return entries.sort((a, b) => a.position - b.position);
    const read = readEntries(
      this.#storage,
      stored,
      (entry) => entries.push(entry),
      this.#storage.onUnreadable,
    );
    // what the disk does not give now comes back when it may
    for (const position of stored.slice(read)) this.#retriesOf().addStored(position, READ_AGAIN_MS);
    return entries.sort((a, b) => a.position - b.position);
  }

  get purging(): boolean {
    return this.#discard?.busy ?? false;
  }

  whenPurged(callback: () => void): void {
    (this.#discard ??= new Discard()).whenDone(callback);
  }

  /** Adds a consumer and gives it what waits. */
  addConsumer(consumer: QueueConsumer, options: ConsumeOptions): void {
    this.#dispatcher.add(consumer);
    this.#only = this.#dispatcher.only;
    this.touch();
    if (options.exclusive) this.exclusiveConsumer = consumer;
    this.dispatch();
  }

  /**
   * Removes a consumer; what was delivered to it stays unacked.
   *
   * @param options `quietly`: whoever is served in its place gets nothing yet, since what it had comes
   * back first.
   */
  removeConsumer(consumer: QueueConsumer, options: { readonly quietly?: boolean } = {}): void {
    if (!this.#dispatcher.remove(consumer)) return;
    this.#only = this.#dispatcher.only;
    this.touch();
    if (this.exclusiveConsumer === consumer) this.exclusiveConsumer = undefined;
    if (this.autoDelete && this.#dispatcher.size === 0 && !this.#deleted) this.#onUnused(this);
    // where only one is served, another one is now
    else if (this.#dispatcher.single && this.#ready.length > 0 && !options.quietly) this.dispatch();
  }

  /** A consumer that had no room for more has some again. */
  consumerHasRoom(consumer: QueueConsumer): void {
    this.#dispatcher.rejoin(consumer);
    if (this.#ready.length > 0) this.dispatch();
  }

  /** Hands out what waits to those who have room, a bounded number at a time. */
  dispatch(): void {
    if (this.#returns > 0) return;
    const before = this.#ready.length;
    this.#handOutSome();
    if (this.#deadlines !== undefined) this.#watchDeadlines();
    if (!this.#behind) return;
    const { length } = this.#ready;
    if (length < RELIEF) this.#relieve();
    else if (length < before) this.#onTaken(before - length);
  }

  /** What waits became less, by whatever way: publishers that wait for that may go on. */
  #relieve(): void {
    if (!this.#behind || this.#ready.length >= RELIEF) return;
    this.#behind = false;
    this.#onRelief();
  }

  #handOutSome(): void {
    const now = this.#deadlines === undefined ? 0 : this.#clock.now();
    for (let count = 0; count < DISPATCH_BATCH; count++) {
      if (this.#ready.length === 0) return;
      if (this.#waitsForDisk) break;
      const consumer = this.#next();
      if (consumer === undefined) return;
      const entry = this.#ready.shift();
      if (entry === undefined) return this.#readAgainLater();
      if (isExpired(entry, now)) this.#die(entry, "expired");
      else if (consumer.noAck) {
        const { message, redelivered, deliveryCount, acquiredCount } = entry;
        this.#forgotten++;
        consumer.deliverForgotten(message, redelivered, deliveryCount, acquiredCount);
        this.#leave(entry);
      } else {
        this.unackedCount++;
        this.unackedBytes += entry.message.size;
        if (entry.stored) this.#noteDelivery(entry.position);
        consumer.deliver(entry);
      }
    }
    this.#goOnLater();
  }

  #goOnLater(reads = this.#waitsForDisk): void {
    if (this.#goesOn) return;
    this.#goesOn = true;
    const goOn = () => {
      this.#goesOn = false;
      this.#trim();
      this.dispatch();
    };
    if (reads) this.#storage.pages.whenMayRead(goOn);
    else atEndOfTurn(goOn);
  }

  /** True when the next message has to be read, and enough was read from disk in this turn. */
  get #waitsForDisk(): boolean {
    const { mayRead } = this.#storage.pages;
    return !mayRead && this.#ready.head === undefined && this.#ready.onDisk.count > 0;
  }

  /** Something may wait that cannot be read. Until it can, nothing goes out, so that order is kept. */
  #readAgainLater(): void {
    if (this.#ready.length === 0 || this.#stopped) return;
    this.#stopWaiting ??= this.#clock.after(READ_AGAIN_MS, () => {
      this.#stopWaiting = undefined;
      this.#trim();
      this.dispatch();
    });
  }

  /** Ends the queue: its consumers are cancelled, its messages dropped. Tells how many those were. */
  delete(): number {
    this.#deleted = true;
    this.finding?.forget();
    this.finding = undefined;
    this.stop();
    const { durability } = this.#storage;
    if (durability !== undefined) {
      const { store, stored } = durability;
      (this.#discard ??= new Discard()).add((max) =>
        store.state === "closed" || store.removeQueue(stored, max)
      );
    }
    for (const consumer of [...this.#dispatcher]) {
      this.#dispatcher.remove(consumer);
      consumer.cancelled();
    }
    this.#only = this.exclusiveConsumer = undefined;
    return this.purge();
  }
}

function isExpired({ deadline }: QueueEntry, now: number): boolean {
  return deadline !== 0 && deadline <= now;
}
