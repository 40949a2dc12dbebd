import { type Clock, systemClock } from "./clock.ts";
import type { Endpoint, Transport } from "./transport.ts";

/** A write waits while the socket holds more than this, as a full TCP socket would make it. */
const BUFFERED_MAX = 1024 * 1024;
/** A socket does not tell when it has sent what it held, so it is looked at so often. */
const LOOK_MS = 4;
/** No more goes into one message: what stands between may have a limit. */
const MESSAGE_MAX = 256 * 1024;
/** What a message takes besides its bytes while it waits: who sends one byte at a time has no more room than
 * others. */
const MESSAGE_BYTES = 256;
/** How long a goodbye may take. */
const GOODBYE_MS = 1000;

/** Options of {@linkcode webSocketTransport}. */
export interface WebSocketTransportOptions {
  /** The peer, as far as it is known. */
  readonly peer: Endpoint;
  /** Our end, as far as it is known. */
  readonly local: Endpoint;
  /** Most bytes that may have come and wait to be read, with 256 more for each message: a WebSocket cannot
   * be asked to pause, so a peer that goes on is cut off. Default: no limit. */
  readonly waitingMax?: number;
  /** Time. */
  readonly clock?: Clock;
}

/**
 * A standard WebSocket as a transport: binary messages carry the bytes, cut anywhere.
 *
 * A message of text ends it with 1003.
 *
 * @param socket The socket, connecting or open; it belongs to the transport from then on.
 * @param options Its two ends, and limits.
 */
export function webSocketTransport(
  socket: WebSocket,
  options: WebSocketTransportOptions,
): Transport {
  return new WebSocketTransport(socket, options);
}

class WebSocketTransport implements Transport {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #waitingMax: number;
  /** What came and was not yet read; those before `#first` are read, and `#offset` bytes of it too. */
  #messages: Uint8Array[] = [];
  #first = 0;
  #offset = 0;
  #waiting = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  readonly #gone: Promise<void>;

  constructor(socket: WebSocket, options: WebSocketTransportOptions) {
    this.#socket = socket;
    this.peer = options.peer;
    this.local = options.local;
    this.#clock = options.clock ?? systemClock;
    this.#waitingMax = options.waitingMax ?? Infinity;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => this.#receive(data);
    const gone = Promise.withResolvers<void>();
    this.#gone = gone.promise;
    socket.onclose = () => {
      this.#end();
      gone.resolve();
    };
    // a close comes after it, and says all there is to say
    socket.onerror = () => {};
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#waiting === 0) {
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    let count = 0;
    while (count < into.length && this.#first < this.#messages.length) {
      const message = this.#messages[this.#first]!;
      const taken = Math.min(message.length - this.#offset, into.length - count);
      into.set(message.subarray(this.#offset, this.#offset + taken), count);
      count += taken;
      this.#offset += taken;
      if (this.#offset === message.length) this.#forgetFirst();
    }
    this.#waiting -= count;
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const part = bytes.length > MESSAGE_MAX ? bytes.subarray(0, MESSAGE_MAX) : bytes;
    if (!this.#isOpen()) throw new Error("Cannot write: the WebSocket is closed");
    this.#socket.send(part as Uint8Array<ArrayBuffer>); // which copies it
    while (this.#socket.bufferedAmount > BUFFERED_MAX && this.#isOpen()) {
      await new Promise<void>((resolve) => this.#clock.after(LOOK_MS, resolve));
    }
    return part.length;
  }

  async close(): Promise<void> {
    this.#end();
    this.#socket.close(1000);
    const late = Promise.withResolvers<void>();
    const stopTimer = this.#clock.after(GOODBYE_MS, late.resolve);
    await Promise.race([this.#gone, late.promise]);
    stopTimer();
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    if (!(data instanceof ArrayBuffer)) return this.#refuse(1003, "AMQP is binary");
    if (data.byteLength === 0) return;
    this.#messages.push(new Uint8Array(data));
    this.#waiting += data.byteLength;
    const messages = this.#messages.length - this.#first;
    if (this.#waiting + MESSAGE_BYTES * messages > this.#waitingMax) {
      return this.#refuse(1008, "too much at once");
    }
    this.#wakeReader();
  }

  #refuse(code: number, reason: string): void {
    this.#end();
    try {
      this.#socket.close(code, reason);
    } catch {
      this.#socket.close(); // only a server may use these codes
    }
  }

  #forgetFirst(): void {
    this.#offset = 0;
    this.#first++;
    if (this.#first === this.#messages.length || this.#first >= 1024) {
      this.#messages = this.#messages.slice(this.#first);
      this.#first = 0;
    }
  }

  #end(): void {
    this.#ended = true;
    this.#wakeReader();
  }

  #wakeReader(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }
}
