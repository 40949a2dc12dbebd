import { builtIn } from "../amqp/built_in.ts";
import { StoreError, storeError } from "./error.ts";
import type { FileSystem, StoreFile } from "./file_system.ts";

/** Room of a block in bytes. */
export const BLOCK_SIZE = 1024 * 1024;
/** Blocks in a file: as large as a segment. */
export const FILE_BLOCKS = 64;
const EXTENSION = ".spill";

/** Some neighbouring blocks, each with its length and checksum in memory, so that what a disk makes of it is
 * never taken for messages. */
export class SpillFile {
  /** Its number, of which its blocks' places are made. */
  readonly number: number;
  /** Its name. */
  readonly name: string;
  readonly #file: StoreFile;
  /** Those that nothing lies in, the next one last. */
  readonly #free = Array.from({ length: FILE_BLOCKS }, (_, index) => FILE_BLOCKS - 1 - index);
  readonly #lengths = new Uint32Array(FILE_BLOCKS);
  readonly #checksums = new Uint32Array(FILE_BLOCKS);
  /** The number by which each block is known outside; 0: nothing lies in it. */
  readonly #blocks = new Float64Array(FILE_BLOCKS);

  /** Makes a new file. Throws what the file system throws. */
  constructor(files: FileSystem, number: number) {
    this.number = number;
    this.name = `${String(number).padStart(10, "0")}${EXTENSION}`;
    this.#file = files.create(this.name);
  }

  /** How many blocks nothing lies in. */
  get freeCount(): number {
    return this.#free.length;
  }

  /** The number by which what lies at an index is known outside; 0: nothing does. */
  blockAt(index: number): number {
    return this.#blocks[index]!;
  }

  /** How many bytes lie at an index. */
  lengthAt(index: number): number {
    return this.#lengths[index]!;
  }

  /** The checksum of what lies at an index. */
  checksumAt(index: number): number {
    return this.#checksums[index]!;
  }

  /** Writes the first so many bytes, a block of this number with this checksum, to the next index that is
   * free, of which there is one, and tells the place. */
  write(block: number, bytes: Uint8Array, length: number, sum: number): number {
    const free = this.#free;
    const index = free.at(-1)!;
    this.#file.write(bytes, 0, length, index * BLOCK_SIZE);
    free.pop();
    this.#lengths[index] = length;
    this.#checksums[index] = sum;
    this.#blocks[index] = block;
    return this.number * FILE_BLOCKS + index;
  }

  /**
   * Reads what lies at an index to the beginning of `bytes`.
   *
   * @throws {StoreError} `corrupt` when it is not what was written, `failed` when it cannot be read,
   * which may pass.
   */
  read(index: number, bytes: Uint8Array): void {
    const length = this.#lengths[index]!;
    let count: number;
    try {
      count = this.#file.read(bytes, 0, length, index * BLOCK_SIZE);
    } catch (error) {
      throw storeError(`read ${this.name}`, error);
    }
    if (count === length && checksum(bytes, length) === this.#checksums[index]) return;
    const text = `Cannot read messages of block ${index} of ${this.name}: its checksum is wrong`;
    throw new StoreError("corrupt", text);
  }

  /** What lies at an index is not needed any more. */
  free(index: number): void {
    this.#blocks[index] = 0;
    this.#free.push(index);
  }

  /** Closes it and gives its room back, whether or not its name could be removed. */
  close(): void {
    // off the event loop, since the system takes its time to have so much back
    this.#file.closeCut(0);
  }
}

/** The number in the name of such a file; 0: it is another one. */
export function spillFileNumber(name: string): number {
  const match = /^(\d{10})\.spill$/.exec(name);
  return match === null ? 0 : Number(match[1]);
}

/** The checksum of the first so many bytes. */
export function checksum(bytes: Uint8Array, length: number): number {
  return builtIn("zlib").crc32(bytes.subarray(0, length));
}
