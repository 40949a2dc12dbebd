import type { Clock } from "../amqp/clock.ts";
import type { FieldTable } from "../amqp/field_table.ts";
import { atEndOfTurn } from "../amqp/turn.ts";
import type { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import type { Placement } from "../store/placement.ts";
import type { StoreError } from "../store/error.ts";
import type { QueueConsumer } from "./consumer.ts";
import { Dispatcher } from "./dispatcher.ts";
import { QueueEntry } from "./entry.ts";
import { FifoReadyList, type ReadyList } from "./ready_list.ts";
import type { QueueDurability, QueueStorage } from "./storage.ts";

/** So many waiting messages go out before others get a chance to do something. */
const DISPATCH_BATCH = 1000;

/** With so many messages waiting, its consumers are behind. */
const BACKLOG = 1000;
/** With so few they have caught up. */
const RELIEF = 300;

/** When the disk does not give what waits, it is asked again after so long. */
const READ_AGAIN_MS = 1000;

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
  readonly onUnreadable?: ((error: StoreError) => void) | undefined;
  /** Called for each message that joins a long row although there are consumers. */
  readonly onBacklog: () => void;
  /** Called when such a row has become short. */
  readonly onRelief: () => void;
  /** Called when an auto-delete queue has lost its last consumer. */
  readonly onUnused: (queue: Queue) => void;
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
export class Queue {
  /** Tells it from an exchange. */
  readonly kind = "queue";
  /** Its name. */
  readonly name: string;
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
  /** How many messages are delivered and not yet settled. */
  unackedCount = 0;

  /** True when persistent messages of this queue survive a restart. */
  readonly keepsMessages: boolean;

  readonly #storage: QueueStorage;
  readonly #spill: (() => QueueDurability) | undefined;
  readonly #clock: Clock;
  readonly #onBacklog: () => void;
  readonly #onRelief: () => void;
  readonly #onUnused: (queue: Queue) => void;
  readonly #ready: ReadyList;
  readonly #dispatcher = new Dispatcher();
  #lastPosition = 0;
  /** The position that was last said to the store. */
  #placed = 0;
  #stopWaiting: (() => void) | undefined = undefined;
  #deleted = false;
  #dispatchLater = false;
  /** True after `onBacklog` and before `onRelief`. */
  #behind = false;

  constructor(options: QueueOptions) {
    this.name = options.name;
    this.durable = options.durable;
    this.autoDelete = options.autoDelete;
    this.owner = options.owner;
    this.arguments = options.arguments;
    const { pages, durability, onUnreadable } = options;
    this.keepsMessages = durability !== undefined;
    this.#storage = {
      pages,
      durability,
      onUnreadable: (_, error) => onUnreadable?.(error),
    };
    this.#ready = new FifoReadyList(this.#storage);
    this.#spill = options.spill;
    this.#clock = options.clock;
    this.#onBacklog = options.onBacklog;
    this.#onRelief = options.onRelief;
    this.#onUnused = options.onUnused;
  }

  /** True for a queue that belongs to one connection. */
  get exclusive(): boolean {
    return this.owner !== undefined;
  }

  /** How many messages wait. */
  get messageCount(): number {
    return this.#ready.length;
  }

  /** How many consumers there are. */
  get consumerCount(): number {
    return this.#dispatcher.size;
  }

  /**
   * Says where the message that is pushed next will be, if the store is to have it: so that it is not
   * lost, or because memory is short and it will wait for long.
   */
  place(placement: Placement, persistent: boolean): void {
    const keep = persistent && this.keepsMessages;
    const { pages } = this.#storage;
    if (!keep && !(pages.short && this.#ready.long)) return;
    const durability = this.#storage.durability ??= this.#spill?.();
    if (durability === undefined) return;
    if (keep) placement.transient = false;
    this.#placed = this.#lastPosition + 1;
    placement.add(durability.stored, this.#placed);
  }

  /** Takes back what the store had when the broker started. */
  restore(): void {
    const { stored } = this.#storage.durability!;
    for (let at = stored.next(0); at !== undefined; at = stored.next(at + 1)) {
      this.#ready.pushStored(at);
    }
    this.#lastPosition = Math.max(stored.highest, stored.mark);
  }

  /**
   * Takes a message in, or hands it straight to a consumer.
   *
   * @param stored True when the store took it for the queues that had it `place`d.
   */
  push(message: Message, stored = false): void {
    const position = ++this.#lastPosition;
    stored &&= this.#placed === position;
    if (this.#ready.length === 0) {
      const consumer = this.#dispatcher.next();
      if (consumer !== undefined) {
        if (consumer.noAck) {
          consumer.deliverForgotten(message, false);
          if (stored) this.#forget(position);
        } else {
          message.hold(this.#storage.pages);
          this.unackedCount++;
          if (stored) this.#noteDelivery(position);
          consumer.deliver(new QueueEntry(message, position, stored));
        }
        return;
      }
    }
    this.#ready.push(message, position, stored);
    if (this.#ready.length > BACKLOG && this.#dispatcher.size > 0) {
      this.#behind = true;
      this.#onBacklog();
    }
  }

  /** Takes the message that waits longest: `basic.get`. It counts as unacked until it is settled. */
  take(): QueueEntry | undefined {
    const entry = this.#ready.shift();
    if (entry !== undefined) {
      this.unackedCount++;
      if (entry.stored) this.#noteDelivery(entry.position);
    }
    return entry;
  }

  /** Done with a message that was delivered: it is gone. */
  settle(entry: QueueEntry): void {
    this.unackedCount--;
    this.#drop(entry);
  }

  #drop(entry: QueueEntry): void {
    if (entry.stored && !this.#deleted) this.#forget(entry.position);
    entry.message.release(this.#storage.pages);
  }

  #forget(position: number): void {
    const { store, stored } = this.#storage.durability!;
    store.settle(stored, position);
  }

  /** After a crash it will count as redelivered. */
  #noteDelivery(position: number): void {
    if (!this.keepsMessages) return;
    const { store, stored } = this.#storage.durability!;
    store.delivered(stored, position);
  }

  /** Takes back what was delivered, each to the place it had; sorted by position. */
  requeue(entries: readonly QueueEntry[]): void {
    this.unackedCount -= entries.length;
    if (this.#deleted) {
      for (const entry of entries) entry.message.release(this.#storage.pages);
      return;
    }
    for (const entry of entries) {
      entry.redelivered = true;
      entry.deliveryCount++;
      if (entry.stored) {
        const { store, stored } = this.#storage.durability!;
        store.returned(stored, entry.position, entry.deliveryCount);
      }
    }
    this.#ready.putBack(entries);
    this.dispatch();
  }

  /** Drops all messages that wait and tells how many. */
  purge(): number {
    const count = this.#ready.length;
    this.#ready.clear((position) => {
      if (!this.#deleted) this.#forget(position);
    });
    return count;
  }

  /** Adds a consumer and gives it what waits. */
  addConsumer(consumer: QueueConsumer, options: { readonly exclusive: boolean }): void {
    this.#dispatcher.add(consumer);
    if (options.exclusive) this.exclusiveConsumer = consumer;
    this.dispatch();
  }

  /** Removes a consumer; what was delivered to it stays unacked. */
  removeConsumer(consumer: QueueConsumer): void {
    if (!this.#dispatcher.remove(consumer)) return;
    if (this.exclusiveConsumer === consumer) this.exclusiveConsumer = undefined;
    if (this.autoDelete && this.#dispatcher.size === 0 && !this.#deleted) this.#onUnused(this);
  }

  /** A consumer that had no room for more has some again. */
  consumerHasRoom(consumer: QueueConsumer): void {
    this.#dispatcher.rejoin(consumer);
    if (this.#ready.length > 0) this.dispatch();
  }

  /** Hands out what waits to those who have room, a bounded number at a time. */
  dispatch(): void {
    this.#handOut();
    if (this.#behind && this.#ready.length < RELIEF) {
      this.#behind = false;
      this.#onRelief();
    }
  }

  #handOut(): void {
    for (let count = 0; count < DISPATCH_BATCH; count++) {
      if (this.#ready.length === 0) return;
      const consumer = this.#dispatcher.next();
      if (consumer === undefined) return;
      const entry = this.#ready.shift();
      if (entry === undefined) return this.#readAgainLater();
      if (consumer.noAck) {
        consumer.deliverForgotten(entry.message, entry.redelivered);
        this.#drop(entry);
      } else {
        this.unackedCount++;
        if (entry.stored) this.#noteDelivery(entry.position);
        consumer.deliver(entry);
      }
    }
    if (this.#dispatchLater) return;
    this.#dispatchLater = true;
    atEndOfTurn(() => {
      this.#dispatchLater = false;
      this.dispatch();
    });
  }

  /** Something waits and cannot be read. Until it can, nothing goes out, so that order is kept. */
  #readAgainLater(): void {
    if (this.#ready.length === 0) return;
    this.#stopWaiting ??= this.#clock.after(READ_AGAIN_MS, () => {
      this.#stopWaiting = undefined;
      this.dispatch();
    });
  }

  /** Ends the queue: its consumers are cancelled, its messages dropped. Tells how many those were. */
  delete(): number {
    this.#deleted = true;
    this.#stopWaiting?.();
    const { durability } = this.#storage;
    if (durability !== undefined) durability.store.removeQueue(durability.stored);
    for (const consumer of [...this.#dispatcher]) {
      this.#dispatcher.remove(consumer);
      consumer.cancelled();
    }
    this.exclusiveConsumer = undefined;
    return this.purge();
  }
}
