// Printed by codegen.ts from spec.ts: change those instead.

/**
 * The class `basic` (60): messages: publish, deliver, settle.
 *
 * @module
 */

import type { ByteReader } from "../byte_reader.ts";
import type { ByteWriter } from "../byte_writer.ts";
import { decodeTable, encodeTable, type FieldTable } from "../field_table.ts";

/** `basic.qos` sets the prefetch. */
export interface BasicQos {
  /** Tells it from other methods. */
  readonly name: "basic.qos";
  /** Not implemented by RabbitMQ, which wants 0. */
  readonly prefetchSize: number;
  /** How many deliveries may be unacked; 0 for no limit. */
  readonly prefetchCount: number;
  /** True for the channel as a whole, false for each consumer to come. */
  readonly global: boolean;
}

/** Makes `basic.qos`; what is not given is empty, zero or false. */
export function basicQos(fields: Partial<Omit<BasicQos, "name">> = {}): BasicQos {
  return {
    name: "basic.qos",
    prefetchSize: fields.prefetchSize ?? 0,
    prefetchCount: fields.prefetchCount ?? 0,
    global: fields.global ?? false,
  };
}

/** Reads the fields of `basic.qos`. */
export function decodeBasicQos(reader: ByteReader): BasicQos {
  const prefetchSize = reader.uint32();
  const prefetchCount = reader.uint16();
  const bits = reader.uint8();
  return { name: "basic.qos", prefetchSize, prefetchCount, global: (bits & 1) !== 0 };
}

/** Writes the fields of `basic.qos`. */
export function encodeBasicQos(writer: ByteWriter, method: BasicQos): void {
  writer.uint32(method.prefetchSize);
  writer.uint16(method.prefetchCount);
  writer.uint8(method.global ? 1 : 0);
}

/** `basic.qos-ok` confirms `basic.qos`. */
export interface BasicQosOk {
  /** Tells it from other methods. */
  readonly name: "basic.qos-ok";
}

/** Makes `basic.qos-ok`, which has no fields. */
export function basicQosOk(): BasicQosOk {
  return { name: "basic.qos-ok" };
}

/** `basic.consume` starts a consumer. */
export interface BasicConsume {
  /** Tells it from other methods. */
  readonly name: "basic.consume";
  /** Name of a queue; empty for the last one declared on the channel, or for a new name. */
  readonly queue: string;
  /** Names a consumer on its channel. */
  readonly consumerTag: string;
  /** Not implemented by RabbitMQ. */
  readonly noLocal: boolean;
  /** Settled as soon as it is delivered. */
  readonly noAck: boolean;
  /** For the sole use of who asks. */
  readonly exclusive: boolean;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
  /** Further arguments, which depend on the broker. */
  readonly arguments: FieldTable;
}

/** Makes `basic.consume`; what is not given is empty, zero or false. */
export function basicConsume(fields: Partial<Omit<BasicConsume, "name">> = {}): BasicConsume {
  return {
    name: "basic.consume",
    queue: fields.queue ?? "",
    consumerTag: fields.consumerTag ?? "",
    noLocal: fields.noLocal ?? false,
    noAck: fields.noAck ?? false,
    exclusive: fields.exclusive ?? false,
    noWait: fields.noWait ?? false,
    arguments: fields.arguments ?? {},
  };
}

/** Reads the fields of `basic.consume`. */
export function decodeBasicConsume(reader: ByteReader): BasicConsume {
  reader.uint16(); // reserved
  const queue = reader.shortString();
  const consumerTag = reader.shortString();
  const bits = reader.uint8();
  const arguments_ = decodeTable(reader);
  return {
    name: "basic.consume",
    queue,
    consumerTag,
    noLocal: (bits & 1) !== 0,
    noAck: (bits & 2) !== 0,
    exclusive: (bits & 4) !== 0,
    noWait: (bits & 8) !== 0,
    arguments: arguments_,
  };
}

/** Writes the fields of `basic.consume`. */
export function encodeBasicConsume(writer: ByteWriter, method: BasicConsume): void {
  writer.uint16(0); // reserved
  writer.shortString(method.queue);
  writer.shortString(method.consumerTag);
  writer.uint8(
    (method.noLocal ? 1 : 0) | (method.noAck ? 2 : 0) | (method.exclusive ? 4 : 0) |
      (method.noWait ? 8 : 0),
  );
  encodeTable(writer, method.arguments);
}

/** `basic.consume-ok` tells the consumer tag. */
export interface BasicConsumeOk {
  /** Tells it from other methods. */
  readonly name: "basic.consume-ok";
  /** Names a consumer on its channel. */
  readonly consumerTag: string;
}

/** Makes `basic.consume-ok`; what is not given is empty, zero or false. */
export function basicConsumeOk(fields: Partial<Omit<BasicConsumeOk, "name">> = {}): BasicConsumeOk {
  return {
    name: "basic.consume-ok",
    consumerTag: fields.consumerTag ?? "",
  };
}

/** Reads the fields of `basic.consume-ok`. */
export function decodeBasicConsumeOk(reader: ByteReader): BasicConsumeOk {
  const consumerTag = reader.shortString();
  return { name: "basic.consume-ok", consumerTag };
}

/** Writes the fields of `basic.consume-ok`. */
export function encodeBasicConsumeOk(writer: ByteWriter, method: BasicConsumeOk): void {
  writer.shortString(method.consumerTag);
}

/** `basic.cancel` ends a consumer; from a server, says that its queue is gone. */
export interface BasicCancel {
  /** Tells it from other methods. */
  readonly name: "basic.cancel";
  /** Names a consumer on its channel. */
  readonly consumerTag: string;
  /** No reply is wanted; errors come all the same. */
  readonly noWait: boolean;
}

/** Makes `basic.cancel`; what is not given is empty, zero or false. */
export function basicCancel(fields: Partial<Omit<BasicCancel, "name">> = {}): BasicCancel {
  return {
    name: "basic.cancel",
    consumerTag: fields.consumerTag ?? "",
    noWait: fields.noWait ?? false,
  };
}

/** Reads the fields of `basic.cancel`. */
export function decodeBasicCancel(reader: ByteReader): BasicCancel {
  const consumerTag = reader.shortString();
  const bits = reader.uint8();
  return { name: "basic.cancel", consumerTag, noWait: (bits & 1) !== 0 };
}

/** Writes the fields of `basic.cancel`. */
export function encodeBasicCancel(writer: ByteWriter, method: BasicCancel): void {
  writer.shortString(method.consumerTag);
  writer.uint8(method.noWait ? 1 : 0);
}

/** `basic.cancel-ok` confirms `basic.cancel`. */
export interface BasicCancelOk {
  /** Tells it from other methods. */
  readonly name: "basic.cancel-ok";
  /** Names a consumer on its channel. */
  readonly consumerTag: string;
}

/** Makes `basic.cancel-ok`; what is not given is empty, zero or false. */
export function basicCancelOk(fields: Partial<Omit<BasicCancelOk, "name">> = {}): BasicCancelOk {
  return {
    name: "basic.cancel-ok",
    consumerTag: fields.consumerTag ?? "",
  };
}

/** Reads the fields of `basic.cancel-ok`. */
export function decodeBasicCancelOk(reader: ByteReader): BasicCancelOk {
  const consumerTag = reader.shortString();
  return { name: "basic.cancel-ok", consumerTag };
}

/** Writes the fields of `basic.cancel-ok`. */
export function encodeBasicCancelOk(writer: ByteWriter, method: BasicCancelOk): void {
  writer.shortString(method.consumerTag);
}

/** `basic.publish` publishes a message. */
export interface BasicPublish {
  /** Tells it from other methods. */
  readonly name: "basic.publish";
  /** Name of an exchange; empty for the default one. */
  readonly exchange: string;
  /** Routing key of a message, or binding key of a binding. */
  readonly routingKey: string;
  /** Returned when it reaches no queue. */
  readonly mandatory: boolean;
  /** Not implemented by RabbitMQ. */
  readonly immediate: boolean;
  /** What those who route it remember with it: links hand out the same object for the same address. */
  bears?: unknown;
}

/** Makes `basic.publish`; what is not given is empty, zero or false. */
export function basicPublish(fields: Partial<Omit<BasicPublish, "name">> = {}): BasicPublish {
  return {
    name: "basic.publish",
    exchange: fields.exchange ?? "",
    routingKey: fields.routingKey ?? "",
    mandatory: fields.mandatory ?? false,
    immediate: fields.immediate ?? false,
    bears: undefined,
  };
}

/** Reads the fields of `basic.publish`. */
export function decodeBasicPublish(reader: ByteReader): BasicPublish {
  reader.uint16(); // reserved
  const exchange = reader.shortString();
  const routingKey = reader.shortString();
  const bits = reader.uint8();
  return {
    name: "basic.publish",
    exchange,
    routingKey,
    mandatory: (bits & 1) !== 0,
    immediate: (bits & 2) !== 0,
    bears: undefined,
  };
}

/** Writes the fields of `basic.publish`. */
export function encodeBasicPublish(writer: ByteWriter, method: BasicPublish): void {
  writer.uint16(0); // reserved
  writer.shortString(method.exchange);
  writer.shortString(method.routingKey);
  writer.uint8((method.mandatory ? 1 : 0) | (method.immediate ? 2 : 0));
}

/** `basic.return` gives back a mandatory message that reached no queue. */
export interface BasicReturn {
  /** Tells it from other methods. */
  readonly name: "basic.return";
  /** Such as 404. */
  readonly replyCode: number;
  /** Such as `NOT_FOUND - no queue 'q' in vhost '/'`. */
  readonly replyText: string;
  /** Name of an exchange; empty for the default one. */
  readonly exchange: string;
  /** Routing key of a message, or binding key of a binding. */
  readonly routingKey: string;
}

/** Makes `basic.return`; what is not given is empty, zero or false. */
export function basicReturn(fields: Partial<Omit<BasicReturn, "name">> = {}): BasicReturn {
  return {
    name: "basic.return",
    replyCode: fields.replyCode ?? 0,
    replyText: fields.replyText ?? "",
    exchange: fields.exchange ?? "",
    routingKey: fields.routingKey ?? "",
  };
}

/** Reads the fields of `basic.return`. */
export function decodeBasicReturn(reader: ByteReader): BasicReturn {
  const replyCode = reader.uint16();
  const replyText = reader.shortString();
  const exchange = reader.shortString();
  const routingKey = reader.shortString();
  return { name: "basic.return", replyCode, replyText, exchange, routingKey };
}

/** Writes the fields of `basic.return`. */
export function encodeBasicReturn(writer: ByteWriter, method: BasicReturn): void {
  writer.uint16(method.replyCode);
  writer.shortString(method.replyText);
  writer.shortString(method.exchange);
  writer.shortString(method.routingKey);
}

/** `basic.deliver` delivers a message to a consumer. */
export interface BasicDeliver {
  /** Tells it from other methods. */
  readonly name: "basic.deliver";
  /** Names a consumer on its channel. */
  readonly consumerTag: string;
  /** Numbers a delivery or a publish on its channel, from 1. */
  readonly deliveryTag: number;
  /** Perhaps delivered before. */
  readonly redelivered: boolean;
  /** Name of an exchange; empty for the default one. */
  readonly exchange: string;
  /** Routing key of a message, or binding key of a binding. */
  readonly routingKey: string;
}

/** Makes `basic.deliver`; what is not given is empty, zero or false. */
export function basicDeliver(fields: Partial<Omit<BasicDeliver, "name">> = {}): BasicDeliver {
  return {
    name: "basic.deliver",
    consumerTag: fields.consumerTag ?? "",
    deliveryTag: fields.deliveryTag ?? 0,
    redelivered: fields.redelivered ?? false,
    exchange: fields.exchange ?? "",
    routingKey: fields.routingKey ?? "",
  };
}

/** Reads the fields of `basic.deliver`. */
export function decodeBasicDeliver(reader: ByteReader): BasicDeliver {
  const consumerTag = reader.shortString();
  const deliveryTag = reader.uint64();
  const bits = reader.uint8();
  const exchange = reader.shortString();
  const routingKey = reader.shortString();
  return {
    name: "basic.deliver",
    consumerTag,
    deliveryTag,
    redelivered: (bits & 1) !== 0,
    exchange,
    routingKey,
  };
}

/** Writes the fields of `basic.deliver`. */
export function encodeBasicDeliver(writer: ByteWriter, method: BasicDeliver): void {
  writer.shortString(method.consumerTag);
  writer.uint64(method.deliveryTag);
  writer.uint8(method.redelivered ? 1 : 0);
  writer.shortString(method.exchange);
  writer.shortString(method.routingKey);
}

/** `basic.get` asks for one message. */
export interface BasicGet {
  /** Tells it from other methods. */
  readonly name: "basic.get";
  /** Name of a queue; empty for the last one declared on the channel, or for a new name. */
  readonly queue: string;
  /** Settled as soon as it is delivered. */
  readonly noAck: boolean;
}

/** Makes `basic.get`; what is not given is empty, zero or false. */
export function basicGet(fields: Partial<Omit<BasicGet, "name">> = {}): BasicGet {
  return {
    name: "basic.get",
    queue: fields.queue ?? "",
    noAck: fields.noAck ?? false,
  };
}

/** Reads the fields of `basic.get`. */
export function decodeBasicGet(reader: ByteReader): BasicGet {
  reader.uint16(); // reserved
  const queue = reader.shortString();
  const bits = reader.uint8();
  return { name: "basic.get", queue, noAck: (bits & 1) !== 0 };
}

/** Writes the fields of `basic.get`. */
export function encodeBasicGet(writer: ByteWriter, method: BasicGet): void {
  writer.uint16(0); // reserved
  writer.shortString(method.queue);
  writer.uint8(method.noAck ? 1 : 0);
}

/** `basic.get-ok` gives the message asked for and how many are left. */
export interface BasicGetOk {
  /** Tells it from other methods. */
  readonly name: "basic.get-ok";
  /** Numbers a delivery or a publish on its channel, from 1. */
  readonly deliveryTag: number;
  /** Perhaps delivered before. */
  readonly redelivered: boolean;
  /** Name of an exchange; empty for the default one. */
  readonly exchange: string;
  /** Routing key of a message, or binding key of a binding. */
  readonly routingKey: string;
  /** How many messages are ready, or went. */
  readonly messageCount: number;
}

/** Makes `basic.get-ok`; what is not given is empty, zero or false. */
export function basicGetOk(fields: Partial<Omit<BasicGetOk, "name">> = {}): BasicGetOk {
  return {
    name: "basic.get-ok",
    deliveryTag: fields.deliveryTag ?? 0,
    redelivered: fields.redelivered ?? false,
    exchange: fields.exchange ?? "",
    routingKey: fields.routingKey ?? "",
    messageCount: fields.messageCount ?? 0,
  };
}

/** Reads the fields of `basic.get-ok`. */
export function decodeBasicGetOk(reader: ByteReader): BasicGetOk {
  const deliveryTag = reader.uint64();
  const bits = reader.uint8();
  const exchange = reader.shortString();
  const routingKey = reader.shortString();
  const messageCount = reader.uint32();
  return {
    name: "basic.get-ok",
    deliveryTag,
    redelivered: (bits & 1) !== 0,
    exchange,
    routingKey,
    messageCount,
  };
}

/** Writes the fields of `basic.get-ok`. */
export function encodeBasicGetOk(writer: ByteWriter, method: BasicGetOk): void {
  writer.uint64(method.deliveryTag);
  writer.uint8(method.redelivered ? 1 : 0);
  writer.shortString(method.exchange);
  writer.shortString(method.routingKey);
  writer.uint32(method.messageCount);
}

/** `basic.get-empty` says that no message is ready. */
export interface BasicGetEmpty {
  /** Tells it from other methods. */
  readonly name: "basic.get-empty";
}

/** Makes `basic.get-empty`, which has no fields. */
export function basicGetEmpty(): BasicGetEmpty {
  return { name: "basic.get-empty" };
}

/** Reads the fields of `basic.get-empty`. */
export function decodeBasicGetEmpty(reader: ByteReader): BasicGetEmpty {
  reader.shortString(); // reserved
  return { name: "basic.get-empty" };
}

/** Writes the fields of `basic.get-empty`. */
export function encodeBasicGetEmpty(writer: ByteWriter): void {
  writer.shortString(""); // reserved
}

/** `basic.ack` acks deliveries; from a server, confirms publishes. */
export interface BasicAck {
  /** Tells it from other methods. */
  readonly name: "basic.ack";
  /** Numbers a delivery or a publish on its channel, from 1. */
  readonly deliveryTag: number;
  /** Together with all before it that are not settled. */
  readonly multiple: boolean;
}

/** Makes `basic.ack`; what is not given is empty, zero or false. */
export function basicAck(fields: Partial<Omit<BasicAck, "name">> = {}): BasicAck {
  return {
    name: "basic.ack",
    deliveryTag: fields.deliveryTag ?? 0,
    multiple: fields.multiple ?? false,
  };
}

/** Reads the fields of `basic.ack`. */
export function decodeBasicAck(reader: ByteReader): BasicAck {
  const deliveryTag = reader.uint64();
  const bits = reader.uint8();
  return { name: "basic.ack", deliveryTag, multiple: (bits & 1) !== 0 };
}

/** Writes the fields of `basic.ack`. */
export function encodeBasicAck(writer: ByteWriter, method: BasicAck): void {
  writer.uint64(method.deliveryTag);
  writer.uint8(method.multiple ? 1 : 0);
}

/** `basic.reject` rejects one delivery. */
export interface BasicReject {
  /** Tells it from other methods. */
  readonly name: "basic.reject";
  /** Numbers a delivery or a publish on its channel, from 1. */
  readonly deliveryTag: number;
  /** True to put it back in its queue. */
  readonly requeue: boolean;
}

/** Makes `basic.reject`; what is not given is empty, zero or false. */
export function basicReject(fields: Partial<Omit<BasicReject, "name">> = {}): BasicReject {
  return {
    name: "basic.reject",
    deliveryTag: fields.deliveryTag ?? 0,
    requeue: fields.requeue ?? false,
  };
}

/** Reads the fields of `basic.reject`. */
export function decodeBasicReject(reader: ByteReader): BasicReject {
  const deliveryTag = reader.uint64();
  const bits = reader.uint8();
  return { name: "basic.reject", deliveryTag, requeue: (bits & 1) !== 0 };
}

/** Writes the fields of `basic.reject`. */
export function encodeBasicReject(writer: ByteWriter, method: BasicReject): void {
  writer.uint64(method.deliveryTag);
  writer.uint8(method.requeue ? 1 : 0);
}

/** `basic.recover-async` requeues all that is unacked, without an answer. */
export interface BasicRecoverAsync {
  /** Tells it from other methods. */
  readonly name: "basic.recover-async";
  /** True to put it back in its queue. */
  readonly requeue: boolean;
}

/** Makes `basic.recover-async`; what is not given is empty, zero or false. */
export function basicRecoverAsync(
  fields: Partial<Omit<BasicRecoverAsync, "name">> = {},
): BasicRecoverAsync {
  return {
    name: "basic.recover-async",
    requeue: fields.requeue ?? false,
  };
}

/** Reads the fields of `basic.recover-async`. */
export function decodeBasicRecoverAsync(reader: ByteReader): BasicRecoverAsync {
  const bits = reader.uint8();
  return { name: "basic.recover-async", requeue: (bits & 1) !== 0 };
}

/** Writes the fields of `basic.recover-async`. */
export function encodeBasicRecoverAsync(writer: ByteWriter, method: BasicRecoverAsync): void {
  writer.uint8(method.requeue ? 1 : 0);
}

/** `basic.recover` requeues all that is unacked. */
export interface BasicRecover {
  /** Tells it from other methods. */
  readonly name: "basic.recover";
  /** True to put it back in its queue. */
  readonly requeue: boolean;
}

/** Makes `basic.recover`; what is not given is empty, zero or false. */
export function basicRecover(fields: Partial<Omit<BasicRecover, "name">> = {}): BasicRecover {
  return {
    name: "basic.recover",
    requeue: fields.requeue ?? false,
  };
}

/** Reads the fields of `basic.recover`. */
export function decodeBasicRecover(reader: ByteReader): BasicRecover {
  const bits = reader.uint8();
  return { name: "basic.recover", requeue: (bits & 1) !== 0 };
}

/** Writes the fields of `basic.recover`. */
export function encodeBasicRecover(writer: ByteWriter, method: BasicRecover): void {
  writer.uint8(method.requeue ? 1 : 0);
}

/** `basic.recover-ok` confirms `basic.recover`. */
export interface BasicRecoverOk {
  /** Tells it from other methods. */
  readonly name: "basic.recover-ok";
}

/** Makes `basic.recover-ok`, which has no fields. */
export function basicRecoverOk(): BasicRecoverOk {
  return { name: "basic.recover-ok" };
}

/** `basic.nack` rejects deliveries; from a server, says that publishes were not taken. */
export interface BasicNack {
  /** Tells it from other methods. */
  readonly name: "basic.nack";
  /** Numbers a delivery or a publish on its channel, from 1. */
  readonly deliveryTag: number;
  /** Together with all before it that are not settled. */
  readonly multiple: boolean;
  /** True to put it back in its queue. */
  readonly requeue: boolean;
}

/** Makes `basic.nack`; what is not given is empty, zero or false. */
export function basicNack(fields: Partial<Omit<BasicNack, "name">> = {}): BasicNack {
  return {
    name: "basic.nack",
    deliveryTag: fields.deliveryTag ?? 0,
    multiple: fields.multiple ?? false,
    requeue: fields.requeue ?? false,
  };
}

/** Reads the fields of `basic.nack`. */
export function decodeBasicNack(reader: ByteReader): BasicNack {
  const deliveryTag = reader.uint64();
  const bits = reader.uint8();
  return { name: "basic.nack", deliveryTag, multiple: (bits & 1) !== 0, requeue: (bits & 2) !== 0 };
}

/** Writes the fields of `basic.nack`. */
export function encodeBasicNack(writer: ByteWriter, method: BasicNack): void {
  writer.uint64(method.deliveryTag);
  writer.uint8((method.multiple ? 1 : 0) | (method.requeue ? 2 : 0));
}
