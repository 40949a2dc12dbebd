// deno-lint-ignore-file no-console -- a program of its own
/**
 * Where TLS can be ended, and what each place costs: in the main thread as the broker does it, there by
 * the runtime's own listener, in a worker by either of the two, which passes on to the broker's socket
 * file, and in HAProxy if that is installed. Prints what went through, and what each thread spent on a
 * message, so that one can tell what is left on the main thread wherever the other threads find a core.
 *
 * ```text
 * deno run -A bench/tools/tls_places.ts [--rounds 3] [--places main,worker] [key=value ...]
 * deno run -A bench/tools/tls_places.ts --storm [--clients 200]
 * deno run -A bench/tools/tls_places.ts --accept [--clients 5000]
 * ```
 *
 * The other arguments are those of blast. `--storm` has many clients shake hands at once, and another one
 * that asks by TCP meanwhile; `--accept` measures accepting alone, by one thread and by two on one port.
 * The time of a thread is the kernel's, so this needs Linux.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { CA, certificate } from "../../tests/support/certificates.ts";
import { programArguments, refuseUnknown } from "../support/arguments.ts";
import { Blast } from "../support/compare/blast.ts";
import type { BlastReport } from "../support/compare/loads.ts";
import { threadTimes } from "../support/process_figures.ts";
import { Probe } from "../support/probe.ts";

const PLACES = [
  "plain",
  "main",
  "main-runtime",
  "worker-runtime",
  "worker",
  "worker-plain",
  "haproxy",
];
const STORM_PLACES = ["main", "main-runtime", "worker-runtime", "worker", "haproxy"];
const ACCEPT_PLACES = ["accept-main", "accept-workers"];
const AT_ONCE = 50;
/** What is less than this for a message is nobody's work. */
const SHOWN_NS = 3;

const refuse = refuseUnknown("tls_places.ts");
const blastArgs: string[] = [];
const options = parseArgs(programArguments(), {
  boolean: ["storm", "accept"],
  string: ["rounds", "places", "clients"],
  default: { rounds: "3", places: "", clients: "" },
  unknown: (arg) => /^[a-z]+=/.test(arg) ? void blastArgs.push(arg) : refuse(arg),
});
const rounds = Number(options.rounds);
const usual = options.storm ? STORM_PLACES : options.accept ? ACCEPT_PLACES : PLACES;
const places = options.places === "" ? usual : `${options.places}`.split(",");

/** The broker, in a process of its own. */
const child = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "-A",
    "--unstable-net", // two listeners on one port
    new URL("tls_places_broker.ts", import.meta.url).pathname,
    "plain",
    ...places,
  ],
  stdin: "piped",
  stdout: "piped",
}).spawn();
const stdin = child.stdin.getWriter();
const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
let unread = "";
const { ports, directory } = await answer() as { ports: Record<string, number>; directory: string };
const haproxy = places.includes("haproxy") ? await startHaproxy() : undefined;
try {
  if (options.storm) await storms();
  else if (options.accept) await accepting();
  else await loads();
} finally {
  haproxy?.kill("SIGKILL");
  await stdin.close();
  await child.status;
}

async function answer(): Promise<unknown> {
  while (!unread.includes("\n")) {
    const { value, done } = await output.read();
    if (done) throw new Error("the broker ended");
    unread += value;
  }
  const end = unread.indexOf("\n");
  const line = unread.slice(0, end);
  unread = unread.slice(end + 1);
  return JSON.parse(line);
}

/** What the threads of the broker have used so far, and HAProxy, in nanoseconds. */
async function threads(): Promise<Map<string, number>> {
  await stdin.write(new TextEncoder().encode("\n"));
  const all = new Map(await answer() as [string, number][]);
  if (haproxy !== undefined) {
    const sum = [...threadTimes(haproxy.pid).values()].reduce((one, other) => one + other, 0);
    all.set("haproxy", sum);
  }
  return all;
}

/** What a step made threads spend, by kind: the main one, workers, V8's helpers, HAProxy. */
async function spent<Result>(step: () => Promise<Result>): Promise<[Result, Map<string, number>]> {
  const before = await threads();
  const result = await step();
  const kinds = new Map<string, number>();
  for (const [thread, ns] of await threads()) {
    const kind = thread.startsWith("worker") ? "worker" : thread.replace(/ .*/, "");
    kinds.set(kind, (kinds.get(kind) ?? 0) + ns - (before.get(thread) ?? 0));
  }
  return [result, kinds];
}

function each(kinds: readonly ReadonlyMap<string, number>[], unit: (ns: number) => string): string {
  const names = new Set(kinds.flatMap((one) => [...one.keys()]));
  return [...names].map((name) => ({ name, ns: median(kinds.map((one) => one.get(name) ?? 0)) }))
    .filter(({ ns }) => ns >= SHOWN_NS).map(({ name, ns }) => `${name} ${unit(ns)}`).join(", ");
}

async function loads(): Promise<void> {
  await using blast = await Blast.build();
  if (blast === undefined) throw new Error("Cannot build blast: rustc is not installed");
  const reports = new Map<string, BlastReport[]>(places.map((place) => [place, []]));
  const costs = new Map<string, Map<string, number>[]>(places.map((place) => [place, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const place of places) {
      const tls = place.endsWith("plain") ? [] : ["tls=1"];
      const args = ["warm=0.5", "secs=1", ...tls, ...blastArgs];
      const [report, kinds] = await spent(() => blast.run(ports[place]!, args));
      if (round === 0) continue; // the compiler's
      reports.get(place)!.push(report);
      const messages = Math.max(report.sent, report.received);
      costs.get(place)!.push(new Map([...kinds].map(([kind, ns]) => [kind, ns / messages])));
    }
  }
  for (const [place, all] of reports) {
    const of = (field: keyof BlastReport) => median(all.map((one) => one[field]));
    const rate = Math.max(of("sent_per_s"), of("received_per_s"));
    console.log(
      `${place.padEnd(16)} ${rate} messages/s, ${of("mb_per_s")} MB/s, p50 ${of("p50_ms")} ms, ` +
        `p99 ${of("p99_ms")} ms; ${
          each(costs.get(place)!, (ns) => `${ns.toFixed(0)} ns`)
        } a message`,
    );
  }
}

async function storms(): Promise<void> {
  const clients = options.clients || "200";
  await using probe = await Probe.start(ports["plain"]!, 1);
  for (const place of places) {
    const waits: number[] = [];
    const p99s: number[] = [];
    const durations: number[] = [];
    const costs: Map<string, number>[] = [];
    for (let round = 0; round <= rounds; round++) {
      await probe.report();
      const [ms, kinds] = await spent(() => storm(ports[place]!, clients));
      const { longestMs, p99Ms } = await probe.report();
      if (round === 0) continue;
      waits.push(longestMs);
      p99s.push(p99Ms);
      durations.push(ms);
      costs.push(new Map([...kinds].map(([kind, ns]) => [kind, ns / 1e6])));
    }
    console.log(
      `${place.padEnd(16)} ${clients} handshakes in ${median(durations).toFixed(0)} ms; another ` +
        `client waited ${median(waits).toFixed(1)} ms at most, p99 ${
          median(p99s).toFixed(1)
        } ms; ` +
        each(costs, (ms) => `${ms.toFixed(0)} ms`),
    );
  }
}

/** Milliseconds until all have shaken hands. They have only the time that the broker leaves. */
async function storm(port: number, clients: string): Promise<number> {
  const program = `
    const [port, clients, ca] = Deno.args;
    const options = { hostname: "127.0.0.1", port: Number(port), caCerts: [ca] };
    const one = async () => {
      const socket = await Deno.connectTls(options);
      await socket.handshake();
      return socket;
    };
    (await one()).close();
    const began = performance.now();
    const all = await Promise.all(Array.from({ length: Number(clients) }, one));
    console.log(performance.now() - began);
    for (const socket of all) socket.close();`;
  return await run("nice", ["-n", "10", Deno.execPath(), "eval", program, `${port}`, clients, CA]);
}

async function accepting(): Promise<void> {
  const clients = Number(options.clients || "5000");
  const program = `
    const [port, clients] = Deno.args.map(Number);
    const one = async () => {
      const socket = await Deno.connect({ hostname: "127.0.0.1", port });
      await socket.read(new Uint8Array(1)).catch(() => {});
      socket.close();
    };
    const began = performance.now();
    for (let left = clients; left > 0; left -= ${AT_ONCE}) {
      await Promise.all(Array.from({ length: ${AT_ONCE} }, one));
    }
    console.log(performance.now() - began);`;
  for (const place of places) {
    const rates: number[] = [];
    const costs: Map<string, number>[] = [];
    for (let round = 0; round <= rounds; round++) {
      const args = ["eval", program, `${ports[place]}`, `${clients}`];
      const [ms, kinds] = await spent(() => run(Deno.execPath(), args));
      if (round === 0) continue;
      rates.push(clients / ms * 1000);
      costs.push(new Map([...kinds].map(([kind, ns]) => [kind, ns / clients])));
    }
    console.log(
      `${place.padEnd(16)} ${median(rates).toFixed(0)} connections/s accepted and closed; ` +
        `${each(costs, (ns) => `${(ns / 1000).toFixed(1)} us`)} each`,
    );
  }
}

/** The number that a program prints. */
async function run(program: string, args: string[]): Promise<number> {
  const { success, stdout } = await new Deno.Command(program, { args, stderr: "inherit" }).output();
  if (!success) throw new Error(`${program} failed`);
  return Number(new TextDecoder().decode(stdout));
}

/** One thread of it, in front of the broker's socket file for proxies. */
async function startHaproxy(): Promise<Deno.ChildProcess> {
  using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  ports["haproxy"] = free.addr.port;
  free.close();
  const { cert, key } = certificate("server");
  await Deno.writeTextFile(`${directory}/both.pem`, cert + key);
  await Deno.writeTextFile(
    `${directory}/haproxy.cfg`,
    `global
  nbthread 1
  maxconn 2000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen amqps
  bind 127.0.0.1:${ports["haproxy"]} ssl crt ${directory}/both.pem
  server broker unix@${directory}/proxied send-proxy-v2
`,
  );
  const proxy = new Deno.Command("haproxy", { args: ["-db", "-f", `${directory}/haproxy.cfg`] })
    .spawn();
  for (let tries = 0;; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port: ports["haproxy"] })).close();
      return proxy;
    } catch (cause) {
      if (tries === 50) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}
