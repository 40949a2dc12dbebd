import { hashOf, internedText } from "./byte_reader.ts";
import { copyRange, sameRange } from "./byte_ranges.ts";
import { FreshAddresses } from "./fresh_addresses.ts";
import { type BasicPublish, basicPublish } from "./methods/basic.ts";

/** The longest address that is known by its octets: longer ones are decoded each time that they come again. */
export const ADDRESS_SIZE_MAX = 64;
/** How many there is room for at first and at most; powers of two. */
const COUNT_MIN = 256;
const COUNT_MAX = 32_768;
/** Of so many addresses it is known that they came once; a power of two. */
const SEEN_COUNT = 32_768;
/** What is left of a hash for its second place among those: the other bits. */
const SECOND_SHIFT = 17;

/**
 * The addresses that messages are published to again and again, with the method that each stands for:
 * exchange, routing key and bits of a `basic.publish`, known by their octets, so that no text is made
 * for a message and nothing is looked up by a text.
 *
 * An address gets a place when it comes for the second time: keys with an id in them come but once.
 * Of two addresses for the same place the later one has it, and when that happens often there is room
 * for twice as many.
 */
export class PublishAddresses {
  private _count = COUNT_MIN;
  /** The octets of each, in places of the same size. */
  private _bytes = new Uint8Array(COUNT_MIN * ADDRESS_SIZE_MAX);
  private _view = new DataView(this._bytes.buffer);
  private _sizes = new Uint8Array(COUNT_MIN);
  private _hashes = new Int32Array(COUNT_MIN);
  /** The hashes of addresses that came and got no place. Made for the first of them. */
  private _seen = new Int32Array(0);
  private _methods: (BasicPublish | undefined)[] = empty(COUNT_MIN);
  /** How many lost their place since there was room for so many. */
  private _lost = 0;
  private readonly _fresh = new FreshAddresses();
  /** True when the one that was found last is new: its method, which it shares with other new ones, does not
   * tell its routing key. */
  foundFresh = false;

  /**
   * Tells what the octets of an address, up to and with the bits, stand for. The method is shared; see
   * `foundFresh`.
   *
   * @param hash What `hashOf` makes of them.
   * @returns Undefined when they are no address.
   */
  find(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    hash: number = hashOf(bytes, start, end, view),
  ): BasicPublish | undefined {
    const size = end - start;
    this.foundFresh = false;
    if (size > ADDRESS_SIZE_MAX) {
      return this._hasSeen(hash)
        ? decoded(bytes, start, end)
        : this._findFresh(bytes, view, start, end);
    }
    const place = hash & this._count - 1;
    if (
      this._hashes[place] === hash && this._sizes[place] === size &&
      sameRange(bytes, view, start, this._bytes, this._view, place * ADDRESS_SIZE_MAX, size)
    ) return this._methods[place];
    if (!this._hasSeen(hash)) return this._findFresh(bytes, view, start, end);
    const method = decoded(bytes, start, end);
    if (method !== undefined) this._keep(place, hash, method, bytes, start, end);
    return method;
  }

  private _findFresh(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): BasicPublish | undefined {
    const method = this._fresh.find(bytes, view, start, end);
    this.foundFresh = method !== undefined;
    return method ?? decoded(bytes, start, end);
  }

  private _hasSeen(hash: number): boolean {
    if (this._seen.length === 0) this._seen = new Int32Array(SEEN_COUNT);
    const seen = this._seen;
    const index = hash & SEEN_COUNT - 1;
    const other = seen[index]!;
    if (other === hash || seen[hash >>> SECOND_SHIFT] === hash) return true;
    // the one that it pushes out has another place, or two that take turns would be new for ever
    if (other !== 0) seen[other >>> SECOND_SHIFT] = other;
    seen[index] = hash;
    return false;
  }

  private _keep(
    place: number,
    hash: number,
    method: BasicPublish,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this._methods[place] !== undefined && ++this._lost > this._count >> 2) {
      if (this._count < COUNT_MAX) return this._grow();
    }
    this._methods[place] = method;
    this._hashes[place] = hash;
    this._sizes[place] = end - start;
    copyRange(bytes, start, end, this._bytes, this._view, place * ADDRESS_SIZE_MAX);
  }

  /** Makes room for more, and begins anew: those that come again are soon back. */
  private _grow(): void {
    const count = this._count *= 2;
    this._bytes = new Uint8Array(count * ADDRESS_SIZE_MAX);
    this._view = new DataView(this._bytes.buffer);
    this._sizes = new Uint8Array(count);
    this._hashes = new Int32Array(count);
    this._methods = empty(count);
    this._lost = 0;
  }
}

function empty(count: number): (BasicPublish | undefined)[] {
  return new Array<BasicPublish | undefined>(count).fill(undefined);
}

/** Reads two short strings and the octet of bits behind them. */
function decoded(bytes: Uint8Array, start: number, end: number): BasicPublish | undefined {
  const bitsAt = end - 1;
  const keyAt = start + 1 + bytes[start]!;
  if (keyAt >= bitsAt || keyAt + 1 + bytes[keyAt]! !== bitsAt) return undefined;
  const exchange = internedText(bytes, start + 1, keyAt);
  const routingKey = internedText(bytes, keyAt + 1, bitsAt);
  if (exchange === undefined || routingKey === undefined) return undefined;
  const bits = bytes[bitsAt]!;
  return basicPublish({
    exchange,
    routingKey,
    mandatory: (bits & 1) !== 0,
    immediate: (bits & 2) !== 0,
  });
}
