import { assertEquals } from "@std/assert";
import { ratioOf } from "../../bench/support/compare/results.ts";

Deno.test("ratioOf() takes the middle of the rounds' own ratios", () => {
  // the machine was half as fast in the second round, which the medians take for a ratio of 1
  assertEquals(ratioOf([40, 20, 41], [20, 10, 40]), 2);
});

Deno.test("ratioOf() divides medians where a round is missing", () => {
  assertEquals(ratioOf([40, 30, 20], [10, 20]), 2);
});

Deno.test("ratioOf() knows no ratio without figures, or to nothing", () => {
  assertEquals(ratioOf(undefined, [1]), undefined);
  assertEquals(ratioOf([1], []), undefined);
  assertEquals(ratioOf([1, 2], [1, 0]), undefined);
});
