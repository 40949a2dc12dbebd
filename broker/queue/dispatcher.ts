import { type Clock, systemClock } from "../amqp/clock.ts";
import type { QueueConsumer } from "./consumer.ts";
import { ConsumerUse } from "./consumer_use.ts";

const NONE: ReadonlySet<QueueConsumer> = new Set();

/** Consumers of one priority that wait to be the one that is served, oldest first. */
class WaitingLine {
  first: QueueConsumer | undefined = undefined;
  private _last: QueueConsumer | undefined = undefined;

  append(consumer: QueueConsumer): void {
    consumer.next = undefined;
    consumer.previous = this._last;
    if (this._last === undefined) this.first = consumer;
    else this._last.next = consumer;
    this._last = consumer;
  }

  /** Puts one back that is older than all the others. */
  prepend(consumer: QueueConsumer): void {
    consumer.previous = undefined;
    consumer.next = this.first;
    if (this.first === undefined) this._last = consumer;
    else this.first.previous = consumer;
    this.first = consumer;
  }

  remove(consumer: QueueConsumer): void {
    const { next, previous } = consumer;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this._last = previous;
    else next.previous = previous;
    consumer.next = consumer.previous = undefined;
  }
}

/** The consumers of one priority that may have room, in the order in which it is their turn. */
class Row {
  readonly priority: number;
  /** How many consumers have this priority, those that do not stand in the row included. */
  size = 0;
  first: QueueConsumer | undefined = undefined;
  last: QueueConsumer | undefined = undefined;
  /** Where only one consumer is served: the others. */
  readonly waiting: WaitingLine | undefined;

  constructor(priority: number, single: boolean) {
    this.priority = priority;
    this.waiting = single ? new WaitingLine() : undefined;
  }

  append(consumer: QueueConsumer): void {
    consumer.inRow = true;
    consumer.next = undefined;
    consumer.previous = this.last;
    if (this.last === undefined) this.first = consumer;
    else this.last.next = consumer;
    this.last = consumer;
  }

  remove(consumer: QueueConsumer): void {
    const { next, previous } = consumer;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    consumer.next = consumer.previous = undefined;
    consumer.inRow = false;
  }
}

/** How consumers are served. */
export interface DispatcherOptions {
  /** Only one at a time. Default: false. */
  readonly single?: boolean;
  /** That one makes way for one of higher priority. Default: false. */
  readonly yields?: boolean;
  /** Time. */
  readonly clock?: Clock;
}

/**
 * Decides which consumer gets the next message: among those with room the ones of the highest
 * priority, each in turn. One without room leaves its row and joins it at the end when it has room
 * again, so the cost does not grow with the number of busy consumers.
 */
export class Dispatcher {
  /** True when only one consumer is served at a time, and another one only when that has gone. */
  readonly single: boolean;
  /** True when the one that is served makes way for one of higher priority, once all of its
   * deliveries are settled. */
  private readonly _yields: boolean;
  /** The one that is served, if only one is. */
  private _active: QueueConsumer | undefined = undefined;
  /** True while it only settles what it has. */
  private _yielding = false;
  private _consumers: Set<QueueConsumer> | undefined = undefined;
  /** Highest priority first; nearly always there is just one. */
  private readonly _rows: Row[] = [];
  private readonly _clock: Clock;
  /** There once there was a consumer. */
  private _use: ConsumerUse | undefined = undefined;

  constructor({ single = false, yields = false, clock = systemClock }: DispatcherOptions = {}) {
    this.single = single;
    this._yields = yields;
    this._clock = clock;
  }

  /** For which part of the last seconds somebody had room, from 0 to 1; 0 without consumers. */
  get capacity(): number {
    return this.size === 0 ? 0 : this._use!.capacity;
  }

  /** The consumer that is served, when only one is. */
  get active(): QueueConsumer | undefined {
    return this._active;
  }

  /** How many consumers there are, busy ones included. */
  get size(): number {
    return this._consumers?.size ?? 0;
  }

  /** All consumers, oldest first. */
  [Symbol.iterator](): Iterator<QueueConsumer> {
    return (this._consumers ?? NONE).values();
  }

  /** True when it is one of ours. */
  has(consumer: QueueConsumer): boolean {
    return this._consumers?.has(consumer) ?? false;
  }

  /** Adds a consumer at the end of its priority's row. */
  add(consumer: QueueConsumer): void {
    this._consumers ??= new Set();
    if (this._consumers.size === 0) this._use = new ConsumerUse(this._clock);
    else this._use!.unblock();
    this._consumers.add(consumer);
    const row = this._rowOf(consumer);
    row.size++;
    if (!this.single) row.append(consumer);
    else if (this._active === undefined) this._activate(consumer);
    else {
      row.waiting!.append(consumer);
      if (this._yields && consumer.priority > this._active.priority) this._makeYield();
    }
  }

  private _makeYield(): void {
    this._yielding = true;
    const active = this._active!;
    if (active.inRow) this._rowOf(active).remove(active);
    if (active.unackedCount === 0) this._yield(active);
  }

  /** The one that was served waits again: of its priority, it was the oldest. */
  private _yield(active: QueueConsumer): void {
    this._rowOf(active).waiting!.prepend(active);
    this._activateNext();
  }

  private _activate(consumer: QueueConsumer): void {
    this._active = consumer;
    this._rowOf(consumer).append(consumer);
  }

  /** Of those that wait to be the one, the oldest of the highest priority. */
  private _activateNext(): void {
    this._active = undefined;
    this._yielding = false;
    const line = this._rows.find(({ waiting }) => waiting!.first !== undefined)?.waiting;
    const next = line?.first;
    if (next === undefined) return;
    line!.remove(next);
    this._activate(next);
  }

  /** Removes a consumer. Returns false when it was none of ours. */
  remove(consumer: QueueConsumer): boolean {
    if (!this._consumers?.delete(consumer)) return false;
    const row = this._rowOf(consumer);
    if (consumer.inRow) row.remove(consumer);
    else if (this.single && consumer !== this._active) row.waiting!.remove(consumer);
    if (--row.size === 0) this._rows.splice(this._rows.indexOf(row), 1);
    if (consumer === this._active) this._activateNext();
    return true;
  }

  /** Lets a consumer that had no room stand in the row again. */
  rejoin(consumer: QueueConsumer): void {
    if (consumer.inRow || !this._consumers?.has(consumer)) return;
    this._use!.unblock();
    if (!this.single) this._rowOf(consumer).append(consumer);
    else if (consumer !== this._active) return;
    else if (!this._yielding) this._rowOf(consumer).append(consumer);
    else if (consumer.unackedCount === 0) this._yield(consumer);
  }

  /** The one consumer, where there is no other: then nobody has to take turns. */
  get only(): QueueConsumer | undefined {
    return this._consumers?.size === 1 ? this._consumers.values().next().value : undefined;
  }

  /** The only consumer stands in its row and has no room. */
  onlyIsBusy(only: QueueConsumer): void {
    this._rows[0]!.remove(only);
    this._use!.block();
  }

  /** Whose turn it is; undefined when nobody has room. */
  next(): QueueConsumer | undefined {
    for (let index = 0; index < this._rows.length; index++) {
      const row = this._rows[index]!;
      for (let consumer = row.first; consumer !== undefined; consumer = row.first) {
        if (!consumer.hasRoom()) {
          row.remove(consumer);
          continue;
        }
        if (consumer !== row.last) {
          row.remove(consumer);
          row.append(consumer);
        }
        return consumer;
      }
    }
    this._use?.block();
    return undefined;
  }

  private _rowOf({ priority }: QueueConsumer): Row {
    let at = 0;
    while (at < this._rows.length && this._rows[at]!.priority > priority) at++;
    let row = this._rows[at];
    if (row?.priority !== priority) {
      row = new Row(priority, this.single);
      this._rows.splice(at, 0, row);
    }
    return row;
  }
}
