/**
 * The languages that the programs are written in, and how each gets its client library: installed
 * once, at pinned versions, into `.cache/`. Programs that are compiled are built there as well.
 *
 * @module
 */
import { CACHE, HERE, installOnce, run } from "./cache.ts";
import { COMPILED, prepareGoSuites } from "./compiled.ts";
import type { Runtime } from "./runtime.ts";

export { BuildError, UnavailableError } from "./cache.ts";
export type { Runtime };

const PYTHON = {
  extension: ".py",
  command: [`${CACHE}/python/bin/python`, "-B"],
  env: { INTEROP_DENO: Deno.execPath(), NO_COLOR: "1" },
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

/** Debian's PHP has its libraries beside it: none is installed here. */
const PHP = {
  extension: ".php",
  command: ["php"],
  env: {},
};

/** Tests of other projects, in whatever language they are: what runs them is written here. */
const SUITE = {
  extension: ".ts",
  command: [Deno.execPath(), "run", "-A"],
};

/** All of them, in the order in which they run. */
export const RUNTIMES: readonly Runtime[] = [
  { client: "pika", ...PYTHON },
  { client: "py_amqp", ...PYTHON },
  { client: "celery", ...PYTHON },
  { client: "dramatiq", ...PYTHON },
  { client: "aio_pika", ...PYTHON },
  { client: "node", ...NODE },
  { client: "rabbitmq_client", ...NODE },
  { client: "nestjs", ...NODE },
  { client: "browser", ...BROWSER },
  { client: "dashboard", ...NODE, prepare: prepareBrowser },
  { client: "php_amqplib", ...PHP, prepare: preparePhpAmqplib },
  { client: "php_amqp", ...PHP, prepare: preparePhpAmqp },
  {
    client: "anyevent_rabbitmq",
    extension: ".pl",
    command: ["perl"],
    env: {},
    prepare: prepareAnyEventRabbitmq,
  },
  {
    client: "amqp_tools",
    extension: ".sh",
    command: ["bash"],
    env: {},
    prepare: prepareAmqpTools,
  },
  {
    client: "openssl",
    extension: ".sh",
    command: ["bash"],
    env: {},
    prepare: prepareOpenssl,
  },
  {
    client: "rabbitmqadmin",
    extension: ".sh",
    command: ["sh"],
    env: {},
    prepare: prepareRabbitmqadmin,
  },
  {
    client: "promtool",
    extension: ".ts",
    command: [Deno.execPath(), "run", "-A"],
    env: { NO_COLOR: "1" },
    prepare: preparePromtool,
  },
  {
    client: "bunny",
    extension: ".rb",
    command: ["ruby"],
    env: {},
    prepare: prepareBunny,
  },
  {
    client: "rabbitmq_plugins",
    extension: ".ts",
    command: [Deno.execPath(), "run", "-A"],
    env: { NO_COLOR: "1" },
    prepare: prepareRabbitmq,
  },
  ...COMPILED,
  {
    client: "suites/node",
    ...SUITE,
    env: { INTEROP_SUITES_NODE: `${CACHE}/suites_node/node_modules/`, NO_COLOR: "1" },
    prepare: prepareNodeSuites,
  },
  {
    client: "suites/python",
    ...SUITE,
    env: {
      INTEROP_SUITES_PYTHON: `${CACHE}/suites_python/bin/python`,
      INTEROP_SUITES_SOURCES: `${CACHE}/suites_python/sources/`,
      NO_COLOR: "1",
    },
    prepare: preparePythonSuites,
  },
  {
    client: "suites/go",
    ...SUITE,
    env: { INTEROP_SUITES_GO: `${CACHE}/suites_go/`, NO_COLOR: "1" },
    prepare: prepareGoSuites,
  },
];

async function preparePython(): Promise<void> {
  const requirements = await Deno.readTextFile(`${HERE}packages/requirements.txt`);
  const version = await run("python3", "--version");
  await installOnce("python", version + requirements, async (directory) => {
    await installPythonPackages(directory, requirements);
  });
}

/** Archives of sources, since what gets installed has no tests in it; and what these need. */
async function preparePythonSuites(): Promise<void> {
  const wanted = `${HERE}packages/suites/`;
  const requirements = await Deno.readTextFile(`${wanted}requirements.txt`);
  const sources = await Deno.readTextFile(`${wanted}sources.txt`);
  const version = await run("python3", "--version");
  await installOnce("suites_python", version + requirements + sources, async (directory) => {
    await installPythonPackages(directory, requirements);
    const python = `${directory}/bin/python`;
    const archives = `${directory}/archives`;
    await run(
      ...[python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"] as const,
      // pip asks the package's own tools for its version: those of the requirements
      ...["--no-build-isolation", "--dest", archives, "-r", `${wanted}sources.txt`],
    );
    for await (const { name } of Deno.readDir(archives)) {
      await run(python, "-m", "tarfile", "-e", `${archives}/${name}`, `${directory}/sources`);
    }
  });
}

async function installPythonPackages(directory: string, requirements: string): Promise<void> {
  await run("python3", "-m", "venv", directory);
  const file = `${directory}/requirements.txt`;
  await Deno.writeTextFile(file, requirements);
  await run(`${directory}/bin/python`, "-m", "pip", "install", "--quiet", "-r", file);
}

function prepareNode(): Promise<void> {
  return installNodePackages("node", `${HERE}packages/`);
}

/** Packages with tests in them, and what runs these: apart, since they want old ones of others. */
function prepareNodeSuites(): Promise<void> {
  return installNodePackages("suites_node", `${HERE}packages/suites/`);
}

async function installNodePackages(name: string, wanted: string): Promise<void> {
  const manifest = await Deno.readTextFile(`${wanted}package.json`);
  const lock = await Deno.readTextFile(`${wanted}package-lock.json`);
  const version = await run("node", "--version");
  await installOnce(name, version + manifest + lock, async (directory) => {
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

async function prepareOpenssl(): Promise<void> {
  await run("openssl", "version");
}

async function preparePhpAmqplib(): Promise<void> {
  await run("php", "-r", "require 'PhpAmqpLib/autoload.php';");
}

async function preparePhpAmqp(): Promise<void> {
  await run("php", "-r", "new ReflectionExtension('amqp');");
}

async function prepareAnyEventRabbitmq(): Promise<void> {
  await run("perl", "-MAnyEvent::RabbitMQ", "-e", "1");
}

async function prepareAmqpTools(): Promise<void> {
  await run("amqp-publish", "--help");
}

async function prepareBunny(): Promise<void> {
  await run("ruby", "-e", "require 'bunny'");
}

async function prepareRabbitmqadmin(): Promise<void> {
  await run("rabbitmqadmin", "--version");
}

async function prepareRabbitmq(): Promise<void> {
  await run("/usr/lib/rabbitmq/bin/rabbitmqctl", "version");
}

async function preparePromtool(): Promise<void> {
  await run("promtool", "--version");
}
