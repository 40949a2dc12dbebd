import { internedText } from "./byte_reader.ts";
import { NO_BYTES } from "./no_bytes.ts";
import type { BasicProperties } from "./properties.ts";

export { NO_BYTES };

/** Octets between an address and the properties where a content is `framed`: bits, a frame's end, and of
 * the header frame its head, class, weight and body size. */
export const ADDRESS_TO_PROPERTIES = 21;
/** Octets between properties and body there: a frame's end and a frame's head. */
export const PROPERTIES_TO_BODY = 8;

/**
 * What `basic.publish`, `basic.deliver`, `basic.return` and `basic.get-ok` carry besides their own
 * fields: where the message was published to, its properties and its body, each as a range of a
 * buffer and not as a copy.
 *
 * ```text
 *  head  [ ... | exchange shortstr, routing key shortstr | ... | flags, properties | ... ]
 *                addressStart                 addressEnd         propertiesStart  propertiesEnd
 *  body  [ ... | body | ... ]
 *                bodyStart  bodyEnd
 * ```
 *
 * Coming from a wire, `head` is set and `properties` is not; coming from the same process it is the
 * other way round, and each is made from the other only when somebody asks (`encodedContent` and
 * `contentProperties` in `content_codec.ts`).
 *
 * Ownership: a content that a {@linkcode Link} hands out is valid until the call returns. The link
 * uses the object and the buffers again; who keeps a message copies what it keeps. The receiver of a
 * publish may keep the object itself instead, `kept`: nobody fills it in then.
 *
 * Its fields are only declared here, since a field with a value is written twice, and there is a content
 * for each message.
 */
export class Content {
  /** Name of the exchange that the message was published to. */
  declare exchange: string;
  /** The routing key, unless nobody has asked for it yet: then it is undefined, and lies in `head` as ASCII
   * or as other UTF-8 that was checked. Keys with an id in them come once, and making a text of each takes
   * longer than all the rest of routing. */
  declare keyText: string | undefined;
  /** Holds the address and the properties in their wire form; undefined while not encoded. */
  declare head: Uint8Array | undefined;
  /** Start of the two short strings exchange and routing key in `head`. */
  declare addressStart: number;
  /** End of them. */
  declare addressEnd: number;
  /** Start of the property flags and values in `head`. */
  declare propertiesStart: number;
  /** End of them. */
  declare propertiesEnd: number;
  /** The properties as an object; undefined while they exist only in wire form. */
  declare properties: BasicProperties | undefined;
  /** Holds the body. */
  declare body: Uint8Array;
  /** Start of the body in `body`. */
  declare bodyStart: number;
  /** End of the body in `body`. */
  declare bodyEnd: number;
  /** True when the body's buffer was given away by its maker and will never be written to again, so
   * that it can be kept without a copy. */
  declare transferred: boolean;
  /** True when the body's buffer comes from those of `body_buffers.ts`, and goes back to them once whoever
   * keeps this content has done with it. Other contents with the same body copy it to keep it. */
  declare pooled: boolean;
  /** True when `head` and `body` are one buffer in which the frames of a publish lie as they came, from
   * the address to the end of the body's frame: the one for the header and the one for the whole body can
   * be copied together.
   *
   * ```text
   * [ address, bits, end ][ head of the header frame: 19 | properties, end ][ head of the body frame: 7 | body, end ]
   * ```
   */
  declare framed: boolean;
  /** True when the receiver of a publish wants the next one to come in another object: it keeps this one, or
   * has objects of its own for them (`LinkReceiver.newContent`). */
  declare kept: boolean;

  /**
   * Begins as nothing, or with what another content has, which is taken over as by `assign`.
   *
   * @param other The other content.
   */
  constructor(other?: Content) {
    if (other !== undefined) {
      // what `assign` does, said again: there V8 would meet objects with and without their fields, and
      // be slower for both, at each message
      this.exchange = other.exchange;
      this.keyText = other.keyText;
      this.head = other.head;
      this.addressStart = other.addressStart;
      this.addressEnd = other.addressEnd;
      this.propertiesStart = other.propertiesStart;
      this.propertiesEnd = other.propertiesEnd;
      this.properties = other.properties;
      this.body = other.body;
      this.bodyStart = other.bodyStart;
      this.bodyEnd = other.bodyEnd;
      this.transferred = other.transferred && !other.pooled;
      this.pooled = false;
      this.framed = other.framed;
      this.kept = false;
      return;
    }
    this.exchange = "";
    this.keyText = "";
    this.head = undefined;
    this.addressStart = 0;
    this.addressEnd = 0;
    this.propertiesStart = 0;
    this.propertiesEnd = 0;
    this.properties = undefined;
    this.body = NO_BYTES;
    this.bodyStart = 0;
    this.bodyEnd = 0;
    this.transferred = false;
    this.pooled = false;
    this.framed = false;
    this.kept = false;
  }

  /** Routing key that it was published with. */
  get routingKey(): string {
    return this.keyText ??= keyIn(this.head, this.addressStart);
  }
  set routingKey(text: string) {
    this.keyText = text;
  }

  /** Its wire form is not what it says any more: what it says lies in the other fields from now on. */
  loseHead(): void {
    this.keyText = this.routingKey;
    this.head = undefined;
    this.framed = false;
  }

  /** Takes over all fields of another content, but not the ownership of a buffer; nothing is copied but
   * references. */
  assign(other: Content): void {
    this.exchange = other.exchange;
    this.keyText = other.keyText;
    this.head = other.head;
    this.addressStart = other.addressStart;
    this.addressEnd = other.addressEnd;
    this.propertiesStart = other.propertiesStart;
    this.propertiesEnd = other.propertiesEnd;
    this.properties = other.properties;
    this.body = other.body;
    this.bodyStart = other.bodyStart;
    this.bodyEnd = other.bodyEnd;
    this.transferred = other.transferred && !other.pooled;
    this.pooled = false;
    this.framed = other.framed;
  }

  /** Becomes the one with whom a body's buffer goes back to where it comes from. */
  takePooled(other: Content): void {
    this.transferred = this.pooled = true;
    other.pooled = false;
  }
}

/** Reads the routing key of an address: it comes behind the exchange. */
function keyIn(head: Uint8Array | undefined, addressStart: number): string {
  if (head === undefined) throw new Error("Cannot tell the routing key: the message is gone");
  const start = addressStart + 1 + head[addressStart]! + 1;
  return internedText(head, start, start + head[start - 1]!)!;
}
