// deno-lint-ignore-file no-console -- a program of its own
/**
 * What a second core could bring: publishes come over a socket and are looked at in the main thread,
 * read there or by a worker that passes whole frames on in shared memory. Prints what each thread
 * spends on a message, and how long it takes to wake the other one and be woken by it.
 *
 * ```text
 * deno run -A bench/tools/second_core.ts [--secs 3]
 * ```
 *
 * The time of a thread is the kernel's, so this needs Linux.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { programArguments, refuseUnknown } from "../support/arguments.ts";
import { ByteWriter } from "../../broker/amqp/byte_writer.ts";
import { TABLE_DEPTH_MAX } from "../../broker/amqp/constants.ts";
import { Content } from "../../broker/amqp/content.ts";
import { writeContent, writeMethod } from "../../broker/amqp/frame_writer.ts";
import { basicPublish } from "../../broker/amqp/methods/basic.ts";
import { PublishScan } from "../../broker/amqp/publish_scan.ts";
import { threadTimes } from "../support/process_figures.ts";
import { SLOT_SIZE, SLOTS } from "./second_core_worker.ts";

const CHANNEL = 1;
const CHUNK_MESSAGES = 1000;
const PINGS = 5000;
const WARM_MS = 2000;

const options = parseArgs(programArguments(), {
  unknown: refuseUnknown("second_core"),
  string: ["secs"],
  default: { secs: "3" },
});
const measureMs = Number(options.secs) * 1000;
console.log(`read in the main thread: ${await readHere()}`);
console.log(`read in a worker:        ${await readInWorker()}`);
console.log(`to the worker and back:  ${await ping()}`);

/** Publishes of 16 bytes, one behind the other. */
function publishes(): Uint8Array {
  const out = new ByteWriter();
  const content = new Content();
  content.body = new Uint8Array(16);
  content.bodyEnd = 16;
  for (let index = 0; index < CHUNK_MESSAGES; index++) {
    writeMethod(out, CHANNEL, basicPublish({ routingKey: "blast-0" }), 0);
    writeContent(out, CHANNEL, content, 0);
  }
  return out.written();
}

/** Another process, which writes them as fast as they are taken. */
function sender(port: number): Deno.ChildProcess {
  const program = `
    const bytes = Uint8Array.fromBase64(Deno.args[1]);
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(Deno.args[0]) });
    while (true) for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));`;
  const args = ["eval", program, `${port}`, publishes().toBase64()];
  return new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "null" }).spawn();
}

/** Looks at whole publishes; returns how many there are, and where a part of one begins. */
function look(scan: PublishScan, bytes: Uint8Array, view: DataView, high: number) {
  let [low, count] = [0, 0];
  while (scan.finds(bytes, view, low, high, CHANNEL, SLOT_SIZE, TABLE_DEPTH_MAX)) {
    low = scan.end;
    count++;
  }
  return { low, count };
}

/** Lets steps run until they are compiled, then for as long as was asked, and says what they cost. */
async function measure(step: () => Promise<number>): Promise<string> {
  for (const warm = performance.now() + WARM_MS; performance.now() < warm;) await step();
  const [before, began] = [threadTimes(), performance.now()];
  let messages = 0;
  while (performance.now() - began < measureMs) messages += await step();
  const seconds = (performance.now() - began) / 1000;
  const spent = [...threadTimes()].map(([thread, ns]) => ({
    thread,
    ns: (ns - (before.get(thread) ?? 0)) / messages,
  }));
  const busy = spent.filter(({ ns }) => ns >= 5).sort((a, b) => b.ns - a.ns);
  return `${(messages / seconds / 1e6).toFixed(2)} M messages/s; ` +
    busy.map(({ thread, ns }) => `${thread} ${ns.toFixed(0)} ns`).join(", ") + " a message";
}

async function readHere(): Promise<string> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const child = sender(listener.addr.port);
  using socket = await listener.accept();
  const scan = new PublishScan();
  const bytes = new Uint8Array(2 * SLOT_SIZE);
  const view = new DataView(bytes.buffer);
  let high = 0;
  const line = await measure(async () => {
    high += await socket.read(bytes.subarray(high, high + SLOT_SIZE)) ?? 0;
    const { low, count } = look(scan, bytes, view, high);
    bytes.copyWithin(0, low, high);
    high -= low;
    return count;
  });
  child.kill("SIGKILL");
  await child.status;
  return line;
}

interface Shared {
  readonly worker: Worker;
  readonly port: number;
  /** How many slots were filled, how many emptied, and the size of what is in each. */
  readonly places: Int32Array<SharedArrayBuffer>;
  readonly slots: SharedArrayBuffer;
}

async function startWorker(): Promise<Shared> {
  const worker = new Worker(import.meta.resolve("./second_core_worker.ts"), { type: "module" });
  const slots = new SharedArrayBuffer(SLOTS * SLOT_SIZE);
  const places = new Int32Array(new SharedArrayBuffer(4 * (2 + SLOTS)));
  const started = new Promise<number>((resolve) => worker.onmessage = ({ data }) => resolve(data));
  worker.postMessage({ slots, places });
  return { worker, port: await started, places, slots };
}

async function readInWorker(): Promise<string> {
  const { worker, port, places, slots } = await startWorker();
  const child = sender(port);
  const scan = new PublishScan();
  const views = Array.from({ length: SLOTS }, (_, slot) => ({
    bytes: new Uint8Array(slots, slot * SLOT_SIZE, SLOT_SIZE),
    view: new DataView(slots, slot * SLOT_SIZE, SLOT_SIZE),
  }));
  let emptied = 0;
  const line = await measure(async () => {
    while (Atomics.load(places, 0) === emptied) await Atomics.waitAsync(places, 0, emptied).value;
    const slot = emptied % SLOTS;
    const { bytes, view } = views[slot]!;
    const { count } = look(scan, bytes, view, Atomics.load(places, 2 + slot));
    Atomics.store(places, 1, ++emptied);
    Atomics.notify(places, 1);
    return count;
  });
  worker.terminate();
  child.kill("SIGKILL");
  await child.status;
  return line;
}

/** What it takes to hand something over when the other side has nothing else to do. */
async function ping(): Promise<string> {
  const { worker, port, places } = await startWorker();
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const one = publishes().subarray(0, publishes().length / CHUNK_MESSAGES);
  const times: number[] = [];
  for (let filled = 0; filled < PINGS; filled++) {
    const began = performance.now();
    await socket.write(one);
    while (Atomics.load(places, 0) === filled) await Atomics.waitAsync(places, 0, filled).value;
    times.push(performance.now() - began);
    Atomics.store(places, 1, filled + 1);
    Atomics.notify(places, 1);
  }
  worker.terminate();
  times.sort((a, b) => a - b);
  const at = (share: number) => `${times[Math.floor(share * PINGS)]!.toFixed(3)} ms`;
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, the way through the socket included`;
}
