import type { Clock } from "../amqp/clock.ts";
import { contentProperties, encodeContentHead, isPersistent } from "../amqp/content_codec.ts";
import type { Logger } from "../amqp/logger.ts";
import type { BasicProperties } from "../amqp/properties.ts";
import { pollSockets } from "../amqp/turn.ts";
import { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";
import type { QueueDurability } from "../queue/storage.ts";
import { storedMessage } from "../queue/stored_message.ts";
import type { StoreError } from "../store/error.ts";
import { Placement } from "../store/placement.ts";
import { type DelayEntry, DelayHeap } from "../queue/delay_heap.ts";
import { Discard } from "../queue/discard.ts";

/** Where a message lies that is not in a page. */
const IN_STORE = -1;
const AS_OBJECT = 0;

/** Bodies of so many bytes are read at once, and one more. */
const BYTES_AT_ONCE = 4 * 1024 * 1024;
/** So many go on before their time in one turn. */
const BATCH = 1000;
/** What could not go on is tried again after so long, and each time after twice as long. */
const RETRY_MS = 1000;
const RETRY_MAX_MS = 60_000;

/** A message that an exchange holds back. */
export interface DelayedMessage {
  /** Tells it from the others of its exchange. A message that survives a restart keeps it; those of
   * messages that did not may be given again. */
  readonly id: number;
  /** When it goes on. */
  readonly dueTime: Date;
  /** The routing key that it was published with. */
  readonly routingKey: string;
  /** Its properties. */
  readonly properties: BasicProperties;
  /** Size of its body in bytes. */
  readonly size: number;
}

/** What a line is made with. */
export interface DelayLineOptions {
  /** What it is called in the log: `exchange 'later'`. */
  readonly name: string;
  /**
   * Takes a message whose time has come, and holds it if it keeps it. False when it cannot be taken
   * at present. What it throws is logged; a message that is stored is tried again then.
   */
  readonly onDue: (message: Message) => boolean;
  /** Where persistent messages are kept; undefined when none are. */
  readonly durability?: QueueDurability | undefined;
  /** Gives a line that has no place in the store one, for what memory has no room for. */
  readonly spill?: (() => QueueDurability) | undefined;
}

/** What lines of one broker share. */
export interface DelayLineSurroundings {
  readonly clock: Clock;
  readonly pages: PagePool;
  readonly logger: Logger;
  /** Called when a line is to be looked at earlier than it was before, or not at all. */
  readonly onTimeChanged: (line: DelayLine) => void;
}

/**
 * The messages that one exchange holds back. None of them is an object: each is a time, an id and a
 * place, in a page or in the store, where its id is its position and its time its deadline.
 */
export class DelayLine {
  readonly #name: string;
  readonly #onDue: (message: Message) => boolean;
  readonly #surroundings: DelayLineSurroundings;
  readonly #durable: boolean;
  readonly #spill: (() => QueueDurability) | undefined;
  #durability: QueueDurability | undefined;
  readonly #heap = new DelayHeap();
  /** Lets go of what was forgotten. */
  readonly #discard = new Discard();
  /** Those that have buffers of their own, by id. */
  readonly #objects = new Map<number, Message>();
  readonly #placement = new Placement();
  #lastId = 0;
  /** Nothing goes on before this time: something could not, and order is kept. */
  #retryTime = -Infinity;
  #retryMs = RETRY_MS;
  #removed = false;

  constructor(options: DelayLineOptions, surroundings: DelayLineSurroundings) {
    this.#name = options.name;
    this.#onDue = options.onDue;
    this.#durability = options.durability;
    this.#durable = options.durability !== undefined;
    this.#spill = options.spill;
    this.#surroundings = surroundings;
    if (options.durability !== undefined) this.#restore(options.durability);
  }

  /** How many messages wait. */
  get length(): number {
    return this.#heap.length;
  }

  /** When it is to be looked at; Infinity when nothing waits. */
  get nextTime(): number {
    return Math.max(this.#heap.firstTime, this.#retryTime);
  }

  /** Takes back what the store had when the broker started. */
  #restore({ stored }: QueueDurability): void {
    for (let at = stored.next(0); at !== undefined; at = stored.next(at + 1)) {
      this.#heap.append(stored.deadline(at), at, IN_STORE);
    }
    this.#heap.sort();
    this.#lastId = Math.max(stored.highest, stored.mark);
    // from here on the heap knows them
    stored.forgetDeadlines();
    stored.keepsDeadlines = false;
    if (this.#heap.length > 0) this.#surroundings.onTimeChanged(this);
  }

  /**
   * Adds a message.
   *
   * @param message The message.
   * @param time When it is due, by the clock. What is past is due in the next turn.
   * @returns What has it: a line that keeps persistent messages refuses one that its store does not
   * take.
   */
  add(message: Message, time: number): "memory" | "store" | "refused" {
    const id = this.#lastId + 1;
    const persistent = this.#durable && isPersistent(message);
    const stored = (persistent || this.#surroundings.pages.short) &&
      this.#append(message, { id, time, persistent });
    if (persistent && !stored) return "refused";
    this.#lastId = id;
    this.#heap.add(time, id, stored ? IN_STORE : this.#keep(message, id));
    if (this.#heap.firstTime === time) this.#surroundings.onTimeChanged(this);
    return persistent ? "store" : "memory";
  }

  #append(
    message: Message,
    { id, time, persistent }: { id: number; time: number; persistent: boolean },
  ): boolean {
    const durability = this.#durability ??= this.#spill?.();
    if (durability === undefined) return false;
    durability.stored.keepsDeadlines = false;
    const placement = this.#placement;
    placement.clear();
    placement.transient = !persistent;
    // the store writes it later, when it may be settled
    message.keepBuffer();
    placement.bodyStays = message.transferred;
    placement.add(durability.stored, id, time);
    encodeContentHead(message);
    return durability.store.append(message, placement);
  }

  #keep(message: Message, id: number): number {
    const { pages } = this.#surroundings;
    const place = message.pack(pages);
    if (place !== 0) return place;
    message.hold(pages);
    this.#objects.set(id, message);
    return AS_OBJECT;
  }

  // ---- when their time has come

  /**
   * Lets messages go on, in order.
   *
   * @param until The time up to which they are due.
   * @param count How many at most.
   * @returns How many went on; fewer also when their bodies are large.
   */
  release(until: number, count: number): number {
    const due: DelayEntry[] = [];
    let bytes = 0;
    while (due.length < count && this.#heap.firstTime <= until && bytes < BYTES_AT_ONCE) {
      const entry = this.#heap.shift()!;
      due.push(entry);
      bytes += this.#readSize(entry);
    }
    return this.#goOn(due);
  }

  /** How many bytes of a body are to be read. */
  #readSize({ id, place }: DelayEntry): number {
    return place === IN_STORE ? this.#durability!.stored.bodySize(id) : 0;
  }

  /** Tells how many could go on; from the first one that cannot, all go back to where they were. */
  #goOn(due: readonly DelayEntry[]): number {
    const read = this.#read(due);
    let done = 0;
    while (done < due.length && !this.#removed && this.#goesOn(due[done]!, read)) done++;
    for (const message of read.values()) {
      if (message instanceof Message) message.release(this.#surroundings.pages);
    }
    if (done === due.length) this.#retryMs = RETRY_MS;
    else {
      this.#putBack(due.slice(done));
      this.#retryTime = this.#surroundings.clock.now() + this.#retryMs;
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MAX_MS);
    }
    return done;
  }

  #putBack(entries: readonly DelayEntry[]): void {
    for (const { time, id, place } of entries) {
      if (this.#removed) this.#drop(id, place);
      else this.#heap.add(time, id, place);
    }
  }

  /** Reads those that are in the store, with few reads, and holds them. */
  #read(entries: readonly DelayEntry[]): Map<number, Message | StoreError> {
    const read = new Map<number, Message | StoreError>();
    const positions = entries.filter(({ place }) => place === IN_STORE).map(({ id }) => id);
    if (positions.length === 0) return read;
    const { pages } = this.#surroundings;
    const { store, stored } = this.#durability!;
    store.readMany(stored, positions.sort((one, other) => one - other), (id, found) => {
      if (found instanceof Error) return void read.set(id, found);
      const message = storedMessage(found);
      message.hold(pages);
      message.routed(pages);
      read.set(id, message);
    });
    return read;
  }

  /** Lets a message go on; false when it cannot at present. */
  #goesOn({ id, place }: DelayEntry, read: ReadonlyMap<number, Message | StoreError>): boolean {
    if (place !== IN_STORE) return this.#goesOnFromMemory(id, place);
    const message = read.get(id);
    if (message instanceof Message) {
      if (!this.#tryDue(message, false)) return false;
    } else if (message !== undefined) {
      this.#log(message.message);
      // a damaged message is lost, but what the disk refuses now it may give later
      if (message.code !== "corrupt") return false;
    }
    // after what goes on was appended, and in one batch with it: a crash leaves one of them, or both
    this.#drop(id, place);
    return true;
  }

  #goesOnFromMemory(id: number, place: number): boolean {
    const { pages } = this.#surroundings;
    if (place === AS_OBJECT) {
      if (!this.#tryDue(this.#objects.get(id)!, true)) return false;
      this.#drop(id, place);
      return true;
    }
    const message = Message.unpack(pages, place);
    const gone = this.#tryDue(message, true);
    if (!gone) message.pack(pages);
    message.release(pages);
    return gone;
  }

  /** @param lost What comes of it when it throws. */
  #tryDue(message: Message, lost: boolean): boolean {
    try {
      return this.#onDue(message);
    } catch (bug) {
      this.#log(bug instanceof Error ? bug.stack ?? bug.message : String(bug));
      return lost;
    }
  }

  #log(text: string): void {
    this.#surroundings.logger.log("error", `delayed message of ${this.#name}: ${text}`);
  }

  // ---- what operators do

  /** Some of those that wait, in order of their time. One whose bytes are damaged is left out. */
  list(offset: number, limit: number): DelayedMessage[] {
    const entries = this.#heap.slice(offset, offset + limit);
    const found: DelayedMessage[] = [];
    // one by one, so that no more than one large body is in memory
    for (const { time, id, place } of entries) {
      const message = this.#look(id, place);
      if (message === undefined) continue;
      found.push({
        id,
        dueTime: new Date(time),
        routingKey: message.routingKey,
        properties: contentProperties(message),
        size: message.size,
      });
    }
    return found;
  }

  #look(id: number, place: number): Message | undefined {
    if (place === AS_OBJECT) return this.#objects.get(id);
    if (place !== IN_STORE) return Message.look(this.#surroundings.pages, place);
    const found = this.#durability!.store.read(this.#durability!.stored, id);
    if (found === undefined) return undefined;
    if (!(found instanceof Error)) return storedMessage(found);
    if (found.code !== "corrupt") throw found;
    return undefined;
  }

  /**
   * Lets messages go on before their time, in order of it, over several turns if they are many. It
   * ends early when one cannot go on.
   *
   * @param ids Which ones; those that do not wait any more are passed over.
   * @returns How many did.
   */
  async releaseEarly(ids: readonly number[] | "all"): Promise<number> {
    const count = ids === "all" ? this.length : ids.length;
    let done = 0;
    for (let from = 0; from < count; from += BATCH) {
      if (from > 0) await pollSockets();
      const to = Math.min(from + BATCH, count);
      const went = ids === "all"
        ? this.#releaseFirst(to - from)
        : this.#releaseSome(new Set(ids.slice(from, to)));
      this.#surroundings.onTimeChanged(this);
      done += went.done;
      if (!went.all) break;
    }
    return done;
  }

  #releaseFirst(count: number): { done: number; all: boolean } {
    let done = 0;
    while (done < count && this.length > 0) {
      const went = this.release(Infinity, count - done);
      if (went === 0) return { done, all: false };
      done += went;
    }
    return { done, all: true };
  }

  #releaseSome(ids: ReadonlySet<number>): { done: number; all: boolean } {
    const early = this.#heap.take(ids);
    let done = 0;
    while (done < early.length) {
      let bytes = 0;
      let end = done;
      while (end < early.length && bytes < BYTES_AT_ONCE) bytes += this.#readSize(early[end++]!);
      const went = this.#goOn(early.slice(done, end));
      done += went;
      if (done === end) continue;
      this.#putBack(early.slice(end));
      return { done, all: false };
    }
    return { done, all: true };
  }

  /** Forgets messages of some ids, over several turns if they are many, and tells how many those were. */
  async cancel(ids: Iterable<number>): Promise<number> {
    const all = [...ids];
    let count = 0;
    for (let from = 0; from < all.length && !this.#removed; from += BATCH) {
      if (from > 0) await pollSockets();
      const cancelled = this.#heap.take(new Set(all.slice(from, from + BATCH)));
      for (const { id, place } of cancelled) this.#drop(id, place);
      if (cancelled.length > 0) this.#surroundings.onTimeChanged(this);
      count += cancelled.length;
    }
    return count;
  }

  /** Forgets all messages, and tells how many those were. With many, some of the work is left for later. */
  clear(): number {
    const count = this.length;
    this.#discard.add(this.#heap.clear((id, place) => this.#drop(id, place)));
    this.#surroundings.onTimeChanged(this);
    return count;
  }

  /** True while such work is left. */
  get clearing(): boolean {
    return this.#discard.busy;
  }

  /** Calls back when it is done. */
  whenCleared(callback: () => void): void {
    this.#discard.whenDone(callback);
  }

  /** Forgets all messages, and its place in the store: its exchange is gone. */
  remove(): void {
    this.#removed = true;
    this.clear();
    if (this.#durability === undefined) return;
    const { store, stored } = this.#durability;
    this.#discard.add((max) => store.state === "closed" || store.removeQueue(stored, max));
  }

  #drop(id: number, place: number): void {
    const { pages } = this.#surroundings;
    if (place === IN_STORE) {
      const { store, stored } = this.#durability!;
      // to forget very many may take longer than the broker lives
      if (store.state !== "closed") store.settle(stored, id);
    } else if (place !== AS_OBJECT) Message.releasePacked(pages, place);
    else {
      const message = this.#objects.get(id);
      this.#objects.delete(id);
      message?.release(pages);
    }
  }
}
