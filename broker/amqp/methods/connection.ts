// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class `connection` (10): login, limits and the end of a connection; on channel 0 alone.
 *
 * @module
 */

import type { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";
import { NO_BYTES } from "../content.ts";
import { decodeTable, encodeTable, type FieldTable } from "../field_table.ts";

/** `connection.start` opens the conversation and offers SASL mechanisms. */
export interface ConnectionStart {
  /** Tells it from other methods. */
  readonly name: "connection.start";
  /** 0 for AMQP 0-9-1. */
  readonly versionMajor: number;
  /** 9 for AMQP 0-9-1. */
  readonly versionMinor: number;
  /** What the server says about itself. */
  readonly serverProperties: FieldTable;
  /** SASL mechanisms on offer, separated by spaces. */
  readonly mechanisms: string;
  /** Languages on offer, separated by spaces. */
  readonly locales: string;
}

/** Makes `connection.start`; what is not given is empty, zero or false. */
export function connectionStart(
  fields: Partial<Omit<ConnectionStart, "name">> = {},
): ConnectionStart {
  return {
    name: "connection.start",
    versionMajor: fields.versionMajor ?? 0,
    versionMinor: fields.versionMinor ?? 0,
    serverProperties: fields.serverProperties ?? {},
    mechanisms: fields.mechanisms ?? "",
    locales: fields.locales ?? "",
  };
}

/** Reads the fields of `connection.start`. */
export function decodeConnectionStart(reader: ByteReader): ConnectionStart {
  const versionMajor = reader.uint8();
  const versionMinor = reader.uint8();
  const serverProperties = decodeTable(reader);
  const mechanisms = reader.text();
  const locales = reader.text();
  return {
    name: "connection.start",
    versionMajor,
    versionMinor,
    serverProperties,
    mechanisms,
    locales,
  };
}

/** Writes the fields of `connection.start`. */
export function encodeConnectionStart(writer: ByteWriter, method: ConnectionStart): void {
  writer.uint8(method.versionMajor);
  writer.uint8(method.versionMinor);
  encodeTable(writer, method.serverProperties);
  writer.text(method.mechanisms);
  writer.text(method.locales);
}

/** `connection.start-ok` picks a mechanism and gives its first response. */
export interface ConnectionStartOk {
  /** Tells it from other methods. */
  readonly name: "connection.start-ok";
  /** What the client says about itself. */
  readonly clientProperties: FieldTable;
  /** The SASL mechanism picked. */
  readonly mechanism: string;
  /** What the SASL mechanism answers. */
  readonly response: Uint8Array;
  /** The language picked. */
  readonly locale: string;
}

/** Makes `connection.start-ok`; what is not given is empty, zero or false. */
export function connectionStartOk(
  fields: Partial<Omit<ConnectionStartOk, "name">> = {},
): ConnectionStartOk {
  return {
    name: "connection.start-ok",
    clientProperties: fields.clientProperties ?? {},
    mechanism: fields.mechanism ?? "",
    response: fields.response ?? NO_BYTES,
    locale: fields.locale ?? "",
  };
}

/** Reads the fields of `connection.start-ok`. */
export function decodeConnectionStartOk(reader: ByteReader): ConnectionStartOk {
  const clientProperties = decodeTable(reader);
  const mechanism = reader.shortString();
  const response = reader.longString();
  const locale = reader.shortString();
  return { name: "connection.start-ok", clientProperties, mechanism, response, locale };
}

/** Writes the fields of `connection.start-ok`. */
export function encodeConnectionStartOk(writer: ByteWriter, method: ConnectionStartOk): void {
  encodeTable(writer, method.clientProperties);
  writer.shortString(method.mechanism);
  writer.longString(method.response);
  writer.shortString(method.locale);
}

/** `connection.secure` asks for one more SASL response. */
export interface ConnectionSecure {
  /** Tells it from other methods. */
  readonly name: "connection.secure";
  /** What the SASL mechanism asks. */
  readonly challenge: Uint8Array;
}

/** Makes `connection.secure`; what is not given is empty, zero or false. */
export function connectionSecure(
  fields: Partial<Omit<ConnectionSecure, "name">> = {},
): ConnectionSecure {
  return {
    name: "connection.secure",
    challenge: fields.challenge ?? NO_BYTES,
  };
}

/** Reads the fields of `connection.secure`. */
export function decodeConnectionSecure(reader: ByteReader): ConnectionSecure {
  const challenge = reader.longString();
  return { name: "connection.secure", challenge };
}

/** Writes the fields of `connection.secure`. */
export function encodeConnectionSecure(writer: ByteWriter, method: ConnectionSecure): void {
  writer.longString(method.challenge);
}

/** `connection.secure-ok` answers a SASL challenge. */
export interface ConnectionSecureOk {
  /** Tells it from other methods. */
  readonly name: "connection.secure-ok";
  /** What the SASL mechanism answers. */
  readonly response: Uint8Array;
}

/** Makes `connection.secure-ok`; what is not given is empty, zero or false. */
export function connectionSecureOk(
  fields: Partial<Omit<ConnectionSecureOk, "name">> = {},
): ConnectionSecureOk {
  return {
    name: "connection.secure-ok",
    response: fields.response ?? NO_BYTES,
  };
}

/** Reads the fields of `connection.secure-ok`. */
export function decodeConnectionSecureOk(reader: ByteReader): ConnectionSecureOk {
  const response = reader.longString();
  return { name: "connection.secure-ok", response };
}

/** Writes the fields of `connection.secure-ok`. */
export function encodeConnectionSecureOk(writer: ByteWriter, method: ConnectionSecureOk): void {
  writer.longString(method.response);
}

/** `connection.tune` proposes limits and a heartbeat interval in seconds. */
export interface ConnectionTune {
  /** Tells it from other methods. */
  readonly name: "connection.tune";
  /** Highest channel number; 0 for no limit. */
  readonly channelMax: number;
  /** Largest frame in octets; 0 for no limit. */
  readonly frameMax: number;
  /** Seconds between heartbeats; 0 for none. */
  readonly heartbeat: number;
}

/** Makes `connection.tune`; what is not given is empty, zero or false. */
export function connectionTune(fields: Partial<Omit<ConnectionTune, "name">> = {}): ConnectionTune {
  return {
    name: "connection.tune",
    channelMax: fields.channelMax ?? 0,
    frameMax: fields.frameMax ?? 0,
    heartbeat: fields.heartbeat ?? 0,
  };
}

/** Reads the fields of `connection.tune`. */
export function decodeConnectionTune(reader: ByteReader): ConnectionTune {
  const channelMax = reader.uint16();
  const frameMax = reader.uint32();
  const heartbeat = reader.uint16();
  return { name: "connection.tune", channelMax, frameMax, heartbeat };
}

/** Writes the fields of `connection.tune`. */
export function encodeConnectionTune(writer: ByteWriter, method: ConnectionTune): void {
  writer.uint16(method.channelMax);
  writer.uint32(method.frameMax);
  writer.uint16(method.heartbeat);
}

/** `connection.tune-ok` decides on limits and the heartbeat interval in seconds. */
export interface ConnectionTuneOk {
  /** Tells it from other methods. */
  readonly name: "connection.tune-ok";
  /** Highest channel number; 0 for no limit. */
  readonly channelMax: number;
  /** Largest frame in octets; 0 for no limit. */
  readonly frameMax: number;
  /** Seconds between heartbeats; 0 for none. */
  readonly heartbeat: number;
}

/** Makes `connection.tune-ok`; what is not given is empty, zero or false. */
export function connectionTuneOk(
  fields: Partial<Omit<ConnectionTuneOk, "name">> = {},
): ConnectionTuneOk {
  return {
    name: "connection.tune-ok",
    channelMax: fields.channelMax ?? 0,
    frameMax: fields.frameMax ?? 0,
    heartbeat: fields.heartbeat ?? 0,
  };
}

/** Reads the fields of `connection.tune-ok`. */
export function decodeConnectionTuneOk(reader: ByteReader): ConnectionTuneOk {
  const channelMax = reader.uint16();
  const frameMax = reader.uint32();
  const heartbeat = reader.uint16();
  return { name: "connection.tune-ok", channelMax, frameMax, heartbeat };
}

/** Writes the fields of `connection.tune-ok`. */
export function encodeConnectionTuneOk(writer: ByteWriter, method: ConnectionTuneOk): void {
  writer.uint16(method.channelMax);
  writer.uint32(method.frameMax);
  writer.uint16(method.heartbeat);
}

/** `connection.open` enters a vhost. */
export interface ConnectionOpen {
  /** Tells it from other methods. */
  readonly name: "connection.open";
  /** Name of the vhost. */
  readonly virtualHost: string;
}

/** Makes `connection.open`; what is not given is empty, zero or false. */
export function connectionOpen(fields: Partial<Omit<ConnectionOpen, "name">> = {}): ConnectionOpen {
  return {
    name: "connection.open",
    virtualHost: fields.virtualHost ?? "",
  };
}

/** Reads the fields of `connection.open`. */
export function decodeConnectionOpen(reader: ByteReader): ConnectionOpen {
  const virtualHost = reader.shortString();
  reader.shortString(); // reserved
  reader.uint8(); // reserved
  return { name: "connection.open", virtualHost };
}

/** Writes the fields of `connection.open`. */
export function encodeConnectionOpen(writer: ByteWriter, method: ConnectionOpen): void {
  writer.shortString(method.virtualHost);
  writer.shortString(""); // reserved
  writer.uint8(0);
}

/** `connection.open-ok` confirms that the connection is ready. */
export interface ConnectionOpenOk {
  /** Tells it from other methods. */
  readonly name: "connection.open-ok";
}

/** Makes `connection.open-ok`, which has no fields. */
export function connectionOpenOk(): ConnectionOpenOk {
  return { name: "connection.open-ok" };
}

/** Reads the fields of `connection.open-ok`. */
export function decodeConnectionOpenOk(reader: ByteReader): ConnectionOpenOk {
  reader.shortString(); // reserved
  return { name: "connection.open-ok" };
}

/** Writes the fields of `connection.open-ok`. */
export function encodeConnectionOpenOk(writer: ByteWriter): void {
  writer.shortString(""); // reserved
}

/** `connection.close` ends the connection and says why. */
export interface ConnectionClose {
  /** Tells it from other methods. */
  readonly name: "connection.close";
  /** Such as 404. */
  readonly replyCode: number;
  /** Such as `NOT_FOUND - no queue 'q' in vhost '/'`. */
  readonly replyText: string;
  /** Class of the method that failed; 0 when none did. */
  readonly classId: number;
  /** Method that failed; 0 when none did. */
  readonly methodId: number;
}

/** Makes `connection.close`; what is not given is empty, zero or false. */
export function connectionClose(
  fields: Partial<Omit<ConnectionClose, "name">> = {},
): ConnectionClose {
  return {
    name: "connection.close",
    replyCode: fields.replyCode ?? 0,
    replyText: fields.replyText ?? "",
    classId: fields.classId ?? 0,
    methodId: fields.methodId ?? 0,
  };
}

/** Reads the fields of `connection.close`. */
export function decodeConnectionClose(reader: ByteReader): ConnectionClose {
  const replyCode = reader.uint16();
  const replyText = reader.shortString();
  const classId = reader.uint16();
  const methodId = reader.uint16();
  return { name: "connection.close", replyCode, replyText, classId, methodId };
}

/** Writes the fields of `connection.close`. */
export function encodeConnectionClose(writer: ByteWriter, method: ConnectionClose): void {
  writer.uint16(method.replyCode);
  writer.shortString(method.replyText);
  writer.uint16(method.classId);
  writer.uint16(method.methodId);
}

/** `connection.close-ok` confirms the end of the connection. */
export interface ConnectionCloseOk {
  /** Tells it from other methods. */
  readonly name: "connection.close-ok";
}

/** Makes `connection.close-ok`, which has no fields. */
export function connectionCloseOk(): ConnectionCloseOk {
  return { name: "connection.close-ok" };
}

/** `connection.blocked` tells a publisher that it is not being read for now. */
export interface ConnectionBlocked {
  /** Tells it from other methods. */
  readonly name: "connection.blocked";
  /** Text for people. */
  readonly reason: string;
}

/** Makes `connection.blocked`; what is not given is empty, zero or false. */
export function connectionBlocked(
  fields: Partial<Omit<ConnectionBlocked, "name">> = {},
): ConnectionBlocked {
  return {
    name: "connection.blocked",
    reason: fields.reason ?? "",
  };
}

/** Reads the fields of `connection.blocked`. */
export function decodeConnectionBlocked(reader: ByteReader): ConnectionBlocked {
  const reason = reader.shortString();
  return { name: "connection.blocked", reason };
}

/** Writes the fields of `connection.blocked`. */
export function encodeConnectionBlocked(writer: ByteWriter, method: ConnectionBlocked): void {
  writer.shortString(method.reason);
}

/** `connection.unblocked` tells a publisher that it is being read again. */
export interface ConnectionUnblocked {
  /** Tells it from other methods. */
  readonly name: "connection.unblocked";
}

/** Makes `connection.unblocked`, which has no fields. */
export function connectionUnblocked(): ConnectionUnblocked {
  return { name: "connection.unblocked" };
}

/** `connection.update-secret` replaces credentials that expire. */
export interface ConnectionUpdateSecret {
  /** Tells it from other methods. */
  readonly name: "connection.update-secret";
  /** The new credentials. */
  readonly newSecret: Uint8Array;
  /** Text for people. */
  readonly reason: string;
}

/** Makes `connection.update-secret`; what is not given is empty, zero or false. */
export function connectionUpdateSecret(
  fields: Partial<Omit<ConnectionUpdateSecret, "name">> = {},
): ConnectionUpdateSecret {
  return {
    name: "connection.update-secret",
    newSecret: fields.newSecret ?? NO_BYTES,
    reason: fields.reason ?? "",
  };
}

/** Reads the fields of `connection.update-secret`. */
export function decodeConnectionUpdateSecret(reader: ByteReader): ConnectionUpdateSecret {
  const newSecret = reader.longString();
  const reason = reader.shortString();
  return { name: "connection.update-secret", newSecret, reason };
}

/** Writes the fields of `connection.update-secret`. */
export function encodeConnectionUpdateSecret(
  writer: ByteWriter,
  method: ConnectionUpdateSecret,
): void {
  writer.longString(method.newSecret);
  writer.shortString(method.reason);
}

/** `connection.update-secret-ok` confirms the new credentials. */
export interface ConnectionUpdateSecretOk {
  /** Tells it from other methods. */
  readonly name: "connection.update-secret-ok";
}

/** Makes `connection.update-secret-ok`, which has no fields. */
export function connectionUpdateSecretOk(): ConnectionUpdateSecretOk {
  return { name: "connection.update-secret-ok" };
}
