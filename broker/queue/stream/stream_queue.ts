import type { Clock } from "../../amqp/clock.ts";
import type { FieldTable } from "../../amqp/field_table.ts";
import { atEndOfTurn } from "../../amqp/turn.ts";
import type { Message } from "../../message.ts";
import type { PagePool } from "../../pages.ts";
import { StoreError } from "../../store/error.ts";
import type { Placement } from "../../store/placement.ts";
import { cancelAll } from "../cancelling.ts";
import type { QueueConsumer } from "../consumer.ts";
import { QueueEntry } from "../entry.ts";
import {
  type CompleteBrowseOptions,
  describeContent,
  PAGE_BYTES,
  type QueuedMessage,
  weightOf,
} from "../browsing.ts";
import {
  type ConsumeOptions,
  MEMORY_OF_NUMBER,
  MEMORY_OF_QUEUE,
  type MessageQueue,
  type QueueFinding,
  type QueueHoldings,
} from "../message_queue.ts";
import { storedMessage } from "../stored_message.ts";
import type { QueueDurability } from "../storage.ts";
import { StreamFilter } from "./filter.ts";
import { StreamHistory } from "./history.ts";
import { PagedLog } from "./paged_log.ts";
import { StoredLog } from "./stored_log.ts";
import { parseStreamStart, type Retention, retentionOf } from "./stream_arguments.ts";
import { DROP_IN } from "../../profiles.ts";
import { consumerTimeout, type QueueProfile } from "../queue_settings.ts";
import { DeliveryCounts } from "../../stats.ts";
import { StreamDelivery } from "./stream_delivery.ts";
import type { ReadMessage, StreamLog } from "./stream_log.ts";
import { ReaderLine } from "./reader_line.ts";
import { StreamReader } from "./stream_reader.ts";

/** So many messages are read before others get a chance to do something. */
const DISPATCH_BATCH = 1000;
/** So many bytes of bodies count as one message. */
const BYTES_AS_MESSAGE = 4096;
/** A batch has no more bytes of bodies, its last message apart. */
const READ_BYTES = 256 * 1024;
/** No more readers than this get what is pushed at once. */
const TAIL_MAX = 64;
/** So many messages are dropped before others get a chance to do something. */
const DROP_BATCH = 10_000;
/** A stream that nobody writes to is looked at this often for what is too old, as in RabbitMQ. */
const AGE_CHECK_MS = 3_600_000;
/** When the disk does not give what is read, it is asked again after so long. */
const READ_AGAIN_MS = 1000;

/** What a stream is declared with. */
export interface StreamQueueOptions {
  /** Its name. */
  readonly name: string;
  /** The `x-` arguments. */
  readonly arguments: FieldTable;
  /** Where its messages are kept when there is no store. */
  readonly pages: PagePool;
  /** Its place in the store. */
  readonly durability?: QueueDurability | undefined;
  /** Time. */
  readonly clock: Clock;
  /** What versions of RabbitMQ do not agree about. Default: drop-in. */
  readonly profile?: QueueProfile | undefined;
  /** Called for a stored message that cannot be read any more. */
  readonly onUnreadable?: ((error: StoreError, queue: string) => void) | undefined;
}

/**
 * A stream (`x-queue-type: stream`): a row of messages that stay when they were read. Each consumer
 * reads at its own pace from where it wants; acks only give it room for more. What is old goes by
 * whole segments when the stream is too large, or when they are too old.
 *
 * ```text
 *          first                                                       next
 *   gone     | m | m | m | m | m | m | m | m | m | m | m | m | m | m |  <---- push
 *                      ^ behind: reads in batches          at the tail ^
 *                        in its turn, while it has room                  gets what is pushed at once
 * ```
 *
 * The position of a message in the store is its offset plus one.
 */
export class StreamQueue implements MessageQueue {
  readonly kind = "queue";
  readonly queueType = "stream";
  readonly name: string;
  readonly durable = true;
  readonly autoDelete = false;
  readonly owner = undefined;
  readonly exclusive = false;
  readonly arguments: FieldTable;
  readonly exclusiveConsumer = undefined;
  finding: QueueFinding | undefined = undefined;
  /** All consumers are served. */
  readonly singleActiveConsumer = false;
  readonly activeConsumer = undefined;
  readonly keepsMessages: boolean;
  readonly keepsAll = true;
  readonly keepsDelivered = true;
  unackedCount = 0;
  readonly unackedBytes = 0;
  readonly counts: DeliveryCounts = new DeliveryCounts();
  /** The position that came next when the broker started. */
  #restoredNext = 0;
  consumerTimeoutMs: number | undefined;

  readonly #profile: QueueProfile;
  readonly #durability: QueueDurability | undefined;
  readonly #clock: Clock;
  readonly #history: StreamHistory;
  readonly #log: StreamLog;
  readonly #delivery = new StreamDelivery();
  readonly #readers = new Map<QueueConsumer, StreamReader>();
  /** Readers that have room and have read everything. */
  #tail = new ReaderLine<StreamReader>();
  /** Readers that may have room and have something to read, in the order in which it is their turn. */
  readonly #behind = new ReaderLine<StreamReader>();
  /** Readers that begin further on than the stream has come, by where. */
  readonly #ahead = new Map<number, ReaderLine<StreamReader>>();
  /** True while those at the tail get what was pushed. */
  #passing = false;
  /** What `chunkTimeFor` told for the message that is placed. */
  #placedTime = -1;
  /** The oldest position that the log still has. */
  #kept = 1;
  #dispatchLater = false;
  #dropping = false;
  #stopWaiting: (() => void) | undefined = undefined;
  #stopAging: (() => void) | undefined = undefined;
  #deleted = false;

  constructor(options: StreamQueueOptions) {
    this.name = options.name;
    this.arguments = options.arguments;
    this.#profile = options.profile ?? DROP_IN;
    this.consumerTimeoutMs = consumerTimeout(this.arguments, {}, this.#profile);
    this.#durability = options.durability;
    this.keepsMessages = options.durability !== undefined;
    this.#clock = options.clock;
    this.#history = new StreamHistory(retentionOf(options.arguments));
    this.#restoredNext = this.#history.next;
    this.configure(this.#history.retention);
    if (options.durability === undefined) this.#log = new PagedLog(options.pages);
    else {
      const { stored } = options.durability;
      stored.keepsDeadlines = false;
      stored.dropsInOrder = true;
      this.#log = new StoredLog(
        options.durability,
        (_, error) => options.onUnreadable?.(error, options.name),
      );
    }
  }

  get messageCount(): number {
    return this.#history.next - this.#history.first;
  }

  get messageBytes(): number {
    return this.#history.bytes;
  }

  get holdings(): QueueHoldings {
    const { messageCount, messageBytes } = this;
    const bytesInMemory = this.keepsMessages ? 0 : messageBytes;
    return {
      persistent: this.keepsMessages ? messageCount : 0,
      persistentBytes: this.keepsMessages ? messageBytes : 0,
      readyInMemory: this.keepsMessages ? 0 : messageCount,
      // it is read from wherever a consumer likes
      headTimestamp: undefined,
      bytesInMemory,
      memory: MEMORY_OF_QUEUE + bytesInMemory + messageCount * MEMORY_OF_NUMBER,
      consumerCapacity: this.#readers.size > 0 ? 1 : 0,
      segments: this.#history.segmentCount,
    };
  }

  get publishCount(): number {
    return this.#history.next - this.#restoredNext;
  }

  get consumerCount(): number {
    return this.#readers.size;
  }

  get consumers(): Iterable<QueueConsumer> {
    return this.#readers.keys();
  }

  applyPolicy(policy: FieldTable): void {
    this.configure(retentionOf(this.arguments, policy));
    const timeoutMs = consumerTimeout(this.arguments, policy, this.#profile);
    if (timeoutMs === this.consumerTimeoutMs) return;
    this.consumerTimeoutMs = timeoutMs;
    for (const consumer of this.#readers.keys()) consumer.timeoutChanged();
  }

  /** Puts other limits into effect; what is too much goes when the next segment begins. */
  configure(retention: Retention): void {
    this.#history.retention = retention;
    this.#stopAging?.();
    this.#stopAging = retention.ageMaxMs === undefined
      ? undefined
      : this.#clock.every(AGE_CHECK_MS, () => this.#dropOld(), true);
  }

  // ---- messages come in

  /** A stream that is full drops what is old. */
  refuses(): boolean {
    return false;
  }

  refuse(): void {}

  place(placement: Placement): void {
    if (this.#durability === undefined) return;
    placement.transient = false;
    // A store keeps the deadline of a message for its queue, and a stream has none. In its place it
    // keeps when its chunks began.
    this.#placedTime = this.#history.chunkTimeFor(this.#clock.now());
    placement.add(this.#durability.stored, this.#history.next, this.#placedTime);
  }

  push(message: Message): void {
    const time = this.#placedTime >= 0
      ? this.#placedTime
      : this.#history.chunkTimeFor(this.#clock.now());
    this.#placedTime = -1;
    const size = this.#log.append(message, this.#history.next);
    const position = this.#history.add(size, time);
    if (time !== 0) this.#dropLater();
    if (this.#ahead.size > 0) this.#reach(position);
    // who looks on may publish here meanwhile: what comes then is read after this one
    if (this.#passing || this.#tail.size > TAIL_MAX) return this.#lineTail();
    this.#passing = true;
    this.#passOn(position, message);
    this.#passing = false;
  }

  #passOn(position: number, message: Message): void {
    const tail = this.#tail;
    let reader = tail.first;
    while (reader !== undefined && this.#tail === tail) {
      // nobody knows who came after one that has gone meanwhile
      if (reader.line === undefined) return this.#lineTail();
      const next = tail.after(reader);
      this.#pass(reader, position, message);
      reader = next;
    }
  }

  /** The stream has come to where some wanted to begin. */
  #reach(position: number): void {
    const line = this.#ahead.get(position);
    if (line === undefined) return;
    this.#ahead.delete(position);
    this.#tail.addAll(line);
  }

  /** They read in turns, as if they were behind: with so many of them a publish would take long. */
  #lineTail(): void {
    this.#behind.addAll(this.#tail);
    this.#tail = new ReaderLine();
    this.#dispatchSoon();
  }

  /** Gives a reader at the tail what has just come. One without room is at the tail no longer. */
  #pass(reader: StreamReader, position: number, message: Message): void {
    if (position < reader.position) return;
    const wanted = reader.filter?.matches(message) ?? true;
    if (wanted && !reader.consumer.hasRoom()) {
      ReaderLine.leave(reader);
      reader.consumer.inRow = false;
      return;
    }
    reader.position = position + 1;
    if (wanted) this.#deliver(reader, position, message);
  }

  restore(): void {
    const { stored } = this.#durability!;
    const history = this.#history;
    const { highest, mark } = stored;
    let at = stored.next(0);
    history.first = at ?? Math.max(highest, mark) + 1;
    for (; at !== undefined; at = stored.next(at + 1)) {
      history.next = at;
      // written by a version that knew no streams: nobody knows when it came
      const time = stored.deadline(at) || (history.segmentCount === 0 ? this.#clock.now() : 0);
      history.add(stored.diskSize(at), time);
    }
    history.next = this.#restoredNext = Math.max(highest, mark) + 1;
    this.#kept = stored.next(0) ?? history.next;
    stored.forgetDeadlines();
  }

  start(): void {
    this.#dropOld();
  }

  stop(): void {
    this.#stopWaiting?.();
    this.#stopAging?.();
  }

  /** A stream stays, used or not. */
  touch(): void {}

  #dropOld(): void {
    this.#history.dropOld(this.#clock.now());
    this.#dropLater();
  }

  /** Lets go of what retention has dropped, a bounded number at a time; in the end of the rest when
   * the stream is deleted. */
  #dropLater(): void {
    if (this.#dropping || this.#kept >= this.#history.first) return;
    this.#dropping = true;
    atEndOfTurn(() => {
      this.#dropping = false;
      const end = Math.min(this.#history.first, this.#kept + DROP_BATCH);
      this.#log.drop(this.#kept, end - 1);
      this.#kept = end;
      if (this.#deleted && this.#kept === this.#history.next) this.#log.close();
      else this.#dropLater();
    });
  }

  // ---- consumers

  addConsumer(consumer: QueueConsumer, options: ConsumeOptions): void {
    this.#dropOld();
    const arguments_ = options.arguments ?? {};
    const reader = new StreamReader(
      consumer,
      this.#startOf(arguments_),
      StreamFilter.from(arguments_),
    );
    this.#readers.set(consumer, reader);
    this.#line(reader);
  }

  /** The position that a consumer begins with. */
  #startOf(arguments_: FieldTable): number {
    const history = this.#history;
    const start = parseStreamStart(arguments_["x-stream-offset"], this.#clock.now()) ?? "next";
    if (start === "first") return history.first;
    if (start === "last") return history.lastChunk;
    if (start === "next") return history.next;
    // one that is ahead of the stream waits until the stream has come so far
    if ("offset" in start) return Math.max(start.offset + 1, history.first);
    return history.since(start.timestamp);
  }

  removeConsumer(consumer: QueueConsumer): void {
    const reader = this.#readers.get(consumer);
    if (reader === undefined) return;
    reader.ended = true;
    this.#readers.delete(consumer);
    ReaderLine.leave(reader);
    if (this.#ahead.get(reader.position)?.empty) this.#ahead.delete(reader.position);
    consumer.inRow = false;
  }

  consumerHasRoom(consumer: QueueConsumer): void {
    const reader = this.#readers.get(consumer);
    if (reader !== undefined && !consumer.inRow) this.#line(reader);
  }

  /** Puts a reader that may have room where it belongs. */
  #line(reader: StreamReader): void {
    reader.consumer.inRow = true;
    const { next } = this.#history;
    if (reader.position > next) this.#await(reader);
    else if (reader.position === next) this.#tail.add(reader);
    else {
      this.#behind.add(reader);
      // later, so that all acks of this turn make room for one batch
      this.#dispatchSoon();
    }
  }

  #await(reader: StreamReader): void {
    let line = this.#ahead.get(reader.position);
    if (line === undefined) this.#ahead.set(reader.position, line = new ReaderLine());
    line.add(reader);
  }

  #dispatchSoon(): void {
    if (this.#dispatchLater || this.#stopWaiting !== undefined) return;
    this.#dispatchLater = true;
    atEndOfTurn(() => {
      this.#dispatchLater = false;
      this.#dispatch();
    });
  }

  /** Lets those read that are behind, each a batch in turn, a bounded number of messages in all. */
  #dispatch(): void {
    let budget = DISPATCH_BATCH;
    while (budget > 0 && this.#stopWaiting === undefined) {
      const reader = this.#behind.first;
      if (reader === undefined) return;
      ReaderLine.leave(reader);
      budget -= this.#read(reader, budget);
    }
    if (!this.#behind.empty) this.#dispatchSoon();
  }

  /** Reads a batch, and tells how much work that was. */
  #read(reader: StreamReader, budget: number): number {
    const { consumer, filter } = reader;
    const { first, next } = this.#history;
    let full = !consumer.hasRoom();
    if (full) {
      consumer.inRow = false;
      return 1;
    }
    const count = Math.min(filter === undefined ? reader.batch : DISPATCH_BATCH, budget);
    const result = this.#log.read(
      Math.max(reader.position, first),
      next,
      { count, bytes: READ_BYTES },
      (position, message) => {
        if (reader.ended) return false;
        if (filter !== undefined && !filter.matches(message)) return true;
        if (full || (full = !consumer.hasRoom())) return false;
        this.#deliver(reader, position, message);
        return true;
      },
    );
    this.#delivery.clear();
    reader.position = result.position;
    reader.adapt(result.count, full);
    if (result.failed) this.#readAgainLater();
    if (full) consumer.inRow = false;
    else if (!reader.ended) this.#line(reader);
    return 1 + result.count + Math.floor(result.bytes / BYTES_AS_MESSAGE);
  }

  /** Nothing can be read at present. Nobody goes on until that is over, so that order is kept. */
  #readAgainLater(): void {
    this.#stopWaiting ??= this.#clock.after(READ_AGAIN_MS, () => {
      this.#stopWaiting = undefined;
      this.#dispatch();
    });
  }

  #deliver(reader: StreamReader, position: number, message: ReadMessage): void {
    this.unackedCount++;
    const offset = position - 1;
    reader.consumer.deliver(new QueueEntry(this.#delivery.load(message, offset), position));
  }

  // ---- what comes back, and what a stream does not know

  settle(): void {
    this.unackedCount--;
  }

  reject(): void {
    this.unackedCount--;
  }

  /** To give a message back is to be done with it: it is where it was. */
  requeue(entries: readonly QueueEntry[]): void {
    this.unackedCount -= entries.length;
  }

  /** Nothing of what comes back is handed out again. */
  holdBack(): void {}

  handOut(): void {}

  readonly takesLater = false;

  take(): undefined {
    throw new TypeError("Cannot take a message from a stream: it is read by consumers");
  }

  browse({ after, limit, bodyBytes }: CompleteBrowseOptions): QueuedMessage[] {
    const { first, next } = this.#history;
    const told: QueuedMessage[] = [];
    let bytes = 0;
    // the position is the offset plus one
    const from = Math.max(after + 2, first);
    const result = this.#log.read(
      from,
      next,
      { count: limit, bytes: READ_BYTES },
      (at, found) => {
        const message = storedMessage({ ...found, head: found.head! });
        bytes += weightOf(message, bodyBytes);
        told.push({
          id: at - 1,
          state: "ready",
          ...describeContent(message, bodyBytes),
          redelivered: false,
          deliveryCount: 0,
          expireTime: undefined,
          retryTime: undefined,
        });
        return bytes < PAGE_BYTES;
      },
    );
    if (result.failed && told.length === 0) {
      throw new StoreError("failed", `Cannot read stream '${this.name}'`);
    }
    return told;
  }

  readonly purging = false;
  readonly retryingCount = 0;
  readonly dyingCount = 0;
  readonly tellsDeliveryCount = false;

  whenPurged(callback: () => void): void {
    atEndOfTurn(callback);
  }

  purge(): number {
    throw new TypeError("Cannot purge a stream: only its retention drops messages");
  }

  delete(): number {
    this.#deleted = true;
    this.finding?.forget();
    this.finding = undefined;
    this.stop();
    cancelAll(this.#readers.keys(), (consumer) => this.removeConsumer(consumer));
    if (this.#kept === this.#history.next) this.#log.close();
    this.#history.first = this.#history.next;
    this.#dropLater();
    // as RabbitMQ does, which counts what waits, and nothing waits here
    return 0;
  }
}
