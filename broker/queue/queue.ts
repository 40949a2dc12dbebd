import { doBatch } from "../amqp/batches.ts";
import type { Clock } from "../amqp/clock.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import { contentPriority, saysPriority } from "../amqp/content_codec.ts";
import { hideInside } from "../amqp/hidden_inside.ts";
import { rankOf } from "../amqp/strict_priority.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import { DROP_IN } from "../profiles.ts";
import type { Placement } from "../store/placement.ts";
import type { StoreError } from "../store/error.ts";
import { READS_AT_ONCE } from "../reading_turns.ts";
import { type CompleteBrowseOptions, describeMessages, type QueuedMessage } from "./browsing.ts";
import { cancelAll } from "./cancelling.ts";
import type { QueueConsumer } from "./consumer.ts";
import { DeadlineTimer } from "./deadline_timer.ts";
import { Deduplicator } from "./deduplicator.ts";
import { Discard } from "./discard.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Dying } from "./dying.ts";
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
  type ReturnCause,
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
import type { StoredReturn } from "./returned_stored.ts";
import { Retries, retryDelay } from "./retries.ts";
import type { QueueDurability, QueueStorage } from "./storage.ts";
import { readEntries } from "./stored_message.ts";
import { type DeadLetterStrategy, type DeathsByStrategy, DeliveryCounts } from "../stats.ts";
import { UnusedExpiry } from "./unused_expiry.ts";
import { firstOf, type Taken, type TakenMessage } from "./waiting.ts";

/** So many waiting messages go out before others get a chance to do something. */
const DISPATCH_BATCH = 1000;

/** So many that it kept are handed on to be published, each of which is paid for with some others. */
const HANDED_ON = 64;

/** So many are dropped or moved by their positions at once, where nothing has to be read from disk. */
const POSITIONS_AT_ONCE = 100;

/** So many that are too much, or too old, go with each message that comes in, where there are more of them
 * than there is time for: or whoever publishes would be ahead of them for ever. */
const DEAD_FOR_ONE = 2;

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
  /** Called for each message that joins a long row although there are consumers: how long it is now. */
  readonly onBacklog: (queue: Queue, length: number) => void;
  /** Called when consumers took so many messages from such a row. */
  readonly onTaken: (count: number) => void;
  /** Called when its row becomes such a one, and when it has become short, or has no consumers any more. */
  readonly onBehind: (queue: Queue) => void;
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
  /** Asked before a message dies by itself that is to be published once more. True: so many wait for that
   * that it must stay where it is until `Queue.buryOn` is called. `patiently`: that may be whenever somebody
   * takes them, since nothing waits behind it. Default: never. */
  readonly mustKeepDead?: ((queue: Queue, patiently: boolean) => boolean) | undefined;
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
  private _limited = false;
  private _lastPosition = 0;
  /** How many went to consumers that do not ack, and are not in `_counts`. */
  private _forgotten = 0;
  /** How many give something back, and have not done with it. */
  private _returns = 0;
  private _ready: ReadyList = NOTHING_READY;
  /** Tells messages that were there before, when that is asked for. */
  private readonly _deduplicator: Deduplicator | undefined;
  /** The one consumer, where there is no other. */
  private _only: QueueConsumer | undefined = undefined;

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
  private readonly _counts = new DeliveryCounts();

  /** True when persistent messages of this queue survive a restart. */
  readonly keepsMessages: boolean;
  /** True when all messages count as persistent, whatever they say themselves: in a quorum queue. */
  readonly keepsAll: boolean;
  /** A message is gone once it is settled. */
  readonly keepsDelivered = false;

  private readonly _storage: QueueStorage;
  private readonly _spill: (() => QueueDurability) | undefined;
  private readonly _clock: Clock;
  private readonly _onBacklog: (queue: Queue, length: number) => void;
  private readonly _onTaken: (count: number) => void;
  private readonly _onBehind: (queue: Queue) => void;
  private readonly _onUnused: (queue: Queue) => void;
  private readonly _onDeath: QueueOptions["onDeath"];
  private readonly _mustKeepDead: QueueOptions["mustKeepDead"];
  private readonly _deaths: QueueOptions["deaths"];
  /** Those that came back and wait before they go out again; undefined: there never were any. */
  private _retries: Retries | undefined = undefined;
  /** Lets go of what was purged or deleted. */
  private _discard: Discard | undefined = undefined;
  private readonly _dispatcher: Dispatcher;
  /** True when messages go out by their priority. */
  private readonly _prioritised: boolean;
  private readonly _maxPriority: number;
  /** True when they do so by its rank, as in quorum queues. */
  private readonly _ranks: boolean;
  /** True when what comes back goes out next, or last, and not where it was. */
  private readonly _quorum: boolean;
  private readonly _profile: QueueProfile;
  private _settings: QueueSettings = NO_SETTINGS;
  /** Waits for the next deadline; undefined: no message ever had one. */
  private _deadlines: DeadlineTimer | undefined = undefined;
  /** True while more of them may have come than there was time for. */
  private _overdue = false;
  /** Ends the queue when nobody uses it; undefined: it may be unused for ever. */
  private _unused: UnusedExpiry | undefined = undefined;
  /** The last position that was given before the broker started. */
  private _restoredPosition = 0;
  /** The position that was last said to the store. */
  private _placed = 0;
  /** The deadline that was said with it. */
  private _placedDeadline = 0;
  private _stopWaiting: (() => void) | undefined = undefined;
  /** How many are dead and not yet buried, and the sizes of their bodies. */
  private _dead = 0;
  private _deadBytes = 0;
  /** Those of them that it keeps, where none may be lost; undefined: there never were any. */
  private _dying: Dying | undefined = undefined;
  private _deleted = false;
  private _stopped = false;
  takesLater = false;
  /** True while a part of the work waits for the end of the turn. */
  private _goesOn = false;
  /** True while its row is long and has consumers: see `onBehind`. */
  behind = false;

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
    this._storage = {
      pages,
      durability,
      onUnreadable: (_, error) => onUnreadable?.(error, this.name),
    };
    this._maxPriority = Number(options.arguments["x-max-priority"] ?? 0);
    this._prioritised = this._maxPriority > 0;
    this._quorum = this.keepsAll;
    this._profile = options.profile ?? DROP_IN;
    this._ranks = this._quorum && this._profile.quorumPriorities;
    if (this._ranks && durability !== undefined) durability.stored.ranks = true;
    this._dispatcher = new Dispatcher({
      single: options.arguments["x-single-active-consumer"] === true,
      yields: this._quorum,
      clock: options.clock,
    });
    this._onDeath = options.onDeath;
    this._mustKeepDead = options.mustKeepDead;
    this._deaths = options.deaths;
    this._deduplicator = Deduplicator.ofQueue(options.arguments, options.clock);
    this._spill = options.spill;
    this._clock = options.clock;
    this._onBacklog = options.onBacklog;
    this._onTaken = options.onTaken;
    this._onBehind = options.onBehind;
    this._onUnused = options.onUnused;
    if (options.settings !== undefined) this.configure(options.settings);
  }

  /** What others see of it: see `hideInside`. */
  toJSON(): Record<string, unknown> {
    const { kind, name, queueType, durable, autoDelete, arguments: arguments_ } = this;
    return { kind, name, queueType, durable, autoDelete, arguments: arguments_ };
  }

  /** What waits, to add something. Made for the first message that does: in many queues none ever has to. */
  private get _readyToFill(): ReadyList {
    if (this._ready !== NOTHING_READY) return this._ready;
    return this._ready = this._prioritised
      ? new PriorityReadyList(this._storage, this._maxPriority)
      : new FifoReadyList(this._storage, { inOrderOfReturn: this._quorum });
  }

  /** What waits, to add something of this rank. Most quorum queues have messages of the usual one alone. */
  private _readyForRank(rank: number): ReadyList {
    const ready = this._readyToFill;
    if (rank === 0 || ready instanceof PriorityReadyList) return ready;
    return this._ready = PriorityReadyList.ofRanks(this._storage, ready as FifoReadyList);
  }

  /** What governs its messages. */
  get settings(): QueueSettings {
    return this._settings;
  }

  applyPolicy(policy: FieldTable): void {
    this.configure(queueSettings(this.arguments, policy, this._profile));
  }

  /** Puts new settings into effect, on what waits as well. */
  configure(settings: QueueSettings): void {
    const { consumerTimeoutMs, expiresMs } = this._settings;
    this._settings = settings;
    this._limited = settings.maxLength < Infinity || settings.maxLengthBytes < Infinity;
    if (settings.expiresMs !== expiresMs) this._expireAfter(settings.expiresMs);
    if (settings.consumerTimeoutMs !== consumerTimeoutMs) {
      for (const consumer of this._dispatcher) consumer.timeoutChanged();
    }
    this._trim();
  }

  get consumerTimeoutMs(): number | undefined {
    return this._settings.consumerTimeoutMs;
  }

  private _expireAfter(expiresMs: number): void {
    this._unused?.stop();
    this._unused = undefined;
    if (expiresMs === Infinity || this._stopped) return;
    this._unused = new UnusedExpiry({
      clock: this._clock,
      expiresMs,
      inUse: () => this._dispatcher.size > 0,
      onExpired: () => this._onUnused(this),
    });
  }

  /** Somebody uses the queue: its time to be unused begins again. */
  touch(): void {
    this._unused?.touch();
  }

  /** All is restored, exchanges and bindings too: what is too old or too much can go. */
  start(): void {
    if (this._hasDying) this._handOnDying();
    this._trim();
    if (this._deadlines !== undefined) this._buryExpired();
  }

  /** Sets no timer any more: the broker closes. */
  stop(): void {
    this._stopped = true;
    this._stopWaiting?.();
    this._deadlines?.stop();
    this._unused?.stop();
    this._retries?.stop();
  }

  /** True once it is deleted: what is left of it are deliveries that nobody needs to settle. */
  get deleted(): boolean {
    return this._deleted;
  }

  /** True when only one consumer at a time is served. */
  get singleActiveConsumer(): boolean {
    return this._dispatcher.single;
  }

  get activeConsumer(): QueueConsumer | undefined {
    return this._dispatcher.active;
  }

  /** True for a queue that belongs to one connection. */
  get exclusive(): boolean {
    return this.owner !== undefined;
  }

  /** How many messages wait. */
  get messageCount(): number {
    return this._ready.length;
  }

  /** The sizes of the bodies that wait. */
  get messageBytes(): number {
    return this._ready.bytes;
  }

  get holdings(): QueueHoldings {
    const ready = this._ready;
    const retries = this._retries;
    const stored = this.keepsMessages ? this._storage.durability!.stored : undefined;
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
      consumerCapacity: this._dispatcher.capacity,
    };
  }

  get counts(): DeliveryCounts {
    this._counts.deliverNoAck += this._forgotten;
    this._forgotten = 0;
    return this._counts;
  }

  get publishCount(): number {
    return this._lastPosition - this._restoredPosition;
  }

  get tellsDeliveryCount(): boolean {
    return this._settings.tellsDeliveryCount;
  }

  get retryingCount(): number {
    return this._retries?.length ?? 0;
  }

  get dyingCount(): number {
    return this._settings.deadLetterAtLeastOnce ? this._dead : 0;
  }

  /** True when more wait than may, those included that wait for another try, and `more` besides. */
  private _exceeds(more = 0, bytes = 0): boolean {
    const { maxLength, maxLengthBytes } = this._settings;
    return this._ready.length + this.retryingCount + more > maxLength ||
      this._ready.bytes + (this._retries?.bytes ?? 0) + bytes > maxLengthBytes;
  }

  refuses(size: number, isDead = false): boolean {
    if (!this._limited || this._settings.overflow === "drop-head") return false;
    if (this._exceeds(1, size)) return true;
    // what has died and may not be lost is there until somebody takes it. Dead ones of other queues come in
    // all the same, or two queues that are full of dead ones for each other would wait for ever
    return this._settings.deadLetterAtLeastOnce && !isDead &&
      this._exceeds(1 + this._dead, size + this._deadBytes);
  }

  /** Takes a message that was refused only to have it dead-lettered, if the queue wants that. */
  refuse(message: Message): void {
    if (this._settings.overflow !== "reject-publish-dlx") return;
    message.hold(this._storage.pages);
    this._die(new QueueEntry(message, 0), "maxlen");
  }

  /** How many consumers there are. */
  get consumerCount(): number {
    return this._dispatcher.size;
  }

  get consumers(): Iterable<QueueConsumer> {
    return this._dispatcher;
  }

  /**
   * Says where the message that is pushed next will be, if the store is to have it: so that it is not
   * lost, or because memory is short and it will wait for long, without a page that could go to disk.
   */
  place(placement: Placement, message: Message, persistent: boolean): void {
    // the store may not have taken the one that was to be there
    this._placed = 0;
    const keep = (persistent || this.keepsAll) && this.keepsMessages;
    if (!keep && !this._hasNoRoomFor(placement, message)) return;
    const durability = this._storage.durability ??= this._spill?.();
    if (durability === undefined) return;
    if (this._ranks) this._placeRank(placement, message, durability);
    if (keep) placement.transient = false;
    if (this._prioritised) placement.priority = contentPriority(message);
    this._placed = this._lastPosition + 1;
    this._placedDeadline = this._deadlineOf(message);
    placement.add(durability.stored, this._placed, this._placedDeadline);
  }

  private _placeRank(placement: Placement, message: Message, { stored }: QueueDurability): void {
    stored.ranks = true;
    if (!saysPriority(message)) return;
    placement.priority = contentPriority(message);
    placement.lowest = placement.priority === 0;
  }

  /** True when the store is to have a message only because memory is short. */
  private _hasNoRoomFor({ keptByOthers }: Placement, message: Message): boolean {
    const { pages } = this._storage;
    return pages.short && this._ready.long && !(keptByOthers && this.keepsMessages) &&
      !message.leavesWithPage(pages);
  }

  /** When a message that comes in now is too old; 0: never. */
  private _deadlineOf({ expirationMs }: Message): number {
    const ttlMs = Math.min(this._settings.messageTtlMs, expirationMs);
    return ttlMs === Infinity ? 0 : this._clock.now() + ttlMs;
  }

  /** Takes back what the store had when the broker started. */
  restore(): void {
    const { stored } = this._storage.durability!;
    const { retry, deliveryLimit, deadLetterAtLeastOnce } = this._settings;
    const countMax = deadLetterAtLeastOnce && this._onDeath !== undefined
      ? deliveryLimit
      : Infinity;
    for (let at = stored.next(0); at !== undefined; at = stored.next(at + 1)) {
      const count = retry === undefined && countMax === Infinity ? 0 : stored.deliveryCount(at);
      if (count > countMax) {
        this._restoreDead(at);
        continue;
      }
      // nobody knows since when it has waited, nor why
      if (count > 0 && retry !== undefined) {
        this._retriesOf().addStored(at, retryDelay(retry, count, retry.type === "failed")!);
      } else if (this._ranks) this._readyForRank(stored.priority(at)).pushStored(at);
      else this._readyToFill.pushStored(at);
      if (stored.deadline(at) !== 0) this._awaitDeadlines();
    }
    this._lastPosition = this._restoredPosition = Math.max(stored.highest, stored.mark);
  }

  /** One had died, and nobody had taken it: no consumer gets it once more. */
  private _restoreDead(position: number): void {
    const size = this._storage.durability!.stored.bodySize(position);
    if (this._deaths !== undefined) this._deaths.atLeastOnce.delivery_limit++;
    this._dead++;
    this._deadBytes += size;
    this._dyingToFill.addStored(position, size, "delivery_limit");
  }

  /**
   * Takes a message in, or hands it straight to a consumer.
   *
   * @param stored True when the store took it for the queues that had it `place`d.
   */
  push(message: Message, stored = false): void {
    const position = ++this._lastPosition;
    stored &&= this._placed === position;
    if (this._deduplicator?.isDuplicate(message, position)) {
      if (stored) this._forget(position);
      return;
    }
    // nor may it overtake what is coming back
    if (this._ready.length === 0 && this._returns === 0) {
      const consumer = this._next();
      if (consumer !== undefined) {
        if (consumer.noAck) {
          this._forgotten++;
          consumer.deliverForgotten(message, false, 0, 0);
          this._deduplicator?.forget(message, position);
          if (stored) this._forget(position);
        } else {
          message.hold(this._storage.pages);
          this.unackedCount++;
          this.unackedBytes += message.size;
          if (stored) this._noteDelivery(position);
          const deadline = stored ? this._placedDeadline : this._deadlineOf(message);
          consumer.deliver(
            new QueueEntry(message, position, stored, deadline, this._priorityOf(message)),
          );
        }
        return;
      }
    }
    this._enqueue(message, position, stored);
    if (this._ready.length > BACKLOG && this._dispatcher.size > 0) {
      if (!this.behind) this._setBehind(true);
      this._onBacklog(this, this._ready.length);
    }
  }

  /** Whose turn it is; undefined when no consumer has room. */
  private _next(): QueueConsumer | undefined {
    const only = this._only;
    if (only === undefined || !only.inRow) return this._dispatcher.next();
    if (only.hasRoom()) return only;
    this._dispatcher.onlyIsBusy(only);
    return undefined;
  }

  private _enqueue(message: Message, position: number, stored: boolean): void {
    const deadline = stored ? this._placedDeadline : this._deadlineOf(message);
    const priority = this._priorityOf(message);
    const ready = this._ranks ? this._readyForRank(priority) : this._readyToFill;
    ready.push(message, position, stored, deadline, priority);
    if (this._limited) this._trim();
    if (this._overdue) this._buryExpired({ max: DEAD_FOR_ONE });
    if (deadline === 0) return;
    this._awaitDeadlines();
    if (this._settings.messageTtlMs === 0 || message.expirationMs === 0) {
      this._buryExpired({ anyway: DEAD_FOR_ONE });
    } else if (!this._overdue) this._watchDeadlines();
  }

  private _priorityOf(message: Message): number {
    if (this._ranks) {
      return saysPriority(message) ? rankOf(contentPriority(message), true) : 0;
    }
    return this._prioritised ? contentPriority(message) : 0;
  }

  /** Takes the message that waits longest: `basic.get`. It counts as unacked until it is settled. */
  take(): QueueEntry | undefined {
    this.touch();
    const entry = this._takeLiving();
    if (this._deadlines !== undefined) this._watchDeadlines();
    if (entry !== undefined) {
      this.unackedCount++;
      this.unackedBytes += entry.message.size;
      if (entry.stored) this._noteDelivery(entry.position);
    }
    this._relieve();
    return entry;
  }

  private _takeLiving(): QueueEntry | undefined {
    this.takesLater = false;
    const now = this._deadlines === undefined ? 0 : this._clock.now();
    for (let count = 0; count < DISPATCH_BATCH && !this._keepsHead(now); count++) {
      const entry = this._ready.shift();
      if (entry === undefined || !isExpired(entry, now)) return entry;
      this._die(entry, "expired");
    }
    this.takesLater = true;
    return undefined;
  }

  /** True when the next message is too old, and must not die yet. */
  private _keepsHead(now: number): boolean {
    if (now === 0) return false;
    const head = this._ready.peek();
    return head !== undefined && isExpired(head, now) && this._keepsDead(false);
  }

  private _keepsDead(patiently: boolean): boolean {
    if (this._settings.deadLetterExchange === undefined) return false;
    return patiently && this._hasDying || (this._mustKeepDead?.(this, patiently) ?? false);
  }

  /** True while it keeps some that are dead: what dies then comes after them. */
  private get _hasDying(): boolean {
    return this._dying !== undefined && this._dying.length > 0;
  }

  /** Messages that had to be kept may die now, those that have died already before all others. */
  buryOn(): void {
    if (this._stopped) return;
    this._handOnDying();
    this._trim();
    // which looks after those that are too old as well
    this.dispatch();
  }

  /** Done with a message that was delivered: it is gone. */
  settle(entry: QueueEntry): void {
    this.unackedCount--;
    this.unackedBytes -= entry.message.size;
    this._leave(entry);
  }

  /** Its consumer does not want a message that was delivered: it is dead. */
  reject(entry: QueueEntry): void {
    this.unackedCount--;
    this.unackedBytes -= entry.message.size;
    this._die(entry, "rejected");
  }

  /** A dead message has been published once more, or there was nowhere to publish it to. */
  bury(entry: QueueEntry): void {
    const isKept = this._settings.deadLetterAtLeastOnce && !this._deleted;
    if (isKept && this._deaths !== undefined) this._deaths.atLeastOnce.confirmed++;
    this._deadLeft(entry.message.size);
    this._drop(entry);
  }

  private _die(entry: QueueEntry, reason: DeathReason): void {
    if (this._deaths !== undefined && !this._deleted) this._deaths[this._strategy][reason]++;
    // before it goes on, since it may come back here
    this._forgetValue(entry);
    if (
      this._deleted || this._onDeath === undefined ||
      this._settings.deadLetterExchange === undefined
    ) {
      this._drop(entry, reason === "maxlen");
    } else {
      this._dead++;
      this._deadBytes += entry.message.size;
      if (this._mustKeepDying()) this._dyingToFill.add(entry, reason);
      else this._onDeath(this, entry, reason);
    }
  }

  /** True when one that has died must stay here as well, since so many wait that nobody takes. What may be lost
   * stays with the others: it does not wait for long. */
  private _mustKeepDying(): boolean {
    return this._settings.deadLetterAtLeastOnce ? this._keepsDead(true) : this._hasDying;
  }

  private get _dyingToFill(): Dying {
    return this._dying ??= new Dying(this._storage, (size) => this._deadLeft(size));
  }

  /** One that is dead, with so many bytes in its body, is buried, or lost. */
  private _deadLeft(size: number): void {
    this._deadBytes -= size;
    // where one was lost its size was a guess
    if (--this._dead === 0) this._deadBytes = 0;
  }

  /** Hands on what has died, as far as there is room, a bounded number at a time. */
  private _handOnDying(): void {
    let count = 0;
    while (this._hasDying && !this._stopped && !this._mustKeepDead?.(this, true)) {
      const { mayRead } = this._storage.pages;
      if (count >= HANDED_ON || !mayRead) return this._goOnLater(!mayRead);
      const canRead = this._dying!.take((entry, reason) => {
        count++;
        this._onDeath!(this, entry, reason);
      });
      if (!canRead) return this._readAgainLater();
    }
  }

  private get _strategy(): DeadLetterStrategy {
    const { deadLetterExchange, deadLetterAtLeastOnce } = this._settings;
    if (deadLetterExchange === undefined) return "disabled";
    return deadLetterAtLeastOnce ? "atLeastOnce" : "atMostOnce";
  }

  /** Lets the oldest messages go while more wait than may, a bounded number at a time. */
  private _trim(): void {
    if (!this._limited || this._settings.overflow !== "drop-head") return;
    let count = 0;
    while (this._exceeds()) {
      if (count++ === DISPATCH_BATCH || this._waitsForDisk) return this._goOnLater();
      if (count > DEAD_FOR_ONE && this._keepsDead(false)) break;
      const entry = this._ready.shift();
      if (entry === undefined) return this._readAgainLater();
      this._die(entry, "maxlen");
    }
    if (count > 0) this._headLeft();
  }

  /** Another one is at the head now, and it may have a deadline. */
  private _headLeft(): void {
    this._watchDeadlines();
    this._relieve();
  }

  /**
   * Lets go what is too old, a bounded number at a time, and waits for what will be.
   *
   * @param bounds `max`: how many at most; `anyway`: so many though dead ones are to be kept.
   */
  private _buryExpired({ max = DISPATCH_BATCH, anyway = 0 } = {}): void {
    const now = this._clock.now();
    const { pages } = this._storage;
    const { reads } = pages;
    this._overdue = true;
    for (let count = 0; count < max; count++) {
      // where there are priorities, others than the next one are too old
      const hasReadEnough = pages.reads > reads && !pages.mayRead;
      if (hasReadEnough || this._waitsForDisk) {
        this._relieve();
        return this._goOnLater(true);
      }
      if (count >= anyway && this._keepsDead(true)) return this._relieve();
      const entry = this._ready.shiftExpired(now);
      if (entry === undefined) {
        this._overdue = false;
        this._relieve();
        return this._watchDeadlines();
      }
      this._die(entry, "expired");
    }
    this._relieve();
    this._deadlines?.watch(now);
  }

  /** A message has a deadline: from now on they are looked at. */
  private _awaitDeadlines(): void {
    if (this._deadlines !== undefined) return;
    this._deadlines = new DeadlineTimer(this._clock, () => this._buryExpired());
    if (this._stopped) this._deadlines.stop();
  }

  /** Sets the timer for the next deadline. */
  private _watchDeadlines(): void {
    if (this._deadlines === undefined) return;
    if (this._waitsForDisk) return this._goOnLater();
    const next = this._ready.nextDeadline();
    if (next !== 0) this._deadlines.watch(next);
    else if (this._ready.peek() === undefined) this._readAgainLater();
  }

  /** A message is in the queue no longer, and so another one of its kind is no duplicate. */
  private _leave(entry: QueueEntry): void {
    this._forgetValue(entry);
    this._drop(entry);
  }

  private _forgetValue(entry: QueueEntry): void {
    this._deduplicator?.forget(entry.message, entry.position);
  }

  private _drop(entry: QueueEntry, replaced = false): void {
    if (entry.stored && !this._deleted) this._forget(entry.position, replaced);
    entry.message.release(this._storage.pages);
  }

  private _forget(position: number, replaced = false): void {
    const { store, stored } = this._storage.durability!;
    // a purge may take longer than the broker lives
    if (store.state === "closed") return;
    store.settle(stored, position, replaced);
  }

  /** After a crash it will count as redelivered. */
  private _noteDelivery(position: number): void {
    if (!this.keepsMessages) return;
    const { store, stored } = this._storage.durability!;
    store.delivered(stored, position);
  }

  /** Takes back what was delivered, each to the place it had; sorted by position. */
  requeue(entries: readonly QueueEntry[], cause: ReturnCause = "givenBack"): void {
    this.unackedCount -= entries.length;
    for (const { message } of entries) this.unackedBytes -= message.size;
    if (this._deleted) {
      for (const entry of entries) entry.message.release(this._storage.pages);
      return;
    }
    const { deliveryLimit } = this._settings;
    const failed = cause !== "givenBack";
    const counts = failed || this._profile.nackCounts ? 1 : 0;
    let dead = 0;
    for (const entry of entries) {
      entry.redelivered = true;
      entry.acquiredCount++;
      entry.deliveryCount += counts;
      const isDead = entry.deliveryCount > deliveryLimit;
      if (isDead) dead++;
      // a dead one that nobody takes must be found dead after a restart
      if (entry.stored && (!isDead || this._settings.deadLetterAtLeastOnce)) {
        const { store, stored } = this._storage.durability!;
        store.returned(stored, entry.position, entry.deliveryCount);
      }
    }
    const isDead = (entry: QueueEntry) => entry.deliveryCount > deliveryLimit;
    const living = dead === 0 ? entries : entries.filter((entry) => !isDead(entry));
    // what a client leaves behind as it goes keeps its place
    const last = this._putsLast && cause !== "left";
    if (this._settings.retry === undefined) this._putBack(living, last);
    else this._putBack(living.filter((entry) => !this._waitsForRetry(entry, failed)), last);
    if (dead > 0) {
      for (const entry of entries) if (isDead(entry)) this._die(entry, "delivery_limit");
    }
    this._trim();
    this.dispatch();
  }

  holdBack(): void {
    this._returns++;
  }

  handOut(): void {
    this._returns--;
    if (!this._deleted) this.dispatch();
  }

  /** Puts what came back where it goes out again from. */
  private _putBack(entries: readonly QueueEntry[], last: boolean): void {
    if (last) {
      // in its place among those of its rank
      const ranked = this._ranks ? entries.find(({ priority }) => priority !== 0) : undefined;
      this._readyForRank(ranked?.priority ?? 0).putLast(entries);
    } else this._readyToFill.putBack(entries);
    if (this._deadlines !== undefined || entries.some(({ deadline }) => deadline !== 0)) {
      this._awaitDeadlines();
      this._buryExpired();
    }
  }

  /** What a client gives back or rejects goes out after all that wait. */
  private get _putsLast(): boolean {
    return this._quorum && this._profile.returnsGoLast &&
      this._settings.deliveryLimit === Infinity;
  }

  /** The same with what is nowhere but in the store. */
  private _putBackStored(returns: readonly StoredReturn[]): void {
    const { stored } = this._storage.durability!;
    const ranked = this._ranks && this._putsLast &&
      returns.some(({ position }) => stored.priority(position) !== 0);
    this._readyForRank(ranked ? 1 : 0).putBackStored(returns, this._putsLast);
    if (returns.some(({ position }) => stored.deadline(position) !== 0)) this._awaitDeadlines();
  }

  /** Keeps a message that came back until it may be tried again, if the queue's settings want that. */
  private _waitsForRetry(entry: QueueEntry, failed: boolean): boolean {
    const delayMs = retryDelay(this._settings.retry, entry.deliveryCount, failed);
    if (delayMs === undefined) return false;
    this._retriesOf().add(entry, delayMs);
    return true;
  }

  private _retriesOf(): Retries {
    return this._retries ??= new Retries(this._storage, this._clock, (entries, stored) => {
      if (stored.length > 0) this._putBackStored(stored);
      this._putBack(entries, this._putsLast);
      this._trim();
      this.dispatch();
    });
  }

  /** Drops all messages that wait and tells how many. */
  purge(): number {
    this._deduplicator?.clear();
    const forget = (position: number) => {
      if (!this._deleted) this._forget(position);
    };
    const retrying = this.retryingCount;
    if (retrying > 0) (this._discard ??= new Discard()).add(this._retries!.clear(forget));
    const list = this._ready;
    const count = list.length;
    if (count === 0) return retrying;
    this._ready = NOTHING_READY;
    (this._discard ??= new Discard()).add((max) => {
      list.drop(max, forget);
      return list.length === 0;
    });
    this._relieve();
    return count + retrying;
  }

  browse(options: CompleteBrowseOptions): QueuedMessage[] {
    const { limit } = options;
    for (let { after } = options;;) {
      const found = this._ready.browse(after, limit);
      if (this._retries !== undefined) found.push(...this._retries.browse(after, limit));
      const waiting = firstOf(found, limit);
      const { told, done } = describeMessages(waiting, this._storage, options);
      if (told.length > 0 || done === 0) return told;
      // all of these are damaged, but more may wait behind them
      after = waiting[done - 1]!.position;
    }
  }

  /** Those that wait as objects, in no order, some maybe twice. Some may come and go meanwhile, and be missed. */
  *heldEntries(): Generator<QueueEntry> {
    yield* this._ready.heldEntries();
    if (this._retries !== undefined) yield* this._retries.heldEntries();
    if (this._dying !== undefined) yield* this._dying.heldEntries();
  }

  /** How many messages may be dropped or moved by their positions in a turn: each may have to be read from
   * disk. */
  get atOnce(): number {
    return this._ready.onDisk.count > 0 ? READS_AT_ONCE : POSITIONS_AT_ONCE;
  }

  /** Drops waiting messages by their positions, and tells how many there were. */
  discard(positions: ReadonlySet<number>): number {
    const taken = this._takeAt(positions);
    // what was there must be forgotten by its contents, too
    if (this._deduplicator !== undefined) {
      for (const entry of this._entriesOf(taken.messages)) this._leave(entry);
    } else {
      for (const { position, entry } of taken.messages) {
        if (entry === undefined) this._forget(position);
        else this._drop(entry);
      }
    }
    this._headLeft();
    return taken.messages.length;
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
    const taken = typeof which === "number" ? undefined : this._takeAt(which);
    const { entries, returned } = typeof which === "number"
      ? this._takeNext(which)
      : { entries: this._entriesOf(taken!.messages), returned: 0 };
    let count = 0;
    try {
      while (count < entries.length && this._movesOut(entries[count]!, publish)) count++;
    } finally {
      const rest = entries.slice(count);
      if (rest.length > 0) this._stay(rest, taken, Math.max(returned - count, 0));
      this._headLeft();
    }
    return { count, all: count === entries.length };
  }

  private _movesOut(entry: QueueEntry, publish: (entry: QueueEntry) => boolean): boolean {
    // it may be moved to where it is
    this._forgetValue(entry);
    let moved = false;
    try {
      moved = publish(entry);
    } finally {
      if (moved) this._drop(entry);
      else this._deduplicator?.isDuplicate(entry.message, entry.position);
    }
    return moved;
  }

  /**
   * Puts back what was taken out and could not be moved; what waited for another try waits on.
   *
   * @param returned So many of the next ones had come back.
   */
  private _stay(entries: readonly QueueEntry[], taken: Taken | undefined, returned: number): void {
    if (taken === undefined) this._readyToFill.putFirst(entries, returned);
    else {
      const retryTimes = new Map(
        taken.messages.map(({ position, retryTime }) => [position, retryTime]),
      );
      const isRetry = ({ position }: QueueEntry) => retryTimes.get(position)! > 0;
      for (const entry of entries.filter(isRetry)) {
        const waitMs = retryTimes.get(entry.position)! - this._clock.now();
        this._retriesOf().add(entry, Math.max(0, waitMs));
      }
      taken.putBack(entries.filter((entry) => !isRetry(entry)));
    }
    this.dispatch();
  }

  private _takeNext(count: number): { entries: QueueEntry[]; returned: number } {
    const entries: QueueEntry[] = [];
    let returned = 0;
    const { pages } = this._storage;
    const { reads } = pages;
    while (entries.length < count && pages.reads - reads < READS_AT_ONCE) {
      if (this._ready.peek() === undefined) break;
      if (this._ready.hasReturned) returned++;
      entries.push(this._ready.shift()!);
    }
    return { entries, returned };
  }

  private _takeAt(positions: ReadonlySet<number>): Taken {
    if (positions.size === 0) return NOTHING_READY.take(positions);
    const { messages, putBack } = this._ready.take(positions);
    const retrying = this._retries?.take(positions) ?? [];
    return {
      messages: [...messages, ...retrying],
      putBack: (entries) => {
        putBack(entries);
        // it may be a part of this one since then
        if (this._ready instanceof PriorityReadyList) this._ready.count();
      },
    };
  }

  /** Reads those that the store has, in order of their positions. */
  private _entriesOf(taken: readonly TakenMessage[]): QueueEntry[] {
    const entries = taken.map(({ entry }) => entry).filter((entry) => entry !== undefined);
    const counts = new Map<number, number>();
    for (const { position, entry, acquiredCount } of taken) {
      if (entry === undefined) counts.set(position, acquiredCount);
    }
    const stored = [...counts.keys()].sort((a, b) => a - b);
    if (stored.length === 0) return entries.sort((a, b) => a.position - b.position);
    const take = (entry: QueueEntry) => {
      const acquiredCount = counts.get(entry.position)!;
      if (acquiredCount > 0) {
        entry.redelivered = true;
        entry.acquiredCount = acquiredCount;
      }
      entries.push(entry);
    };
    const read = readEntries(this._storage, stored, take, this._storage.onUnreadable);
    // what the disk does not give now comes back when it may
    for (const position of stored.slice(read)) {
      this._retriesOf().addStored(position, READ_AGAIN_MS, counts.get(position));
    }
    return entries.sort((a, b) => a.position - b.position);
  }

  get purging(): boolean {
    return this._discard?.busy ?? false;
  }

  whenPurged(callback: () => void): void {
    (this._discard ??= new Discard()).whenDone(callback);
  }

  /** Adds a consumer and gives it what waits. */
  addConsumer(consumer: QueueConsumer, options: ConsumeOptions): void {
    this._dispatcher.add(consumer);
    this._only = this._dispatcher.only;
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
    if (!this._dispatcher.remove(consumer)) return;
    this._only = this._dispatcher.only;
    if (this.behind && this._dispatcher.size === 0) this._setBehind(false);
    this.touch();
    if (this.exclusiveConsumer === consumer) this.exclusiveConsumer = undefined;
    if (this.autoDelete && this._dispatcher.size === 0 && !this._deleted) this._onUnused(this);
    // where only one is served, another one is now
    else if (this._dispatcher.single && this._ready.length > 0 && !options.quietly) this.dispatch();
  }

  /** A consumer that had no room for more has some again. */
  consumerHasRoom(consumer: QueueConsumer): void {
    this._dispatcher.rejoin(consumer);
    if (this._ready.length > 0) this.dispatch();
  }

  /** Hands out what waits to those who have room, a bounded number at a time. */
  dispatch(): void {
    if (this._returns > 0) return;
    const before = this._ready.length;
    this._handOutSome();
    if (this._deadlines !== undefined) this._watchDeadlines();
    if (!this.behind) return;
    const { length } = this._ready;
    if (length < RELIEF) this._relieve();
    else if (length < before) this._onTaken(before - length);
  }

  /** What waits became less, by whatever way: publishers that wait for that may go on. */
  private _relieve(): void {
    if (this.behind && this._ready.length < RELIEF) this._setBehind(false);
  }

  private _setBehind(behind: boolean): void {
    this.behind = behind;
    this._onBehind(this);
  }

  private _handOutSome(): void {
    const now = this._deadlines === undefined ? 0 : this._clock.now();
    for (let count = 0; count < DISPATCH_BATCH; count++) {
      if (this._ready.length === 0) return;
      if (this._waitsForDisk) break;
      if (this._keepsHead(now)) return;
      const consumer = this._next();
      if (consumer === undefined) return;
      const entry = this._ready.shift();
      if (entry === undefined) return this._readAgainLater();
      if (isExpired(entry, now)) this._die(entry, "expired");
      else if (consumer.noAck) {
        const { message, redelivered, deliveryCount, acquiredCount } = entry;
        this._forgotten++;
        consumer.deliverForgotten(message, redelivered, deliveryCount, acquiredCount);
        this._leave(entry);
      } else {
        this.unackedCount++;
        this.unackedBytes += entry.message.size;
        if (entry.stored) this._noteDelivery(entry.position);
        consumer.deliver(entry);
      }
    }
    this._goOnLater();
  }

  private _goOnLater(reads = this._waitsForDisk): void {
    if (this._goesOn) return;
    this._goesOn = true;
    const goOn = () => {
      this._goesOn = false;
      if (this._hasDying) this._handOnDying();
      this._trim();
      this.dispatch();
    };
    if (reads) this._storage.pages.whenMayRead(goOn);
    else atEndOfTurn(() => doBatch(goOn));
  }

  /** True when the next message has to be read, and enough was read from disk in this turn. */
  private get _waitsForDisk(): boolean {
    const { mayRead } = this._storage.pages;
    return !mayRead && this._ready.head === undefined && this._ready.onDisk.count > 0;
  }

  /** Something may wait that cannot be read. Until it can, nothing goes out, so that order is kept. */
  private _readAgainLater(): void {
    // what was damaged waits no more
    this._relieve();
    if (this._ready.length === 0 && !this._hasDying || this._stopped) return;
    this._stopWaiting ??= this._clock.after(READ_AGAIN_MS, () => {
      this._stopWaiting = undefined;
      if (this._hasDying) this._handOnDying();
      this._trim();
      this.dispatch();
    });
  }

  /** Ends the queue: its consumers are cancelled, its messages dropped. Tells how many those were. */
  delete(): number {
    this._deleted = true;
    this.finding?.forget();
    this.finding = undefined;
    this.stop();
    const { durability } = this._storage;
    if (durability !== undefined) {
      const { store, stored } = durability;
      (this._discard ??= new Discard()).add((max) =>
        store.state === "closed" || store.removeQueue(stored, max)
      );
    }
    const dispatcher = this._dispatcher;
    if (dispatcher.size > 0) {
      cancelAll(dispatcher[Symbol.iterator](), (consumer) => dispatcher.remove(consumer));
    }
    if (this._hasDying) (this._discard ??= new Discard()).add(this._dying!.dropping());
    this._dying = undefined;
    this._only = this.exclusiveConsumer = undefined;
    return this.purge();
  }
}

hideInside(Queue);

function isExpired({ deadline }: QueueEntry, now: number): boolean {
  return deadline !== 0 && deadline <= now;
}
