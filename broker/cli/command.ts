import type { Known } from "./arguments.ts";
import type { Terminal } from "./terminal.ts";

/** Something that the program can do. */
export interface Command {
  /** What it does, in a few words for the list of commands. */
  readonly summary: string;
  /** What it may be given: what shells complete. Default: `--help` alone. */
  readonly known?: Known;
  /**
   * Does it.
   *
   * @param args What follows its name.
   * @returns The exit status: 0 when all went well, 1 when it did not.
   * @throws {UsageError} For arguments that make no sense; the exit status is 2 then.
   */
  run(args: readonly string[], terminal: Terminal): Promise<number>;
}
