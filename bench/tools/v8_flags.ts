// deno-lint-ignore-file no-console -- a program of its own
/**
 * What flags of V8 bring a served broker: one that runs with them and one that runs without, under loads of
 * `compare.ts`, each round one after the other. Prints the middle ratio of each load, and between which ones
 * the middle half of them lies.
 *
 * ```text
 * deno run -A bench/tools/v8_flags.ts [--flags FLAGS] [--rounds 9] [--secs 1] [--only text]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Blast } from "../support/compare/blast.ts";
import { startWarren } from "../support/compare/brokers.ts";
import { type BrokerLoad, brokerLoads } from "../support/compare/loads.ts";
import { spreadOf } from "../support/compare/results.ts";
import { markdownTable } from "../support/compare/tables.ts";
import { touchMemory } from "../support/compare/touch_memory.ts";

/** Each load runs for so long before it is measured, so that it is compiled. */
const WARM_SECS = 1.5;
/** And before each round, until the first messages are through. */
const PAUSE_SECS = 0.2;

const options = parseArgs(Deno.args, {
  string: ["flags", "rounds", "secs", "only"],
  default: {
    flags: "--max-inlined-bytecode-size-cumulative=3000",
    rounds: "9",
    secs: "1",
    only: "",
  },
});
const secs = Number(options.secs);
await using stack = new AsyncDisposableStack();
const blast = await Blast.build();
if (blast === undefined) {
  console.error("v8_flags: the load generator needs rustc, which is not installed");
  Deno.exit(1);
}
stack.use(blast);
await touchMemory();

const rows: string[][] = [];
for (const load of brokerLoads(secs).filter(({ name }) => name.includes(options.only))) {
  if (load.figures[0]!.unit.startsWith("ms")) continue;
  const { median, low, high } = spreadOf(await ratiosUnder(load, blast));
  rows.push([load.name, median.toFixed(2), `${low.toFixed(2)} to ${high.toFixed(2)}`]);
  console.log(rows.at(-1)!.join(": "));
}
console.log(`\n${markdownTable(["load", "with the flags", "middle half"], rows)}`);

/** Starts two brokers that have done nothing else, and tells the ratio of each round. */
async function ratiosUnder(load: BrokerLoad, blast: Blast): Promise<number[]> {
  await using stack = new AsyncDisposableStack();
  const plain = await startWarren(stack);
  const flagged = await startWarren(stack, [`--v8-flags=${options.flags}`]);
  const run = async ({ port }: { port: number }, warm: number, secs: number) => {
    const report = await blast.run(port, [...load.args, `warm=${warm}`, `secs=${secs}`]);
    return report[load.figures[0]!.of];
  };
  for (const broker of [plain, flagged]) await run(broker, WARM_SECS, PAUSE_SECS);
  const ratios: number[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    const isFlaggedFirst = round % 2 === 0;
    const first = await run(isFlaggedFirst ? flagged : plain, PAUSE_SECS, secs);
    const second = await run(isFlaggedFirst ? plain : flagged, PAUSE_SECS, secs);
    ratios.push(isFlaggedFirst ? first / second : second / first);
  }
  return ratios;
}
