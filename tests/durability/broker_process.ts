import { BackgroundProcess } from "../interop/background_process.ts";

const MAIN = new URL("../../broker/main.ts", import.meta.url).pathname;
const START_MS = 60_000;

/** `broker/main.ts` on a data directory, in a process of its own. */
export class BrokerProcess implements AsyncDisposable {
  /** Where it is served. */
  readonly port: number;
  readonly #process: BackgroundProcess;

  private constructor(process: BackgroundProcess, port: number) {
    this.#process = process;
    this.port = port;
  }

  /** Starts it and waits until it serves, on a port that is free when none is given. */
  static async start(dataDir: string, logLevel = "error", port = 0): Promise<BrokerProcess> {
    const process = new BackgroundProcess({
      command: Deno.execPath(),
      args: [
        ...RUN,
        ...["--port", `${port}`, "--data-dir", dataDir, "--log-level", logLevel],
        // some of the disks of these tests are smaller than that
        ...["--disk-free-limit", "0"],
      ],
    });
    const [, served] = await process.waitForOutput(/amqp:\/\/127\.0\.0\.1:(\d+)/, START_MS);
    return new BrokerProcess(process, Number(served));
  }

  /** Its URL. */
  get url(): string {
    return `amqp://127.0.0.1:${this.port}`;
  }

  /** What it wrote so far. */
  get output(): string {
    return this.#process.output;
  }

  /** As `kill -9` does. */
  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Asks it to end, and tells its exit status. */
  async stop(): Promise<number> {
    return (await this.#process.stop()).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** What `deno` is told to run the program, its own arguments not included. */
export const RUN: readonly string[] = ["run", "-A", MAIN];
