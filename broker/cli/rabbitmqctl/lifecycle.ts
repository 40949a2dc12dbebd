import { isLoopback } from "../../auth/authenticator.ts";
import { type Row, UnreachableError } from "../management_client.ts";
import {
  type CtlCall,
  type CtlCommand,
  CtlError,
  CtlStateError,
  CtlUsageError,
  EXIT,
} from "./command.ts";
import { nodeOf } from "./nodes.ts";
import { isAlive, readPidFile } from "./processes.ts";

/** Between two looks whether a process is there, in milliseconds. */
const LOOK_MS = 200;

/** The broker ends, stops and starts again, or lets nobody in for a while. */
export const LIFECYCLE_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  stop: {
    summary: "Stops RabbitMQ and its runtime (Erlang VM). Requires a local node pid file path to " +
      "monitor progress",
    usage: "[--idempotent] [<pidfile>]",
    args: [0, 1],
    options: { idempotent: "flag" },
    banner: async ({ args: [file], node }) =>
      file === undefined
        ? `Stopping and halting node ${await node()} ...`
        : `Stopping and halting node ${await node()} (will monitor pid file ${file}) ...`,
    async run(call) {
      const { args: [file], client, node, options } = call;
      // whoever reads it later finds it gone
      const read = file === undefined ? undefined : await pidFrom(file);
      try {
        await node();
        await shutDown(call);
      } catch (error) {
        const isGone = error instanceof UnreachableError && options["idempotent"] === true;
        if (!isGone || file !== undefined) throw error;
        return { text: `Node ${options["node"] ?? client.url} is no longer running` };
      }
      if (read === undefined) return;
      if (typeof read === "string") {
        throw new CtlError(EXIT.unavailable, `could not read pid from file ${file}. ${read}`);
      }
      await untilGone(read);
      return { text: `process ${read} (take from pid file ${file}) is no longer running` };
    },
  },
  shutdown: {
    summary: "Stops RabbitMQ and its runtime (Erlang VM). Monitors progress for local nodes. " +
      "Does not require a PID file path",
    usage: "[--wait] [--timeout <timeout>]",
    options: { wait: "flag", "no-wait": "flag" },
    async run(call) {
      const { client, node, options, terminal } = call;
      if (options["no-wait"] === true) {
        await shutDown(call);
        return;
      }
      const { hostname } = new URL(client.url);
      const name = await node();
      if (hostname !== "localhost" && !isLoopback(hostname.replace(/^\[|\]$/g, ""))) {
        throw new CtlUsageError(
          "\nThis command can only --wait for shutdown of local nodes but node " +
            `${name} seems to be remote (${client.url}).\n` +
            `Pass --no-wait to shut node ${name} down without waiting.\n`,
        );
      }
      const [{ os_pid }] = await client.get<[Row]>(["nodes"]);
      const pid = Number(os_pid);
      terminal.say(`Shutting down RabbitMQ node ${name} running at PID ${pid}`);
      await shutDown(call);
      terminal.say(`Waiting for PID ${pid} to terminate`);
      await untilGone(pid);
      terminal.say(`RabbitMQ node ${name} running at PID ${pid} successfully shut down`);
    },
  },
  stop_app: {
    summary: "Stops the RabbitMQ application, leaving the runtime (Erlang VM) running",
    usage: "",
    banner: async ({ node }) => `Stopping rabbit application on node ${await node()} ...`,
    run: (call) => set(call, "serving", false),
  },
  start_app: {
    summary: "Starts the RabbitMQ application but leaves the runtime (Erlang VM) running",
    usage: "",
    banner: async ({ node }) => `Starting node ${await node()} ...`,
    run: (call) => set(call, "serving", true),
  },
  reset: {
    summary: "Instructs a RabbitMQ node to leave the cluster and return to its virgin state",
    usage: "",
    banner: async ({ node }) => `Resetting node ${await node()} ...`,
    run: reset,
  },
  force_reset: {
    summary: "Forcefully returns a RabbitMQ node to its virgin state",
    usage: "",
    banner: async ({ node }) => `Forcefully resetting node ${await node()} ...`,
    run: reset,
  },
  suspend_listeners: {
    summary: "Suspends client connection listeners so that no new client connections are accepted",
    usage: "",
    banner: async ({ node }) =>
      `Will suspend client connection listeners on node ${await node()}. ` +
      "The node will no longer accept client connections!",
    run: (call) => set(call, "listening", false),
  },
  resume_listeners: {
    summary: "Resumes client connection listeners making them accept client connections again",
    usage: "",
    banner: async ({ node }) =>
      `Will resume client connection listeners on node ${await node()}. ` +
      "The node will now accept client connections",
    run: (call) => set(call, "listening", true),
  },
};

async function set({ client }: CtlCall, what: string, value: boolean): Promise<undefined> {
  await client.put(["nodes", await nodeOf(client), what], { value });
}

/** There is one node: force is needed for nothing. */
async function reset({ client, node }: CtlCall): Promise<undefined> {
  const [{ name, running }] = await client.get<[Row]>(["nodes"]);
  if (running === true) throw new CtlStateError("stopped");
  // what is said of it: afterwards nobody may know any more who asks
  await node();
  await client.post(["nodes", String(name), "reset"], {});
}

async function shutDown({ client }: CtlCall): Promise<void> {
  await client.post(["nodes", await nodeOf(client), "shutdown"], {});
}

/** The number that a file will have, or what is wrong with it. A file that is not there is waited for. */
async function pidFrom(file: string): Promise<number | string> {
  while (true) {
    const read = await readPidFile(file);
    if ("pid" in read) return read.pid;
    if ("contents" in read) return `File contents: ${read.contents}`;
    if (read.error !== "enoent") return `Error: ${read.error}`;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}
