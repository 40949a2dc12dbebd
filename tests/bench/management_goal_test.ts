import { assertEquals } from "@std/assert";
import { judged } from "../../bench/support/management_goal.ts";

Deno.test("the management side costs too much when the middle half of the pairs says so", () => {
  const met = (...ratios: readonly number[]) => judged(ratios).met;
  assertEquals(met(0.99, 0.98, 1, 0.97), true);
  assertEquals(met(0.94, 0.93, 0.99, 0.98, 0.9), true, "its spread reaches the goal");
  assertEquals(met(0.94, 0.93, 0.92, 0.94, 0.99), false, "one good turn is no proof");
  assertEquals(met(0.9, 0.91), false);
});
