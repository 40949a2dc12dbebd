import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { Content } from "../../broker/amqp/content.ts";
import {
  deliveryPrefix,
  writeContent,
  writeDelivery,
  writeHeartbeat,
  writeMethod,
} from "../../broker/amqp/frame_writer.ts";
import type { Method } from "../../broker/amqp/methods/mod.ts";
import type { BasicProperties } from "../../broker/amqp/properties.ts";

/** A frame of whatever it is given, right or wrong. */
export function frame(
  type: number,
  channel: number,
  payload: readonly number[] | Uint8Array,
  frameEnd = 0xce,
): Uint8Array {
  const bytes = new Uint8Array(payload.length + 8);
  const view = new DataView(bytes.buffer);
  bytes[0] = type;
  view.setUint16(1, channel);
  view.setUint32(3, payload.length);
  bytes.set(payload, 7);
  bytes[bytes.length - 1] = frameEnd;
  return bytes;
}

/** The frame of a method. */
export function methodFrame(channel: number, method: Method): Uint8Array {
  const writer = new ByteWriter();
  writeMethod(writer, channel, method, 0);
  return writer.written();
}

/** The frame of a heartbeat. */
export function heartbeatFrame(): Uint8Array {
  const writer = new ByteWriter();
  writeHeartbeat(writer);
  return writer.written();
}

/** A content header that announces a body, without properties unless some are given. */
export function headerFrame(
  channel: number,
  bodySize: number,
  rest: { readonly classId?: number; readonly properties?: readonly number[] } = {},
): Uint8Array {
  const { classId = 60, properties = [0, 0] } = rest;
  const payload = new Uint8Array(12 + properties.length);
  const view = new DataView(payload.buffer);
  view.setUint16(0, classId);
  view.setUint32(4, Math.floor(bodySize / 0x1_0000_0000));
  view.setUint32(8, bodySize % 0x1_0000_0000);
  payload.set(properties, 12);
  return frame(2, channel, payload);
}

/** A piece of a body. */
export function bodyFrame(channel: number, body: string | Uint8Array): Uint8Array {
  return frame(3, channel, typeof body === "string" ? new TextEncoder().encode(body) : body);
}

/** What a content says. */
export interface ContentFields {
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly properties?: BasicProperties;
  readonly body?: string | Uint8Array;
}

/** Makes a content as a sender does. */
export function contentOf(fields: ContentFields): Content {
  const { exchange = "", routingKey = "", properties = {}, body = "" } = fields;
  const content = new Content();
  content.exchange = exchange;
  content.routingKey = routingKey;
  content.properties = properties;
  content.body = typeof body === "string" ? new TextEncoder().encode(body) : body;
  content.bodyEnd = content.body.length;
  return content;
}

/** A method with its content, in frames of at most `frameMax`. */
export function contentFrames(
  channel: number,
  method: Method,
  fields: ContentFields,
  frameMax = 0,
): Uint8Array[] {
  const writer = new ByteWriter();
  writeMethod(writer, channel, method, 0);
  writeContent(writer, channel, contentOf(fields), frameMax);
  return framesIn(writer.written());
}

/** `basic.deliver` with its content, in frames of at most `frameMax`. */
export function deliveryFrames(
  channel: number,
  consumerTag: string,
  deliveryTag: number,
  redelivered: boolean,
  fields: ContentFields,
  frameMax = 0,
): Uint8Array[] {
  const writer = new ByteWriter();
  writeDelivery(
    writer,
    channel,
    deliveryPrefix(consumerTag),
    deliveryTag,
    redelivered,
    contentOf(fields),
    frameMax,
  );
  return framesIn(writer.written());
}

/** Cuts well-formed bytes into their frames. */
export function framesIn(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 8 + view.getUint32(at + 3);
    frames.push(bytes.slice(at, end));
    at = end;
  }
  return frames;
}
