import { concat, equals } from "@std/bytes";
import type { RandomValues } from "../amqp/random_values.ts";
import { step, withChannel } from "./streams.ts";

/**
 * What is wrong with almost-right AMQP: phrases of the grammar, each changed in one way. Most changes
 * leave the frames and their order right, so that what is behind the reader gets to see them too.
 *
 * @module
 */

/** Mistakes about frames, and the order of frames. */
export const STRUCTURAL = [
  "frame lost",
  "frame doubled",
  "order of frames",
  "payload",
  "head or end of a frame",
  "bytes between frames",
] as const;

/** Mistakes in what a frame says. */
export const SAID = [
  "cut short",
  "too long",
  "octet",
  "extreme",
  "channel",
  "flags",
  "letter",
  "content",
] as const;

/** What a mistake is about. */
export type Kind = typeof STRUCTURAL[number] | typeof SAID[number];

/** So many of a hundred mistakes are {@linkcode STRUCTURAL}: each may end a connection, and with it all
 * that could have been tried on it. */
const STRUCTURAL_PERCENT = 7;

/** Frames that belong together, perhaps with a mistake. */
export interface Phrase {
  /** The frames, in order. */
  readonly frames: readonly Uint8Array[];
  /** What is wrong with them; undefined: not one octet. */
  readonly kind: Kind | undefined;
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
    if (random.below(4) === 0) return { frames, kind: undefined };
    const kind = kindFor(random, frames);
    const mutated = mutate(random, frames, kind);
    // an octet may have become what it was
    return { frames: mutated, kind: equals(concat(frames), concat(mutated)) ? undefined : kind };
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

function kindFor(random: RandomValues, frames: readonly Uint8Array[]): Kind {
  const alone = frames.length === 1;
  if (random.below(100) < STRUCTURAL_PERCENT) {
    const kind = random.pick(STRUCTURAL);
    return kind === "order of frames" && alone ? "frame doubled" : kind;
  }
  // parts of contents depend on each other: those that change must still fit, or the connection ends
  if (!alone) return "content";
  const chance = random.below(100);
  if (chance < 1) return "cut short";
  if (chance < 2) return "too long";
  if (chance < 5) return "octet";
  if (chance < 8) return "extreme";
  if (chance < 12) return "channel";
  if (chance < 24) return "flags";
  return "letter";
}

/** Makes a mistake; the frames themselves stay as they are. */
function mutate(random: RandomValues, frames: readonly Uint8Array[], kind: Kind): Uint8Array[] {
  const at = random.below(frames.length);
  const frame = frames[at]!;
  switch (kind) {
    case "frame lost":
      return frames.toSpliced(at, 1);
    case "frame doubled":
      return frames.toSpliced(at, 0, frame);
    case "order of frames":
      return frames.toReversed();
    case "bytes between frames":
      return frames.toSpliced(at, 0, random.bytes(20));
    default:
      return frames.with(at, changed(random, frame.slice(), kind));
  }
}

/** Changes a frame, which may be the same one afterwards. */
function changed(random: RandomValues, frame: Uint8Array, kind: Kind): Uint8Array {
  const end = frame.length - 1;
  const from = kind !== "content" ? 11 : frame[0] === 3 ? 7 : frame[0] === 2 ? 21 : 11;
  if (kind === "payload") return withPayload(frame, random.damaged(frame.slice(7, -1)));
  if (kind === "head or end of a frame") {
    // class, method or type of the frame, its size, its end
    frame[random.pick([0, 3, 4, 5, 6, 7, 8, 9, 10, end])]! ^= 1 << random.below(8);
    return frame;
  }
  const channel = () => random.below(20) === 0 ? random.below(12) : 1 + random.below(8);
  if (end <= from) return withChannel(frame, frame[0] === 8 ? 0 : channel());
  const at = from + random.below(end - from);
  switch (kind) {
    case "cut short":
      return withPayload(frame, frame.slice(7, at));
    case "too long":
      return withPayload(frame, [...frame.subarray(7, -1), ...random.bytes(20)]);
    case "octet":
      frame[at] = random.below(256);
      return frame;
    case "extreme":
      // of a number, or of the length of something
      frame[at] = random.pick([0, 1, 0x7f, 0x80, 0xff]);
      return frame;
    case "channel":
      return withChannel(frame, channel());
    case "flags":
      frame[flagsOf(frame)]! ^= 1 << random.below(8);
      return frame;
    default:
      if (frame[0] === 3) frame[at] = random.below(256);
      else changeLetter(random, frame, at);
      return frame;
  }
}

/** Changes a letter or digit into another one, which hits names; a tag or a count where there is none. */
function changeLetter(random: RandomValues, frame: Uint8Array, from: number): void {
  for (let at = from; at < frame.length - 1; at++) {
    const letter = frame[at]! - 0x30;
    if (letter < 0 || letter > 0x4a) continue;
    frame[at] = 0x30 + (letter + 1 + random.below(0x4a)) % 0x4b;
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
