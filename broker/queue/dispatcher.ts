import { type Clock, systemClock } from "../amqp/clock.ts";
import type { QueueConsumer } from "./consumer.ts";
import { type ConsumerRow, ConsumerRows } from "./consumer_rows.ts";
import { ConsumerUse } from "./consumer_use.ts";

const NONE: ReadonlySet<QueueConsumer> = new Set();

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
  private _rows: ConsumerRows | undefined = undefined;
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
    const row = (this._rows ??= new ConsumerRows(this.single)).join(consumer.priority);
    if (!this.single) this._stand(consumer);
    else if (this._active === undefined) this._activate(consumer);
    else {
      row.waiting!.append(consumer);
      this._rows!.list(row);
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
    const row = this._rowOf(active);
    row.waiting!.prepend(active);
    this._rows!.list(row);
    this._activateNext();
  }

  private _activate(consumer: QueueConsumer): void {
    this._active = consumer;
    this._stand(consumer);
  }

  private _stand(consumer: QueueConsumer): void {
    const row = this._rowOf(consumer);
    row.append(consumer);
    // where only one is served, those of the others count
    if (!this.single) this._rows!.list(row);
  }

  /** Of those that wait to be the one, the oldest of the highest priority. */
  private _activateNext(): void {
    this._active = undefined;
    this._yielding = false;
    for (let row = this._rows!.first; row !== undefined; row = this._rows!.next()) {
      const next = row.waiting!.first;
      if (next === undefined) continue;
      row.waiting!.remove(next);
      return this._activate(next);
    }
  }

  /** Removes a consumer. Returns false when it was none of ours. */
  remove(consumer: QueueConsumer): boolean {
    if (!this._consumers?.delete(consumer)) return false;
    const row = this._rowOf(consumer);
    if (consumer.inRow) row.remove(consumer);
    else if (this.single && consumer !== this._active) row.waiting!.remove(consumer);
    this._rows!.leave(row);
    if (consumer === this._active) this._activateNext();
    return true;
  }

  /** Lets a consumer that had no room stand in the row again. */
  rejoin(consumer: QueueConsumer): void {
    if (consumer.inRow || !this._consumers?.has(consumer)) return;
    this._use!.unblock();
    if (!this.single) this._stand(consumer);
    else if (consumer !== this._active) return;
    else if (!this._yielding) this._stand(consumer);
    else if (consumer.unackedCount === 0) this._yield(consumer);
  }

  /** The one consumer, where there is no other: then nobody has to take turns. */
  get only(): QueueConsumer | undefined {
    return this._consumers?.size === 1 ? this._consumers.values().next().value : undefined;
  }

  /** The only consumer stands in its row and has no room. */
  onlyIsBusy(only: QueueConsumer): void {
    this._rowOf(only).remove(only);
    this._use!.block();
  }

  /** Whose turn it is; undefined when nobody has room. */
  next(): QueueConsumer | undefined {
    if (this.single) return this._onlyActive();
    for (let row = this._rows?.first; row !== undefined; row = this._rows!.next()) {
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

  /** The one that is served, if it has room. */
  private _onlyActive(): QueueConsumer | undefined {
    const active = this._active;
    if (active?.inRow) {
      if (active.hasRoom()) return active;
      this._rowOf(active).remove(active);
    }
    this._use?.block();
    return undefined;
  }

  private _rowOf({ priority }: QueueConsumer): ConsumerRow {
    return this._rows!.of(priority);
  }
}
