import { assertEquals, assertStringIncludes } from "@std/assert";
import { ratiosTable } from "../../bench/support/before/table.ts";
import { Results } from "../../bench/support/compare/results.ts";

Deno.test("ratiosTable() compares rounds with their own other half", () => {
  const results = new Results();
  // the machine was half as fast in the second round, for both
  for (const [before, now] of [[100, 110], [50, 60], [100, 130]] as const) {
    results.add("load", "messages/s", "before", before);
    results.add("load", "messages/s", "now", now);
  }
  const [, , row] = ratiosTable(results.figures())!.split("\n");
  const cells = row!.split("|").map((cell) => cell.trim());
  assertEquals(cells.slice(1, -1), ["load", "messages/s", "100", "110", "1.20", "1.10 to 1.30"]);
});

Deno.test("ratiosTable() leaves out loads of which a half failed", () => {
  const results = new Results();
  results.add("whole", "MB/s", "before", 1);
  results.add("whole", "MB/s", "now", 2);
  results.add("half", "MB/s", "before", 1);
  const table = ratiosTable(results.figures())!;
  assertStringIncludes(table, "whole");
  assertEquals(table.includes("half |"), false);
});

Deno.test("ratiosTable() is nothing without measurements", () => {
  assertEquals(ratiosTable([]), undefined);
});
