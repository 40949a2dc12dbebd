import { assertEquals, assertGreater } from "@std/assert";
import { atLeast, type GoalOfLoad } from "../../bench/support/compare/goals.ts";
import { comparable, losses, ratiosOf } from "../../bench/support/compare/losses.ts";
import type { Figures } from "../../bench/support/compare/results.ts";

const LOSS_MAX = 0.2;

/** The figures of one round of a load. */
function figuresOf(load: string, unit: string, medians: Record<string, number>): Figures {
  const rounds = Object.entries(medians).map(([broker, figure]) => [broker, [figure]]);
  return { load, unit, rounds: Object.fromEntries(rounds), medians };
}

function rate(load: string, medians: Record<string, number>): Figures {
  return figuresOf(load, "messages/s", medians);
}

function lostIn(
  stored: readonly Figures[],
  fresh: readonly Figures[],
  goals: readonly GoalOfLoad[] = [],
): string[] {
  return losses(ratiosOf(stored, goals), ratiosOf(fresh, goals), LOSS_MAX).map(({ name }) => name);
}

Deno.test("losses() finds a ratio to another broker that lost more than a fifth", () => {
  const stored = [rate("auto-ack", { Warren: 2_000_000, RabbitMQ: 100_000 })];
  const fresh = [rate("auto-ack", { Warren: 1_500_000, RabbitMQ: 100_000 })];
  const [loss] = losses(ratiosOf(stored, []), ratiosOf(fresh, []), LOSS_MAX);
  assertEquals(loss?.name, "auto-ack, messages/s, to RabbitMQ");
  assertEquals(loss?.loads, ["auto-ack"]);
  assertEquals([loss?.before, loss?.ratio, loss?.share], [20, 15, 0.25]);
});

Deno.test("losses() does not mind a machine on which everything is slower", () => {
  const stored = [rate("auto-ack", { Warren: 2_000_000, RabbitMQ: 100_000, ceiling: 6_000_000 })];
  const fresh = [rate("auto-ack", { Warren: 200_000, RabbitMQ: 10_000, ceiling: 600_000 })];
  assertEquals(lostIn(stored, fresh), []);
});

Deno.test("losses() lets a ratio lose a fifth, and win anything", () => {
  const stored = [rate("a", { Warren: 100, RabbitMQ: 10 }), rate("b", { Warren: 10, ceiling: 20 })];
  const fresh = [rate("a", { Warren: 80, RabbitMQ: 10 }), rate("b", { Warren: 40, ceiling: 20 })];
  assertEquals(lostIn(stored, fresh), []);
});

Deno.test("losses() looks at each broker by itself", () => {
  const stored = [rate("a", { Warren: 100, RabbitMQ: 10, ceiling: 300 })];
  const fresh = [rate("a", { Warren: 100, RabbitMQ: 10, ceiling: 900 })];
  assertEquals(lostIn(stored, fresh), ["a, messages/s, to ceiling"]);
});

Deno.test("losses() takes a longer time for a loss, and leaves out the tails of latencies", () => {
  const stored = ["ms (p50)", "ms (p99)", "ms (p99.9)"]
    .map((unit) => figuresOf("latency", unit, { Warren: 0.1, RabbitMQ: 0.2 }));
  const fresh = ["ms (p50)", "ms (p99)", "ms (p99.9)"]
    .map((unit) => figuresOf("latency", unit, { Warren: 0.4, RabbitMQ: 0.2 }));
  assertEquals(lostIn(stored, fresh), ["latency, ms (p50), to RabbitMQ"]);
  assertEquals(lostIn(fresh, stored), []);
});

Deno.test("losses() finds a ratio between two loads of Warren's that a goal is about", () => {
  const goals = [{ load: "many", unit: "messages/s", ...atLeast(0.85, "Warren", "one") }];
  const stored = [rate("one", { Warren: 100 }), rate("many", { Warren: 90 })];
  const fresh = [rate("one", { Warren: 200 }), rate("many", { Warren: 90 })];
  const [loss] = losses(ratiosOf(stored, goals), ratiosOf(fresh, goals), LOSS_MAX);
  assertEquals(loss?.loads, ["many", "one"]);
  assertGreater(loss?.share ?? 0, 0.49);
  assertEquals(lostIn(stored, fresh), [], "without the goal there is no such ratio");
});

Deno.test("ratiosOf() leaves out what was not measured, or is nothing", () => {
  const figures = [
    rate("a", { RabbitMQ: 10 }),
    rate("b", { Warren: 10 }),
    rate("c", { Warren: 10, RabbitMQ: 0 }),
    rate("d", { Warren: 0, RabbitMQ: 10 }),
  ];
  assertEquals(ratiosOf(figures, []), []);
});

Deno.test("comparable() counts the ratios that both runs have", () => {
  const stored = ratiosOf([rate("a", { Warren: 1, RabbitMQ: 1, ceiling: 1 })], []);
  const fresh = ratiosOf(
    [rate("a", { Warren: 1, ceiling: 1 }), rate("b", { Warren: 1, ceiling: 1 })],
    [],
  );
  assertEquals(comparable(stored, fresh), 1);
  assertEquals(losses(stored, fresh, LOSS_MAX), []);
});
