import { runProgram } from "./run_program.ts";

/** RabbitMQ's load generator, with what it needs; both are pinned here and in its `pom.xml`. */
const POM = new URL("../tools/perf_test/pom.xml", import.meta.url).pathname;
const COPY_DEPENDENCIES =
  "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
/** What holds the program itself, and its version. */
const JAR = /^perf-test-(.+)\.jar$/;
const MAIN_CLASS = "com.rabbitmq.perf.PerfTest";
/** How long a run may take beyond the time that it is given: it waits for its threads. */
const EXTRA_MS = 60_000;

/** What a run printed at its end. */
export interface PerfTestReport {
  readonly sentPerSecond: number;
  readonly receivedPerSecond: number;
  /** From publish to delivery. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** RabbitMQ PerfTest, fetched. */
export class PerfTest implements AsyncDisposable {
  readonly #libraries: string;
  /** Which version was fetched. */
  version = "unknown";

  private constructor(libraries: string) {
    this.#libraries = libraries;
  }

  /** Fetches it from Maven's repositories; a text tells which program is missing for that. */
  static async fetch(): Promise<PerfTest | string> {
    for (const program of ["java", "mvn"]) {
      if (!await isInstalled(program)) return `${program} is not installed`;
    }
    const perfTest = new PerfTest(await Deno.makeTempDir({ prefix: "perf-test-" }));
    try {
      await runProgram("mvn", [
        "--batch-mode",
        "--quiet",
        "--file",
        POM,
        COPY_DEPENDENCIES,
        `-DoutputDirectory=${perfTest.#libraries}`,
        "-DincludeScope=runtime",
      ]);
      for await (const { name } of Deno.readDir(perfTest.#libraries)) {
        perfTest.version = JAR.exec(name)?.[1] ?? perfTest.version;
      }
      return perfTest;
    } catch (error) {
      await perfTest[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Puts a load on the broker on a port of 127.0.0.1 for some seconds. */
  async run(port: number, secs: number, args: readonly string[]): Promise<PerfTestReport> {
    const uri = `amqp://guest:guest@127.0.0.1:${port}`;
    const output = await runProgram("java", [
      "-cp",
      `${this.#libraries}/*`,
      MAIN_CLASS,
      "--uri",
      uri,
      "--time",
      `${secs}`,
      ...args,
    ], AbortSignal.timeout(secs * 1000 + EXTRA_MS));
    return parseReport(output);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#libraries, { recursive: true });
  }
}

/** Reads the lines that PerfTest ends with. */
export function parseReport(output: string): PerfTestReport {
  const rate = (which: string) => {
    const found = new RegExp(`, ${which} rate avg: (\\d+) msg/s`).exec(output);
    if (found === null) throw new Error(`Cannot find the ${which} rate in:\n${output}`);
    return Number(found[1]);
  };
  const latency =
    /, consumer latency min\/median\/75th\/95th\/99th \d+\/(\d+)\/\d+\/\d+\/(\d+) (µs|ms)/.exec(
      output,
    );
  const inMs = latency?.[3] === "ms" ? 1 : 1000;
  return {
    sentPerSecond: rate("sending"),
    receivedPerSecond: rate("receiving"),
    medianMs: Number(latency?.[1] ?? 0) / inMs,
    p99Ms: Number(latency?.[2] ?? 0) / inMs,
  };
}

async function isInstalled(program: string): Promise<boolean> {
  const command = new Deno.Command(program, { args: ["-version"] });
  return await command.output().then(({ success }) => success, () => false);
}
