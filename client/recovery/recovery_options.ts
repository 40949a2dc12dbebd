import { checkFunction, checkInteger, checkOptions, type OptionNames } from "../fields.ts";

/** How a connection that was lost is made anew. */
export interface RecoveryOptions {
  /** The pause before the first attempt, in milliseconds; it doubles with each one that fails.
   * Default: 200. */
  readonly initialDelayMs?: number;
  /** The longest pause, in milliseconds. Default: 30 000. */
  readonly maxDelayMs?: number;
  /** After so many failed attempts in a row the connection is closed for good. Default: Infinity. */
  readonly maxAttempts?: number;
  /** From 0 up to 1, as `Math.random`, which is the default: each pause is between half of its length
   * and all of it, so that the clients of a broker that went down do not come back all at once. */
  readonly random?: () => number;
  /** Chooses each pause itself, instead of the above: told which attempt comes, from 1, and why the last
   * one failed, it gives whole milliseconds, or undefined to give up. Default: none. */
  readonly delay?: (attempt: number, reason: Error) => number | undefined;
}

const NAMES: OptionNames<RecoveryOptions> = {
  initialDelayMs: true,
  maxDelayMs: true,
  maxAttempts: true,
  random: true,
  delay: true,
};

/** Options with every default filled in. */
export type ResolvedRecovery = Required<Omit<RecoveryOptions, "delay">> & {
  readonly delay: RecoveryOptions["delay"];
};

/**
 * Fills in the defaults and checks the rest.
 *
 * @returns undefined when nothing is to be recovered.
 * @throws {RangeError} When a number is out of its range.
 * @throws {TypeError} When what is to be called is no function.
 */
export function resolveRecovery(
  recovery: boolean | RecoveryOptions = true,
): ResolvedRecovery | undefined {
  if (recovery === false) return undefined;
  const options = recovery === true ? {} : recovery;
  checkOptions(options, NAMES, "connect");
  const { maxAttempts = Infinity } = options;
  if (options.random !== undefined) checkFunction(options.random, "random", "connect");
  if (options.delay !== undefined) checkFunction(options.delay, "delay", "connect");
  return {
    initialDelayMs: checkInteger(options.initialDelayMs ?? 200, 0x7fff_ffff, "initialDelayMs"),
    maxDelayMs: checkInteger(options.maxDelayMs ?? 30_000, 0x7fff_ffff, "maxDelayMs"),
    maxAttempts: maxAttempts === Infinity
      ? maxAttempts
      : checkInteger(maxAttempts, Number.MAX_SAFE_INTEGER, "maxAttempts"),
    random: options.random ?? Math.random,
    delay: options.delay,
  };
}

/** How long to wait before an attempt, in whole milliseconds. */
export function backOff(
  attempt: number,
  { initialDelayMs, maxDelayMs, random }: ResolvedRecovery,
): number {
  // 2 ** 1024 is no number any more, and the longest pause comes long before
  const delay = Math.min(maxDelayMs, initialDelayMs * 2 ** Math.min(attempt - 1, 50));
  return Math.round(delay * (0.5 + random() / 2));
}
