import { WARREN_VERSION } from "../../../broker/version.ts";
import { BackgroundProcess } from "../../../tests/interop/background_process.ts";
import { startRabbitmq } from "../../../tests/support/rabbitmq.ts";

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
  // with a data directory, as it is by default and as RabbitMQ always is
  const [dataDir, logDir] = await Promise.all(["warren-", "ceiling-"].map(async (prefix) => {
    const directory = await Deno.makeTempDir({ prefix });
    stack.defer(() => Deno.remove(directory, { recursive: true }));
    return directory;
  }));
  const [ceiling, synced, warren] = await Promise.all([
    start(stack, "bench/tools/ceiling.ts", "--port", "0"),
    start(stack, "bench/tools/ceiling.ts", "--port", "0", "--sync-in", logDir!),
    start(stack, "broker/main.ts", "--port", "0", "--data-dir", dataDir!, "--log-level", "none"),
  ]);
  const brokers: ComparedBroker[] = [
    { name: "ceiling", version: "", port: ceiling, ceiling: "in memory" },
    { name: "ceiling", version: "", port: synced, ceiling: "synced" },
    { name: "Warren", version: WARREN_VERSION, port: warren },
  ];
  const rabbitmq = await startRabbitmq();
  if (rabbitmq !== undefined) {
    const { version, port } = stack.use(rabbitmq);
    brokers.push({ name: "RabbitMQ", version, port });
  }
  return brokers;
}

/** Starts a program of this project. Returns the port that it says it listens on. */
async function start(
  stack: AsyncDisposableStack,
  program: string,
  ...args: readonly string[]
): Promise<number> {
  const path = new URL(`../../../${program}`, import.meta.url).pathname;
  const command = Deno.execPath();
  const process = stack.use(new BackgroundProcess({ command, args: ["run", "-A", path, ...args] }));
  const [, port] = await process.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
  return Number(port);
}
