import { assertEquals, assertNotEquals } from "@std/assert";
import { crc32c } from "../../broker/store/crc32c.ts";

Deno.test("crc32c() gives the published checksum of 123456789", () => {
  const bytes = new TextEncoder().encode("..123456789..");
  assertEquals(crc32c(bytes, 2, 11), 0xe3069283);
});

Deno.test("crc32c() goes on from the checksum of what came before", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, index) => index * 7);
  for (let cut = 0; cut <= 100; cut++) {
    assertEquals(crc32c(bytes, cut, 100, crc32c(bytes, 0, cut)), crc32c(bytes, 0, 100));
  }
});

Deno.test("crc32c() tells ranges with other seeds apart", () => {
  const bytes = new Uint8Array(20);
  assertNotEquals(crc32c(bytes, 0, 20, 1), crc32c(bytes, 0, 20, 2));
});

Deno.test("crc32c() is what it is bit by bit, for every length and wherever a range begins", () => {
  const bytes = Uint8Array.from({ length: 90 }, (_, index) => index * 151 + 7);
  const within = new Uint8Array(100).subarray(3, 93);
  within.set(bytes);
  for (let start = 0; start < 17; start++) {
    for (let end = start; end <= bytes.length; end++) {
      const expected = bitByBit(bytes, start, end, 99);
      assertEquals(crc32c(bytes, start, end, 99), expected);
      assertEquals(crc32c(within, start, end, 99), expected);
    }
  }
});

function bitByBit(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let crc = ~seed;
  for (const byte of bytes.subarray(start, end)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
