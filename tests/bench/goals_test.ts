import { assertEquals } from "@std/assert";
import { atLeast, atMost, judge } from "../../bench/support/compare/goals.ts";
import { brokerLoads, goalsOf } from "../../bench/support/compare/loads.ts";
import { ALL_GOALS } from "../../bench/support/compare/measure.ts";
import { Results } from "../../bench/support/compare/results.ts";

function resultsOf(...rounds: readonly [string, string, string, number][]): Results {
  const results = new Results();
  for (const round of rounds) results.add(...round);
  return results;
}

Deno.test("judge() takes the middle of the rounds' ratios, between two loads as well", () => {
  const results = new Results();
  for (const figure of [100, 50, 90]) results.add("one", "messages/s", "Warren", figure);
  for (const figure of [90, 45, 40]) results.add("many", "messages/s", "Warren", figure);
  const goal = { load: "many", unit: "messages/s", ...atLeast(0.85, "Warren", "one") };
  assertEquals(judge([goal], results.figures()).map(({ reached }) => reached), [0.9]);
});

Deno.test("judge() divides medians where rounds are missing", () => {
  const results = resultsOf(
    ["auto-ack", "messages/s", "Warren", 1],
    ["auto-ack", "messages/s", "Warren", 40],
    ["auto-ack", "messages/s", "Warren", 60],
    ["auto-ack", "messages/s", "ceiling", 100],
  );
  const goal = (ratio: number) => ({
    load: "auto-ack",
    unit: "messages/s",
    ...atLeast(ratio, "ceiling"),
  });
  const verdicts = judge([goal(0.4), goal(0.5)], results.figures());
  assertEquals(verdicts.map(({ reached, met }) => [reached, met]), [[0.4, true], [0.4, false]]);
  assertEquals(verdicts[0]?.goal, "auto-ack, messages/s: at least 0.4 x ceiling's");
});

Deno.test("judge() divides by another load, takes a figure as it is, and knows less is better", () => {
  const results = resultsOf(
    ["one", "messages/s", "Warren", 100],
    ["many", "messages/s", "Warren", 84],
    ["full", "ms (p99)", "Warren", 51],
    ["latency", "ms (p50)", "Warren", 2],
    ["latency", "ms (p50)", "RabbitMQ", 3],
  );
  const verdicts = judge([
    { load: "many", unit: "messages/s", ...atLeast(0.85, "Warren", "one") },
    { load: "full", unit: "ms (p99)", atMost: 50 },
    { load: "latency", unit: "ms (p50)", ...atMost(1, "RabbitMQ") },
  ], results.figures());
  assertEquals(verdicts.map(({ met }) => met), [false, false, true]);
  assertEquals(verdicts.map(({ goal }) => goal), [
    "many, messages/s: at least 0.85 x 'one'",
    "full, ms (p99): at most 50",
    "latency, ms (p50): at most 1 x RabbitMQ's",
  ]);
});

Deno.test("judge() says nothing of what was not measured", () => {
  const goal = { load: "auto-ack", unit: "messages/s", ...atLeast(20, "RabbitMQ") };
  const results = resultsOf(["auto-ack", "messages/s", "Warren", 1]);
  assertEquals(judge([goal], results.figures()), []);
});

Deno.test("every goal of a load is about loads and units that there are", () => {
  const loads = brokerLoads(1);
  const known = new Set(
    loads.flatMap(({ name, figures }) => figures.map(({ unit }) => `${name}: ${unit}`)),
  );
  for (const { load, unit, beside } of goalsOf(loads)) {
    assertEquals(known.has(`${beside?.load ?? load}: ${unit}`), true, beside?.load ?? load);
  }
});

Deno.test("loads have names of their own, the same for runs of any length", () => {
  const names = brokerLoads(1).map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  assertEquals(brokerLoads(5).map(({ name }) => name), names);
});

Deno.test("no goal is given twice", () => {
  const names = ALL_GOALS.map((goal) => JSON.stringify(goal));
  assertEquals(new Set(names).size, names.length);
});
