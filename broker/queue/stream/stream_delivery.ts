import { ByteReader } from "../../amqp/byte_reader.ts";
import { ByteWriter } from "../../amqp/byte_writer.ts";
import { Content } from "../../amqp/content.ts";
import { decodeProperties, encodeProperties, PROPERTY_FLAGS } from "../../amqp/properties.ts";
import { Message } from "../../message.ts";
import type { MessageBytes } from "../../store/stored_message.ts";
import { hasHeaders, headersAt, headersHold, tableSize } from "./head.ts";

const OFFSET_HEADER = "x-stream-offset";
const OFFSET_KEY = new TextEncoder().encode(OFFSET_HEADER);
/** The header in its wire form: name with its length, the letter `l`, eight octets. */
const OFFSET_SIZE = 1 + OFFSET_KEY.length + 1 + 8;
const LETTER_INT64 = 0x6c;

/**
 * A message of a stream on its way out: with the header that tells its offset. One is used for all
 * deliveries, since whoever takes a delivery takes its bytes at once, and nobody comes back for them:
 * a stream has them still. The body stays where it is.
 */
export class StreamDelivery {
  /** The message; valid until the next one is loaded. */
  readonly message: Message = new Message(new Content());
  readonly #reader = new ByteReader();
  readonly #head = new ByteWriter(512);
  #addressSize = 0;

  /** Makes the message of this offset out of what was stored. Its head must be encoded. */
  load(source: MessageBytes & { readonly transferred: boolean }, offset: number): Message {
    const { message } = this;
    this.#loadAddress(source);
    this.#head.length = this.#addressSize;
    const head = source.head!;
    if (headersHold(head, source.propertiesStart, OFFSET_KEY)) this.#replaceHeader(source, offset);
    else this.#addHeader(source, offset);
    message.head = this.#head.bytes;
    message.addressStart = 0;
    message.addressEnd = message.propertiesStart = this.#addressSize;
    message.propertiesEnd = this.#head.length;
    message.body = source.body;
    message.bodyStart = source.bodyStart;
    message.bodyEnd = source.bodyEnd;
    message.transferred = source.transferred;
    return message;
  }

  /** Lets go of the bytes that were delivered last. */
  clear(): void {
    this.message.body = this.#head.bytes;
    this.message.bodyStart = this.message.bodyEnd = 0;
  }

  /** Exchange and routing key: in most streams those of the message before. */
  #loadAddress({ head, addressStart, addressEnd }: MessageBytes): void {
    const writer = this.#head;
    const size = addressEnd - addressStart;
    let same = 0;
    if (size === this.#addressSize) {
      while (same < size && writer.bytes[same] === head![addressStart + same]) same++;
    }
    if (same === size && size > 0) return;
    writer.length = 0;
    writer.copy(head!, addressStart, addressEnd);
    this.#addressSize = size;
    this.#reader.reset(head!, addressStart, addressEnd);
    this.message.exchange = this.#reader.shortString();
    this.message.routingKey = this.#reader.shortString();
  }

  #addHeader({ head, propertiesStart, propertiesEnd }: MessageBytes, offset: number): void {
    const writer = this.#head;
    const start = writer.length;
    const at = headersAt(head!, propertiesStart);
    writer.copy(head!, propertiesStart, at);
    let rest = at;
    if (hasHeaders(head!, propertiesStart)) {
      const size = tableSize(head!, at);
      rest = at + 4 + size;
      writer.uint32(size + OFFSET_SIZE);
      writer.copy(head!, at + 4, rest);
    } else {
      writer.bytes[start] = writer.bytes[start]! | PROPERTY_FLAGS.headers >> 8;
      writer.uint32(OFFSET_SIZE);
    }
    writer.uint8(OFFSET_KEY.length);
    writer.copy(OFFSET_KEY, 0, OFFSET_KEY.length);
    writer.uint8(LETTER_INT64);
    writer.safeInt64(offset);
    writer.copy(head!, rest, propertiesEnd);
  }

  /** The message was read from a stream before it was published to this one. */
  #replaceHeader({ head, propertiesStart, propertiesEnd }: MessageBytes, offset: number): void {
    const properties = decodeProperties(head!, propertiesStart, propertiesEnd);
    // always a long, as for all other messages, however small it is
    const headers = { ...properties.headers, [OFFSET_HEADER]: BigInt(offset) };
    encodeProperties(this.#head, { ...properties, headers });
  }
}
