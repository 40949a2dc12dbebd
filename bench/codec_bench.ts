/**
 * Methods and field tables, to bytes and back. The baseline is the runtime's own JSON of the same
 * object, which is the fastest thing at hand that does a similar job.
 *
 * @module
 */
import { ByteReader } from "../broker/amqp/byte_reader.ts";
import { ByteWriter } from "../broker/amqp/byte_writer.ts";
import {
  decodeTable,
  encodeTable,
  type FieldTable,
  normaliseTable,
} from "../broker/amqp/field_table.ts";
import { basicAck, basicDeliver, basicPublish } from "../broker/amqp/methods/basic.ts";
import { decodeMethod, encodeMethod, type Method } from "../broker/amqp/methods/mod.ts";
import { queueDeclare } from "../broker/amqp/methods/queue.ts";
import { check } from "./support/check.ts";

const METHODS: readonly Method[] = [
  basicAck({ deliveryTag: 123_456, multiple: true }),
  basicPublish({ exchange: "orders", routingKey: "order.created.europe" }),
  basicDeliver({
    consumerTag: "amq.ctag-Jc0pZ0oXg1kZ2mVYyQk3Fw",
    deliveryTag: 123_456,
    exchange: "orders",
    routingKey: "order.created.europe",
  }),
  queueDeclare({
    queue: "orders.europe",
    durable: true,
    arguments: { "x-dead-letter-exchange": "dead", "x-message-ttl": 60_000 },
  }),
];

for (const method of METHODS) {
  const writer = new ByteWriter();
  encodeMethod(writer, method);
  const bytes = writer.written().slice();
  const { length } = bytes;
  const json = JSON.stringify(method);

  const encoding = `encode ${method.name}`;
  Deno.bench({
    name: `${encoding}: JSON, ${json.length} characters`,
    group: encoding,
    baseline: true,
    fn() {
      check(JSON.stringify(method).length, json.length);
    },
  });
  Deno.bench({
    name: `${encoding}: ${length} B`,
    group: encoding,
    fn() {
      writer.length = 0;
      encodeMethod(writer, method);
      check(writer.length, length);
    },
  });

  const decoding = `decode ${method.name}`;
  Deno.bench({
    name: `${decoding}: JSON, ${json.length} characters`,
    group: decoding,
    baseline: true,
    fn() {
      check(JSON.parse(json).name, method.name);
    },
  });
  Deno.bench({
    name: `${decoding}: ${length} B`,
    group: decoding,
    fn() {
      check(decodeMethod(bytes, 0, length).name, method.name);
    },
  });
}

const TABLES: Readonly<Record<string, FieldTable>> = {
  "3 fields": { tenant: "europe", attempt: 3, urgent: true },
  "50 fields": Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [`field-${index}`, index % 2 ? index : `v${index}`]),
  ),
  "8 levels": nested(8),
};

for (const [name, table] of Object.entries(TABLES)) {
  const writer = new ByteWriter();
  encodeTable(writer, table);
  const bytes = writer.written().slice();
  const reader = new ByteReader();
  const json = JSON.stringify(table);
  const first = Object.keys(table)[0]!;

  const encoding = `encode a table, ${name}`;
  Deno.bench({
    name: `${encoding}: JSON, ${json.length} characters`,
    group: encoding,
    baseline: true,
    fn() {
      check(JSON.stringify(table).length, json.length);
    },
  });
  Deno.bench({
    name: `${encoding}: ${bytes.length} B`,
    group: encoding,
    fn() {
      writer.length = 0;
      encodeTable(writer, table);
      check(writer.length, bytes.length);
    },
  });

  const decoding = `decode a table, ${name}`;
  Deno.bench({
    name: `${decoding}: JSON, ${json.length} characters`,
    group: decoding,
    baseline: true,
    fn() {
      check(first in JSON.parse(json), true);
    },
  });
  Deno.bench({
    name: `${decoding}: ${bytes.length} B`,
    group: decoding,
    fn() {
      reader.reset(bytes, 0, bytes.length);
      check(first in decodeTable(reader), true);
    },
  });

  const copying = `copy a table, ${name}`;
  Deno.bench({
    name: `${copying}: JSON there and back`,
    group: copying,
    baseline: true,
    fn() {
      check(first in JSON.parse(JSON.stringify(table)), true);
    },
  });
  Deno.bench({
    name: `${copying}: normaliseTable`,
    group: copying,
    fn() {
      check(first in normaliseTable(table), true);
    },
  });
}

function nested(levels: number): FieldTable {
  return levels === 0 ? { leaf: 1 } : { level: levels, inner: nested(levels - 1) };
}
