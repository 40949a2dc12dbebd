// deno-lint-ignore-file no-console -- the terminal is what this file is for
/**
 * Fills up and breaks real disks under a broker with several clients: `deno task disk`. Needs root on
 * Linux; what cannot be done here is skipped by name.
 *
 * @module
 */
import { SCENARIOS, UnavailableError } from "./disk.ts";
import { otherPublishers } from "./publishers.ts";

const count = { passed: 0, failed: 0, skipped: 0 };
const mayMount = Deno.build.os === "linux" && Deno.uid() === 0;
const others = mayMount
  ? await otherPublishers((name, reason) => console.log(`without ${name}: ${reason}`))
  : new Map();

for (const [name, run] of SCENARIOS) {
  try {
    if (!mayMount) throw new UnavailableError("only root on Linux may mount disks");
    await run({ others, say: (line) => console.log(`     ${line}`) });
    count.passed++;
    console.log(`ok   ${name}`);
  } catch (error) {
    if (error instanceof UnavailableError) {
      count.skipped++;
      console.log(`skip ${name}: ${error.message}`);
    } else {
      count.failed++;
      console.log(`FAIL ${name}`, error);
    }
  }
}
console.log(`disk: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
if (count.failed > 0) Deno.exitCode = 1;
