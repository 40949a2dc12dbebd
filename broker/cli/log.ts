// deno-lint-ignore-file no-console -- the terminal is what this file is about
import type { Logger, LogLevel } from "../amqp/logger.ts";

/** What `--log-level` takes, from much to nothing. */
export const LOG_LEVELS = ["debug", "info", "warning", "error", "none"] as const;

/** A log level, or none at all. */
export type LogThreshold = LogLevel | "none";

/** Writes log lines from a level on to standard error, one line each. */
export function terminalLogger(threshold: LogThreshold): Logger {
  const least = LOG_LEVELS.indexOf(threshold);
  return {
    log(level, message) {
      if (LOG_LEVELS.indexOf(level) < least) return;
      console.error(`${new Date().toISOString()} [${level}] ${oneLine(message)}`);
    },
  };
}

/** Prints a line to standard output. */
export function say(line: string): void {
  console.log(line);
}

/** Prints a line to standard error: why the program gives up. */
export function complain(line: string): void {
  console.error(line);
}

/** What peers send may be part of a line: control characters must not make it two, or colour it. A
 * stack trace keeps its lines. */
function oneLine(message: string): string {
  // deno-lint-ignore no-control-regex -- they are what must not get through
  return message.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, "?").replace(/\n(?! {4}at )/g, " ");
}
