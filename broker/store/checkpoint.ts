import type { Batch } from "./batch.ts";
import {
  CHECKPOINT,
  DEFINITION_HEAD_SIZE,
  HEADER_SIZE,
  readPosition,
  RECORD,
  writePosition,
} from "./records.ts";
import type { StoreIndex } from "./store_index.ts";
import type { StoredQueue } from "./stored_queue.ts";

/** A checkpoint is cut into records of about this size. */
const RECORD_SIZE = 64 * 1024;
const DECODER = new TextDecoder();

/** What a checkpoint holds. */
export interface CheckpointContents {
  /** Definitions by key, each with all that the checkpoint has of it. */
  readonly definitions: Map<string, Uint8Array>;
  /** Queues: id, mark and highest position, one after another. */
  readonly queues: number[];
  /** Numbers of the segments that there were; undefined when it does not say. */
  segments: number[] | undefined;
  /** False when something of it could not be read: then what was known before may be missing in it. */
  whole: boolean;
}

/** Sizes of what a checkpoint says of a queue, and of a segment. */
const QUEUE_SIZE = 17;
const SEGMENT_SIZE = 5;

/**
 * Writes all definitions and queues, and which segments there are, as the row of checkpoint records
 * that a segment begins with. It is as of the moment when it is made, however many batches it takes.
 */
export class CheckpointWriter {
  readonly #definitions: readonly Uint8Array[];
  /** Their positions may go on meanwhile, which does no harm. */
  readonly #queues: readonly StoredQueue[];
  readonly #segments: readonly number[];
  /** How many there are of all these together, and how many are written. */
  readonly #count: number;
  #written = 0;
  #flags: number = CHECKPOINT.first;

  constructor(index: StoreIndex, segments: Iterable<number>) {
    this.#definitions = index.definitions.entries();
    this.#queues = [...index.queues.values()].filter(({ highest }) => highest > 0);
    this.#segments = [...segments];
    this.#count = this.#definitions.length + this.#queues.length + this.#segments.length;
  }

  /**
   * Adds the next records to an empty batch.
   *
   * @param sizeMax It is left at that when there are so many bytes.
   * @returns True when these are the last.
   */
  write(batch: Batch, sizeMax: number): boolean {
    const recordSize = Math.min(RECORD_SIZE, sizeMax);
    do this.#writeRecord(batch, recordSize); while (!this.#done && batch.size < sizeMax);
    return this.#done;
  }

  get #done(): boolean {
    return this.#written === this.#count;
  }

  #writeRecord(batch: Batch, sizeMax: number): void {
    const start = batch.begin(Math.max(sizeMax, 1 + this.#nextSize));
    const end = start + HEADER_SIZE + sizeMax;
    let at = start + HEADER_SIZE + 1;
    // one at least, however large it is
    if (!this.#done) at = this.#put(batch, at);
    while (!this.#done && at + this.#nextSize <= end) at = this.#put(batch, at);
    batch.bytes[start + HEADER_SIZE] = this.#flags | (this.#done ? CHECKPOINT.last : 0);
    batch.end(RECORD.checkpoint, at, 0, 0);
    this.#flags = 0;
  }

  get #nextSize(): number {
    const number = this.#written;
    if (number < this.#definitions.length) return this.#definitions[number]!.length;
    return number < this.#definitions.length + this.#queues.length ? QUEUE_SIZE : SEGMENT_SIZE;
  }

  /** Puts the next one there; tells where it ends. */
  #put({ bytes, view }: Batch, at: number): number {
    const number = this.#written++;
    const [definitions, queues] = [this.#definitions, this.#queues];
    if (number < definitions.length) {
      const entry = definitions[number]!;
      bytes.set(entry, at);
      return at + entry.length;
    }
    const queue = queues[number - definitions.length];
    if (queue !== undefined) {
      bytes[at] = CHECKPOINT.queue;
      view.setUint32(at + 1, queue.id, true);
      writePosition(view, at + 5, queue.mark);
      writePosition(view, at + 11, queue.highest);
      return at + QUEUE_SIZE;
    }
    bytes[at] = CHECKPOINT.segment;
    const segment = this.#segments[number - definitions.length - queues.length]!;
    view.setUint32(at + 1, segment, true);
    return at + SEGMENT_SIZE;
  }
}

/** Puts the records of a checkpoint together again. */
export class CheckpointReader {
  #contents: CheckpointContents | undefined = undefined;

  /**
   * Takes the payload of the next record in; tells the contents with the last one. What lies behind
   * a broken record is told at once, record by record.
   */
  take(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): CheckpointContents | undefined {
    const flags = bytes[start]!;
    if (flags & CHECKPOINT.first) this.#contents = makeContents(true);
    const contents = this.#contents ?? makeContents(false);
    let at = start + 1;
    while (at < end) {
      if (bytes[at] === CHECKPOINT.definition) {
        const keyEnd = at + DEFINITION_HEAD_SIZE + view.getUint16(at + 1, true);
        const valueEnd = keyEnd + view.getUint32(at + 3, true);
        contents.definitions.set(
          DECODER.decode(bytes.subarray(at + DEFINITION_HEAD_SIZE, keyEnd)),
          bytes.slice(at, valueEnd),
        );
        at = valueEnd;
      } else if (bytes[at] === CHECKPOINT.segment) {
        (contents.segments ??= []).push(view.getUint32(at + 1, true));
        at += SEGMENT_SIZE;
      } else {
        contents.queues.push(
          view.getUint32(at + 1, true),
          readPosition(view, at + 5),
          readPosition(view, at + 11),
        );
        at += QUEUE_SIZE;
      }
    }
    if (contents.whole && (flags & CHECKPOINT.last) === 0) return undefined;
    this.#contents = undefined;
    return contents;
  }

  /** A record is broken, and may be of this checkpoint: tells what has been read of it so far. */
  interrupt(): CheckpointContents | undefined {
    const contents = this.#contents;
    this.#contents = undefined;
    if (contents !== undefined) contents.whole = false;
    return contents;
  }
}

function makeContents(whole: boolean): CheckpointContents {
  return { definitions: new Map(), queues: [], segments: undefined, whole };
}
