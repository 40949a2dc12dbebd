import { AmqpError } from "../amqp/error.ts";
import type { Steps } from "../amqp/long_work.ts";
import type { QueueEntry } from "../queue/entry.ts";
import type { MessageQueue } from "../queue/message_queue.ts";
import { DeliveryCounts } from "../stats.ts";
import type { ChannelConsumer } from "./consumer.ts";
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

/** A ring starts so small. */
const SMALLEST_RING = 8;
/** One that is larger than this is let go when nothing is left in it. */
const LARGE_RING = 262_144;
/** A ring larger than this must be at least an eighth full, or its oldest entries move out. */
const SPARSE_RING = 1024;
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
 * to a map.
 *
 * ```text
 *  old: 3, 17        ring: [ 1001 | - | 1003 | 1004 | - | 1006 ]
 *                            first                        next
 * ```
 */
export class Unacked {
  /** True when somebody was told that there is no room, and may have some again. */
  heldUp = false;
  /** The ring. Empty until there is a delivery: there are channels that only publish. */
  #entries: (QueueEntry | undefined)[] = NO_ENTRIES;
  #sources: (DeliverySource | undefined)[] = NO_SOURCES;
  #times: Float64Array = NO_TIMES;
  /** Tags from `#first` up to `#next`, that not included, have a place in the ring. */
  #first = 1;
  #next = 1;
  /** How many places of the ring are taken. */
  #count = 0;
  /** All of them have lower tags than `#first`. */
  #old: Map<number, UnackedDelivery> | undefined = undefined;
  /** Goes through `#old` once: a new iterator would pass over those that are gone again and again. */
  #oldTags: MapIterator<number> | undefined = undefined;
  /** The lowest tag in `#old`; -1 when that is not known. */
  #oldestTag = -1;
  /** True while lower ones are still to come into `#old`. */
  #isFilling = false;

  /** No body of those that came since there was none is larger: what all of them come to at most is
   * known without a look at each that goes. */
  #largest = 0;
  /** Size of the bodies of all of them, once they had to be counted; undefined before. */
  #bytes: number | undefined = undefined;
  readonly #bytesMax: number;

  /** @param bytesMax With so many bytes of bodies no more should be added. */
  constructor(bytesMax = Infinity) {
    this.#bytesMax = bytesMax;
  }

  /** How many bytes there are. Who asks has them counted from now on, until there are none. */
  get bytes(): number {
    if (this.#bytes !== undefined) return this.#bytes;
    let bytes = 0;
    for (const delivery of this.#all()) bytes += sizeOf(delivery, delivery.entry);
    return this.#bytes = bytes;
  }

  /** How many there are. */
  get size(): number {
    return this.#count + (this.#old?.size ?? 0);
  }

  /** True when there is as much of it as there may be. */
  get full(): boolean {
    return this.size * this.#largest >= this.#bytesMax && this.bytes >= this.#bytesMax;
  }

  /** False when there is as much of it as there may be: whoever asks is to be told of more. */
  hasRoom(): boolean {
    if (!this.full) return true;
    this.heldUp = true;
    return false;
  }

  /** Remembers one; tags only grow. */
  add({ deliveryTag, entry, queue, consumer, deliveredAt }: UnackedDelivery): void {
    this.put(deliveryTag, entry, { queue, consumer }, deliveredAt);
  }

  /** The same, in parts. */
  put(deliveryTag: number, entry: QueueEntry, source: DeliverySource, deliveredAt: number): void {
    if (this.#count === 0) this.#first = this.#next = deliveryTag;
    while (deliveryTag - this.#first >= this.#entries.length) {
      this.#makeRoom();
      // the last one in the ring may have moved out: tags have gaps, for what needs no ack
      if (this.#count === 0) this.#first = this.#next = deliveryTag;
    }
    const at = deliveryTag & this.#entries.length - 1;
    this.#entries[at] = entry;
    this.#sources[at] = source;
    this.#times[at] = deliveredAt;
    this.#next = deliveryTag + 1;
    this.#count++;
    const { size } = entry.message;
    if (size > this.#largest) this.#largest = size;
    if (this.#bytes !== undefined) this.#bytes += sizeOf(source, entry);
  }

  /** What was delivered with a tag, if that is in the ring. */
  entryOf(deliveryTag: number): QueueEntry | undefined {
    if (deliveryTag < this.#first || deliveryTag >= this.#next) return undefined;
    return this.#entries[deliveryTag & this.#entries.length - 1];
  }

  /** Where a delivery that is in the ring came from. */
  sourceOf(deliveryTag: number): DeliverySource {
    return this.#sources[deliveryTag & this.#sources.length - 1]!;
  }

  /** Takes out one that is in the ring. */
  drop(deliveryTag: number): void {
    if (this.#bytes !== undefined) {
      this.#bytes -= sizeOf(this.sourceOf(deliveryTag), this.entryOf(deliveryTag)!);
    }
    this.#leaveRing(deliveryTag);
  }

  /**
   * Takes one out.
   *
   * @throws {AmqpError} 406 when no such delivery is outstanding.
   */
  takeOne(deliveryTag: number): UnackedDelivery {
    const delivery = this.#get(deliveryTag);
    if (delivery === undefined) throw unknown(deliveryTag);
    this.#remove(deliveryTag);
    return delivery;
  }

  /** True when a delivery is one of them. */
  has(delivery: UnackedDelivery): boolean {
    const { deliveryTag, entry, queue } = delivery;
    const found = this.#get(deliveryTag);
    return found !== undefined && found.entry === entry && found.queue === queue;
  }

  /** Forgets what a delivery was, but not that there is one: settling it is fine and does nothing. */
  disown(delivery: UnackedDelivery): void {
    const { deliveryTag } = delivery;
    if (this.#bytes !== undefined) this.#bytes -= sizeOf(delivery, delivery.entry);
    if (deliveryTag < this.#first) this.#old!.set(deliveryTag, { ...delivery, ...DISOWNED });
    else this.#sources[deliveryTag & this.#sources.length - 1] = DISOWNED;
  }

  /** All of them, in the order of their tags. Some may come and go meanwhile; `has` tells. */
  [Symbol.iterator](): Iterator<UnackedDelivery> {
    return this.#all();
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
    if (this.#get(deliveryTag) === undefined) throw unknown(deliveryTag);
  }

  /** How many there are up to a tag, at most. */
  atMostUpTo(deliveryTag: number): number {
    const inRing = Math.min(this.#count, Math.max(0, deliveryTag - this.#first + 1));
    return inRing + (this.#old?.size ?? 0);
  }

  /** Takes out one after another up to a tag, oldest first. Others may come meanwhile, and be taken. */
  *takeEach(deliveryTag: number): Generator<UnackedDelivery> {
    while (this.size > 0) {
      const oldest = this.#oldestOfOld();
      const tag = oldest?.deliveryTag ?? this.#first;
      if (tag > deliveryTag) return;
      yield this.takeOne(tag);
    }
  }

  #oldestOfOld(): UnackedDelivery | undefined {
    const old = this.#old;
    if (old === undefined || old.size === 0) return undefined;
    while (true) {
      const oldest = old.get(this.#oldestTag);
      if (oldest !== undefined) return oldest;
      const { done, value = -1 } = (this.#oldTags ??= old.keys()).next();
      if (done === true) this.#oldTags = undefined;
      this.#oldestTag = value;
    }
  }

  /** Takes out all. */
  takeAll(): UnackedDelivery[] {
    const all = [...this.#all()];
    this.clear();
    return all;
  }

  #letGo(): void {
    this.#entries = NO_ENTRIES;
    this.#sources = NO_SOURCES;
    this.#times = NO_TIMES;
  }

  /** Forgets all. */
  clear(): void {
    this.#letGo();
    this.#first = this.#next;
    this.#count = 0;
    this.#old = undefined;
    this.#oldTags = undefined;
    this.#oldestTag = -1;
    this.#countAnew();
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
    const last = this.#next - 1;
    this.#isFilling = true;
    try {
      const kept: UnackedDelivery[] = [];
      for (const delivery of this.takeEach(last)) {
        if (kept.push(delivery) % CHUNK === 0) yield CHUNK_COST;
      }
      // what is in the ring now came later than all of them
      const sorted = yield* sortSlowly(deliveries, tagOf);
      const all = yield* mergeSlowly(kept, sorted, tagOf);
      for (let index = 0; index < all.length; index++) {
        this.#addOld(all[index]!);
        if (index % CHUNK === CHUNK - 1) yield CHUNK_COST;
      }
    } finally {
      this.#isFilling = false;
    }
  }

  #addOld(delivery: UnackedDelivery): void {
    (this.#old ??= new Map()).set(delivery.deliveryTag, delivery);
    const size = sizeOf(delivery, delivery.entry);
    if (size > this.#largest) this.#largest = size;
    if (this.#bytes !== undefined) this.#bytes += size;
  }

  *#all(): Generator<UnackedDelivery> {
    if (this.#old !== undefined) yield* this.#old.values();
    for (let tag = this.#first; tag < this.#next; tag++) {
      // what is before the first one has gone meanwhile, and a later one may have its place
      if (tag >= this.#first && this.entryOf(tag) !== undefined) yield this.#inRing(tag);
    }
  }

  #get(deliveryTag: number): UnackedDelivery | undefined {
    if (deliveryTag < this.#first) return this.#old?.get(deliveryTag);
    return this.entryOf(deliveryTag) === undefined ? undefined : this.#inRing(deliveryTag);
  }

  /** Makes an object of one that is in the ring. */
  #inRing(deliveryTag: number): UnackedDelivery {
    const at = deliveryTag & this.#entries.length - 1;
    const { queue, consumer } = this.#sources[at]!;
    const [entry, deliveredAt] = [this.#entries[at]!, this.#times[at]!];
    return { deliveryTag, entry, queue, consumer, deliveredAt };
  }

  #remove(deliveryTag: number): void {
    if (deliveryTag >= this.#first) return this.drop(deliveryTag);
    const delivery = this.#old!.get(deliveryTag)!;
    if (this.#bytes !== undefined) this.#bytes -= sizeOf(delivery, delivery.entry);
    this.#old!.delete(deliveryTag);
    // it may come again, after lower ones
    if (deliveryTag === this.#oldestTag) this.#oldestTag = -1;
    if (this.size === 0) this.#countAnew();
  }

  #leaveRing(deliveryTag: number): void {
    const entries = this.#entries;
    const mask = entries.length - 1;
    entries[deliveryTag & mask] = this.#sources[deliveryTag & mask] = undefined;
    if (--this.#count === 0) {
      this.#first = this.#next;
      if (entries.length > LARGE_RING) this.#letGo();
      if (this.#old === undefined || this.#old.size === 0) this.#countAnew();
    } else while (entries[this.#first & mask] === undefined) this.#first++;
  }

  /** There is none. */
  #countAnew(): void {
    this.#largest = 0;
    this.#bytes = undefined;
  }

  /** The ring has no place for the next tag: it grows, or lets its oldest entry go. */
  #makeRoom(): void {
    const { length } = this.#entries;
    if (length > SPARSE_RING && this.#count < length >> 3 && !this.#isFilling) {
      const oldest = this.#first;
      (this.#old ??= new Map()).set(oldest, this.#inRing(oldest));
      this.#leaveRing(oldest);
      return;
    }
    const size = Math.max(length * 2, SMALLEST_RING);
    const [entries, sources, times] = [this.#entries, this.#sources, this.#times];
    this.#entries = new Array(size);
    this.#sources = new Array(size);
    this.#times = new Float64Array(size);
    for (let tag = this.#first; tag < this.#next; tag++) {
      // no pair of both: before it is compiled, each would be 200 bytes, with a hundred thousand at once
      const from = tag & length - 1;
      const to = tag & size - 1;
      this.#entries[to] = entries[from];
      this.#sources[to] = sources[from];
      this.#times[to] = times[from]!;
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
