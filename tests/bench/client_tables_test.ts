import { assertEquals, assertStringIncludes } from "@std/assert";
import { table, tableOnDeno } from "../../bench/support/client_tables.ts";
import { spreadOf } from "../../bench/support/compare/results.ts";

function rounds(rates: readonly number[], allocated = 1000, cpuSeconds = 0.5) {
  return rates.map((messages) => ({ messages, seconds: 1, cpuSeconds, allocated }));
}

Deno.test("spreadOf() is the median and the middle half, in whatever order figures come", () => {
  assertEquals(spreadOf([8, 1, 5, 3, 7, 2, 6, 4]), { median: 4.5, low: 3, high: 6 });
  assertEquals(spreadOf([2]), { median: 2, low: 2, high: 2 });
});

Deno.test("table() compares with ours of the same round, not of all", () => {
  // the machine became ten times as fast meanwhile
  const text = table("calls", [
    { client: "Warren", rounds: rounds([100, 110, 1000, 1100]) },
    { client: "other", rounds: rounds([80, 88, 800, 880]) },
  ]);
  assertStringIncludes(text, "calls: Warren is first, by CPU first; ahead of other in 4 of 4");
  assertStringIncludes(text, "| other | 444 | 0.80 (0.80 to 0.80) |");
  assertStringIncludes(text, "| 1.25 (1.25 to 1.25) |");
});

Deno.test("table() says so when another client takes less CPU a message", () => {
  const text = table("calls", [
    { client: "Warren", rounds: rounds([100, 100, 100]) },
    { client: "other", rounds: rounds([90, 90, 90], 1000, 0.4) },
  ]);
  assertStringIncludes(text, "Warren is first, by CPU not first;");
});

Deno.test("table() says so when another client is ahead in most rounds", () => {
  const text = table("calls", [
    { client: "Warren", rounds: rounds([100, 100, 300]) },
    { client: "other", rounds: rounds([110, 120, 80]) },
  ]);
  assertStringIncludes(text, "Warren is not first, by CPU not first; ahead of other in 1 of 3");
});

Deno.test("tableOnDeno() tells bytes a message beside ours", () => {
  const text = tableOnDeno("calls", [
    { client: "Warren", rounds: rounds([100], 50_000) },
    { client: "other", rounds: rounds([100], 100_000) },
  ]);
  assertStringIncludes(text, "Warren's cpu first, bytes first");
  assertStringIncludes(text, "| other | 5000.0 | 1000 | 2.00 |");
});
