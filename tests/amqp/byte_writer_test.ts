import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { equals } from "@std/bytes";
import { ByteReader } from "../../broker/amqp/byte_reader.ts";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { wire } from "./golden.ts";

interface WriteCase {
  readonly verb: string;
  readonly write: (writer: ByteWriter) => void;
  readonly bytes: Uint8Array;
}

// deno-fmt-ignore
const WRITE_CASES: readonly WriteCase[] = [
  { verb: "uint8", write: (w) => w.uint8(255), bytes: wire(255) },
  { verb: "uint16", write: (w) => w.uint16(65534), bytes: wire(255, 254) },
  { verb: "uint32", write: (w) => w.uint32(0xff000001), bytes: wire(255, 0, 0, 1) },
  { verb: "int32", write: (w) => w.int32(-3), bytes: wire(255, 255, 255, 253) },
  { verb: "uint64", write: (w) => w.uint64(2 ** 53 - 1), bytes: wire(0, 31, 255, 255, 255, 255, 255, 255) },
  { verb: "uint64", write: (w) => w.uint64(0xffffffff), bytes: wire(0, 0, 0, 0, 255, 255, 255, 255) },
  { verb: "safeInt64", write: (w) => w.safeInt64(-1), bytes: wire(255, 255, 255, 255, 255, 255, 255, 255) },
  { verb: "safeInt64", write: (w) => w.safeInt64(-(2 ** 32)), bytes: wire(255, 255, 255, 255, 0, 0, 0, 0) },
  { verb: "int64", write: (w) => w.int64(-(2n ** 63n)), bytes: wire(128, 0, 0, 0, 0, 0, 0, 0) },
  { verb: "float64", write: (w) => w.float64(-1), bytes: wire(191, 240, 0, 0, 0, 0, 0, 0) },
  { verb: "shortString", write: (w) => w.shortString("hi€"), bytes: wire(5, "hi", 0xe2, 0x82, 0xac) },
  { verb: "shortString", write: (w) => w.shortString("\ud800"), bytes: wire(3, 0xef, 0xbf, 0xbd) },
  { verb: "text", write: (w) => w.text("hi€"), bytes: wire(0, 0, 0, 5, "hi", 0xe2, 0x82, 0xac) },
  { verb: "longString", write: (w) => w.longString(wire(1, 2)), bytes: wire(0, 0, 0, 2, 1, 2) },
  { verb: "copy", write: (w) => w.copy(wire(1, 2, 3, 4), 1, 3), bytes: wire(2, 3) },
];

for (const { verb, write, bytes } of WRITE_CASES) {
  Deno.test(`ByteWriter.${verb}() writes [${bytes.join(" ")}]`, () => {
    const writer = new ByteWriter(1);
    writer.uint8(7);
    write(writer);
    assertEquals(writer.written(), wire(7, ...bytes));
  });
}

Deno.test("ByteWriter refuses numbers out of range and writes nothing of them", () => {
  const writer = new ByteWriter();
  const verbs = {
    uint8: [-1, 256, 1.5, NaN],
    uint16: [-1, 65536, 0.1, Infinity],
    uint32: [-1, 2 ** 32, NaN],
    int32: [2 ** 31, -(2 ** 31) - 1, 1.5],
    uint64: [-1, 2 ** 53, 1.5, NaN],
    safeInt64: [2 ** 53, -(2 ** 53), 0.5, NaN],
  } as const;
  for (const [verb, values] of Object.entries(verbs)) {
    for (const value of values) {
      assertThrows(() => writer[verb as keyof typeof verbs](value), RangeError, `${value}`);
    }
  }
  assertThrows(() => writer.int64(2n ** 63n), RangeError);
  assertThrows(() => writer.int64(-(2n ** 63n) - 1n), RangeError);
  assertEquals(writer.length, 0);
});

Deno.test("ByteWriter.shortString() takes 255 octets and not one more", () => {
  const writer = new ByteWriter();
  writer.shortString("x".repeat(255));
  writer.shortString("é".repeat(127));
  const { length } = writer;
  for (const text of ["x".repeat(256), "é".repeat(128), "€".repeat(86), "x".repeat(100_000)]) {
    assertThrows(() => writer.shortString(text), TypeError, "255 octets");
    assertEquals(writer.length, length);
  }
});

Deno.test("ByteWriter refuses text that is no string and bytes that are none", () => {
  const writer = new ByteWriter();
  assertThrows(() => writer.shortString(5 as unknown as string), TypeError);
  assertThrows(() => writer.text(undefined as unknown as string), TypeError);
  assertThrows(() => writer.longString([1] as unknown as Uint8Array), TypeError);
  assertEquals(writer.length, 0);
});

Deno.test("ByteWriter.text() writes texts of any length and alphabet", () => {
  const writer = new ByteWriter(0);
  const lengths = [0, 1, 63, 64, 65, 255, 1023, 1024, 1025, 100_000];
  const texts = lengths.flatMap((length) =>
    ["x", "é", "€", "\u{1f407}"].map((c) => c.repeat(length))
  );
  texts.forEach((text) => writer.text(text));
  const reader = new ByteReader(writer.bytes, 0, writer.length);
  texts.forEach((text) => assert(reader.text() === text, `length ${text.length}`));
  assertEquals(reader.at, writer.length);
});

Deno.test("ByteWriter.copy() copies ranges of any size", () => {
  const source = Uint8Array.from({ length: 300 }, (_, index) => index);
  for (let size = 0; size < 200; size++) {
    const writer = new ByteWriter(3);
    writer.copy(source, 50, 50 + size);
    assert(equals(writer.written(), source.slice(50, 50 + size)), `size ${size}`);
  }
});

Deno.test("ByteWriter.reserve() leaves room that is filled in later", () => {
  const writer = new ByteWriter(2);
  const at = writer.reserve(4);
  writer.text("grows");
  writer.view.setUint32(at, 0x01020304);
  assertEquals(writer.written(), wire(1, 2, 3, 4, 0, 0, 0, 5, "grows"));
});

Deno.test("ByteWriter.use() goes on in another buffer and leaves the old one alone", () => {
  const writer = new ByteWriter(8);
  writer.uint16(1);
  const first = writer.bytes;
  const second = new Uint8Array(16).subarray(8);
  writer.use(second);
  writer.int64(2n);
  assertStrictEquals(writer.bytes, second);
  assertEquals(second, wire(0, 0, 0, 0, 0, 0, 0, 2));
  assertEquals(first.subarray(0, 2), wire(0, 1));
});
