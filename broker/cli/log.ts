// deno-lint-ignore-file no-console -- the terminal is what this file is about
import type { Logger, LogLevel } from "../amqp/logger.ts";
import { oneLine } from "./terminal.ts";

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
