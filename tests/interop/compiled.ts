/**
 * The clients whose programs are compiled. Each has a folder as its language likes it, with the lock
 * file that pins what it needs; what comes out goes into `.cache/`, and so a second run has little
 * left to do.
 *
 * @module
 */
import { build, CACHE, HERE, installOnce, run, runIn, type RunOptions } from "./cache.ts";
import type { Runtime } from "./runtime.ts";

/** All of them, in the order in which they run. */
export const COMPILED: readonly Runtime[] = [
  {
    client: "amqp091_go",
    programs: "cmd/",
    extension: "/",
    command: [],
    env: {},
    locate: (name) => `${CACHE}/amqp091_go/${name}`,
    prepare: prepareGo,
  },
  java("java_client"),
  java("spring_amqp"),
  {
    client: "lapin",
    programs: "src/bin/",
    extension: ".rs",
    command: [],
    env: {},
    locate: (name) => `${CACHE}/lapin/debug/${name}`,
    prepare: prepareRust,
  },
];

/** Packages of Go whose tests are run, by what these are called here. */
const GO_SUITES: ReadonlyMap<string, string> = new Map([
  ["streadway_amqp", "github.com/streadway/amqp"],
  ["watermill_amqp", "github.com/ThreeDotsLabs/watermill-amqp/v2/pkg/amqp"],
]);

/** Go knows by itself what is fetched and built already. */
async function prepareGo(): Promise<void> {
  // what is installed has to do: no other version of Go is fetched
  const options: RunOptions = { cwd: `${HERE}amqp091_go`, env: { GOTOOLCHAIN: "local" } };
  await runIn(options, "go", "mod", "download");
  await Deno.mkdir(`${CACHE}/amqp091_go`, { recursive: true });
  await build(options, "go", "build", "-buildvcs=false", "-o", `${CACHE}/amqp091_go/`, "./cmd/...");
}

/** The tests of other people's packages, each as a program. */
export async function prepareGoSuites(): Promise<void> {
  const options: RunOptions = {
    cwd: `${HERE}packages/suites/go`,
    env: { GOTOOLCHAIN: "local" },
  };
  await runIn(options, "go", "mod", "download");
  for (const [program, path] of GO_SUITES) {
    const to = ["-o", `${CACHE}/suites_go/${program}`];
    await build(options, "go", "test", "-c", "-buildvcs=false", "-tags=integration", ...to, path);
  }
}

/** So does Cargo. */
async function prepareRust(): Promise<void> {
  const options: RunOptions = {
    cwd: `${HERE}lapin`,
    env: { CARGO_TARGET_DIR: `${CACHE}/lapin`, CARGO_TERM_COLOR: "never" },
  };
  await runIn(options, "cargo", "fetch", "--quiet", "--locked");
  await build(options, "cargo", "build", "--quiet", "--locked", "--offline");
}

/** Programs in Java; what Maven fetched for them and `javac` made is in a folder of the cache. */
function java(client: string): Runtime {
  const built = `${CACHE}/${client}`;
  return {
    client,
    programs: "src/main/java/interop/",
    extension: ".java",
    // they live for seconds: the quick compiler is all that pays off
    command: [
      "java",
      "-XX:TieredStopAtLevel=1",
      "-XX:+UseSerialGC",
      "-cp",
      `${built}:${built}/lib/*`,
    ],
    env: {},
    locate: (name) => `interop.${name}`,
    prepare: () => prepareJava(client),
  };
}

/** Maven only fetches: its compiler plugin would take longer to come than `javac` needs for it all. */
async function prepareJava(client: string): Promise<void> {
  const project = `${HERE}${client}`;
  const sources = await listFiles(`${project}/src/main/java/interop`);
  const texts = await Promise.all([`${project}/pom.xml`, ...sources].map(readText));
  const version = await run("javac", "-version");
  await installOnce(client, version + texts.join(""), async (directory) => {
    const fetch = ["dependency:copy-dependencies", `-DoutputDirectory=${directory}/lib`];
    await runIn({ cwd: project }, "mvn", "--quiet", "--batch-mode", ...fetch);
    const options = ["--release", "17", "-encoding", "UTF-8", "-Xlint:all", "-d", directory];
    await build({}, "javac", ...options, "-cp", `${directory}/lib/*`, ...sources);
  });
}

async function listFiles(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) paths.push(...await listFiles(`${folder}/${name}`));
    else paths.push(`${folder}/${name}`);
  }
  return paths.sort();
}

function readText(path: string): Promise<string> {
  return Deno.readTextFile(path);
}
