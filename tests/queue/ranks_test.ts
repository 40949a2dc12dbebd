import { assertEquals, assertLess } from "@std/assert";
import { seededRandom } from "../../broker/testing/simulated_file_system.ts";
import { type Keys, placesOfRanks } from "../../broker/queue/ranks.ts";

const MANY = 20_000;

/** Numbers that count how often they are looked at. */
function counted(numbers: Float64Array, looks: { count: number }): Float64Array {
  return new Proxy(numbers, {
    get(target, key) {
      if (typeof key === "string" && /^\d+$/.test(key)) looks.count++;
      return Reflect.get(target, key, target);
    },
  });
}

const random = seededRandom(11);
const DISTRIBUTIONS: Readonly<Record<string, (id: number) => number>> = {
  "anywhere in an hour": () => Math.floor(random() * 3.6e6),
  "one after another": (id) => id,
  "all at once": () => 7,
  "at two times": (id) => id % 2,
  "in one second but for one": (id) => id === 5 ? 1e13 : Math.floor(random() * 1000),
  "few soon and many late": () => Math.floor(2 ** (random() * 40)),
};

for (const [name, time] of Object.entries(DISTRIBUTIONS)) {
  Deno.test(`Of very many any part is found with few looks at each: ${name}`, () => {
    const times = Float64Array.from({ length: MANY }, (_, id) => time(id));
    const ids = Float64Array.from({ length: MANY }, (_, at) => (at * 7919) % MANY);
    const sorted = Array.from({ length: MANY }, (_, at) => at)
      .sort((one, other) => times[one]! - times[other]! || ids[one]! - ids[other]!);
    for (const start of [0, 1, 5000, MANY / 2 - 30, MANY - 60]) {
      for (const end of [start, start + 60, Math.min(start + 3000, MANY)]) {
        const looks = { count: 0 };
        const keys: Keys = { times: counted(times, looks), ids: counted(ids, looks) };
        assertEquals(placesOfRanks(keys, start, end), sorted.slice(start, end));
        // what is left in the end is sorted
        assertLess(looks.count, 9 * MANY + 60 * (end - start + 1024));
      }
    }
    assertEquals(placesOfRanks({ times, ids }, 0, MANY), sorted);
  });
}

Deno.test("At most of very many it looks once", () => {
  const many = 100_000;
  for (const [name, time] of Object.entries(DISTRIBUTIONS)) {
    const times = Float64Array.from({ length: many }, (_, id) => time(id));
    const ids = Float64Array.from({ length: many }, (_, at) => (at * 7919) % many);
    const sorted = Array.from({ length: many }, (_, at) => at)
      .sort((one, other) => times[one]! - times[other]! || ids[one]! - ids[other]!);
    for (const start of [3000, many / 2, many - 100]) {
      const looks = { count: 0 };
      const keys: Keys = { times: counted(times, looks), ids: counted(ids, looks) };
      assertEquals(placesOfRanks(keys, start, start + 100), sorted.slice(start, start + 100));
      const isSpread = !name.startsWith("at two") && !name.startsWith("all at");
      if (isSpread) assertLess(looks.count, 1.8 * many, name);
    }
  }
});
