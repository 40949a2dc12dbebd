// deno-lint-ignore-file no-console -- a program of its own
/**
 * How long a start takes: of the served broker, from the start of its process to the first connection
 * that is answered; and of a broker within a program, to its first delivery. Medians, from a warm
 * cache.
 *
 * ```text
 * deno run -A bench/tools/start.ts [--rounds 10]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "../support/arguments.ts";
import { PROTOCOL_HEADER } from "../../broker/amqp/constants.ts";
import { BackgroundProcess } from "../../tests/interop/background_process.ts";
import { freePorts } from "../../tests/support/rabbitmq.ts";
import { median } from "../support/compare/results.ts";
import { verdict } from "../support/verdict.ts";

const START_MS = 60_000;
const FIRST_CONNECTION_MS_MAX = 150;
const FIRST_DELIVERY_MS_MAX = 2;

const options = parseArgs(programArguments(), {
  unknown: refuseUnknown("start"),
  string: ["rounds"],
  default: { rounds: "10" },
});
const rounds = Number(options.rounds);

const nothing = await medianOf(runEmpty);
console.log(`deno run of an empty file: ${nothing.toFixed(0)} ms`);
const inMemory = await medianOf(serveInMemory);
const withAll = await medianOf(serveWithAll);
const connected = "start to first connection";
console.log(verdict(`${connected}, --memory`, inMemory, FIRST_CONNECTION_MS_MAX, "ms"));
console.log(
  verdict(
    `${connected}, data directory, management, metrics`,
    withAll,
    FIRST_CONNECTION_MS_MAX,
    "ms",
  ),
);
const imports: number[] = [];
const later: number[] = [];
const first = await medianOf(async () => {
  const [import_, first, others] = await firstDelivery();
  imports.push(import_!);
  later.push(others!);
  return first!;
});
const what = "new Broker() to first delivery";
console.log(`importing the module: ${median(imports).toFixed(0)} ms`);
console.log(verdict(`${what}, nothing compiled yet`, first, FIRST_DELIVERY_MS_MAX, "ms"));
console.log(verdict(`${what}, later brokers`, median(later), FIRST_DELIVERY_MS_MAX, "ms"));

/** The middle of some runs, after one that warms the cache. */
async function medianOf(run: () => Promise<number>): Promise<number> {
  await run();
  const figures: number[] = [];
  for (let round = 0; round < rounds; round++) figures.push(await run());
  return median(figures);
}

async function runEmpty(): Promise<number> {
  const started = performance.now();
  await output(["bench/tools/start/empty.ts"]);
  return performance.now() - started;
}

/** In memory alone, on any port: it says on which. */
async function serveInMemory(): Promise<number> {
  const started = performance.now();
  await using broker = startBroker("--memory", "--port", "0");
  const [, port] = await broker.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
  if (!await isAnswered(Number(port))) throw new Error("Cannot connect");
  return performance.now() - started;
}

/** With all that the command has when it is given no options; its port is tried again and again, as programs do
 * that wait for a broker. */
async function serveWithAll(): Promise<number> {
  const directory = await Deno.makeTempDir();
  const [port, management, metrics] = freePorts(3);
  try {
    const started = performance.now();
    await using broker = startBroker(
      ...["--data-dir", directory, "--port", `${port}`],
      ...["--management-port", `${management}`, "--prometheus-port", `${metrics}`],
    );
    while (!await isAnswered(port)) await new Promise((resolve) => setTimeout(resolve, 1));
    const took = performance.now() - started;
    // it is asked to end when all of it is there
    await broker.waitForOutput(/startup complete/, START_MS);
    return took;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function startBroker(...options: string[]): BackgroundProcess {
  const args = ["run", "-A", repositoryFile("broker/main.ts"), ...options];
  return new BackgroundProcess({ command: Deno.execPath(), args });
}

/** Connects and waits for `connection.start`; false when nobody listens yet. */
async function isAnswered(port: number): Promise<boolean> {
  let socket: Deno.TcpConn;
  try {
    socket = await Deno.connect({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
  using _ = socket;
  await socket.write(PROTOCOL_HEADER);
  if (await socket.read(new Uint8Array(512)) === null) throw new Error("Cannot connect");
  return true;
}

async function firstDelivery(): Promise<number[]> {
  return (await output(["bench/tools/start/first_delivery.ts"])).split(" ").map(Number);
}

async function output([program, ...args]: readonly [string, ...string[]]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", repositoryFile(program), ...args],
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}

function repositoryFile(path: string): string {
  return new URL(`../../${path}`, import.meta.url).pathname;
}
