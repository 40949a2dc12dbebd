import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import { Message } from "../message.ts";
import type { PagePool } from "../pages.ts";

/** So many messages go on in one turn, before others get a chance to do something. */
const BATCH = 1000;
/** Timers take no longer delay; the heap is looked at again then. */
const TIMER_MS_MAX = 0x7fff_ffff;

/** Where a message waits: the delayed messages of one exchange. */
export interface DelayLine {
  /** Takes a message whose time has come, and holds it if it keeps it. What it throws is logged. */
  due(message: Message): void;
}

/** What delayed messages need. */
export interface DelayedMessagesOptions {
  readonly clock: Clock;
  readonly pages: PagePool;
  readonly logger: Logger;
}

/**
 * Messages that wait for their time, those of all exchanges of a broker, behind a single timer.
 *
 * A heap with four children to a node, in typed arrays, and the messages packed in their pages: some
 * 40 bytes for one besides what was published, no object and no timer. Those of the same millisecond
 * go in the order they came.
 */
export class DelayedMessages {
  /** Where time comes from. */
  readonly clock: Clock;
  readonly #pages: PagePool;
  readonly #logger: Logger;

  // The heap: when, in which order they came, and the slot that holds the rest.
  #times = new Float64Array(16);
  #orders = new Float64Array(16);
  #slots = new Uint32Array(16);
  #length = 0;

  /** By slot: where the message is packed; 0 when it is held as an object. */
  #places = new Float64Array(16);
  readonly #objects = new Map<number, Message>();
  readonly #lines: (DelayLine | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #counts = new Map<DelayLine, number>();
  #added = 0;

  #stopTimer: (() => void) | undefined = undefined;
  /** When the timer goes off. */
  #timerTime = Infinity;

  /**
   * @param options Time, where messages are kept, and where it is told what a line threw.
   */
  constructor({ clock, pages, logger }: DelayedMessagesOptions) {
    this.clock = clock;
    this.#pages = pages;
    this.#logger = logger;
  }

  /** How many messages wait. */
  get size(): number {
    return this.#length;
  }

  /** How many messages wait in one line. */
  count(line: DelayLine): number {
    return this.#counts.get(line) ?? 0;
  }

  /**
   * Adds a message.
   *
   * @param line Who gets it.
   * @param message The message.
   * @param dueMs When, by the clock. What is past is due in the next turn.
   */
  add(line: DelayLine, message: Message, dueMs: number): void {
    if (this.#length === this.#times.length) this.#grow();
    const slot = this.#freeSlots.pop() ?? this.#lines.length;
    this.#lines[slot] = line;
    this.#counts.set(line, this.count(line) + 1);
    const place = this.#places[slot] = message.pack(this.#pages);
    if (place === 0) {
      message.hold(this.#pages);
      this.#objects.set(slot, message);
    }
    this.#rise(this.#length++, dueMs, ++this.#added, slot);
    this.#setTimer();
  }

  /** Forgets all messages of a line. */
  drop(line: DelayLine): void {
    if (!this.#counts.has(line)) return;
    let kept = 0;
    for (let at = 0; at < this.#length; at++) {
      const slot = this.#slots[at]!;
      if (this.#lines[slot] === line) this.#free(slot).release(this.#pages);
      else this.#set(kept++, this.#times[at]!, this.#orders[at]!, slot);
    }
    this.#length = kept;
    for (let at = (kept - 2) >> 2; at >= 0; at--) {
      this.#sink(at, this.#times[at]!, this.#orders[at]!, this.#slots[at]!);
    }
    this.#setTimer();
  }

  /** Stops the timer; messages that wait stay where they are. */
  close(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#timerTime = -Infinity; // so that none is set again
  }

  /** Sees to it that the timer goes off no later than the first message is due. */
  #setTimer(): void {
    const first = this.#length === 0 ? Infinity : this.#times[0]!;
    if (first >= this.#timerTime && this.#length > 0) return;
    if (this.#timerTime === -Infinity) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#timerTime = first;
    if (first === Infinity) return;
    const delay = Math.min(Math.max(first - this.clock.now(), 0), TIMER_MS_MAX);
    this.#stopTimer = this.clock.after(delay, () => this.#timerWentOff());
  }

  #timerWentOff(): void {
    this.#stopTimer = undefined;
    const now = this.clock.now();
    // what is added meanwhile sets no timer
    this.#timerTime = now;
    for (let count = 0; count < BATCH && this.#length > 0 && this.#times[0]! <= now; count++) {
      const slot = this.#takeFirst();
      const line = this.#lines[slot]!;
      const message = this.#free(slot);
      try {
        line.due(message);
      } catch (bug) {
        const text = bug instanceof Error ? bug.stack ?? bug.message : String(bug);
        this.#logger.log("error", `delayed message: ${text}`);
      } finally {
        message.release(this.#pages);
      }
    }
    if (this.#timerTime === -Infinity) return; // closed meanwhile
    this.#timerTime = Infinity;
    this.#setTimer();
  }

  /** Empties a slot. The message is held, for the caller to release. */
  #free(slot: number): Message {
    const place = this.#places[slot]!;
    const message = place === 0 ? this.#objects.get(slot)! : Message.unpack(this.#pages, place);
    if (place === 0) this.#objects.delete(slot);
    const line = this.#lines[slot]!;
    this.#lines[slot] = undefined;
    this.#freeSlots.push(slot);
    const count = this.count(line) - 1;
    if (count === 0) this.#counts.delete(line);
    else this.#counts.set(line, count);
    return message;
  }

  // ---- the heap

  #takeFirst(): number {
    const slot = this.#slots[0]!;
    const last = --this.#length;
    if (last > 0) this.#sink(0, this.#times[last]!, this.#orders[last]!, this.#slots[last]!);
    return slot;
  }

  /** Puts an entry at a free place at the end, or further up. */
  #rise(at: number, time: number, order: number, slot: number): void {
    while (at > 0) {
      const parent = (at - 1) >> 2;
      // what came before has a smaller number
      if (this.#times[parent]! <= time) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, time, order, slot);
  }

  /** Puts an entry at a free place, or further down. */
  #sink(at: number, time: number, order: number, slot: number): void {
    for (;;) {
      const first = 4 * at + 1;
      if (first >= this.#length) break;
      let least = first;
      const end = Math.min(first + 4, this.#length);
      for (let child = first + 1; child < end; child++) {
        if (this.#isBefore(child, this.#times[least]!, this.#orders[least]!)) least = child;
      }
      if (!this.#isBefore(least, time, order)) break;
      this.#move(least, at);
      at = least;
    }
    this.#set(at, time, order, slot);
  }

  #isBefore(at: number, time: number, order: number): boolean {
    const own = this.#times[at]!;
    return own < time || (own === time && this.#orders[at]! < order);
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times[from]!, this.#orders[from]!, this.#slots[from]!);
  }

  #set(at: number, time: number, order: number, slot: number): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#slots[at] = slot;
  }

  #grow(): void {
    const size = 2 * this.#times.length;
    this.#times = enlarged(this.#times, new Float64Array(size));
    this.#orders = enlarged(this.#orders, new Float64Array(size));
    this.#slots = enlarged(this.#slots, new Uint32Array(size));
    this.#places = enlarged(this.#places, new Float64Array(size));
  }
}

function enlarged<A extends Float64Array | Uint32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
