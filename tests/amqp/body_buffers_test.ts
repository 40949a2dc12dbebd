import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { leaveBodyBuffer, takeBodyBuffer } from "../../broker/amqp/body_buffers.ts";

const KIB = 1024;

/** So that no test finds what another one has left. */
function empty(): void {
  for (let size = 128 * KIB; size <= 32 * KIB * KIB; size += 64 * KIB) {
    while (takeBodyBuffer(size) !== undefined);
  }
}

Deno.test("a body gets the buffer of one that has gone, of its size or up to twice that", () => {
  empty();
  const buffer = new Uint8Array(512 * KIB);
  leaveBodyBuffer(buffer);
  assertEquals(takeBodyBuffer(512 * KIB + 1), undefined);
  assertEquals(takeBodyBuffer(256 * KIB - 1), undefined);
  assertStrictEquals(takeBodyBuffer(256 * KIB), buffer);
  assertEquals(takeBodyBuffer(512 * KIB), undefined, "nobody else gets it");
});

Deno.test("no more than 16 MiB are kept of bodies that have gone, the latest ones", () => {
  empty();
  const first = new Uint8Array(KIB * KIB);
  leaveBodyBuffer(first);
  for (let count = 0; count < 16; count++) leaveBodyBuffer(new Uint8Array(KIB * KIB));
  leaveBodyBuffer(new Uint8Array(17 * KIB * KIB));
  let kept = 0;
  for (let taken = takeBodyBuffer(KIB * KIB); taken !== undefined; kept++) {
    assertNotStrictEquals(taken, first);
    taken = takeBodyBuffer(KIB * KIB);
  }
  assertEquals(kept, 16, "one of 17 MiB is not kept, and takes nobody's place");
});

Deno.test("small bodies have no buffers of others", () => {
  empty();
  leaveBodyBuffer(new Uint8Array(128 * KIB - 1));
  assertEquals(takeBodyBuffer(128 * KIB - 1), undefined);
});
