/**
 * How fast bytes become frames, beside what must be done at least: copying the bytes, and reading
 * where each frame ends. An iteration takes one megabyte of frames, so iter/s is MB/s; names tell how
 * many frames that is. In a second group of each size the bytes lie in the reader's buffer already, as
 * the kernel puts them there, and an iteration is what one read brings.
 *
 * @module
 */
import { copy } from "@std/bytes";
import { FRAME_OVERHEAD } from "../broker/amqp/constants.ts";
import { FrameReader } from "../broker/amqp/frame_reader.ts";
import { check } from "./support/check.ts";
import { CountingSink, frameStream, ReaderInPlace, walkLengths } from "./support/frame_stream.ts";

const MEGABYTE = 1_000_000;
const PAYLOAD_SIZES = [16, 1024, 64 * 1024] as const;
/** What a read from a socket brings at most. */
const CHUNK = 256 * 1024;

for (const size of PAYLOAD_SIZES) {
  const count = Math.ceil(MEGABYTE / (size + FRAME_OVERHEAD));
  const stream = frameStream(size, count);
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
      check(walkLengths(view, stream.length), count);
    },
  });

  const reader = new FrameReader();
  const sink = new CountingSink();
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

for (const size of PAYLOAD_SIZES.slice(0, 2)) {
  const reader = new ReaderInPlace(size);
  const { frames, stream } = reader;
  const what = `${frames.toLocaleString("en")} frames of ${size.toLocaleString("en")} B`;
  const group = `payload ${size} B, in place`;
  const view = new DataView(stream.buffer);

  Deno.bench({
    name: `walk the lengths of ${what}, a read's worth`,
    group,
    baseline: true,
    fn() {
      check(walkLengths(view, stream.length), frames);
    },
  });

  Deno.bench({
    name: `FrameReader: read ${what}`,
    group,
    fn() {
      check(reader.read(), frames);
    },
  });
}
