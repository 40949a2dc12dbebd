import { assert, assertEquals, assertLess } from "@std/assert";
import { ModulusHashTable } from "../../broker/routing/modulus_hash.ts";
import { hashText } from "../../broker/routing/string_hash.ts";
import { bindingTo, namesFound, noHeaders, queue, seededRandom, TestVhost } from "./support.ts";

const KEYS = Array.from({ length: 3000 }, (_, index) => `key-${index}`);

function owners(table: ModulusHashTable): string[] {
  return KEYS.flatMap((routingKey) => namesFound(table, { routingKey }));
}

function tableOf(names: string): ModulusHashTable {
  const table = new ModulusHashTable();
  for (const name of names) table.add(bindingTo(queue(name)));
  return table;
}

Deno.test("ModulusHashTable shares keys out evenly", () => {
  const counts = new Map<string, number>();
  for (const owner of owners(tableOf("abc"))) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  assertEquals([...counts.keys()].sort(), ["a", "b", "c"]);
  for (const count of counts.values()) assert(Math.abs(count - 1000) < 130, `${count} of 3000`);
});

Deno.test("ModulusHashTable does not depend on the order of the bindings", () => {
  assertEquals(owners(tableOf("abcd")), owners(tableOf("dbca")));
});

Deno.test("ModulusHashTable sees bindings that come and go", () => {
  const table = tableOf("ab");
  const before = owners(table);
  const [c, again] = [bindingTo(queue("c")), bindingTo(queue("a"), "again")];
  table.add(c);
  assertEquals(new Set(owners(table)), new Set(["a", "b", "c"]));
  table.add(again);
  table.remove(c);
  const twice = owners(table).filter((name) => name === "a").length;
  assert(twice > 1800, `a, which is bound twice, has ${twice} of 3000`);
  table.remove(again);
  assertEquals(owners(table), before);
});

Deno.test("ModulusHashTable finds nothing while nothing is bound", () => {
  const table = tableOf("");
  assertEquals(table.empty, true);
  const binding = bindingTo(queue("q"));
  table.add(binding);
  assertEquals(table.empty, false);
  table.remove(binding);
  assertEquals([table.empty, owners(table)], [true, []]);
});

Deno.test("A modulus hash exchange picks one queue for all keys of a message", () => {
  const exchange = new TestVhost().declare("e", "x-modulus-hash");
  for (const name of "abcdef") exchange.bind(queue(name), "");
  const alone = exchange.route("k", noHeaders);
  assertEquals(alone.length, 1);
  assertEquals(exchange.route("k", noHeaders, KEYS.slice(0, 20)), alone);
});

Deno.test("ModulusHashTable does not look at all of very many bindings when one comes or goes", () => {
  let looks = 0;
  const counted = (name: string) => ({
    kind: "queue" as const,
    get name() {
      looks++;
      return name;
    },
  });
  const table = new ModulusHashTable();
  const names = Array.from({ length: 4000 }, (_, index) => `${index * 7919 % 4000}`);
  for (const name of names) table.add(bindingTo(counted(name)));
  const other = bindingTo(counted("2000a"));
  namesFound(table, { routingKey: "k" });
  for (const change of [() => table.add(other), () => table.remove(other)]) {
    looks = 0;
    change();
    namesFound(table, { routingKey: "k" });
    assertLess(looks, 100);
  }
});

Deno.test("ModulusHashTable numbers very many bindings by their names, however they came and went", () => {
  const random = seededRandom(3);
  const table = new ModulusHashTable();
  const bindings: ReturnType<typeof bindingTo>[] = [];
  const ends = Array.from({ length: 1500 }, (_, index) => queue(`${index}`));
  for (let count = 0; count < 6000; count++) {
    if (bindings.length > 0 && random() < (count < 4000 ? 0.2 : 0.8)) {
      table.remove(bindings.splice(Math.floor(random() * bindings.length), 1)[0]!);
    } else {
      const binding = bindingTo(ends[Math.floor(random() * ends.length)]!, `${count}`);
      table.add(binding);
      bindings.push(binding);
    }
    if (count % 500 !== 499) continue;
    const names = bindings.map(({ destination }) => destination.name).sort();
    for (const routingKey of KEYS.slice(0, 300)) {
      const expected = names[hashText(routingKey) % names.length]!;
      assertEquals(namesFound(table, { routingKey }), [expected]);
    }
  }
  for (const binding of bindings) table.remove(binding);
  assertEquals(table.empty, true);
});
