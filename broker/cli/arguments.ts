import { parseArgs } from "@std/cli";

/** Arguments that make no sense. Its message is what the user should read. */
export class UsageError extends Error {
  /** Always `"UsageError"`. */
  override readonly name = "UsageError";
}

/** True for an argument that asks what there is. */
export function isHelp(argument: string): boolean {
  return argument === "--help" || argument === "-h";
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
  /** What is neither flag nor option. */
  readonly rest: readonly string[];
}

/** What a command may be given. */
export interface Known {
  /** Flags, without their dashes. */
  readonly flags: readonly string[];
  /** Options that take a value. */
  readonly options: readonly string[];
  /** How many arguments there may be besides. Default: none. */
  readonly rest?: number;
}

/**
 * Splits arguments into flags and options, named without their dashes. `--help` and `-h` are known
 * everywhere.
 *
 * @param known What there may be.
 * @throws {UsageError} When one of them is unknown.
 */
export function readArguments(
  args: readonly string[],
  known: Known,
): Arguments {
  const most = known.rest ?? 0;
  let count = 0;
  const parsed = parseArgs(args, {
    boolean: ["help", ...known.flags],
    // numbers among the rest stay as they were written
    string: [...known.options, "_"],
    collect: known.options,
    alias: { h: "help" },
    unknown: (argument, key) => {
      if (key === undefined && ++count <= most) return;
      // a value may be a secret: `--pass=…`
      throw new UsageError(`unknown argument '${argument.replace(/^(-[^=]*)=.*$/s, "$1")}'`);
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
    rest: parsed._.map(String),
  };
}

/** What AMQP takes as a name or a routing key, in bytes. */
const NAME_MAX = 255;

/**
 * Checks a name, or something else that AMQP keeps as short: no broker could be asked about a longer one.
 *
 * @param what What it is, for the message.
 * @throws {UsageError} When it is too long.
 */
export function checkName(name: string, what: string): string {
  const { length } = new TextEncoder().encode(name);
  if (length <= NAME_MAX) return name;
  throw new UsageError(`${what} has at most ${NAME_MAX} bytes, not ${length}`);
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
