import type { Batch } from "./batch.ts";
import { CHECKPOINT, HEADER_SIZE, readPosition, RECORD, writePosition } from "./records.ts";
import type { StoreIndex } from "./store_index.ts";

/** A checkpoint is cut into records of about this size. */
const RECORD_SIZE = 64 * 1024;
const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** What a checkpoint holds. */
export interface CheckpointContents {
  /** Definitions by key. */
  readonly definitions: Map<string, Uint8Array>;
  /** Queues: id, mark and highest position, one after another. */
  readonly queues: number[];
  /** Numbers of the segments that there were; undefined when it does not say. */
  segments: number[] | undefined;
  /** False when something of it could not be read: then what was known before may be missing in it. */
  whole: boolean;
}

/**
 * Writes all definitions and queues, and which segments there are, as the row of checkpoint records
 * that a segment begins with.
 */
export function writeCheckpoint(
  batch: Batch,
  index: StoreIndex,
  segments: Iterable<number>,
): void {
  const state = { flags: CHECKPOINT.first as number, start: -1, at: 0 };
  const room = (size: number) => {
    if (state.start >= 0 && state.at + size - state.start > RECORD_SIZE) finish(0);
    if (state.start >= 0) return;
    state.start = batch.begin(Math.max(RECORD_SIZE, size + 1));
    state.at = state.start + HEADER_SIZE + 1;
  };
  const finish = (last: number) => {
    batch.bytes[state.start + HEADER_SIZE] = state.flags | last;
    batch.end(RECORD.checkpoint, state.at, 0, 0);
    state.flags = 0;
    state.start = -1;
  };

  for (const [key, value] of index.definitions) {
    const keyBytes = ENCODER.encode(key);
    room(7 + keyBytes.length + value.length);
    batch.bytes[state.at] = CHECKPOINT.definition;
    batch.view.setUint16(state.at + 1, keyBytes.length, true);
    batch.view.setUint32(state.at + 3, value.length, true);
    batch.bytes.set(keyBytes, state.at + 7);
    batch.bytes.set(value, state.at + 7 + keyBytes.length);
    state.at += 7 + keyBytes.length + value.length;
  }
  for (const queue of index.queues.values()) {
    if (queue.highest === 0) continue;
    room(17);
    batch.bytes[state.at] = CHECKPOINT.queue;
    batch.view.setUint32(state.at + 1, queue.id, true);
    writePosition(batch.view, state.at + 5, queue.mark);
    writePosition(batch.view, state.at + 11, queue.highest);
    state.at += 17;
  }
  for (const sequence of segments) {
    room(5);
    batch.bytes[state.at] = CHECKPOINT.segment;
    batch.view.setUint32(state.at + 1, sequence, true);
    state.at += 5;
  }
  room(0);
  finish(CHECKPOINT.last);
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
        const keyEnd = at + 7 + view.getUint16(at + 1, true);
        const valueEnd = keyEnd + view.getUint32(at + 3, true);
        contents.definitions.set(
          DECODER.decode(bytes.subarray(at + 7, keyEnd)),
          bytes.slice(keyEnd, valueEnd),
        );
        at = valueEnd;
      } else if (bytes[at] === CHECKPOINT.segment) {
        (contents.segments ??= []).push(view.getUint32(at + 1, true));
        at += 5;
      } else {
        contents.queues.push(
          view.getUint32(at + 1, true),
          readPosition(view, at + 5),
          readPosition(view, at + 11),
        );
        at += 17;
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
