import { IN_PROCESS_VARIANTS, inProcessRate, inProcessTitle, SMQP } from "../in_process.ts";
import { PROJECT } from "../project.ts";
import { ROUTING_LOADS } from "../routing_loads.ts";
import { atLeast, type GoalOfLoad } from "./goals.ts";
import type { Results } from "./results.ts";
import type { RunOptions } from "./run_options.ts";

const UNIT = "messages/s";
const SIDES = [["Warren", PROJECT], ["smqp", SMQP]] as const;

/** Twenty times smqp wherever what is published is consumed: new keys on a direct exchange go nowhere. */
export const IN_PROCESS_GOALS: readonly GoalOfLoad[] = ROUTING_LOADS.flatMap((load) =>
  IN_PROCESS_VARIANTS.filter(({ newKeys }) => !newKeys || load.newKeyCopies > 0)
    .map((variant) => ({ load: inProcessTitle(load, variant), unit: UNIT, ...atLeast(20, "smqp") }))
);

/** Compares Warren with smqp, each in the process of its program, by the loads of `in_process_bench.ts`. */
export async function compareInProcess(
  results: Results,
  { rounds, secs, wanted }: RunOptions,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    for (const load of ROUTING_LOADS) {
      for (const variant of IN_PROCESS_VARIANTS) {
        const title = inProcessTitle(load, variant);
        if (!wanted(title)) continue;
        for (const [name, side] of round % 2 === 1 ? SIDES : SIDES.toReversed()) {
          results.add(title, UNIT, name, await inProcessRate(side, load, variant, secs));
        }
      }
    }
  }
}
