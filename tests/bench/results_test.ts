import { assertEquals } from "@std/assert";
import { ratioOf } from "../../bench/support/compare/results.ts";

Deno.test("ratioOf() takes the middle of the rounds' own ratios", () => {
  // the machine did something else in the second half of the first round, and in the first of the second
  assertEquals(ratioOf([40, 10, 22], [8, 20, 11]), 2);
  assertEquals(ratioOf([40, 44, 22], [20, 22, 11]), 2);
});

Deno.test("ratioOf() divides medians where a round is missing", () => {
  assertEquals(ratioOf([40, 30, 20], [10, 20]), 2);
});

Deno.test("ratioOf() knows no ratio without figures, or to nothing", () => {
  assertEquals(ratioOf(undefined, [1]), undefined);
  assertEquals(ratioOf([1], []), undefined);
  assertEquals(ratioOf([1, 2], [0, 0]), undefined);
  assertEquals(ratioOf([1, 2], [1, 0]), 1, "a round without a figure does not count");
});
