// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * Runs other people's clients against the served broker: the tutorials and more, in Python, in
 * JavaScript and from the shell.
 *
 * ```text
 * deno task interop [--broker=warren|rabbitmq] [--only=pika/rpc]
 * ```
 *
 * A client that cannot be had on this machine is skipped by name, except in CI, where that fails.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { BROKERS, type RunningBroker } from "./brokers.ts";
import { serveControl } from "./control.ts";
import { type Runtime, RUNTIMES, UnavailableError } from "./runtimes.ts";
import { listScenarios, runScenario, type Scenario } from "./scenarios.ts";

const options = parseArgs(Deno.args, {
  string: ["broker", "only"],
  default: { broker: "warren", only: "" },
});
const inCi = Deno.env.get("CI") === "true";
const count = { passed: 0, failed: 0, skipped: 0 };

const start = BROKERS.get(options.broker);
if (start === undefined) {
  throw new TypeError(`Cannot use --broker=${options.broker}: ${[...BROKERS.keys()].join(" or ")}`);
}
const scenarios = (await Promise.all(RUNTIMES.map(listScenarios)))
  .flat()
  .filter(({ name }) => name.includes(options.only));
const missing = await prepareRuntimes(new Set(scenarios.map(({ runtime }) => runtime)));
{
  await using broker = await start();
  await using control = serveControl(broker);
  stopWhenInterrupted(broker);
  console.log(`${broker.name} on port ${broker.port}`);
  for (const scenario of scenarios) {
    const reason = missing.get(scenario.runtime);
    if (reason === undefined) await runAndReport(scenario, broker, control.url);
    else skip(scenario, reason);
  }
  if (count.failed > 0 && broker.output !== "") {
    console.log(`\nThe broker wrote:\n${broker.output}`);
  }
}
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
if (scenarios.length === 0) console.log(`There is no scenario named ${options.only}`);
if (count.failed > 0 || scenarios.length === 0) Deno.exitCode = 1;

/** A broker that stayed behind would hold its port and its memory. */
function stopWhenInterrupted(broker: AsyncDisposable): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, async () => {
      await broker[Symbol.asyncDispose]();
      Deno.exit(1);
    });
  }
}

/** Prepares what the scenarios need, and tells what cannot be had here and why. */
async function prepareRuntimes(runtimes: ReadonlySet<Runtime>): Promise<Map<Runtime, string>> {
  const missing = new Map<Runtime, string>();
  for (const runtime of runtimes) {
    try {
      await runtime.prepare();
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      missing.set(runtime, error.message);
    }
  }
  return missing;
}

async function runAndReport(
  scenario: Scenario,
  broker: RunningBroker,
  controlUrl: string,
): Promise<void> {
  const started = performance.now();
  const { passed, output } = await runScenario(scenario, broker, controlUrl);
  const took = `(${Math.round(performance.now() - started)} ms)`;
  if (passed) {
    count.passed += 1;
    console.log(`ok   ${scenario.name} ${took}`);
  } else {
    count.failed += 1;
    console.log(`FAIL ${scenario.name} ${took}\n${output.replaceAll(/^/gm, "     ")}`);
  }
}

function skip(scenario: Scenario, reason: string): void {
  if (inCi) {
    count.failed += 1;
    console.log(`FAIL ${scenario.name}: ${reason}, and nothing is skipped in CI`);
  } else {
    count.skipped += 1;
    console.log(`skip ${scenario.name}: ${reason}`);
  }
}
