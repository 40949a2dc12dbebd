import { UsageError } from "./arguments.ts";

/** A key and its value, as a line of a file like `rabbitmq.conf` has them. */
export class ConfigLine {
  readonly key: string;
  readonly value: string;
  /** Its number, from 1. */
  readonly line: number;
  readonly #file: string;

  constructor(key: string, value: string, line: number, file: string) {
    this.key = key;
    this.value = value;
    this.line = line;
    this.#file = file;
  }

  /** What is thrown when it makes no sense. */
  fail(why: string): UsageError {
    return new UsageError(`${this.#file}:${this.line}: ${why}`);
  }

  /** @throws {UsageError} When it does not say what is fixed. */
  must(only: string): void {
    const { key, value } = this;
    if (value !== only) throw this.fail(`${key} can only be ${only}, not '${value}'`);
  }

  /** @throws {UsageError} When it says neither true nor false. */
  get flag(): boolean {
    const { key, value } = this;
    if (value !== "true" && value !== "false") {
      throw this.fail(`${key} is true or false, not '${value}'`);
    }
    return value === "true";
  }
}

/**
 * Reads the lines of a file: a key and a value on each, `#` for comments.
 *
 * @param text The file.
 * @param name What it is called, for errors.
 * @throws {UsageError} At a line that is neither.
 */
export function* readConfigLines(text: string, name: string): Generator<ConfigLine> {
  for (const [index, source] of text.split(/\r?\n/).entries()) {
    // what is in quotes may look like a comment
    const whole = /^[^#']*=\s*'[^']*'(?=\s*(?:#|$))/.exec(source)?.[0];
    const bare = (whole ?? source.replace(/(^|\s)#.*$/, "")).trim();
    if (bare === "") continue;
    const [, key = "", quoted] = /^([A-Za-z0-9_.-]+)\s*=\s*(.*)$/.exec(bare) ?? [];
    if (quoted === undefined) {
      // what follows may be a secret
      const [start] = /^[A-Za-z0-9_.-]*/.exec(bare)!;
      throw new UsageError(
        `${name}:${index + 1}: what begins with '${start}' is not 'key = value'`,
      );
    }
    yield new ConfigLine(key, /^'(.*)'$/.exec(quoted)?.[1] ?? quoted, index + 1, name);
  }
}
