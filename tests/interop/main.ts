// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * Runs other people's clients against the served broker: the tutorials and more, in Python,
 * JavaScript, Go, Java, Rust, Ruby, PHP, Perl and from the shell, plugins of RabbitMQ, and tests
 * that other projects wrote.
 *
 * ```text
 * deno task interop [--broker=warren|rabbitmq] [--only=pika/rpc]
 * ```
 *
 * A client that cannot be had on this machine is skipped by name, except in CI, where that fails.
 * A program that does not compile fails everywhere.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { BROKERS, type RunningBroker } from "./brokers.ts";
import { serveControl } from "./control.ts";
import { BuildError, type Runtime, RUNTIMES, UnavailableError } from "./runtimes.ts";
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
const errors = await prepareRuntimes(new Set(scenarios.map(({ runtime }) => runtime)));
{
  await using broker = await start();
  await using control = serveControl(broker);
  stopWhenInterrupted(broker);
  console.log(`${broker.name} on port ${broker.port}`);
  for (const scenario of scenarios) {
    const error = errors.get(scenario.runtime);
    if (error instanceof BuildError) fail(scenario, "it does not build, see above");
    else if (error !== undefined) skip(scenario, error.message);
    else await runAndReport(scenario, broker, control.url);
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

/**
 * Prepares what the scenarios need, all at once, since some wait for a network and others compile.
 *
 * @returns Those that cannot be used, and why.
 */
async function prepareRuntimes(runtimes: ReadonlySet<Runtime>): Promise<Map<Runtime, Error>> {
  const errors = new Map<Runtime, Error>();
  await Promise.all(Array.from(runtimes, async (runtime) => {
    try {
      await runtime.prepare();
    } catch (error) {
      if (!(error instanceof UnavailableError || error instanceof BuildError)) throw error;
      errors.set(runtime, error);
      if (error instanceof BuildError) console.log(error.message);
    }
  }));
  return errors;
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

function fail(scenario: Scenario, reason: string): void {
  count.failed += 1;
  console.log(`FAIL ${scenario.name}: ${reason}`);
}

function skip(scenario: Scenario, reason: string): void {
  if (inCi) return fail(scenario, `${reason}, and nothing is skipped in CI`);
  count.skipped += 1;
  console.log(`skip ${scenario.name}: ${reason}`);
}
