import { assertEquals, assertNotStrictEquals, assertThrows } from "@std/assert";
import { concat } from "@std/bytes";
import { ByteReader } from "../../broker/amqp/byte_reader.ts";
import { AmqpError } from "../../broker/amqp/error.ts";
import { wire } from "./golden.ts";

interface ReadCase {
  readonly verb: string;
  readonly read: (reader: ByteReader) => unknown;
  readonly bytes: Uint8Array;
  readonly value: unknown;
}

// deno-fmt-ignore
const READ_CASES: readonly ReadCase[] = [
  { verb: "uint8", read: (r) => r.uint8(), bytes: wire(255), value: 255 },
  { verb: "int8", read: (r) => r.int8(), bytes: wire(128), value: -128 },
  { verb: "uint16", read: (r) => r.uint16(), bytes: wire(255, 254), value: 65534 },
  { verb: "int16", read: (r) => r.int16(), bytes: wire(255, 254), value: -2 },
  { verb: "uint32", read: (r) => r.uint32(), bytes: wire(255, 0, 0, 1), value: 0xff000001 },
  { verb: "int32", read: (r) => r.int32(), bytes: wire(255, 255, 255, 253), value: -3 },
  { verb: "uint64", read: (r) => r.uint64(), bytes: wire(0, 0, 0, 1, 0, 0, 0, 2), value: 2 ** 32 + 2 },
  { verb: "int64", read: (r) => r.int64(), bytes: wire(255, 255, 255, 255, 255, 255, 255, 251), value: -5 },
  { verb: "int64", read: (r) => r.int64(), bytes: wire(0, 31, 255, 255, 255, 255, 255, 255), value: 2 ** 53 - 1 },
  { verb: "int64", read: (r) => r.int64(), bytes: wire(0, 32, 0, 0, 0, 0, 0, 0), value: 2n ** 53n },
  { verb: "int64", read: (r) => r.int64(), bytes: wire(0, 32, 0, 0, 0, 0, 0, 1), value: 2n ** 53n + 1n },
  { verb: "int64", read: (r) => r.int64(), bytes: wire(128, 0, 0, 0, 0, 0, 0, 0), value: -(2n ** 63n) },
  { verb: "float32", read: (r) => r.float32(), bytes: wire(63, 192, 0, 0), value: 1.5 },
  { verb: "float64", read: (r) => r.float64(), bytes: wire(191, 240, 0, 0, 0, 0, 0, 0), value: -1 },
  { verb: "shortString", read: (r) => r.shortString(), bytes: wire(2, "hi"), value: "hi" },
  { verb: "shortString", read: (r) => r.shortString(), bytes: wire(3, 0xe2, 0x82, 0xac), value: "€" },
  { verb: "lenientShortString", read: (r) => r.lenientShortString(), bytes: wire(2, "a", 0xff), value: "a\ufffd" },
  { verb: "longString", read: (r) => r.longString(), bytes: wire(0, 0, 0, 2, 0xff, 0), value: wire(0xff, 0) },
  { verb: "text", read: (r) => r.text(), bytes: wire(0, 0, 0, 2, "hi"), value: "hi" },
  { verb: "textOrBytes", read: (r) => r.textOrBytes(), bytes: wire(0, 0, 0, 2, "hi"), value: "hi" },
  { verb: "textOrBytes", read: (r) => r.textOrBytes(), bytes: wire(0, 0, 0, 1, 0xff), value: wire(0xff) },
];

for (const { verb, read, bytes, value } of READ_CASES) {
  Deno.test(`ByteReader.${verb}() reads [${bytes.join(" ")}]`, () => {
    const reader = new ByteReader(concat([wire(7), bytes, wire(7)]), 1, 1 + bytes.length);
    assertEquals(read(reader), value);
    assertEquals(reader.at, 1 + bytes.length);
  });

  Deno.test(`ByteReader.${verb}() reads [${bytes.join(" ")}] only if all of it is in range`, () => {
    // the octets are there, but they are somebody else's
    for (let size = 0; size < bytes.length; size++) {
      const error = assertThrows(() => read(new ByteReader(bytes, 0, size)), AmqpError);
      assertEquals(error.replyCode, 501);
    }
  });
}

Deno.test("ByteReader.shortString() refuses what is not UTF-8", () => {
  for (const bad of [wire(0xff), wire("a", 0xc3), wire(0xed, 0xa0, 0x80), wire(0xc0, 0x80)]) {
    const bytes = concat([wire(bad.length), bad]);
    const error = assertThrows(() => new ByteReader(bytes).shortString(), AmqpError);
    assertEquals(error.message, "FRAME_ERROR - Malformed UTF-8 in shortstr");
  }
});

Deno.test("ByteReader.text() refuses what is not UTF-8", () => {
  const error = assertThrows(() => new ByteReader(wire(0, 0, 0, 1, 0xff)).text(), AmqpError);
  assertEquals(error.message, "FRAME_ERROR - Malformed UTF-8 in longstr");
});

Deno.test("ByteReader.shortString() keeps a byte order mark and NULs", () => {
  const bytes = wire(5, 0xef, 0xbb, 0xbf, 0, "a");
  assertEquals(new ByteReader(bytes).shortString(), "\ufeff\0a");
});

Deno.test("ByteReader.shortString() never takes one text for another", () => {
  // same length, and different in one place after the other
  const base = "a".repeat(60);
  const texts = [
    base,
    ...Array.from({ length: 60 }, (_, at) => `${base.slice(0, at)}b${base.slice(at + 1)}`),
  ];
  const bytes = concat(texts.map((text) => wire(60, text)));
  for (let round = 0; round < 2; round++) {
    const reader = new ByteReader(bytes);
    assertEquals(texts.map(() => reader.shortString()), texts);
  }
});

Deno.test("ByteReader.shortString() reads each length there can be", () => {
  for (let length = 0; length <= 255; length++) {
    const text = "x".repeat(length);
    assertEquals(new ByteReader(wire(length, text)).shortString(), text);
  }
});

Deno.test("ByteReader.longString() returns bytes of its own", () => {
  const bytes = wire(0, 0, 0, 1, 5);
  const value = new ByteReader(bytes).longString();
  bytes[4] = 6;
  assertEquals(value, wire(5));
  assertNotStrictEquals(value.buffer, bytes.buffer);
});

Deno.test("ByteReader.reset() goes to another range", () => {
  const reader = new ByteReader(wire(1, 2));
  reader.uint16();
  reader.reset(wire(0, 3, 4, 0), 1, 3);
  assertEquals([reader.uint8(), reader.uint8()], [3, 4]);
  assertThrows(() => reader.uint8(), AmqpError);
});
