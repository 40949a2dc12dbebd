import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { RouteCache } from "../../broker/routing/route_cache.ts";

const ROUTE = ["q"];

/** Does what an exchange does with a key. Returns true when it was known. */
function use(cache: RouteCache<string>, routingKey: string, route: readonly string[] = ROUTE) {
  const known = cache.get(routingKey);
  if (known === undefined) cache.set(routingKey, route);
  return known !== undefined;
}

/** Uses keys that never come again. Returns how many the cache knew at most on the way. */
function useNewKeys(cache: RouteCache<string>, prefix: string, count: number): number {
  let size = 0;
  for (let index = 0; index < count; index++) {
    use(cache, prefix + index);
    size = Math.max(size, cache.size);
  }
  return size;
}

Deno.test("RouteCache gives back the same array that it was given", () => {
  const cache = new RouteCache<string>();
  assertEquals(cache.get("k"), undefined);
  cache.set("k", ROUTE);
  assertStrictEquals(cache.get("k"), ROUTE);
});

Deno.test("RouteCache.delete() forgets one key, clear() all of them", () => {
  const cache = new RouteCache<string>();
  for (const key of ["a", "b", "c"]) use(cache, key);
  cache.delete("a");
  cache.delete("unknown");
  assertEquals(["a", "b", "c"].map((key) => cache.get(key)), [undefined, ROUTE, ROUTE]);
  cache.clear();
  assertEquals(cache.size, 0);
});

Deno.test("RouteCache does not grow without end", () => {
  const cache = new RouteCache<string>();
  assertLess(useNewKeys(cache, "k", 200_000), 10_000);
});

Deno.test("RouteCache is bounded by queues as well as by keys", () => {
  const cache = new RouteCache<string>();
  const many = Array.from({ length: 10_000 }, (_, index) => `q${index}`);
  let size = 0;
  for (let index = 0; index < 100; index++) {
    use(cache, `k${index}`, many);
    size = Math.max(size, cache.size);
  }
  assertLess(size, 10);
  assertEquals(use(cache, "k99", many), true);
});

Deno.test("RouteCache does not remember a route that is larger than itself", () => {
  const cache = new RouteCache<string>();
  const everywhere = Array.from({ length: 100_000 }, () => "q");
  use(cache, "k", everywhere);
  assertEquals(cache.size, 0);
});

Deno.test("RouteCache has room again for what it has forgotten", () => {
  const cache = new RouteCache<string>();
  use(cache, "kept");
  for (let index = 0; index < 20_000; index++) {
    use(cache, `k${index}`);
    cache.delete(`k${index}`);
    assertEquals([use(cache, "kept"), use(cache, "kept")], [true, true]);
  }
});

Deno.test("RouteCache stops learning keys that never come again", () => {
  const cache = new RouteCache<string>();
  useNewKeys(cache, "old", 50_000);
  cache.clear();
  useNewKeys(cache, "new", 1000);
  assertLess(cache.size, 100);
});

Deno.test("RouteCache learns again when keys repeat", () => {
  const cache = new RouteCache<string>();
  useNewKeys(cache, "once", 50_000);
  const hot = Array.from({ length: 100 }, (_, index) => `hot${index}`);
  for (let round = 0; round < 1000; round++) hot.forEach((key) => use(cache, key));
  assert(hot.every((key) => use(cache, key)));
});

Deno.test("RouteCache knows most keys of a set that fits, even among some that do not come again", () => {
  const cache = new RouteCache<string>();
  const hot = Array.from({ length: 4000 }, (_, index) => `hot${index}`);
  let hits = 0;
  for (let round = 0; round < 20; round++) {
    hot.forEach((key, index) => {
      if (use(cache, key)) hits++;
      if (index % 20 === 0) use(cache, `once${round}.${index}`);
    });
  }
  // all but the first round, and what starting over costs
  assertLess(80_000 * 0.8, hits);
});
