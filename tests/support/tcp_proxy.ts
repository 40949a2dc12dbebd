import { tcpTransport } from "../../broker/amqp/transport.ts";

/** What a proxy does to one direction of a connection. */
export interface Mischief {
  /** Is given each piece of the stream and the number of bytes that came before it. What it returns goes
   * on, in pieces; null cuts the connection. */
  mangle(piece: Uint8Array, before: number): Promise<readonly (Uint8Array | null)[]>;
}

/** Chooses for the next connection; undefined leaves a direction as it is. */
export type Choose = () => { readonly up?: Mischief; readonly down?: Mischief };

interface Pair {
  readonly client: End;
  readonly broker: End;
  /** True when the broker is not to notice that the client is gone. */
  left: boolean;
}

/** A TCP proxy on loopback between a client and a broker, which can be mean to both. */
export class TcpProxy implements AsyncDisposable {
  /** The port that clients connect to. */
  readonly port: number;
  /** How many connections were accepted. */
  accepted = 0;
  readonly #listener: Deno.TcpListener;
  readonly #pairs = new Set<Pair>();
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
    for (const pair of [...this.#pairs]) this.#cut(pair);
  }

  /** Cuts every connection on the client's side alone, as a NAT that forgot it does. The result cuts the
   * broker's. */
  leave(): () => void {
    const pairs = [...this.#pairs];
    for (const pair of pairs) {
      pair.left = true;
      pair.client.close();
    }
    return () => {
      for (const pair of pairs) this.#cut(pair);
    };
  }

  #cut({ client, broker }: Pair): void {
    client.close();
    broker.close();
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
    const pair = { client: tcpTransport(client), broker: tcpTransport(broker), left: false };
    const ended = () => {
      if (!pair.left) this.#cut(pair);
    };
    this.#pairs.add(pair);
    const { up, down } = this.#choose();
    await Promise.all([
      copy(pair.client, pair.broker, up).catch(() => {}).finally(ended),
      // what comes for a client that was left is read, and goes nowhere
      copy(pair.broker, pair.client, down, () => pair.left).catch(() => {}).finally(ended),
    ]);
    this.#pairs.delete(pair);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    this.cut();
    await Promise.all(this.#running);
  }
}

type End = ReturnType<typeof tcpTransport>;

async function copy(
  from: End,
  to: End,
  mischief: Mischief | undefined,
  drops: () => boolean = () => false,
): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let before = 0;;) {
    const count = await from.read(buffer);
    if (count === null) return;
    if (drops()) continue;
    const piece = buffer.subarray(0, count);
    const pieces = mischief === undefined ? [piece] : await mischief.mangle(piece, before);
    for (const one of pieces) {
      if (one === null) return;
      for (let sent = 0; sent < one.length;) sent += await to.write(one.subarray(sent));
    }
    before += count;
  }
}
