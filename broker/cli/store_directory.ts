import { DirectoryLock } from "../store/directory_lock.ts";
import { StoreError } from "../store/error.ts";
import { DiskFileSystem, type FileSystem } from "../store/file_system.ts";
import { whyNotUsable } from "./data_directory.ts";
import type { StoreOptions } from "./store_options.ts";
import type { Terminal } from "./terminal.ts";

/** What of a directory's files shows that a broker had it. */
const OF_A_STORE = /^(\d{10}\.(segment|spare|damaged)|warren\.lock)$/;

/**
 * Does something with a store that no broker uses meanwhile. Even reading would go wrong beside one:
 * it adds to segments, renames and removes them, which looks like damage to whoever reads along.
 *
 * @param use Gets the store's files, to be read; gives the exit status.
 * @returns 1 when there is no store, or it cannot be had.
 */
export async function withStore(
  { directory }: StoreOptions,
  { access, terminal }: { access: "read" | "write"; terminal: Terminal },
  use: (files: FileSystem) => number | Promise<number>,
): Promise<number> {
  const files = new DiskFileSystem(directory, { readOnly: true });
  try {
    if (!namesIn(files).some((name) => OF_A_STORE.test(name))) {
      terminal.complain(`warren: there is no store in ${directory}`);
      return 1;
    }
    using _lock = new DirectoryLock(directory, { readOnly: access === "read" });
    return await use(files);
  } catch (cause) {
    const why = whyNotUsable(directory, cause);
    const locked = cause instanceof StoreError && cause.code === "locked";
    terminal.complain(`warren: ${why}${locked ? ": stop it first" : ""}`);
    return 1;
  }
}

function namesIn(files: FileSystem): string[] {
  try {
    return files.list();
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ENOENT") return [];
    throw cause;
  }
}
