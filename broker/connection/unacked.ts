import { AmqpError } from "../amqp/error.ts";
import type { Steps } from "../amqp/long_work.ts";
import { Message } from "../message.ts";
import { QueueEntry } from "../queue/entry.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { DeliveryCounts } from "../stats.ts";
import type { ChannelConsumer } from "./consumer.ts";
import { LaterDeliveries } from "./later_deliveries.ts";
import { mergeSlowly, sortSlowly } from "./long_sort.ts";

/** What a channel that settles a delivery needs of its queue. */
export type SettlingQueue = Pick<
  MessageQueue,
  "settle" | "reject" | "requeue" | "holdBack" | "handOut" | "consumerTimeoutMs" | "counts"
>;

/** In the place of the queue of a delivery that was taken back: whatever its client does with it now
 * comes too late. */
const TOO_LATE: SettlingQueue = {
  consumerTimeoutMs: Infinity,
  counts: new DeliveryCounts(),
  settle() {},
  reject() {},
  requeue() {},
  holdBack() {},
  handOut() {},
};

/** Where deliveries come from: one object for all of a consumer. */
export interface DeliverySource {
  /** The queue. */
  readonly queue: SettlingQueue;
  /** Who gets them; undefined for `basic.get`. */
  readonly consumer: ChannelConsumer | undefined;
}

/** A delivery that its channel has not settled yet. */
export interface UnackedDelivery extends DeliverySource {
  /** Its number on the channel. */
  readonly deliveryTag: number;
  /** The message and its place in the queue. */
  readonly entry: QueueEntry;
  /** When it was delivered, as `AckTimeouts` has it. */
  readonly deliveredAt: number;
}

const DISOWNED: DeliverySource = { queue: TOO_LATE, consumer: undefined };
/** In the place of its entry, which is not the channel's any more. */
const NO_ENTRY = new QueueEntry(new Message(), 0);

/** A ring starts so small. */
const SMALLEST_RING = 8;
/** One that is larger than this is let go when nothing is left in it. */
const LARGE_RING = 32_768;
/** A ring larger than this must be at least an eighth full, or its oldest entries move out. */
const SPARSE_RING = 1024;
/** Of more than so many the later ones are kept apart: as many as wait as objects at the head of a queue, and
 * more than nearly any prefetch allows. */
const RING_MAX = 16_384;
/** That ends when so many are left. */
const FEW_LEFT = 1024;
/** Where there are very many, so many are dealt with in one step. */
const CHUNK = 256;
/** What that costs. */
const CHUNK_COST = 32;
/** Nothing is ever put into them. */
const NO_ENTRIES: (QueueEntry | undefined)[] = [];
const NO_SOURCES: (DeliverySource | undefined)[] = [];
const NO_TIMES = new Float64Array(0);

/**
 * The deliveries of one channel that are not settled, in the order of their tags.
 *
 * Tags are given one after another and mostly settled soon, so they lie in a ring by tag: what is known of
 * them side by side in several arrays, since an object for each costs as much as all the rest of it. A few
 * that stay unsettled for long, while thousands after them come and go, would stretch the ring: those move
 * to a map. And what comes when the ring has very many is kept without objects, until few are left.
 *
 * ```text
 *  old: 3, 17        ring: [ 1001 | - | 1003 | 1004 | - | 1006 ]      later: 1007, 1008, 1010 ...
 *                            first                        next
 * ```
 */
export class Unacked {
  /** The ring. Empty until there is a delivery: there are channels that only publish. */
  private _entries: (QueueEntry | undefined)[] = NO_ENTRIES;
  private _sources: (DeliverySource | undefined)[] = NO_SOURCES;
  private _times: Float64Array = NO_TIMES;
  /** Tags from `_first` up to `_next`, that not included, have a place in the ring. */
  private _first = 1;
  private _next = 1;
  /** How many places of the ring are taken. */
  private _count = 0;
  /** All of them have lower tags than `_first`. */
  private _old: Map<number, UnackedDelivery> | undefined = undefined;
  /** All of them have higher tags than those in the ring; undefined while there are none. */
  private _later: LaterDeliveries | undefined = undefined;
  /** Goes through `_old` once: a new iterator would pass over those that are gone again and again. */
  private _oldTags: MapIterator<number> | undefined = undefined;
  /** The lowest tag in `_old`; -1 when that is not known. */
  private _oldestTag = -1;
  /** True while lower ones are still to come into `_old`. */
  private _isFilling = false;

  /** No body of those that came since there was none is larger: what all of them come to at most is
   * known without a look at each that goes. */
  private _largest = 0;
  /** Size of the bodies of all of them, once they had to be counted; undefined before. */
  private _bytes: number | undefined = undefined;
  private readonly _bytesMax: number;

  /** @param bytesMax With so many bytes of bodies no more should be added. */
  constructor(bytesMax = Infinity) {
    this._bytesMax = bytesMax;
  }

  /** How many bytes there are. Who asks has them counted from now on, until there are none. */
  get bytes(): number {
    if (this._bytes !== undefined) return this._bytes;
    let bytes = this._later?.bytes ?? 0;
    for (const delivery of this._objects()) bytes += sizeOf(delivery, delivery.entry);
    return this._bytes = bytes;
  }

  /** How many there are. */
  get size(): number {
    return this._count + (this._old?.size ?? 0) + (this._later?.size ?? 0);
  }

  /** True when there is as much of it as there may be. */
  get full(): boolean {
    return this.size * this._largest >= this._bytesMax && this.bytes >= this._bytesMax;
  }

  /** Remembers one; tags only grow. */
  add({ deliveryTag, entry, queue, consumer, deliveredAt }: UnackedDelivery): void {
    this.put(deliveryTag, entry, { queue, consumer }, deliveredAt);
  }

  /** The same, in parts. */
  put(deliveryTag: number, entry: QueueEntry, source: DeliverySource, deliveredAt: number): void {
    const { size } = entry.message;
    if (size > this._largest) this._largest = size;
    if (this._bytes !== undefined) this._bytes += sizeOf(source, entry);
    if (this._later !== undefined || this._count >= RING_MAX) {
      this._later ??= new LaterDeliveries(deliveryTag);
      return this._later.put(deliveryTag, entry, source, deliveredAt);
    }
    if (this._count === 0) this._first = this._next = deliveryTag;
    while (deliveryTag - this._first >= this._entries.length) {
      this._makeRoom();
      // the last one in the ring may have moved out: tags have gaps, for what needs no ack
      if (this._count === 0) this._first = this._next = deliveryTag;
    }
    const at = deliveryTag & this._entries.length - 1;
    this._entries[at] = entry;
    this._sources[at] = source;
    this._times[at] = deliveredAt;
    this._next = deliveryTag + 1;
    this._count++;
  }

  /** What was delivered with a tag, if that is in the ring. */
  entryOf(deliveryTag: number): QueueEntry | undefined {
    if (deliveryTag < this._first || deliveryTag >= this._next) return undefined;
    return this._entries[deliveryTag & this._entries.length - 1];
  }

  /** Where a delivery that is in the ring came from. */
  sourceOf(deliveryTag: number): DeliverySource {
    return this._sources[deliveryTag & this._sources.length - 1]!;
  }

  /** Takes out one that is in the ring. */
  drop(deliveryTag: number): void {
    if (this._bytes !== undefined) {
      this._bytes -= sizeOf(this.sourceOf(deliveryTag), this.entryOf(deliveryTag)!);
    }
    this._leaveRing(deliveryTag);
  }

  /**
   * Takes one out.
   *
   * @throws {AmqpError} 406 when no such delivery is outstanding.
   */
  takeOne(deliveryTag: number): UnackedDelivery {
    if (this._later?.has(deliveryTag)) return this._takeLater(this._later, deliveryTag);
    const delivery = this._get(deliveryTag);
    if (delivery === undefined) throw unknown(deliveryTag);
    this._remove(deliveryTag);
    return delivery;
  }

  private _takeLater(later: LaterDeliveries, deliveryTag: number): UnackedDelivery {
    const delivery = later.take(deliveryTag);
    if (this._bytes !== undefined) this._bytes -= sizeOf(delivery, delivery.entry);
    if (later.size + this._count <= FEW_LEFT && !this._isFilling) this._leaveLater(later);
    return delivery;
  }

  /** Few are left: they are old, and the next ones come into the ring. */
  private _leaveLater(later: LaterDeliveries): void {
    while (this._count > 0) this._becomeOld();
    if (later.size > 0) this._old ??= new Map();
    while (later.size > 0) {
      const delivery = later.take(later.firstTag);
      this._old!.set(delivery.deliveryTag, delivery);
    }
    this._first = this._next = later.lastTag + 1;
    this._later = undefined;
    if (this.size === 0) this._countAnew();
  }

  /** The oldest one in the ring moves out. */
  private _becomeOld(): void {
    const oldest = this._first;
    (this._old ??= new Map()).set(oldest, this._inRing(oldest));
    this._leaveRing(oldest);
  }

  /** True when a delivery is one of them. */
  has({ deliveryTag, entry, queue }: UnackedDelivery): boolean {
    // of what is no object another one is made each time, and very many are asked about
    if (this._later?.has(deliveryTag)) {
      return this._later.isAt(deliveryTag, entry.position) &&
        this._later.sourceOf(deliveryTag).queue === queue;
    }
    const found = this._get(deliveryTag);
    return found !== undefined && found.entry.position === entry.position && found.queue === queue;
  }

  /** Where the one of a tag came from; undefined when there is none, or it was taken back. */
  ownedBy(deliveryTag: number): DeliverySource | undefined {
    const source = this._sourceOf(deliveryTag);
    return source?.queue === TOO_LATE ? undefined : source;
  }

  private _sourceOf(deliveryTag: number): DeliverySource | undefined {
    if (deliveryTag < this._first) return this._old?.get(deliveryTag);
    if (this._later?.has(deliveryTag)) return this._later.sourceOf(deliveryTag);
    return this.entryOf(deliveryTag) === undefined ? undefined : this.sourceOf(deliveryTag);
  }

  /**
   * Forgets what a delivery was, but not that there is one: settling it is fine and does nothing.
   *
   * @returns It, with the entry that goes back.
   */
  disown({ deliveryTag }: Pick<UnackedDelivery, "deliveryTag">): UnackedDelivery {
    // what was found when it was no object may be one by now, and the other way round
    const found = this._get(deliveryTag)!;
    if (this._bytes !== undefined) this._bytes -= sizeOf(found, found.entry);
    if (this._later?.has(deliveryTag)) return this._later.exchange(deliveryTag, NO_ENTRY, DISOWNED);
    if (deliveryTag < this._first) {
      this._old!.set(deliveryTag, { ...found, ...DISOWNED, entry: NO_ENTRY });
    } else {
      const at = deliveryTag & this._entries.length - 1;
      this._entries[at] = NO_ENTRY;
      this._sources[at] = DISOWNED;
    }
    return found;
  }

  /** All of them, in the order of their tags. Some may come and go meanwhile; `has` tells. Entries are valid
   * as long as they are there. */
  [Symbol.iterator](): Iterator<UnackedDelivery> {
    return this._all();
  }

  /**
   * Takes out all up to a tag; 0 stands for all there are.
   *
   * @throws {AmqpError} 406 when the tag itself is not outstanding.
   */
  takeUpTo(deliveryTag: number): UnackedDelivery[] {
    if (deliveryTag === 0) return this.takeAll();
    this.require(deliveryTag);
    return [...this.takeEach(deliveryTag)];
  }

  /** @throws {AmqpError} 406 when no such delivery is outstanding. */
  require(deliveryTag: number): void {
    if (this._get(deliveryTag) === undefined) throw unknown(deliveryTag);
  }

  /** How many there are up to a tag, at most. */
  atMostUpTo(deliveryTag: number): number {
    const inRing = Math.min(this._count, Math.max(0, deliveryTag - this._first + 1));
    return inRing + (this._old?.size ?? 0) + (this._later?.atMostUpTo(deliveryTag) ?? 0);
  }

  /** Takes out one after another up to a tag, oldest first. Others may come meanwhile, and be taken. */
  *takeEach(deliveryTag: number): Generator<UnackedDelivery> {
    while (this.size > 0) {
      const tag = this._oldestOfOld()?.deliveryTag ??
        (this._count > 0 ? this._first : this._later!.firstTag);
      if (tag > deliveryTag) return;
      yield this.takeOne(tag);
    }
  }

  private _oldestOfOld(): UnackedDelivery | undefined {
    const old = this._old;
    if (old === undefined || old.size === 0) return undefined;
    while (true) {
      const oldest = old.get(this._oldestTag);
      if (oldest !== undefined) return oldest;
      const { done, value = -1 } = (this._oldTags ??= old.keys()).next();
      if (done === true) this._oldTags = undefined;
      this._oldestTag = value;
    }
  }

  /** Takes out all. */
  takeAll(): UnackedDelivery[] {
    const all = [...this.takeEach(Infinity)];
    this.clear();
    return all;
  }

  private _letGo(): void {
    this._entries = NO_ENTRIES;
    this._sources = NO_SOURCES;
    this._times = NO_TIMES;
  }

  /** Forgets all. */
  clear(): void {
    this._letGo();
    this._first = this._next = Math.max(this._next, (this._later?.lastTag ?? 0) + 1);
    this._count = 0;
    this._later = undefined;
    this._old = undefined;
    this._oldTags = undefined;
    this._oldestTag = -1;
    this._countAnew();
  }

  /** Puts back what a transaction had taken and rolls back. */
  putBack(deliveries: readonly UnackedDelivery[]): void {
    const all = [...this.takeAll(), ...deliveries];
    for (const delivery of all.sort((a, b) => a.deliveryTag - b.deliveryTag)) this.add(delivery);
  }

  /**
   * The same with very many, step by step. Others may be delivered meanwhile, but none be settled.
   *
   * @param deliveries What was taken, in any order.
   */
  *putBackSlowly(deliveries: readonly UnackedDelivery[]): Steps {
    const last = this._later?.lastTag ?? this._next - 1;
    this._isFilling = true;
    try {
      const kept: UnackedDelivery[] = [];
      for (const delivery of this.takeEach(last)) {
        if (kept.push(delivery) % CHUNK === 0) yield CHUNK_COST;
      }
      // what is in the ring now came later than all of them
      if (this._count === 0) this._first = this._next = Math.max(this._next, last + 1);
      const sorted = yield* sortSlowly(deliveries, tagOf);
      const all = yield* mergeSlowly(kept, sorted, tagOf);
      for (let index = 0; index < all.length; index++) {
        this._addOld(all[index]!);
        if (index % CHUNK === CHUNK - 1) yield CHUNK_COST;
      }
    } finally {
      this._isFilling = false;
    }
  }

  private _addOld(delivery: UnackedDelivery): void {
    (this._old ??= new Map()).set(delivery.deliveryTag, delivery);
    const size = sizeOf(delivery, delivery.entry);
    if (size > this._largest) this._largest = size;
    if (this._bytes !== undefined) this._bytes += size;
  }

  private *_all(): Generator<UnackedDelivery> {
    yield* this._objects();
    const later = this._later;
    if (later !== undefined) { for (const tag of later.tags()) yield later.look(tag); }
  }

  /** All but the later ones. */
  private *_objects(): Generator<UnackedDelivery> {
    if (this._old !== undefined) yield* this._old.values();
    for (let tag = this._first; tag < this._next; tag++) {
      // what is before the first one has gone meanwhile, and a later one may have its place
      if (tag >= this._first && this.entryOf(tag) !== undefined) yield this._inRing(tag);
    }
  }

  /** The entries that are objects, in no order, some maybe twice: all but of those that are kept without one.
   * Some may come and go meanwhile. */
  *heldEntries(): Generator<QueueEntry> {
    if (this._later !== undefined) yield* this._later.heldEntries();
    for (let tag = this._first; tag < this._next; tag++) {
      const entry = this.entryOf(tag);
      if (entry !== undefined) yield entry;
    }
    // last, since the others become old
    if (this._old !== undefined) { for (const { entry } of this._old.values()) yield entry; }
  }

  private _get(deliveryTag: number): UnackedDelivery | undefined {
    if (deliveryTag < this._first) return this._old?.get(deliveryTag);
    if (this._later?.has(deliveryTag)) return this._later.look(deliveryTag);
    return this.entryOf(deliveryTag) === undefined ? undefined : this._inRing(deliveryTag);
  }

  /** Makes an object of one that is in the ring. */
  private _inRing(deliveryTag: number): UnackedDelivery {
    const at = deliveryTag & this._entries.length - 1;
    const { queue, consumer } = this._sources[at]!;
    const [entry, deliveredAt] = [this._entries[at]!, this._times[at]!];
    return { deliveryTag, entry, queue, consumer, deliveredAt };
  }

  private _remove(deliveryTag: number): void {
    if (deliveryTag >= this._first) return this.drop(deliveryTag);
    const delivery = this._old!.get(deliveryTag)!;
    if (this._bytes !== undefined) this._bytes -= sizeOf(delivery, delivery.entry);
    this._old!.delete(deliveryTag);
    // it may come again, after lower ones
    if (deliveryTag === this._oldestTag) this._oldestTag = -1;
    if (this.size === 0) this._countAnew();
  }

  private _leaveRing(deliveryTag: number): void {
    const entries = this._entries;
    const mask = entries.length - 1;
    entries[deliveryTag & mask] = this._sources[deliveryTag & mask] = undefined;
    if (--this._count === 0) {
      this._first = this._next;
      if (entries.length > LARGE_RING) this._letGo();
      if (this.size === 0) this._countAnew();
    } else while (entries[this._first & mask] === undefined) this._first++;
  }

  /** There is none. */
  private _countAnew(): void {
    this._largest = 0;
    this._bytes = undefined;
  }

  /** The ring has no place for the next tag: it grows, or lets its oldest entry go. */
  private _makeRoom(): void {
    const { length } = this._entries;
    if (length > SPARSE_RING && this._count < length >> 3 && !this._isFilling) {
      return this._becomeOld();
    }
    const size = Math.max(length * 2, SMALLEST_RING);
    const [entries, sources, times] = [this._entries, this._sources, this._times];
    this._entries = new Array(size);
    this._sources = new Array(size);
    this._times = new Float64Array(size);
    for (let tag = this._first; tag < this._next; tag++) {
      // no pair of both: before it is compiled, each would be 200 bytes, with a hundred thousand at once
      const from = tag & length - 1;
      const to = tag & size - 1;
      this._entries[to] = entries[from];
      this._sources[to] = sources[from];
      this._times[to] = times[from]!;
    }
  }
}

/** What was taken back is not its client's any more. */
function sizeOf({ queue }: DeliverySource, { message }: QueueEntry): number {
  return queue === TOO_LATE ? 0 : message.size;
}

function tagOf({ deliveryTag }: UnackedDelivery): number {
  return deliveryTag;
}

function unknown(deliveryTag: number): AmqpError {
  return new AmqpError(406, `unknown delivery tag ${deliveryTag}`);
}
