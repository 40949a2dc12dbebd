import { assert, assertEquals, assertMatch } from "@std/assert";
import { drawChart } from "../../bench/support/compare/chart.ts";
import type { StoredResults } from "../../bench/support/compare/stored.ts";

const RESULTS: StoredResults = {
  date: "2026-01-02T03:04:05.000Z",
  machine: {
    cpu: "A <fast> one",
    cores: 2,
    memoryGiB: 8,
    os: "linux",
    deno: "2",
    v8: "1",
    temporaryFiles: "ext4",
    loadAverage: 0,
  },
  versions: { RabbitMQ: "3.10.8" },
  rounds: 3,
  secs: 3,
  figures: [
    {
      load: "auto-ack, 16 B",
      unit: "messages/s",
      rounds: { Warren: [200], RabbitMQ: [10], ceiling: [400] },
      medians: { Warren: 200, RabbitMQ: 10, ceiling: 400 },
    },
    {
      load: "latency, 16 B",
      unit: "ms (p50)",
      rounds: { Warren: [4], RabbitMQ: [1], ceiling: [1] },
      medians: { Warren: 4, RabbitMQ: 1, ceiling: 1 },
    },
  ],
};

Deno.test("drawChart() shows how many times as fast, and of times how much shorter", () => {
  const svg = drawChart(RESULTS, []);
  assertMatch(svg, />auto-ack<.*>20x</);
  assertMatch(svg, />latency, p50<.*class="less".*>0.25x</);
  assertMatch(svg, />auto-ack<.*>50 %</);
  assert(!svg.includes("smqp"), "what was not measured has no panel");
});

Deno.test("drawChart() marks goals, and escapes what it is given", () => {
  const goal = { load: "auto-ack, 16 B", unit: "messages/s", atLeast: 20 };
  const svg = drawChart(RESULTS, [{ ...goal, beside: { broker: "RabbitMQ" } }]);
  assertEquals(svg.split('class="goal"').length - 1, 1);
  assertMatch(svg, /A &lt;fast> one/);
});
