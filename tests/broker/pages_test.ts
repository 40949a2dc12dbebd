import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type Page, PAGE_SIZE, PAGED_MAX, PagePool, type PageSpace } from "../../broker/pages.ts";

/** Takes room as a message does. */
function take(pool: PagePool, size: number): Page {
  const page = pool.pageFor(size);
  assert(page.used + size <= page.bytes.length, "there is room at `used`");
  page.used += size;
  page.messages++;
  return page;
}

Deno.test("PagePool puts messages behind one another into one page until it is full", () => {
  const pool = new PagePool();
  const first = take(pool, 1000);
  assertStrictEquals(take(pool, 1000), first);
  assertEquals([first.used, first.messages], [2000, 2]);
  const perPage = Math.floor(PAGE_SIZE / PAGED_MAX);
  const pages = Array.from({ length: perPage }, () => take(pool, PAGED_MAX));
  assertEquals(new Set(pages).size, 2);
  assert(pages.at(-1) !== first);
});

Deno.test("PagePool fills the page that it works on anew when its last message goes", () => {
  const pool = new PagePool();
  const page = take(pool, 1000);
  take(pool, 1000);
  pool.release(page);
  assertEquals(page.used, 2000, "somebody still lies in it");
  pool.release(page);
  assertEquals(page.used, 0);
  assertStrictEquals(take(pool, 10), page);
});

Deno.test("PagePool uses an old page again once its last message is gone, and not before", () => {
  const pool = new PagePool();
  const old = take(pool, PAGED_MAX);
  let current = old;
  while (current === old) current = take(pool, PAGED_MAX);
  const inOld = old.messages;
  const newer = current;
  for (let released = 1; released < inOld; released++) pool.release(old);
  while (current === newer) current = take(pool, PAGED_MAX);
  assert(current !== old, "one message still lies in it");

  pool.release(old);
  const newest = current;
  while (current === newest) current = take(pool, PAGED_MAX);
  assertStrictEquals(current, old);
});

Deno.test("PagePool keeps the empty pages of a burst, but not all of them", () => {
  const pool = new PagePool();
  const taken = Array.from({ length: 40 * 16 }, () => take(pool, PAGED_MAX));
  const pages = new Set(taken);
  assertEquals(pages.size, 40);
  for (const page of taken) pool.release(page);
  const again = new Set(Array.from({ length: 40 * 16 }, () => take(pool, PAGED_MAX)));
  const kept = [...again].filter((page) => pages.has(page)).length;
  assert(kept >= 2 && kept <= 12, `${kept} of 40 were kept`);
});

Deno.test("PagePool does not take the page that it works on for an empty one", () => {
  const pool = new PagePool();
  for (let count = 0; count < 5; count++) pool.release(take(pool, 700));
  const taken = Array.from({ length: 5 * 16 }, () => take(pool, PAGED_MAX));
  assertEquals(new Set(taken).size, 5);
});

Deno.test("PagePool works with one page for ever when messages come and go", () => {
  const pool = new PagePool();
  const pages = new Set<Page>();
  for (let count = 0; count < 10_000; count++) {
    const page = take(pool, 700);
    pages.add(page);
    pool.release(page);
  }
  assertEquals(pages.size, 1);
});

/** A disk for pages, that can refuse them. */
class TestSpace implements PageSpace {
  readonly blocks = new Map<number, Uint8Array>();
  full = false;
  takes = true;
  reads = 0;
  #last = 0;

  write(bytes: Uint8Array, length: number): number {
    if (this.full) return 0;
    this.blocks.set(++this.#last, bytes.slice(0, length));
    return this.#last;
  }

  read(block: number, bytes: Uint8Array): void {
    this.reads++;
    bytes.set(this.blocks.get(block)!);
  }

  free(block: number): void {
    assert(this.blocks.delete(block), "it is freed once");
  }
}

/** A pool that has no memory, but a disk. */
function shortPool(): { pool: PagePool; space: TestSpace } {
  const pool = new PagePool(0);
  const space = new TestSpace();
  pool.space = space;
  // one that is held makes memory short
  take(pool, 1);
  assert(pool.short);
  return { pool, space };
}

/** Takes room for a packed message, as large as they get, that begins with a number. */
function pack(pool: PagePool, number: number): Page {
  const page = pool.leavingPageFor(PAGED_MAX);
  page.view.setUint32(page.used, number);
  page.used += PAGED_MAX;
  page.messages++;
  page.packed++;
  return page;
}

function firstNumber(pool: PagePool, page: Page): number {
  const bytes = pool.bytesOf(page);
  return new DataView(bytes.buffer).getUint32(0);
}

Deno.test("PagePool moves pages of what waits to disk when they are full, while memory is short", () => {
  const { pool, space } = shortPool();
  const pages = Array.from({ length: 16 * 20 }, (_, number) => pack(pool, number));
  const full = [...new Set(pages)].slice(0, -1);
  assertEquals([full.length, space.blocks.size], [19, 19]);
  assert(full.every(({ leaves, bytes }) => leaves && bytes.length === 0));
  assertEquals(pool.bytes, 2 * PAGE_SIZE, "one that is held, one that is filled");
  assertEquals(full.map((page) => firstNumber(pool, page)), full.map((_, index) => index * 16));
  assertEquals(pages.at(-1)!.block, 0);

  for (const page of pages) pool.releasePacked(page, 1);
  assertEquals(space.blocks.size, 0, "nothing stays on disk");
});

Deno.test("PagePool keeps all in memory while there is enough, and what it has no disk for", () => {
  const enough = new PagePool(100 * PAGE_SIZE);
  enough.space = new TestSpace();
  const without = new PagePool(0);
  for (const pool of [enough, without]) {
    const pages = new Set(Array.from({ length: 16 * 5 }, (_, number) => pack(pool, number)));
    assertEquals(pool.bytes, 5 * PAGE_SIZE);
    assert([...pages].every(({ leaves, block }) => !leaves && block === 0));
  }
});

Deno.test("PagePool gives a page's buffer to another one when nobody has a view of it", () => {
  const { pool, space } = shortPool();
  const page = pack(pool, 7);
  // one that is an object as well
  page.messages++;
  while (pack(pool, 8) === page);
  assertEquals([space.blocks.size, page.block, page.bytes.length], [1, 1, PAGE_SIZE]);
  assertEquals(pool.bytes, 3 * PAGE_SIZE);
  pool.release(page);
  assertEquals([pool.bytes, page.bytes.length], [2 * PAGE_SIZE, 0]);
  assertEquals(firstNumber(pool, page), 7, "what was in it is on disk");
});

Deno.test("PagePool reads a page once for many of its messages, also of a few pages in turn", () => {
  const { pool, space } = shortPool();
  const pages = [...new Set(Array.from({ length: 16 * 6 }, (_, number) => pack(pool, number)))];
  for (let round = 0; round < 100; round++) {
    for (let at = 0; at < 4; at++) assertEquals(firstNumber(pool, pages[at]!), at * 16);
  }
  assertEquals(space.reads, 4);
  firstNumber(pool, pages[4]!);
  for (let at = 3; at > 0; at--) firstNumber(pool, pages[at]!);
  assertEquals(space.reads, 5, "the one that was read first had to go");
});

Deno.test("PagePool does not take a page for another one that was where it is", () => {
  const { pool, space } = shortPool();
  space.write = function (bytes, length) {
    this.blocks.set(1, bytes.slice(0, length));
    return 1;
  };
  const first = Array.from({ length: 17 }, () => pack(pool, 1));
  assertEquals(firstNumber(pool, first[0]!), 1);
  for (const page of first.slice(0, 16)) pool.releasePacked(page, 1);
  const second = pack(pool, 2);
  assertStrictEquals(second, first[16]);
  for (let count = 0; count < 16; count++) pack(pool, 3);
  assertEquals([second.block, firstNumber(pool, second)], [1, 1]);
});

Deno.test("PagePool keeps a page in memory that the disk does not take", () => {
  const { pool, space } = shortPool();
  space.full = true;
  const pages = Array.from({ length: 16 * 3 }, (_, number) => pack(pool, number));
  assertEquals(pool.bytes, 4 * PAGE_SIZE);
  assertEquals(pages.map((page) => page.block), pages.map(() => 0));
  assertEquals(firstNumber(pool, pages[16]!), 16);
  space.full = false;
  for (let count = 0; count < 17; count++) pack(pool, 1);
  assertEquals(
    space.blocks.size,
    4,
    "those that come later go, and with each one that had to stay",
  );
  assertEquals([firstNumber(pool, pages[0]!), firstNumber(pool, pages[16]!)], [0, 16]);
  for (const page of pages) pool.releasePacked(page, 1);
});

Deno.test("PagePool does not move a page that was kept and is empty or used again by now", () => {
  const { pool, space } = shortPool();
  space.full = true;
  const pages = Array.from({ length: 16 }, (_, number) => pack(pool, number));
  pack(pool, 99);
  for (const page of pages) pool.releasePacked(page, 1);
  space.full = false;
  for (let count = 0; count < 16; count++) pack(pool, 100);
  assertEquals(space.blocks.size, 1, "the one that was filled meanwhile");
});

Deno.test("PagePool lets nothing leave while the disk takes nothing", () => {
  const { pool, space } = shortPool();
  assertEquals(pool.goToDisk, true);
  space.takes = false;
  assertEquals([pool.goToDisk, pack(pool, 1).leaves], [false, false]);
});

Deno.test("PagePool tells what is wrong with a page on disk, and asks again", () => {
  const { pool, space } = shortPool();
  const [page] = Array.from({ length: 17 }, () => pack(pool, 5));
  const { read } = space;
  space.read = () => {
    throw new Error("no");
  };
  for (let count = 0; count < 2; count++) assertThrows(() => pool.bytesOf(page!), Error, "no");
  space.read = read;
  assertEquals(firstNumber(pool, page!), 5);
});

Deno.test("PagePool notes pages that few messages keep once they are full, until those are gone", () => {
  const pool = new PagePool();
  const first = take(pool, 1000);
  for (let count = 0; count < 20; count++) take(pool, 1000);
  for (let count = 0; count < 10; count++) pool.release(first);
  assertEquals(pool.sparse.size, 0, "more come to it");
  let second = first;
  while (second === first) second = take(pool, 30_000);
  assertEquals(pool.sparse.size, 0, "many lie in it");
  while (first.messages > 17) pool.release(first);
  first.packed++;
  pool.release(first);
  assertEquals(pool.sparse.size, 0, "one of them is no object");
  pool.releasePacked(first, 1);
  assertEquals([...pool.sparse], [first]);
  while (first.messages > 0) pool.release(first);
  assertEquals([pool.sparse.size, first.sparse], [0, false]);
});
