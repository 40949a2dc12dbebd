/**
 * A client and a broker with a proxy between them that cuts, delays, halves and spoils their streams,
 * each time as another seed says, with the runtime watching for timers and sockets that are left over.
 *
 * A few seeds run with all other tests; `deno task chaos --seeds=1000` runs many,
 * `deno task chaos --seed=7` one.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { assert } from "@std/assert";
import { runChaos } from "./chaos.ts";

const args = parseArgs(Deno.args, {
  string: ["seeds", "seed", "from"],
  default: { seeds: "12", from: "1" },
});
const from = Number(args.seed ?? args.from);
const count = args.seed === undefined ? Number(args.seeds) : 1;
const total = { connections: 0, duplicates: 0, answered: 0, lost: 0 };

for (let seed = from; seed < from + count; seed++) {
  Deno.test(`chaos of seed ${seed}: nothing is lost, nothing hangs, nothing is left`, async () => {
    const tally = await runChaos(seed);
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += tally[key];
  });
}

Deno.test("chaos is chaos", () => {
  assert(total.connections > 4 * count, JSON.stringify(total));
  assert(count < 5 || total.duplicates > 0, JSON.stringify(total));
});
