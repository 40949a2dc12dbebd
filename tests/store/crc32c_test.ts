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
