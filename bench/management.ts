// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * What the management side costs: messages through a served broker whose dashboard five browsers have
 * open, each asking once a second for what its page shows, beside one that has no management at all.
 * Both run all the time, and take turns of a second, so that neither has a better minute than the other;
 * what counts is the median of the pairs, and how far apart the middle half of them is; of CPU time also
 * the least of all turns, which other programs on the machine have disturbed least. Browsers ask only
 * while it is their broker's turn.
 *
 * ```text
 * deno run -A bench/management.ts [pairs=12] [secs=1]
 * ```
 *
 * At the end it says what the answers cost by themselves, of a broker that has nothing else to do. It
 * ends with 1 when messages lost more than a twentieth of their throughput, by the median of all pairs. What
 * a run of at least twelve pairs came to is kept in `bench/results/`.
 *
 * @module
 */
import { BackgroundProcess } from "../tests/interop/background_process.ts";
import { describeMachine, doubtsAbout } from "./support/compare/machine.ts";
import { storeManagement } from "./support/compare/stored.ts";
import { GOAL, judged } from "./support/management_goal.ts";
import { spreadOf } from "./support/compare/results.ts";
import { Blast } from "./support/compare/blast.ts";
import { cpuTicks } from "./support/process_figures.ts";

/** With fewer pairs, a run is none to keep. */
const PAIRS = 12;
const [pairs = PAIRS, secs = 1] = Deno.args.map(Number);
const MAIN = new URL("../broker/main.ts", import.meta.url).pathname;
const START_MS = 60_000;
/** So many queues are in the lists that the pages show, besides those of the load. */
const QUEUES = 200;
/** What each of the five pages asks for once a second, as the dashboard does. */
const PAGES: readonly (readonly string[])[] = [
  ["/overview", "/nodes/NODE"],
  ["/queues?page=1&page_size=50&name=&sort=name&sort_reverse=false&lengths_age=120&lengths_incr=5"],
  ["/exchanges?page=1&page_size=50&name="],
  ["/connections?page=1&page_size=50&name="],
  ["/channels?page=1&page_size=50&name="],
];
const EVERY_MS = 1000;
const HEADERS = { authorization: `Basic ${btoa("guest:guest")}` };
/** Messages without acks, and with one each. */
const LOADS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["no acks", ["size=16", "ack=0"]],
  ["an ack each", ["size=16", "ack=1", "prefetch=200"]],
];

/** So long browsers look at a broker that has nothing else to do. */
const ALONE_MS = 5000;

/** What a turn came to. */
interface Figures {
  /** Messages that consumers got, a second. */
  readonly perSecond: number;
  /** CPU time of the broker for each of them, in nanoseconds. */
  readonly cpuNs: number;
}

/** A broker in a process of its own. */
class Served implements AsyncDisposable {
  readonly #process: BackgroundProcess;
  readonly #port: number;
  /** Where its management API is; undefined when it has none. */
  readonly #url: string | undefined;
  /** Answers that browsers got. */
  answers = 0;

  private constructor(process: BackgroundProcess, port: number, url: string | undefined) {
    this.#process = process;
    this.#port = port;
    this.#url = url;
  }

  static async start(managed: boolean): Promise<Served> {
    const process = new BackgroundProcess({
      command: Deno.execPath(),
      args: [
        "run",
        "-A",
        MAIN,
        "--port=0",
        "--memory",
        "--no-prometheus",
        "--log-level=none",
        managed ? "--management-port=0" : "--no-management",
      ],
      env: { NO_COLOR: "1" },
    });
    const [, port] = await process.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
    const url = managed
      ? (await process.waitForOutput(/management API on (\S+)/, START_MS))[1]!
      : undefined;
    await process.waitForOutput(/Server startup complete/, START_MS);
    if (url !== undefined) await furnish(url);
    return new Served(process, Number(port), url);
  }

  /** Puts the load on it for a turn, beside browsers if it has management. */
  async turn(blast: Blast, args: readonly string[]): Promise<Figures> {
    await using _browsers = await this.#look();
    const before = await cpuTicks(this.#process.pid);
    const report = await blast.run(this.#port, [...args, `secs=${secs}`, "warm=0"]);
    const ticks = await cpuTicks(this.#process.pid) - before;
    return { perSecond: report.received_per_s, cpuNs: ticks * 1e7 / report.received };
  }

  /** CPU time for browsers alone, as a part of a second. */
  async alone(): Promise<number> {
    const before = await cpuTicks(this.#process.pid);
    const begun = performance.now();
    {
      await using _browsers = await this.#look();
      await new Promise((resolve) => setTimeout(resolve, ALONE_MS));
    }
    const ticks = await cpuTicks(this.#process.pid) - before;
    return ticks * 10 / (performance.now() - begun);
  }

  async #look(): Promise<AsyncDisposable | undefined> {
    if (this.#url === undefined) return undefined;
    const browsers = await Browsers.open(this.#url);
    return {
      [Symbol.asyncDispose]: async () => {
        await browsers[Symbol.asyncDispose]();
        this.answers += browsers.answers;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}

async function furnish(url: string): Promise<void> {
  for (let number = 0; number < QUEUES; number++) {
    const response = await fetch(`${url}/api/queues/%2F/queue.${number}`, {
      method: "PUT",
      headers: HEADERS,
      body: "{}",
    });
    if (!response.ok) throw new Error(`Cannot make queues: ${response.status}`);
  }
}

/** Five of them, each on a page of its own, until they are closed. */
class Browsers implements AsyncDisposable {
  answers = 0;
  readonly #url: string;
  readonly #timers: ReturnType<typeof setInterval>[];
  readonly #asking = new Set<Promise<void>>();

  private constructor(url: string, node: string) {
    this.#url = url;
    // one after the other within the second, as browsers that nobody opened together
    this.#timers = PAGES.map((paths, at) => {
      const look = () => {
        const asked = this.#look(paths.map((path) => path.replace("NODE", node)));
        this.#asking.add(asked);
        asked.finally(() => this.#asking.delete(asked));
      };
      return setTimeout(() => {
        look();
        this.#timers[at] = setInterval(look, EVERY_MS);
      }, (at + 1) * EVERY_MS / (PAGES.length + 1));
    });
  }

  static async open(url: string): Promise<Browsers> {
    const response = await fetch(`${url}/api/overview?columns=node`, { headers: HEADERS });
    const { node } = await response.json();
    return new Browsers(url, node);
  }

  async #look(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const response = await fetch(`${this.#url}/api${path}`, { headers: HEADERS });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${path}: ${response.status}`);
      this.answers++;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(this.#asking);
  }
}

function told(ratios: readonly number[]): string {
  const { low, median, high } = spreadOf(ratios);
  return `${median.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

await using blast = await Blast.build();
if (blast === undefined) {
  console.log("skipped: rustc is not installed");
  Deno.exit(0);
}
const machine = describeMachine();
for (const doubt of doubtsAbout(machine)) console.log(doubt);
const all: Record<string, Figures[]> = {};
await using without = await Served.start(false);
await using polled = await Served.start(true);
for (const [name, args] of LOADS) {
  // what was never run before is slow
  for (const served of [without, polled, polled, without]) await served.turn(blast, args);
  const ratios: Figures[] = [];
  const least = { without: Infinity, polled: Infinity };
  polled.answers = 0;
  for (let pair = 0; pair < pairs; pair++) {
    // the second one has no better place than the first
    const order = pair % 2 === 0 ? [without, polled] : [polled, without];
    const figures = new Map<Served, Figures>();
    for (const served of order) figures.set(served, await served.turn(blast, args));
    const [base, beside] = [figures.get(without)!, figures.get(polled)!];
    least.without = Math.min(least.without, base.cpuNs);
    least.polled = Math.min(least.polled, beside.cpuNs);
    ratios.push({
      perSecond: beside.perSecond / base.perSecond,
      cpuNs: beside.cpuNs / base.cpuNs,
    });
  }
  all[name] = ratios;
  console.log(
    `${name}: ${told(ratios.map(({ perSecond }) => perSecond))} of the throughput, ` +
      `${told(ratios.map(({ cpuNs }) => cpuNs))} times the CPU a message, ` +
      `${(least.polled / least.without).toFixed(3)} in the turns that took the least ` +
      `(${least.without.toFixed(0)} and ${least.polled.toFixed(0)} ns); ` +
      `${(polled.answers / pairs).toFixed(1)} answers a turn`,
  );
}
const share = await polled.alone();
console.log(`five browsers alone: ${(share * 100).toFixed(1)} % of a core`);
const ofEach = (figure: (of: Figures) => number) =>
  Object.fromEntries(Object.entries(all).map(([name, ratios]) => [name, ratios.map(figure)]));
const [ratios, cpuRatios] = [ofEach(({ perSecond }) => perSecond), ofEach(({ cpuNs }) => cpuNs)];
if (pairs >= PAIRS) {
  const date = new Date().toISOString();
  const path = await storeManagement({ date, machine, secs, ratios, cpuRatios, alone: share });
  console.log(`written to ${path}`);
}
for (const [name, some] of Object.entries(ratios)) {
  if (judged(some).met) continue;
  console.log(`FAIL ${name}: ${told(some)}, not ${GOAL}`);
  Deno.exitCode = 1;
}
