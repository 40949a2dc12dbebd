import { assertEquals } from "@std/assert";
import { fileNameOf, newestFor, type StoredResults } from "../../bench/support/compare/stored.ts";

function results(date: string, cpu: string, cores = 2): StoredResults {
  const machine = { cpu, cores } as StoredResults["machine"];
  return { date, machine, versions: {}, rounds: 1, secs: 1, figures: [] };
}

Deno.test("A CPU's name becomes part of a file's", () => {
  assertEquals(fileNameOf("Intel(R) Xeon(R) Processor"), "intel-xeon-processor");
  assertEquals(fileNameOf("AMD EPYC"), "amd-epyc");
  assertEquals(fileNameOf("Apple M3 Pro (ARM)"), "apple-m3-pro-arm");
});

Deno.test("Results are compared with the newest ones of a machine alike", () => {
  const stored = [
    results("2026-11-28T10:00:00Z", "one"),
    results("2026-11-29T10:00:00Z", "one"),
    results("2026-11-30T10:00:00Z", "one", 8),
    results("2026-11-30T09:00:00Z", "other"),
  ];
  assertEquals(newestFor({ cpu: "one", cores: 2 }, stored), stored[1]);
});

Deno.test("Where there are none of a machine alike, with the newest of all", () => {
  const stored = [results("2026-11-29T10:00:00Z", "one"), results("2026-11-28T10:00:00Z", "two")];
  assertEquals(newestFor({ cpu: "three", cores: 2 }, stored), stored[0]);
  assertEquals(newestFor({ cpu: "three", cores: 2 }, []), undefined);
});
