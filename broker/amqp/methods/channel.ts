// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class `channel` (20): the life of a channel.
 *
 * @module
 */

import type { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";
import { NO_BYTES } from "../content.ts";

/** `channel.open` opens a channel. */
export interface ChannelOpen {
  /** Tells it from other methods. */
  readonly name: "channel.open";
}

/** Makes `channel.open`, which has no fields. */
export function channelOpen(): ChannelOpen {
  return { name: "channel.open" };
}

/** Reads the fields of `channel.open`. */
export function decodeChannelOpen(reader: ByteReader): ChannelOpen {
  reader.shortString(); // reserved
  return { name: "channel.open" };
}

/** Writes the fields of `channel.open`. */
export function encodeChannelOpen(writer: ByteWriter): void {
  writer.shortString(""); // reserved
}

/** `channel.open-ok` confirms that the channel is open. */
export interface ChannelOpenOk {
  /** Tells it from other methods. */
  readonly name: "channel.open-ok";
}

/** Makes `channel.open-ok`, which has no fields. */
export function channelOpenOk(): ChannelOpenOk {
  return { name: "channel.open-ok" };
}

/** Reads the fields of `channel.open-ok`. */
export function decodeChannelOpenOk(reader: ByteReader): ChannelOpenOk {
  reader.longString(); // reserved
  return { name: "channel.open-ok" };
}

/** Writes the fields of `channel.open-ok`. */
export function encodeChannelOpenOk(writer: ByteWriter): void {
  writer.longString(NO_BYTES); // reserved
}

/** `channel.flow` asks the peer to pause or go on sending content. */
export interface ChannelFlow {
  /** Tells it from other methods. */
  readonly name: "channel.flow";
  /** True to go on, false to pause. */
  readonly active: boolean;
}

/** Makes `channel.flow`; what is not given is empty, zero or false. */
export function channelFlow(fields: Partial<Omit<ChannelFlow, "name">> = {}): ChannelFlow {
  return {
    name: "channel.flow",
    active: fields.active ?? false,
  };
}

/** Reads the fields of `channel.flow`. */
export function decodeChannelFlow(reader: ByteReader): ChannelFlow {
  const bits = reader.uint8();
  return { name: "channel.flow", active: (bits & 1) !== 0 };
}

/** Writes the fields of `channel.flow`. */
export function encodeChannelFlow(writer: ByteWriter, method: ChannelFlow): void {
  writer.uint8(method.active ? 1 : 0);
}

/** `channel.flow-ok` confirms `channel.flow`. */
export interface ChannelFlowOk {
  /** Tells it from other methods. */
  readonly name: "channel.flow-ok";
  /** True to go on, false to pause. */
  readonly active: boolean;
}

/** Makes `channel.flow-ok`; what is not given is empty, zero or false. */
export function channelFlowOk(fields: Partial<Omit<ChannelFlowOk, "name">> = {}): ChannelFlowOk {
  return {
    name: "channel.flow-ok",
    active: fields.active ?? false,
  };
}

/** Reads the fields of `channel.flow-ok`. */
export function decodeChannelFlowOk(reader: ByteReader): ChannelFlowOk {
  const bits = reader.uint8();
  return { name: "channel.flow-ok", active: (bits & 1) !== 0 };
}

/** Writes the fields of `channel.flow-ok`. */
export function encodeChannelFlowOk(writer: ByteWriter, method: ChannelFlowOk): void {
  writer.uint8(method.active ? 1 : 0);
}

/** `channel.close` ends the channel and says why. */
export interface ChannelClose {
  /** Tells it from other methods. */
  readonly name: "channel.close";
  /** Such as 404. */
  readonly replyCode: number;
  /** Such as `NOT_FOUND - no queue 'q' in vhost '/'`. */
  readonly replyText: string;
  /** Class of the method that failed; 0 when none did. */
  readonly classId: number;
  /** Method that failed; 0 when none did. */
  readonly methodId: number;
}

/** Makes `channel.close`; what is not given is empty, zero or false. */
export function channelClose(fields: Partial<Omit<ChannelClose, "name">> = {}): ChannelClose {
  return {
    name: "channel.close",
    replyCode: fields.replyCode ?? 0,
    replyText: fields.replyText ?? "",
    classId: fields.classId ?? 0,
    methodId: fields.methodId ?? 0,
  };
}

/** Reads the fields of `channel.close`. */
export function decodeChannelClose(reader: ByteReader): ChannelClose {
  const replyCode = reader.uint16();
  const replyText = reader.shortString();
  const classId = reader.uint16();
  const methodId = reader.uint16();
  return { name: "channel.close", replyCode, replyText, classId, methodId };
}

/** Writes the fields of `channel.close`. */
export function encodeChannelClose(writer: ByteWriter, method: ChannelClose): void {
  writer.uint16(method.replyCode);
  writer.shortString(method.replyText);
  writer.uint16(method.classId);
  writer.uint16(method.methodId);
}

/** `channel.close-ok` confirms the end of the channel. */
export interface ChannelCloseOk {
  /** Tells it from other methods. */
  readonly name: "channel.close-ok";
}

/** Makes `channel.close-ok`, which has no fields. */
export function channelCloseOk(): ChannelCloseOk {
  return { name: "channel.close-ok" };
}
