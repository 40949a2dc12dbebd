import type { RandomValues } from "../amqp/random_values.ts";
import { step, withChannel } from "./streams.ts";

/**
 * What is wrong with almost-right AMQP: frames of the grammar, each changed in one way. Most changes
 * leave the frame itself right, so that what is behind the reader gets to see it too.
 *
 * @module
 */

/** Frames that belong together, and how many of them are not as the grammar has them. */
export interface Phrase {
  /** The frames, in order. */
  readonly frames: readonly Uint8Array[];
  /** How many were changed, lost, doubled or swapped. */
  readonly mutated: number;
}

/** Phrases of the grammar are made once and mutated often, since making them is what takes time. */
export class Phrases {
  readonly #right: readonly (readonly Uint8Array[])[];

  /** @param count How many there are to choose from. */
  constructor(random: RandomValues, count: number) {
    this.#right = Array.from({ length: count }, () => shortened(random));
  }

  /** One of them on this channel; three of four times with a mistake. */
  next(random: RandomValues, channel: number): Phrase {
    const frames = random.pick(this.#right).map((frame) => onChannel(frame, channel));
    if (random.below(4) === 0) return { frames, mutated: 0 };
    return { frames: mutate(random, frames), mutated: 1 };
  }
}

/** Phrases without large bodies, which would be about little else, and few that end all by themselves. */
function shortened(random: RandomValues): readonly Uint8Array[] {
  while (true) {
    const frames = step(random, 1, 4096);
    const size = frames.reduce((sum, { length }) => sum + length, 0);
    if (size < 3000 && (!ENDING.has(methodOf(frames[0]!)) || random.below(20) === 0)) return frames;
  }
}

/** Methods after which a channel is gone, or often the connection: `channel.flow`, `channel.close`,
 * `basic.recover` and `connection.update-secret`. */
const ENDING: ReadonlySet<string> = new Set(["20.20", "20.40", "60.110", "10.70"]);

function methodOf(frame: Uint8Array): string {
  return `${frame[8]}.${frame[10]}`;
}

/** What has a channel keeps none of channel 0: a heartbeat there is right, a method as good as never. */
function onChannel(frame: Uint8Array, channel: number): Uint8Array {
  return frame[1] === 0 && frame[2] === 0 ? frame.slice() : withChannel(frame, channel);
}

function mutate(random: RandomValues, frames: Uint8Array[]): Uint8Array[] {
  const at = random.below(frames.length);
  const frame = frames[at]!;
  // parts of contents depend on each other: those that change must still fit, or the connection ends
  const alone = frames.length === 1;
  switch (random.below(400)) {
    case 0:
      return frames.toSpliced(at, 1);
    case 1:
      return frames.toSpliced(at, 0, frame);
    case 2:
      return frames.toReversed();
    case 3:
      frames[at] = withPayload(frame, random.damaged(frame.slice(7, -1)));
      return frames;
    case 4:
      // class, method or type of the frame, its size, its end
      frame[random.pick([0, 3, 4, 5, 6, 7, 8, 9, 10, frame.length - 1])]! ^= 1 << random.below(8);
      return frames;
    case 5:
      return frames.toSpliced(at, 0, random.bytes(20));
    default:
      if (alone) frames[at] = changed(random, frame);
      else frames[at] = changedInPlace(random, frame);
      return frames;
  }
}

/** Changes what a method says: a value, a flag, a letter of a name, a length now and then. */
function changed(random: RandomValues, frame: Uint8Array): Uint8Array {
  const from = 11;
  if (frame.length - 1 <= from) return withChannel(frame, frame[0] === 8 ? 0 : 1 + random.below(8));
  const at = from + random.below(frame.length - 1 - from);
  switch (random.below(100)) {
    case 0:
      return withPayload(frame, frame.slice(7, at));
    case 1:
      return withPayload(frame, [...frame.subarray(7, -1), ...random.bytes(20)]);
    case 2:
      frame[at] = random.below(256);
      return frame;
    case 3:
      return withChannel(frame, random.below(20) === 0 ? random.below(12) : 1 + random.below(8));
    case 4:
    case 5:
    case 6:
      frame[flagsOf(frame)]! ^= 1 << random.below(8);
      return frame;
    default:
      changeLetter(random, frame, at);
      return frame;
  }
}

/** Changes a content's part so that its size stays what was announced. */
function changedInPlace(random: RandomValues, frame: Uint8Array): Uint8Array {
  const from = frame[0] === 3 ? 7 : frame[0] === 2 ? 21 : 11;
  if (frame.length - 1 > from) {
    const at = from + random.below(frame.length - 1 - from);
    if (frame[0] === 3) frame[at] = random.below(256);
    else changeLetter(random, frame, at);
  }
  return frame;
}

/** Changes a letter or digit into another one, which hits names; a tag or a count where there is none. */
function changeLetter(random: RandomValues, frame: Uint8Array, from: number): void {
  for (let at = from; at < frame.length - 1; at++) {
    if (frame[at]! < 0x30 || frame[at]! > 0x7a) continue;
    frame[at] = 0x30 + random.below(0x4b);
    return;
  }
  // flags, or the lowest octet of a number
  frame[flagsOf(frame)]! ^= 1 << random.below(3);
}

/** Where the flags of most methods are: the last octet, or before a table without entries. */
function flagsOf(frame: Uint8Array): number {
  const end = frame.length - 1;
  return end > 15 && frame.subarray(end - 4, end).every((octet) => octet === 0) ? end - 5 : end - 1;
}

/** The same frame around another payload. */
function withPayload(frame: Uint8Array, payload: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(payload.length + 8);
  bytes.set(frame.subarray(0, 3));
  new DataView(bytes.buffer).setUint32(3, payload.length);
  bytes.set(payload, 7);
  bytes[bytes.length - 1] = 0xce;
  return bytes;
}
