// deno-lint-ignore-file no-console -- a program of its own
/**
 * The same loads on Warren, on RabbitMQ and on the ceiling, side by side on loopback, and on smqp and
 * Warren in one process. Prints medians and ratios, and which goals were met, writes them to
 * `bench/results/` and draws a chart of them.
 *
 * ```text
 * deno run -A bench/compare.ts [--rounds 5] [--secs 2] [--only text] [--no-write] [--chart FILE]
 * ```
 *
 * With `RABBITMQ_BIN` in the environment it is the RabbitMQ of that folder, and the results get another name.
 *
 * `--only` takes the loads whose names contain a text, such as `topic` or `in process`, and writes
 * nothing. `--chart` draws the chart into a file, whatever was measured.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { isOtherRabbitmq, isRabbitmqInstalled } from "../tests/support/rabbitmq.ts";
import { programArguments, refuseUnknown } from "./support/arguments.ts";
import { drawChart } from "./support/compare/chart.ts";
import { judge } from "./support/compare/goals.ts";
import { LENGTH_WALK } from "./support/compare/frame_parser.ts";
import { describeMachine, doubtsAbout } from "./support/compare/machine.ts";
import { ALL_GOALS, measure } from "./support/compare/measure.ts";
import { Results } from "./support/compare/results.ts";
import { store, storeBeside } from "./support/compare/stored.ts";
import { figuresTable, goalsTable } from "./support/compare/tables.ts";

interface CompareOptions {
  readonly rounds: number;
  readonly secs: number;
  /** Only loads whose name contains this. */
  readonly only: string;
  readonly write: boolean;
  /** Where the chart goes besides. */
  readonly chart: string | undefined;
}

const { rounds, secs, only, write, chart } = readOptions();
if (isOtherRabbitmq && !await isRabbitmqInstalled()) {
  console.error("compare: there is no rabbitmq-server in the folder that RABBITMQ_BIN names");
  Deno.exit(2);
}
const machine = describeMachine();
for (const doubt of doubtsAbout(machine)) console.log(doubt);
const results = new Results();
const wanted = (load: string) => load.includes(only);
const { failures, versions } = await measure(results, { rounds, secs, wanted });

const figures = results.figures();
const goals = judge(ALL_GOALS, figures);
for (const others of [["RabbitMQ", "ceiling"], ["smqp"], [LENGTH_WALK]]) {
  const table = figuresTable(figures, others);
  if (table !== undefined) console.log(`\n${table}`);
}
console.log(`\n${goalsTable(goals) ?? "no goal was measured"}`);

const stored = { date: new Date().toISOString(), machine, versions, rounds, secs, figures, goals };
const drawing = drawChart(stored, ALL_GOALS);
if (chart !== undefined) await Deno.writeTextFile(chart, drawing);
if (write) {
  const paths = isOtherRabbitmq ? [await storeBeside(stored)] : await store(stored, drawing);
  console.log(`\nwritten to ${paths.join(" and ")}`);
}
if (failures > 0) Deno.exit(1);

function readOptions(): CompareOptions {
  const parsed = parseArgs(programArguments(), {
    string: ["rounds", "secs", "only", "chart"],
    boolean: ["write"],
    negatable: ["write"],
    default: { rounds: "5", secs: "2", only: "", write: true },
    unknown: refuseUnknown("compare"),
  });
  const [rounds, secs] = [Number(parsed.rounds), Number(parsed.secs)];
  if (!Number.isInteger(rounds) || rounds < 1 || !(secs > 0)) {
    console.error("compare: --rounds and --secs take numbers above 0");
    Deno.exit(2);
  }
  const { only, write, chart } = parsed;
  return { rounds, secs, only, write: write && only === "", chart };
}
