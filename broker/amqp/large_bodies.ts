import { POOLED_MAX } from "./body_buffers.ts";
import { copyOf } from "./byte_ranges.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { FRAME_OVERHEAD } from "./constants.ts";
import { type Content, NO_BYTES } from "./content.ts";
import { writeBodyFrame } from "./frame_writer.ts";

/** So much of a body is copied to be written next: what the peer takes in one go or a few. */
const PIECE = 512 * 1024;

/** A body of which a part is not written yet. */
interface LargeBody {
  /** What goes before it, the content's own header included; undefined once it has gone. */
  before: ByteWriter | undefined;
  readonly channel: number;
  readonly body: Uint8Array;
  /** Where that part begins, and ends. */
  start: number;
  readonly end: number;
  /** No frame has more of it. */
  readonly frameSize: number;
}

/**
 * Has a content's body be sent when its turn comes, if it is so large that copying all of it to each peer
 * that takes it slowly would cost too much. Nobody writes to its buffer again after this.
 *
 * @returns False when it is not so large.
 */
export function letWait(content: Content): boolean {
  const { bodyStart, bodyEnd } = content;
  if (bodyEnd - bodyStart <= POOLED_MAX) return false;
  if (content.transferred) return true;
  // one copy for all peers: what a fanout sends is one content
  content.body = copyOf(content.body, bodyStart, bodyEnd);
  content.bodyStart = 0;
  content.bodyEnd = content.body.length;
  content.framed = false;
  content.transferred = true;
  return true;
}

/**
 * Large bodies on their way to one peer, each with what is sent before it. They stay where they are, and
 * are copied a piece at a time as the peer takes it.
 */
export class LargeBodies {
  /** How many bytes wait here, without the heads of frames to come. */
  bytes = 0;
  /** How many of them came since what is being written was begun, which is all that waited then. */
  added = 0;
  /** How many bytes are left of that. */
  private _begun = 0;
  private readonly _row: LargeBody[] = [];

  /** True when none is left. */
  get isEmpty(): boolean {
    return this._row.length === 0;
  }

  /**
   * Adds one.
   *
   * @param before All that is sent before it. The caller goes on in another buffer.
   */
  add(before: ByteWriter, channel: number, content: Content, frameMax: number): void {
    const { body, bodyStart: start, bodyEnd: end } = content;
    const frameSize = frameMax > 0 ? frameMax - FRAME_OVERHEAD : PIECE;
    this._add({ before, channel, body, start, end, frameSize });
  }

  private _add(large: LargeBody): void {
    this._row.push(large);
    const size = large.before!.length + large.end - large.start;
    this.bytes += size;
    this.added += size;
  }

  /** True when all was written that waited when the writing was begun. */
  get isDone(): boolean {
    return this._begun === 0;
  }

  /**
   * Begins to write all that waits. A peer may read nothing while it writes that much itself, so what is
   * being written must keep nobody from reading.
   *
   * @param rest What was sent after the last body, if anything was. The caller goes on in another buffer.
   */
  begin(rest: ByteWriter | undefined): void {
    if (rest !== undefined) {
      this._add({ before: rest, channel: 0, body: NO_BYTES, start: 0, end: 0, frameSize: 0 });
    }
    this._begun = this.bytes;
    this.added = 0;
  }

  /** What is written next: its turn has come. */
  next(takeBuffer: () => ByteWriter): ByteWriter {
    const first = this._row[0]!;
    const out = first.before ?? takeBuffer();
    const had = first.before?.length ?? 0;
    first.before = undefined;
    const from = first.start;
    while (first.start < first.end && out.length < PIECE) {
      const end = Math.min(first.end, first.start + first.frameSize);
      writeBodyFrame(out, first.channel, first.body, first.start, end);
      first.start = end;
    }
    const taken = had + first.start - from;
    this.bytes -= taken;
    this._begun -= taken;
    if (first.start === first.end) this._row.shift();
    return out;
  }
}
