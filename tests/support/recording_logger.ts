import type { Logger, LogLevel } from "../../broker/amqp/logger.ts";

/** Keeps what is logged, for a test to look at. */
export class RecordingLogger implements Logger {
  /** Each line with its level in front, such as `info: connection closed`. */
  readonly lines: string[] = [];

  log(level: LogLevel, message: string): void {
    this.lines.push(`${level}: ${message}`);
  }

  /** The lines of a level. */
  of(level: LogLevel): string[] {
    return this.lines.filter((line) => line.startsWith(`${level}: `));
  }
}
