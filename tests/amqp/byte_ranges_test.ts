import { assert, assertEquals } from "@std/assert";
import { copyRange, sameRange, viewOf } from "../../broker/amqp/byte_ranges.ts";

const SIZES = [...Array(80).keys(), 191, 192, 193, 1000];

function counted(size: number, first = 1): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => first + index);
}

Deno.test("copyRange() copies just its range, of any size and from any place", () => {
  for (const size of SIZES) {
    for (const start of [0, 1, 7]) {
      const from = counted(start + size + 9);
      const to = new Uint8Array(size + 20);
      assertEquals(copyRange(from, start, start + size, to, viewOf(to), 5), 5 + size);
      assertEquals(to.subarray(5, 5 + size), from.subarray(start, start + size));
      assertEquals([...to.subarray(0, 5), ...to.subarray(5 + size)], Array(20).fill(0));
    }
  }
});

Deno.test("copyRange() copies from a buffer that it has met before as from a new one", () => {
  const [one, other] = [counted(64), counted(30, 100)];
  for (const from of [one, one, other, one, other, other]) {
    const to = new Uint8Array(80);
    copyRange(from, 1, 28, to, viewOf(to), 3);
    assertEquals(to.slice(3, 30), from.slice(1, 28));
    // what was seen of it must not be remembered
    from[5]! ^= 0xff;
  }
});

Deno.test("copyRange() takes buffers that begin within another one", () => {
  const from = counted(100).subarray(13);
  const to = new Uint8Array(100).subarray(3);
  copyRange(from, 2, 40, to, viewOf(to), 1);
  assertEquals(to.slice(0, 39), Uint8Array.of(0, ...from.subarray(2, 40)));
});

Deno.test("copyRange() copies from a buffer that was resized since it was met", () => {
  const buffer = new ArrayBuffer(100, { maxByteLength: 200 });
  for (
    const from of [new Uint8Array(buffer), new Uint8Array(buffer, 5), new Uint8Array(buffer, 5, 20)]
  ) {
    for (const size of [100, 100, 100, 60, 180, 24, 0, 150, 100]) {
      buffer.resize(size);
      if (from.length === 0) continue; // it is empty, or out of its bounds
      from.set(counted(from.length));
      const to = new Uint8Array(200);
      copyRange(from, 0, from.length, to, viewOf(to), 3);
      assertEquals(to.slice(3, 3 + from.length), from.slice());
    }
  }
});

Deno.test("copyRange() keeps octets that no number has", () => {
  // signalling NaNs among them, which a copy as floats might change
  const from = Uint8Array.of(
    1,
    0,
    0,
    0,
    0,
    0,
    0xf4,
    0x7f,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
    0xff,
  );
  const to = new Uint8Array(from.length);
  copyRange(from, 0, from.length, to, viewOf(to), 0);
  assertEquals(to, from);
});

Deno.test("sameRange() sees each octet that differs, and none outside", () => {
  for (const size of SIZES) {
    const one = counted(size + 6);
    const other = Uint8Array.of(0xee, ...one);
    const same = () => sameRange(one, viewOf(one), 3, other, viewOf(other), 4, size);
    assert(same());
    for (let at = 0; at < size; at++) {
      other[4 + at]! ^= 0x40;
      assertEquals(same(), false);
      other[4 + at]! ^= 0x40;
    }
    other[3]! ^= 1;
    other[4 + size]! ^= 1;
    assert(same());
  }
});

Deno.test("viewOf() is of the buffer that it is asked for, however they alternate", () => {
  const kept = [8, 20, 40, 60, 80, 100].map((first) => counted(8, first));
  const buffers = [...kept, new Uint8Array(1 << 21)];
  for (let turn = 0; turn < 200; turn++) {
    const bytes = buffers[turn * turn % 11 % buffers.length]!;
    const view = viewOf(bytes);
    assertEquals(view.getUint8(0), bytes[0]);
    assertEquals(view.byteLength, bytes.length);
    assertEquals(viewOf(bytes).buffer, bytes.buffer);
  }
});
