/** How much a line of log matters, least first. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** Where the broker writes what an operator should know. Secrets never get here. */
export interface Logger {
  /**
   * Writes one line.
   *
   * @param fields What of it machines look for, such as the `user` who did something; people find it in
   * the line as well.
   */
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, string>>): void;
}

/** Writes nothing: the default of a broker inside another program. */
export const silentLogger: Logger = { log() {} };
