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
/** With less than this part of their room used there are too many files: the one of which the least is
 * used is emptied. So no more blocks have to move than room is won. */
const USED_PART = 1 / 2;
/** A block moves to another file each so many milliseconds. */
const MOVE_MS = 10;
/** Files that could not be read are tried again after so long. */
const UNREADABLE_MS = 10_000;
/** Where a block is that nobody can read any more. */
const NOWHERE = 0;

/** Some neighbouring blocks. */
interface SpillFile {
  readonly number: number;
  readonly name: string;
  readonly file: StoreFile;
  /** Those that nothing lies in, the next one last. */
  readonly free: number[];
  /** How much lies in each block, and its checksum. */
  readonly lengths: Uint32Array;
  readonly checksums: Uint32Array;
  /** The number by which each block is known outside; 0: nothing lies in it. */
  readonly blocks: Float64Array;
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
  readonly #withRoom: SpillFile[] = [];
  /** Where blocks are that moved: the others are where their number says. */
  readonly #moved = new Map<number, number>();
  /** The file that is emptied, and the first block of it that was not tried. */
  #leaving: SpillFile | undefined = undefined;
  #leavingFrom = 0;
  /** Files of which nothing that is left can be read at present. */
  readonly #unreadable = new Set<SpillFile>();
  /** Cancels the next move. */
  #stopMoving: (() => void) | undefined = undefined;
  /** In which a block is while it moves. */
  #scratch: Uint8Array | undefined = undefined;
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
      const block = this.#put(undefined, bytes, length, checksum(bytes, length));
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

  /** Writes a block, a new one if it is undefined, to the next place that is free, and tells which. */
  #put(block: number | undefined, bytes: Uint8Array, length: number, sum: number): number {
    const spill = this.#withRoom.at(-1) ?? this.#create();
    const { number, file, free, lengths, checksums, blocks } = spill;
    const index = free.at(-1)!;
    file.write(bytes, 0, length, index * BLOCK_SIZE);
    free.pop();
    if (free.length === 0) this.#withRoom.pop();
    const place = number * FILE_BLOCKS + index;
    lengths[index] = length;
    checksums[index] = sum;
    blocks[index] = block ?? place;
    this.#used++;
    return place;
  }

  /** Where a block is, which its number tells as long as it did not move. */
  #placeOf(block: number): number {
    return this.#moved.get(block) ?? block;
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
    const place = this.#placeOf(block);
    const { name, file, lengths, checksums } = this.#fileOf(place);
    const index = place % FILE_BLOCKS;
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
    const place = this.#placeOf(block);
    this.#moved.delete(block);
    if (place !== NOWHERE) this.#freePlace(place);
    this.#moveIfWasteful();
  }

  #freePlace(place: number): void {
    const spill = this.#fileOf(place);
    const { free, blocks } = spill;
    const index = place % FILE_BLOCKS;
    blocks[index] = 0;
    this.#used--;
    this.#unreadable.delete(spill);
    if (free.length === 0) this.#withRoom.push(spill);
    free.push(index);
    if (free.length < FILE_BLOCKS) return;
    if (spill === this.#leaving || this.#withRoom.length > 1) this.#remove(spill);
  }

  /** Empties a file, a block now and then, where they have become much larger than what lies in them. */
  #moveIfWasteful(delayMs = MOVE_MS): void {
    if (this.#stopMoving !== undefined) return;
    while (this.#leaving === undefined && this.#isWasteful && this.#leaveLeastUsed());
    if (this.#leaving === undefined) {
      this.#scratch = undefined;
      if (this.#isWasteful && this.#unreadable.size > 0) this.#tryUnreadableLater();
      return;
    }
    this.#stopMoving = this.#options.clock.after(delayMs, () => {
      this.#stopMoving = undefined;
      const moved = this.#leaving === undefined || this.#moveOne(this.#leaving);
      this.#moveIfWasteful(moved ? MOVE_MS : TRY_AGAIN_MS);
    });
  }

  #tryUnreadableLater(): void {
    this.#stopMoving = this.#options.clock.after(UNREADABLE_MS, () => {
      this.#stopMoving = undefined;
      this.#unreadable.clear();
      this.#moveIfWasteful();
    });
  }

  get #isWasteful(): boolean {
    const { size } = this.#byNumber;
    return size > 1 && this.#used < size * FILE_BLOCKS * USED_PART;
  }

  /** Takes the file of which the least is used out of use. False when those that should go cannot be read. */
  #leaveLeastUsed(): boolean {
    let least: SpillFile | undefined;
    for (const file of this.#byNumber.values()) {
      if (this.#unreadable.has(file)) continue;
      if (least === undefined || file.free.length > least.free.length) least = file;
    }
    if (least === undefined || least.free.length <= FILE_BLOCKS * (1 - USED_PART)) return false;
    if (least.free.length === FILE_BLOCKS) this.#remove(least);
    else {
      this.#leaving = least;
      this.#leavingFrom = 0;
      const at = this.#withRoom.indexOf(least);
      if (at >= 0) this.#withRoom.splice(at, 1);
    }
    return true;
  }

  /** Moves a block of a file to another one; false when the disk does not let it at present. */
  #moveOne(spill: SpillFile): boolean {
    const { blocks, lengths, checksums } = spill;
    let index = this.#leavingFrom;
    while (index < FILE_BLOCKS && blocks[index] === 0) index++;
    this.#leavingFrom = index + 1;
    if (index >= FILE_BLOCKS) return this.#giveUpEmptying(spill);
    const block = blocks[index]!;
    const place = this.#placeOf(block);
    const bytes = this.#scratch ??= new Uint8Array(BLOCK_SIZE);
    let moved = NOWHERE;
    try {
      this.read(block, bytes);
    } catch (error) {
      // what is damaged is nowhere from now on; what may be read later stays, and the next one has its turn
      if ((error as StoreError).code !== "corrupt") return true;
      this.#moved.set(block, NOWHERE);
      this.#freePlace(place);
      return true;
    }
    try {
      moved = this.#put(block, bytes, lengths[index]!, checksums[index]!);
    } catch {
      this.#leavingFrom = index;
      return false;
    }
    this.#moved.set(block, moved);
    this.#freePlace(place);
    return true;
  }

  /** What is left in a file cannot be read: another one may be emptied. */
  #giveUpEmptying(spill: SpillFile): false {
    this.#leaving = undefined;
    this.#unreadable.add(spill);
    if (spill.free.length > 0) this.#withRoom.unshift(spill);
    return false;
  }

  /** Removes all files. */
  close(): void {
    this.#closed = true;
    this.#stopMoving?.();
    for (const spill of this.#byNumber.values()) this.#remove(spill);
  }

  #create(): SpillFile {
    const number = this.#nextNumber++;
    const name = `${String(number).padStart(10, "0")}${EXTENSION}`;
    const spill: SpillFile = {
      number,
      name,
      file: this.#options.files.create(name),
      free: Array.from({ length: FILE_BLOCKS }, (_, index) => FILE_BLOCKS - 1 - index),
      lengths: new Uint32Array(FILE_BLOCKS),
      checksums: new Uint32Array(FILE_BLOCKS),
      blocks: new Float64Array(FILE_BLOCKS),
    };
    this.#byNumber.set(number, spill);
    this.#withRoom.push(spill);
    return spill;
  }

  #remove(spill: SpillFile): void {
    if (spill === this.#leaving) this.#leaving = undefined;
    this.#unreadable.delete(spill);
    this.#byNumber.delete(spill.number);
    const at = this.#withRoom.indexOf(spill);
    if (at >= 0) this.#withRoom.splice(at, 1);
    try {
      this.#options.files.remove(spill.name);
    } catch {
      // the next process does it
    }
    // off the event loop, since the system takes its time to have so much back
    spill.file.closeCut(0);
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
