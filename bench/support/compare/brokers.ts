import { WARREN_VERSION } from "../../../broker/version.ts";
import { BackgroundProcess } from "../../../tests/interop/background_process.ts";
import { startRabbitmq } from "../../../tests/support/rabbitmq.ts";
import { PROJECT } from "../project.ts";

/** How long a program of this project may take to listen. */
const START_MS = 60_000;

/** A broker that runs on loopback, as a process of its own. */
export interface ComparedBroker {
  /** Which one it is. */
  readonly name: "ceiling" | "Warren" | "RabbitMQ";
  /** Its version; empty for the ceiling. */
  readonly version: string;
  /** Its AMQP port on 127.0.0.1. */
  readonly port: number;
  /** Which of the ceilings it is, if one. */
  readonly ceiling?: "in memory" | "synced";
}

/** Starts the ceilings and Warren, and RabbitMQ if it is installed; the stack stops them. */
export async function startBrokers(stack: AsyncDisposableStack): Promise<ComparedBroker[]> {
  const ceiling = `${PROJECT}bench/tools/ceiling.ts`;
  const directory = await temporaryDirectory(stack, "ceiling-");
  const [inMemory, synced] = await Promise.all([
    start(stack, [ceiling, "--port", "0"]),
    start(stack, [ceiling, "--port", "0", "--sync-in", directory]),
  ]);
  return [
    { name: "ceiling", version: "", port: inMemory, ceiling: "in memory" },
    { name: "ceiling", version: "", port: synced, ceiling: "synced" },
    ...await startServers(stack),
  ];
}

/** Starts Warren, and RabbitMQ if it is installed; the stack stops them. */
export async function startServers(stack: AsyncDisposableStack): Promise<ComparedBroker[]> {
  const brokers = [await startWarren(stack)];
  const rabbitmq = await startRabbitmq();
  if (rabbitmq !== undefined) {
    const { version, port } = stack.use(rabbitmq);
    brokers.push({ name: "RabbitMQ", version, port });
  }
  return brokers;
}

/** How Warren is started. */
export interface WarrenOptions {
  /** For its Deno, such as `--v8-flags=...`. */
  readonly flags?: readonly string[];
  /** Where its files are, with a slash at the end. Default: here. */
  readonly directory?: string;
}

/** Starts Warren; the stack stops it. */
export async function startWarren(
  stack: AsyncDisposableStack,
  { flags = [], directory = PROJECT }: WarrenOptions = {},
): Promise<ComparedBroker> {
  // with a data directory, as it is by default and as RabbitMQ always is
  const dataDir = await temporaryDirectory(stack, "warren-");
  const args = ["--port", "0", "--data-dir", dataDir, "--log-level", "none"];
  const program = [...flags, "--config", `${directory}deno.json`, `${directory}broker/main.ts`];
  const port = await start(stack, [...program, ...args]);
  return { name: "Warren", version: WARREN_VERSION, port };
}

async function temporaryDirectory(stack: AsyncDisposableStack, prefix: string): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix });
  stack.defer(() => Deno.remove(directory, { recursive: true }));
  return directory;
}

/** Runs a program of this project. Returns the port that it says it listens on. */
async function start(stack: AsyncDisposableStack, args: readonly string[]): Promise<number> {
  const command = Deno.execPath();
  const process = stack.use(new BackgroundProcess({ command, args: ["run", "-A", ...args] }));
  const [, port] = await process.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
  return Number(port);
}
