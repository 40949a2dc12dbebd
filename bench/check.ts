// deno-lint-ignore-file no-console -- a program of its own
/**
 * Whether Warren became slower: runs the loads of `compare.ts` for a short time and compares each
 * ratio between two measurements of this run with the same ratio of the newest results, of a CPU like
 * this one if there are any. Fails when one lost more than a fifth.
 *
 * ```text
 * deno run -A bench/check.ts [--rounds 3] [--secs 1] [--only text]
 * ```
 *
 * What seems to have lost is measured once more, with more rounds, before it counts.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "./support/arguments.ts";
import { comparable, losses, ratiosOf } from "./support/compare/losses.ts";
import { describeMachine, doubtsAbout } from "./support/compare/machine.ts";
import { ALL_GOALS, measure } from "./support/compare/measure.ts";
import { Results } from "./support/compare/results.ts";
import { allStored, isAlike, newestFor } from "./support/compare/stored.ts";
import { markdownTable, showNumber } from "./support/compare/tables.ts";

const LOSS_MAX = 0.2;
/** How many times more rounds a second look takes. */
const MORE_ROUNDS = 2;

const { only, ...options } = parseArgs(programArguments(), {
  unknown: refuseUnknown("check"),
  string: ["rounds", "secs", "only"],
  default: { rounds: "3", secs: "1", only: "" },
});
const rounds = Number(options.rounds);
const secs = Number(options.secs);

const machine = describeMachine();
const stored = newestFor(machine, await allStored());
if (stored === undefined) fail("there are no results to compare with: run bench/compare.ts first");
for (const doubt of doubtsAbout(machine)) console.log(doubt);
if (!isAlike(machine, stored.machine)) {
  const { cpu, cores } = stored.machine;
  console.log(`the results are from another machine: ${cpu}, ${cores} cores`);
}
const storedRatios = ratiosOf(stored.figures, ALL_GOALS);
const results = new Results();
const freshRatios = () => ratiosOf(results.figures(), ALL_GOALS);

let { failures } = await measure(results, { rounds, secs, wanted: (name) => name.includes(only) });
const suspects = new Set(
  losses(storedRatios, freshRatios(), LOSS_MAX).flatMap(({ loads }) => loads),
);
if (suspects.size > 0) {
  console.log(`once more: ${[...suspects].join("; ")}`);
  const again = {
    rounds: rounds * MORE_ROUNDS,
    secs,
    wanted: (name: string) => suspects.has(name),
  };
  failures += (await measure(results, again)).failures;
}

const lost = losses(storedRatios, freshRatios(), LOSS_MAX);
const compared = comparable(storedRatios, freshRatios());
console.log(`\n${compared} ratios compared with those of ${stored.date.slice(0, 10)}`);
if (lost.length > 0) {
  const rows = lost.map(({ name, before, ratio, share }) => [
    name,
    showNumber(before),
    showNumber(ratio),
    `${Math.round(share * 100)} %`,
  ]);
  console.log(markdownTable(["ratio", "was", "is", "lost"], rows));
}
if (failures > 0) fail(`${failures} runs failed`);
if (compared === 0) fail("nothing that was measured is in the results");
if (lost.length > 0) fail(`${lost.length} ratios lost more than ${LOSS_MAX * 100} %`);
console.log(`none lost more than ${LOSS_MAX * 100} %`);

function fail(reason: string): never {
  console.error(`check: ${reason}`);
  Deno.exit(1);
}
