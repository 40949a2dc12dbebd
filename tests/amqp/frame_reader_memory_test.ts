import { assertEquals, assertLess } from "@std/assert";
import { ReaderInPlace } from "../../bench/support/frame_stream.ts";

const ROUNDS = 10;
const FRAMES_PER_ROUND = 1_000_000;
/** Reads between two looks at the heap: far less garbage than the collector lets pile up. */
const READS = 20;
/** Two looks at the heap leave some hundred bytes themselves. */
const BYTES_PER_FRAME_MAX = 0.1;

Deno.test("FrameReader.drain() leaves no garbage and lets the heap not grow over 10 M frames", () => {
  const reader = new ReaderInPlace(16);
  for (let read = 0; read < 200; read++) reader.read(); // compiled from here on
  const before = heapUsed();
  const rounds = Array.from({ length: ROUNDS }, () => bytesPerFrame(reader));
  const grown = heapUsed() - before;
  // The runtime's own work (a compiler that ends late, a page set aside) is half a megabyte at once in
  // a round or two; garbage of the reader's would be in each of them.
  const median = rounds.toSorted((a, b) => a - b)[ROUNDS / 2]!;
  const all = rounds.map((bytes) => bytes.toFixed(3)).join(", ");
  assertLess(median, BYTES_PER_FRAME_MAX, `the median of what was allocated a frame: ${all} bytes`);
  const grownMax = ROUNDS * FRAMES_PER_ROUND * BYTES_PER_FRAME_MAX;
  assertLess(grown, grownMax, `how much the heap grew: ${grown} bytes`);
});

/** What is allocated for each frame of a round. */
function bytesPerFrame(reader: ReaderInPlace): number {
  let allocated = 0;
  let frames = 0;
  let last = heapUsed();
  while (frames < FRAMES_PER_ROUND) {
    for (let read = 0; read < READS; read++) frames += reader.read();
    const now = heapUsed();
    allocated += Math.max(now - last, 0); // less means that the collector ran
    last = now;
  }
  assertEquals(frames % reader.frames, 0, "each read brought all its frames");
  return allocated / frames;
}

function heapUsed(): number {
  return Deno.memoryUsage().heapUsed;
}
