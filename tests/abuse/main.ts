// deno-lint-ignore-file no-console -- a program for the terminal
/**
 * Abuses a broker in every way there is (`attacks.ts`), each time a new process, and prints what it cost
 * the broker and how a client fared that behaved: `deno task abuse`, or with `--only=TLS` those whose name
 * has that in it, or with `--scale=0.1` a tenth of each.
 *
 * It ends with 1 when the p99 of the time in which a message was confirmed and came back was over
 * {@linkcode LATENCY_MS_MAX}, one of them took longer than {@linkcode STALL_MS_MAX}, a login took longer than {@linkcode LOGIN_MS_MAX}, or something went wrong
 * in the broker that nobody had foreseen. With clients enough, both ends need as many open files.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { cpuTicks, residentBytes } from "../../bench/support/process_figures.ts";
import { BrokerChild } from "../support/broker_child.ts";
import { CA } from "../support/certificates.ts";
import { type Attack, ATTACKS } from "./attacks.ts";
import { fare, type Fares, percentile } from "./healthy_client.ts";

/** The healthy client's p99 must be within this, in milliseconds. */
const LATENCY_MS_MAX = 100;
/** And the slowest of all messages: when ten thousand sockets go at once, each takes the broker some fifty
 * microseconds, most of them the system's, and whoever comes meanwhile is behind them. */
const STALL_MS_MAX = 5000;
/** And each login, which hashes or finds a password, and with TLS shakes hands. */
const LOGIN_MS_MAX = 2000;
/** The healthy client alone, to compare with. */
const ALONE_MS = 2000;
const LOOK_MS = 100;
const PROGRAM = new URL("attack.ts", import.meta.url).pathname;

const args = parseArgs(Deno.args, { string: ["only", "scale"], default: { scale: "1" } });
const chosen = ATTACKS.filter(({ name }) => name.includes(args.only ?? ""));
let failed = chosen.length === 0;
console.log(
  "| attack | it saw | broker CPU s | RSS MiB before, most, after | p99 ms alone | p50, p99, max ms | " +
    "slowest login ms | |\n| - | - | - | - | - | - | - | - |",
);
for (const attack of chosen) {
  const { row, ok } = await suffer(attack);
  failed ||= !ok;
  console.log(`| ${[...row, ok ? "ok" : "FAILED"].join(" | ")} |`);
}
Deno.exit(failed ? 1 : 0);

async function suffer(attack: Attack): Promise<{ row: readonly string[]; ok: boolean }> {
  const dataDir = attack.onDisk ? await Deno.makeTempDir({ prefix: "warren-" }) : undefined;
  try {
    const options = { ...attack.options, ...(dataDir === undefined ? {} : { dataDir }) };
    await using child = await BrokerChild.start(options, { management: true });
    const where = attack.secure
      // of another address than the attacker: of those who begin TLS, the oldest of the address that has
      // the most make room for others
      ? { hostname: "::1", port: child.tlsPort, tls: { ca: CA } }
      : { hostname: "127.0.0.1", port: child.port };
    const alone = await fareFor(
      where,
      () => new Promise((resolve) => setTimeout(resolve, ALONE_MS)),
    );
    const before = await child.figures();
    const ticks = await cpuTicks(child.pid);
    let most = before.rss;
    const looking = setInterval(async () => {
      most = Math.max(most, await residentBytes(child.pid));
    }, LOOK_MS);
    let saw = "";
    const fares = await fareFor(where, async () => {
      const count = Math.ceil(attack.full * Number(args.scale));
      saw = await (attack.byOperator ? asOperator : inProcess)(attack, child, count);
    });
    const cpu = (await cpuTicks(child.pid) - ticks) / 100;
    clearInterval(looking);
    const after = await child.figures();
    for (const error of after.errors) console.log(error);
    const p99 = percentile(fares.latencies, 0.99);
    const login = percentile(fares.logins, 1);
    const ms = (part: number) => percentile(fares.latencies, part).toFixed(1);
    const row = [
      attack.name,
      saw,
      cpu.toFixed(1),
      [before.rss, most, after.rss].map(mebibytes).join(", "),
      percentile(alone.latencies, 0.99).toFixed(1),
      `${ms(0.5)}, ${ms(0.99)}, ${ms(1)}`,
      login.toFixed(0),
    ];
    const stall = percentile(fares.latencies, 1);
    const ok = p99 <= LATENCY_MS_MAX && stall <= STALL_MS_MAX && login <= LOGIN_MS_MAX &&
      after.errors.length === 0;
    return { row, ok };
  } finally {
    if (dataDir !== undefined) await Deno.remove(dataDir, { recursive: true });
  }
}

/** How the healthy client fares while something goes on. */
async function fareFor(
  where: Parameters<typeof fare>[0],
  what: () => Promise<unknown>,
): Promise<Fares> {
  let over = false;
  const faring = fare(where, () => !over);
  // that of a failure alone counts which came first
  faring.catch(() => {});
  try {
    await what();
  } finally {
    over = true;
  }
  return await faring;
}

function asOperator(attack: Attack, child: BrokerChild, count: number): Promise<string> {
  const { port, tlsPort, managementPort } = child;
  const permit = (pattern: string) => child.permit(pattern);
  return attack.run({ port, tlsPort, managementPort, permit }, count);
}

async function inProcess(
  { name }: Attack,
  { port, tlsPort, managementPort }: BrokerChild,
  count: number,
): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", PROGRAM, name],
      ...[port, tlsPort, managementPort, count].map(String),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`Cannot go on: the attacker "${name}" failed`);
  return new TextDecoder().decode(stdout).trim();
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}`;
}
