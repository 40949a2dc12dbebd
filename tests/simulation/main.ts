// deno-lint-ignore-file no-console
/**
 * Runs the simulation of the store: `--seeds N` runs that many, from `--from N` on (default: by the
 * time of day); `--seed N` replays one, and `--trace` tells what happens in it. Ends with status 1 at the first that fails.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { simulate, type Tally } from "./simulation.ts";

const flags = parseArgs(Deno.args, { string: ["seeds", "from", "seed"], boolean: ["trace"] });
const tally: Tally = {
  operations: 0,
  crashes: 0,
  confirms: 0,
  failures: 0,
};
const from = Number(flags.seed ?? flags.from ?? Date.now() % 1e9);
const count = flags.seed === undefined ? Number(flags.seeds ?? 1000) : 1;
const started = performance.now();

for (let seed = from; seed < from + count; seed++) {
  try {
    simulate(seed, tally, flags.trace ? console.log : undefined);
  } catch (error) {
    console.error(error);
    console.error(`Seed ${seed} fails. Again: deno task simulate --seed ${seed}`);
    Deno.exit(1);
  }
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(
  `${count} runs from seed ${from} in ${seconds} s: ${tally.operations} operations, ` +
    `${tally.confirms} confirms, ${tally.crashes} crashes, ${tally.failures} failures of the disk`,
);
