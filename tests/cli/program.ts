import { TextLineStream } from "@std/streams";

/** The folder of the project. */
export const ROOT: URL = new URL("../../", import.meta.url);

/** What a program did that has ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is run. */
export interface ProgramOptions {
  /** What it may do, as options of `deno run`. */
  readonly permissions: readonly string[];
  /** Environment variables that it has besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `deno run` with permissions, for `broker/main.ts` and its arguments. */
export class Program implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;

  constructor({ permissions, env = {} }: ProgramOptions, ...args: readonly string[]) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", ...permissions, "broker/main.ts", ...args],
      cwd: ROOT,
      env: { NO_COLOR: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#lines = this.#process.stdout
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream())
      .getReader();
    this.#stderr = new Response(this.#process.stderr).text();
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Reads standard output up to a line that matches; gives all lines read. */
  async linesUntil(pattern: RegExp): Promise<string[]> {
    const lines: string[] = [];
    while (true) {
      const { done, value } = await this.#lines.read();
      if (done) {
        throw new Error(`Cannot find ${pattern}: ${lines.join("\n")}\n${await this.#stderr}`);
      }
      lines.push(value);
      if (pattern.test(value)) return lines;
    }
  }

  /** Sends a signal. */
  signal(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Waits for the end. */
  async ended(): Promise<Ended> {
    const lines: string[] = [];
    for (let next = await this.#lines.read(); !next.done; next = await this.#lines.read()) {
      lines.push(next.value);
    }
    const [{ code }, stderr] = await Promise.all([this.#process.status, this.#stderr]);
    return { code, stdout: lines.map((line) => `${line}\n`).join(""), stderr };
  }

  /** Ends the program if it has not ended by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await this.ended();
  }
}
