/** Chunks in a block. */
const BLOCK_SIZE = 1024;
/** What fits into 32 bits. */
const DELTA_MAX = 2 ** 32 - 1;

/** Some neighbouring chunks, counted from the first of them so that each takes 8 bytes. */
class Block {
  readonly position: number;
  readonly time: number;
  readonly positions = new Uint32Array(BLOCK_SIZE);
  readonly times = new Uint32Array(BLOCK_SIZE);
  count = 0;

  constructor(position: number, time: number) {
    this.position = position;
    this.time = time;
  }

  fits(position: number, time: number): boolean {
    return this.count < BLOCK_SIZE && position - this.position <= DELTA_MAX &&
      time - this.time <= DELTA_MAX;
  }

  add(position: number, time: number): void {
    this.positions[this.count] = position - this.position;
    this.times[this.count++] = time - this.time;
  }

  positionAt(index: number): number {
    return this.position + this.positions[index]!;
  }

  timeAt(index: number): number {
    return this.time + this.times[index]!;
  }
}

/**
 * When the messages of a stream came: not of each, but of the first in each chunk of neighbours.
 * Positions and times only grow.
 */
export class Chunks {
  readonly #blocks: Block[] = [];

  /** How many bytes they take, for tests. */
  get bytes(): number {
    return this.#blocks.length * BLOCK_SIZE * 8;
  }

  /** Begins a chunk. */
  add(position: number, time: number): void {
    let block = this.#blocks.at(-1);
    if (block === undefined || !block.fits(position, time)) {
      block = new Block(position, time);
      this.#blocks.push(block);
    }
    block.add(position, time);
  }

  /** Where the last chunk begins; undefined when there is none. */
  get last(): { readonly position: number; readonly time: number } | undefined {
    const block = this.#blocks.at(-1);
    if (block === undefined) return undefined;
    const index = block.count - 1;
    return { position: block.positionAt(index), time: block.timeAt(index) };
  }

  /** Where the first chunk begins that began at this time or later; undefined when none did. */
  firstSince(time: number): number | undefined {
    const block = this.#blocks.find(({ count, time: start, times }) =>
      start + times[count - 1]! >= time
    );
    if (block === undefined) return undefined;
    let low = 0;
    let high = block.count - 1;
    while (low < high) {
      const middle = low + high >> 1;
      if (block.timeAt(middle) >= time) high = middle;
      else low = middle + 1;
    }
    return block.positionAt(low);
  }

  /** Forgets the chunks before a position, as far as that gives memory back. */
  dropBefore(position: number): void {
    while (this.#blocks.length > 1 && this.#blocks[1]!.position <= position) this.#blocks.shift();
  }
}
