// deno-lint-ignore-file no-console
/**
 * Runs the simulations, of the store by itself, of the whole broker, of delayed messages, of streams, of
 * queues with rules and of vhosts: `--seeds N` runs that many of each, from `--from N` on (default: by the
 * time of day); `--only store`, `broker`, `delayed`, `streams`, `work` or `vhosts` one of them; `--seed N`
 * replays one run, and `--trace` tells what happens in it. Ends with status 1 at the first that fails.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { type BrokerTally, simulateBroker } from "./broker_simulation.ts";
import { simulateDelayed } from "./delayed_simulation.ts";
import { simulate } from "./simulation.ts";
import { simulateStreams } from "./stream_simulation.ts";
import { simulateVhosts } from "./vhost_simulation.ts";
import { simulateWork } from "./work_simulation.ts";

const flags = parseArgs(Deno.args, {
  string: ["seeds", "from", "seed", "only"],
  boolean: ["trace"],
});
type Run = (
  seed: number,
  tally: BrokerTally,
  trace: ((line: string) => void) | undefined,
) => void | Promise<void>;

const simulations = new Map<string, Run>([
  ["store", simulate],
  ["broker", simulateBroker],
  ["delayed", simulateDelayed],
  ["streams", simulateStreams],
  ["work", simulateWork],
  ["vhosts", simulateVhosts],
]);
if (flags.only !== undefined && !simulations.has(flags.only)) {
  console.error(`--only ${flags.only}: there are ${[...simulations.keys()].join(" and ")}`);
  Deno.exit(2);
}
const from = Number(flags.seed ?? flags.from ?? Date.now() % 1e9);
const count = flags.seed === undefined ? Number(flags.seeds ?? 1000) : 1;

for (const [name, run] of simulations) {
  if (flags.only !== undefined && flags.only !== name) continue;
  const tally = { operations: 0, crashes: 0, confirms: 0, failures: 0, blocked: 0 };
  const started = performance.now();
  for (let seed = from; seed < from + count; seed++) {
    try {
      await run(seed, tally, flags.trace ? console.log : undefined);
    } catch (error) {
      console.error(error);
      console.error(`Seed ${seed} fails. Again: deno task simulate --only ${name} --seed ${seed}`);
      Deno.exit(1);
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const blocked = name !== "store" ? `, ${tally.blocked} publishes that were blocked` : "";
  console.log(
    `${name}: ${count} runs from seed ${from} in ${seconds} s: ${tally.operations} operations, ` +
      `${tally.confirms} confirms, ${tally.crashes} crashes, ${tally.failures} failures of the ` +
      `disk${blocked}`,
  );
}
