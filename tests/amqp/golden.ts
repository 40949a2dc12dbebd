import { concat } from "@std/bytes";
import {
  basicAck,
  basicCancel,
  basicConsume,
  basicDeliver,
  basicGetEmpty,
  basicGetOk,
  basicNack,
  basicPublish,
  basicQos,
  basicRecoverAsync,
  basicReturn,
  channelClose,
  channelFlow,
  channelOpen,
  channelOpenOk,
  confirmSelect,
  connectionBlocked,
  connectionOpen,
  connectionStart,
  connectionStartOk,
  connectionTune,
  connectionUpdateSecret,
  exchangeBind,
  exchangeDeclare,
  exchangeUnbindOk,
  type Method,
  queueBind,
  queueDeclare,
  queueDeclareOk,
  queueDelete,
  queueUnbind,
  txCommit,
} from "../../broker/amqp/methods/mod.ts";

/** Bytes as they are on the wire: octets as numbers, ASCII as text. */
export function wire(...parts: readonly (number | string)[]): Uint8Array {
  const encoder = new TextEncoder();
  return concat(
    parts.map((part) => typeof part === "string" ? encoder.encode(part) : new Uint8Array([part])),
  );
}

/** A method and the payload of its frame, written down from the specification by hand. */
export interface GoldenMethod {
  readonly method: Method;
  readonly bytes: Uint8Array;
}

// deno-fmt-ignore: what belongs together is on one line
export const GOLDEN_METHODS: readonly GoldenMethod[] = [
  {
    method: connectionStart({
      versionMajor: 0, versionMinor: 9, serverProperties: { product: "RabbitMQ" },
      mechanisms: "PLAIN AMQPLAIN", locales: "en_US",
    }),
    bytes: wire(
      0, 10, 0, 10, 0, 9, 0, 0, 0, 21, 7, "productS", 0, 0, 0, 8, "RabbitMQ",
      0, 0, 0, 14, "PLAIN AMQPLAIN", 0, 0, 0, 5, "en_US",
    ),
  },
  {
    method: connectionStartOk({
      clientProperties: { capabilities: { "basic.nack": true } }, mechanism: "PLAIN",
      response: wire(0, "guest", 0, "guest"), locale: "en_US",
    }),
    bytes: wire(
      0, 10, 0, 11, 0, 0, 0, 31, 12, "capabilitiesF", 0, 0, 0, 13, 10, "basic.nackt", 1,
      5, "PLAIN", 0, 0, 0, 12, 0, "guest", 0, "guest", 5, "en_US",
    ),
  },
  {
    method: connectionTune({ channelMax: 2047, frameMax: 131_072, heartbeat: 60 }),
    bytes: wire(0, 10, 0, 30, 7, 255, 0, 2, 0, 0, 0, 60),
  },
  { method: connectionOpen({ virtualHost: "/" }), bytes: wire(0, 10, 0, 40, 1, "/", 0, 0) },
  {
    method: connectionBlocked({ reason: "low on memory" }),
    bytes: wire(0, 10, 0, 60, 13, "low on memory"),
  },
  {
    method: connectionUpdateSecret({ newSecret: wire("token"), reason: "old" }),
    bytes: wire(0, 10, 0, 70, 0, 0, 0, 5, "token", 3, "old"),
  },
  { method: channelOpen(), bytes: wire(0, 20, 0, 10, 0) },
  { method: channelOpenOk(), bytes: wire(0, 20, 0, 11, 0, 0, 0, 0) },
  { method: channelFlow({ active: true }), bytes: wire(0, 20, 0, 20, 1) },
  {
    method: channelClose({ replyCode: 404, replyText: "NOT_FOUND", classId: 60, methodId: 40 }),
    bytes: wire(0, 20, 0, 40, 1, 148, 9, "NOT_FOUND", 0, 60, 0, 40),
  },
  {
    method: exchangeDeclare({ exchange: "logs", type: "fanout", durable: true, internal: true }),
    bytes: wire(0, 40, 0, 10, 0, 0, 4, "logs", 6, "fanout", 0b01010, 0, 0, 0, 0),
  },
  {
    method: exchangeBind({ destination: "to", source: "from", routingKey: "k", noWait: true }),
    bytes: wire(0, 40, 0, 30, 0, 0, 2, "to", 4, "from", 1, "k", 1, 0, 0, 0, 0),
  },
  { method: exchangeUnbindOk(), bytes: wire(0, 40, 0, 51) },
  {
    method: queueDeclare({
      queue: "jobs", passive: true, exclusive: true, noWait: true, arguments: { "x-expires": 1000 },
    }),
    bytes: wire(0, 50, 0, 10, 0, 0, 4, "jobs", 0b10101, 0, 0, 0, 15, 9, "x-expiresI", 0, 0, 3, 232),
  },
  {
    method: queueDeclareOk({ queue: "jobs", messageCount: 1, consumerCount: 0x01020304 }),
    bytes: wire(0, 50, 0, 11, 4, "jobs", 0, 0, 0, 1, 1, 2, 3, 4),
  },
  {
    method: queueBind({ queue: "q", exchange: "x", routingKey: "a.*" }),
    bytes: wire(0, 50, 0, 20, 0, 0, 1, "q", 1, "x", 3, "a.*", 0, 0, 0, 0, 0),
  },
  {
    method: queueDelete({ queue: "q", ifEmpty: true }),
    bytes: wire(0, 50, 0, 40, 0, 0, 1, "q", 0b010),
  },
  { // the one method of its kind without no-wait
    method: queueUnbind({ queue: "q", exchange: "x", routingKey: "k" }),
    bytes: wire(0, 50, 0, 50, 0, 0, 1, "q", 1, "x", 1, "k", 0, 0, 0, 0),
  },
  {
    method: basicQos({ prefetchCount: 258, global: true }),
    bytes: wire(0, 60, 0, 10, 0, 0, 0, 0, 1, 2, 1),
  },
  {
    method: basicConsume({ queue: "q", consumerTag: "c", noAck: true, noWait: true }),
    bytes: wire(0, 60, 0, 20, 0, 0, 1, "q", 1, "c", 0b1010, 0, 0, 0, 0),
  },
  { method: basicCancel({ consumerTag: "c" }), bytes: wire(0, 60, 0, 30, 1, "c", 0) },
  {
    method: basicPublish({ exchange: "x", routingKey: "k", mandatory: true }),
    bytes: wire(0, 60, 0, 40, 0, 0, 1, "x", 1, "k", 1),
  },
  {
    method: basicReturn({ replyCode: 312, replyText: "NO_ROUTE", exchange: "", routingKey: "k" }),
    bytes: wire(0, 60, 0, 50, 1, 56, 8, "NO_ROUTE", 0, 1, "k"),
  },
  {
    method: basicDeliver({
      consumerTag: "c", deliveryTag: 258, redelivered: true, exchange: "x", routingKey: "k",
    }),
    bytes: wire(0, 60, 0, 60, 1, "c", 0, 0, 0, 0, 0, 0, 1, 2, 1, 1, "x", 1, "k"),
  },
  {
    method: basicGetOk({ deliveryTag: 1, exchange: "x", routingKey: "k", messageCount: 9 }),
    bytes: wire(0, 60, 0, 71, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, "x", 1, "k", 0, 0, 0, 9),
  },
  { method: basicGetEmpty(), bytes: wire(0, 60, 0, 72, 0) },
  {
    method: basicAck({ deliveryTag: Number.MAX_SAFE_INTEGER, multiple: true }),
    bytes: wire(0, 60, 0, 80, 0, 31, 255, 255, 255, 255, 255, 255, 1),
  },
  {
    method: basicNack({ deliveryTag: 1, requeue: true }),
    bytes: wire(0, 60, 0, 120, 0, 0, 0, 0, 0, 0, 0, 1, 0b10),
  },
  { method: basicRecoverAsync({ requeue: true }), bytes: wire(0, 60, 0, 100, 1) },
  { method: confirmSelect({ noWait: true }), bytes: wire(0, 85, 0, 10, 1) },
  { method: txCommit(), bytes: wire(0, 90, 0, 20) },
];
