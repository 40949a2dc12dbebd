import { BLOCK_SIZE, EntryBlock } from "../queue/entry_block.ts";
import type { QueueEntry } from "../queue/entry.ts";
import type { DeliverySource, UnackedDelivery } from "./unacked.ts";

/** More empty blocks than this are forgotten once they are half of all. */
const EMPTY_MAX = 64;

/** Deliveries with neighbouring tags. */
class Block {
  /** Which tags belong to it, as `numberOf` says. */
  readonly number: number;
  readonly entries = new EntryBlock();
  readonly sources: DeliverySource[] = new Array(BLOCK_SIZE);
  readonly times = new Float64Array(BLOCK_SIZE);
  /** How many there are. */
  count = 0;

  constructor(number: number) {
    this.number = number;
  }
}

/**
 * Unacked deliveries of a channel that has very many of them, in the order of their tags: what a consumer
 * without a prefetch gets and keeps, a million of them if there are so many. But for the latest ones they
 * are no objects.
 */
export class LaterDeliveries {
  /** How many there are. */
  size = 0;
  /** Bytes of their bodies. */
  bytes = 0;
  /** In the order of their numbers; of tags that need no ack there may be no block. */
  private _blocks: Block[] = [];
  /** How many of them have nothing left. */
  private _empty = 0;
  /** The one that was looked for last: neighbours are asked for one after another. */
  private _found: Block | undefined = undefined;
  /** No tag is lower, and none is higher. */
  private _first: number;
  private _last: number;

  /** @param firstTag Of the delivery that is added first. */
  constructor(firstTag: number) {
    this._first = this._last = firstTag;
  }

  /** The highest tag that was added. */
  get lastTag(): number {
    return this._last;
  }

  /** The lowest tag; Infinity when there is none. */
  get firstTag(): number {
    return this._first = this._from(this._first);
  }

  /** How many there are up to a tag, at most. */
  atMostUpTo(deliveryTag: number): number {
    return Math.min(this.size, Math.max(0, deliveryTag - this._first + 1));
  }

  /** Adds one; tags only grow. */
  put(deliveryTag: number, entry: QueueEntry, source: DeliverySource, deliveredAt: number): void {
    const number = numberOf(deliveryTag);
    let block = this._blocks.at(-1);
    if (block === undefined || block.number !== number) {
      // until others come they are objects, which is best for what is settled at once
      block?.entries.pack();
      this._blocks.push(block = new Block(number));
    } else if (block.count === 0) this._empty--;
    if (this.size++ === 0) this._first = deliveryTag;
    this.bytes += entry.message.size;
    const at = deliveryTag % BLOCK_SIZE;
    block.entries.put(at, entry);
    block.sources[at] = source;
    block.times[at] = deliveredAt;
    block.count++;
    this._last = deliveryTag;
  }

  /** True when there is one of this tag. */
  has(deliveryTag: number): boolean {
    return this._blockOf(deliveryTag)?.entries.has(deliveryTag % BLOCK_SIZE) ?? false;
  }

  /** True when the one of this tag is at that position of its queue. */
  isAt(deliveryTag: number, position: number): boolean {
    return this._blockOf(deliveryTag)!.entries.position(deliveryTag % BLOCK_SIZE) === position;
  }

  /** Where the one of this tag came from. */
  sourceOf(deliveryTag: number): DeliverySource {
    return this._blockOf(deliveryTag)!.sources[deliveryTag % BLOCK_SIZE]!;
  }

  /** One that stays; its entry is valid as long as that is so. */
  look(deliveryTag: number): UnackedDelivery {
    const block = this._blockOf(deliveryTag)!;
    return deliveryOf(block, deliveryTag, block.entries.look(deliveryTag % BLOCK_SIZE));
  }

  /** Takes one out. */
  take(deliveryTag: number): UnackedDelivery {
    const block = this._blockOf(deliveryTag)!;
    const taken = deliveryOf(block, deliveryTag, block.entries.take(deliveryTag % BLOCK_SIZE));
    this.size--;
    this.bytes -= taken.entry.message.size;
    if (--block.count === 0) this._noteEmpty();
    return taken;
  }

  /** Takes one out and puts something else in its place, which is not held. */
  exchange(deliveryTag: number, entry: QueueEntry, source: DeliverySource): UnackedDelivery {
    const at = deliveryTag % BLOCK_SIZE;
    const block = this._blockOf(deliveryTag)!;
    const taken = deliveryOf(block, deliveryTag, block.entries.take(at));
    block.entries.put(at, entry);
    block.sources[at] = source;
    this.bytes += entry.message.size - taken.entry.message.size;
    return taken;
  }

  /** The tags. Some may come and go meanwhile. */
  *tags(): Generator<number> {
    for (let tag = this._from(this._first); tag < Infinity; tag = this._from(tag + 1)) yield tag;
  }

  /** Entries that are objects; first those become objects again that should move to other pages. Some may
   * come and go meanwhile. */
  *heldEntries(): Generator<QueueEntry> {
    for (const block of [...this._blocks]) yield* block.entries.heldEntries();
  }

  /** The first tag from this one on; Infinity: there is none. */
  private _from(deliveryTag: number): number {
    for (let at = this._indexFrom(numberOf(deliveryTag)); at < this._blocks.length; at++) {
      const { number, count, entries } = this._blocks[at]!;
      if (count === 0) continue;
      const first = number * BLOCK_SIZE;
      for (let place = Math.max(0, deliveryTag - first); place < BLOCK_SIZE; place++) {
        if (entries.has(place)) return first + place;
      }
    }
    return Infinity;
  }

  /** Where the block of a number is, or the next one. */
  private _indexFrom(number: number): number {
    let [low, high] = [0, this._blocks.length];
    while (low < high) {
      const middle = low + high >> 1;
      if (this._blocks[middle]!.number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private _blockOf(deliveryTag: number): Block | undefined {
    const number = numberOf(deliveryTag);
    if (this._found?.number === number) return this._found;
    const block = this._blocks[this._indexFrom(number)];
    return block?.number === number ? this._found = block : undefined;
  }

  private _noteEmpty(): void {
    if (++this._empty <= EMPTY_MAX || this._empty < this._blocks.length / 2) return;
    const last = this._blocks.at(-1);
    this._blocks = this._blocks.filter((block) => block.count > 0 || block === last);
    this._empty = last?.count === 0 ? 1 : 0;
    this._found = undefined;
  }
}

/** Which block a tag belongs to. */
function numberOf(deliveryTag: number): number {
  return Math.floor(deliveryTag / BLOCK_SIZE);
}

function deliveryOf(block: Block, deliveryTag: number, entry: QueueEntry): UnackedDelivery {
  const at = deliveryTag % BLOCK_SIZE;
  const { queue, consumer } = block.sources[at]!;
  return { deliveryTag, entry, queue, consumer, deliveredAt: block.times[at]! };
}
