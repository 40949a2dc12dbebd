import type { Transport } from "../../broker/amqp/transport.ts";

/** A write waits while so many bytes are unread, as a socket's would. */
const CAPACITY = 256 * 1024;

/** One direction: what is written at one end waits here to be read at the other. */
class Pipe {
  #chunks: Uint8Array[] = [];
  /** How many of them are read: to take the first one of a hundred thousand away takes long. */
  #taken = 0;
  #size = 0;
  #ended = false;
  #changed = Promise.withResolvers<void>();
  readonly #inParts: boolean;

  constructor(inParts: boolean) {
    this.#inParts = inParts;
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#taken === this.#chunks.length) {
      if (this.#ended) return null;
      await this.#changed.promise;
    }
    const chunk = this.#chunks[this.#taken]!;
    const count = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, count));
    if (count < chunk.length) this.#chunks[this.#taken] = chunk.subarray(count);
    else if (++this.#taken === this.#chunks.length) {
      this.#chunks = [];
      this.#taken = 0;
    }
    this.#size -= count;
    this.#signal();
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (this.#size >= CAPACITY && !this.#ended) await this.#changed.promise;
    if (this.#ended) throw new Error("Cannot write: the other end is closed");
    const taken = bytes.slice(0, this.#inParts ? CAPACITY - this.#size : bytes.length);
    this.#chunks.push(taken);
    this.#size += taken.length;
    this.#signal();
    return taken.length;
  }

  end(): void {
    this.#ended = true;
    this.#signal();
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/**
 * Two transports that are each other's other end, without a socket.
 *
 * @param inParts True when a write takes no more than there is room for; else all of it.
 */
export function memoryTransports(inParts = false): [Transport, Transport] {
  const there = new Pipe(inParts);
  const back = new Pipe(inParts);
  return [transport(there, back), transport(back, there)];
}

function transport(incoming: Pipe, outgoing: Pipe): Transport {
  const endpoint = { hostname: "127.0.0.1", port: 0 };
  return {
    read: (into) => incoming.read(into),
    write: (bytes) => outgoing.write(bytes),
    close() {
      incoming.end();
      outgoing.end();
    },
    peer: endpoint,
    local: endpoint,
  };
}
