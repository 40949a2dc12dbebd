// deno-lint-ignore-file no-console -- a program of its own
/**
 * The same loads on Warren, on RabbitMQ and on the ceiling, side by side on loopback, and on smqp and
 * Warren in one process. Prints medians and ratios, and writes them to `bench/results/`.
 *
 * ```text
 * deno run -A bench/compare.ts [--rounds 3] [--secs 3] [--only text] [--no-write]
 * ```
 *
 * `--only` takes the loads whose names contain a text, or `in process`, and writes nothing.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Blast } from "./support/compare/blast.ts";
import { type ComparedBroker, startBrokers } from "./support/compare/brokers.ts";
import { compareInProcess } from "./support/compare/in_process.ts";
import { type BlastReport, type BrokerLoad, brokerLoads } from "./support/compare/loads.ts";
import { describeMachine } from "./support/compare/machine.ts";
import { Results } from "./support/compare/results.ts";

/** Of the files written; changes when their fields do. */
const FORMAT_VERSION = 1;
/** In process a round needs less time: nothing has to be started, and figures vary less. */
const IN_PROCESS_SHARE = 0.1;

interface CompareOptions {
  readonly rounds: number;
  readonly secs: number;
  /** Only loads whose name contains this. */
  readonly only: string;
  readonly write: boolean;
}

const options = readOptions();
const machine = describeMachine();
const results = new Results();
const versions: Record<string, string> = {};

if (options.only === "" || options.only === "in process") {
  console.log("Warren and smqp in one process ...");
  const secs = options.secs * IN_PROCESS_SHARE;
  await compareInProcess(results, { rounds: options.rounds, secs });
}
const failures = await compareBrokers();

for (const others of [["RabbitMQ", "ceiling"], ["smqp"]]) {
  const table = results.table(others);
  if (table !== undefined) console.log(`\n${table}`);
}
if (options.write) console.log(`\nwritten to ${await writeResults()}`);
if (failures > 0) Deno.exit(1);

/** Runs every load on every broker, in turn, round after round. Returns how many runs failed. */
async function compareBrokers(): Promise<number> {
  const loads = brokerLoads(options.secs).filter(({ name }) => name.includes(options.only));
  if (loads.length === 0) return 0;
  await using stack = new AsyncDisposableStack();
  const blast = await Blast.build();
  if (blast === undefined) {
    console.log("blast: skipped, rustc is not installed, and with it all that goes over TCP");
    return 0;
  }
  stack.use(blast);
  const brokers = await startBrokers(stack);
  for (const { name, version } of brokers) if (version !== "") versions[name] = version;
  if (versions["RabbitMQ"] === undefined) console.log("RabbitMQ: skipped, it is not installed");

  let failures = 0;
  for (let round = 1; round <= options.rounds; round++) {
    for (const load of loads) {
      for (const broker of inTurn(brokers, round)) {
        if (broker.name === "ceiling" && !load.ceiling) continue;
        failures += await measure(blast, broker, load, round);
      }
    }
  }
  return failures;
}

/** Runs a load once. Returns 1 when it failed. */
async function measure(
  blast: Blast,
  broker: ComparedBroker,
  load: BrokerLoad,
  round: number,
): Promise<number> {
  const what = `round ${round}, ${load.name}, ${broker.name}`;
  try {
    const report = await blast.run(broker.port, [`secs=${options.secs}`, ...load.args]);
    if (load.copies > 0) checkReceived(report, load.copies);
    for (const [figure, unit] of load.figures) {
      results.add(load.name, unit, broker.name, report[figure]);
      console.log(`${what}: ${report[figure].toLocaleString("en")} ${unit}`);
    }
    return 0;
  } catch (error) {
    console.log(`${what}: failed: ${error instanceof Error ? error.message : error}`);
    return 1;
  }
}

function checkReceived({ sent, received }: BlastReport, copies: number): void {
  if (received !== sent * copies) throw new Error(`${sent} were sent, ${received} received`);
}

/** Each round begins with another broker. */
function inTurn(brokers: readonly ComparedBroker[], round: number): ComparedBroker[] {
  const first = round % brokers.length;
  return [...brokers.slice(first), ...brokers.slice(0, first)];
}

async function writeResults(): Promise<string> {
  const date = new Date().toISOString();
  const directory = new URL("results/", import.meta.url).pathname;
  await Deno.mkdir(directory, { recursive: true });
  const path = `${directory}${date.slice(0, 10)}.json`;
  const { rounds, secs } = options;
  const content = {
    formatVersion: FORMAT_VERSION,
    date,
    machine,
    versions,
    rounds,
    secs,
    figures: results.figures(),
  };
  await Deno.writeTextFile(path, JSON.stringify(content, undefined, 2) + "\n");
  return path;
}

function readOptions(): CompareOptions {
  const parsed = parseArgs(Deno.args, {
    string: ["rounds", "secs", "only"],
    boolean: ["write"],
    negatable: ["write"],
    default: { rounds: "3", secs: "3", only: "", write: true },
    unknown: (argument) => {
      console.error(`compare: unknown argument '${argument}'`);
      Deno.exit(2);
    },
  });
  const [rounds, secs] = [Number(parsed.rounds), Number(parsed.secs)];
  if (!Number.isInteger(rounds) || rounds < 1 || !(secs > 0)) {
    console.error("compare: --rounds and --secs take numbers above 0");
    Deno.exit(2);
  }
  return { rounds, secs, only: parsed.only, write: parsed.write && parsed.only === "" };
}
