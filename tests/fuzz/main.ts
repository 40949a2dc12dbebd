// deno-lint-ignore-file no-console -- a program for the terminal
/**
 * Fuzzing for as long as one likes: `deno task fuzz --frames=10000000 --seed=1`.
 *
 * | option        | default    |                                                                  |
 * | ------------- | ---------- | ---------------------------------------------------------------- |
 * | `--frames`    | 10 000 000 | mutated frames that a broker process must have read              |
 * | `--seed`      | random     | decides on everything; what failed tells which one to give       |
 * | `--seconds`   | no limit   | ends earlier                                                     |
 * | `--attackers` | 400        | connections that send them, at any time                          |
 * | `--round`     | 250 000    | frames of a round, which has a seed of its own                   |
 * | `--warm-up`   | 1 000 000  | frames after which memory is first looked at, to compare with    |
 * | `--parts`     | 200        | streams for codec, frame reader and a broker without sockets     |
 *
 * One of ten attackers comes through TLS, one of ten in a WebSocket.
 *
 * It ends with 1 when a message of those that behave is missing, something went wrong that nobody had
 * foreseen, the broker has ended, or its memory is not back. After each round the attackers' connections
 * are closed, all queues and exchanges deleted and garbage collected; the median of the last three times
 * may be a tenth over that of the first three after the warm-up. Before that the runtime has not compiled
 * what is used here, nor got its buffers, and the caches of the broker are not full.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { BrokerChild } from "../support/broker_child.ts";
import type { Figures } from "../support/broker_program.ts";
import { runCampaign } from "./campaign.ts";
import { fuzzBroker, fuzzCodec, fuzzFrameReader } from "./fuzz.ts";

const GROWTH_MAX = 1.1;

const args = parseArgs(Deno.args, {
  string: ["frames", "seed", "seconds", "attackers", "round", "warm-up", "parts"],
});
const started = Date.now();
const number = (name: keyof typeof args, otherwise: number) => Number(args[name] ?? otherwise);
const seed = number("seed", Math.floor(Math.random() * 2 ** 31));

for (let part = seed; part < seed + number("parts", 200); part++) {
  try {
    fuzzFrameReader(part);
    fuzzCodec(part);
    await fuzzBroker(part);
  } catch (error) {
    console.error(`Failed for --seed=${part} --parts=1 --frames=0:`, error);
    Deno.exit(1);
  }
}
const frames = number("frames", 10_000_000);
const succeeded = frames === 0 || await campaign(frames);
console.log(succeeded ? "nothing found" : "failed");
Deno.exit(succeeded ? 0 : 1);

async function campaign(frames: number): Promise<boolean> {
  const endsAt = started + number("seconds", Infinity) * 1000;
  await using child = await BrokerChild.start();
  const fresh = await child.figures();
  say("before", fresh);
  const warmUp = number("warm-up", 1_000_000);
  const rounds: Figures[] = [];
  let round = seed;
  try {
    const { tally, accounts } = await runCampaign(child, {
      seed,
      frames,
      framesPerRound: number("round", 250_000),
      attackers: number("attackers", 400),
      stop: () => Date.now() > endsAt,
      onRound: ({ seed, tally, figures }) => {
        if (tally.mutatedRead >= warmUp) rounds.push(figures);
        round = seed + 1;
        say(`round ${seed}: ${tally.mutatedRead} mutated frames`, figures);
      },
    });
    const after = await child.figures();
    say("after", after);
    const seconds = (Date.now() - started) / 1000;
    console.log(
      `${tally.mutatedRead} mutated frames read of ${tally.read} in all (${tally.sent} sent), over ` +
        `${tally.connections} connections (${tally.sentAway} more ended before AMQP); ${tally.channelErrors} channels and ` +
        `${tally.connectionErrors} connections closed by the broker; ${Math.round(seconds)} s`,
    );
    const latencies = accounts.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
    for (const { confirmed, consumed } of accounts) {
      console.log(`a client that behaves: ${confirmed} messages confirmed, ${consumed} consumed`);
    }
    console.log(
      `ten of its messages were confirmed within ${latency(latencies, 0.5)} ms (median), ` +
        `${latency(latencies, 0.99)} ms (p99)`,
    );
    const typical = (some: readonly Figures[], part: "rss" | "inUse") =>
      some.map((figures) => figures[part]).sort((a, b) => a - b)[some.length >> 1]!;
    const grown = (part: "rss" | "inUse") =>
      typical([...rounds, after].slice(-3), part) /
      typical(rounds.length === 0 ? [fresh] : rounds.slice(0, 3), part);
    console.log(
      `memory: RSS ${grown("rss").toFixed(3)}, in use ${
        grown("inUse").toFixed(3)
      } of what it was ` +
        "after the warm-up",
    );
    return grown("rss") <= GROWTH_MAX && grown("inUse") <= GROWTH_MAX &&
      after.errors.length === 0 && after.connections === 0;
  } catch (error) {
    console.error(`Failed for --seed=${round} --parts=0:`, error);
    return false;
  }
}

function say(when: string, { rss, inUse, connections }: Figures): void {
  console.log(
    `${when}: RSS ${mebibytes(rss)}, in use ${mebibytes(inUse)}, ${connections} connections`,
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function latency(sorted: readonly number[], part: number): string {
  return (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(1);
}
