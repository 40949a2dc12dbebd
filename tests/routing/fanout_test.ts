import { assertEquals } from "@std/assert";
import { FanoutTable } from "../../broker/routing/fanout.ts";
import { testRoutingTable } from "./routing_table_contract.ts";
import { bindingTo, namesFound, queue } from "./support.ts";

testRoutingTable({
  name: "FanoutTable",
  create: () => new FanoutTable(),
  matching: [{ routingKey: "", arguments: {} }, { routingKey: "ignored", arguments: { a: 1 } }],
  message: { routingKey: "any" },
});

Deno.test("FanoutTable finds destinations in the order of their binding", () => {
  const table = new FanoutTable();
  for (const name of ["b", "c", "a"]) table.add(bindingTo(queue(name), name));
  assertEquals(table.lookup("").map(({ name }) => name), ["b", "c", "a"]);
  assertEquals(namesFound(table, { routingKey: "x.y" }), ["a", "b", "c"]);
});
