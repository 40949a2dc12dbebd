/**
 * How fast bytes become frames, beside what must be done at least: copying the bytes, and reading
 * where each frame ends. An iteration takes one megabyte of frames, so iter/s is MB/s; names tell how
 * many frames that is.
 *
 * @module
 */
import { concat, copy } from "@std/bytes";
import { FRAME_BODY, FRAME_END, FRAME_OVERHEAD } from "../broker/amqp/constants.ts";
import { FrameReader } from "../broker/amqp/frame_reader.ts";
import { check } from "./support/check.ts";

const MEGABYTE = 1_000_000;
const PAYLOAD_SIZES = [16, 1024, 64 * 1024] as const;
/** What a read from a socket brings at most. */
const CHUNK = 256 * 1024;

for (const size of PAYLOAD_SIZES) {
  const count = Math.ceil(MEGABYTE / (size + FRAME_OVERHEAD));
  const stream = concat(new Array<Uint8Array>(count).fill(bodyFrame(size)));
  const what = `${count.toLocaleString("en")} frames of ${size.toLocaleString("en")} B`;
  const group = `payload ${size} B`;
  const target = new Uint8Array(CHUNK);

  Deno.bench({
    name: `copy ${what}`,
    group,
    baseline: true,
    fn() {
      let copied = 0;
      for (let at = 0; at < stream.length; at += CHUNK) {
        copied += copy(stream.subarray(at, at + CHUNK), target);
      }
      check(copied, stream.length);
    },
  });

  const view = new DataView(stream.buffer);
  Deno.bench({
    name: `walk the lengths of ${what}`,
    group,
    fn() {
      let frames = 0;
      for (let at = 0; at < stream.length; at += view.getUint32(at + 3) + FRAME_OVERHEAD) frames++;
      check(frames, count);
    },
  });

  const reader = new FrameReader();
  const sink = {
    frames: 0,
    bytes: 0,
    onFrame(_type: number, _channel: number, start: number, end: number) {
      this.frames++;
      this.bytes += end - start;
      return true;
    },
  };
  Deno.bench({
    name: `FrameReader: copy and read ${what}`,
    group,
    fn() {
      sink.frames = sink.bytes = 0;
      for (let at = 0; at < stream.length;) {
        const room = reader.room();
        const read = copy(stream.subarray(at, at + room.length), room);
        reader.filled(read);
        reader.drain(sink);
        at += read;
      }
      check(sink.frames, count);
      check(sink.bytes, count * size);
    },
  });
}

function bodyFrame(size: number): Uint8Array {
  const frame = new Uint8Array(size + FRAME_OVERHEAD);
  frame[0] = FRAME_BODY;
  new DataView(frame.buffer).setUint16(1, 1);
  new DataView(frame.buffer).setUint32(3, size);
  frame[frame.length - 1] = FRAME_END;
  return frame;
}
