// deno-lint-ignore-file no-console -- a program of its own
/**
 * What Warren does under a load, as V8 sees it: runs the broker with the inspector, `blast` against it
 * twice, once to warm up, and prints what the second run took.
 *
 * ```text
 * deno run -A bench/tools/profile.ts [--time|--allocations|--deopts] [key=value ...]
 * ```
 *
 * `--time`, the default, prints the functions that were running most often, by samples; `--allocations`
 * those that made most objects and buffers, in bytes, whether they are still alive or not, and how many
 * bytes that is for each message; `--deopts` the functions whose optimised code was thrown away, how
 * often, and why. The other arguments are those of blast; with `tls=1` the broker is asked by TLS, with
 * `persistent=1` it has a directory of its own.
 *
 * Functions that were inlined count as part of those that they were inlined into.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { BackgroundProcess } from "../../tests/interop/background_process.ts";
import { certificatePath } from "../../tests/support/certificates.ts";
import { programArguments, refuseUnknown } from "../support/arguments.ts";
import { Blast } from "../support/compare/blast.ts";
import type { BlastReport } from "../support/compare/loads.ts";
import { Inspector } from "../support/inspector.ts";

const SHOWN = 25;
const START_MS = 60_000;
const SAMPLE_MICROSECONDS = 200;
const SAMPLE_BYTES = 8192;

const refuse = refuseUnknown("profile.ts");
const blastArgs: string[] = [];
const flags = parseArgs(programArguments(), {
  boolean: ["time", "allocations", "deopts"],
  unknown: (arg) => /^[a-z]+=/.test(arg) ? void blastArgs.push(arg) : refuse(arg),
});

await using blast = await Blast.build();
if (blast === undefined) throw new Error("Cannot build blast: rustc is not installed");
const secure = blastArgs.includes("tls=1");
const directory = blastArgs.includes("persistent=1")
  ? await Deno.makeTempDir({ prefix: "profile-" })
  : undefined;
await using _removed = {
  [Symbol.asyncDispose]: async () => {
    if (directory !== undefined) await Deno.remove(directory, { recursive: true });
  },
};
const main = new URL("../../broker/main.ts", import.meta.url).pathname;
await using broker = new BackgroundProcess({
  command: Deno.execPath(),
  args: [
    "run",
    "-A",
    "--inspect=127.0.0.1:0",
    ...(flags.deopts ? ["--v8-flags=--trace-deopt"] : []),
    main,
    "--port=0",
    ...(directory === undefined ? ["--memory"] : [`--data-dir=${directory}`]),
    ...(secure ? tlsArgs() : []),
    "--log-level=none",
  ],
  env: { NO_COLOR: "1" },
});
const [, inspectorUrl] = await broker.waitForOutput(/(ws:\/\/\S+)/, START_MS);
const address = secure ? /amqps:\/\/127\.0\.0\.1:(\d+)/ : /amqp:\/\/127\.0\.0\.1:(\d+)/;
const [, port] = await broker.waitForOutput(address, START_MS);
using inspector = await Inspector.open(inspectorUrl!);
const run = () => blast.run(Number(port), blastArgs);
await run();
for (const line of await (flags.allocations ? allocations : flags.deopts ? deopts : time)()) {
  console.log(line);
}

function tlsArgs(): string[] {
  const [cert, key] = ["server.pem", "server.key"].map(certificatePath);
  return ["--tls-port=0", "--host=127.0.0.1", `--tls-cert=${cert}`, `--tls-key=${key}`];
}

/** A function at a place in a call tree. */
interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}

function nameOf({ functionName, url }: CallFrame): string {
  // without the line: it is that of the code without types
  return `${functionName || "(anonymous)"}  ${url.replace(/^.*\/(broker|client)\//, "$1/")}`;
}

/** What is most of something, with its share. */
function most(amounts: ReadonlyMap<string, number>): string[] {
  const all = [...amounts.values()].reduce((sum, amount) => sum + amount, 0);
  return [...amounts].sort(([, a], [, b]) => b - a).slice(0, SHOWN)
    .map(([name, amount]) => `${percent(amount, all)} %  ${name}`);
}

function percent(amount: number, all: number): string {
  return (amount / all * 100).toFixed(1).padStart(5);
}

function add(amounts: Map<string, number>, name: string, amount: number): void {
  amounts.set(name, (amounts.get(name) ?? 0) + amount);
}

function messagesOf({ sent, received }: BlastReport): number {
  return Math.max(sent, received);
}

/** The functions that most samples found on top, with their share; before them, the time without any. */
async function time(): Promise<string[]> {
  interface ProfileNode {
    readonly callFrame: CallFrame;
    /** How many samples found it on top. */
    readonly hitCount: number;
  }
  await inspector.ask("Profiler.enable");
  await inspector.ask("Profiler.setSamplingInterval", { interval: SAMPLE_MICROSECONDS });
  await inspector.ask("Profiler.start");
  const report = await run();
  const { profile } = await inspector.ask("Profiler.stop") as {
    profile: { nodes: ProfileNode[] };
  };
  const hits = new Map<string, number>();
  let [idle, busy] = [0, 0];
  for (const { callFrame, hitCount } of profile.nodes) {
    if (callFrame.functionName === "(root)") continue;
    if (callFrame.functionName === "(idle)") idle += hitCount;
    else {
      busy += hitCount;
      add(hits, nameOf(callFrame), hitCount);
    }
  }
  return [
    JSON.stringify(report),
    `${percent(idle, idle + busy)} % of the time idle; of the rest:`,
    ...most(hits),
  ];
}

/** The functions that allocated most bytes. */
async function allocations(): Promise<string[]> {
  interface HeapNode {
    readonly callFrame: CallFrame;
    /** How many bytes the objects have that it made itself. */
    readonly selfSize: number;
    readonly children: readonly HeapNode[];
  }
  await inspector.ask("HeapProfiler.enable");
  await inspector.ask("HeapProfiler.startSampling", {
    samplingInterval: SAMPLE_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  const report = await run();
  const { profile } = await inspector.ask("HeapProfiler.stopSampling") as {
    profile: { head: HeapNode };
  };
  const sizes = new Map<string, number>();
  let all = 0;
  for (const nodes = [profile.head]; nodes.length > 0;) {
    const { callFrame, selfSize, children } = nodes.pop()!;
    if (selfSize > 0) add(sizes, nameOf(callFrame), selfSize);
    all += selfSize;
    nodes.push(...children);
  }
  const perMessage = all / messagesOf(report);
  return [
    JSON.stringify(report),
    `${perMessage.toFixed(1)} bytes of the heap for each message that was counted; of these:`,
    ...most(sizes),
  ];
}

/** The functions whose optimised code turned out wrong, most often first. */
async function deopts(): Promise<string[]> {
  const begin = broker.output.length;
  const report = await run();
  const counts = new Map<string, number>();
  const lines = broker.output.slice(begin).matchAll(
    /\[bailout \(kind: (?<kind>[\w-]+), reason: (?<reason>[^)]*)\).*?<JSFunction ?(?<name>\S*) \(/g,
  );
  let all = 0;
  for (const { groups } of lines) {
    all++;
    add(
      counts,
      `${groups!["name"] || "(anonymous)"}: ${groups!["reason"]} (${groups!["kind"]})`,
      1,
    );
  }
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return [
    JSON.stringify(report),
    `${all} times optimised code was thrown away while ${
      messagesOf(report)
    } messages were counted:`,
    ...most.map(([what, count]) => `${String(count).padStart(6)}  ${what}`),
  ];
}
