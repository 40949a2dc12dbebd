import type { ByteWriter } from "./byte_writer.ts";
import { Content } from "./content.ts";
import { encodeContentHead, headWriter } from "./content_codec.ts";
import { encodeFields } from "./field_table.ts";
import { type FieldTable, LETTERS } from "./field_value.ts";
import { PROPERTY_FLAGS } from "./properties.ts";

/** What is to be different about a content. */
export interface ContentEdit {
  /** The exchange, if another one. */
  readonly exchange?: string;
  /** The routing key, if another one. */
  readonly routingKey?: string;
  /** Headers that come in place of those of the same name, or are added. */
  readonly headers?: FieldTable;
  /** Names of headers that go. */
  readonly without?: readonly string[];
  /** True when the expiration goes. */
  readonly withoutExpiration?: boolean;
}

/**
 * A content that differs from another one in some headers. The others are copied as octets, so each
 * keeps the type that its publisher gave it: a number that was sent in eight octets must not arrive
 * in four only because a dead letter exchange or a delivery count came between.
 *
 * The body is shared. The original is unchanged, apart from being encoded if it was not.
 *
 * @throws {TypeError} When a header cannot be encoded.
 */
export function editedContent(content: Content, edit: ContentEdit): Content {
  encodeContentHead(content);
  const writer = headWriter();
  const start = writer.length;
  try {
    return writeEdited(writer, content, edit);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

function writeEdited(writer: ByteWriter, content: Content, edit: ContentEdit): Content {
  const head = content.head!;
  const { headers = {}, without = [] } = edit;
  const result = new Content();
  result.addressStart = writer.length;
  result.exchange = edit.exchange ?? content.exchange;
  result.routingKey = edit.routingKey ?? content.routingKey;
  writer.shortString(result.exchange);
  writer.shortString(result.routingKey);
  result.addressEnd = result.propertiesStart = writer.length;

  let at = content.propertiesStart;
  const flags = head[at]! << 8 | head[at + 1]!;
  const dropped = edit.withoutExpiration ? PROPERTY_FLAGS.expiration : 0;
  writer.uint16((flags | PROPERTY_FLAGS.headers) & ~dropped);
  at += 2;

  let end = at;
  if (flags & PROPERTY_FLAGS.contentType) end += 1 + head[end]!;
  if (flags & PROPERTY_FLAGS.contentEncoding) end += 1 + head[end]!;
  writer.copy(head, at, end);
  at = end;

  const sizeAt = writer.reserve(4);
  encodeFields(writer, headers);
  if (flags & PROPERTY_FLAGS.headers) {
    end = at + 4 + uint32At(head, at);
    copyFields(
      writer,
      head,
      at + 4,
      end,
      (name) => Object.hasOwn(headers, name) || without.includes(name),
    );
    at = end;
  }
  writer.view.setUint32(sizeAt, writer.length - sizeAt - 4);

  if (flags & dropped) {
    end = at;
    if (flags & PROPERTY_FLAGS.deliveryMode) end++;
    if (flags & PROPERTY_FLAGS.priority) end++;
    if (flags & PROPERTY_FLAGS.correlationId) end += 1 + head[end]!;
    if (flags & PROPERTY_FLAGS.replyTo) end += 1 + head[end]!;
    writer.copy(head, at, end);
    at = end + 1 + head[end]!;
  }
  writer.copy(head, at, content.propertiesEnd);

  result.head = writer.bytes;
  result.propertiesEnd = writer.length;
  result.body = content.body;
  result.bodyStart = content.bodyStart;
  result.bodyEnd = content.bodyEnd;
  result.transferred = content.transferred && !content.pooled;
  return result;
}

const decoder = new TextDecoder();

/** Copies the fields of a table that `drops` does not say yes to. The table was checked before. */
function copyFields(
  writer: ByteWriter,
  bytes: Uint8Array,
  start: number,
  end: number,
  drops: (name: string) => boolean,
): void {
  for (let at = start; at < end;) {
    const valueAt = at + 1 + bytes[at]!;
    const next = afterValue(bytes, valueAt);
    if (!drops(decoder.decode(bytes.subarray(at + 1, valueAt)))) writer.copy(bytes, at, next);
    at = next;
  }
}

/** Where a value ends that begins, with its letter, at a place. */
function afterValue(bytes: Uint8Array, at: number): number {
  switch (bytes[at++]) {
    case LETTERS.VOID:
      return at;
    case LETTERS.BOOLEAN:
    case LETTERS.INT8:
    case LETTERS.UINT8:
      return at + 1;
    case LETTERS.INT16:
    case LETTERS.UINT16:
      return at + 2;
    case LETTERS.INT32:
    case LETTERS.UINT32:
    case LETTERS.FLOAT32:
      return at + 4;
    case LETTERS.DECIMAL:
      return at + 5;
    case LETTERS.INT64:
    case LETTERS.INT64_TOO:
    case LETTERS.FLOAT64:
    case LETTERS.TIMESTAMP:
      return at + 8;
    default: // what has a size
      return at + 4 + uint32At(bytes, at);
  }
}

function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
