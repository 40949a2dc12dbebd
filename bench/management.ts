// deno-lint-ignore-file no-console -- a program: its output is what it is for
/**
 * What the management side costs: messages through a served broker whose dashboard five browsers have
 * open, each asking once a second for what its page shows, beside one that has no management at all.
 * The two take turns, each time with a process of its own; what counts is the median over the rounds.
 *
 * ```text
 * deno run -A bench/management.ts [rounds=5] [secs=4]
 * ```
 *
 * @module
 */
import { BackgroundProcess } from "../tests/interop/background_process.ts";
import { Blast } from "./support/compare/blast.ts";
import { cpuTicks } from "./support/process_figures.ts";

const [rounds = 5, secs = 4] = Deno.args.map(Number);
const MAIN = new URL("../broker/main.ts", import.meta.url).pathname;
const START_MS = 60_000;
/** So many queues are in the lists that the pages show, besides those of the load. */
const QUEUES = 200;
/** What each of the five pages asks for once a second, as the dashboard does. */
const PAGES: readonly (readonly string[])[] = [
  ["/overview", "/nodes/NODE"],
  ["/queues?page=1&page_size=50&name=&sort=name&sort_reverse=false"],
  ["/exchanges?page=1&page_size=50&name="],
  ["/connections?page=1&page_size=50&name="],
  ["/channels?page=1&page_size=50&name="],
];
const HEADERS = { authorization: `Basic ${btoa("guest:guest")}` };
/** Messages without acks, and with one each. */
const LOADS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["no acks", ["size=16", "ack=0"]],
  ["an ack each", ["size=16", "ack=1", "prefetch=200"]],
];

/** What a round came to. */
interface Figures {
  /** Messages that consumers got, a second. */
  readonly perSecond: number;
  /** CPU time of the broker for each of them, in nanoseconds. */
  readonly cpuNs: number;
  /** Answers that the browsers got. */
  readonly answers: number;
}

/** Puts the load on a broker of its own. */
async function measure(
  blast: Blast,
  args: readonly string[],
  managed: boolean,
): Promise<Figures> {
  await using broker = new BackgroundProcess({
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
  const [, port] = await broker.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
  const url = managed
    ? (await broker.waitForOutput(/management API on (\S+)/, START_MS))[1]!
    : undefined;
  await broker.waitForOutput(/Server startup complete/, START_MS);
  if (url !== undefined) await furnish(url);
  const browsers = url === undefined ? undefined : await Browsers.open(url);
  try {
    const before = await cpuTicks(broker.pid);
    const report = await blast.run(Number(port), [...args, `secs=${secs}`, "warm=2"]);
    const ticks = await cpuTicks(broker.pid) - before;
    return {
      perSecond: report.received_per_s,
      cpuNs: ticks * 1e7 / report.received,
      answers: browsers?.answers ?? 0,
    };
  } finally {
    await browsers?.[Symbol.asyncDispose]();
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
    this.#timers = PAGES.map((paths) =>
      setInterval(() => {
        const asked = this.#look(paths.map((path) => path.replace("NODE", node)));
        this.#asking.add(asked);
        asked.finally(() => this.#asking.delete(asked));
      }, 1000)
    );
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
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#asking);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

await using blast = await Blast.build();
if (blast === undefined) {
  console.log("skipped: rustc is not installed");
  Deno.exit(0);
}
for (const [name, args] of LOADS) {
  const all: { readonly without: Figures; readonly polled: Figures }[] = [];
  for (let round = 0; round < rounds; round++) {
    const without = await measure(blast, args, false);
    const polled = await measure(blast, args, true);
    all.push({ without, polled });
  }
  const ratio = (of: (figures: Figures) => number) =>
    median(all.map(({ without, polled }) => of(polled) / of(without)));
  const best = (of: "without" | "polled") => Math.min(...all.map((each) => each[of].cpuNs));
  const { answers } = all.at(-1)!.polled;
  console.log(
    `${name}: ${ratio(({ perSecond }) => perSecond).toFixed(3)} of the throughput, ` +
      `${ratio(({ cpuNs }) => cpuNs).toFixed(3)} times the CPU a message ` +
      `(least: ${best("without").toFixed(0)} ns without, ${best("polled").toFixed(0)} ns with); ` +
      `${answers} answers a round`,
  );
}
