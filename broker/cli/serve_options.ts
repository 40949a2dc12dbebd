import type { SyncMode } from "../store/group_commit.ts";
import {
  type Arguments,
  readArguments,
  readDataDir,
  readPort,
  readWord,
  UsageError,
} from "./arguments.ts";
import { LOG_LEVELS, type LogThreshold } from "./log.ts";

/** The port that AMQP clients look for. */
export const DEFAULT_PORT = 5672;

/** What the arguments of `serve` ask for. */
export interface ServeOptions {
  /** Show how the program is used, and nothing else. */
  readonly help: boolean;
  /** Show the version, and nothing else. */
  readonly version: boolean;
  /** The address to listen on; undefined for loopback, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** The port; 0 for any free one. */
  readonly port: number;
  /** Keep nothing on disk. */
  readonly memory: boolean;
  /** Where durable things survive a restart; undefined for the usual folder of this port. */
  readonly dataDir: string | undefined;
  /** When what was written there is put on disk. */
  readonly sync: SyncMode;
  /** How much is logged. */
  readonly logLevel: LogThreshold;
}

/** How the broker is served. */
export const SERVE_USAGE = `Usage: deno run -A broker/main.ts [serve] [options]

Serves an AMQP 0-9-1 broker until it is interrupted.

Options:
  --host ADDRESS     address to listen on (default: 127.0.0.1, and ::1 where it exists)
  --port PORT        port to listen on, 0 for any free one (default: ${DEFAULT_PORT})
  --data-dir DIR     keep what is durable or persistent there (default: warren/PORT in the
                     user's state folder, which is ~/.local/state on Linux)
  --memory           keep nothing on disk
  --sync WHEN        put writes on disk always (before confirms), interval=MS, or never
                     (default: always)
  --log-level LEVEL  ${LOG_LEVELS.join(", ")} (default: info)
  --version          print the version
  --help             print this`;

/**
 * Reads the arguments of `serve`.
 *
 * @throws {UsageError} When one of them is unknown, twice there, has a value that it cannot have, or
 * does not go with another.
 */
export function readServeOptions(args: readonly string[]): ServeOptions {
  const given = readArguments(args, {
    flags: ["version", "memory"],
    options: ["host", "port", "data-dir", "sync", "log-level"],
  });
  const options: ServeOptions = {
    help: given.has("help"),
    version: given.has("version"),
    host: readHost(given),
    port: readPort(given) ?? DEFAULT_PORT,
    memory: given.has("memory"),
    dataDir: readDataDir(given),
    sync: readSync(given),
    logLevel: readWord(given, "log-level", LOG_LEVELS) ?? "info",
  };
  if (options.help || options.version) return options;
  if (options.memory) {
    for (const option of ["data-dir", "sync"]) {
      if (given.value(option) === undefined) continue;
      throw new UsageError(`--${option} does not go with --memory, which keeps nothing on disk`);
    }
  } else if (options.port === 0 && options.dataDir === undefined) {
    // A folder named after a port that is another one each time would never be found again.
    throw new UsageError("--port 0 needs --data-dir DIR or --memory: a free port names no folder");
  }
  return options;
}

function readHost(args: Arguments): string | undefined {
  const text = args.value("host");
  if (text === undefined) return undefined;
  if (text === "" || /[\s/]/.test(text)) {
    throw new UsageError(`--host takes an address such as 0.0.0.0, not '${text}'`);
  }
  return text.replace(/^\[(.*)\]$/, "$1");
}

function readSync(args: Arguments): SyncMode {
  const text = args.value("sync") ?? "always";
  if (text === "always" || text === "never") return text;
  const intervalMs = Number(/^interval=(\d{1,6})$/.exec(text)?.[1] ?? 0);
  if (intervalMs === 0) {
    throw new UsageError(`--sync takes always, never or interval=MS, not '${text}'`);
  }
  return { intervalMs };
}
