import { sameRange } from "./byte_ranges.ts";
import { FRAME_END, FRAME_HEAD_SIZE, FRAME_HEADER } from "./constants.ts";
import { Content } from "./content.ts";
import { type BasicPublish, basicPublish } from "./methods/basic.ts";

/** Of a publish whose method and header frames are larger nothing is remembered. */
const SIZE_MAX = 512;
/** After so many publishes in a row that came otherwise, only a few are still remembered. */
const MISSES_MAX = 8;
/** A power of two: one of so many is. */
const REMEMBERED_ONE_IN = 64;
/** From the start of a method frame to the exchange of a `basic.publish`. */
const ADDRESS_AT = FRAME_HEAD_SIZE + 6;
/** From the start of a header frame to the size of the body. */
const BODY_SIZE_AT = FRAME_HEAD_SIZE + 4;

/**
 * The three frames of the last publish of a peer, as octets. Most messages come like the one before
 * but for their body, and to compare some sixty octets costs a fraction of what it takes to read
 * three frames.
 *
 * ```text
 * [ method frame | header frame: class, weight | body size | properties, end | body frame: type, channel | size ] body
 * 0              |                             bodySizeAt                                                       #size
 *   the same       the same                      any         the same          the same                   the body's
 * ```
 */
export class KnownContent {
  /** The method. Shared by all publishes that match. */
  method: BasicPublish = basicPublish();
  /** The channel it came on. */
  channel = 0;
  /** What matched last. */
  readonly content: Content = new Content();
  /** Where the frames of what matched last end. */
  end = 0;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  /** Up to the body; 0 when nothing is remembered. */
  #size = 0;
  #bodySizeAt = 0;
  #addressEnd = 0;
  #propertiesEnd = 0;
  #misses = 0;

  /**
   * Looks whether what lies between two places of a read buffer begins with a whole publish like the
   * one that is remembered; then `content` and `end` are those of this one.
   *
   * @param payloadMax The largest payload of a frame.
   */
  matches(
    bytes: Uint8Array,
    view: DataView,
    low: number,
    high: number,
    payloadMax: number,
  ): boolean {
    const size = this.#size;
    const body = low + size;
    if (size === 0 || body >= high) return false;
    const bodySizeAt = this.#bodySizeAt;
    if (!sameRange(bytes, view, low, this.#bytes, this.#view, 0, bodySizeAt)) return false;
    const rest = bodySizeAt + 8;
    const bodySize = view.getUint32(low + bodySizeAt + 4);
    const end = body + bodySize;
    if (
      bodySize === 0 || bodySize > payloadMax || end >= high || bytes[end] !== FRAME_END ||
      view.getUint32(body - 4) !== bodySize || view.getUint32(low + bodySizeAt) !== 0 ||
      !sameRange(bytes, view, low + rest, this.#bytes, this.#view, rest, size - 4 - rest)
    ) return false;
    this.#misses = 0;
    this.end = end + 1;
    const { content } = this;
    if (content.head !== bytes) content.head = content.body = bytes;
    content.addressStart = low + ADDRESS_AT;
    content.addressEnd = low + this.#addressEnd;
    content.propertiesStart = low + rest;
    content.propertiesEnd = low + this.#propertiesEnd;
    content.bodyStart = body;
    content.bodyEnd = end;
    return true;
  }

  /** Remembers a publish that came in three frames, one right behind the other. */
  learn(
    bytes: Uint8Array,
    view: DataView,
    channel: number,
    method: BasicPublish,
    content: Content,
  ): void {
    const misses = this.#misses++;
    if (misses > MISSES_MAX && (misses & REMEMBERED_ONE_IN - 1) !== 0) return;
    this.#size = 0;
    if (content.head !== bytes || content.body !== bytes) return;
    const start = content.addressStart - ADDRESS_AT;
    const size = content.bodyStart - start;
    if (start < 0 || size > SIZE_MAX) return;
    const header = start + FRAME_HEAD_SIZE + view.getUint32(start + 3) + 1;
    const isNext = bytes[header] === FRAME_HEADER &&
      header + BODY_SIZE_AT + 8 === content.propertiesStart &&
      content.propertiesEnd + 1 + FRAME_HEAD_SIZE === content.bodyStart;
    if (!isNext) return;
    if (this.#bytes.length < size) {
      this.#bytes = new Uint8Array(size);
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#bytes.set(bytes.subarray(start, content.bodyStart));
    this.#bodySizeAt = header + BODY_SIZE_AT - start;
    this.#addressEnd = content.addressEnd - start;
    this.#propertiesEnd = content.propertiesEnd - start;
    this.#size = size;
    this.method = method;
    this.channel = channel;
    this.content.exchange = method.exchange;
    this.content.routingKey = method.routingKey;
    this.content.head = undefined;
  }

  /** Forgets it: its channel has closed. */
  forget(): void {
    this.#size = 0;
  }
}
