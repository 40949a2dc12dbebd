import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { EncryptedBuffer } from "../../broker/amqp/encrypted_buffer.ts";

const KIB = 1024;

Deno.test("EncryptedBuffer grows while reads fill it, up to a size", () => {
  const buffer = new EncryptedBuffer();
  assertEquals(sizes(buffer), [512, 2 * KIB, 8 * KIB, 32 * KIB, 128 * KIB, 256 * KIB, 256 * KIB]);
  buffer.release();
});

Deno.test("EncryptedBuffer shrinks when reads bring next to nothing, and not after a few of them", () => {
  const buffer = new EncryptedBuffer();
  sizes(buffer);
  for (let read = 0; read < 15; read++) buffer.filled(100, true);
  buffer.filled(100 * KIB, true);
  for (let read = 0; read < 15; read++) buffer.filled(100, true);
  assertEquals(buffer.bytes.length, 256 * KIB);
  buffer.filled(100, true);
  assertEquals(buffer.bytes.length, 64 * KIB);
  for (let read = 0; read < 100; read++) buffer.filled(1, true);
  assertEquals(buffer.bytes.length, 512);
  buffer.release();
});

Deno.test("large EncryptedBuffers are bounded in all, and one that is released makes room", () => {
  const buffers = Array.from({ length: 64 }, () => new EncryptedBuffer());
  for (const buffer of buffers) assertEquals(sizes(buffer).at(-1), 256 * KIB);
  const late = new EncryptedBuffer();
  assertEquals(sizes(late).at(-1), 128 * KIB);
  buffers[0]!.release();
  assertEquals(sizes(late).at(-1), 256 * KIB);
  for (const buffer of [...buffers, late]) buffer.release();
});

Deno.test("EncryptedBuffer reads over what was taken, and never over what was not", () => {
  const buffer = new EncryptedBuffer();
  const { bytes } = buffer;
  buffer.filled(100, true);
  assertStrictEquals(buffer.bytes, bytes);
  buffer.filled(100, false);
  assertNotStrictEquals(buffer.bytes, bytes);
  assertEquals(buffer.bytes.length, bytes.length);
});

/** How large it is while seven reads in a row fill it. */
function sizes(buffer: EncryptedBuffer): number[] {
  return Array.from({ length: 7 }, () => {
    const { length } = buffer.bytes;
    buffer.filled(length, true);
    return length;
  });
}
