import type { Clock } from "../amqp/clock.ts";
import { StoreError, storeError } from "./error.ts";
import type { FileSystem } from "./file_system.ts";
import { type Move, SpillEmptying } from "./spill_emptying.ts";
import { BLOCK_SIZE, checksum, FILE_BLOCKS, SpillFile, spillFileNumber } from "./spill_file.ts";

/** After so many blocks it is told that more room is taken: 4 MiB. */
const GROWTH = 4;
/** When the disk took none, it is tried again after so long. */
const TRY_AGAIN_MS = 1000;
/** Where a block is that nobody can read any more. */
const NOWHERE = 0;

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
 * is ever synced, and what a process left is removed by the next one, unread.
 */
export class SpillFiles {
  readonly #options: SpillFilesOptions;
  readonly #byNumber = new Map<number, SpillFile>();
  /** Files that have room for another block, the next one last. */
  readonly #withRoom: SpillFile[] = [];
  /** Where each block is. Its number says nothing of that, since it may move; and no number comes again,
   * since what was read by it may still be at hand. */
  readonly #places = new Map<number, number>();
  #lastBlock = 0;
  readonly #emptying: SpillEmptying;
  /** How many blocks something lies in. */
  #used = 0;
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
      const number = spillFileNumber(name);
      if (number === 0) continue;
      try {
        files.remove(name);
      } catch {
        this.#nextNumber = Math.max(this.#nextNumber, number + 1);
      }
    }
    this.#emptying = this.#makeEmptying(options.clock);
  }

  #makeEmptying(clock: Clock): SpillEmptying {
    const used = () => this.#used;
    return new SpillEmptying({
      all: this.#byNumber,
      get used() {
        return used();
      },
      retire: (spill) => this.#takeOut(spill),
      restore: (spill) => {
        if (spill.freeCount > 0) this.#withRoom.unshift(spill);
      },
      remove: (spill) => this.#remove(spill),
      move: (spill, index, scratch) => this.#move(spill, index, scratch),
    }, clock);
  }

  /** Room of all files in bytes. */
  get diskBytes(): number {
    return this.#byNumber.size * FILE_BLOCKS * BLOCK_SIZE;
  }

  /** False while the disk takes nothing, and once these are closed. */
  get takes(): boolean {
    return !this.#closed && (!this.#failing || this.#options.clock.now() >= this.#tryAt);
  }

  /** Writes the first so many bytes as a block and tells its number, from 1; 0: the disk does not take
   * them. */
  write(bytes: Uint8Array, length: number): number {
    if (this.#closed) return 0;
    try {
      const block = this.#lastBlock + 1;
      this.#put(block, bytes, length, checksum(bytes, length));
      this.#lastBlock = block;
      this.#failing = false;
      if (++this.#writes % GROWTH === 0) this.#options.onGrown();
      return block;
    } catch (error) {
      if (!this.#failing) {
        this.#options.onFailure(storeError("write what memory has no room for", error));
      }
      this.#failing = true;
      this.#tryAt = this.#options.clock.now() + TRY_AGAIN_MS;
      return 0;
    }
  }

  /** Writes a block to the next place that is free. */
  #put(block: number, bytes: Uint8Array, length: number, sum: number): void {
    const spill = this.#withRoom.at(-1) ?? this.#create();
    this.#places.set(block, spill.write(block, bytes, length, sum));
    if (spill.freeCount === 0) this.#withRoom.pop();
    this.#used++;
  }

  #fileOf(place: number): SpillFile {
    return this.#byNumber.get(Math.floor(place / FILE_BLOCKS))!;
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
    const place = this.#places.get(block)!;
    try {
      this.#fileOf(place).read(place % FILE_BLOCKS, bytes);
    } catch (cause) {
      const error = cause as StoreError;
      if (error.code === "corrupt") this.#damaged.set(block, error);
      throw error;
    }
  }

  /** What lies in a block is not needed any more. */
  free(block: number): void {
    // what is purged may take longer than the files are there
    if (this.#closed) return;
    this.#damaged.delete(block);
    const place = this.#places.get(block)!;
    this.#places.delete(block);
    if (place !== NOWHERE) this.#freePlace(place);
    this.#emptying.look();
  }

  #freePlace(place: number): void {
    const spill = this.#fileOf(place);
    const wasFull = spill.freeCount === 0;
    spill.free(place % FILE_BLOCKS);
    this.#used--;
    this.#emptying.freed(spill);
    if (wasFull) this.#withRoom.push(spill);
    if (spill.freeCount < FILE_BLOCKS) return;
    if (this.#emptying.isLeaving(spill) || this.#withRoom.length > 1) this.#remove(spill);
  }

  /** Moves what lies at an index of a file to another one. */
  #move(spill: SpillFile, index: number, bytes: Uint8Array): Move {
    const block = spill.blockAt(index);
    const place = this.#places.get(block)!;
    try {
      this.read(block, bytes);
    } catch (error) {
      if ((error as StoreError).code !== "corrupt") return "unreadable";
      this.#places.set(block, NOWHERE);
      this.#freePlace(place);
      return "moved";
    }
    try {
      this.#put(block, bytes, spill.lengthAt(index), spill.checksumAt(index));
    } catch {
      return "refused";
    }
    this.#freePlace(place);
    return "moved";
  }

  /** Removes all files. */
  close(): void {
    this.#closed = true;
    this.#emptying.stop();
    for (const spill of this.#byNumber.values()) this.#remove(spill);
  }

  #create(): SpillFile {
    const spill = new SpillFile(this.#options.files, this.#nextNumber++);
    this.#byNumber.set(spill.number, spill);
    this.#withRoom.push(spill);
    return spill;
  }

  /** Nothing is written to a file any more. */
  #takeOut(spill: SpillFile): void {
    const at = this.#withRoom.indexOf(spill);
    if (at >= 0) this.#withRoom.splice(at, 1);
  }

  #remove(spill: SpillFile): void {
    this.#emptying.removed(spill);
    this.#byNumber.delete(spill.number);
    this.#takeOut(spill);
    try {
      this.#options.files.remove(spill.name);
    } catch {
      // the next process does it
    }
    spill.close();
  }
}
