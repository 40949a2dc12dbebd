// deno-lint-ignore-file no-console -- a program for the terminal
/**
 * Abuses a broker in every way there is (`attacks.ts`), each time a new process, and prints what it cost
 * the broker and how a client fared that behaved: `deno task abuse`, or with `--only=TLS` those whose name
 * has that in it, or with `--scale=0.1` a tenth of each.
 *
 * It ends with 1 when the attacker did not see what it should have, the broker grew by more than is
 * allowed for the attack, the p99 of the time in which a message was confirmed and came back was over
 * 100 ms, one of them took longer than 5 s, a login took longer than 2 s, or something went wrong in the
 * broker that nobody had foreseen (`verdict.ts`). With clients enough, both ends need as many open files.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { cpuTicks, residentBytes } from "../../bench/support/process_figures.ts";
import { BrokerChild } from "../support/broker_child.ts";
import { CA } from "../support/certificates.ts";
import { ATTACKS } from "./attacks.ts";
import { fare, type Fares, percentile } from "./healthy_client.ts";
import { ALLOWED, type Attack } from "./terms.ts";
import { complaintsOf } from "./verdict.ts";

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
  const { row, complaints } = await suffer(attack);
  const ok = complaints.length === 0;
  failed ||= !ok;
  console.log(`| ${[...row, ok ? "ok" : "FAILED"].join(" | ")} |`);
  for (const complaint of complaints) console.log(`FAILED by ${complaint}`);
}
Deno.exit(failed ? 1 : 0);

async function suffer(attack: Attack): Promise<{
  row: readonly string[];
  complaints: readonly string[];
}> {
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
    const count = Math.ceil(attack.full * Number(args.scale));
    const fares = await fareFor(where, async () => {
      saw = await (attack.byOperator ? asOperator : inProcess)(attack, child, count);
    });
    const cpu = (await cpuTicks(child.pid) - ticks) / 100;
    clearInterval(looking);
    const after = await child.figures();
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
    const { errors } = after;
    const complaints = complaintsOf(attack, {
      ...{ saw, count, before: before.rss, most, fares, errors },
    });
    return { row, complaints };
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
  return attack.run({ port, tlsPort, managementPort, permit, allowed: ALLOWED }, count);
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
