// deno-lint-ignore-file no-console -- a program of its own
/**
 * Warren's client beside amqplib, rabbitmq-client and @cloudamqp/amqp-client, each in a process of its
 * own against one served Warren, or RabbitMQ: messages a second and CPU for each. Node's clients run on
 * Node, ours on Deno; then all of them on Deno, where bytes that are allocated are of one measure. A
 * whole run against Warren is kept in `bench/results/`.
 *
 * Rounds are short and there are many of them. In each every client has its turn, forth in one round
 * and back in the next, and is compared with ours of the same round: what else the machine does in a
 * minute is then the same for both. What is told is the median of that, and between which figures the
 * middle half of the rounds lies. The first round warms up and does not count.
 *
 * ```text
 * deno run -A bench/clients.ts [--rounds 15] [--secs 0.5] [--only rpc] [--broker warren|rabbitmq]
 *                              [--on own|deno] [--no-write]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "./support/arguments.ts";
import { CACHE } from "../tests/interop/cache.ts";
import { RUNTIMES } from "../tests/interop/runtimes.ts";
import { describeMachine, doubtsAbout } from "./support/compare/machine.ts";
import { type ClientFigures, ClientWorker } from "./support/client_worker.ts";
import { type Row, table, tableOnDeno } from "./support/client_tables.ts";
import { Results } from "./support/compare/results.ts";
import { storeClients } from "./support/compare/stored.ts";
import { type RestartableBroker, startRabbit, startWarren } from "./support/restartable.ts";

/** What is measured, as `bench/clients/worker.mjs` calls it. */
const LOADS: Readonly<Record<string, string>> = {
  publish: "publish, no confirms",
  confirm: "publish, 200 unconfirmed at once",
  consume: "consume with acks, prefetch 200",
  rpc: "calls, one at a time",
  rpcs: "calls, 20 at once",
};

const HERE = new URL("clients/", import.meta.url).pathname;
/** On one runtime so many messages are sent, for which the young generation has room. */
const MESSAGES: Readonly<Record<string, number>> = { rpc: 5000, rpcs: 10_000 };
const MESSAGES_OTHERWISE = 30_000;
/** So often are they sent: what is allocated differs little. */
const ROUNDS_ON_DENO = 3;
const DENO = [Deno.execPath(), "run", "-A"];
/** Where bytes are counted, they should not be freed meanwhile. */
const YOUNG_GENERATION = "--v8-flags=--min-semi-space-size=64";

/** Each client: what it runs on, and its program. */
const CLIENTS: Readonly<Record<string, readonly string[]>> = {
  "Warren": [...DENO, `${HERE}warren.ts`],
  "amqplib": ["node", `${HERE}amqplib.mjs`],
  "rabbitmq-client": ["node", `${HERE}rabbitmq_client.mjs`],
  "@cloudamqp/amqp-client": ["node", `${HERE}cloudamqp.mjs`],
};

const { rounds, secs, only, on, write, broker: brokerName } = parseArgs(programArguments(), {
  unknown: refuseUnknown("clients"),
  string: ["rounds", "secs", "only", "on", "broker"],
  boolean: ["write"],
  negatable: ["write"],
  default: { rounds: "15", secs: "0.5", only: "", on: "", broker: "warren", write: true },
});
const machine = describeMachine();
for (const doubt of doubtsAbout(machine)) console.log(doubt);
const kept = new Results();
await RUNTIMES.find(({ client }) => client === "node")!.prepare();
const wanted = Object.keys(LOADS).filter((load) => only === "" || load === only);
if (wanted.length === 0) throw new TypeError(`Cannot use --only=${only}: ${Object.keys(LOADS)}`);
{
  await using broker = await startBroker();
  console.log(`on ${broker.name}, ${rounds} rounds of ${secs} s, medians\n`);
  for (const load of wanted) {
    const name = LOADS[load]!;
    if (on !== "deno") console.log(table(name, await measure(load, broker, "own")));
    if (on !== "own") console.log(tableOnDeno(name, await measure(load, broker, "deno")));
  }
  if (write && only === "" && on === "" && broker.name === "Warren") {
    const path = await storeClients({
      date: new Date().toISOString(),
      machine,
      versions: await versions(),
      broker: broker.name,
      rounds: Number(rounds),
      secs: Number(secs),
      figures: kept.figures(),
    });
    console.log(`written to ${path}`);
  }
}

/** Of the clients, and of what Node's run on. */
async function versions(): Promise<Record<string, string>> {
  const { dependencies } = JSON.parse(
    await Deno.readTextFile(new URL("../tests/interop/packages/package.json", import.meta.url)),
  );
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../deno.json", import.meta.url)),
  );
  const { stdout } = await new Deno.Command("node", { args: ["--version"] }).output();
  const others = Object.keys(CLIENTS).filter((client) => client in dependencies);
  return {
    "Warren": version,
    ...Object.fromEntries(others.map((client) => [client, dependencies[client]])),
    "Node": new TextDecoder().decode(stdout).trim(),
  };
}

/** Keeps what one round of a client was like. */
function keep(load: string, on: "own" | "deno", client: string, figures: ClientFigures): void {
  const { messages, seconds, cpuSeconds, allocated } = figures;
  const name = LOADS[load]!;
  const cpu = cpuSeconds / messages * 1e6;
  if (on === "own") {
    kept.add(name, "messages/s", client, messages / seconds);
    kept.add(name, "µs of CPU a message", client, cpu);
  } else {
    kept.add(`${name}, all on Deno`, "µs of CPU a message", client, cpu);
    kept.add(`${name}, all on Deno`, "bytes allocated a message", client, allocated / messages);
  }
}

async function startBroker(): Promise<RestartableBroker> {
  const broker = brokerName === "rabbitmq" ? await startRabbit() : await startWarren();
  if (broker === undefined) throw new Error("Cannot start RabbitMQ: it is not installed");
  return broker;
}

async function measure(
  load: string,
  { port }: RestartableBroker,
  on: "own" | "deno",
): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const env = { INTEROP_NODE_PACKAGES: `${CACHE}/node/`, NO_COLOR: "1" };
  const amount = on === "own" ? `${secs}s` : `${MESSAGES[load] ?? MESSAGES_OTHERWISE}messages`;
  const workers = Object.entries(CLIENTS).map(([client, words]) => {
    const command = on === "own" ? words : [...DENO, YOUNG_GENERATION, words.at(-1)!];
    const args = [load, `amqp://guest:guest@127.0.0.1:${port}`, amount];
    const worker = stack.use(new ClientWorker(client, [...command, ...args], env));
    return { client, worker, rounds: [] as ClientFigures[] };
  });
  const count = on === "own" ? Number(rounds) : ROUNDS_ON_DENO;
  for (let round = 0; round <= count; round++) {
    for (const { client, worker, rounds } of round % 2 === 0 ? workers : workers.toReversed()) {
      const figures = await worker.turn();
      if (round === 0) continue;
      rounds.push(figures);
      keep(load, on, client, figures);
    }
  }
  return workers;
}
