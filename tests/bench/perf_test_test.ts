import { assertEquals, assertThrows } from "@std/assert";
import { parseReport } from "../../bench/support/perf_test.ts";

const PROGRESS =
  "id: t, time 2.003 s, sent: 2683 msg/s, received: 2253 msg/s, min/median/75th/95th/99th " +
  "consumer latency: 320/62658/75757/166844/167414 µs\ntest stopped (Reached time limit)\n";
const RATES = "id: t, sending rate avg: 3228 msg/s\nid: t, receiving rate avg: 3227 msg/s\n";

Deno.test("parseReport() reads the averages at the end, not what went before", () => {
  const latency =
    "id: t, consumer latency min/median/75th/95th/99th 158/61793/91645/187914/244248 µs";
  assertEquals(parseReport(PROGRESS + RATES + latency), {
    sentPerSecond: 3228,
    receivedPerSecond: 3227,
    medianMs: 61.793,
    p99Ms: 244.248,
  });
});

Deno.test("parseReport() takes confirms for confirms", () => {
  const latency = "id: t, confirm latency min/median/75th/95th/99th 1/2/3/4/5 µs";
  assertEquals(parseReport(PROGRESS + RATES + latency).p99Ms, 0);
});

Deno.test("parseReport() shows what PerfTest printed when it did not come to its end", () => {
  assertThrows(() => parseReport(PROGRESS), Error, "sent: 2683 msg/s");
});
