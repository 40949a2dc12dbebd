import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import {
  type BasicProperties,
  checkProperties,
  decodeProperties,
  encodeProperties,
  normaliseProperties,
  PROPERTY_FLAGS,
} from "../../broker/amqp/properties.ts";
import { wire } from "./golden.ts";
import { forSeeds } from "./random_values.ts";

/** All fourteen, in wire order. */
const ALL: Required<BasicProperties> = {
  contentType: "text/plain",
  contentEncoding: "gzip",
  headers: { a: true },
  deliveryMode: 2,
  priority: 9,
  correlationId: "c",
  replyTo: "r",
  expiration: "100",
  messageId: "m",
  timestamp: new Date(1000),
  type: "t",
  userId: "u",
  appId: "a",
  clusterId: "x",
};

// deno-fmt-ignore
const GOLDEN: readonly (readonly [string, BasicProperties, Uint8Array])[] = [
  ["none", {}, wire(0, 0)],
  ["the first and the last", { contentType: "a", clusterId: "b" }, wire(0x80, 0x04, 1, "a", 1, "b")],
  ["a persistent message", { deliveryMode: 2 }, wire(0x10, 0, 2)],
  ["empty headers", { headers: {} }, wire(0x20, 0, 0, 0, 0, 0)],
  ["empty text", { type: "" }, wire(0, 0x20, 0)],
  ["all", ALL, wire(
    0xff, 0xfc, 10, "text/plain", 4, "gzip", 0, 0, 0, 4, 1, "at", 1, 2, 9, 1, "c", 1, "r", 3, "100",
    1, "m", 0, 0, 0, 0, 0, 0, 0, 1, 1, "t", 1, "u", 1, "a", 1, "x",
  )],
];

for (const [what, properties, bytes] of GOLDEN) {
  Deno.test(`properties: ${what} are encoded, decoded and checked`, () => {
    assertEquals(encode(properties), bytes);
    assertEquals(decode(bytes), properties);
    assertEquals(check(bytes), bytes[0]! << 8 | bytes[1]!);
  });
}

Deno.test("properties survive encoding and decoding, in a range of a larger buffer", () => {
  forSeeds(500, (random) => {
    const properties = random.properties();
    const bytes = concat([wire(1, 2, 3), encode(properties), wire(4)]);
    assertEquals(decodeProperties(bytes, 3, bytes.length - 1), properties);
    const flags = Object.keys(properties)
      .reduce((sum, name) => sum | PROPERTY_FLAGS[name as keyof BasicProperties], 0);
    assertEquals(checkProperties(bytes, 3, bytes.length - 1), flags);
  });
});

Deno.test("normaliseProperties() gives what encoding and decoding gives, in the same order", () => {
  const cases: BasicProperties[] = [
    { timestamp: new Date(1999), headers: { n: 5n, d: new Date(1) }, priority: -0 },
    { type: "\ud800", contentType: undefined as unknown as string },
    Object.fromEntries(Object.entries(ALL).reverse()),
  ];
  forSeeds(200, (random) => cases.push(random.properties()));
  for (const properties of cases) {
    const decoded = decode(encode(properties));
    const normalised = normaliseProperties(properties);
    assertEquals(normalised, decoded);
    assertEquals(Object.keys(normalised), Object.keys(decoded));
  }
});

Deno.test("normaliseProperties() shares nothing with its argument", () => {
  const properties = { timestamp: new Date(0), headers: { list: [1] } };
  const copy = normaliseProperties(properties);
  properties.timestamp.setTime(9000);
  properties.headers.list[0] = 2;
  assertEquals(copy, { timestamp: new Date(0), headers: { list: [1] } });
});

const REFUSED: readonly (readonly [string, unknown, string])[] = [
  ["an unknown name", { delivery_mode: 2 }, '"delivery_mode": there is no such property'],
  ["a name of Object.prototype", { toString: "x" }, '"toString": there is no such property'],
  ["a number as text", { type: 5 }, '"type": number is not a string'],
  ["null as text", { type: null }, '"type": null is not a string'],
  ["text of 256 octets", { messageId: "x".repeat(256) }, '"messageId": text takes more than 255'],
  ["text of 128 times two octets", { appId: "é".repeat(128) }, '"appId": text takes more than 255'],
  ["a priority of 256", { priority: 256 }, '"priority": 256 is not a whole number'],
  ["a negative priority", { priority: -1 }, '"priority": -1 is not a whole number'],
  ["a broken priority", { priority: 1.5 }, '"priority": 1.5 is not a whole number'],
  ["a delivery mode as text", { deliveryMode: "2" }, '"deliveryMode": 2 is not a whole number'],
  ["a time as a number", { timestamp: 1 }, '"timestamp": it must be a valid Date'],
  ["an invalid date", { timestamp: new Date(NaN) }, '"timestamp": it must be a valid Date'],
  ["headers that are a list", { headers: [] }, "Array is not a field table"],
  [
    "headers that cannot be encoded",
    { type: "t", headers: { a: [() => {}] } },
    '["a"][0]: function',
  ],
  ["null", null, "null is not an object"],
];

for (const [what, properties, text] of REFUSED) {
  Deno.test(`encodeProperties() and normaliseProperties() refuse ${what}`, () => {
    const writer = new ByteWriter();
    writer.uint8(7);
    const bad = properties as BasicProperties;
    assertThrows(() => encodeProperties(writer, bad), TypeError, text);
    assertEquals(writer.written(), wire(7), "nothing is written");
    assertThrows(() => normaliseProperties(bad), TypeError, text);
  });
}

const MALFORMED: readonly (readonly [string, number, Uint8Array])[] = [
  ["no flags", 501, wire()],
  ["half of the flags", 501, wire(0x80)],
  ["more flags to come", 502, wire(0x80, 0x01, 0, 0, 1, "a")],
  ["a flag of no property", 502, wire(0, 0x02)],
  ["no value", 501, wire(0x80, 0)],
  ["text beyond the end", 501, wire(0x80, 0, 2, "a")],
  ["half a timestamp", 501, wire(0, 0x40, 0, 0, 0, 0)],
  ["no priority", 501, wire(0x18, 0, 2)],
  ["headers beyond the end", 501, wire(0x20, 0, 0, 0, 0, 9, 1, "aV")],
  ["headers of an unknown type", 502, wire(0x20, 0, 0, 0, 0, 3, 1, "aZ")],
  ["octets left over after none", 501, wire(0, 0, 0)],
  ["octets left over after some", 501, wire(0x10, 0, 2, 2)],
];

for (const [what, replyCode, bytes] of MALFORMED) {
  Deno.test(`decodeProperties() and checkProperties() refuse ${what} with ${replyCode}`, () => {
    const errors = [
      assertThrows(() => decode(bytes), AmqpError),
      assertThrows(() => check(bytes), AmqpError),
    ];
    assertEquals(errors.map((error) => error.replyCode), [replyCode, replyCode]);
  });
}

Deno.test("decodeProperties() and checkProperties() agree about damaged properties", () => {
  let refused = 0;
  forSeeds(5000, (random) => {
    const bytes = random.damaged(encode(random.properties()));
    const decoded = accepts(() => decode(bytes));
    assertEquals(accepts(() => check(bytes)), decoded);
    if (!decoded) refused++;
  });
  assertEquals(refused > 500 && refused < 4500, true, `${refused} of 5000 were refused`);
});

Deno.test("decodeProperties() takes text that is not UTF-8, as RabbitMQ does", () => {
  assertEquals(decode(wire(0, 0x20, 2, "a", 0xff)), { type: "a\ufffd" });
});

function encode(properties: BasicProperties): Uint8Array {
  const writer = new ByteWriter(2);
  encodeProperties(writer, properties);
  return writer.written().slice();
}

function decode(bytes: Uint8Array): BasicProperties {
  return decodeProperties(bytes, 0, bytes.length);
}

function check(bytes: Uint8Array): number {
  return checkProperties(bytes, 0, bytes.length);
}

/** False for an AmqpError; any other error goes through. */
function accepts(action: () => unknown): boolean {
  try {
    action();
    return true;
  } catch (error) {
    assertInstanceOf(error, AmqpError);
    return false;
  }
}
