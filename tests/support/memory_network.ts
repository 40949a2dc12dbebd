import type { Transport } from "../../broker/amqp/transport.ts";
import { memoryTransports } from "./memory_transport.ts";

/** Where a connection comes from, when it matters. */
export interface DialOptions {
  /** The address that the listener sees. Default: `127.0.0.1`. */
  readonly hostname?: string;
  /** A write takes no more than there is room for. Default: it takes all. */
  readonly inParts?: boolean;
}

/**
 * A network inside this process: while it stands, `Deno.listen` listens on it and `Deno.connect`
 * connects over it. A served broker runs as it is, without sockets: nothing depends on the kernel's
 * buffers and times, and addresses can be what they never are on one machine.
 */
export class MemoryNetwork implements Disposable {
  readonly #listeners = new Map<number, MemoryListener>();
  readonly #realListen = Deno.listen;
  readonly #realConnect = Deno.connect;
  #lastPort = 40_000;

  /** Takes the place of the real network. */
  constructor() {
    replace("listen", (options: Deno.ListenOptions) => this.#listen(options));
    replace("connect", (options: Deno.ConnectOptions) => this.#connect(options));
  }

  /** Connects to a port on which somebody listens. */
  dial(port: number, options: DialOptions = {}): Transport {
    const listener = this.#listeners.get(port);
    if (listener === undefined) throw new Deno.errors.ConnectionRefused(`port ${port}`);
    const { hostname = "127.0.0.1", inParts = false } = options;
    const [here, there] = memoryTransports(inParts);
    const mine = { hostname, port: ++this.#lastPort };
    const theirs = { hostname: "127.0.0.1", port };
    listener.offer(connectionOver({ ...there, peer: mine, local: theirs }));
    return { ...here, peer: theirs, local: mine };
  }

  /** Gives the real network back. */
  [Symbol.dispose](): void {
    replace("listen", this.#realListen);
    replace("connect", this.#realConnect);
  }

  #listen({ hostname = "0.0.0.0", port = 0 }: Deno.ListenOptions): MemoryListener {
    if (port === 0) port = ++this.#lastPort;
    if (this.#listeners.has(port)) throw new Deno.errors.AddrInUse(`port ${port}`);
    const listener = new MemoryListener({ transport: "tcp", hostname, port }, () => {
      this.#listeners.delete(port);
    });
    this.#listeners.set(port, listener);
    return listener;
  }

  // deno-lint-ignore require-await -- as the real one
  async #connect({ port }: Deno.ConnectOptions): Promise<MemoryConnection> {
    return connectionOver(this.dial(port));
  }
}

/** The part of `Deno.TcpConn` that Warren uses. */
interface MemoryConnection extends Pick<Transport, "read" | "write" | "close"> {
  readonly remoteAddr: Deno.NetAddr;
  readonly localAddr: Deno.NetAddr;
  setNoDelay(): void;
}

function connectionOver({ peer, local, read, write, close }: Transport): MemoryConnection {
  return {
    read,
    write,
    close,
    remoteAddr: { transport: "tcp", ...peer },
    localAddr: { transport: "tcp", ...local },
    setNoDelay() {},
  };
}

/** The part of `Deno.TcpListener` that Warren uses. */
class MemoryListener {
  readonly addr: Deno.NetAddr;
  readonly #onClose: () => void;
  readonly #waiting: MemoryConnection[] = [];
  #accepting: PromiseWithResolvers<MemoryConnection> | undefined;
  #closed = false;

  constructor(addr: Deno.NetAddr, onClose: () => void) {
    this.addr = addr;
    this.#onClose = onClose;
  }

  offer(connection: MemoryConnection): void {
    if (this.#accepting === undefined) this.#waiting.push(connection);
    else this.#accepting.resolve(connection);
    this.#accepting = undefined;
  }

  // deno-lint-ignore require-await -- as the real one
  async accept(): Promise<MemoryConnection> {
    if (this.#closed) throw new Deno.errors.BadResource("listener is closed");
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting;
    this.#accepting = Promise.withResolvers();
    return this.#accepting.promise;
  }

  close(): void {
    this.#closed = true;
    this.#onClose();
    for (const connection of this.#waiting.splice(0)) connection.close();
    this.#accepting?.reject(new Deno.errors.BadResource("listener is closed"));
    this.#accepting = undefined;
  }
}

/** `Deno` is declared as never to change. */
function replace(name: "listen" | "connect", value: unknown): void {
  Object.defineProperty(Deno, name, { value, configurable: true, writable: true });
}
