import { smallInteger } from "../amqp/small_integers.ts";
import { StoreError } from "./error.ts";
import {
  checksumSeed,
  HEADER_SIZE,
  isPart,
  MESSAGE,
  MESSAGE_FLAG,
  NO_RECORD,
  recordSize,
} from "./records.ts";
import { type Segment, segmentName } from "./segment.ts";
import type { Segments } from "./segments.ts";
import type { BodyPart } from "./stored_body.ts";
import type { StoreIndex } from "./store_index.ts";
import type { StoredQueue } from "./stored_queue.ts";

/** What lies between two messages that are read is read too, up to so much. */
const GAP_MAX = 64 * 1024;
/** So much is read at once. */
const SPAN_MAX = 1024 * 1024;
const NOTHING = new Uint8Array(0);

/**
 * A message's bytes: its address and properties as the wire has them, and its body, as ranges. They
 * need to be good for the call alone, but for a body that stays (`Placement.bodyStays`).
 */
export interface MessageBytes {
  /** Holds the address and the properties. */
  readonly head: Uint8Array | undefined;
  /** Start of the two short strings exchange and routing key. */
  readonly addressStart: number;
  /** End of them. */
  readonly addressEnd: number;
  /** Start of the property flags and values. */
  readonly propertiesStart: number;
  /** End of them. */
  readonly propertiesEnd: number;
  /** Holds the body. */
  readonly body: Uint8Array;
  /** Start of the body. */
  readonly bodyStart: number;
  /** End of the body. */
  readonly bodyEnd: number;
}

/** A message that was read. The object and its buffers are used again for the next one. */
export class StoredMessage implements MessageBytes {
  head: Uint8Array = NOTHING;
  addressStart = 0;
  addressEnd = 0;
  propertiesStart = 0;
  propertiesEnd = 0;
  body: Uint8Array = NOTHING;
  bodyStart = 0;
  bodyEnd = 0;
  /** True when the body has a buffer of its own, that nobody will write to. */
  transferred = false;
}

/** Reads messages back, from the batch that waits or from their segments. */
export class MessageReader {
  readonly #segments: Segments;
  readonly #index: StoreIndex;
  readonly #message = new StoredMessage();
  readonly #partHeader = new DataView(new ArrayBuffer(HEADER_SIZE));
  #span: Uint8Array = NOTHING;
  #view: DataView = new DataView(NOTHING.buffer);

  constructor(segments: Segments, index: StoreIndex) {
    this.#segments = segments;
    this.#index = index;
  }

  /**
   * Reads the messages at some positions, in that order, with few reads where they lie together.
   *
   * @param visit Called for each message, or with what is wrong with it: `corrupt` when its bytes are
   * not what was written, `failed` when they could not be read, which may pass.
   */
  read(
    queue: StoredQueue,
    positions: readonly number[],
    visit: (position: number, message: StoredMessage | StoreError) => void,
  ): void {
    const { table } = this.#index;
    let spanSegment = 0;
    let spanStart = 0;
    let spanEnd = 0;
    for (let index = 0; index < positions.length; index++) {
      // of arrays that V8 keeps as doubles, since others like them held one
      const position = smallInteger(positions[index]!);
      const slot = queue.slot(position);
      if (slot === 0) continue;
      const sequence = table.segment(slot);
      if (sequence === 0) {
        visit(position, this.#waiting(slot));
        continue;
      }
      const offset = table.offset(slot);
      const end = offset + table.size(slot);
      try {
        if (sequence !== spanSegment || offset < spanStart || end > spanEnd) {
          spanSegment = 0;
          spanStart = offset;
          spanEnd = this.#spanEnd(queue, positions, { index, sequence, end });
          this.#load(sequence, spanStart, spanEnd);
          spanSegment = sequence;
        }
        const at = offset - spanStart;
        if (
          recordSize(this.#span, this.#view, at, end - spanStart, checksumSeed(sequence)) <=
            NO_RECORD.end
        ) {
          throw new StoreError(
            "corrupt",
            `Cannot read message at ${offset} in ${segmentName(sequence)}: its checksum is wrong`,
          );
        }
        this.#decode(this.#span, this.#view, at, slot);
      } catch (error) {
        visit(position, readError(error, sequence, offset));
        continue;
      }
      visit(position, this.#message);
    }
  }

  /** Reads a whole record; valid until the next read. */
  record(segment: Segment, offset: number, size: number): { bytes: Uint8Array; view: DataView } {
    this.#load(segment.sequence, offset, offset + size);
    return { bytes: this.#span, view: this.#view };
  }

  #waiting(slot: number): StoredMessage | StoreError {
    const batch = this.#index.batch!;
    const start = batch.starts[this.#index.table.offset(slot)]!;
    try {
      this.#decode(batch.bytes, batch.view, start, slot);
    } catch (error) {
      return readError(error, 0, start);
    }
    return this.#message;
  }

  #spanEnd(
    queue: StoredQueue,
    positions: readonly number[],
    first: { index: number; sequence: number; end: number },
  ): number {
    const { table } = this.#index;
    let { end } = first;
    const limit = end + SPAN_MAX;
    for (let index = first.index + 1; index < positions.length; index++) {
      const slot = queue.slot(positions[index]!);
      if (slot === 0 || table.segment(slot) !== first.sequence) break;
      const offset = table.offset(slot);
      const nextEnd = offset + table.size(slot);
      if (offset < end || offset - end > GAP_MAX || nextEnd > limit) break;
      end = nextEnd;
    }
    return end;
  }

  #load(sequence: number, start: number, end: number): void {
    const size = end - start;
    if (this.#span.length < size || (this.#span.length > 4 * SPAN_MAX && size < SPAN_MAX)) {
      this.#span = new Uint8Array(Math.max(size, 64 * 1024));
      this.#view = new DataView(this.#span.buffer);
    }
    const segment = this.#segments.get(sequence);
    if (segment === undefined) throw new Error(`Cannot read segment ${sequence}: it is gone`);
    const count = segment.file.read(this.#span, 0, size, start);
    this.#span.fill(0, count, size);
  }

  #decode(bytes: Uint8Array, view: DataView, at: number, slot: number): void {
    const message = this.#message;
    const flags = bytes[at + MESSAGE.flags]!;
    const queueCount = view.getUint32(at + MESSAGE.queueCount, true);
    const queueSize = flags & MESSAGE_FLAG.deadlines
      ? MESSAGE.queueSizeWithDeadline
      : MESSAGE.queueSize;
    const bodySize = view.getUint32(at + MESSAGE.bodySize, true);
    message.head = bytes;
    message.addressStart = at + MESSAGE.queues + queueCount * queueSize;
    message.addressEnd = message.addressStart + view.getUint16(at + MESSAGE.addressSize, true);
    message.propertiesStart = message.addressEnd;
    message.propertiesEnd = message.addressEnd + view.getUint32(at + MESSAGE.propertiesSize, true);
    message.transferred = (flags & MESSAGE_FLAG.parts) !== 0;
    if (message.transferred) {
      message.body = this.#readParts(slot, bodySize);
      message.bodyStart = 0;
    } else {
      message.body = bytes;
      message.bodyStart = message.propertiesEnd;
    }
    message.bodyEnd = message.bodyStart + bodySize;
  }

  #readParts(slot: number, bodySize: number): Uint8Array {
    const body = new Uint8Array(bodySize);
    let at = 0;
    for (const part of this.#index.bodies.get(slot)!.parts) {
      const end = at + part.size - HEADER_SIZE;
      if (part.segment !== 0) this.#readPart(part, body, at, end);
      else {
        const waiting = this.#index.batch!.parts.get(part.offset)!;
        body.set(waiting.bytes.subarray(waiting.start, waiting.end), at);
      }
      at = end;
    }
    return body;
  }

  /** Reads a part straight to where it belongs. */
  #readPart(part: BodyPart, bytes: Uint8Array, start: number, end: number): void {
    const { file } = this.#segments.get(part.segment)!;
    const header = this.#partHeader;
    file.read(new Uint8Array(header.buffer), 0, HEADER_SIZE, part.offset);
    const count = file.read(bytes, start, end - start, part.offset + HEADER_SIZE);
    const seed = checksumSeed(part.segment);
    if (count === end - start && isPart(header, { seed, payload: { bytes, start, end } })) return;
    throw new StoreError(
      "corrupt",
      `Cannot read body at ${part.offset} in ${segmentName(part.segment)}: its checksum is wrong`,
    );
  }
}

function readError(error: unknown, sequence: number, offset: number): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError(
    "failed",
    `Cannot read message at ${offset} in ${segmentName(sequence)}: ${(error as Error).message}`,
    { cause: error },
  );
}
