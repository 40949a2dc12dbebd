import { assertEquals, assertNotStrictEquals, assertStrictEquals } from "@std/assert";
import { Content } from "../../broker/amqp/content.ts";
import { BodyPage } from "../../client/body_page.ts";

function contentOf(body: Uint8Array, properties: readonly number[] = [0, 0]): Content {
  const content = new Content();
  content.head = new Uint8Array([9, 9, ...properties, 9]);
  content.propertiesStart = 2;
  content.propertiesEnd = 2 + properties.length;
  content.body = new Uint8Array([7, ...body, 7]);
  content.bodyStart = 1;
  content.bodyEnd = 1 + body.length;
  return content;
}

function kept({ bytes }: BodyPage, start: number, end: number): number[] {
  return [...bytes.subarray(start, end)];
}

for (const size of [0, 1, 23, 24, 25, 26, 300, 4096, 4097, 70_000]) {
  Deno.test(`BodyPage.keep() copies a body of ${size} bytes and its properties`, () => {
    const page = new BodyPage();
    const body = new Uint8Array(size).map((_, index) => index);
    const content = contentOf(body, [0x80, 0, 1, 0x61]);
    page.keep(content);
    content.body.fill(0);
    content.head!.fill(0);
    assertEquals(kept(page, page.start, page.middle), [...body]);
    assertEquals(kept(page, page.middle, page.end), [0x80, 0, 1, 0x61]);
  });
}

Deno.test("BodyPage.keep() puts small bodies side by side and large ones apart", () => {
  const page = new BodyPage();
  page.keep(contentOf(new Uint8Array(100)));
  const first = page.bytes;
  page.keep(contentOf(new Uint8Array(200)));
  assertStrictEquals(page.bytes, first);
  assertEquals([page.start, page.middle, page.end], [100, 300, 300]);
  page.keep(contentOf(new Uint8Array(5000)));
  assertNotStrictEquals(page.bytes, first);
  assertEquals(page.bytes.length, 5000);
  page.keep(contentOf(new Uint8Array(10)));
  assertStrictEquals(page.bytes, first);
  assertEquals(page.start, 300);
});

Deno.test("BodyPage.keep() starts another page when one is full, and writes none twice", () => {
  const page = new BodyPage();
  const written: { bytes: Uint8Array; start: number; value: number }[] = [];
  for (let value = 0; value < 100; value++) {
    page.keep(contentOf(new Uint8Array(3000).fill(value)));
    written.push({ bytes: page.bytes, start: page.start, value });
  }
  for (const { bytes, start, value } of written) {
    assertEquals(bytes.subarray(start, start + 3000).every((byte) => byte === value), true);
  }
  assertEquals(new Set(written.map(({ bytes }) => bytes)).size, 5);
});

Deno.test("BodyPage.keep() takes another page when a user transferred the buffer", () => {
  const page = new BodyPage();
  page.keep(contentOf(new Uint8Array(10).fill(1)));
  structuredClone(page.bytes.buffer, { transfer: [page.bytes.buffer] });
  page.keep(contentOf(new Uint8Array(10).fill(2)));
  assertEquals(kept(page, page.start, page.middle), new Array(10).fill(2));
});

Deno.test("BodyPage.keep() gives an empty body no buffer that others have", () => {
  const empty = contentOf(new Uint8Array(0));
  const [first, second] = [new BodyPage(), new BodyPage()];
  first.keep(empty);
  structuredClone(first.buffer, { transfer: [first.buffer] });
  for (const page of [first, second]) {
    page.keep(empty);
    assertEquals(new Uint8Array(page.buffer, page.start, 0).length, 0);
  }
});

Deno.test("BodyPage.keep() copies bodies without a head the same, whatever came before", () => {
  const page = new BodyPage();
  const ends: number[] = [];
  for (const [index, size] of [5000, 0, 16, 5000, 16, 4096, 0, 7].entries()) {
    const content = contentOf(new Uint8Array(size).fill(index + 1));
    content.head = undefined;
    page.keep(content);
    assertEquals(kept(page, page.start, page.middle), new Array(size).fill(index + 1));
    assertEquals(page.end, page.middle);
    assertStrictEquals(page.buffer, page.bytes.buffer);
    assertEquals(page.buffer.byteLength === 5000, size === 5000, "a large body has its own");
    ends.push(page.end);
  }
  assertEquals(ends, [5000, 0, 16, 5000, 32, 4128, 4128, 4135]);
  structuredClone(page.bytes.buffer, { transfer: [page.bytes.buffer] });
  const content = contentOf(new Uint8Array(10).fill(9));
  content.head = undefined;
  page.keep(content);
  assertEquals(kept(page, page.start, page.middle), new Array(10).fill(9));
});
