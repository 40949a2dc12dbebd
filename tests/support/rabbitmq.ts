import { BackgroundProcess } from "../interop/background_process.ts";

/** Where the start scripts are that do not insist on a user and folders of their own: those of Debian's
 * package, unless the environment says where another RabbitMQ has its own, such as `sbin` of an archive. */
const CHOSEN = Deno.env.get("RABBITMQ_BIN");
const SCRIPTS = CHOSEN ?? "/usr/lib/rabbitmq/bin";
/** True when it is not the package's. */
export const isOtherRabbitmq = CHOSEN !== undefined;
const SERVER_SCRIPT = `${SCRIPTS}/rabbitmq-server`;
/** The tool that talks to a running one. */
const CONTROL_SCRIPT = `${SCRIPTS}/rabbitmqctl`;

/** How long a start may take; usually it is six seconds. */
const START_MS = 120_000;

/** A RabbitMQ that listens on loopback alone, with `guest` and the vhost `/`; state is temporary. */
export interface RabbitmqServer extends AsyncDisposable {
  /** The AMQP port on 127.0.0.1. */
  readonly port: number;
  /** Its version, such as `3.10.8`. */
  readonly version: string;
  /** Its temporary folder. */
  readonly directory: string;
  /** The process of its virtual machine. */
  readonly pid: number;
  /** Stops it in an orderly way and starts it again; what is durable stays. */
  restart(): Promise<void>;
  /** Runs `rabbitmqctl` with these arguments and tells what it printed; fails when it does. */
  control(...arguments_: readonly string[]): Promise<string>;
  /** Runs `rabbitmqctl` with these arguments and nothing more; tells how it ended and what it printed. */
  runControl(...arguments_: readonly string[]): Promise<ControlEnded>;
}

/** How a `rabbitmqctl` ended. */
export interface ControlEnded {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How often it is started anew, on other ports, when somebody took one before it came to listen. */
const STARTS = 4;

/**
 * Starts the RabbitMQ that is installed on this machine, on free ports and in a temporary folder,
 * beside whatever else runs here.
 *
 * @param plugins The names of plugins to enable, of those that come with it.
 * @param configuration Gives more lines for `rabbitmq.conf`; the ports in them are to be had of
 * {@linkcode freePorts} in each call, since a port can be taken until the server listens on it.
 * @returns The server once it accepts AMQP; undefined when the package `rabbitmq-server` is not
 * installed.
 */
export async function startRabbitmq(
  plugins: readonly string[] = [],
  configuration: () => string = () => "",
): Promise<RabbitmqServer | undefined> {
  if (!await isRabbitmqInstalled()) return undefined;
  for (let starts = 1;; starts++) {
    try {
      return await startOnPorts(plugins, configuration());
    } catch (error) {
      // that of the nodes among themselves is told in words
      const taken = /eaddrinuse|could not bind to distribution port/.test(`${error}`);
      if (starts === STARTS || !taken) throw error;
    }
  }
}

async function startOnPorts(
  plugins: readonly string[],
  configuration: string,
): Promise<RabbitmqServer> {
  await using cleanup = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "rabbitmq-" });
  cleanup.defer(() => Deno.remove(directory, { recursive: true }));
  const settings = `disk_free_limit.absolute = 1MB\n${configuration}`;
  await Deno.writeTextFile(`${directory}/rabbitmq.conf`, settings);
  await Deno.writeTextFile(`${directory}/enabled_plugins`, `[${plugins.join(",")}].\n`);
  await Deno.writeTextFile(`${directory}/rabbitmq-env.conf`, "");

  const [port, distributionPort, portMapperPort] = freePorts(3);
  const env = {
    PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
    LANG: "C.UTF-8",
    HOME: directory,
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_EPMD_PORT: `${portMapperPort}`,
    RABBITMQ_NODENAME: `warren-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: `${port}`,
    RABBITMQ_DIST_PORT: `${distributionPort}`,
    RABBITMQ_MNESIA_BASE: `${directory}/mnesia`,
    RABBITMQ_LOG_BASE: `${directory}/log`,
    RABBITMQ_PID_FILE: `${directory}/pid`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${directory}/enabled_plugins`,
    RABBITMQ_CONFIG_FILE: `${directory}/rabbitmq.conf`,
    RABBITMQ_CONF_ENV_FILE: `${directory}/rabbitmq-env.conf`,
    // With this the script becomes the virtual machine instead of being its parent, so that the
    // process stopped at the end is the server.
    RABBITMQ_ALLOW_INPUT: "1",
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      "-noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
  };
  // Started here, since one that the server starts would stay behind.
  cleanup.use(new BackgroundProcess({ command: "epmd", clearEnv: true, env }));
  await accepts(portMapperPort);
  const start = async () => {
    const server = new BackgroundProcess({
      command: SERVER_SCRIPT,
      clearEnv: true,
      env,
      cwd: directory,
    });
    await server.waitForOutput(/Starting broker\.\.\. completed/, START_MS);
    await answersAmqp(port);
    return server;
  };
  let server = await start();
  cleanup.defer(async () => void await server.stop());
  const version = /RabbitMQ.*? (\d+\.\d+\.\d+)/.exec(server.output)?.[1] ?? "unknown";
  const owned = cleanup.move();
  return {
    port,
    version,
    directory,
    get pid() {
      return server.pid;
    },
    async restart() {
      await server.stop();
      server = await start();
    },
    control: (...arguments_) => control(arguments_, env, directory),
    runControl: (...arguments_) => runControl(arguments_, env, directory),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function control(
  arguments_: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<string> {
  const ended = await runControl(["--quiet", ...arguments_], env, cwd);
  if (ended.code !== 0) throw new Error(ended.stderr + ended.stdout);
  return ended.stdout;
}

async function runControl(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<ControlEnded> {
  const command = new Deno.Command(CONTROL_SCRIPT, {
    args: [...args],
    clearEnv: true,
    // the node is known from here
    env: { ...env, RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "" },
    cwd,
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** True when there is one to start. */
export async function isRabbitmqInstalled(): Promise<boolean> {
  try {
    await Deno.stat(SERVER_SCRIPT);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** The ports that were handed out, and that somebody may be about to listen on. */
const handedOut = new Set<number>();

/**
 * Picks ports below those that the kernel hands out by itself: the server takes seconds to listen,
 * and by then a connection of another test could be using one of these. None is picked twice.
 */
export function freePorts(count: 2): [number, number];
export function freePorts(count: 3): [number, number, number];
export function freePorts(count: 6): [number, number, number, number, number, number];
export function freePorts(count: number): number[] {
  const listeners: Deno.TcpListener[] = [];
  while (listeners.length < count) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    try {
      listeners.push(Deno.listen({ hostname: "127.0.0.1", port }));
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return listeners.map((listener) => {
    listener.close();
    return listener.addr.port;
  });
}

/** Waits until somebody listens on the port. */
async function accepts(port: number): Promise<void> {
  for (let attempt = 0;; attempt++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch (error) {
      if (attempt === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Sends the protocol header and waits for the first bytes of `connection.start`. */
async function answersAmqp(port: number): Promise<void> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new Uint8Array([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]));
  const read = await connection.read(new Uint8Array(512));
  if (read === null) throw new Error(`RabbitMQ on port ${port} does not answer`);
}
