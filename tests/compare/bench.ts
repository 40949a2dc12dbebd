// deno-lint-ignore-file no-console -- part of a program
import { assert, assertEquals, assertMatch } from "@std/assert";
import { runCommand } from "../../broker/cli/commands.ts";
import { RecordingTerminal } from "../cli/recording_terminal.ts";
import type { Count } from "./count.ts";

/** What `bench` puts on a broker, one after the other. */
const LOADS: readonly (readonly string[])[] = [
  [],
  ["--publishers=3", "--consumers=2", "--size=1000", "--window=100"],
  ["--persistent", "--window=50"],
  ["--queue-type=quorum", "--persistent", "--window=50"],
  ["--rate=200", "--publishers=2"],
  ["--consumers=0"],
  ["--window=0", "--rate=1000"],
];

/** A broker of either kind. */
interface Benched {
  readonly name: string;
  readonly port: number;
  /** The names of all of its queues. */
  queues(): Promise<string>;
}

/** The command `bench` against a broker: what it says must fit together, and nothing stays behind. */
export async function runBench({ name, port, queues }: Benched, count: Count): Promise<void> {
  for (const load of LOADS) {
    const title = `bench on ${name}: ${load.join(" ") || "as it is"}`;
    try {
      console.log(`ok      ${title}: ${await runLoad(load, port)}`);
      assert(!(await queues()).includes("warren-bench"), "its queue is gone");
      count.note(title, true);
    } catch (error) {
      console.log(`FAIL    ${title}: ${error}`);
      count.note(title, false);
    }
  }
}

async function runLoad(load: readonly string[], port: number): Promise<string> {
  const args = ["bench", `--url=amqp://127.0.0.1:${port}`, "--seconds=1", ...load];
  const told = await run([...args, "--format=json"]);
  const { seconds, published, consumed, latency_ms: latency, ...rates } = JSON.parse(told);
  const consumes = !load.includes("--consumers=0");
  assert(published > 0 && seconds >= 1, told);
  assertEquals(consumed, consumes ? published : 0, told);
  const [publishedRate, consumedRate] = [rates.published_per_second, rates.consumed_per_second];
  assert(Math.abs(publishedRate * seconds - published) <= seconds + published / 100, told);
  assert(consumedRate <= publishedRate, told);
  const steps = [latency.p50, latency.p90, latency.p99, latency.p999, latency.max];
  assertEquals(steps, steps.toSorted((one, other) => one - other), told);
  assertEquals(latency.p50 > 0, consumes, told);
  const [, perPublisher] = /--rate=(\d+)/.exec(load.join(" ")) ?? [];
  if (perPublisher !== undefined) {
    const publishers = load.includes("--publishers=2") ? 2 : 1;
    assert(published <= Number(perPublisher) * publishers * (seconds + 0.1), told);
    assert(published >= Number(perPublisher) * publishers * 0.5, told);
  }

  const text = await run(args);
  const [, texts, came] = /^published (\d+) \(\d+\/s\), consumed (\d+) \(\d+\/s\) in /.exec(text)!;
  assertEquals(Number(came), consumes ? Number(texts) : 0, text);
  const bars = [...text.matchAll(/^ {2}up to +[\d.]+ ms {2}█+ * {2}(\d+)$/gm)];
  const inBars = bars.reduce((sum, [, number]) => sum + Number(number), 0);
  assertEquals(inBars, Number(came), text);
  if (consumes) assertMatch(text, /\nlatency: median [\d.]+ ms, 90% /);
  return `${published} messages, median ${latency.p50.toFixed(2)} ms, ${bars.length} bars`;
}

async function run(args: readonly string[]): Promise<string> {
  const terminal = new RecordingTerminal();
  const code = await runCommand(args, terminal);
  assertEquals([code, terminal.complained], [0, []]);
  return terminal.output;
}
