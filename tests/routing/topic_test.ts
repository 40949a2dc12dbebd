import { assert, assertEquals, assertLess, assertStrictEquals } from "@std/assert";
import { TopicTable } from "../../broker/routing/topic.ts";
import { computedMs } from "../support/computed.ts";
import { testRoutingTable } from "./routing_table_contract.ts";
import {
  bindingTo,
  FoundList,
  namesFound,
  noHeaders,
  pick,
  queue,
  seededRandom,
} from "./support.ts";

testRoutingTable({
  name: "TopicTable",
  create: () => new TopicTable(),
  matching: [
    { routingKey: "stock.*.nyse", arguments: {} },
    { routingKey: "stock.#", arguments: {} },
  ],
  other: { routingKey: "stock.*", arguments: {} },
  message: { routingKey: "stock.usd.nyse" },
});

testRoutingTable({
  name: "TopicTable without wildcards",
  create: () => new TopicTable(),
  matching: [
    { routingKey: "stock.usd", arguments: {} },
    { routingKey: "stock.usd", arguments: { note: "second" } },
  ],
  other: { routingKey: "stock.usd.nyse", arguments: {} },
  message: { routingKey: "stock.usd" },
});

/** Binding key, routing keys that match, routing keys that do not. */
const KEYS: readonly [string, readonly string[], readonly string[]][] = [
  ["a.b", ["a.b"], ["a", "a.b.c", "b.a", "a.b.", ".a.b", ""]],
  ["a.*", ["a.b", "a.*", "a."], ["a", "a.b.c", "b.b", ""]],
  ["*", ["a", "*", "#"], ["", "a.b", "."]],
  ["*.*", ["a.b", ".", "a.", ".b"], ["a", "", "a.b.c"]],
  ["#", ["", "a", "a.b", ".", "..", "a..b"], []],
  ["#.#", ["", "a", "a.b.c"], []],
  ["*.#", ["a", "a.b", "a.b.c", "."], [""]],
  ["#.*", ["a", "a.b", "a.b.c", "."], [""]],
  ["#.*.#", ["a", "a.b"], [""]],
  ["a.#", ["a", "a.b", "a.b.c", "a."], ["", "b", "b.a", "ab"]],
  ["#.a", ["a", "b.a", "a.a", ".a"], ["", "a.b", "ba"]],
  ["a.#.b", ["a.b", "a.c.b", "a.c.d.b", "a..b", "a.b.b"], ["a", "b", "a.b.c", ""]],
  ["a.*.b", ["a.c.b", "a..b"], ["a.b", "a.c.d.b"]],
  ["#.a.#", ["a", "b.a", "a.b", "b.a.b"], ["", "b", "ab.ba"]],
  ["", [""], ["a", "."]],
  [".", ["."], ["", "a.b", ".."]],
  ["a..b", ["a..b"], ["a.b", "a.c.b"]],
  ["a*.#b", ["a*.#b"], ["ab.b", "a.b"]],
  ["ä.*.語", ["ä.x.語"], ["a.x.語", "ä.語"]],
];

for (const [bindingKey, matching, others] of KEYS) {
  Deno.test(`TopicTable matches "${bindingKey}" as it should`, () => {
    const table = new TopicTable();
    table.add(bindingTo(queue("q"), bindingKey));
    const found = (keys: readonly string[]) =>
      keys.filter((routingKey) => namesFound(table, { routingKey }).length === 1);
    assertEquals(found(matching), matching);
    assertEquals(found(others), []);
  });
}

Deno.test("TopicTable keeps nothing of bindings that have gone", () => {
  const table = new TopicTable();
  const bindings = KEYS.map(([bindingKey], index) => bindingTo(queue(`q${index}`), bindingKey));
  bindings.forEach((binding) => table.add(binding));
  assert(!table.empty);
  for (const binding of bindings) table.remove(binding);
  assert(table.empty);
});

Deno.test("TopicTable finds a binding with many hashes once, and soon", () => {
  const table = new TopicTable();
  table.add(bindingTo(queue("some"), Array(20).fill("#.a").join(".") + ".#"));
  table.add(bindingTo(queue("none"), Array(20).fill("#.a").join(".") + ".#.b"));
  table.add(bindingTo(queue("all"), Array(20).fill("#").join(".")));
  // trying all ways to spread 100 words over 20 hashes would outlast the universe
  const found = new FoundList();
  table.route(Array(100).fill("a").join("."), noHeaders, found);
  assertEquals(found.destinations.map(({ name }) => name).sort(), ["all", "some"]);
});

Deno.test("TopicTable agrees with a plain matcher, whatever is bound and unbound", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seededRandom(seed);
  const words = ["a", "b", "c", "", "*", "#", "#", "aa"];
  const key = (from: readonly string[]) =>
    Array.from({ length: Math.floor(random() * 6) }, () => pick(random, from)).join(".");
  const table = new TopicTable();
  const bound: ReturnType<typeof bindingTo>[] = [];
  for (let step = 0; step < 3000; step++) {
    if (bound.length > 0 && random() < 0.45) {
      const [binding] = bound.splice(Math.floor(random() * bound.length), 1);
      table.remove(binding!);
    } else {
      const binding = bindingTo(queue(`q${step}`), key(words));
      bound.push(binding);
      table.add(binding);
    }
    const routingKey = key(words);
    const expected = bound
      .filter((binding) => matches(split(binding.routingKey), split(routingKey)))
      .map(({ destination }) => destination.name).sort();
    const what = `seed ${seed}, step ${step}, key "${routingKey}"`;
    assertEquals(namesFound(table, { routingKey }), expected, what);
  }
  for (const binding of bound) table.remove(binding);
  assert(table.empty, `seed ${seed}`);
});

Deno.test("TopicTable agrees with a plain matcher where very many binding keys have very many hashes", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = seededRandom(seed);
  const words = ["a", "b", "", "long".repeat(5), "long".repeat(5) + "er"];
  const key = (length: number, from: readonly string[]) =>
    Array.from({ length }, () => pick(random, from)).join(".");
  for (const lengthMax of [3, 12, 31, 32, 33, 64, 70, 130, 255]) {
    const table = new TopicTable();
    // with more and fewer words below a node than in a key
    const more = lengthMax > 12 ? [] : Array.from({ length: 20 }, (_, at) => `w${at}`);
    const bound = Array.from({ length: 300 }, (_, at) => {
      const length = Math.floor(random() * (at % 3 === 0 ? lengthMax : 8));
      const own = at % 2 === 0 ? ["#", "a"] : [...words, ...more, "*", "#", "#"];
      return bindingTo(queue(`q${at}`), `#.${key(length, own)}`);
    });
    for (const binding of bound) table.add(binding);
    const gone = bound.splice(0, 60);
    for (const binding of gone) table.remove(binding);
    for (let count = 0; count < 15; count++) {
      const length = Math.max(1, lengthMax - Math.floor(random() * 3));
      const routingKey = key(length, count % 3 === 0 ? ["a"] : [...words, ...more, "c"]);
      const expected = bound
        .filter((binding) => matchesSoon(split(binding.routingKey), split(routingKey)))
        .map(({ destination }) => destination.name).sort();
      const what = `seed ${seed}, key "${routingKey}"`;
      assertEquals(namesFound(table, { routingKey }), expected, what);
    }
    for (const binding of bound) table.remove(binding);
    assert(table.empty, `seed ${seed}`);
  }
});

Deno.test("TopicTable does not look at each binding key once for each word of a routing key", () => {
  const table = new TopicTable();
  const bits = (at: number, word: number) => at >> word % 11 & 1;
  for (let at = 0; at < 2000; at++) {
    const words = Array.from({ length: 60 }, (_, word) => bits(at, word));
    table.add(bindingTo(queue(`hashes ${at}`), words.map((bit) => `#.${"ab"[bit]}`).join(".")));
    const stars = words.map((bit) => "*a"[bit]).join(".");
    table.add(bindingTo(queue(`stars ${at}`), `#.${stars}`));
  }
  const routingKey = Array.from({ length: 120 }, (_, word) => "aba"[word % 3]).join(".");
  const began = computedMs();
  for (let count = 0; count < 20; count++) table.route(routingKey, noHeaders, new FoundList());
  // a fraction of it, where it would be seconds
  assertLess(computedMs() - began, 1500);
});

Deno.test("TopicTable tells words apart that are alike but for their ends, however long", () => {
  const table = new TopicTable();
  const words = [3, 4, 5, 8, 12, 15, 16, 17, 20, 40].flatMap((length) =>
    ["a", "b", "ab"].map((end) => "x".repeat(length - end.length) + end)
  );
  words.push("x".repeat(16), "x".repeat(17), "", "\0", "\0\0", "é", "Ã©", "\ud800", "\ud801");
  const bindings = words.flatMap((word) => [
    bindingTo(queue(`first ${word}`), `${word}.*`),
    bindingTo(queue(`last ${word}`), `*.${word}`),
    bindingTo(queue(`any ${word}`), `#.${word}.#`),
  ]);
  for (const binding of bindings) table.add(binding);
  for (const word of words) {
    const found = namesFound(table, { routingKey: `${word}.other` });
    assertEquals(found, [`any ${word}`, `first ${word}`], word);
    const last = namesFound(table, { routingKey: `other.${word}` });
    assertEquals(last, [`any ${word}`, `last ${word}`], word);
  }
  for (const binding of bindings) table.remove(binding);
  assert(table.empty);
});

Deno.test("TopicTable finds a key of any length", () => {
  const table = new TopicTable();
  table.add(bindingTo(queue("long"), "a.#.z"));
  const routingKey = "a" + ".b".repeat(2000) + ".z";
  assertEquals(namesFound(table, { routingKey }), ["long"]);
  assertEquals(namesFound(table, { routingKey: "é".repeat(3000) }), []);
});

Deno.test("TopicTable keeps thousands of bindings apart while most of them come and go", () => {
  const table = new TopicTable();
  const bindings = Array.from({ length: 5000 }, (_, index) => {
    const ends = ["*", "#", "end", "*.*.x", "#.y"];
    return bindingTo(queue(`q${index}`), `some.${index}.${ends[index % ends.length]}`);
  });
  const routingKey = (index: number) =>
    `some.${index}.${["a", "b", "end", "a.b.x", "a.y"][index % 5]}`;
  const check = (from: number, to: number) => {
    for (let index = from; index < to; index += 7) {
      assertEquals(namesFound(table, { routingKey: routingKey(index) }), [`q${index}`]);
    }
  };
  for (let round = 0; round < 2; round++) {
    for (const binding of bindings) table.add(binding);
    check(0, 5000);
    for (const binding of bindings.slice(0, 4900)) table.remove(binding);
    assertEquals(namesFound(table, { routingKey: routingKey(3) }), []);
    check(4900, 5000);
    for (const binding of bindings.slice(0, 100)) table.add(binding);
    check(0, 100);
    check(4900, 5000);
    for (const binding of [...bindings.slice(0, 100), ...bindings.slice(4900)]) {
      table.remove(binding);
    }
    assert(table.empty);
  }
});

Deno.test("TopicTable gives bindings to one destination one array", () => {
  const table = new TopicTable();
  const given: (readonly unknown[])[] = [];
  const [a] = [queue("a")];
  table.add(bindingTo(a, "one.*"));
  table.add(bindingTo(a, "two"));
  for (const key of ["one.x", "two"]) {
    table.route(key, noHeaders, { add() {}, addAll: (all) => void given.push(all) });
  }
  const [one, two] = given.filter((all) => all.length > 0);
  assertStrictEquals(one, two);
});

function split(key: string): string[] {
  return key === "" ? [] : key.split(".");
}

/** The rule as one would tell it, without regard to cost. */
function matches(pattern: readonly string[], words: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return words.length === 0;
  if (first === "#") {
    return matches(rest, words) || (words.length > 0 && matches(pattern, words.slice(1)));
  }
  return words.length > 0 && (first === "*" || first === words[0]) &&
    matches(rest, words.slice(1));
}

/** The same where both are long: row by row, which words are matched by so many of the pattern. */
function matchesSoon(pattern: readonly string[], words: readonly string[]): boolean {
  let matched = [true, ...words.map(() => false)];
  for (const part of pattern) {
    if (part === "#") {
      const first = matched.indexOf(true);
      matched = matched.map((_, at) => first >= 0 && at >= first);
    } else {
      const before = matched;
      matched = before.map((_, at) =>
        at > 0 && before[at - 1]! && (part === "*" || part === words[at - 1])
      );
    }
  }
  return matched.at(-1)!;
}
