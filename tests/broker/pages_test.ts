import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type Page, PAGE_SIZE, PAGED_MAX, PagePool } from "../../broker/pages.ts";

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
