import { streamTransport, type Transport } from "../../broker/amqp/transport.ts";

const MASK = Uint8Array.of(0x9a, 0x0b, 0xf7, 0x35);

/** A frame as a server sent it. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

/** The parts of a frame that a test may get wrong. */
export interface FrameParts {
  readonly opcode?: number;
  readonly final?: boolean;
  readonly masked?: boolean;
  readonly reserved?: number;
  /** A size other than the payload's. */
  readonly size?: number;
  /** How many bytes the size takes, 0, 2 or 8; the fewest when not given. */
  readonly sizeBytes?: number;
}

/** The bytes of a client's frame. */
export function clientFrame(payload: Uint8Array, parts: FrameParts = {}): Uint8Array {
  const { opcode = 2, final = true, masked = true, reserved = 0, size = payload.length } = parts;
  const { sizeBytes = size < 126 ? 0 : size <= 0xffff ? 2 : 8 } = parts;
  const head = new Uint8Array(2 + sizeBytes + (masked ? 4 : 0));
  head[0] = (final ? 0x80 : 0) | reserved << 4 | opcode;
  head[1] = (masked ? 0x80 : 0) | (sizeBytes === 0 ? size : sizeBytes === 2 ? 126 : 127);
  const view = new DataView(head.buffer);
  if (sizeBytes === 2) view.setUint16(2, size);
  if (sizeBytes === 8) view.setBigUint64(2, BigInt(size));
  const frame = new Uint8Array(head.length + payload.length);
  if (masked) head.set(MASK, 2 + sizeBytes);
  frame.set(head);
  frame.set(masked ? payload.map((octet, at) => octet ^ MASK[at & 3]!) : payload, head.length);
  return frame;
}

/** The request by which a client begins; a field that is undefined is left out. */
export function upgradeRequest(fields: Readonly<Record<string, string | undefined>> = {}): string {
  const all = {
    Host: "127.0.0.1",
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...fields,
  };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}`);
  return ["GET /amqp HTTP/1.1", ...lines, "", ""].join("\r\n");
}

/** A client of a WebSocket that a test can look into, written from the specification alone. */
export class WebSocketClient {
  readonly #transport: Transport;
  #unread: Uint8Array = new Uint8Array(0);

  private constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Connects without saying anything. */
  static async dial(port: number): Promise<WebSocketClient> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    const end = { hostname: "127.0.0.1", port };
    return new WebSocketClient(streamTransport(connection, { peer: end, local: end }));
  }

  /** Connects and opens the WebSocket. */
  static async open(port: number): Promise<WebSocketClient> {
    return await (await WebSocketClient.dial(port)).#upgraded();
  }

  /** Opens the WebSocket over a connection. */
  static async openOver(transport: Transport): Promise<WebSocketClient> {
    return await new WebSocketClient(transport).#upgraded();
  }

  async #upgraded(): Promise<WebSocketClient> {
    const head = await this.request(upgradeRequest());
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`Cannot open WebSocket: ${head}`);
    return this;
  }

  /** Sends text and gives the head of the answer. */
  async request(text: string): Promise<string> {
    await this.send(new TextEncoder().encode(text));
    let head = "";
    while (!head.endsWith("\r\n\r\n")) {
      const [octet] = await this.#take(1);
      if (octet === undefined) break;
      head += String.fromCharCode(octet);
    }
    return head;
  }

  /** Sends bytes as they are. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#transport.write(bytes.subarray(sent));
    }
  }

  /** Reads a frame; undefined at the end of the stream. */
  async frame(): Promise<ServerFrame | undefined> {
    const [first, size] = await this.#take(2);
    if (first === undefined || size === undefined) return undefined;
    const longer = size === 126 ? await this.#take(2) : size === 127 ? await this.#take(8) : [size];
    const length = [...longer].reduce((sum, octet) => sum * 256 + octet, 0);
    if ((first & 0xf0) !== 0x80 || size > 127) throw new Error("Cannot read frame: odd head");
    return { opcode: first & 0xf, payload: await this.#take(length) };
  }

  /** The code of the close frame that comes next. */
  async closeCode(): Promise<number | undefined> {
    const frame = await this.frame();
    if (frame?.opcode !== 8) throw new Error(`Cannot take ${frame?.opcode} for a close frame`);
    const [high = 0, low = 0] = frame.payload;
    return high << 8 | low;
  }

  /** True when the stream has ended. */
  async ended(): Promise<boolean> {
    return (await this.#take(1)).length === 0;
  }

  /** Drops the socket. */
  close(): void {
    this.#transport.close();
  }

  /** The client as a transport that cuts what it writes into frames as `cut` says. */
  asTransport(cut: (bytes: Uint8Array) => Uint8Array[]): Transport {
    let rest: Uint8Array = new Uint8Array(0);
    return {
      peer: this.#transport.peer,
      local: this.#transport.local,
      read: async (into) => {
        while (rest.length === 0) {
          const frame = await this.frame();
          if (frame === undefined) return null;
          if (frame.opcode === 8) await this.send(clientFrame(frame.payload, { opcode: 8 }));
          else if (frame.opcode === 2) rest = frame.payload;
        }
        const count = Math.min(rest.length, into.length);
        into.set(rest.subarray(0, count));
        rest = rest.subarray(count);
        return count;
      },
      write: async (bytes) => {
        for (const part of cut(bytes)) await this.send(part);
        return bytes.length;
      },
      close: () => this.close(),
    };
  }

  /** Takes so many bytes; fewer at the end of the stream. */
  async #take(count: number): Promise<Uint8Array> {
    while (this.#unread.length < count) {
      const into = new Uint8Array(65_536);
      const read = await this.#transport.read(into).catch(() => null);
      if (read === null) break;
      const joined = new Uint8Array(this.#unread.length + read);
      joined.set(this.#unread);
      joined.set(into.subarray(0, read), this.#unread.length);
      this.#unread = joined;
    }
    const taken = this.#unread.slice(0, count);
    this.#unread = this.#unread.subarray(count);
    return taken;
  }
}
