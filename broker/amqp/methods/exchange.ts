// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class `exchange` (40): exchanges and the bindings between them.
 *
 * @module
 */

import type { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";
import { decodeTable, encodeTable, type FieldTable } from "../field_table.ts";

/** `exchange.declare` creates an exchange, or checks that it exists as described. */
export interface ExchangeDeclare {
  /** Tells it from other methods. */
  readonly name: "exchange.declare";
  /** Name of an exchange; empty for the default one. */
  readonly exchange: string;
  /** Type of the exchange, such as `topic`. */
  readonly type: string;
  /** Only checks that it exists. */
  readonly passive: boolean;
  /** Survives a restart of the broker. */
  readonly durable: boolean;
  /** Deleted when its last user is gone. */
  readonly autoDelete: boolean;
  /** Takes messages from other exchanges alone. */
  readonly internal: boolean;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
  /** Further arguments, which depend on the broker. */
  readonly arguments: FieldTable;
}

/** Makes `exchange.declare`; what is not given is empty, zero or false. */
export function exchangeDeclare(
  fields: Partial<Omit<ExchangeDeclare, "name">> = {},
): ExchangeDeclare {
  return {
    name: "exchange.declare",
    exchange: fields.exchange ?? "",
    type: fields.type ?? "",
    passive: fields.passive ?? false,
    durable: fields.durable ?? false,
    autoDelete: fields.autoDelete ?? false,
    internal: fields.internal ?? false,
    noWait: fields.noWait ?? false,
    arguments: fields.arguments ?? {},
  };
}

/** Reads the fields of `exchange.declare`. */
export function decodeExchangeDeclare(reader: ByteReader): ExchangeDeclare {
  reader.uint16(); // reserved
  const exchange = reader.shortString();
  const type = reader.shortString();
  const bits = reader.uint8();
  const arguments_ = decodeTable(reader);
  return {
    name: "exchange.declare",
    exchange,
    type,
    passive: (bits & 1) !== 0,
    durable: (bits & 2) !== 0,
    autoDelete: (bits & 4) !== 0,
    internal: (bits & 8) !== 0,
    noWait: (bits & 16) !== 0,
    arguments: arguments_,
  };
}

/** Writes the fields of `exchange.declare`. */
export function encodeExchangeDeclare(writer: ByteWriter, method: ExchangeDeclare): void {
  writer.uint16(0); // reserved
  writer.shortString(method.exchange);
  writer.shortString(method.type);
  writer.uint8(
    (method.passive ? 1 : 0) | (method.durable ? 2 : 0) | (method.autoDelete ? 4 : 0) |
      (method.internal ? 8 : 0) | (method.noWait ? 16 : 0),
  );
  encodeTable(writer, method.arguments);
}

/** `exchange.declare-ok` confirms `exchange.declare`. */
export interface ExchangeDeclareOk {
  /** Tells it from other methods. */
  readonly name: "exchange.declare-ok";
}

/** Makes `exchange.declare-ok`, which has no fields. */
export function exchangeDeclareOk(): ExchangeDeclareOk {
  return { name: "exchange.declare-ok" };
}

/** `exchange.delete` deletes an exchange. */
export interface ExchangeDelete {
  /** Tells it from other methods. */
  readonly name: "exchange.delete";
  /** Name of an exchange; empty for the default one. */
  readonly exchange: string;
  /** Only if nobody uses it. */
  readonly ifUnused: boolean;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
}

/** Makes `exchange.delete`; what is not given is empty, zero or false. */
export function exchangeDelete(fields: Partial<Omit<ExchangeDelete, "name">> = {}): ExchangeDelete {
  return {
    name: "exchange.delete",
    exchange: fields.exchange ?? "",
    ifUnused: fields.ifUnused ?? false,
    noWait: fields.noWait ?? false,
  };
}

/** Reads the fields of `exchange.delete`. */
export function decodeExchangeDelete(reader: ByteReader): ExchangeDelete {
  reader.uint16(); // reserved
  const exchange = reader.shortString();
  const bits = reader.uint8();
  return {
    name: "exchange.delete",
    exchange,
    ifUnused: (bits & 1) !== 0,
    noWait: (bits & 2) !== 0,
  };
}

/** Writes the fields of `exchange.delete`. */
export function encodeExchangeDelete(writer: ByteWriter, method: ExchangeDelete): void {
  writer.uint16(0); // reserved
  writer.shortString(method.exchange);
  writer.uint8((method.ifUnused ? 1 : 0) | (method.noWait ? 2 : 0));
}

/** `exchange.delete-ok` confirms `exchange.delete`. */
export interface ExchangeDeleteOk {
  /** Tells it from other methods. */
  readonly name: "exchange.delete-ok";
}

/** Makes `exchange.delete-ok`, which has no fields. */
export function exchangeDeleteOk(): ExchangeDeleteOk {
  return { name: "exchange.delete-ok" };
}

/** `exchange.bind` binds an exchange to another one. */
export interface ExchangeBind {
  /** Tells it from other methods. */
  readonly name: "exchange.bind";
  /** The exchange that messages go to. */
  readonly destination: string;
  /** The exchange that messages come from. */
  readonly source: string;
  /** Routing key of a message, or binding key of a binding. */
  readonly routingKey: string;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
  /** Further arguments, which depend on the broker. */
  readonly arguments: FieldTable;
}

/** Makes `exchange.bind`; what is not given is empty, zero or false. */
export function exchangeBind(fields: Partial<Omit<ExchangeBind, "name">> = {}): ExchangeBind {
  return {
    name: "exchange.bind",
    destination: fields.destination ?? "",
    source: fields.source ?? "",
    routingKey: fields.routingKey ?? "",
    noWait: fields.noWait ?? false,
    arguments: fields.arguments ?? {},
  };
}

/** Reads the fields of `exchange.bind`. */
export function decodeExchangeBind(reader: ByteReader): ExchangeBind {
  reader.uint16(); // reserved
  const destination = reader.shortString();
  const source = reader.shortString();
  const routingKey = reader.shortString();
  const bits = reader.uint8();
  const arguments_ = decodeTable(reader);
  return {
    name: "exchange.bind",
    destination,
    source,
    routingKey,
    noWait: (bits & 1) !== 0,
    arguments: arguments_,
  };
}

/** Writes the fields of `exchange.bind`. */
export function encodeExchangeBind(writer: ByteWriter, method: ExchangeBind): void {
  writer.uint16(0); // reserved
  writer.shortString(method.destination);
  writer.shortString(method.source);
  writer.shortString(method.routingKey);
  writer.uint8(method.noWait ? 1 : 0);
  encodeTable(writer, method.arguments);
}

/** `exchange.bind-ok` confirms `exchange.bind`. */
export interface ExchangeBindOk {
  /** Tells it from other methods. */
  readonly name: "exchange.bind-ok";
}

/** Makes `exchange.bind-ok`, which has no fields. */
export function exchangeBindOk(): ExchangeBindOk {
  return { name: "exchange.bind-ok" };
}

/** `exchange.unbind` takes a binding between exchanges away. */
export interface ExchangeUnbind {
  /** Tells it from other methods. */
  readonly name: "exchange.unbind";
  /** The exchange that messages go to. */
  readonly destination: string;
  /** The exchange that messages come from. */
  readonly source: string;
  /** Routing key of a message, or binding key of a binding. */
  readonly routingKey: string;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
  /** Further arguments, which depend on the broker. */
  readonly arguments: FieldTable;
}

/** Makes `exchange.unbind`; what is not given is empty, zero or false. */
export function exchangeUnbind(fields: Partial<Omit<ExchangeUnbind, "name">> = {}): ExchangeUnbind {
  return {
    name: "exchange.unbind",
    destination: fields.destination ?? "",
    source: fields.source ?? "",
    routingKey: fields.routingKey ?? "",
    noWait: fields.noWait ?? false,
    arguments: fields.arguments ?? {},
  };
}

/** Reads the fields of `exchange.unbind`. */
export function decodeExchangeUnbind(reader: ByteReader): ExchangeUnbind {
  reader.uint16(); // reserved
  const destination = reader.shortString();
  const source = reader.shortString();
  const routingKey = reader.shortString();
  const bits = reader.uint8();
  const arguments_ = decodeTable(reader);
  return {
    name: "exchange.unbind",
    destination,
    source,
    routingKey,
    noWait: (bits & 1) !== 0,
    arguments: arguments_,
  };
}

/** Writes the fields of `exchange.unbind`. */
export function encodeExchangeUnbind(writer: ByteWriter, method: ExchangeUnbind): void {
  writer.uint16(0); // reserved
  writer.shortString(method.destination);
  writer.shortString(method.source);
  writer.shortString(method.routingKey);
  writer.uint8(method.noWait ? 1 : 0);
  encodeTable(writer, method.arguments);
}

/** `exchange.unbind-ok` confirms `exchange.unbind`. */
export interface ExchangeUnbindOk {
  /** Tells it from other methods. */
  readonly name: "exchange.unbind-ok";
}

/** Makes `exchange.unbind-ok`, which has no fields. */
export function exchangeUnbindOk(): ExchangeUnbindOk {
  return { name: "exchange.unbind-ok" };
}
