import type { ConfigLine } from "./config_lines.ts";

/** An option of `serve` that a file stands for, with the line that it comes from; 0: from several. */
export type FileOption = readonly [option: string, value: string, line: number];

/** The options of `serve` that a file stands for, in its order. */
export class FileOptions {
  #options: FileOption[] = [];
  /** Of those that there can be one of, what they say. */
  readonly #single = new Map<string, string>();

  /** All of them. */
  get all(): readonly FileOption[] {
    return this.#options;
  }

  /** What an option says that there can be one of; undefined when nothing has said it yet. */
  get(option: string): string | undefined {
    return this.#single.get(option);
  }

  /**
   * Adds one that there can be one of; said twice, it has to say the same.
   *
   * @throws {UsageError} When a line before it says something else.
   */
  set(option: string, value: string, line: ConfigLine): void {
    const before = this.#single.get(option);
    if (before !== undefined && before !== value) {
      throw line.fail(
        `${line.key} says ${value}, and a line before it ${before}: there can be one`,
      );
    }
    this.#single.set(option, value);
    if (before === undefined) this.add(option, value, line.line);
  }

  /** Adds one that there can be several of, or that is known to be the only one. */
  add(option: string, value: string, line: number): void {
    this.#options.push([option, value, line]);
  }

  /** Takes back all whose names begin with something. */
  drop(prefix: string): void {
    this.#options = this.#options.filter(([option]) => !option.startsWith(prefix));
  }
}
