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
}

/** Starts the ceiling and Warren, and RabbitMQ if it is installed; the stack stops them. */
export async function startBrokers(stack: AsyncDisposableStack): Promise<ComparedBroker[]> {
  // with a data directory, as it is by default and as RabbitMQ always is
  const dataDir = await Deno.makeTempDir({ prefix: "warren-" });
  stack.defer(() => Deno.remove(dataDir, { recursive: true }));
  const [ceiling, warren] = await Promise.all([
    start(stack, "bench/tools/ceiling.ts", "--port", "0"),
    start(stack, "broker/main.ts", "--port", "0", "--data-dir", dataDir, "--log-level", "none"),
  ]);
  const brokers: ComparedBroker[] = [
    { name: "ceiling", version: "", port: ceiling },
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
