// deno-lint-ignore-file no-console -- a program of its own
/**
 * RabbitMQ PerfTest on Warren and on RabbitMQ, in turn: a load generator that nobody here wrote, to
 * check `blast` by. Both brokers have a directory. A whole run is kept in `bench/results/`.
 *
 * ```text
 * deno run -A bench/perf_test.ts [--rounds 3] [--secs 10] [--only text] [--no-write]
 * ```
 *
 * It needs Java and Maven, which fetches PerfTest. PerfTest spends far more on a message than the
 * brokers do, and shares the machine with them, so that ratios are closer to 1 than those of `blast`.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "./support/arguments.ts";
import { describeMachine, doubtsAbout } from "./support/compare/machine.ts";
import { startServers } from "./support/compare/brokers.ts";
import { Results } from "./support/compare/results.ts";
import { storePerfTest } from "./support/compare/stored.ts";
import { figuresTable } from "./support/compare/tables.ts";
import { PerfTest } from "./support/perf_test.ts";

/** A name, and PerfTest's arguments. */
const LOADS: readonly (readonly [string, ...string[]])[] = [
  ["auto-ack", "-x", "1", "-y", "1", "--autoack"],
  ["ack each, prefetch 200", "-x", "1", "-y", "1", "--qos", "200"],
  ["confirms, window 1000", "-x", "1", "-y", "1", "--autoack", "--confirm", "1000"],
  ["persistent, confirms, window 100", ..."-x 1 -y 1 -f persistent -c 100 -q 200".split(" ")],
  ["persistent, confirms, window 1000", ..."-x 1 -y 1 -f persistent -c 1000 -q 200".split(" ")],
  ["auto-ack, 4 KiB", ..."-x 1 -y 1 --autoack --size 4096".split(" ")],
  ["auto-ack, 64 KiB", ..."-x 1 -y 1 --autoack --size 65536".split(" ")],
  ["4 producers, 4 consumers, auto-ack", ..."-x 4 -y 4 --autoack".split(" ")],
  [
    "4 producers, 4 consumers, persistent, confirms, window 1000",
    ..."-x 4 -y 4 -f persistent -c 1000 -q 200".split(" "),
  ],
];

const options = parseArgs(programArguments(), {
  unknown: refuseUnknown("perf_test"),
  string: ["rounds", "secs", "only"],
  boolean: ["write"],
  negatable: ["write"],
  default: { rounds: "3", secs: "10", only: "", write: true },
});
const [rounds, secs] = [Number(options.rounds), Number(options.secs)];

const fetched = await PerfTest.fetch();
if (typeof fetched === "string") {
  console.log(`RabbitMQ PerfTest: skipped, ${fetched}`);
  Deno.exit(0);
}
const machine = describeMachine();
for (const doubt of doubtsAbout(machine)) console.log(doubt);
await using stack = new AsyncDisposableStack();
const perfTest = stack.use(fetched);
const brokers = await startServers(stack);
if (brokers.length === 1) console.log("RabbitMQ: skipped, it is not installed");

const results = new Results();
let failures = 0;
for (let round = 1; round <= rounds; round++) {
  for (const [load, ...args] of LOADS.filter(([name]) => name.includes(options.only))) {
    for (const { name, port } of round % 2 === 1 ? brokers : brokers.toReversed()) {
      const what = `round ${round}, ${load}, ${name}`;
      try {
        const report = await perfTest.run(port, secs, args);
        results.add(load, "received/s", name, report.receivedPerSecond);
        results.add(load, "ms (median)", name, report.medianMs);
        results.add(load, "ms (p99)", name, report.p99Ms);
        console.log(`${what}: ${report.receivedPerSecond.toLocaleString("en")} received/s`);
      } catch (error) {
        failures++;
        console.log(`${what}: failed: ${error instanceof Error ? error.message : error}`);
      }
    }
  }
}
const figures = results.figures();
console.log(`\n${figuresTable(figures, ["RabbitMQ"]) ?? "nothing was compared"}`);
if (failures > 0) console.log(`${failures} runs failed`);
else if (options.write && options.only === "" && brokers.length > 1) {
  const versions = {
    ...Object.fromEntries(brokers.map(({ name, version }) => [name, version])),
    PerfTest: perfTest.version,
  };
  const date = new Date().toISOString();
  const path = await storePerfTest({ date, machine, versions, rounds, secs, figures });
  console.log(`\nwritten to ${path}`);
}
await stack.disposeAsync();
Deno.exit(failures > 0 ? 1 : 0);
