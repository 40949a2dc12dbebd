import { assertEquals, assertStrictEquals } from "@std/assert";
import { DirectTable } from "../../broker/routing/direct.ts";
import { testRoutingTable } from "./routing_table_contract.ts";
import { bindingTo, namesFound, queue } from "./support.ts";

testRoutingTable({
  name: "DirectTable",
  create: () => new DirectTable(),
  matching: [
    { routingKey: "jobs", arguments: {} },
    { routingKey: "jobs", arguments: { note: "second" } },
  ],
  other: { routingKey: "other", arguments: {} },
  message: { routingKey: "jobs" },
});

Deno.test("DirectTable takes wildcards and dots as they are", () => {
  const table = new DirectTable();
  table.add(bindingTo(queue("star"), "a.*"));
  table.add(bindingTo(queue("hash"), "#"));
  table.add(bindingTo(queue("empty"), ""));
  assertEquals(namesFound(table, { routingKey: "a.b" }), []);
  assertEquals(namesFound(table, { routingKey: "a.*" }), ["star"]);
  assertEquals(namesFound(table, { routingKey: "" }), ["empty"]);
});

Deno.test("DirectTable.lookup() finds keys among ones that are unknown", () => {
  const table = new DirectTable();
  const binding = bindingTo(queue("a"), "jobs");
  const find = (key: string) => table.lookup(key).length;
  assertEquals(["jobs", "no", "jobs"].map(find), [0, 0, 0]);
  table.add(binding);
  assertEquals(["jobs", "no", "none", "jobs", "jobs", "no", "jobs"].map(find), [
    1,
    0,
    0,
    1,
    1,
    0,
    1,
  ]);
  table.remove(binding);
  assertEquals(["jobs", "no", "jobs"].map(find), [0, 0, 0]);
});

Deno.test("DirectTable.lookup() makes no array while nothing changes", () => {
  const table = new DirectTable();
  table.add(bindingTo(queue("a"), "jobs"));
  assertStrictEquals(table.lookup("jobs"), table.lookup("jobs"));
  assertStrictEquals(table.lookup("none"), table.lookup("nothing"));
});
