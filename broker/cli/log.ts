// deno-lint-ignore-file no-console -- the terminal is what this file is about
import type { Logger, LogLevel } from "../amqp/logger.ts";
import { oneLine } from "./terminal.ts";

/** What `--log-level` takes, from much to nothing. */
export const LOG_LEVELS = ["debug", "info", "warning", "error", "none"] as const;

/** A log level, or none at all. */
export type LogThreshold = LogLevel | "none";

/** What `--log-format` takes. */
export const LOG_FORMATS = ["text", "json"] as const;

/** How a line is written: for people, or as a JSON object. */
export type LogFormat = typeof LOG_FORMATS[number];

/** A logger that logs more or less when it is asked to. */
export interface TerminalLogger extends Logger {
  /** What is less than that is not logged. */
  threshold: LogThreshold;
}

/** Writes log lines from a level on to standard error, one line each. */
export function terminalLogger(
  threshold: LogThreshold,
  format: LogFormat = "text",
): TerminalLogger {
  const write = format === "json" ? asJson : asText;
  return {
    threshold,
    log(level, message, fields) {
      if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(this.threshold)) return;
      console.error(write(level, message, fields));
    },
  };
}

function asText(level: LogLevel, message: string): string {
  return `${now()} [${level}] ${oneLine(message)}`;
}

/** JSON escapes what would make two lines of one. What a line is about is a field of its own, so that
 * all that happened on a connection can be found by its name. */
export function asJson(
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, string>> = {},
): string {
  const [, connection, text = message] = /^connection (\S+(?: -> \S+)?): (.*)$/s.exec(message) ??
    [];
  return JSON.stringify({ time: now(), level, message: text, connection, ...fields });
}

function now(): string {
  return new Date().toISOString();
}
