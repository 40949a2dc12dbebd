// deno-lint-ignore-file no-console -- a program of its own
/**
 * What flags of V8 bring a served broker: one that runs with them and one that runs without, under loads of
 * `compare.ts`, each round one after the other. Prints the middle ratio of each load, and between which ones
 * the middle half of them lies.
 *
 * ```text
 * deno run -A bench/tools/v8_flags.ts [--flags=FLAGS] [--rounds 9] [--secs 1] [--only text]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "../support/arguments.ts";
import { Blast, checkReceived } from "../support/compare/blast.ts";
import { startWarren } from "../support/compare/brokers.ts";
import { type BrokerLoad, brokerLoads } from "../support/compare/loads.ts";
import { untilQuiet } from "../support/compare/quiet.ts";
import { spreadOf } from "../support/compare/results.ts";
import { markdownTable } from "../support/compare/tables.ts";
import { touchMemory } from "../support/compare/touch_memory.ts";

/** Each load runs for so long before it is measured, so that it is compiled. */
const COMPILED_SECS = 1.5;
/** And in each round, until the first messages are through. */
const WARM_SECS = 0.2;

const { flags, only, ...parsed } = parseArgs(programArguments(), {
  string: ["flags", "rounds", "secs", "only"],
  default: {
    flags: "--max-inlined-bytecode-size-cumulative=3000",
    rounds: "9",
    secs: "1",
    only: "",
  },
  unknown: refuseUnknown("v8_flags"),
});
const [rounds, secs] = [Number(parsed.rounds), Number(parsed.secs)];
if (!Number.isInteger(rounds) || rounds < 1 || !(secs > 0)) {
  fail("--rounds and --secs take numbers above 0");
}
if (flags === "") fail("give flags with an equals sign: --flags=--max-lazy");
const loads = brokerLoads(secs).filter(({ name, figures: [figure] }) =>
  name.includes(only) && !figure!.unit.startsWith("ms")
);
if (loads.length === 0) fail(`no load has '${only}' in its name`);
await using stack = new AsyncDisposableStack();
const blast = await Blast.build();
if (blast === undefined) fail("the load generator needs rustc, which is not installed");
stack.use(blast);
await touchMemory();

const rows: string[][] = [];
for (const load of loads) {
  const { median, low, high } = spreadOf(await ratiosUnder(load, blast));
  rows.push([load.name, median.toFixed(2), `${low.toFixed(2)} to ${high.toFixed(2)}`]);
  console.log(rows.at(-1)!.join(": "));
}
console.log(`\n${markdownTable(["load", "with the flags", "middle half"], rows)}`);

/** Starts two brokers that have done nothing else, and tells the ratio of each round. */
async function ratiosUnder(load: BrokerLoad, blast: Blast): Promise<number[]> {
  await using brokers = new AsyncDisposableStack();
  const plain = await startWarren(brokers);
  const flagged = await startWarren(brokers, { flags: [`--v8-flags=${flags}`] });
  for (const { port } of [plain, flagged]) await rateOf(load, blast, port, COMPILED_SECS);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const isFlaggedFirst = round % 2 === 0;
    const [first, second] = isFlaggedFirst ? [flagged, plain] : [plain, flagged];
    const one = await rateOf(load, blast, first.port, WARM_SECS);
    const other = await rateOf(load, blast, second.port, WARM_SECS);
    ratios.push(isFlaggedFirst ? one / other : other / one);
  }
  return ratios;
}

async function rateOf(
  { args, copies, figures }: BrokerLoad,
  blast: Blast,
  port: number,
  warmSecs: number,
): Promise<number> {
  await untilQuiet();
  const report = await blast.run(port, [`warm=${warmSecs}`, `secs=${secs}`, ...args]);
  if (copies > 0) checkReceived(report, copies);
  return report[figures[0]!.of];
}

function fail(why: string): never {
  console.error(`v8_flags: ${why}`);
  Deno.exit(2);
}
