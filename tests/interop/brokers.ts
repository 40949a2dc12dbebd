import { startRabbitmq } from "../support/rabbitmq.ts";
import { BackgroundProcess } from "./background_process.ts";

/** How long the broker may take until it listens. */
const START_MS = 60_000;

/** A broker that the programs talk to. */
export interface RunningBroker extends AsyncDisposable {
  /** What it is, for the first line of output. */
  readonly name: string;
  /** The AMQP port on 127.0.0.1. */
  readonly port: number;
  /** Its port for WebSocket, if it has one. */
  readonly webSocketPort: number | undefined;
  /** What it wrote, to be shown when something failed. */
  readonly output: string;
}

/** The brokers that `--broker` can name. */
export const BROKERS: ReadonlyMap<string, () => Promise<RunningBroker>> = new Map([
  ["warren", startWarren],
  ["rabbitmq", startDebiansRabbitmq],
]);

/** Runs the broker's own program, as a user would. */
async function startWarren(): Promise<RunningBroker> {
  const program = new URL("../../broker/main.ts", import.meta.url).pathname;
  await using cleanup = new AsyncDisposableStack();
  const broker = cleanup.use(
    new BackgroundProcess({
      command: Deno.execPath(),
      args: ["run", "-A", program, "--port", "0", "--ws-port", "0", "--memory"],
    }),
  );
  const [, port] = await broker.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
  const [, webSocketPort] = await broker.waitForOutput(/ws:\/\/127\.0\.0\.1:(\d+)/, START_MS);
  const owned = cleanup.move();
  return {
    name: "Warren",
    port: Number(port),
    webSocketPort: Number(webSocketPort),
    get output() {
      return broker.output;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs RabbitMQ: what passes here is what the programs may ask of Warren. */
async function startDebiansRabbitmq(): Promise<RunningBroker> {
  const server = await startRabbitmq();
  if (server === undefined) {
    throw new Error("Cannot start RabbitMQ: it is not installed");
  }
  return {
    name: `RabbitMQ ${server.version}`,
    port: server.port,
    webSocketPort: undefined,
    output: "",
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
