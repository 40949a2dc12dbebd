// deno-lint-ignore-file no-console -- a program of its own
/**
 * Warren's client beside amqplib, rabbitmq-client and @cloudamqp/amqp-client, each in a process of its
 * own against one served Warren, or RabbitMQ: messages a second and CPU for each, medians of rounds in
 * which every client has its turn. Node's clients run on Node, ours on Deno; then all of them on Deno,
 * where bytes that are allocated are of one measure. A whole run against Warren is kept in
 * `bench/results/`.
 *
 * ```text
 * deno run -A bench/clients.ts [--rounds 3] [--secs 3] [--only rpc] [--broker warren|rabbitmq]
 *                              [--on own|deno] [--no-write]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { CACHE } from "../tests/interop/cache.ts";
import { RUNTIMES } from "../tests/interop/runtimes.ts";
import { describeMachine, doubtsAbout } from "./support/compare/machine.ts";
import { median, Results } from "./support/compare/results.ts";
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
const DENO = [Deno.execPath(), "run", "-A", "--v8-flags=--min-semi-space-size=64"];

/** Each client and how it is run. */
const CLIENTS: Readonly<Record<string, readonly string[]>> = {
  "Warren": [...DENO, `${HERE}warren.ts`],
  "amqplib": ["node", `${HERE}amqplib.mjs`],
  "rabbitmq-client": ["node", `${HERE}rabbitmq_client.mjs`],
  "@cloudamqp/amqp-client": ["node", `${HERE}cloudamqp.mjs`],
};

interface Figures {
  readonly messages: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Bytes. */
  readonly allocated: number;
}

const { rounds, secs, only, on, write, broker: brokerName } = parseArgs(Deno.args, {
  string: ["rounds", "secs", "only", "on", "broker"],
  boolean: ["write"],
  negatable: ["write"],
  default: { rounds: "3", secs: "3", only: "", on: "", broker: "warren", write: true },
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
    if (on !== "deno") console.log(table(load, await measure(load, broker, "own")));
    if (on !== "own") console.log(tableOnDeno(load, await measure(load, broker, "deno")));
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
function keep(load: string, on: "own" | "deno", client: string, figures: Figures): void {
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
): Promise<ReadonlyMap<string, readonly Figures[]>> {
  const results = new Map<string, Figures[]>();
  for (let round = 0; round < Number(rounds); round++) {
    for (const [client, words] of Object.entries(CLIENTS)) {
      const [command, ...args] = on === "own" ? words : [...DENO, words.at(-1)!];
      const long = on === "own" ? `${secs}s` : `${MESSAGES[load] ?? MESSAGES_OTHERWISE}messages`;
      const { success, stdout, stderr } = await new Deno.Command(command!, {
        args: [...args, load, `amqp://guest:guest@127.0.0.1:${port}`, long],
        env: { INTEROP_NODE_PACKAGES: `${CACHE}/node/`, NO_COLOR: "1" },
      }).output();
      const decoder = new TextDecoder();
      if (!success) throw new Error(`${client}: ${decoder.decode(stderr)}`);
      const figures = JSON.parse(decoder.decode(stdout)) as Figures;
      results.set(client, [...results.get(client) ?? [], figures]);
      keep(load, on, client, figures);
    }
  }
  return results;
}

function table(load: string, results: ReadonlyMap<string, readonly Figures[]>): string {
  const rows = [...results].map(([client, figures]) => ({
    client,
    rate: median(figures.map(({ messages, seconds }) => messages / seconds)),
    cpu: median(figures.map(({ messages, cpuSeconds }) => cpuSeconds / messages * 1e6)),
  }));
  const ours = rows[0]!;
  const lines = rows.map(({ client, rate, cpu }) =>
    `| ${client} | ${Math.round(rate)} | ${(rate / ours.rate).toFixed(2)} | ${cpu.toFixed(1)} |`
  );
  const first = rows.every(({ rate }) => rate <= ours.rate) ? "first" : "not first";
  return [
    `${LOADS[load]}: Warren is ${first}`,
    "",
    "| client | messages/s | of Warren's | µs of CPU a message |",
    "| --- | --- | --- | --- |",
    ...lines,
    "",
  ].join("\n");
}

/** Where all run on Deno: what a message costs in CPU and in bytes that are allocated for it. */
function tableOnDeno(load: string, results: ReadonlyMap<string, readonly Figures[]>): string {
  const rows = [...results].map(([client, figures]) => ({
    client,
    cpu: median(figures.map(({ messages, cpuSeconds }) => cpuSeconds / messages * 1e6)),
    bytes: median(figures.map(({ messages, allocated }) => allocated / messages)),
  }));
  const [ours, ...others] = rows;
  const places = (["cpu", "bytes"] as const).map((key) =>
    `${key} ${others.every((other) => other[key] >= ours![key]) ? "first" : "not first"}`
  );
  return [
    `${LOADS[load]}, all on Deno: Warren's ${places.join(", ")}`,
    "",
    "| client | µs of CPU a message | bytes allocated a message | of Warren's |",
    "| --- | --- | --- | --- |",
    ...rows.map(({ client, cpu, bytes }) =>
      `| ${client} | ${cpu.toFixed(1)} | ${Math.round(bytes)} | ${
        (bytes / ours!.bytes).toFixed(2)
      } |`
    ),
    "",
  ].join("\n");
}
