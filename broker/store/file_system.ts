/**
 * Files as the store needs them. The simulation of the tests has another implementation, so this is
 * the only file of the store that opens files.
 *
 * @module
 */

import { builtIn } from "../amqp/built_in.ts";
import { smallInteger } from "../amqp/small_integers.ts";

type NodeFileSystem = typeof import("node:fs");
type NodePath = typeof import("node:path");

/** A file up to this size is cut in no time. */
const CUT_AT_ONCE = 1024 * 1024;
/** Others by so much at a time, since writes to other files of the disk may have to wait meanwhile. */
const CUT_STEP = 4 * 1024 * 1024;

/** Called when something is on disk, or with what went wrong. */
export type SyncCallback = (error: Error | undefined) => void;

/** An open file, read and written at positions. */
export interface StoreFile {
  /** Its size in bytes. */
  size(): number;
  /** Reads into a range of `bytes` and tells how much came: less only at the end of the file. */
  read(bytes: Uint8Array, start: number, length: number, position: number): number;
  /** Writes a range of `bytes`, all of it or it throws. */
  write(bytes: Uint8Array, start: number, length: number, position: number): void;
  /** Cuts it to this size. */
  truncate(size: number): void;
  /** Puts all that was written before the call on disk, off the event loop. */
  sync(done: SyncCallback): void;
  /** Cuts it to this size and closes it, off the event loop, for what would take long: the system needs
   * 50 ms to take 64 MiB back. What goes wrong is not told. */
  closeCut(size: number): void;
  /** Closes it. */
  close(): void;
}

/** One directory. */
export interface FileSystem {
  /** Where it is, for messages. */
  readonly directory: string;
  /** Names of the files in it. */
  list(): string[];
  /** Makes a file that does not exist yet. */
  create(name: string): StoreFile;
  /** Opens a file that exists. */
  open(name: string): StoreFile;
  /** Gives a file another name, and replaces one that has it. */
  rename(from: string, to: string): void;
  /** Removes a file. */
  remove(name: string): void;
  /** Puts the names on disk: what was created, renamed and removed before the call. */
  sync(done: SyncCallback): void;
}

/** A directory of this machine. */
export class DiskFileSystem implements FileSystem {
  /** Its path. */
  readonly directory: string;
  readonly #fs: NodeFileSystem = builtIn("fs");
  readonly #path: NodePath = builtIn("path");
  readonly #readOnly: boolean;

  /** Makes the directory when it is missing, unless it is only to be read. */
  constructor(directory: string, options: { readOnly?: boolean } = {}) {
    this.directory = directory;
    this.#readOnly = options.readOnly ?? false;
    if (!this.#readOnly) makeDirectory(this.#fs, this.#path, directory);
  }

  list(): string[] {
    return this.#fs.readdirSync(this.directory);
  }

  create(name: string): StoreFile {
    return new DiskFile(
      this.#fs,
      this.#fs.openSync(this.#path.join(this.directory, name), "wx+", 0o640),
    );
  }

  open(name: string): StoreFile {
    return new DiskFile(
      this.#fs,
      this.#fs.openSync(this.#path.join(this.directory, name), this.#readOnly ? "r" : "r+"),
    );
  }

  rename(from: string, to: string): void {
    this.#fs.renameSync(this.#path.join(this.directory, from), this.#path.join(this.directory, to));
  }

  remove(name: string): void {
    this.#fs.unlinkSync(this.#path.join(this.directory, name));
  }

  sync(done: SyncCallback): void {
    if (!syncsDirectories(this.#path)) {
      queueMicrotask(() => done(undefined));
      return;
    }
    let descriptor: number;
    try {
      descriptor = this.#fs.openSync(this.directory, "r");
    } catch (error) {
      done(error as Error);
      return;
    }
    this.#fs.fsync(descriptor, (error) => {
      this.#fs.closeSync(descriptor);
      done(error ?? undefined);
    });
  }
}

/** Windows opens no directory as a file, and keeps names by itself. */
function syncsDirectories({ sep }: Pick<NodePath, "sep">): boolean {
  return sep === "/";
}

/** Makes a directory, with those that it is to be in, and puts their names on disk. */
function makeDirectory(
  fs: NodeFileSystem,
  { dirname, resolve, sep }: NodePath,
  directory: string,
): void {
  const path = resolve(directory);
  const first = fs.mkdirSync(path, { recursive: true, mode: 0o750 });
  if (first === undefined || !syncsDirectories({ sep })) return;
  // where little may be read, the first one that was made is told too high up
  let made = path;
  while (syncDirectory(fs, dirname(made)) && made !== first && dirname(made) !== made) {
    made = dirname(made);
  }
}

/** Puts the names in a directory on disk; false when it may not be opened, nor may those above it. */
function syncDirectory(fs: NodeFileSystem, path: string): boolean {
  let descriptor: number;
  try {
    descriptor = fs.openSync(path, "r");
  } catch {
    return false;
  }
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
  return true;
}

class DiskFile implements StoreFile {
  readonly #fs: NodeFileSystem;
  readonly #descriptor: number;
  #working = 0;
  #closed = false;

  constructor(fs: NodeFileSystem, descriptor: number) {
    this.#fs = fs;
    this.#descriptor = descriptor;
  }

  size(): number {
    return smallInteger(this.#fs.fstatSync(this.#descriptor).size);
  }

  read(bytes: Uint8Array, start: number, length: number, position: number): number {
    let count = 0;
    while (count < length) {
      const read = this.#fs.readSync(
        this.#descriptor,
        bytes,
        start + count,
        length - count,
        position + count,
      );
      if (read === 0) break;
      count += read;
    }
    return count;
  }

  write(bytes: Uint8Array, start: number, length: number, position: number): void {
    let count = 0;
    while (count < length) {
      count += this.#fs.writeSync(
        this.#descriptor,
        bytes,
        start + count,
        length - count,
        position + count,
      );
    }
  }

  truncate(size: number): void {
    this.#fs.ftruncateSync(this.#descriptor, size);
  }

  sync(done: SyncCallback): void {
    this.#working++;
    this.#fs.fdatasync(this.#descriptor, (error) => {
      this.#finished();
      done(error ?? undefined);
    });
  }

  closeCut(size: number): void {
    let end = 0;
    try {
      end = this.size();
      if (end <= CUT_AT_ONCE) this.truncate(size);
    } catch {
      // it is closed as it is
      end = 0;
    }
    if (end <= CUT_AT_ONCE) return this.close();
    this.#working++;
    const cut = () => {
      end = Math.max(size, end - CUT_STEP);
      this.#fs.ftruncate(this.#descriptor, end, (error) => {
        if (error === null && end > size) cut();
        else this.#finished();
      });
    };
    cut();
    this.close();
  }

  #finished(): void {
    if (--this.#working === 0 && this.#closed) this.#fs.closeSync(this.#descriptor);
  }

  /** Waits for what is in flight: its descriptor must not become another file's meanwhile. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#working === 0) this.#fs.closeSync(this.#descriptor);
  }
}
