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
 * | `--warm-up`   | 1 000 000  | frames after which memory is what the end is compared with       |
 * | `--ways`      | see below  | how many attackers come how: `tcp=8,tls=1,websocket=1`           |
 * | `--on-disk`   |            | the broker has a data directory, and is restarted over it        |
 * | `--parts`     | 200        | streams for codec, frame reader and a broker without sockets     |
 *
 * It ends with 2 when it has read fewer frames than it was asked for, or could not judge memory though it was
 * asked for enough of them, and says so: `not judged`.
 *
 * It ends with 1 when a message of those that behave is missing, an attacker's question has no answer after
 * a minute in which another client got a thousand (`pulse.ts`), something went wrong that nobody had
 * foreseen, the broker has ended, or its memory is not back. After each round the attackers' connections
 * are closed, all queues and exchanges deleted and garbage collected; what is in use, by the median of the
 * last three times, and the least RSS of ten looks at the end may be a tenth over the median of the first
 * three times after the warm-up. Against the start it cannot be judged: before the warm-up the runtime has
 * not compiled what is used here, nor got its buffers, so it grows to a size that it then keeps. The C
 * library is told to give back what is freed (`BrokerChild`), and what the broker remembers of addresses is
 * filled before the first round. A run that is shorter than its warm-up and six rounds says nothing of it.
 *
 * With `--on-disk` those that behave use durable queues and persistent messages, and a thousand messages
 * from before the attack have to be there after a restart over what is on disk then.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { BrokerChild } from "../support/broker_child.ts";
import type { Figures } from "../support/broker_program.ts";
import { fillCaches } from "./caches.ts";
import { runCampaign } from "./campaign.ts";
import { checkKeptMessages, keepMessages } from "./kept.ts";
import { verdictOf } from "./verdict.ts";
import { readMix, USUAL_MIX } from "./ways.ts";
import { fuzzBroker, fuzzCodec, fuzzFrameReader } from "./fuzz.ts";

const GROWTH_MAX = 1.1;

/** So many times memory is looked at, after the warm-up and at the end: the median counts. */
const LOOKS = 3;
/** How often RSS is looked at when all is over, and how long apart. */
const RESTING_LOOKS = 10;
const RESTING_MS = 500;

const args = parseArgs(Deno.args, {
  boolean: ["on-disk"],
  string: ["frames", "seed", "seconds", "attackers", "round", "warm-up", "parts", "ways"],
});
const started = Date.now();
const number = (name: Exclude<keyof typeof args, "on-disk">, otherwise: number) =>
  Number(args[name] ?? otherwise);
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
const mix = args.ways === undefined ? USUAL_MIX : readMix(args.ways);
const dataDir = args["on-disk"] ? await Deno.makeTempDir({ prefix: "warren-fuzz-" }) : undefined;
const [warmUp, perRound] = [number("warm-up", 1_000_000), number("round", 250_000)];
let [succeeded, read, judged] = [true, 0, false];
try {
  if (frames > 0) succeeded = await campaign(frames) && await restart();
} finally {
  if (dataDir !== undefined) await Deno.remove(dataDir, { recursive: true });
}
const verdict = verdictOf({
  failed: !succeeded,
  ...{ frames, read, judged },
  judgeable: warmUp + (2 * LOOKS - 1) * perRound,
});
console.log(verdict.text);
Deno.exit(verdict.status);

function startBroker(): Promise<BrokerChild> {
  return BrokerChild.start(dataDir === undefined ? {} : { dataDir }, { givesBack: true });
}

async function campaign(frames: number): Promise<boolean> {
  const endsAt = started + number("seconds", Infinity) * 1000;
  await using child = await startBroker();
  if (dataDir !== undefined) await keepMessages(child.port);
  const fresh = await child.figures();
  say("at the start", fresh);
  await fillCaches(child.port);
  const warm: Figures[] = [];
  let round = seed;
  try {
    const { port, tlsPort, webSocketPort } = child;
    const { tally, accounts } = await runCampaign({
      ...{ port, tlsPort, webSocketPort, mix, onDisk: dataDir !== undefined },
      clean: (keep) => child.clean(keep),
      figures: () => child.figures(),
    }, {
      seed,
      frames,
      framesPerRound: perRound,
      attackers: number("attackers", 400),
      stop: () => Date.now() > endsAt,
      onRound: ({ seed, tally, figures }) => {
        if (tally.mutatedRead >= warmUp) warm.push(figures);
        round = seed + 1;
        say(`round ${seed}: ${tally.mutatedRead} mutated frames`, figures);
      },
    });
    read = tally.mutatedRead;
    const after = await child.figures();
    const seconds = (Date.now() - started) / 1000;
    console.log(
      `${tally.mutatedRead} mutated frames read of ${tally.read} in all (${tally.sent} sent), over ` +
        `${tally.connections} connections (${tally.sentAway} more ended before AMQP); ${tally.channelErrors} channels and ` +
        `${tally.connectionErrors} connections closed by the broker; ${Math.round(seconds)} s`,
    );
    const kinds = [...tally.kinds].sort(([, a], [, b]) => b - a);
    console.log(`mutated: ${kinds.map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    const latencies = accounts.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
    for (const { confirmed, consumed } of accounts) {
      console.log(`a client that behaves: ${confirmed} messages confirmed, ${consumed} consumed`);
    }
    console.log(
      `ten of its messages were confirmed within ${latency(latencies, 0.5)} ms (median), ` +
        `${latency(latencies, 0.99)} ms (p99)`,
    );
    const isBack = judge(fresh, warm, after, await restingBytes(child));
    for (const error of after.errors) console.error(error);
    return isBack && after.errors.length === 0 && after.connections === 0;
  } catch (error) {
    console.error(`Failed for --seed=${round} --parts=0:`, error);
    return false;
  }
}

/** Tells of memory at the three times, and whether it is back, as far as that can be told. */
function judge(
  fresh: Figures,
  rounds: readonly Figures[],
  after: Figures,
  restingRss: number,
): boolean {
  const looks = [...rounds, after];
  say("memory at the start", fresh);
  if (looks.length < 2 * LOOKS) {
    say("memory at the end", after);
    console.log(
      `memory is not judged: only ${rounds.length} rounds came after the warm-up, and it takes ` +
        `${2 * LOOKS - 1}`,
    );
    return true;
  }
  judged = true;
  const warm = typical(looks.slice(0, LOOKS));
  const end = { ...typical(looks.slice(-LOOKS)), rss: restingRss };
  say("memory after the warm-up", warm);
  say("memory at the end", end);
  const grown = { rss: end.rss / warm.rss, inUse: end.inUse / warm.inUse };
  console.log(
    `at the end RSS is ${grown.rss.toFixed(3)}, in use ${grown.inUse.toFixed(3)} of what it was ` +
      `after the warm-up; ${GROWTH_MAX} is the most that it may be`,
  );
  return grown.rss <= GROWTH_MAX && grown.inUse <= GROWTH_MAX;
}

/** The least RSS of some looks: V8 lets go of the buffers of a round that was busier than others, such as one
 * in which messages went round and round, only a while after they are garbage. */
async function restingBytes(child: BrokerChild): Promise<number> {
  let least = Infinity;
  for (let look = 0; look < RESTING_LOOKS; look++) {
    least = Math.min(least, (await child.figures()).rss);
    await new Promise((resolve) => setTimeout(resolve, RESTING_MS));
  }
  return least;
}

/** The median of each. */
function typical(some: readonly Figures[]): Figures {
  const median = (part: "rss" | "inUse") =>
    some.map((figures) => figures[part]).sort((a, b) => a - b)[some.length >> 1]!;
  return { ...some.at(-1)!, rss: median("rss"), inUse: median("inUse") };
}

/** What was on disk before the attack is there after a restart. */
async function restart(): Promise<boolean> {
  if (dataDir === undefined) return true;
  try {
    await using child = await startBroker();
    await checkKeptMessages(child.port);
    const { errors } = await child.figures();
    for (const error of errors) console.error(error);
    console.log("after a restart, what was kept is there");
    return errors.length === 0;
  } catch (error) {
    console.error(`Failed for --seed=${seed} --parts=0 --on-disk, after a restart:`, error);
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
