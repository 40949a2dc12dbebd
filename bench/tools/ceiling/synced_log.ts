import fs from "node:fs";

/** Written before anything is measured, so that a sync finds no new size and no new blocks to note. */
const SIZE = 128 << 20;
const ZEROS = new Uint8Array(4 << 20);

/**
 * The least log that a confirm can wait for: what came is written from where it was read, one
 * `fdatasync` is in flight at a time, and what arrives meanwhile is covered by the next one. The file
 * is as long as it ever gets from the start; at its end it is begun anew.
 */
export class SyncedLog {
  readonly #descriptor: number;
  readonly #onSynced: () => void;
  #position = 0;
  #syncing = false;
  #waiting: (() => void)[] = [];

  /** Preallocates the file in a directory; `onSynced` is called after those who waited. */
  constructor(directory: string, onSynced: () => void) {
    this.#descriptor = fs.openSync(`${directory}/ceiling.log`, "w");
    for (let at = 0; at < SIZE; at += ZEROS.length) {
      fs.writeSync(this.#descriptor, ZEROS, 0, ZEROS.length, at);
    }
    fs.fsyncSync(this.#descriptor);
    this.#onSynced = onSynced;
  }

  /** Writes a range of bytes. */
  append(bytes: Uint8Array, start: number, end: number): void {
    if (this.#position + end - start > SIZE) this.#position = 0;
    while (start < end) {
      const written = fs.writeSync(this.#descriptor, bytes, start, end - start, this.#position);
      this.#position += written;
      start += written;
    }
  }

  /** Calls back when all that was appended before is on disk. */
  whenSynced(done: () => void): void {
    this.#waiting.push(done);
    if (!this.#syncing) this.#sync();
  }

  #sync(): void {
    this.#syncing = true;
    const covered = this.#waiting;
    this.#waiting = [];
    fs.fdatasync(this.#descriptor, (error) => {
      if (error !== null) throw error; // no confirm is better than a wrong one
      this.#syncing = false;
      for (const done of covered) done();
      this.#onSynced();
      if (this.#waiting.length > 0) this.#sync();
    });
  }
}
