import { Chunks } from "./chunks.ts";
import type { Retention } from "./stream_arguments.ts";

/** Messages that came within so many milliseconds of the first one are one chunk. */
export const CHUNK_MS = 100;
/** A chunk has no more messages. */
const CHUNK_COUNT = 4096;

/** Some neighbouring chunks, which go together. */
interface Segment {
  readonly position: number;
  bytes: number;
  /** When its last chunk began. */
  lastTime: number;
}

/**
 * What a stream knows of its messages besides their contents: which positions it has, when they came,
 * and in which segments they go.
 *
 * ```text
 *   first                                                 next
 *     | chunk | chunk | chunk | chunk | chunk | chunk | ch..
 *     | segment               | segment               | ...     whole segments go, the last one stays
 * ```
 *
 * Segments are not those of the store, which all queues share, but marks in the row of positions. They
 * are not written down: the first message that is kept begins one, so the same ones are found again
 * after a restart.
 */
export class StreamHistory {
  /** The oldest position that is kept; `next` when there is none. */
  first = 1;
  /** The position that the next message gets. */
  next = 1;
  /** How much is kept; counts from the next segment on. */
  retention: Retention;
  readonly #chunks = new Chunks();
  #segments: Segment[] = [];
  /** Index of the first segment that is kept. */
  #firstSegment = 0;
  #bytes = 0;
  /** When the current chunk began; 0: there is none. */
  #chunkTime = 0;
  #chunkCount = 0;

  constructor(retention: Retention) {
    this.retention = retention;
  }

  /** How many segments there are. */
  get segmentCount(): number {
    return this.#segments.length - this.#firstSegment;
  }

  /** How much there is, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Where the last chunk begins; `next` when there is none. */
  get lastChunk(): number {
    return Math.max(this.#chunks.last?.position ?? this.next, this.first);
  }

  /**
   * When the chunk begins that the next message begins.
   *
   * @returns 0 when it belongs to the current one. Times never go back, whatever the clock does.
   */
  chunkTimeFor(now: number): number {
    const segment = this.#segments.at(-1);
    const isNew = segment === undefined || now - this.#chunkTime >= CHUNK_MS ||
      this.#chunkCount >= CHUNK_COUNT || segment.bytes >= this.retention.segmentBytes;
    return isNew ? Math.max(now, this.#chunkTime, 1) : 0;
  }

  /**
   * Takes the next message in.
   *
   * @param chunkTime What `chunkTimeFor` told.
   * @returns Its position.
   */
  add(size: number, chunkTime: number): number {
    const position = this.next++;
    if (chunkTime !== 0) this.#beginChunk(position, chunkTime);
    this.#chunkCount++;
    this.#segments.at(-1)!.bytes += size;
    this.#bytes += size;
    return position;
  }

  #beginChunk(position: number, time: number): void {
    time = Math.max(time, this.#chunkTime);
    this.#chunks.add(position, time);
    this.#chunkTime = time;
    this.#chunkCount = 0;
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.bytes >= this.retention.segmentBytes) {
      segment = { position, bytes: 0, lastTime: time };
      this.#segments.push(segment);
      this.#dropLarge();
    }
    segment.lastTime = time;
    this.dropOld(time);
  }

  #dropLarge(): void {
    const { bytesMax } = this.retention;
    while (bytesMax !== undefined && this.#bytes > bytesMax && this.segmentCount > 1) this.#drop();
  }

  /** Drops the segments that are too old at this time. Looked at whenever a chunk begins. */
  dropOld(now: number): void {
    const { ageMaxMs } = this.retention;
    if (ageMaxMs === undefined) return;
    while (
      this.segmentCount > 1 && this.#segments[this.#firstSegment]!.lastTime < now - ageMaxMs
    ) this.#drop();
  }

  #drop(): void {
    this.#bytes -= this.#segments[this.#firstSegment++]!.bytes;
    this.first = this.#segments[this.#firstSegment]!.position;
    this.#chunks.dropBefore(this.first);
    if (this.#firstSegment < 64 || this.#firstSegment * 2 < this.#segments.length) return;
    this.#segments = this.#segments.slice(this.#firstSegment);
    this.#firstSegment = 0;
  }

  /**
   * Where to begin for all that came at this time or later: a chunk's beginning, so somewhat older
   * ones may be among them. `next` when nothing did.
   */
  since(time: number): number {
    // what came within a chunk is younger than its beginning, by less than CHUNK_MS
    const position = this.#chunks.firstSince(time - CHUNK_MS + 1) ?? this.next;
    return Math.max(position, this.first);
  }
}
