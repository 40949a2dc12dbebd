// deno-lint-ignore-file no-console -- a program of its own
/**
 * A long queue of persistent messages, confirmed and consumed by nobody: how much memory and disk it
 * takes, how long a start with it takes, how fast it drains beside a queue that stays empty, and how
 * long the broker pauses meanwhile, which another connection sees that asks it something each 10 ms.
 * Warren and RabbitMQ one after the other on loopback, in temporary folders.
 *
 * ```text
 * deno run -A bench/backlog.ts [--count 1000000] [--size 100] [--only Warren]
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "./support/arguments.ts";
import { Blast } from "./support/compare/blast.ts";
import { Probe, type ProbeReport } from "./support/probe.ts";
import { residentBytes } from "./support/process_figures.ts";
import { type RestartableBroker, startRabbit, startWarren } from "./support/restartable.ts";
import { verdict } from "./support/verdict.ts";

/** How the messages are consumed: the same of a long queue and of one that stays empty. */
const CONSUMING = ["persistent=1", "prefetch=1000", "ack=200"];
/** For so long nothing happens to the long queue. */
const WAITING_MS = 5000;
const PAUSE_MS_MAX = 50;
const DRAIN_SHARE_MIN = 0.8;
const MEBIBYTE = 2 ** 20;

const options = parseArgs(programArguments(), {
  unknown: refuseUnknown("backlog"),
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

async function measure(subject: RestartableBroker, blast: Blast): Promise<void> {
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
  const { waiting, draining, drained, empty } = await drain(subject.port, blast);
  console.log([
    `${subject.name}, ${count.toLocaleString("en")} messages of ${size} bytes:`,
    `  ${Math.round(report.confirmed_per_s).toLocaleString("en")} confirmed/s`,
    `  memory ${mebibytes(memory)} (${mebibytes(memoryBefore)} before); ` +
    `after a restart ${mebibytes(memoryAfterStart)}`,
    `  disk ${mebibytes(disk - diskBefore)}: ` +
    `${((disk - diskBefore) / count).toFixed(0)} bytes for one`,
    `  start ${(startMs / 1000).toFixed(2)} s, with nothing ${(emptyMs / 1000).toFixed(2)} s`,
    `  drained at ${Math.round(drained).toLocaleString("en")} messages/s, ` +
    `${(drained / empty).toFixed(2)} of an empty queue's rate (goal: at least ` +
    `${DRAIN_SHARE_MIN}, ${drained / empty >= DRAIN_SHARE_MIN ? "met" : "MISSED"})`,
    `  ${pauses("while they wait", waiting)}`,
    `  ${pauses("while they drain", draining)}`,
  ].join("\n"));
}

/** Consumes and acks all. Returns the rate, that of a queue that stays empty, and how long the broker
 * took to answer. */
async function drain(port: number, blast: Blast) {
  await using probe = await Probe.start(port);
  await new Promise((resolve) => setTimeout(resolve, WAITING_MS));
  const waiting = await probe.report();
  const drained = await blast.run(port, [...CONSUMING, `drain=${count}`]);
  const draining = await probe.report();
  if (drained.received !== count) throw new Error(`${drained.received} of ${count} came`);
  const empty = await blast.run(port, [...CONSUMING, `size=${size}`]);
  return { waiting, draining, drained: drained.received_per_s, empty: empty.received_per_s };
}

function pauses(when: string, { answers, p99Ms, longestMs }: ProbeReport): string {
  const what = `longest of ${answers} answers ${when}, p99 ${p99Ms.toFixed(1)} ms`;
  return verdict(what, longestMs, PAUSE_MS_MAX, "ms");
}

/** From asking it to stop until it answers again. */
async function timed(action: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await action();
  return performance.now() - started;
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
