import { copyRange, copyWords, SET_MIN, viewOf } from "./byte_ranges.ts";
import { ByteWriter } from "./byte_writer.ts";
import {
  BASIC_CLASS,
  FRAME_BODY,
  FRAME_END,
  FRAME_HEAD_SIZE,
  FRAME_HEADER,
  FRAME_HEARTBEAT,
  FRAME_METHOD,
  FRAME_OVERHEAD,
} from "./constants.ts";
import type { Content } from "./content.ts";
import { encodeContentHead } from "./content_codec.ts";
import { AmqpError } from "./error.ts";
import { encodeMethod, type Method } from "./methods/mod.ts";

const BASIC_DELIVER = BASIC_CLASS << 16 | 60;
/** What comes before the properties in a header frame: head, class, weight, body size. */
const HEADER_HEAD_SIZE = FRAME_HEAD_SIZE + 12;
const BASIC_ACK = BASIC_CLASS << 16 | 80;
/** Payload of `basic.ack`: method id, delivery tag, bits. */
export const ACK_SIZE = 13;

/** A method takes more than the one frame that it has to be in. */
export class MethodTooLargeError extends AmqpError {
  /** What it takes, in bytes. */
  readonly size: number;
  /** What a frame has room for. */
  readonly sizeMax: number;

  constructor({ name }: Method, size: number, frameMax: number) {
    super(501, `${name} of ${size} bytes does not fit frame-max ${frameMax}`);
    this.size = size;
    this.sizeMax = frameMax - FRAME_OVERHEAD;
  }
}

/**
 * Writes a method frame.
 *
 * @throws {TypeError} When a field cannot be encoded.
 * @throws {MethodTooLargeError} 501 when it does not fit a frame; methods cannot be split. Nothing is written
 * in either case.
 */
export function writeMethod(
  out: ByteWriter,
  channel: number,
  method: Method,
  frameMax: number,
): void {
  const at = out.reserve(FRAME_HEAD_SIZE);
  try {
    encodeMethod(out, method);
    const size = out.length - at - FRAME_HEAD_SIZE;
    if (frameMax > 0 && size > frameMax - FRAME_OVERHEAD) {
      throw new MethodTooLargeError(method, size, frameMax);
    }
    writeHead(out, at, FRAME_METHOD, channel, size);
  } catch (cause) {
    out.length = at;
    throw cause;
  }
  out.uint8(FRAME_END);
}

/** Writes `basic.ack` of one delivery, without any object. */
export function writeAck(out: ByteWriter, channel: number, deliveryTag: number): void {
  const at = out.reserve(FRAME_OVERHEAD + ACK_SIZE);
  const { bytes, view } = out;
  view.setInt32(at, FRAME_METHOD << 24 | channel << 8);
  view.setUint32(at + 3, ACK_SIZE);
  view.setUint32(at + 7, BASIC_ACK);
  view.setUint32(at + 11, deliveryTag > 0xffff_ffff ? deliveryTag / 0x1_0000_0000 : 0);
  view.setUint32(at + 15, deliveryTag);
  bytes[at + 19] = 0;
  bytes[at + 20] = FRAME_END;
}

/** Writes a method frame as it was written before, of which this is a copy. */
export function writeAgain(out: ByteWriter, frame: DataView): void {
  const at = out.reserve(frame.byteLength);
  copyWords(frame, 0, frame.byteLength, out.view, at);
}

/** Where prefixes are put together: a message may be the first one for very many consumers. */
const prefixes = new ByteWriter(512);

/** How each `basic.deliver` to a consumer begins: a frame's head, to be completed, method id and
 * consumer tag. */
export function deliveryPrefix(consumerTag: string): DataView {
  const writer = prefixes;
  writer.length = 0;
  writeHead(writer, writer.reserve(FRAME_HEAD_SIZE), FRAME_METHOD, 0, 0);
  writer.uint32(BASIC_DELIVER);
  writer.shortString(consumerTag);
  return new DataView(writer.bytes.buffer.slice(0, writer.length));
}

/**
 * Writes `basic.deliver` with its content: the frames of the hot path, without any object.
 *
 * @param prefix What {@linkcode deliveryPrefix} gives for its consumer.
 */
export function writeDelivery(
  out: ByteWriter,
  channel: number,
  prefix: DataView,
  deliveryTag: number,
  redelivered: boolean,
  content: Content,
  frameMax: number,
): void {
  if (content.head === undefined) encodeContentHead(content);
  const head = content.head!;
  const prefixSize = prefix.byteLength;
  const addressSize = content.addressEnd - content.addressStart;
  const framed = content.framed && fits(content, frameMax);
  const framesSize = framed ? content.bodyEnd - content.addressEnd : 1;
  let at = out.reserve(prefixSize + 9 + addressSize + framesSize);
  const { bytes, view } = out;
  copyWords(prefix, 0, prefixSize, view, at);
  view.setUint16(at + 1, channel);
  view.setUint32(at + 3, prefixSize - FRAME_HEAD_SIZE + 9 + addressSize);
  at += prefixSize;
  view.setUint32(at, deliveryTag > 0xffff_ffff ? deliveryTag / 0x1_0000_0000 : 0);
  view.setUint32(at + 4, deliveryTag);
  bytes[at + 8] = redelivered ? 1 : 0;
  at += 9;
  const start = content.addressStart;
  const end = content.addressEnd;
  if (!framed) {
    bytes[copyRange(head, start, end, bytes, view, at)] = FRAME_END;
    return writeContent(out, channel, content, frameMax);
  }
  // not by copyRange: V8 would call it twice, rather than put it in here
  const from = viewOf(head);
  // eight octets at least, of which what is too much is written over
  copyWords(from, start, addressSize < 8 ? start + 8 : end, view, at);
  at += addressSize;
  // all that follows the octet of bits: the end of the method's frame and both frames of the content
  if (framesSize >= SET_MIN) bytes.set(head.subarray(end + 1, end + 1 + framesSize), at);
  else copyWords(from, end + 1, end + 1 + framesSize, view, at);
  writeChannels(view, at + 1, channel, content);
}

/** True when the body can go in the one frame in which it came. */
function fits(content: Content, frameMax: number): boolean {
  return frameMax === 0 || content.bodyEnd - content.bodyStart <= frameMax - FRAME_OVERHEAD;
}

/** Writes the channel into a content's two frames. */
function writeChannels(view: DataView, at: number, channel: number, content: Content): void {
  view.setUint16(at + 1, channel);
  const propertiesSize = content.propertiesEnd - content.propertiesStart;
  view.setUint16(at + HEADER_HEAD_SIZE + propertiesSize + 1 + 1, channel); // behind end and type
}

/** Writes a content's header and body frames, the body cut by the peer's frame-max. */
export function writeContent(
  out: ByteWriter,
  channel: number,
  content: Content,
  frameMax: number,
): void {
  if (content.head === undefined) encodeContentHead(content);
  const head = content.head!;
  if (content.framed && fits(content, frameMax)) {
    const start = content.propertiesStart - HEADER_HEAD_SIZE;
    const at = out.reserve(content.bodyEnd + 1 - start);
    copyRange(head, start, content.bodyEnd + 1, out.bytes, out.view, at);
    return writeChannels(out.view, at, channel, content);
  }
  const bodySize = content.bodyEnd - content.bodyStart;
  const size = 12 + content.propertiesEnd - content.propertiesStart;
  // A header that came in a larger frame than this peer agreed to is sent all the same, as RabbitMQ
  // does: it cannot be split, and most peers take it.
  const most = frameMax > 0 ? frameMax - FRAME_OVERHEAD : bodySize;
  const frames = bodySize === 0 ? 0 : bodySize <= most ? 1 : Math.ceil(bodySize / most);
  let at = out.reserve(size + bodySize + FRAME_OVERHEAD * (1 + frames));
  const { bytes, view } = out;
  view.setInt32(at, FRAME_HEADER << 24 | channel << 8);
  view.setUint32(at + 3, size);
  view.setInt32(at + 7, BASIC_CLASS << 16); // and weight, 0
  view.setInt32(at + 11, 0);
  view.setUint32(at + 15, bodySize);
  at = copyRange(head, content.propertiesStart, content.propertiesEnd, bytes, view, at + 19);
  bytes[at++] = FRAME_END;
  const { body, bodyEnd } = content;
  for (let from = content.bodyStart; from < bodyEnd;) {
    const length = bodyEnd - from < most ? bodyEnd - from : most;
    view.setInt32(at, FRAME_BODY << 24 | channel << 8);
    view.setUint32(at + 3, length);
    at = copyRange(body, from, from + length, bytes, view, at + FRAME_HEAD_SIZE);
    bytes[at++] = FRAME_END;
    from += length;
  }
}

/** Writes one frame of a body. */
export function writeBodyFrame(
  out: ByteWriter,
  channel: number,
  body: Uint8Array,
  start: number,
  end: number,
): void {
  const at = out.reserve(FRAME_OVERHEAD + end - start);
  out.view.setInt32(at, FRAME_BODY << 24 | channel << 8);
  out.view.setUint32(at + 3, end - start);
  out.bytes[copyRange(body, start, end, out.bytes, out.view, at + FRAME_HEAD_SIZE)] = FRAME_END;
}

/** The content that was written last has no body here: its header announces one that comes later. */
export function announceBody(out: ByteWriter, content: Content, size: number): void {
  const propertiesSize = content.propertiesEnd - content.propertiesStart;
  // of eight octets the lower ones; behind the properties is the end of the frame
  out.view.setUint32(out.length - 1 - propertiesSize - 4, size);
}

/** Writes a heartbeat frame. */
export function writeHeartbeat(out: ByteWriter): void {
  writeHead(out, out.reserve(FRAME_HEAD_SIZE), FRAME_HEARTBEAT, 0, 0);
  out.uint8(FRAME_END);
}

function writeHead(
  out: ByteWriter,
  at: number,
  type: number,
  channel: number,
  size: number,
): void {
  out.bytes[at] = type;
  out.view.setUint16(at + 1, channel);
  out.view.setUint32(at + 3, size);
}
