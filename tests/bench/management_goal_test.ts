import { assertEquals } from "@std/assert";
import { judged } from "../../bench/support/management_goal.ts";

Deno.test("the management side costs too much when the median of the pairs says so", () => {
  const met = (...ratios: readonly number[]) => judged(ratios).met;
  assertEquals(met(0.99, 0.98, 1, 0.97), true);
  assertEquals(met(0.94, 0.93, 0.99, 0.98, 0.9), false, "whatever its spread reaches");
  assertEquals(met(0.94, 0.93, 0.92, 0.94, 0.99), false, "one good turn is no proof");
  assertEquals(met(0.5, 0.96, 0.95, 0.97, 0.96), true, "nor is a bad one");
  assertEquals(met(0.9, 0.91), false);
});
