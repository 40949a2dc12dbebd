// deno-lint-ignore-file no-console -- a program of its own
/**
 * What a change did to speed: the same loads on the files of an earlier commit and on those that lie
 * here, in turn. Each measurement has a process of its own, and each round begins with the other one, so
 * that a machine that is slow for a minute is slow for both. What counts is the middle ratio of the
 * rounds, and how far the middle half of them lies apart: a ratio of 1 within it says nothing.
 *
 * ```text
 * deno task bench:before [--ref HEAD] [--rounds 5] [--secs 2] [--only text] [--load "size=16 ack=1"]
 * ```
 *
 * `--ref` names the commit, by default the one that is changed here; on an unchanged tree that tells
 * how much the machine wobbles. `--only` takes the loads of `compare.ts` whose names contain a text;
 * `--load` takes arguments of `blast` in place of them.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "./support/arguments.ts";
import {
  type Figure,
  givenLoad,
  inProcessLoads,
  type LoadOfTree,
  servedLoads,
} from "./support/before/loads.ts";
import { addRound } from "./support/before/rounds.ts";
import { ratiosTable } from "./support/before/table.ts";
import { isUnchanged, takeOut } from "./support/before/trees.ts";
import { Blast } from "./support/compare/blast.ts";
import { describeMachine, doubtsAbout } from "./support/compare/machine.ts";
import { untilQuiet } from "./support/compare/quiet.ts";
import { Results } from "./support/compare/results.ts";
import { PROJECT } from "./support/project.ts";

const { ref, only, load, ...numbers } = parseArgs(programArguments(), {
  unknown: refuseUnknown("before"),
  string: ["ref", "rounds", "secs", "only", "load"],
  default: { ref: "HEAD", rounds: "5", secs: "2", only: "", load: "" },
});
const [rounds, secs] = [Number(numbers.rounds), Number(numbers.secs)];
if (!Number.isInteger(rounds) || rounds < 1 || !(secs > 0)) {
  console.error("before: --rounds and --secs take numbers above 0");
  Deno.exit(2);
}

await using stack = new AsyncDisposableStack();
let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => {
    if (isInterrupted) Deno.exit(130);
    // what is being measured ends first: its broker and the files of a commit are not left behind
    isInterrupted = true;
  });
}
const earlier = await takeOut(stack, ref).catch(async (error) => {
  console.error(`before: ${error.message}`);
  await stack.disposeAsync();
  Deno.exit(2);
});
for (const doubt of doubtsAbout(describeMachine())) console.log(doubt);
console.log(`before: ${earlier.commit}`);
if (await isUnchanged(ref)) {
  console.log("nothing differs from it here: all there is to see is how much the machine wobbles");
}
const trees = [["before", earlier.directory], ["now", PROJECT]] as const;
const loads = await chooseLoads();
const results = new Results();
let failures = 0;
for (let round = 1; round <= rounds; round++) {
  for (const one of loads) {
    const halves = new Map<string, readonly Figure[] | undefined>();
    for (const [name, directory] of round % 2 === 1 ? trees : trees.toReversed()) {
      halves.set(name, await measure(`round ${round}, ${one.name}, ${name}`, one, directory));
    }
    addRound(results, one.name, halves);
  }
}
console.log(`\n${ratiosTable(results.figures()) ?? "nothing was compared"}`);
await stack.disposeAsync();
Deno.exit(isInterrupted ? 130 : failures > 0 ? 1 : 0);

async function chooseLoads(): Promise<readonly LoadOfTree[]> {
  const blast = await Blast.build();
  if (blast === undefined) {
    console.log("blast: skipped, rustc is not installed, and with it all that goes over TCP");
  } else stack.use(blast);
  const served = blast === undefined ? [] : servedLoads(blast, secs);
  const given = blast === undefined ? [] : [givenLoad(blast, load.split(/\s+/), secs)];
  const all = load !== "" ? given : [...inProcessLoads(secs), ...served];
  return all.filter(({ name }) => name.includes(only));
}

/** Undefined when it failed, or nothing is measured any more. */
async function measure(
  what: string,
  { measure }: LoadOfTree,
  directory: string,
): Promise<readonly Figure[] | undefined> {
  if (!isInterrupted) await untilQuiet();
  if (isInterrupted) return undefined;
  try {
    const figures = await measure(directory);
    for (const { unit, value } of figures) {
      console.log(`${what}: ${value.toLocaleString("en")} ${unit}`);
    }
    return figures;
  } catch (error) {
    failures++;
    console.log(`${what}: failed: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}
