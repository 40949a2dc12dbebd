import { assertGreater } from "@std/assert";
import { runKills } from "./kill.ts";

Deno.test("a broker killed under load loses nothing that it had confirmed", async () => {
  const report = await runKills({ kills: 4, random: Math.random });
  assertGreater(report.confirmed, 0);
});
