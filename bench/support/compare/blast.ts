import { runProgram } from "../run_program.ts";
import type { BlastReport } from "./loads.ts";

const SOURCE = new URL("../../tools/blast/main.rs", import.meta.url).pathname;
/** A run that takes longer is stopped: somewhat more than it gives itself. */
const RUN_MS_MAX = 660_000;

/** The load generator, built. */
export class Blast implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Builds it; undefined when there is no Rust compiler. */
  static async build(): Promise<Blast | undefined> {
    const directory = await Deno.makeTempDir({ prefix: "blast-" });
    const blast = new Blast(directory);
    try {
      await runProgram("rustc", ["--edition", "2021", "-O", SOURCE, "-o", `${directory}/blast`]);
      return blast;
    } catch (error) {
      await blast[Symbol.asyncDispose]();
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Runs it against the broker on a port, with these arguments. */
  async run(port: number, args: readonly string[]): Promise<BlastReport> {
    const signal = AbortSignal.timeout(RUN_MS_MAX);
    return JSON.parse(
      await runProgram(`${this.#directory}/blast`, [`port=${port}`, ...args], signal),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#directory, { recursive: true });
  }
}

/** Throws when messages were lost. */
export function checkReceived({ sent, received }: BlastReport, copies: number): void {
  if (received !== sent * copies) throw new Error(`${sent} were sent, ${received} received`);
}
