import { ApiError, UnreachableError } from "../management_client.ts";
import { type CtlCall, type CtlCommand, CtlError, CtlUsageError, EXIT } from "./command.ts";
import { isAlive, readPidFile } from "./processes.ts";

/** Between two looks, in milliseconds. */
const LOOK_MS = 200;

/** `wait`: until a process that wrote its number into a file, or has that number, serves. */
export const WAIT_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  wait: {
    summary: "Waits for RabbitMQ node startup by monitoring a local PID file. " +
      "See also 'rabbitmqctl await_online_nodes'",
    usage: "[<pidfile>] [--pid|-P <pid>] [--timeout <timeout>]",
    args: [0, 1],
    options: { pid: "value" },
    async run(call) {
      const { args: [file], options: { pid, node, quiet }, client, terminal, timeoutMs } = call;
      if (file !== undefined && pid !== undefined) {
        throw new CtlUsageError('"Cannot specify both pid and pidfile"');
      }
      if (file === undefined && pid === undefined) {
        throw new CtlUsageError('"No pid or pidfile specified"');
      }
      if (pid !== undefined && !/^\d+$/.test(`${pid}`)) {
        throw new CtlUsageError(`Invalid options for this command:\n--pid : ${pid}`);
      }
      const name = String(node ?? client.url);
      const say = (line: string) => quiet === true ? undefined : terminal.say(line);
      const until = deadline(timeoutMs, name);
      if (file !== undefined) say(`Waiting for pid file '${file}' to appear`);
      const process = file === undefined ? Number(pid) : await fromFile(file, call, until);
      if (file !== undefined) say(`pid is ${process}`);
      say(
        `Waiting for erlang distribution on node '${name}' while OS process '${process}' is running`,
      );
      while (true) {
        if (!isAlive(process)) throw new CtlError(EXIT.unavailable, "process_not_running");
        if (await answers(call)) break;
        await until();
      }
      say(`Waiting for applications 'rabbit_and_plugins' to start on node '${name}'`);
      say(`Applications 'rabbit_and_plugins' are running on node '${name}'`);
    },
  },
};

/** Waits a little; fails when there is no time left. */
function deadline(timeoutMs: number, node: string): () => Promise<void> {
  const end = Date.now() + timeoutMs;
  return async () => {
    if (Date.now() + LOOK_MS > end) {
      throw new CtlError(
        EXIT.temporary,
        `Error: operation wait on node ${node} timed out. Timeout value used: ${timeoutMs}`,
        { plain: true },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  };
}

/** The process that a file names, once it runs and the broker answers. */
async function fromFile(file: string, call: CtlCall, until: () => Promise<void>): Promise<number> {
  while (true) {
    const pid = await readPid(file);
    if (pid !== undefined && isAlive(pid) && await answers(call)) return pid;
    await until();
  }
}

async function readPid(file: string): Promise<number | undefined> {
  const read = await readPidFile(file);
  if ("pid" in read) return read.pid;
  if ("error" in read) {
    if (read.error === "enoent") return undefined;
    throw new CtlError(EXIT.unavailable, `{:could_not_read_pid, :${read.error}}`);
  }
  if (read.contents === "") return undefined;
  throw new CtlError(EXIT.unavailable, `{:garbage_in_pid_file, ${JSON.stringify(file)}}`);
}

/** True when the broker is there, and lets clients in. */
export async function answers({ client }: CtlCall): Promise<boolean> {
  try {
    await client.get(["health", "checks", "ready-to-serve-clients"]);
    return true;
  } catch (error) {
    if (error instanceof UnreachableError) return false;
    if (error instanceof ApiError && error.status === 503) return false;
    throw error;
  }
}
