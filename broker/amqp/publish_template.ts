import { copyRange, sameWords } from "./byte_ranges.ts";
import { FRAME_END } from "./constants.ts";
import type { Content } from "./content.ts";
import { type BasicPublish, basicPublish } from "./methods/basic.ts";

/** A publish with more octets before its body is no template. */
const SIZE_MAX = 512;
/** After so many templates in a row that no publish was like, a new one is made only now and then. */
const USELESS_MAX = 8;
/** That often: once in so many publishes, a power of two. */
const SELDOM = 32;

/**
 * All octets of a publish but for its body. Most clients send many messages in a row that differ in
 * nothing else: those are known by comparing eight octets at a time, which is several times as fast as
 * to look at each field.
 *
 * ```text
 * [ method frame | header frame | head of the body frame | body | end ]
 * 0                                                      size
 * ```
 */
export class PublishTemplate {
  private readonly _bytes = new Uint8Array(SIZE_MAX);
  private readonly _view = new DataView(this._bytes.buffer);
  /** The method of publishes that are like it. */
  method: BasicPublish = basicPublish();
  /** How many octets come before the body. */
  private _size = 0;
  private _bodySize = 0;
  /** -1: there is no template. */
  private _channel = -1;
  private _payloadMax = 0;
  private _depthMax = 0;
  private _addressStart = 0;
  private _addressEnd = 0;
  private _propertiesStart = 0;
  private _propertiesEnd = 0;
  /** How many publishes were like it. */
  private _likes = 0;
  private _useless = 0;
  private _met = 0;

  /**
   * Looks whether a publish like it begins at a place of a read buffer, and if so, fills in its content.
   *
   * @param payloadMax The largest payload of a frame.
   * @param depthMax How deep tables may be nested in headers.
   */
  finds(
    bytes: Uint8Array,
    view: DataView,
    low: number,
    high: number,
    channel: number,
    payloadMax: number,
    depthMax: number,
    content: Content,
  ): boolean {
    const body = low + this._size;
    const end = body + this._bodySize;
    if (
      end >= high || channel !== this._channel || payloadMax < this._payloadMax ||
      depthMax < this._depthMax || bytes[end] !== FRAME_END ||
      !sameWords(view, low, this._view, 0, this._size)
    ) return false;
    this._likes++;
    const { exchange, routingKey } = this.method;
    content.framed = true;
    content.properties = undefined;
    content.exchange = exchange;
    content.keyText = routingKey;
    content.head = content.body = bytes;
    content.addressStart = low + this._addressStart;
    content.addressEnd = low + this._addressEnd;
    content.propertiesStart = low + this._propertiesStart;
    content.propertiesEnd = low + this._propertiesEnd;
    content.bodyStart = body;
    content.bodyEnd = end;
    return true;
  }

  /** Those after this one may be like it. */
  take(
    bytes: Uint8Array,
    low: number,
    channel: number,
    payloadMax: number,
    depthMax: number,
    method: BasicPublish,
    content: Content,
  ): void {
    const size = content.bodyStart - low;
    if (size > SIZE_MAX) return;
    if (this._likes === 0) {
      if (this._useless < USELESS_MAX) this._useless++;
      else if ((++this._met & SELDOM - 1) !== 0) return;
    } else this._useless = 0;
    this._likes = 0;
    copyRange(bytes, low, content.bodyStart, this._bytes, this._view, 0);
    this._size = size;
    this._bodySize = content.bodyEnd - content.bodyStart;
    this._channel = channel;
    this._payloadMax = payloadMax;
    this._depthMax = depthMax;
    this.method = method;
    this._addressStart = content.addressStart - low;
    this._addressEnd = content.addressEnd - low;
    this._propertiesStart = content.propertiesStart - low;
    this._propertiesEnd = content.propertiesEnd - low;
  }
}
