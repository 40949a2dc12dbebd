// deno-lint-ignore-file no-console -- a program of its own
/**
 * A long queue of persistent messages, confirmed and consumed by nobody: how much memory and disk it
 * takes, how long a start with it takes, and how fast it drains. Warren and RabbitMQ one after the
 * other on loopback, in temporary folders.
 *
 * ```text
 * deno run -A bench/backlog.ts [--count 1000000] [--size 100] [--only Warren]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { connect } from "../mod.ts";
import { BackgroundProcess } from "../tests/interop/background_process.ts";
import { startRabbitmq } from "../tests/support/rabbitmq.ts";
import { Blast } from "./support/compare/blast.ts";

const QUEUE = "blast-0";
const PREFETCH = 1000;
const START_MS = 60_000;
const MEBIBYTE = 2 ** 20;

interface Subject extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  restart(): Promise<void>;
}

const options = parseArgs(Deno.args, {
  string: ["count", "size", "only"],
  default: { count: "1000000", size: "100", only: "" },
});
const count = Number(options.count);
const size = Number(options.size);

await using blast = await Blast.build();
if (blast === undefined) {
  console.log("skipped: rustc is not installed");
  Deno.exit(0);
}
for (const [name, start] of [["Warren", startWarren], ["RabbitMQ", startRabbit]] as const) {
  if (options.only !== "" && options.only !== name) continue;
  const subject = await start();
  if (subject === undefined) console.log(`${name}: skipped, it is not installed`);
  else await measure(subject, blast);
}

async function measure(subject: Subject, blast: Blast): Promise<void> {
  await using _ = subject;
  const emptyMs = await timed(() => subject.restart());
  const memoryBefore = await residentBytes(subject.pid);
  const diskBefore = await diskBytes(subject.directory);
  const load = ["persistent=1", "confirm=1000", "consumers=0", "keep=1"];
  const report = await blast.run(subject.port, [...load, `count=${count}`, `size=${size}`]);
  const memory = await residentBytes(subject.pid);
  const disk = await diskBytes(subject.directory);
  const startMs = await timed(() => subject.restart());
  const memoryAfterStart = await residentBytes(subject.pid);
  const drained = await drain(subject.port);
  console.log([
    `${subject.name}, ${count.toLocaleString("en")} messages of ${size} bytes:`,
    `  ${Math.round(report.confirmed_per_s).toLocaleString("en")} confirmed/s`,
    `  memory ${mebibytes(memory)} (${mebibytes(memoryBefore)} before); ` +
    `after a restart ${mebibytes(memoryAfterStart)}`,
    `  disk ${mebibytes(disk - diskBefore)}: ` +
    `${((disk - diskBefore) / count).toFixed(0)} bytes for one`,
    `  start ${(startMs / 1000).toFixed(2)} s, with nothing ${(emptyMs / 1000).toFixed(2)} s`,
    `  drained at ${Math.round(drained).toLocaleString("en")} messages/s`,
  ].join("\n"));
}

/** Consumes and acks all. Returns the rate. */
async function drain(port: number): Promise<number> {
  await using connection = await connect(`amqp://guest:guest@127.0.0.1:${port}`);
  const channel = await connection.openChannel();
  await channel.basicQos({ prefetchCount: PREFETCH });
  const started = performance.now();
  const done = Promise.withResolvers<void>();
  let received = 0;
  await channel.basicConsume(QUEUE, {}, (delivery) => {
    received++;
    if (received % (PREFETCH / 5) === 0 || received === count) delivery.ack({ multiple: true });
    if (received === count) done.resolve();
  });
  await done.promise;
  const seconds = (performance.now() - started) / 1000;
  await channel.queueDelete(QUEUE);
  return received / seconds;
}

async function startWarren(): Promise<Subject> {
  const directory = await Deno.makeTempDir({ prefix: "warren-" });
  const path = new URL("../broker/main.ts", import.meta.url).pathname;
  const start = async (port: string) => {
    const args = ["run", "-A", path, "--data-dir", directory, "--port", port];
    const command = Deno.execPath();
    const process = new BackgroundProcess({ command, args });
    const [, found] = await process.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
    return { process, port: Number(found) };
  };
  let { process, port } = await start("0");
  return {
    name: "Warren",
    port,
    directory,
    get pid() {
      return process.pid;
    },
    async restart() {
      await process.stop();
      ({ process, port } = await start(`${port}`));
    },
    async [Symbol.asyncDispose]() {
      await process.stop();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

async function startRabbit(): Promise<Subject | undefined> {
  const server = await startRabbitmq();
  if (server === undefined) return undefined;
  return {
    name: "RabbitMQ",
    port: server.port,
    directory: server.directory,
    get pid() {
      return server.pid;
    },
    restart: () => server.restart(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** From asking it to stop until it answers again. */
async function timed(action: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
}

/** What a process has in memory; Linux tells. */
async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

async function diskBytes(directory: string): Promise<number> {
  let bytes = 0;
  for await (const entry of Deno.readDir(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) bytes += await diskBytes(path);
    else if (entry.isFile) bytes += await Deno.stat(path).then(({ size }) => size, () => 0);
  }
  return bytes;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE).toLocaleString("en")} MiB`;
}
