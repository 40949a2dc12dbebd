import type { Clock } from "../amqp/clock.ts";
import type { Endpoint, TlsFacts, Transport } from "../amqp/transport.ts";

const CONTINUATION = 0x0;
const TEXT = 0x1;
const BINARY = 0x2;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FINAL = 0x80;
const MASKED = 0x80;

/** The longest frame that a peer may send. No buffer is made for it: what comes is handed on. */
const FRAME_MAX = 2 ** 30;
/** The longest frame that is sent. */
const SENT_MAX = 256 * 1024;
/** Room before what is sent: the longest head of a frame without a mask. */
const HEAD_MAX = 10;
/** The longest payload of a control frame. */
const CONTROL_MAX = 125;
/** How long the peer may take for its goodbye. */
const GOODBYE_MS = 1000;
/** From so many bytes on a mask is taken off four at a time. */
const WORDWISE = 64;
/** What is read goes into a buffer that starts small, grows while reads fill it, and is small again
 * after a while of small reads. */
const SMALLEST_BUFFER = 512;
const LARGEST_BUFFER = 64 * 1024;
const SMALL_READS = 16;

/** Options of a {@linkcode WebSocketStream}. */
export interface WebSocketStreamOptions {
  /** Time. */
  readonly clock: Clock;
  /** Takes what the peer did wrong, in words. */
  readonly onViolation: (text: string) => void;
}

/**
 * The server's end of a WebSocket (RFC 6455, section 5) as a transport: binary frames carry the
 * bytes, cut anywhere.
 *
 * ```text
 *    0             1            2 .. 9            4
 *   +-------------+------------+-----------------+------+---------+
 *   | FIN, opcode | MASK, size | size if over 125| mask | payload |
 *   +-------------+------------+-----------------+------+---------+
 * ```
 *
 * It reads the socket only when it is read itself, so a reader that pauses makes the peer pause; and
 * a frame is handed on as it comes, however long it is.
 */
export class WebSocketStream implements Transport {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly tls: TlsFacts | undefined;
  /** Resolves when the socket below is closed. */
  readonly closed: Promise<void>;
  readonly #resolveClosed: () => void;
  readonly #below: Transport;
  readonly #options: WebSocketStreamOptions;

  /** What was read from the socket and is not yet taken lies from `#at` to `#filled`. */
  #bytes = new Uint8Array(SMALLEST_BUFFER);
  #at = 0;
  #filled = 0;
  #smallReads = 0;

  // the frame that is coming in
  readonly #head = new Uint8Array(14);
  #headLength = 0;
  readonly #mask = new Uint8Array(4);
  /** How much of the payload was taken, modulo 4. */
  #phase = 0;
  /** How much of it was not. */
  #missing = 0;
  #opcode = BINARY;
  /** A message whose last frame has not come. */
  #unfinished = false;
  /** The payload of a control frame. */
  #control = new Uint8Array(0);

  /** Nothing that still comes is of interest. */
  #ended = false;
  #reading = false;
  #closing = false;

  // what goes out
  #out = new Uint8Array(256);
  #sending: Promise<void> | undefined;
  /** The answer to the last ping. */
  #pong: Uint8Array | undefined;
  #closeFrame: Uint8Array | undefined;
  #closeSent = false;

  /**
   * @param below What the frames are read from and written to, after the opening handshake.
   * @param options Time, and who is told of violations.
   */
  constructor(below: Transport, options: WebSocketStreamOptions) {
    this.#below = below;
    this.#options = options;
    this.peer = below.peer;
    this.local = below.local;
    this.tls = below.tls;
    const closed = Promise.withResolvers<void>();
    this.closed = closed.promise;
    this.#resolveClosed = closed.resolve;
  }

  async read(into: Uint8Array): Promise<number | null> {
    this.#reading = true;
    try {
      while (!this.#ended) {
        const payload = this.#take(into);
        // what comes after our own goodbye is read only to find the peer's
        if (payload > 0 && !this.#closing) return payload;
        if (!this.#ended && this.#at === this.#filled) await this.#fill();
      }
      return null;
    } catch (cause) {
      this.#ended = true;
      throw cause;
    } finally {
      this.#reading = false;
      if (this.#closing && this.#ended) this.#whenSent().then(() => this.#finish());
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (this.#sending !== undefined) await this.#sending;
    if (this.#closeFrame !== undefined) {
      throw new Error("Cannot write: the WebSocket is closing");
    }
    const count = Math.min(bytes.length, SENT_MAX);
    await this.#send(this.#dataFrame(bytes, count));
    return count;
  }

  /** Says goodbye, and closes the socket when the peer has answered or time is up. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    const stopTimer = this.#options.clock.after(GOODBYE_MS, () => this.#finish());
    this.closed.then(stopTimer);
    this.#sayGoodbye(1000, "");
    if (this.#ended) this.#whenSent().then(() => this.#finish());
    // a read that waits goes on until the peer's goodbye
    else if (!this.#reading) this.read(new Uint8Array(4096)).catch(() => {});
  }

  #finish(): void {
    this.#below.close();
    this.#resolveClosed();
  }

  async #whenSent(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
  }

  // ---- what comes

  /** Reads frames on, into a buffer that grows while reads fill it. */
  async #fill(): Promise<void> {
    const size = this.#bytes.length;
    if (this.#filled === size && size < LARGEST_BUFFER) this.#bytes = new Uint8Array(size * 4);
    this.#smallReads = this.#filled < size >> 4 ? this.#smallReads + 1 : 0;
    if (this.#smallReads === SMALL_READS && size > SMALLEST_BUFFER) {
      this.#bytes = new Uint8Array(SMALLEST_BUFFER);
    }
    this.#at = this.#filled = 0;
    const count = await this.#below.read(this.#bytes);
    if (count === null) this.#ended = true;
    else this.#filled = count;
  }

  /** Moves payload out of what was read, and tells how much. Stops when either side is exhausted. */
  #take(into: Uint8Array): number {
    let kept = 0;
    while (this.#at < this.#filled && !this.#ended) {
      if (this.#missing === 0) {
        this.#takeHead();
        continue;
      }
      const here = Math.min(this.#missing, this.#filled - this.#at);
      if (this.#opcode < CLOSE) {
        const taken = Math.min(here, into.length - kept);
        if (taken === 0) break;
        this.#unmask(into, kept, taken);
        kept += taken;
      } else {
        this.#unmask(this.#control, this.#control.length - this.#missing, here);
        if (this.#missing === 0) this.#onControl();
      }
    }
    return kept;
  }

  /** Takes a part of the next frame's head, or all of it. */
  #takeHead(): void {
    const head = this.#head;
    while (this.#at < this.#filled) {
      head[this.#headLength++] = this.#bytes[this.#at++]!;
      if (this.#headLength < 2) continue;
      const short = head[1]! & 0x7f;
      const sizeBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
      if (this.#headLength === 2 && !this.#acceptsHead()) return;
      if (this.#headLength < 6 + sizeBytes) continue;
      const view = new DataView(head.buffer);
      const size = sizeBytes === 0
        ? short
        : sizeBytes === 2
        ? view.getUint16(2)
        : view.getUint32(2) * 2 ** 32 + view.getUint32(6);
      this.#headLength = 0;
      if (size > FRAME_MAX) {
        this.#violation(1009, `a frame of ${size} bytes`);
        return;
      }
      const maskAt = 2 + sizeBytes;
      for (let at = 0; at < 4; at++) this.#mask[at] = head[maskAt + at]!;
      this.#phase = 0;
      this.#missing = size;
      if (this.#opcode >= CLOSE) {
        this.#control = new Uint8Array(size);
        if (size === 0) this.#onControl();
      }
      return;
    }
  }

  /** Takes the mask off the next bytes, into a buffer. */
  #unmask(target: Uint8Array, to: number, count: number): void {
    const mask = this.#mask;
    const phase = this.#phase;
    const source = this.#bytes;
    const from = this.#at;
    let done = 0;
    if (count >= WORDWISE) {
      const input = new DataView(source.buffer, source.byteOffset + from, count);
      const output = new DataView(target.buffer, target.byteOffset + to, count);
      const word = mask[phase & 3]! | mask[phase + 1 & 3]! << 8 | mask[phase + 2 & 3]! << 16 |
        mask[phase + 3 & 3]! << 24;
      for (; done + 4 <= count; done += 4) {
        output.setInt32(done, input.getInt32(done, true) ^ word, true);
      }
    }
    for (; done < count; done++) {
      target[to + done] = source[from + done]! ^ mask[phase + done & 3]!;
    }
    this.#at += count;
    this.#phase = this.#phase + count & 3;
    this.#missing -= count;
  }

  /** Looks at the two octets by which every frame begins. */
  #acceptsHead(): boolean {
    const [first = 0, second = 0] = this.#head;
    const opcode = first & 0xf;
    const final = (first & FINAL) !== 0;
    if ((first & 0x70) !== 0) return this.#violation(1002, "an extension that was not agreed on");
    if ((second & MASKED) === 0) return this.#violation(1002, "a frame without a mask");
    if (opcode >= CLOSE) {
      if (opcode > PONG) return this.#violation(1002, `a frame of type ${opcode}`);
      if (!final || (second & 0x7f) > CONTROL_MAX) {
        return this.#violation(1002, "a control frame in parts, or too long");
      }
      this.#opcode = opcode;
      return true;
    }
    if (opcode === TEXT) return this.#violation(1003, "text, and AMQP is binary");
    if (opcode > BINARY) return this.#violation(1002, `a frame of type ${opcode}`);
    if ((opcode === CONTINUATION) !== this.#unfinished) {
      return this.#violation(1002, "the parts of messages in disorder");
    }
    this.#unfinished = !final;
    this.#opcode = opcode;
    return true;
  }

  #onControl(): void {
    const payload = this.#control;
    if (this.#opcode === PING) {
      this.#pong = controlFrame(PONG, payload);
      this.#sendWaiting();
    } else if (this.#opcode === CLOSE) {
      this.#ended = true;
      const code = payload.length === 0
        ? 1000
        : payload.length === 1
        ? 0
        : payload[0]! << 8 | payload[1]!;
      this.#sayGoodbye(mayBeSent(code) ? code : 1002, "");
    }
  }

  #violation(code: number, what: string): false {
    this.#options.onViolation(what);
    this.#ended = true;
    this.#sayGoodbye(code, what);
    return false;
  }

  #sayGoodbye(code: number, reason: string): void {
    if (this.#closeFrame !== undefined) return;
    const payload = new Uint8Array(2 + reason.length);
    payload[0] = code >> 8;
    payload[1] = code & 0xff;
    new TextEncoder().encodeInto(reason, payload.subarray(2));
    this.#closeFrame = controlFrame(CLOSE, payload);
    this.#sendWaiting();
  }

  // ---- what goes out

  #dataFrame(bytes: Uint8Array, count: number): Uint8Array {
    if (this.#out.length < HEAD_MAX + count) {
      this.#out = new Uint8Array(
        HEAD_MAX + Math.max(count, Math.min(2 * this.#out.length, SENT_MAX)),
      );
    }
    const out = this.#out;
    const headSize = writeHead(out, FINAL | BINARY, count);
    out.set(count === bytes.length ? bytes : bytes.subarray(0, count), headSize);
    return out.subarray(0, headSize + count);
  }

  /** Sends a frame and what has come up meanwhile. One at a time: frames must not mix. */
  async #send(frame: Uint8Array | undefined): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#sending = done.promise;
    try {
      for (
        let next = frame ?? this.#nextControl();
        next !== undefined;
        next = this.#nextControl()
      ) {
        for (let sent = 0; sent < next.length;) {
          sent += await this.#below.write(sent === 0 ? next : next.subarray(sent));
        }
      }
    } finally {
      this.#sending = undefined;
      done.resolve();
    }
  }

  #nextControl(): Uint8Array | undefined {
    if (this.#closeSent) return undefined;
    const pong = this.#pong;
    this.#pong = undefined;
    if (pong !== undefined) return pong;
    this.#closeSent = this.#closeFrame !== undefined;
    return this.#closeFrame;
  }

  #sendWaiting(): void {
    // a peer that is gone is found out by whoever reads or writes
    if (this.#sending === undefined) this.#send(undefined).catch(() => {});
  }
}

/** Codes that may stand in a close frame. */
function mayBeSent(code: number): boolean {
  return (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
    (code >= 3000 && code < 5000);
}

function controlFrame(opcode: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(2 + payload.length);
  writeHead(frame, FINAL | opcode, payload.length);
  frame.set(payload, 2);
  return frame;
}

/** Writes the head of a frame without a mask, and tells its size. */
function writeHead(into: Uint8Array, first: number, size: number): number {
  into[0] = first;
  if (size <= 125) {
    into[1] = size;
    return 2;
  }
  const view = new DataView(into.buffer, into.byteOffset);
  if (size <= 0xffff) {
    into[1] = 126;
    view.setUint16(2, size);
    return 4;
  }
  into[1] = 127;
  view.setUint32(2, 0);
  view.setUint32(6, size);
  return 10;
}
