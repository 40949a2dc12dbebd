/** Every type that amqplib can put into a table, and every property, come back as they went. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { bytes, collect, connect, play, unique } from "./support.mjs";

/** The library's way to ask for a type of the wire. */
function as(type, value) {
  return { "!": type, value };
}

const SENT = {
  text: "hello",
  unicode: "grüße, 世界 🐇",
  "empty text": "",
  "long text": "x".repeat(10_000),
  bytes: Buffer.from([0, 255, 254]),
  true: true,
  false: false,
  byte: -128,
  short: -32_768,
  int: -(2 ** 31),
  long: 2 ** 40,
  double: 2.5,
  "small double": 5e-324,
  nothing: null,
  "uint8 max": as("uint8", 255),
  "uint16 max": as("uint16", 65_535),
  "uint32 max": as("uint32", 2 ** 32 - 1),
  "int8 min": as("int8", -128),
  "int16 min": as("int16", -32_768),
  "int32 min": as("int32", -(2 ** 31)),
  "int64 min": as("int64", -(2 ** 53)),
  float: as("float", 1.5),
  float64: as("float64", 0.1),
  decimal: as("decimal", { places: 2, digits: 314 }),
  time: as("timestamp", 1_709_209_815),
  list: ["a", 1, 2 ** 40, 1.5, true, null, Buffer.from("b"), ["nested", []], {
    in: ["a list"],
  }],
  "empty list": [],
  table: { a: { b: { c: [1, { d: null }] } } },
  "empty table": {},
  ["n".repeat(255)]: "a long name",
};

/** What the library makes of numbers whose type was asked for. */
const RECEIVED = Object.fromEntries(
  Object.entries(SENT).map(([name, value]) => [name, isNumberAs(value) ? value.value : value]),
);

function isNumberAs(value) {
  return value?.["!"] !== undefined &&
    !["decimal", "timestamp"].includes(value["!"]);
}

const PROPERTIES = {
  contentType: "application/json",
  contentEncoding: "gzip",
  deliveryMode: 2,
  priority: 9,
  correlationId: "c".repeat(255),
  replyTo: "somewhere",
  expiration: "60000",
  messageId: "grüße",
  timestamp: 1_700_000_000,
  type: "a type",
  userId: "guest",
  appId: "interop",
};

async function main() {
  const connection = await connect();
  const channel = await connection.createChannel();
  const { queue } = await channel.assertQueue(unique("tables"), {
    arguments: { unknown: SENT },
  });
  const options = {
    ...PROPERTIES,
    headers: SENT,
    clusterId: "not sent by this library",
  };
  for (let count = 0; count < 2; count++) {
    channel.sendToQueue(queue, bytes("all"), options);
  }
  channel.sendToQueue(queue, bytes("none"));

  expectAll(await channel.get(queue, { noAck: true }));
  const [all, none] = await collect(channel, queue, 2, { noAck: true });
  expectAll(all);
  const { headers, ...absent } = none.properties;
  assert.deepEqual(headers, {}); // this library sends them with every message
  for (const value of Object.values(absent)) assert.equal(value, undefined);
  await channel.deleteQueue(queue);
  await connection.close();
}

function expectAll({ properties }) {
  const { headers, clusterId: _, ...others } = properties;
  assert.deepEqual(headers, RECEIVED);
  assert.deepEqual(others, PROPERTIES);
}

await play(main);
