import {
  type Known,
  readArguments,
  readDataDir,
  readPort,
  readWord,
  UsageError,
} from "./arguments.ts";
import { defaultDataDir } from "./data_directory.ts";
import { DEFAULT_PORT } from "./serve_options.ts";
import type { Terminal } from "./terminal.ts";

/** What the arguments of a command about a store ask for. */
export interface StoreOptions {
  /** Show how the command is used, and nothing else. */
  readonly help: boolean;
  /** The directory of the store. */
  readonly directory: string;
  /** How the command tells what it found. */
  readonly format: "text" | "json";
}

/** The options of every command about a store. */
export const STORE_OPTIONS = `Options:
  --data-dir DIR     the directory of the store
  --port PORT        the directory of a broker on this port that was given none
                     (default: ${DEFAULT_PORT})
  --format FORMAT    text or json (default: text)
  --help             print this`;

/** What a command about a store may be given. */
export const STORE_KNOWN: Known = { flags: [], options: ["data-dir", "port", "format"] };

/**
 * Reads the arguments of a command about a store.
 *
 * @throws {UsageError} As all commands, and when nothing tells where the store is.
 */
export function readStoreOptions(args: readonly string[], terminal: Terminal): StoreOptions {
  const given = readArguments(args, STORE_KNOWN);
  const dataDir = readDataDir(given);
  const port = readPort(given);
  const format = readWord(given, "format", ["text", "json"]) ?? "text";
  if (given.has("help")) return { help: true, directory: "", format };
  if (dataDir !== undefined && port !== undefined) {
    throw new UsageError("--port does not go with --data-dir: both say where the store is");
  }
  if (port === 0) throw new UsageError("--port takes the port of a broker, not 0");
  return {
    help: false,
    directory: dataDir ?? defaultDataDir(port ?? DEFAULT_PORT, terminal, "--data-dir DIR"),
    format,
  };
}
