// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * Runs the behaviour cases against a RabbitMQ and Warren, side by side, and compares what they saw.
 *
 * ```text
 * deno task compare [--only=exclusive] [--rabbitmq-port=5672]
 * ```
 *
 * It starts the RabbitMQ that is installed, unless told where one runs. Fails when the two differ
 * without a reason in `intended_differences.ts`, and when something there differs no longer.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { Broker } from "../../broker/broker.ts";
import { connect } from "../../mod.ts";
import { freePorts, type RabbitmqServer, startRabbitmq } from "../support/rabbitmq.ts";
import { runRandomTopology } from "../topology/random_topology.ts";
import { runBench } from "./bench.ts";
import { runClient } from "./client.ts";
import { compareAll, type Comparison } from "./compare.ts";
import { Count } from "./count.ts";
import { compareDefinitions } from "./definitions.ts";
import { generationOf, PROFILES } from "./generation.ts";
import { comparePermissions } from "./permissions.ts";
import { compareRabbitmqctl } from "./rabbitmqctl.ts";
import { compareManagement, managementConfiguration } from "./management/compare.ts";
import { comparePrometheus, prometheusConfiguration } from "./prometheus.ts";
import { INTENDED_DIFFERENCES, type IntendedDifference } from "./intended_differences.ts";

/** What the cases need besides the server itself. */
const PLUGINS = [
  "rabbitmq_consistent_hash_exchange",
  "rabbitmq_management",
  "rabbitmq_prometheus",
  "rabbitmq_random_exchange",
  "rabbitmq_recent_history_exchange",
  "rabbitmq_sharding",
];

/** Where RabbitMQ's metrics are. */
let prometheusPort = 0;

/** How many random topologies each of the two has to route through. */
const TOPOLOGIES = 100;

const options = parseArgs(Deno.args, {
  string: ["only", "rabbitmq-port"],
  default: { only: "" },
});
await using cleanup = new AsyncDisposableStack();
const rabbitmq = await findRabbitmq();
if (rabbitmq !== undefined) await compare(rabbitmq);
else if (Deno.env.get("CI") === "true") {
  console.log("FAIL RabbitMQ is not installed, and nothing is skipped in CI\n0 passed, 1 failed");
  Deno.exitCode = 1;
} else console.log("skip RabbitMQ is not installed\n0 passed, 0 failed");

/** One that runs already, or one of our own, which can be controlled as well. */
type FoundRabbitmq = Pick<RabbitmqServer, "port" | "version"> & Partial<RabbitmqServer>;

async function findRabbitmq(): Promise<FoundRabbitmq | undefined> {
  const port = options["rabbitmq-port"];
  if (port !== undefined) return { port: Number(port), version: "that runs already" };
  const started = await startRabbitmq(PLUGINS, () => {
    const ports = freePorts(2);
    prometheusPort = ports[0];
    return prometheusConfiguration(prometheusPort) + managementConfiguration(ports[1]);
  });
  return started && cleanup.use(started);
}

interface Untouched extends AsyncDisposable {
  readonly server: RabbitmqServer;
  readonly port: number;
  /** The port of its management API. */
  readonly http: number;
}

/** A node for those who list all there is on one: others would have left something there. Without the
 * plugin for metrics, which adds keys of its own to what is told of all plugins. */
async function startUntouched(): Promise<Untouched> {
  const plugins = PLUGINS.filter((plugin) => plugin !== "rabbitmq_prometheus");
  let http = 0;
  const server = (await startRabbitmq(plugins, () => {
    [http] = freePorts(2);
    return managementConfiguration(http);
  }))!;
  const { port } = server;
  return { server, port, http, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Routes through random topologies as the model does, which is to be RabbitMQ's routing. */
async function topologiesPass(name: string, port: number): Promise<boolean> {
  await using connection = await connect(`amqp://127.0.0.1:${port}`);
  const tally = { messages: 0, deliveries: 0, unroutable: 0, returned: 0 };
  const from = Date.now() % 1e9;
  for (let seed = from; seed < from + TOPOLOGIES; seed++) {
    try {
      await runRandomTopology(connection, seed, tally);
    } catch (error) {
      console.log(`FAIL    random topology of seed ${seed} on ${name}: ${error}`);
      return false;
    }
  }
  console.log(`ok      ${TOPOLOGIES} random topologies on ${name}: ${JSON.stringify(tally)}`);
  return true;
}

async function compare(rabbitmq: FoundRabbitmq): Promise<void> {
  const { port, version } = rabbitmq;
  // those whose login is refused wait for one another, and many cases run at once
  const generation = generationOf(version);
  const profile = PROFILES[generation];
  const broker = cleanup.use(new Broker({ handshakeTimeoutMs: 60_000, profile }));
  const warren = cleanup.use(await broker.listen({ port: 0 }));
  console.log(`RabbitMQ ${version} on port ${port}, Warren on port ${warren.port}`);
  const unexplained = new Map(
    INTENDED_DIFFERENCES.filter(({ from }) => from === undefined || from === generation)
      .flatMap((difference) => difference.titles.map((title) => [title, difference])),
  );
  const count = new Count();
  // first: what others leave behind, such as policies, would change what becomes of its messages
  {
    const { passed, failed } = await runClient(rabbitmq, options.only);
    count.passed += passed;
    count.failed.push(...failed);
  }
  const { control } = rabbitmq;
  if (control !== undefined && "bench".includes(options.only)) {
    const queues = () => control("-q", "list_queues", "name");
    await runBench({ name: "RabbitMQ", port, queues }, count);
    const names = () => Promise.resolve([...broker.queues()].map(({ name }) => name).join());
    await runBench({ name: "Warren", port: warren.port, queues: names }, count);
  }
  for await (const comparison of compareAll({ port }, warren, options.only)) {
    const difference = unexplained.get(comparison.title);
    unexplained.delete(comparison.title);
    count.note(comparison.title, report(comparison, difference));
  }
  if ("control" in rabbitmq && "definitions policies".includes(options.only)) {
    for await (const comparison of compareDefinitions(rabbitmq as RabbitmqServer)) {
      count.note(comparison.title, report(comparison, undefined));
    }
  }
  if ("control" in rabbitmq && "permissions logins".includes(options.only)) {
    for await (const comparison of comparePermissions(rabbitmq as RabbitmqServer)) {
      const difference = unexplained.get(comparison.title);
      unexplained.delete(comparison.title);
      count.note(comparison.title, report(comparison, difference));
    }
  }
  if ("control" in rabbitmq && "management".includes(options.only)) {
    await using fresh = await startUntouched();
    for await (const one of compareManagement({ amqp: fresh.port, http: fresh.http, generation })) {
      const { title, unexplained, explained } = one;
      for (const line of explained) console.log(`intended management: ${title}: ${line}`);
      for (const line of unexplained) console.log(`FAIL    management: ${title}: ${line}`);
      count.note(`management: ${title}`, unexplained.length === 0);
      if (unexplained.length + explained.length === 0) console.log(`same    management: ${title}`);
    }
  }
  if ("control" in rabbitmq && "prometheus".includes(options.only)) {
    for await (const one of comparePrometheus({ amqp: port, http: prometheusPort, generation })) {
      const { title, unexplained, explained } = one;
      for (const line of explained) console.log(`intended prometheus: ${title}: ${line}`);
      for (const line of unexplained) console.log(`FAIL    prometheus: ${title}: ${line}`);
      count.note(`prometheus: ${title}`, unexplained.length === 0);
    }
  }
  if ("random topologies".includes(options.only)) {
    for (const [name, subject] of [["RabbitMQ", { port }], ["Warren", warren]] as const) {
      count.note(`random topologies on ${name}`, await topologiesPass(name, subject.port));
    }
  }
  if ("control" in rabbitmq && "rabbitmqctl".includes(options.only)) {
    await using fresh = await startUntouched();
    for await (const comparison of compareRabbitmqctl(fresh.server, generation)) {
      const difference = unexplained.get(comparison.title);
      unexplained.delete(comparison.title);
      count.note(comparison.title, report(comparison, difference));
    }
  }
  if (options.only === "") {
    for (const title of unexplained.keys()) {
      console.log(`FAIL    ${title}: there is no such case to explain`);
      count.note(title, false);
    }
  }
  // again, since much was printed meanwhile
  for (const title of count.failed) console.log(`failed: ${title}`);
  console.log(`${count.passed} passed, ${count.failed.length} failed`);
  if (count.failed.length > 0 || count.passed === 0) Deno.exitCode = 1;
}

/** Prints one comparison. True when it is as it should be. */
function report(
  { title, rabbitmq, warren }: Comparison,
  intended: IntendedDifference | undefined,
): boolean {
  const same = rabbitmq === warren;
  const reason = intended?.reason;
  if (same && (intended === undefined || intended.sometimes)) {
    console.log(`same    ${title}`);
    return true;
  }
  if (same) {
    console.log(`FAIL    ${title}: is the same in both, but a difference is explained: ${reason}`);
    return false;
  }
  console.log(`${reason === undefined ? "FAIL   " : "DIFFERS"} ${title}`);
  console.log(indented("RabbitMQ: ", rabbitmq));
  console.log(indented("Warren:   ", warren));
  console.log(reason === undefined ? "        without a reason" : `        intended: ${reason}`);
  return reason !== undefined;
}

function indented(label: string, text: string): string {
  return `        ${label}${text.replaceAll("\n", `\n        ${" ".repeat(label.length)}`)}`;
}
