import { POOLED_MAX } from "./body_buffers.ts";
import { copyOf } from "./byte_ranges.ts";
import type { ByteWriter } from "./byte_writer.ts";
import { FRAME_OVERHEAD } from "./constants.ts";
import type { Content } from "./content.ts";
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
 * True for a content whose body is sent when its turn comes: it is so large that copying all of it to each
 * peer that takes it slowly would cost too much. Nobody writes to its buffer again after this.
 */
export function waits(content: Content): boolean {
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
    this._row.push({ before, channel, body, start, end, frameSize });
    this.bytes += before.length + end - start;
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
    this.bytes -= had + first.start - from;
    if (first.start === first.end) this._row.shift();
    return out;
  }
}
