import { FRAME_BODY, FRAME_END, FRAME_OVERHEAD } from "../../broker/amqp/constants.ts";
import { FrameReader, type FrameSink } from "../../broker/amqp/frame_reader.ts";

/** What a reader's buffer grows to by itself. */
const BUFFER_SIZE = 64 * 1024;

/** Body frames with payloads of `size` bytes, one after the other. */
export function frameStream(size: number, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count * (size + FRAME_OVERHEAD));
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += size + FRAME_OVERHEAD) {
    bytes[at] = FRAME_BODY;
    view.setUint16(at + 1, 1);
    view.setUint32(at + 3, size);
    bytes[at + FRAME_OVERHEAD - 1 + size] = FRAME_END;
  }
  return bytes;
}

/** The least that can be done to find frames: reads where each one ends. Returns how many there are. */
export function walkLengths(view: DataView, length: number): number {
  let frames = 0;
  for (let at = 0; at < length; at = at + view.getUint32(at + 3) + FRAME_OVERHEAD | 0) frames++;
  return frames;
}

/** Counts the frames that a reader hands out. */
export class CountingSink implements FrameSink {
  frames = 0;
  bytes = 0;

  onFrame(_type: number, _channel: number, start: number, end: number): boolean {
    this.frames++;
    this.bytes += end - start;
    return true;
  }
}

/**
 * A reader in whose buffer a read's worth of frames lies already, as if the kernel had put them there:
 * what is measured is reading alone, without a copy that no socket makes.
 */
export class ReaderInPlace {
  /** How many frames one read brings. */
  readonly frames: number;
  /** The bytes of one read. */
  readonly stream: Uint8Array<ArrayBuffer>;
  readonly #reader = new FrameReader();
  readonly #sink = new CountingSink();

  /** Prepares it; payloads of `size` bytes each must leave room for several frames in a buffer. */
  constructor(size: number) {
    while (this.#reader.room().length < BUFFER_SIZE) this.#grow();
    // a read that fills the buffer to its end would be followed by growth
    this.frames = Math.floor((BUFFER_SIZE - 1) / (size + FRAME_OVERHEAD));
    this.stream = frameStream(size, this.frames);
    this.#reader.room().set(this.stream);
    this.read();
  }

  /** Reads the frames once more. Returns how many came. */
  read(): number {
    this.#sink.frames = 0;
    this.#reader.room();
    this.#reader.filled(this.stream.length);
    this.#reader.drain(this.#sink);
    return this.#sink.frames;
  }

  /** A read that fills the buffer makes the next one larger. */
  #grow(): void {
    const room = this.#reader.room();
    room.set(frameStream(0, room.length / FRAME_OVERHEAD));
    this.#reader.filled(room.length);
    this.#reader.drain(this.#sink);
  }
}
