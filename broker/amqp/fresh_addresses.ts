import { internedText, isAscii } from "./byte_reader.ts";
import { copyRange, sameRange } from "./byte_ranges.ts";
import { type BasicPublish, basicPublish } from "./methods/basic.ts";

/** Borne by a method that stands for many keys: nothing may be remembered with it. */
export const MANY_KEYS: unique symbol = Symbol("many keys");

/** An exchange's name with the octet of its length before it. */
const EXCHANGE_MAX = 256;

/**
 * Addresses that have never come before, as those with an id in their routing key. Only the exchange is
 * decoded, and that once for all that go there in a row; the key stays octets ({@linkcode Content.keyText})
 * until somebody asks for a text.
 */
export class FreshAddresses {
  /** The exchange that was decoded last, with the octet of its length, and what it stands for. */
  private readonly _exchange = new Uint8Array(EXCHANGE_MAX);
  private readonly _view = new DataView(this._exchange.buffer);
  private _size = 0;
  private _bits = 0;
  private _method: BasicPublish = basicPublish();

  /**
   * Looks at an address, up to and with the bits.
   *
   * @returns A method without the routing key, shared by all that go to this exchange in a row. Undefined
   * when the octets are no address, or the key is not ASCII and must be checked by decoding it.
   */
  find(bytes: Uint8Array, view: DataView, start: number, end: number): BasicPublish | undefined {
    const bitsAt = end - 1;
    const size = 1 + bytes[start]!;
    const keyAt = start + size;
    if (keyAt >= bitsAt || keyAt + 1 + bytes[keyAt]! !== bitsAt) return undefined;
    const isLast = size === this._size && bytes[bitsAt] === this._bits &&
      sameRange(bytes, view, start, this._exchange, this._view, 0, size);
    if (!isLast && !this._decode(bytes, start, size, bytes[bitsAt]!)) return undefined;
    return isAscii(bytes, view, keyAt + 1, bitsAt) ? this._method : undefined;
  }

  private _decode(bytes: Uint8Array, start: number, size: number, bits: number): boolean {
    const exchange = internedText(bytes, start + 1, start + size);
    if (exchange === undefined) return false;
    this._method = basicPublish({
      exchange,
      mandatory: (bits & 1) !== 0,
      immediate: (bits & 2) !== 0,
    });
    this._method.bears = MANY_KEYS;
    copyRange(bytes, start, start + size, this._exchange, this._view, 0);
    this._size = size;
    this._bits = bits;
    return true;
  }
}
