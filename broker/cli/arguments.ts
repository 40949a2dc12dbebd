import { parseArgs } from "@std/cli";

/** Arguments that make no sense. Its message is what the user should read. */
export class UsageError extends Error {
  /** Always `"UsageError"`. */
  override readonly name = "UsageError";
}

/** Arguments as they were given: each option that takes a value with all its values. */
export interface Arguments {
  /** True when a flag is there. */
  has(flag: string): boolean;
  /**
   * The value of an option; undefined when it is not there.
   *
   * @throws {UsageError} When it is there twice: one would have to win without a word.
   */
  value(option: string): string | undefined;
  /** All values of an option that may be there more than once. */
  values(option: string): readonly string[];
}

/**
 * Splits arguments into flags and options, named without their dashes. `--help` and `-h` are known
 * everywhere.
 *
 * @throws {UsageError} When one of them is unknown.
 */
export function readArguments(
  args: readonly string[],
  known: { flags: readonly string[]; options: readonly string[] },
): Arguments {
  const parsed = parseArgs(args, {
    boolean: ["help", ...known.flags],
    string: known.options,
    collect: known.options,
    alias: { h: "help" },
    unknown: (argument) => {
      throw new UsageError(`unknown argument '${argument}'`);
    },
  });
  return {
    has: (flag) => parsed[flag],
    value: (option) => {
      const values: readonly string[] = parsed[option];
      if (values.length > 1) throw new UsageError(`--${option} is given twice`);
      return values[0];
    },
    values: (option) => parsed[option],
  };
}

/** Reads `--port`, or another option that is a port. */
export function readPort(args: Arguments, option = "port"): number | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) {
    throw new UsageError(`--${option} takes a number from 0 to 65535, not '${text}'`);
  }
  return number;
}

/** What RabbitMQ's units of information come to. */
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  kiB: 2 ** 10,
  kB: 1e3,
  KB: 1e3,
  M: 2 ** 20,
  MiB: 2 ** 20,
  MB: 1e6,
  G: 2 ** 30,
  GiB: 2 ** 30,
  GB: 1e9,
};

/**
 * Reads an option that is a number of bytes, as RabbitMQ's configuration has them: `2GB`, `512MiB`.
 *
 * @param besides What else the option takes.
 */
export function readSize(args: Arguments, option: string, besides = ""): number | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const [, digits, unit] = /^(\d{1,12})([A-Za-z]*)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : UNITS[unit];
  if (factor === undefined) {
    throw new UsageError(`--${option} takes ${besides}a size such as 2GiB, 500MB, not '${text}'`);
  }
  return Number(digits) * factor;
}

/** Reads `--data-dir`. */
export function readDataDir(args: Arguments): string | undefined {
  const text = args.value("data-dir");
  if (text === "") throw new UsageError("--data-dir takes a directory");
  return text;
}

/** Reads an option that takes one of a few words. */
export function readWord<Word extends string>(
  args: Arguments,
  option: string,
  words: readonly Word[],
): Word | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const word = words.find((one) => one === text);
  if (word === undefined) {
    throw new UsageError(`--${option} takes ${words.join(", ")}, not '${text}'`);
  }
  return word;
}
