// deno-lint-ignore-file no-console -- a program of its own
/**
 * Where Warren spends its time under a load: runs the broker with the inspector, `blast` against it,
 * and prints the functions that were running most often, by V8's own sampling.
 *
 * ```text
 * deno run -A bench/tools/profile.ts [key=value ...]        arguments are those of blast
 * ```
 *
 * Shares are of the time that the process ran at all. Functions that were inlined count as part of
 * those that they were inlined into.
 *
 * @module
 */
import { BackgroundProcess } from "../../tests/interop/background_process.ts";
import { Blast } from "../support/compare/blast.ts";

const SHOWN = 45;
const START_MS = 60_000;
const SAMPLE_MICROSECONDS = 200;

/** A node of V8's profile: a function at a place in the call tree. */
interface ProfileNode {
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
  };
  /** How many samples found it on top. */
  readonly hitCount: number;
}

/** V8's inspector, over its WebSocket. */
class Inspector implements Disposable {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: unknown) => void>();
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = (event) => {
      const { id, result } = JSON.parse(event.data);
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    };
  }

  static async open(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error(`Cannot reach the inspector at ${url}`));
    });
    return new Inspector(socket);
  }

  ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

await using blast = await Blast.build();
if (blast === undefined) throw new Error("Cannot build blast: rustc is not installed");
const main = new URL("../../broker/main.ts", import.meta.url).pathname;
await using broker = new BackgroundProcess({
  command: Deno.execPath(),
  args: ["run", "-A", "--inspect=127.0.0.1:0", main, "--port=0", "--memory", "--log-level=none"],
  env: { NO_COLOR: "1" },
});
const [, inspectorUrl] = await broker.waitForOutput(/(ws:\/\/\S+)/, START_MS);
const [, port] = await broker.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
using inspector = await Inspector.open(inspectorUrl!);
await inspector.ask("Profiler.enable");
await inspector.ask("Profiler.setSamplingInterval", { interval: SAMPLE_MICROSECONDS });
await inspector.ask("Profiler.start");
const report = await blast.run(Number(port), Deno.args);
const { profile } = await inspector.ask("Profiler.stop") as { profile: { nodes: ProfileNode[] } };

console.log(JSON.stringify(report));
for (const line of topFunctions(profile.nodes)) console.log(line);

/** The functions that most samples found on top, with their share; before them, the time without any. */
function topFunctions(nodes: readonly ProfileNode[]): string[] {
  const hits = new Map<string, number>();
  let idle = 0;
  let busy = 0;
  for (const { callFrame: { functionName, url }, hitCount } of nodes) {
    if (functionName === "(root)") continue;
    if (functionName === "(idle)") {
      idle += hitCount;
      continue;
    }
    busy += hitCount;
    // without the line: it is that of the code without types
    const name = `${functionName || "(anonymous)"}  ${
      url.replace(/^.*\/(broker|client)\//, "$1/")
    }`;
    hits.set(name, (hits.get(name) ?? 0) + hitCount);
  }
  const percent = (count: number, all: number) => (count / all * 100).toFixed(1).padStart(5);
  const top = [...hits].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  return [
    `${percent(idle, idle + busy)} % of the time idle; of the rest:`,
    ...top.map(([name, count]) => `${percent(count, busy)} %  ${name}`),
  ];
}
