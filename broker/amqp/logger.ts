/** How much a line of log matters, least first. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** Where the broker writes what an operator should know. Secrets never get here. */
export interface Logger {
  /** Writes one line. */
  log(level: LogLevel, message: string): void;
}

/** Writes nothing: the default of a broker inside another program. */
export const silentLogger: Logger = { log() {} };
