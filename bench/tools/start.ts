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
const served = await medianOf(serve);
console.log(verdict("start to first connection", served, FIRST_CONNECTION_MS_MAX, "ms"));
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

/** Until `connection.start` has come, so that it is sure that the broker is there. */
async function serve(): Promise<number> {
  const program = repositoryFile("broker/main.ts");
  const started = performance.now();
  await using broker = new BackgroundProcess({
    command: Deno.execPath(),
    args: ["run", "-A", program, "--memory", "--port", "0"],
  });
  const [, port] = await broker.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
  using socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  await socket.write(PROTOCOL_HEADER);
  if (await socket.read(new Uint8Array(512)) === null) throw new Error("Cannot connect");
  return performance.now() - started;
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
