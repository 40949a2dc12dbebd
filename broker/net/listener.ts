import { tcpTransport, type Transport } from "../amqp/transport.ts";

/** Where to listen. */
export interface ListenOptions {
  /** The address. Default: `127.0.0.1`. */
  readonly hostname?: string;
  /** The port; 0 for any free one. Default: 5672. */
  readonly port?: number;
}

/** Accepts sockets and hands them on as transports. */
export class Listener {
  /** The address listened on. */
  readonly hostname: string;
  /** The port, also when 0 was asked for. */
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #done: Promise<void>;

  /**
   * @param options Where to listen.
   * @param onTransport Takes each accepted socket. Must not throw.
   * @throws {Deno.errors.AddrInUse} When another program listens there.
   */
  constructor(options: ListenOptions, onTransport: (transport: Transport) => void) {
    const { hostname = "127.0.0.1", port = 5672 } = options;
    this.#listener = Deno.listen({ hostname, port, transport: "tcp" });
    const address = this.#listener.addr;
    this.hostname = address.hostname;
    this.port = address.port;
    this.#done = this.#accept(onTransport);
  }

  /** Stops accepting. */
  async close(): Promise<void> {
    try {
      this.#listener.close();
    } catch {
      // it was closed before
    }
    await this.#done;
  }

  async #accept(onTransport: (transport: Transport) => void): Promise<void> {
    while (true) {
      try {
        onTransport(tcpTransport(await this.#listener.accept()));
      } catch (cause) {
        // a client that went away at once, or no file descriptor left: the next one may be luckier
        if (cause instanceof Deno.errors.BadResource || cause instanceof Deno.errors.Interrupted) {
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }
}
