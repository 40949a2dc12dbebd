import { assertEquals } from "@std/assert";
import { formatMs, LatencyHistogram } from "../../broker/cli/latency_histogram.ts";

Deno.test("a histogram tells percentiles within a tenth, and the longest as it was", () => {
  const histogram = new LatencyHistogram();
  for (let ms = 1; ms <= 1000; ms++) histogram.add(ms);
  for (const part of [0.1, 0.5, 0.9, 0.99]) {
    const told = histogram.percentile(part);
    assertEquals(
      told >= part * 1000 * 0.999 && told <= part * 1000 * 1.1,
      true,
      `${part}: ${told}`,
    );
  }
  assertEquals([histogram.count, histogram.max, histogram.percentile(1)], [1000, 1000, 1000]);
  const counts = histogram.lines(10).map((line) => Number(/(\d+)$/.exec(line)?.[1]));
  assertEquals(counts.reduce((sum, count) => sum + count), 1000);
  assertEquals(histogram.lines(10).at(-1)!.startsWith("  up to   1024 ms  ██████████  "), true);
});

Deno.test("a histogram of nothing is empty, and takes what is out of its range", () => {
  const histogram = new LatencyHistogram();
  assertEquals([histogram.percentile(0.5), histogram.max, histogram.lines()], [0, 0, []]);
  histogram.add(0);
  histogram.add(1e9);
  assertEquals([histogram.count, histogram.percentile(0.1), histogram.max], [2, 0.01, 1e9]);
});

Deno.test("milliseconds have three digits that count", () => {
  assertEquals([0.01234, 1.5, 12.345, 1234.5].map(formatMs), [
    "0.0123 ms",
    "1.5 ms",
    "12.3 ms",
    "1235 ms",
  ]);
});
