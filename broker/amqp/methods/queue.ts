// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class `queue` (50): queues and their bindings.
 *
 * @module
 */

import type { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";
import { decodeTable, encodeTable, type FieldTable } from "../field_table.ts";

/** `queue.declare` creates a queue, or checks that it exists as described. */
export interface QueueDeclare {
  /** Tells it from other methods. */
  readonly name: "queue.declare";
  /** Name of a queue; empty for the last one declared on the channel, or for a new name. */
  readonly queue: string;
  /** Only checks that it exists. */
  readonly passive: boolean;
  /** Survives a restart of the broker. */
  readonly durable: boolean;
  /** For the sole use of who asks. */
  readonly exclusive: boolean;
  /** Deleted when its last user is gone. */
  readonly autoDelete: boolean;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
  /** Further arguments, which depend on the broker. */
  readonly arguments: FieldTable;
}

/** Makes `queue.declare`; what is not given is empty, zero or false. */
export function queueDeclare(fields: Partial<Omit<QueueDeclare, "name">> = {}): QueueDeclare {
  return {
    name: "queue.declare",
    queue: fields.queue ?? "",
    passive: fields.passive ?? false,
    durable: fields.durable ?? false,
    exclusive: fields.exclusive ?? false,
    autoDelete: fields.autoDelete ?? false,
    noWait: fields.noWait ?? false,
    arguments: fields.arguments ?? {},
  };
}

/** Reads the fields of `queue.declare`. */
export function decodeQueueDeclare(reader: ByteReader): QueueDeclare {
  reader.uint16(); // reserved
  const queue = reader.shortString();
  const bits = reader.uint8();
  const arguments_ = decodeTable(reader);
  return {
    name: "queue.declare",
    queue,
    passive: (bits & 1) !== 0,
    durable: (bits & 2) !== 0,
    exclusive: (bits & 4) !== 0,
    autoDelete: (bits & 8) !== 0,
    noWait: (bits & 16) !== 0,
    arguments: arguments_,
  };
}

/** Writes the fields of `queue.declare`. */
export function encodeQueueDeclare(writer: ByteWriter, method: QueueDeclare): void {
  writer.uint16(0); // reserved
  writer.shortString(method.queue);
  writer.uint8(
    (method.passive ? 1 : 0) | (method.durable ? 2 : 0) | (method.exclusive ? 4 : 0) |
      (method.autoDelete ? 8 : 0) | (method.noWait ? 16 : 0),
  );
  encodeTable(writer, method.arguments);
}

/** `queue.declare-ok` tells the queue's name and how much is in it. */
export interface QueueDeclareOk {
  /** Tells it from other methods. */
  readonly name: "queue.declare-ok";
  /** Name of a queue; empty for the last one declared on the channel, or for a new name. */
  readonly queue: string;
  /** How many messages are ready, or went. */
  readonly messageCount: number;
  /** How many consumers the queue has. */
  readonly consumerCount: number;
}

/** Makes `queue.declare-ok`; what is not given is empty, zero or false. */
export function queueDeclareOk(fields: Partial<Omit<QueueDeclareOk, "name">> = {}): QueueDeclareOk {
  return {
    name: "queue.declare-ok",
    queue: fields.queue ?? "",
    messageCount: fields.messageCount ?? 0,
    consumerCount: fields.consumerCount ?? 0,
  };
}

/** Reads the fields of `queue.declare-ok`. */
export function decodeQueueDeclareOk(reader: ByteReader): QueueDeclareOk {
  const queue = reader.shortString();
  const messageCount = reader.uint32();
  const consumerCount = reader.uint32();
  return { name: "queue.declare-ok", queue, messageCount, consumerCount };
}

/** Writes the fields of `queue.declare-ok`. */
export function encodeQueueDeclareOk(writer: ByteWriter, method: QueueDeclareOk): void {
  writer.shortString(method.queue);
  writer.uint32(method.messageCount);
  writer.uint32(method.consumerCount);
}

/** `queue.bind` binds a queue to an exchange. */
export interface QueueBind {
  /** Tells it from other methods. */
  readonly name: "queue.bind";
  /** Name of a queue; empty for the last one declared on the channel, or for a new name. */
  readonly queue: string;
  /** Name of an exchange; empty for the default one. */
  readonly exchange: string;
  /** Routing key of a message, or binding key of a binding. */
  readonly routingKey: string;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
  /** Further arguments, which depend on the broker. */
  readonly arguments: FieldTable;
}

/** Makes `queue.bind`; what is not given is empty, zero or false. */
export function queueBind(fields: Partial<Omit<QueueBind, "name">> = {}): QueueBind {
  return {
    name: "queue.bind",
    queue: fields.queue ?? "",
    exchange: fields.exchange ?? "",
    routingKey: fields.routingKey ?? "",
    noWait: fields.noWait ?? false,
    arguments: fields.arguments ?? {},
  };
}

/** Reads the fields of `queue.bind`. */
export function decodeQueueBind(reader: ByteReader): QueueBind {
  reader.uint16(); // reserved
  const queue = reader.shortString();
  const exchange = reader.shortString();
  const routingKey = reader.shortString();
  const bits = reader.uint8();
  const arguments_ = decodeTable(reader);
  return {
    name: "queue.bind",
    queue,
    exchange,
    routingKey,
    noWait: (bits & 1) !== 0,
    arguments: arguments_,
  };
}

/** Writes the fields of `queue.bind`. */
export function encodeQueueBind(writer: ByteWriter, method: QueueBind): void {
  writer.uint16(0); // reserved
  writer.shortString(method.queue);
  writer.shortString(method.exchange);
  writer.shortString(method.routingKey);
  writer.uint8(method.noWait ? 1 : 0);
  encodeTable(writer, method.arguments);
}

/** `queue.bind-ok` confirms `queue.bind`. */
export interface QueueBindOk {
  /** Tells it from other methods. */
  readonly name: "queue.bind-ok";
}

/** Makes `queue.bind-ok`, which has no fields. */
export function queueBindOk(): QueueBindOk {
  return { name: "queue.bind-ok" };
}

/** `queue.purge` discards the ready messages of a queue. */
export interface QueuePurge {
  /** Tells it from other methods. */
  readonly name: "queue.purge";
  /** Name of a queue; empty for the last one declared on the channel, or for a new name. */
  readonly queue: string;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
}

/** Makes `queue.purge`; what is not given is empty, zero or false. */
export function queuePurge(fields: Partial<Omit<QueuePurge, "name">> = {}): QueuePurge {
  return {
    name: "queue.purge",
    queue: fields.queue ?? "",
    noWait: fields.noWait ?? false,
  };
}

/** Reads the fields of `queue.purge`. */
export function decodeQueuePurge(reader: ByteReader): QueuePurge {
  reader.uint16(); // reserved
  const queue = reader.shortString();
  const bits = reader.uint8();
  return { name: "queue.purge", queue, noWait: (bits & 1) !== 0 };
}

/** Writes the fields of `queue.purge`. */
export function encodeQueuePurge(writer: ByteWriter, method: QueuePurge): void {
  writer.uint16(0); // reserved
  writer.shortString(method.queue);
  writer.uint8(method.noWait ? 1 : 0);
}

/** `queue.purge-ok` tells how many messages were discarded. */
export interface QueuePurgeOk {
  /** Tells it from other methods. */
  readonly name: "queue.purge-ok";
  /** How many messages are ready, or went. */
  readonly messageCount: number;
}

/** Makes `queue.purge-ok`; what is not given is empty, zero or false. */
export function queuePurgeOk(fields: Partial<Omit<QueuePurgeOk, "name">> = {}): QueuePurgeOk {
  return {
    name: "queue.purge-ok",
    messageCount: fields.messageCount ?? 0,
  };
}

/** Reads the fields of `queue.purge-ok`. */
export function decodeQueuePurgeOk(reader: ByteReader): QueuePurgeOk {
  const messageCount = reader.uint32();
  return { name: "queue.purge-ok", messageCount };
}

/** Writes the fields of `queue.purge-ok`. */
export function encodeQueuePurgeOk(writer: ByteWriter, method: QueuePurgeOk): void {
  writer.uint32(method.messageCount);
}

/** `queue.delete` deletes a queue. */
export interface QueueDelete {
  /** Tells it from other methods. */
  readonly name: "queue.delete";
  /** Name of a queue; empty for the last one declared on the channel, or for a new name. */
  readonly queue: string;
  /** Only if nobody uses it. */
  readonly ifUnused: boolean;
  /** Only if no message is ready. */
  readonly ifEmpty: boolean;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
}

/** Makes `queue.delete`; what is not given is empty, zero or false. */
export function queueDelete(fields: Partial<Omit<QueueDelete, "name">> = {}): QueueDelete {
  return {
    name: "queue.delete",
    queue: fields.queue ?? "",
    ifUnused: fields.ifUnused ?? false,
    ifEmpty: fields.ifEmpty ?? false,
    noWait: fields.noWait ?? false,
  };
}

/** Reads the fields of `queue.delete`. */
export function decodeQueueDelete(reader: ByteReader): QueueDelete {
  reader.uint16(); // reserved
  const queue = reader.shortString();
  const bits = reader.uint8();
  return {
    name: "queue.delete",
    queue,
    ifUnused: (bits & 1) !== 0,
    ifEmpty: (bits & 2) !== 0,
    noWait: (bits & 4) !== 0,
  };
}

/** Writes the fields of `queue.delete`. */
export function encodeQueueDelete(writer: ByteWriter, method: QueueDelete): void {
  writer.uint16(0); // reserved
  writer.shortString(method.queue);
  writer.uint8((method.ifUnused ? 1 : 0) | (method.ifEmpty ? 2 : 0) | (method.noWait ? 4 : 0));
}

/** `queue.delete-ok` tells how many messages went with the queue. */
export interface QueueDeleteOk {
  /** Tells it from other methods. */
  readonly name: "queue.delete-ok";
  /** How many messages are ready, or went. */
  readonly messageCount: number;
}

/** Makes `queue.delete-ok`; what is not given is empty, zero or false. */
export function queueDeleteOk(fields: Partial<Omit<QueueDeleteOk, "name">> = {}): QueueDeleteOk {
  return {
    name: "queue.delete-ok",
    messageCount: fields.messageCount ?? 0,
  };
}

/** Reads the fields of `queue.delete-ok`. */
export function decodeQueueDeleteOk(reader: ByteReader): QueueDeleteOk {
  const messageCount = reader.uint32();
  return { name: "queue.delete-ok", messageCount };
}

/** Writes the fields of `queue.delete-ok`. */
export function encodeQueueDeleteOk(writer: ByteWriter, method: QueueDeleteOk): void {
  writer.uint32(method.messageCount);
}

/** `queue.unbind` takes a queue's binding away; has no no-wait. */
export interface QueueUnbind {
  /** Tells it from other methods. */
  readonly name: "queue.unbind";
  /** Name of a queue; empty for the last one declared on the channel, or for a new name. */
  readonly queue: string;
  /** Name of an exchange; empty for the default one. */
  readonly exchange: string;
  /** Routing key of a message, or binding key of a binding. */
  readonly routingKey: string;
  /** Further arguments, which depend on the broker. */
  readonly arguments: FieldTable;
}

/** Makes `queue.unbind`; what is not given is empty, zero or false. */
export function queueUnbind(fields: Partial<Omit<QueueUnbind, "name">> = {}): QueueUnbind {
  return {
    name: "queue.unbind",
    queue: fields.queue ?? "",
    exchange: fields.exchange ?? "",
    routingKey: fields.routingKey ?? "",
    arguments: fields.arguments ?? {},
  };
}

/** Reads the fields of `queue.unbind`. */
export function decodeQueueUnbind(reader: ByteReader): QueueUnbind {
  reader.uint16(); // reserved
  const queue = reader.shortString();
  const exchange = reader.shortString();
  const routingKey = reader.shortString();
  const arguments_ = decodeTable(reader);
  return { name: "queue.unbind", queue, exchange, routingKey, arguments: arguments_ };
}

/** Writes the fields of `queue.unbind`. */
export function encodeQueueUnbind(writer: ByteWriter, method: QueueUnbind): void {
  writer.uint16(0); // reserved
  writer.shortString(method.queue);
  writer.shortString(method.exchange);
  writer.shortString(method.routingKey);
  encodeTable(writer, method.arguments);
}

/** `queue.unbind-ok` confirms `queue.unbind`. */
export interface QueueUnbindOk {
  /** Tells it from other methods. */
  readonly name: "queue.unbind-ok";
}

/** Makes `queue.unbind-ok`, which has no fields. */
export function queueUnbindOk(): QueueUnbindOk {
  return { name: "queue.unbind-ok" };
}
