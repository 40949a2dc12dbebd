/**
 * The languages that the programs are written in, and how each gets its client library: installed
 * once, at pinned versions, into `.cache/`.
 *
 * @module
 */

const HERE = new URL(".", import.meta.url).pathname;
const CACHE = `${HERE}.cache`;

/** A runtime or a library that cannot be had on this machine, with the reason. */
export class UnavailableError extends Error {
  /** Always `"UnavailableError"`. */
  override readonly name = "UnavailableError";
}

/** How to run the programs of one client library. */
export interface Runtime {
  /** The folder with the programs, which names the client as well. */
  readonly client: string;
  /** How the file names of its programs end. */
  readonly extension: string;
  /** What stands before the file name on the command line. */
  readonly command: readonly string[];
  /** Variables that its programs need. */
  readonly env: Readonly<Record<string, string>>;
  /** Installs what is missing; throws {@linkcode UnavailableError} when it cannot. */
  prepare(): Promise<void>;
}

const PYTHON = {
  extension: ".py",
  command: [`${CACHE}/python/bin/python`, "-B"],
  env: {},
  prepare: preparePython,
};

const NODE = {
  extension: ".mjs",
  command: ["node"],
  env: { INTEROP_NODE_PACKAGES: `${CACHE}/node/` },
  prepare: prepareNode,
};

/** Programs that drive a browser: Node's packages are served to its pages. */
const BROWSER = {
  extension: ".ts",
  command: [Deno.execPath(), "run", "-A"],
  env: { ...NODE.env, NO_COLOR: "1" },
  prepare: prepareBrowser,
};

/** All of them, in the order in which they run. */
export const RUNTIMES: readonly Runtime[] = [
  { client: "pika", ...PYTHON },
  { client: "py_amqp", ...PYTHON },
  { client: "celery", ...PYTHON },
  { client: "aio_pika", ...PYTHON },
  { client: "node", ...NODE },
  { client: "rabbitmq_client", ...NODE },
  { client: "nestjs", ...NODE },
  { client: "browser", ...BROWSER },
  {
    client: "amqp_tools",
    extension: ".sh",
    command: ["bash"],
    env: {},
    prepare: prepareAmqpTools,
  },
];

async function preparePython(): Promise<void> {
  const requirements = await Deno.readTextFile(`${HERE}packages/requirements.txt`);
  const version = await run("python3", "--version");
  await installOnce("python", version + requirements, async (directory) => {
    await run("python3", "-m", "venv", directory);
    const file = `${directory}/requirements.txt`;
    await Deno.writeTextFile(file, requirements);
    await run(`${directory}/bin/python`, "-m", "pip", "install", "--quiet", "-r", file);
  });
}

async function prepareNode(): Promise<void> {
  const manifest = await Deno.readTextFile(`${HERE}packages/package.json`);
  const lock = await Deno.readTextFile(`${HERE}packages/package-lock.json`);
  const version = await run("node", "--version");
  await installOnce("node", version + manifest + lock, async (directory) => {
    await Deno.mkdir(directory, { recursive: true });
    await Deno.writeTextFile(`${directory}/package.json`, manifest);
    await Deno.writeTextFile(`${directory}/package-lock.json`, lock);
    await run("npm", "ci", "--prefix", directory, "--ignore-scripts", "--no-audit", "--no-fund");
  });
}

async function prepareBrowser(): Promise<void> {
  await run("chromium", "--version");
  await prepareNode();
}

async function prepareAmqpTools(): Promise<void> {
  await run("amqp-publish", "--help");
}

/** Installs into a folder of the cache, unless that was done for the same versions. */
async function installOnce(
  name: string,
  versions: string,
  install: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = `${CACHE}/${name}`;
  const stamp = `${CACHE}/${name}.installed`;
  if (await readIfPresent(stamp) === versions) return;
  await Deno.remove(directory, { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(CACHE, { recursive: true });
  await install(directory);
  await Deno.writeTextFile(stamp, versions);
}

async function readIfPresent(path: string): Promise<string | undefined> {
  return await Deno.readTextFile(path).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** Runs a program to its end and gives what it printed. */
async function run(command: string, ...args: string[]): Promise<string> {
  let result: Deno.CommandOutput;
  try {
    result = await new Deno.Command(command, { args, stdin: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new UnavailableError(`${command} is not installed`, {
      cause: error,
    });
  }
  const decoder = new TextDecoder();
  const printed = decoder.decode(result.stdout);
  if (!result.success) {
    const output = `${printed}${decoder.decode(result.stderr)}`;
    throw new UnavailableError(`${command} ${args.join(" ")} failed:\n${output}`);
  }
  return printed;
}
