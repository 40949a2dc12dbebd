import { check } from "../check.ts";
import { ReaderInPlace, walkLengths } from "../frame_stream.ts";
import type { GoalOfLoad } from "./goals.ts";
import type { Results } from "./results.ts";
import type { RunOptions } from "./run_options.ts";

/** What the reader is measured beside. */
export const LENGTH_WALK = "length walk";
const PAYLOAD_SIZES = [16, 1024] as const;
const UNIT = "frames/s";
/** Frames between two looks at the clock: some tenths of a millisecond. */
const SLICE_FRAMES = 50_000;

/** Half of the rate of a loop that only reads lengths. */
export const FRAME_PARSER_GOALS: readonly GoalOfLoad[] = PAYLOAD_SIZES.map((size) => ({
  load: title(size),
  unit: UNIT,
  beside: { broker: LENGTH_WALK },
  atLeast: 0.5,
}));

/** Compares the frame reader with a loop that walks along the lengths of the same bytes. */
export function compareFrameParser(
  results: Results,
  { rounds, secs, wanted }: RunOptions,
): void {
  for (const size of PAYLOAD_SIZES.filter((size) => wanted(title(size)))) {
    const reader = new ReaderInPlace(size);
    const { frames, stream } = reader;
    const view = new DataView(stream.buffer);
    const read = () => check(reader.read(), frames);
    const walk = () => check(walkLengths(view, stream.length), frames);
    rate(read, frames, secs); // both get compiled before they are measured
    rate(walk, frames, secs);
    for (let round = 0; round < rounds; round++) {
      results.add(title(size), UNIT, "Warren", rate(read, frames, secs));
      results.add(title(size), UNIT, LENGTH_WALK, rate(walk, frames, secs));
    }
  }
}

/** Frames a second in the best of many short slices: whatever else runs can only make one slower. */
function rate(pass: () => void, frames: number, secs: number): number {
  const end = performance.now() + secs * 1000;
  const reads = Math.ceil(SLICE_FRAMES / frames);
  let best = Infinity;
  for (let began = performance.now(); began < end;) {
    for (let read = 0; read < reads; read++) pass();
    const now = performance.now();
    best = Math.min(best, now - began);
    began = now;
  }
  return reads * frames / best * 1000;
}

function title(size: number): string {
  return `frame parser, payloads of ${size.toLocaleString("en")} B`;
}
