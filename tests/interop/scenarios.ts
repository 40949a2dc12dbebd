import { certificatePath } from "../support/certificates.ts";
import type { RunningBroker } from "./brokers.ts";
import type { Runtime } from "./runtimes.ts";

/** How long one program may take; the slowest need ten seconds, and restarts of RabbitMQ more. */
const TIME_LIMIT_MS = 300_000;

/** Where the certificates of all tests are. */
const CERTIFICATES = certificatePath("");

/** One program: it asserts what it expects by itself, and fails by its exit status. */
export interface Scenario {
  /** Client and file, such as `pika/work_queues`. */
  readonly name: string;
  /** What runs it. */
  readonly runtime: Runtime;
  /** What stands for it on the command line: its file, or what was built of it. */
  readonly program: string;
}

/** How a scenario ended; `output` is what to show of a failed one. */
export interface Outcome {
  /** True when it exited with 0. */
  readonly passed: boolean;
  /** What it wrote, and how it ended. */
  readonly output: string;
}

/** Lists the programs of a client; `support.*` is what they share. */
export async function listScenarios(runtime: Runtime): Promise<Scenario[]> {
  const { client, programs = "", extension } = runtime;
  const folder = new URL(`${client}/${programs}`, import.meta.url).pathname;
  const scenarios: Scenario[] = [];
  for await (const { name: entry, isDirectory } of Deno.readDir(folder)) {
    const file = isDirectory ? `${entry}/` : entry;
    if (!file.endsWith(extension) || file.startsWith("support.")) continue;
    const name = file.slice(0, -extension.length);
    const program = runtime.locate?.(name) ?? folder + file;
    scenarios.push({ name: `${client}/${name}`, runtime, program });
  }
  return scenarios.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Runs one program against a broker, which it may end and start by way of the control's address. */
export async function runScenario(
  scenario: Scenario,
  { port, webSocketPort, tls, managementPort, managementTlsPort, prometheusPort }: Omit<
    RunningBroker,
    "name" | "output" | "restart" | "control" | typeof Symbol.asyncDispose
  >,
  controlUrl: string,
): Promise<Outcome> {
  const [command = "", ...args] = [...scenario.runtime.command, scenario.program];
  const process = new Deno.Command(command, {
    args,
    env: {
      ...scenario.runtime.env,
      INTEROP_CONTROL_URL: controlUrl,
      AMQP_PORT: `${port}`,
      MANAGEMENT_PORT: `${managementPort}`,
      PROMETHEUS_PORT: `${prometheusPort}`,
      AMQP_URL: `amqp://guest:guest@127.0.0.1:${port}/%2F`,
      AMQP_TLS_PORT: `${tls.port}`,
      // how this broker may be used beyond what both can do
      ...(tls.strictPort === undefined ? {} : { AMQP_TLS_STRICT_PORT: `${tls.strictPort}` }),
      INTEROP_CERTIFICATES: CERTIFICATES,
      ...(managementTlsPort === undefined ? {} : { MANAGEMENT_TLS_PORT: `${managementTlsPort}` }),
      ...(webSocketPort === undefined ? {} : { AMQP_WS_URL: `ws://127.0.0.1:${webSocketPort}/` }),
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // a process group of its own, so that its workers end with it
    detached: true,
  }).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    Deno.kill(-process.pid, "SIGKILL");
  }, TIME_LIMIT_MS);
  try {
    const { success, code, signal, stdout, stderr } = await process.output();
    const decoder = new TextDecoder();
    const end = timedOut
      ? `took longer than ${TIME_LIMIT_MS / 1000} s`
      : `ended with ${signal ?? `status ${code}`}`;
    return {
      passed: success,
      output: `${decoder.decode(stdout)}${decoder.decode(stderr)}${end}`,
    };
  } finally {
    clearTimeout(timer);
  }
}
