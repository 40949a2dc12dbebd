import { copyRange, sameRange, viewOf } from "./byte_ranges.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { FRAME_END, FRAME_HEAD_SIZE, FRAME_OVERHEAD } from "./constants.ts";
import type { Content } from "./content.ts";
import { encodeContentHead } from "./content_codec.ts";
import { writeDelivery } from "./frame_writer.ts";

/** Of a delivery whose method and header frames are larger nothing is remembered. */
const SIZE_MAX = 512;
/** After so many deliveries in a row that went otherwise, only a few are still remembered. */
const MISSES_MAX = 8;
/** A power of two: one of so many is. */
const REMEMBERED_ONE_IN = 64;

/**
 * How `basic.deliver` is written to one consumer: the frames of the last delivery are kept, up to the
 * body, and copied with three numbers changed when the next message has the same address and
 * properties. Most have.
 *
 * ```text
 * [ method frame: tag | delivery tag | redelivered | address ][ header frame: body size | properties ][ size | body ]
 *                       new            new                                    new                       new    new
 * ```
 */
export class KnownDelivery {
  readonly #tag: Uint8Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  /** Up to the body; 0 when nothing is remembered. */
  #size = 0;
  #channel = 0;
  #exchange = "";
  #routingKey = "";
  #deliveryTagAt = 0;
  #propertiesAt = 0;
  #propertiesSize = 0;
  #misses = 0;

  /** @param tag The consumer tag as short string, its length before it. */
  constructor(tag: Uint8Array) {
    this.#tag = tag;
  }

  /** Writes a delivery. */
  write(
    out: ByteWriter,
    channel: number,
    deliveryTag: number,
    redelivered: boolean,
    content: Content,
    frameMax: number,
  ): void {
    if (content.head === undefined) encodeContentHead(content);
    const bodySize = content.bodyEnd - content.bodyStart;
    const isOneFrame = bodySize > 0 && (frameMax === 0 || bodySize <= frameMax - FRAME_OVERHEAD);
    if (!isOneFrame || !this.#matches(channel, content)) {
      const at = out.length;
      writeDelivery(out, channel, this.#tag, deliveryTag, redelivered, content, frameMax);
      if (isOneFrame) this.#learn(out, at, channel, content);
      return;
    }
    this.#misses = 0;
    const size = this.#size;
    const at = out.reserve(size + bodySize + 1);
    const { bytes, view } = out;
    const known = this.#view;
    const last = size - 8;
    for (let index = 0; index < last; index += 8) {
      view.setBigUint64(at + index, known.getBigUint64(index, true), true);
    }
    view.setBigUint64(at + last, known.getBigUint64(last, true), true);
    const tagAt = at + this.#deliveryTagAt;
    if (deliveryTag > 0xffff_ffff) view.setUint32(tagAt, deliveryTag / 0x1_0000_0000);
    view.setUint32(tagAt + 4, deliveryTag);
    if (redelivered) bytes[tagAt + 8] = 1;
    view.setUint32(at + this.#propertiesAt - 4, bodySize);
    view.setUint32(at + size - 4, bodySize);
    const end = copyRange(content.body, content.bodyStart, content.bodyEnd, bytes, view, at + size);
    bytes[end] = FRAME_END;
  }

  #matches(channel: number, content: Content): boolean {
    const propertiesSize = this.#propertiesSize;
    const { propertiesStart } = content;
    if (
      this.#size === 0 || channel !== this.#channel || content.routingKey !== this.#routingKey ||
      content.exchange !== this.#exchange ||
      content.propertiesEnd - propertiesStart !== propertiesSize
    ) return false;
    const head = content.head!;
    const at = this.#propertiesAt;
    // most messages have no properties, just two octets of flags
    if (propertiesSize === 2) {
      return head[propertiesStart] === this.#bytes[at] &&
        head[propertiesStart + 1] === this.#bytes[at + 1];
    }
    return sameRange(
      head,
      viewOf(head),
      propertiesStart,
      this.#bytes,
      this.#view,
      at,
      propertiesSize,
    );
  }

  /** Remembers what was written for a content, from a place on. */
  #learn(out: ByteWriter, start: number, channel: number, content: Content): void {
    const misses = this.#misses++;
    if (misses > MISSES_MAX && (misses & REMEMBERED_ONE_IN - 1) !== 0) return;
    this.#size = 0;
    const size = out.length - start - 1 - (content.bodyEnd - content.bodyStart);
    if (size > SIZE_MAX) return;
    if (this.#bytes.length < size) {
      this.#bytes = new Uint8Array(size);
      this.#view = new DataView(this.#bytes.buffer);
    }
    this.#bytes.set(out.bytes.subarray(start, start + size));
    this.#deliveryTagAt = FRAME_HEAD_SIZE + 4 + this.#tag.length;
    this.#view.setUint32(this.#deliveryTagAt, 0);
    this.#bytes[this.#deliveryTagAt + 8] = 0;
    this.#propertiesSize = content.propertiesEnd - content.propertiesStart;
    this.#propertiesAt = size - FRAME_HEAD_SIZE - 1 - this.#propertiesSize;
    this.#size = size;
    this.#channel = channel;
    this.#exchange = content.exchange;
    this.#routingKey = content.routingKey;
  }
}
