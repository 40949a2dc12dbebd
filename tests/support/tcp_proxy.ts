import { tcpTransport } from "../../broker/amqp/transport.ts";

/** What a proxy does to one direction of a connection. */
export interface Mischief {
  /** Is given each piece of the stream and the number of bytes that came before it. What it returns goes
   * on, in pieces; null cuts the connection. */
  mangle(piece: Uint8Array, before: number): Promise<readonly (Uint8Array | null)[]>;
}

/** Chooses for the next connection; undefined leaves a direction as it is. */
export type Choose = () => { readonly up?: Mischief; readonly down?: Mischief };

/** A TCP proxy on loopback between a client and a broker, which can be mean to both. */
export class TcpProxy implements AsyncDisposable {
  /** The port that clients connect to. */
  readonly port: number;
  /** How many connections were accepted. */
  accepted = 0;
  readonly #listener: Deno.TcpListener;
  readonly #pairs = new Set<() => void>();
  readonly #running = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;
  #choose: Choose;

  /**
   * @param target The broker's port.
   * @param choose What happens to each connection. Default: nothing.
   */
  constructor(target: number, choose: Choose = () => ({})) {
    this.#choose = choose;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept(target);
  }

  /** Leaves later connections alone, or does something else to them. */
  set choose(choose: Choose) {
    this.#choose = choose;
  }

  /** Cuts every connection, both ways, without a word. */
  cut(): void {
    for (const cut of [...this.#pairs]) cut();
  }

  async #accept(target: number): Promise<void> {
    for await (const client of this.#listener) {
      this.accepted++;
      const running = this.#carry(client, target).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  async #carry(client: Deno.TcpConn, target: number): Promise<void> {
    let broker: Deno.TcpConn;
    try {
      broker = await Deno.connect({ hostname: "127.0.0.1", port: target });
    } catch {
      return client.close(); // nobody is there: the client finds out as it would without us
    }
    const ends = [tcpTransport(client), tcpTransport(broker)] as const;
    const cut = () => {
      for (const end of ends) end.close();
    };
    this.#pairs.add(cut);
    const { up, down } = this.#choose();
    await Promise.all([
      copy(ends[0], ends[1], up).catch(() => {}).finally(cut),
      copy(ends[1], ends[0], down).catch(() => {}).finally(cut),
    ]);
    this.#pairs.delete(cut);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    this.cut();
    await Promise.all(this.#running);
  }
}

type End = ReturnType<typeof tcpTransport>;

async function copy(from: End, to: End, mischief: Mischief | undefined): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let before = 0;;) {
    const count = await from.read(buffer);
    if (count === null) return;
    const piece = buffer.subarray(0, count);
    const pieces = mischief === undefined ? [piece] : await mischief.mangle(piece, before);
    for (const one of pieces) {
      if (one === null) return;
      for (let sent = 0; sent < one.length;) sent += await to.write(one.subarray(sent));
    }
    before += count;
  }
}
