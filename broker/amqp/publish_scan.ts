import { hashOf } from "./byte_reader.ts";
import { copyRange, sameRange } from "./byte_ranges.ts";
import {
  BASIC_CLASS,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_SIZE,
  FRAME_HEADER,
  FRAME_METHOD,
} from "./constants.ts";
import { Content } from "./content.ts";
import { type BasicPublish, basicPublish } from "./methods/basic.ts";
import { checkProperties } from "./properties.ts";
import { ADDRESS_SIZE_MAX, PublishAddresses } from "./publish_addresses.ts";
import { PublishTemplate } from "./publish_template.ts";
import { PublishTemplates } from "./publish_templates.ts";

const BASIC_PUBLISH = BASIC_CLASS << 16 | 40;
/** From the start of a method frame to the exchange of a `basic.publish`. */
const ADDRESS_AT = FRAME_HEAD_SIZE + 6;
/** Payload of a content header without properties: class, weight, body size, flags. */
const BARE_HEADER_SIZE = 14;
/** A whole publish has at least so many octets. */
const PUBLISH_MIN = ADDRESS_AT + 4 + FRAME_HEAD_SIZE + BARE_HEADER_SIZE + 1 + FRAME_HEAD_SIZE + 2;
const NO_METHOD = basicPublish();
/** The shortest address, two short strings, with the octet of bits. */
const ADDRESS_MIN = 3;
/** The longest one. */
const ADDRESS_MAX = 513;

/**
 * Looks at the three frames of a publish at once: method, header and a body in one frame, one right
 * behind the other. That is how nearly all messages come, and it is several times as fast as to take
 * each frame by itself. Whatever is out of the ordinary in any way is left to those who do.
 *
 * ```text
 * [ method frame: address, bits ][ header frame: class, weight, body size, properties ][ body frame: body ]
 * low                            header                                                 frame              end
 * ```
 */
export class PublishScan {
  /** The content of the publish that was found last. Another one may take its place. */
  content: Content = new Content();
  /** Where its last frame ends. */
  end = 0;
  /** Its method. Shared by all publishes in a row with the same address. */
  method: BasicPublish = NO_METHOD;
  /** What the last ones were like. */
  private readonly _template = new PublishTemplate();
  /** And what those were like that go to other addresses. */
  private readonly _templates = new PublishTemplates();
  private readonly _addresses = new PublishAddresses();
  /** The address and bits that were decoded last, as octets. */
  private readonly _address = new Uint8Array(ADDRESS_MAX);
  private readonly _addressView = new DataView(this._address.buffer);
  private _addressSize = 0;
  /** What they stand for. */
  private _decoded: BasicPublish = NO_METHOD;

  /**
   * Looks whether a whole publish on a channel begins at a place of a read buffer; then the fields are
   * about this one.
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
  ): boolean {
    const template = this._template;
    const templates = this._templates;
    if (templates.orderly) {
      const method = templates.next(
        bytes,
        view,
        low,
        high,
        channel,
        payloadMax,
        depthMax,
        low + ADDRESS_AT,
        this.content,
      );
      if (method !== undefined) {
        this.method = method;
        this.end = this.content.bodyEnd + 1;
        return true;
      }
    }
    if (
      template.finds(bytes, view, low, high, channel, payloadMax, depthMax, this.content)
    ) {
      this.method = template.method;
      this.end = this.content.bodyEnd + 1;
      return true;
    }
    if (high - low < PUBLISH_MIN) return false;
    const methodSize = view.getUint32(low + 3);
    const addressStart = low + ADDRESS_AT;
    const bitsAt = low + FRAME_HEAD_SIZE + methodSize - 1;
    const header = bitsAt + 2;
    if (
      // type, channel, and the first octet of a size below 16 MiB
      view.getInt32(low) !== (FRAME_METHOD << 24 | channel << 8) ||
      view.getInt32(low + FRAME_HEAD_SIZE) !== BASIC_PUBLISH ||
      header + FRAME_HEAD_SIZE + BARE_HEADER_SIZE >= high
    ) return false;
    const size = bitsAt + 1 - addressStart;
    if (size < ADDRESS_MIN || size > ADDRESS_MAX) return false;
    const isLast = this._isLast(bytes, view, addressStart, bitsAt);
    let hash = 0;
    let remembers = false;
    if (!isLast) {
      hash = hashOf(bytes, addressStart, bitsAt + 1, view);
      remembers = size <= ADDRESS_SIZE_MAX && templates.worthwhile;
    }
    if (remembers) {
      const method = templates.find(
        hash,
        bytes,
        view,
        low,
        high,
        channel,
        payloadMax,
        depthMax,
        addressStart,
        this.content,
      );
      if (method !== undefined) {
        this.method = method;
        this.end = this.content.bodyEnd + 1;
        if (templates.again) {
          template.take(bytes, low, channel, payloadMax, depthMax, method, this.content);
        }
        return true;
      }
    }
    if (
      methodSize > payloadMax || bytes[header - 1] !== FRAME_END ||
      view.getInt32(header) !== (FRAME_HEADER << 24 | channel << 8)
    ) return false;
    const headerSize = view.getUint32(header + 3);
    const propertiesStart = header + FRAME_HEAD_SIZE + 12;
    const propertiesEnd = header + FRAME_HEAD_SIZE + headerSize;
    const body = propertiesEnd + 1 + FRAME_HEAD_SIZE;
    if (
      headerSize < BARE_HEADER_SIZE || headerSize > payloadMax || body >= high ||
      bytes[propertiesEnd] !== FRAME_END ||
      view.getInt32(propertiesEnd + 1) !== (FRAME_BODY << 24 | channel << 8)
    ) return false;
    const bodySize = view.getUint32(body - 4);
    const bodyEnd = body + bodySize;
    if (
      bodySize === 0 || bodySize > payloadMax || bodyEnd >= high || bytes[bodyEnd] !== FRAME_END ||
      view.getInt32(header + FRAME_HEAD_SIZE) !== BASIC_CLASS << 16 ||
      view.getInt32(propertiesStart - 8) !== 0 || view.getUint32(propertiesStart - 4) !== bodySize
    ) return false;
    let method = this._decoded;
    let isFresh = false;
    if (!isLast) {
      const addresses = this._addresses;
      const found = addresses.find(bytes, view, addressStart, bitsAt + 1, hash);
      if (found === undefined) return false;
      method = found;
      isFresh = addresses.foundFresh;
      if (!isFresh) this._remember(method, bytes, addressStart, bitsAt);
    }
    if (headerSize > BARE_HEADER_SIZE || view.getUint16(propertiesStart) !== 0) {
      if (!areFine(bytes, propertiesStart, propertiesEnd, depthMax)) return false;
    }
    const { content } = this;
    this.method = method;
    content.framed = true;
    content.properties = undefined;
    content.exchange = method.exchange;
    content.keyText = isFresh ? undefined : method.routingKey;
    content.head = bytes;
    content.addressStart = addressStart;
    content.addressEnd = bitsAt;
    content.propertiesStart = propertiesStart;
    content.propertiesEnd = propertiesEnd;
    content.body = bytes;
    content.bodyStart = body;
    content.bodyEnd = bodyEnd;
    this.end = bodyEnd + 1;
    // nothing that comes once is worth keeping
    if (isFresh) {
      if (remembers) templates.lookedInVain();
      return true;
    }
    template.take(bytes, low, channel, payloadMax, depthMax, method, content);
    if (remembers) {
      const payload = Math.max(methodSize, headerSize, bodySize);
      templates.take(hash, bytes, low, channel, payload, depthMax, method, content);
    }
    return true;
  }

  /** True when an address and the octet of bits behind it are those that were decoded last. */
  private _isLast(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const size = end + 1 - start;
    return size === this._addressSize &&
      sameRange(bytes, view, start, this._address, this._addressView, 0, size);
  }

  /** What an address and the octet of bits behind it stand for. */
  private _remember(method: BasicPublish, bytes: Uint8Array, start: number, end: number): void {
    this._decoded = method;
    copyRange(bytes, start, end + 1, this._address, this._addressView, 0);
    this._addressSize = end + 1 - start;
  }
}

function areFine(bytes: Uint8Array, start: number, end: number, depthMax: number): boolean {
  try {
    checkProperties(bytes, start, end, depthMax);
    return true;
  } catch {
    return false;
  }
}
