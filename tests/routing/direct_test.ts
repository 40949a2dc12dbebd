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

Deno.test("DirectTable.lookup() makes no array while nothing changes", () => {
  const table = new DirectTable();
  table.add(bindingTo(queue("a"), "jobs"));
  assertStrictEquals(table.lookup("jobs"), table.lookup("jobs"));
  assertStrictEquals(table.lookup("none"), table.lookup("nothing"));
});
