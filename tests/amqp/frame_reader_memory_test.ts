import { assertEquals, assertLess } from "@std/assert";
import { ReaderInPlace } from "../../bench/support/frame_stream.ts";

const FRAMES = 10_000_000;
/** Reads between two looks at the heap: far less garbage than the collector lets pile up. */
const READS = 20;
/** Two looks at the heap leave some hundred bytes themselves. */
const BYTES_PER_FRAME_MAX = 0.1;

Deno.test("FrameReader.drain() leaves no garbage and lets the heap not grow over 10 M frames", () => {
  const reader = new ReaderInPlace(16);
  for (let read = 0; read < 200; read++) reader.read(); // compiled from here on
  const before = heapUsed();
  let allocated = 0;
  let frames = 0;
  let last = before;
  while (frames < FRAMES) {
    for (let read = 0; read < READS; read++) frames += reader.read();
    const now = heapUsed();
    allocated += Math.max(now - last, 0); // less means that the collector ran
    last = now;
  }
  assertLess(allocated / frames, BYTES_PER_FRAME_MAX, "what was allocated, in bytes a frame");
  assertLess(last - before, FRAMES * BYTES_PER_FRAME_MAX, "how much the heap grew, in bytes");
  assertEquals(frames % reader.frames, 0, "each read brought all its frames");
});

function heapUsed(): number {
  return Deno.memoryUsage().heapUsed;
}
