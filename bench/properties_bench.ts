/**
 * The properties of a message: what a publisher pays to encode them, the broker to check them, a
 * consumer to read them, and both in one process to copy them. The baseline is the runtime's own JSON
 * of the same object.
 *
 * @module
 */
import { ByteWriter } from "../broker/amqp/byte_writer.ts";
import {
  type BasicProperties,
  checkProperties,
  decodeProperties,
  encodeProperties,
  normaliseProperties,
} from "../broker/amqp/properties.ts";
import { check } from "./support/check.ts";

const PROPERTIES: Readonly<Record<string, BasicProperties>> = {
  "a persistent message": { deliveryMode: 2 },
  "an RPC request": {
    contentType: "application/json",
    correlationId: "6f1a5a1c-3d52-4d2b-9b57-4f6c2d3a8e10",
    replyTo: "amq.gen-Jc0pZ0oXg1kZ2mVYyQk3Fw",
  },
  "headers": {
    contentType: "application/json",
    deliveryMode: 2,
    headers: { tenant: "europe", attempt: 3, urgent: true, trace: "00-4bf92f3577b34da6a3ce929d0e" },
    messageId: "6f1a5a1c-3d52-4d2b-9b57-4f6c2d3a8e10",
    timestamp: new Date("2026-01-01T00:00:00Z"),
    type: "order.created",
    appId: "shop",
  },
};

for (const [name, properties] of Object.entries(PROPERTIES)) {
  const writer = new ByteWriter();
  encodeProperties(writer, properties);
  const bytes = writer.written().slice();
  const { length } = bytes;
  const flags = bytes[0]! << 8 | bytes[1]!;
  const json = JSON.stringify(properties);
  const { deliveryMode } = properties;

  const encoding = `encode ${name}`;
  Deno.bench({
    name: `${encoding}: JSON, ${json.length} characters`,
    group: encoding,
    baseline: true,
    fn() {
      check(JSON.stringify(properties).length, json.length);
    },
  });
  Deno.bench({
    name: `${encoding}: encodeProperties, ${length} B`,
    group: encoding,
    fn() {
      writer.length = 0;
      encodeProperties(writer, properties);
      check(writer.length, length);
    },
  });

  const decoding = `decode ${name}`;
  Deno.bench({
    name: `${decoding}: JSON, ${json.length} characters`,
    group: decoding,
    baseline: true,
    fn() {
      check(JSON.parse(json).deliveryMode, deliveryMode);
    },
  });
  Deno.bench({
    name: `${decoding}: decodeProperties, ${length} B`,
    group: decoding,
    fn() {
      check(decodeProperties(bytes, 0, length).deliveryMode, deliveryMode);
    },
  });
  Deno.bench({
    name: `${decoding}: checkProperties alone`,
    group: decoding,
    fn() {
      check(checkProperties(bytes, 0, length), flags);
    },
  });

  const copying = `copy ${name}`;
  Deno.bench({
    name: `${copying}: JSON there and back`,
    group: copying,
    baseline: true,
    fn() {
      check(JSON.parse(JSON.stringify(properties)).deliveryMode, deliveryMode);
    },
  });
  Deno.bench({
    name: `${copying}: normaliseProperties`,
    group: copying,
    fn() {
      check(normaliseProperties(properties).deliveryMode, deliveryMode);
    },
  });
}
