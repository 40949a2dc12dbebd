import { parseArgs } from "@std/cli";
import type { SyncMode } from "../store/group_commit.ts";
import { LOG_LEVELS, type LogThreshold } from "./log.ts";

/** What the arguments of the program ask for. */
export interface ServeOptions {
  /** Show how the program is used, and nothing else. */
  readonly help: boolean;
  /** Show the version, and nothing else. */
  readonly version: boolean;
  /** The address to listen on; undefined for loopback, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** The port; 0 for any free one. */
  readonly port: number;
  /** Where durable things survive a restart; undefined for nowhere. */
  readonly dataDir: string | undefined;
  /** When what was written there is put on disk. */
  readonly sync: SyncMode;
  /** How much is logged. */
  readonly logLevel: LogThreshold;
}

/** Arguments that make no sense. Its message is what the user should read. */
export class UsageError extends Error {
  /** Always `"UsageError"`. */
  override readonly name = "UsageError";
}

/** The options that take a value. */
const VALUED = ["host", "port", "data-dir", "sync", "log-level"] as const;

/** How the program is used. */
export const USAGE = `Usage: deno run -A broker/main.ts [options]

Serves an AMQP 0-9-1 broker until it is interrupted.

Options:
  --host ADDRESS     address to listen on (default: 127.0.0.1, and ::1 where it exists)
  --port PORT        port to listen on, 0 for any free one (default: 5672)
  --data-dir DIR     keep what is durable or persistent there (default: all in memory)
  --sync WHEN        put writes on disk always (before confirms), interval=MS, or never
                     (default: always)
  --log-level LEVEL  ${LOG_LEVELS.join(", ")} (default: info)
  --version          print the version
  --help             print this`;

/**
 * Reads the arguments.
 *
 * @throws {UsageError} When one of them is unknown, twice there, or has a value that it cannot have.
 */
export function readServeOptions(args: readonly string[]): ServeOptions {
  const parsed = parseArgs(args, {
    boolean: ["help", "version"],
    string: VALUED,
    collect: VALUED, // or the last one would win without a word
    alias: { h: "help" },
    unknown: (argument) => {
      throw new UsageError(`unknown argument '${argument}'`);
    },
  });
  return {
    help: parsed.help,
    version: parsed.version,
    host: readHost(parsed.host),
    port: readPort(parsed.port),
    dataDir: readDataDir(parsed["data-dir"]),
    sync: readSync(parsed.sync),
    logLevel: readLogLevel(parsed["log-level"]),
  };
}

function readHost(hosts: readonly string[]): string | undefined {
  const text = single("--host", hosts);
  if (text === undefined) return undefined;
  if (text === "" || /[\s/]/.test(text)) {
    throw new UsageError(`--host takes an address such as 0.0.0.0, not '${text}'`);
  }
  return text.replace(/^\[(.*)\]$/, "$1");
}

function readPort(ports: readonly string[]): number {
  const text = single("--port", ports);
  if (text === undefined) return 5672;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) {
    throw new UsageError(`--port takes a number from 0 to 65535, not '${text}'`);
  }
  return number;
}

function readDataDir(directories: readonly string[]): string | undefined {
  const text = single("--data-dir", directories);
  if (text === "") throw new UsageError("--data-dir takes a directory");
  return text;
}

function readSync(modes: readonly string[]): SyncMode {
  const text = single("--sync", modes) ?? "always";
  if (text === "always" || text === "never") return text;
  const intervalMs = Number(/^interval=(\d{1,6})$/.exec(text)?.[1] ?? 0);
  if (intervalMs === 0) {
    throw new UsageError(`--sync takes always, never or interval=MS, not '${text}'`);
  }
  return { intervalMs };
}

function readLogLevel(levels: readonly string[]): LogThreshold {
  const text = single("--log-level", levels);
  if (text === undefined) return "info";
  const known = LOG_LEVELS.find((one) => one === text);
  if (known === undefined) {
    throw new UsageError(`--log-level takes ${LOG_LEVELS.join(", ")}, not '${text}'`);
  }
  return known;
}

function single(name: string, values: readonly string[]): string | undefined {
  if (values.length > 1) throw new UsageError(`${name} is given twice`);
  return values[0];
}
