/**
 * What the ceiling writes to a socket.
 *
 * @module
 */

const FRAME_METHOD = 1;
const FRAME_END = 0xce;
/** Octets of a frame around its payload. */
const OVERHEAD = 8;

/** A buffer that is filled while another is written starts so large. */
const OUT_SIZE = 1 << 20;
/** A larger one is not used again. */
const OUT_KEPT_MAX = 1 << 22;

/** Buffers with something in them. */
const filled: Outgoing[] = [];

/** Writes what the turn has put into the buffers. */
export function flushAll(): void {
  for (const out of filled) out.flush();
  filled.length = 0;
}

/** What a socket is to be sent: two buffers, one is filled while the other is written. */
export class Outgoing {
  bytes = new Uint8Array(OUT_SIZE);
  view = new DataView(this.bytes.buffer);
  length = 0;
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #writing = false;
  #marked = false;
  readonly #socket: Deno.TcpConn;

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Makes room for so many octets. */
  reserve(size: number): void {
    if (this.length + size <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + size));
    larger.set(this.bytes.subarray(0, this.length));
    this.#use(larger);
  }

  /** Says that there is something to flush at the end of the turn. */
  mark(): void {
    if (this.#marked) return;
    this.#marked = true;
    filled.push(this);
  }

  /** Writes the head of a frame at the end of what is written; returns where its payload starts. */
  head(type: number, channel: number, size: number): number {
    const at = this.length;
    this.bytes[at] = type;
    this.view.setUint16(at + 1, channel);
    this.view.setUint32(at + 3, size);
    return at + 7;
  }

  /** Appends a method frame. */
  method(channel: number, id: number, ...fields: readonly Uint8Array[]): void {
    const size = 4 + fields.reduce((sum, field) => sum + field.length, 0);
    this.reserve(size + OVERHEAD);
    let at = this.head(FRAME_METHOD, channel, size);
    this.view.setUint32(at, id);
    at += 4;
    for (const field of fields) {
      this.bytes.set(field, at);
      at += field.length;
    }
    this.bytes[at] = FRAME_END;
    this.length = at + 1;
    this.mark();
  }

  /** Writes until nothing is left. */
  async flush(): Promise<void> {
    this.#marked = false;
    if (this.#writing) return;
    this.#writing = true;
    while (this.length > 0) {
      const { bytes, length } = this;
      this.#use(this.#spare ?? new Uint8Array(OUT_SIZE));
      this.#spare = undefined;
      this.length = 0;
      try {
        for (let sent = 0; sent < length;) {
          sent += await this.#socket.write(bytes.subarray(sent, length));
        }
      } catch {
        this.length = 0; // the peer is gone
      }
      if (bytes.length <= OUT_KEPT_MAX) this.#spare = bytes;
    }
    this.#writing = false;
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
