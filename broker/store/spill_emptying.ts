import type { Clock } from "../amqp/clock.ts";
import { BLOCK_SIZE, FILE_BLOCKS, type SpillFile } from "./spill_file.ts";

/** With less than this part of their room used there are too many files: the one of which the least is
 * used is emptied. So no more blocks have to move than room is won. */
const USED_PART = 1 / 2;
/** A block moves to another file each so many milliseconds. */
const MOVE_MS = 10;
/** When the disk let none be moved, it is tried again after so long. */
const TRY_AGAIN_MS = 1000;
/** Files that could not be read are tried again after so long. */
const UNREADABLE_MS = 10_000;

/** What became of a block that was to move: it is in another file, or nowhere since it is damaged; it stays,
 * since it cannot be read; or no file took it. Both may pass. */
export type Move = "moved" | "unreadable" | "refused";

/** The files, of which one at a time is emptied. */
export interface EmptiedFiles {
  /** All of them. */
  readonly all: { readonly size: number; values(): Iterable<SpillFile> };
  /** In how many of their blocks something lies. */
  readonly used: number;
  /** Nothing is written to a file any more. */
  retire(spill: SpillFile): void;
  /** A file may be written to again, after the others. */
  restore(spill: SpillFile): void;
  /** Removes a file. */
  remove(spill: SpillFile): void;
  /** Moves what lies at an index of a file to another one, through a buffer of a block's size. */
  move(spill: SpillFile, index: number, scratch: Uint8Array): Move;
}

/**
 * Empties files in which little is left, a block now and then, where all together have become much larger
 * than what lies in them: a few messages that wait for long would keep them on disk.
 */
export class SpillEmptying {
  readonly #files: EmptiedFiles;
  readonly #clock: Clock;
  /** The file that is emptied, and the first block of it that was not tried. */
  #leaving: SpillFile | undefined = undefined;
  #from = 0;
  /** Files of which nothing that is left can be read at present. */
  readonly #unreadable = new Set<SpillFile>();
  /** Cancels the next move. */
  #stop: (() => void) | undefined = undefined;
  /** In which a block is while it moves. */
  #scratch: Uint8Array | undefined = undefined;

  /**
   * @param files What is emptied.
   * @param clock Time.
   */
  constructor(files: EmptiedFiles, clock: Clock) {
    this.#files = files;
    this.#clock = clock;
  }

  /** True when a file is the one that is emptied. */
  isLeaving(spill: SpillFile): boolean {
    return spill === this.#leaving;
  }

  /** Less lies in a file than before. */
  freed(spill: SpillFile): void {
    this.#unreadable.delete(spill);
  }

  /** A file is gone. */
  removed(spill: SpillFile): void {
    if (spill === this.#leaving) this.#leaving = undefined;
    this.#unreadable.delete(spill);
  }

  /** Looks whether a file is to be emptied, and goes on later. */
  look(delayMs = MOVE_MS): void {
    if (this.#stop !== undefined) return;
    while (this.#leaving === undefined && this.#isWasteful && this.#leaveLeastUsed());
    if (this.#leaving === undefined) {
      this.#scratch = undefined;
      if (this.#isWasteful && this.#unreadable.size > 0) this.#tryUnreadableLater();
      return;
    }
    this.#stop = this.#clock.after(delayMs, () => {
      this.#stop = undefined;
      const moved = this.#leaving === undefined || this.#moveOne(this.#leaving);
      this.look(moved ? MOVE_MS : TRY_AGAIN_MS);
    });
  }

  /** Moves nothing any more. */
  stop(): void {
    this.#stop?.();
  }

  get #isWasteful(): boolean {
    const { all: { size }, used } = this.#files;
    return size > 1 && used < size * FILE_BLOCKS * USED_PART;
  }

  /** Takes the file of which the least is used out of use. False when those that should go cannot be read. */
  #leaveLeastUsed(): boolean {
    let least: SpillFile | undefined;
    for (const spill of this.#files.all.values()) {
      if (this.#unreadable.has(spill)) continue;
      if (least === undefined || spill.freeCount > least.freeCount) least = spill;
    }
    if (least === undefined || least.freeCount <= FILE_BLOCKS * (1 - USED_PART)) return false;
    if (least.freeCount === FILE_BLOCKS) this.#files.remove(least);
    else {
      this.#leaving = least;
      this.#from = 0;
      this.#files.retire(least);
    }
    return true;
  }

  /** Moves a block of a file to another one; false when the disk does not let it at present. */
  #moveOne(spill: SpillFile): boolean {
    let index = this.#from;
    while (index < FILE_BLOCKS && spill.blockAt(index) === 0) index++;
    this.#from = index + 1;
    if (index >= FILE_BLOCKS) return this.#giveUp(spill);
    // what may be read later stays, and the next one has its turn
    const move = this.#files.move(spill, index, this.#scratch ??= new Uint8Array(BLOCK_SIZE));
    if (move !== "refused") return true;
    this.#from = index;
    return false;
  }

  /** What is left in a file cannot be read: another one may be emptied. */
  #giveUp(spill: SpillFile): false {
    this.#leaving = undefined;
    this.#unreadable.add(spill);
    this.#files.restore(spill);
    return false;
  }

  #tryUnreadableLater(): void {
    this.#stop = this.#clock.after(UNREADABLE_MS, () => {
      this.#stop = undefined;
      this.#unreadable.clear();
      this.look();
    });
  }
}
