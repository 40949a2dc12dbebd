import { assertEquals, assertStringIncludes } from "@std/assert";
import { addRound } from "../../bench/support/before/rounds.ts";
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

Deno.test("A round of which a half failed does not count, and leaves the others as they are", () => {
  const results = new Results();
  const rounds = [[10, undefined], [1000, 1100], [undefined, 60], [100, 110]] as const;
  for (const halves of rounds) {
    const found = halves.map((value) => value === undefined ? value : [{ unit: "MB/s", value }]);
    addRound(results, "load", new Map([["before", found[0]], ["now", found[1]]]));
  }
  const [, , row] = ratiosTable(results.figures())!.split("\n");
  const cells = row!.split("|").map((cell) => cell.trim());
  assertEquals(cells.slice(3, -1), ["550", "605", "1.10", "1.10 to 1.10"]);
});

Deno.test("ratiosTable() is nothing without measurements", () => {
  assertEquals(ratiosTable([]), undefined);
});
