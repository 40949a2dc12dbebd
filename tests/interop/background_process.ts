/**
 * A process that a test starts, waits for, and stops again by its own pid.
 *
 * @module
 */

/** How long a process may take to end by itself before it is killed. */
const STOP_MS = 60_000;

/** What to start. */
export interface BackgroundProcessOptions extends Deno.CommandOptions {
  /** The program: a name on PATH or a path. */
  readonly command: string;
  /** Called when it has written something, or has ended. */
  readonly onOutput?: () => void;
}

/** A running process whose output is kept, so that a failure can show it. */
export class BackgroundProcess implements AsyncDisposable {
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #pumps: Promise<unknown>;
  #output = "";
  #onOutput: () => void = () => {};
  readonly #alsoOnOutput: () => void;
  #ended = false;

  /** Starts the process; a missing program is a `Deno.errors.NotFound`. */
  constructor({ command, onOutput = () => {}, ...options }: BackgroundProcessOptions) {
    this.#name = command;
    this.#alsoOnOutput = onOutput;
    this.#process = new Deno.Command(command, {
      ...options,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#pumps = Promise.all([
      this.#pump(this.#process.stdout),
      this.#pump(this.#process.stderr),
    ]).finally(() => {
      this.#ended = true;
      this.#onOutput();
      this.#alsoOnOutput();
    });
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves when it has ended and all that it wrote is here. */
  get ended(): Promise<unknown> {
    return Promise.all([this.#process.status, this.#pumps]);
  }

  /** What it has written so far, to standard output and standard error. */
  get output(): string {
    return this.#output;
  }

  /**
   * Waits until the output matches.
   *
   * @param pattern What to wait for.
   * @param timeoutMs The process is killed when this has passed.
   * @returns The match.
   */
  async waitForOutput(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    const timer = setTimeout(() => this.#kill("SIGKILL"), timeoutMs);
    try {
      while (true) {
        const match = pattern.exec(this.#output);
        if (match !== null) return match;
        if (this.#ended) {
          throw new Error(
            `${this.#name} ended, or was too slow, before ${pattern}:\n${this.output}`,
          );
        }
        await new Promise<void>((resolve) => this.#onOutput = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Stops the process: asks it to, and kills it if it takes too long. */
  async stop(): Promise<Deno.CommandStatus> {
    this.#kill("SIGTERM");
    const timer = setTimeout(() => this.#kill("SIGKILL"), STOP_MS);
    try {
      const status = await this.#process.status;
      await this.#pumps;
      return status;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it at once, with no chance to do anything. */
  async kill(): Promise<void> {
    this.#kill("SIGKILL");
    await this.#process.status;
    await this.#pumps;
  }

  /** Stops the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch {
      // it has ended already
    }
  }

  async #pump(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      this.#onOutput();
      this.#alsoOnOutput();
    }
  }
}
