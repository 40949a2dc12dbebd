// deno-lint-ignore-file no-console -- a program of its own
/**
 * What doing nothing costs a served broker: memory for each of many idle connections, channels and
 * queues, and the CPU that it uses while nobody asks for anything. Beside it what accepted sockets
 * cost this runtime by themselves.
 *
 * ```text
 * deno run -A bench/tools/idle.ts [--count 10000]
 * ```
 *
 * Connections are another process's, so both ends need as many open files as there are connections:
 * the limit is raised with `prlimit` where that is allowed, and otherwise there are fewer of them.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "../support/arguments.ts";
import { connect } from "../../mod.ts";
import { BackgroundProcess } from "../../tests/interop/background_process.ts";
import { cpuTicks, openFilesMax, residentBytes } from "../support/process_figures.ts";
import { verdict } from "../support/verdict.ts";

const START_MS = 60_000;
const OPEN_MS = 300_000;
/** What was just done is still being cleaned up for so long. */
const SETTLE_MS = 3000;
const IDLE_MS = 5000;
/** Files that a process has open besides. */
const OTHER_FILES = 200;
const KIBIBYTE = 1024;

const CONNECTION_KIB_MAX = 20;
const QUEUE_KIB_MAX = 8;
/** Of 10 ms each: a collection of garbage is no polling. */
const IDLE_TICKS_MAX = 5;

const options = parseArgs(programArguments(), {
  unknown: refuseUnknown("idle"),
  string: ["count"],
  default: { count: "10000" },
});
const wanted = Number(options.count);
const { count, limit } = await allowedConnections(wanted);
if (count < wanted) {
  console.log(`${count} connections instead of ${wanted}: open files are limited`);
}

const bare = await measure([repositoryFile("bench/tools/idle/accept.ts")], connecting("socket"));
console.log(`an accepted socket that is read, without a broker: ${kibibytes(bare.bytesEach)} KiB`);
const memory = [repositoryFile("broker/main.ts"), "--port", "0", "--log-level", "none", "--memory"];
for (const kind of ["connection", "channel"]) {
  const what = kind === "channel" ? "a connection with a channel" : "a connection";
  tell(what, CONNECTION_KIB_MAX, await measure(memory, connecting(kind)));
}
tell("a transient queue", QUEUE_KIB_MAX, await measure(memory, declaring(false)));
const dataDir = await Deno.makeTempDir({ prefix: "warren-" });
try {
  const onDisk = [...memory.slice(0, -1), "--data-dir", dataDir];
  tell("a durable queue", QUEUE_KIB_MAX, await measure(onDisk, declaring(true)));
} finally {
  await Deno.remove(dataDir, { recursive: true });
}

/** What the process costs for one of the things that are in it. */
interface IdleCost {
  readonly things: number;
  readonly bytesEach: number;
  /** CPU used in {@linkcode IDLE_MS}. */
  readonly ticks: number;
}

/** Makes idle things on the broker that listens on a port, and tells how many; until disposed of. */
type Making = (port: number, stack: AsyncDisposableStack) => Promise<number>;

/** Starts a program, fills it with idle things, and looks at it before and after. */
async function measure(program: readonly string[], make: Making): Promise<IdleCost> {
  await using stack = new AsyncDisposableStack();
  const process = stack.use(deno(program));
  const [, port] = await process.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
  await passed(SETTLE_MS);
  const before = await residentBytes(process.pid);
  const things = await make(Number(port), stack);
  await passed(SETTLE_MS);
  const ticks = await cpuTicks(process.pid);
  await passed(IDLE_MS);
  const used = await cpuTicks(process.pid) - ticks;
  const bytesEach = (await residentBytes(process.pid) - before) / things;
  return { things, bytesEach, ticks: used };
}

function connecting(kind: string): Making {
  return async (port, stack) => {
    const program = repositoryFile("bench/tools/idle/connections.ts");
    const clients = stack.use(deno([program, `${port}`, `${count}`, kind]));
    await clients.waitForOutput(/opened/, OPEN_MS);
    return count;
  };
}

function declaring(durable: boolean): Making {
  return async (port, stack) => {
    const connection = stack.use(await connect(`amqp://guest:guest@127.0.0.1:${port}`));
    const channel = await connection.openChannel();
    await Promise.all(Array.from(
      { length: wanted },
      (_, number) => channel.queueDeclare(`idle-${number}`, { durable }),
    ));
    return wanted;
  };
}

function tell(what: string, kibibytesMax: number, { things, bytesEach, ticks }: IdleCost): void {
  console.log(verdict(what, bytesEach / KIBIBYTE, kibibytesMax, "KiB"));
  const idle = `CPU in ${IDLE_MS / 1000} idle seconds with ${things}`;
  console.log(`  ${verdict(idle, ticks, IDLE_TICKS_MAX, "ticks of 10 ms")}`);
}

/** Runs a program with as many open files as are needed. */
function deno(program: readonly string[]): BackgroundProcess {
  const args = ["run", "-A", ...program];
  if (limit === undefined) return new BackgroundProcess({ command: Deno.execPath(), args });
  const all = [`--nofile=${limit}:${limit}`, Deno.execPath(), ...args];
  return new BackgroundProcess({ command: "prlimit", args: all });
}

/** How many connections a process can have, and the limit to be set for that, if any. */
async function allowedConnections(
  wanted: number,
): Promise<{ count: number; limit: number | undefined }> {
  const needed = wanted + OTHER_FILES;
  const allowed = await openFilesMax();
  if (allowed >= needed) return { count: wanted, limit: undefined };
  const raised = new Deno.Command("prlimit", { args: [`--nofile=${needed}:${needed}`, "true"] });
  const success = await raised.output().then(({ success }) => success, () => false);
  if (success) return { count: wanted, limit: needed };
  return { count: allowed - OTHER_FILES, limit: undefined };
}

function repositoryFile(path: string): string {
  return new URL(`../../${path}`, import.meta.url).pathname;
}

function kibibytes(bytes: number): string {
  return (bytes / KIBIBYTE).toFixed(1);
}

/** There is no event for memory that nobody uses any more. */
function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
