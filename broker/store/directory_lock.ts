import { StoreError } from "./error.ts";

const NAME = "warren.lock";

/**
 * The right to use a data directory, which one process has at a time, or several that only read. The
 * system takes it back when the process ends in whatever way, so nothing has to be cleaned up after a
 * crash.
 */
export class DirectoryLock implements Disposable {
  /** Undefined for a reader of a directory that nobody ever locked. */
  readonly #file: Deno.FsFile | undefined;
  #released = false;

  /**
   * Takes the lock of a directory that exists.
   *
   * @param options `readOnly`: other readers are let in, and nothing is written, not even the lock.
   * @throws {StoreError} When another process has it, or another broker in this one.
   */
  constructor(directory: string, options: { readOnly?: boolean } = {}) {
    const path = `${directory}/${NAME}`;
    if (options.readOnly ?? false) {
      this.#file = lockForReading(directory, path);
      return;
    }
    // The file stays for ever: if it were removed, two processes could each lock a file of their own.
    const file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o640 });
    let taken = false;
    try {
      taken = file.tryLockSync(true);
      if (!taken) {
        const isRead = file.tryLockSync(false);
        const user = isRead ? "a process that only reads" : holder(file);
        if (isRead) file.unlockSync();
        throw new StoreError("locked", `Cannot use ${directory}: ${user} uses it`);
      }
      file.truncateSync();
      file.writeSync(new TextEncoder().encode(String(Deno.pid)));
    } catch (error) {
      file.close();
      throw error;
    }
    this.#file = file;
  }

  /** Gives the directory free. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    // Closing alone is not enough: a process that is being forked at this moment has the file too.
    this.#file?.unlockSync();
    this.#file?.close();
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.release();
  }
}

function lockForReading(directory: string, path: string): Deno.FsFile | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    if (file.tryLockSync(false)) return file;
    throw new StoreError("locked", `Cannot use ${directory}: ${holder(file)} uses it`);
  } catch (error) {
    file.close();
    throw error;
  }
}

function holder(file: Deno.FsFile): string {
  const bytes = new Uint8Array(20);
  const count = file.readSync(bytes) ?? 0;
  const pid = new TextDecoder().decode(bytes.subarray(0, count));
  if (!/^\d+$/.test(pid)) return "another process";
  return Number(pid) === Deno.pid ? "another broker in this process" : `process ${pid}`;
}
