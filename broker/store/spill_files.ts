import { builtIn } from "../amqp/built_in.ts";
import type { Clock } from "../amqp/clock.ts";
import { StoreError, storeError } from "./error.ts";
import type { FileSystem, StoreFile } from "./file_system.ts";

/** Room of a block in bytes. */
const BLOCK_SIZE = 1024 * 1024;
/** Blocks in a file: as large as a segment. */
const FILE_BLOCKS = 64;
const EXTENSION = ".spill";
/** After so many blocks it is told that more room is taken: 4 MiB. */
const GROWTH = 4;
/** When the disk took none, it is tried again after so long. */
const TRY_AGAIN_MS = 1000;

/** Some neighbouring blocks. */
interface SpillFile {
  readonly name: string;
  readonly file: StoreFile;
  /** Those that nothing lies in, the next one last. */
  readonly free: number[];
  /** How much lies in each block, and its checksum. */
  readonly lengths: Uint32Array;
  readonly checksums: Uint32Array;
}

/** How {@linkcode SpillFiles} are made. */
export interface SpillFilesOptions {
  /** The directory. */
  readonly files: FileSystem;
  /** Time. */
  readonly clock: Clock;
  /** Called when nothing can be written, once until it can be again. */
  readonly onFailure: (error: StoreError) => void;
  /** Called when the files take more room, some megabytes at a time. */
  readonly onGrown: () => void;
}

/**
 * Blocks of bytes for which memory has no room, in files beside the log. They need not survive: nothing
 * is ever synced, and what a process left is removed by the next one, unread. Each block has a checksum
 * in memory, so that what a disk makes of it is never taken for messages.
 */
export class SpillFiles {
  readonly #options: SpillFilesOptions;
  readonly #byNumber = new Map<number, SpillFile>();
  /** Files that have room for another block, the next one last. */
  readonly #withRoom: number[] = [];
  /** Blocks that turned out not to be what was written: they are not read again. */
  readonly #damaged = new Map<number, StoreError>();
  #nextNumber = 1;
  #writes = 0;
  #failing = false;
  /** When it is tried again after a failure. */
  #tryAt = 0;
  #closed = false;

  /** Removes what is there of another life. */
  constructor(options: SpillFilesOptions) {
    this.#options = options;
    const { files } = options;
    for (const name of files.list()) {
      const number = numberOf(name);
      if (number === 0) continue;
      try {
        files.remove(name);
      } catch {
        this.#nextNumber = Math.max(this.#nextNumber, number + 1);
      }
    }
  }

  /** Room of all files in bytes. */
  get diskBytes(): number {
    return this.#byNumber.size * FILE_BLOCKS * BLOCK_SIZE;
  }

  /** False while the disk takes nothing, and once these are closed. */
  get takes(): boolean {
    return !this.#closed && (!this.#failing || this.#options.clock.now() >= this.#tryAt);
  }

  /** Writes the first so many bytes and tells where, from 1; 0: the disk does not take them. */
  write(bytes: Uint8Array, length: number): number {
    if (this.#closed) return 0;
    try {
      const number = this.#withRoom.at(-1) ?? this.#create();
      const { file, free, lengths, checksums } = this.#byNumber.get(number)!;
      const index = free.at(-1)!;
      file.write(bytes, 0, length, index * BLOCK_SIZE);
      free.pop();
      if (free.length === 0) this.#withRoom.pop();
      lengths[index] = length;
      checksums[index] = checksum(bytes, length);
      this.#failing = false;
      if (++this.#writes % GROWTH === 0) this.#options.onGrown();
      return number * FILE_BLOCKS + index;
    } catch (error) {
      if (!this.#failing) {
        this.#options.onFailure(storeError("write what memory has no room for", error));
      }
      this.#failing = true;
      this.#tryAt = this.#options.clock.now() + TRY_AGAIN_MS;
      return 0;
    }
  }

  /**
   * Reads a block to the beginning of `bytes`.
   *
   * @throws {StoreError} `corrupt` when it is not what was written, `failed` when it cannot be read,
   * which may pass, `closed` when the files are.
   */
  read(block: number, bytes: Uint8Array): void {
    if (this.#closed) throw new StoreError("closed", "Cannot read messages: the store is closed");
    const known = this.#damaged.get(block);
    if (known !== undefined) throw known;
    const { name, file, lengths, checksums } = this.#byNumber.get(Math.floor(block / FILE_BLOCKS))!;
    const index = block % FILE_BLOCKS;
    const length = lengths[index]!;
    let count: number;
    try {
      count = file.read(bytes, 0, length, index * BLOCK_SIZE);
    } catch (error) {
      throw storeError(`read ${name}`, error);
    }
    if (count === length && checksum(bytes, length) === checksums[index]) return;
    const text = `Cannot read messages of block ${index} of ${name}: its checksum is wrong`;
    const damage = new StoreError("corrupt", text);
    this.#damaged.set(block, damage);
    throw damage;
  }

  /** What lies in a block is not needed any more. */
  free(block: number): void {
    // what is purged may take longer than the files are there
    if (this.#closed) return;
    this.#damaged.delete(block);
    const number = Math.floor(block / FILE_BLOCKS);
    const file = this.#byNumber.get(number)!;
    if (file.free.length === 0) this.#withRoom.push(number);
    file.free.push(block % FILE_BLOCKS);
    if (file.free.length === FILE_BLOCKS && this.#withRoom.length > 1) this.#remove(number, file);
  }

  /** Removes all files. */
  close(): void {
    this.#closed = true;
    for (const [number, file] of this.#byNumber) this.#remove(number, file);
  }

  #create(): number {
    const number = this.#nextNumber++;
    const name = `${String(number).padStart(10, "0")}${EXTENSION}`;
    const file = this.#options.files.create(name);
    this.#byNumber.set(number, {
      name,
      file,
      free: Array.from({ length: FILE_BLOCKS }, (_, index) => FILE_BLOCKS - 1 - index),
      lengths: new Uint32Array(FILE_BLOCKS),
      checksums: new Uint32Array(FILE_BLOCKS),
    });
    this.#withRoom.push(number);
    return number;
  }

  #remove(number: number, { name, file }: SpillFile): void {
    this.#byNumber.delete(number);
    const at = this.#withRoom.indexOf(number);
    if (at >= 0) this.#withRoom.splice(at, 1);
    try {
      this.#options.files.remove(name);
    } catch {
      // the next process does it
    }
    // off the event loop, since the system takes its time to have so much back
    file.closeCut(0);
  }
}

function checksum(bytes: Uint8Array, length: number): number {
  return builtIn("zlib").crc32(bytes.subarray(0, length));
}

/** The number in the name of such a file; 0: it is another one. */
function numberOf(name: string): number {
  const match = /^(\d{10})\.spill$/.exec(name);
  return match === null ? 0 : Number(match[1]);
}
