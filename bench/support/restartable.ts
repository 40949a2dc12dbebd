import { BackgroundProcess } from "../../tests/interop/background_process.ts";
import { startRabbitmq } from "../../tests/support/rabbitmq.ts";

const START_MS = 60_000;

/** A broker with a directory, as a process of its own, that can be started again. */
export interface RestartableBroker extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly directory: string;
  restart(): Promise<void>;
}

/** Warren, in a temporary directory. */
export async function startWarren(): Promise<RestartableBroker> {
  const directory = await Deno.makeTempDir({ prefix: "warren-" });
  const path = new URL("../../broker/main.ts", import.meta.url).pathname;
  const start = async (port: string) => {
    const args = ["run", "-A", path, "--data-dir", directory, "--port", port, "--no-management"];
    const command = Deno.execPath();
    const process = new BackgroundProcess({ command, args });
    const [, found] = await process.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
    return { process, port: Number(found) };
  };
  let { process, port } = await start("0");
  return {
    name: "Warren",
    port,
    directory,
    get pid() {
      return process.pid;
    },
    async restart() {
      await process.stop();
      ({ process, port } = await start(`${port}`));
    },
    async [Symbol.asyncDispose]() {
      await process.stop();
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** RabbitMQ, if it is installed. */
export async function startRabbit(): Promise<RestartableBroker | undefined> {
  const server = await startRabbitmq();
  if (server === undefined) return undefined;
  return {
    name: "RabbitMQ",
    port: server.port,
    directory: server.directory,
    get pid() {
      return server.pid;
    },
    restart: () => server.restart(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
