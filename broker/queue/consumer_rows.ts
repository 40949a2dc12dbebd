import type { QueueConsumer } from "./consumer.ts";

/** Consumers of one priority, one behind another. */
class ConsumerLine {
  first: QueueConsumer | undefined = undefined;
  last: QueueConsumer | undefined = undefined;

  append(consumer: QueueConsumer): void {
    consumer.next = undefined;
    consumer.previous = this.last;
    if (this.last === undefined) this.first = consumer;
    else this.last.next = consumer;
    this.last = consumer;
  }

  /** Puts one back that is older than all the others. */
  prepend(consumer: QueueConsumer): void {
    consumer.previous = undefined;
    consumer.next = this.first;
    if (this.first === undefined) this.last = consumer;
    else this.first.previous = consumer;
    this.first = consumer;
  }

  remove(consumer: QueueConsumer): void {
    const { next, previous } = consumer;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    consumer.next = consumer.previous = undefined;
  }
}

/** The consumers of one priority that may have room, in the order in which it is their turn. */
export class ConsumerRow extends ConsumerLine {
  readonly priority: number;
  /** Where it is among those with somebody in them; -1: it is none of them. */
  place = -1;
  /** How many consumers have this priority, those that do not stand in the row included. */
  size = 0;
  /** Where only one consumer is served: the others, oldest first. */
  readonly waiting: ConsumerLine | undefined;

  constructor(priority: number, single: boolean) {
    super();
    this.priority = priority;
    this.waiting = single ? new ConsumerLine() : undefined;
  }

  override append(consumer: QueueConsumer): void {
    consumer.inRow = true;
    super.append(consumer);
  }

  override remove(consumer: QueueConsumer): void {
    super.remove(consumer);
    consumer.inRow = false;
  }
}

/**
 * The rows of all priorities that consumers have. Clients choose those, and each of a hundred thousand consumers
 * may have one of its own: to find the first row with somebody in it must not cost more than the logarithm of how
 * many there are.
 */
export class ConsumerRows {
  private readonly _single: boolean;
  /** Undefined until there are two priorities: of very many queues hardly one ever has that. */
  private _all: Map<number, ConsumerRow> | undefined = undefined;
  /** The one that was asked for last: nearly always there is no other. Without `_all` it is the only one. */
  private _last: ConsumerRow | undefined = undefined;
  /** Those with somebody in them, and some that all have left: a heap, the highest priority first. */
  private readonly _listed: ConsumerRow[] = [];

  /** @param single Only one consumer is served at a time. */
  constructor(single: boolean) {
    this._single = single;
  }

  /** That of a priority that somebody has. */
  of(priority: number): ConsumerRow {
    return this._last = this._find(priority)!;
  }

  private _find(priority: number): ConsumerRow | undefined {
    const last = this._last;
    if (last !== undefined && last.priority === priority) return last;
    return this._all?.get(priority);
  }

  /** Somebody has a priority. */
  join(priority: number): ConsumerRow {
    const row = this._find(priority) ?? this._begin(new ConsumerRow(priority, this._single));
    row.size++;
    return row;
  }

  private _begin(row: ConsumerRow): ConsumerRow {
    if (this._all === undefined) {
      if (this._last === undefined) return this._last = row;
      this._all = new Map([[this._last.priority, this._last]]);
    }
    this._all.set(row.priority, row);
    return row;
  }

  /** Somebody who had its priority is gone. */
  leave(row: ConsumerRow): void {
    if (--row.size > 0) return;
    this._all?.delete(row.priority);
    if (this._last === row) this._last = undefined;
    if (row.place >= 0) this._unlist(row);
  }

  /** Somebody is in it now. */
  list(row: ConsumerRow): void {
    if (row.place < 0) this._put(row, this._listed.length);
  }

  /** The row of the highest priority in which somebody may be. */
  get first(): ConsumerRow | undefined {
    return this._listed[0];
  }

  /** The one after the first, in which nobody is any more. If it is the last one it stays: mostly somebody comes
   * back. */
  next(): ConsumerRow | undefined {
    if (this._listed.length <= 1) return undefined;
    this._unlist(this._listed[0]!);
    return this._listed[0];
  }

  private _unlist(row: ConsumerRow): void {
    const last = this._listed.pop()!;
    if (last !== row) this._put(last, row.place);
    row.place = -1;
  }

  /** Puts one where there is room, or further up or down. */
  private _put(row: ConsumerRow, at: number): void {
    const listed = this._listed;
    const { priority } = row;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (listed[parent]!.priority > priority) break;
      this._set(listed[parent]!, at);
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= listed.length) break;
      const other = listed[child + 1];
      if (other !== undefined && other.priority > listed[child]!.priority) child++;
      if (listed[child]!.priority < priority) break;
      this._set(listed[child]!, at);
      at = child;
    }
    this._set(row, at);
  }

  private _set(row: ConsumerRow, at: number): void {
    this._listed[at] = row;
    row.place = at;
  }
}
