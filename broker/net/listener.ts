import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import { endpointName, streamTransport, tcpTransport, type Transport } from "../amqp/transport.ts";
import { Origins } from "./origins.ts";
import { type ProxyProtocolOptions, takeProxyHeader, TrustedProxies } from "./proxied.ts";
import { RefusedError } from "./refused_error.ts";
import { listenOnPath } from "./socket_file.ts";
import { WebSocketStream } from "./websocket_stream.ts";
import { acceptWebSocket } from "./websocket_upgrade.ts";

/** Where to listen, and for what. */
export interface ListenOptions {
  /** The address. Default: `127.0.0.1`. */
  readonly hostname?: string;
  /** The port; 0 for any free one. Default: 5672, or 15670 for WebSocket. */
  readonly port?: number;
  /** A socket file to listen on, instead of an address and a port. Not on Windows. */
  readonly path?: string;
  /** The permissions of the socket file, such as `0o660`. Default: what the process's umask leaves. */
  readonly mode?: number;
  /** True when AMQP comes inside a WebSocket. Default: false. */
  readonly websocket?: boolean;
  /** Web pages that may open a WebSocket, such as `https://app.example`, or `*` for all. Pages from
   * this machine always may, and what is no browser. Default: no others. */
  readonly origins?: readonly string[];
  /** When every connection comes through a proxy that says in HAProxy's PROXY protocol (version 1 or
   * 2) who is behind it: who may be such a proxy. Others are refused. */
  readonly proxyProtocol?: ProxyProtocolOptions;
}

/** What a listener needs from its broker. */
export interface ListenerSurroundings {
  /** Takes each socket, when it is ready for AMQP. Must not throw. */
  readonly onTransport: (transport: Transport) => void;
  /** How long a PROXY header and the opening of a WebSocket may take. */
  readonly timeoutMs: number;
  /** Time. */
  readonly clock: Clock;
  /** Where refusals are logged. */
  readonly logger: Logger;
}

/** Accepts sockets and hands them on as transports. */
export class Listener {
  /** The address listened on; empty for a socket file. */
  readonly hostname: string;
  /** The port, also when 0 was asked for; 0 for a socket file. */
  readonly port: number;
  /** The socket file, if it is one. */
  readonly path: string | undefined;
  /** The address for clients. */
  readonly url: string;
  readonly #accepting: Accepting;
  readonly #surroundings: ListenerSurroundings;
  readonly #proxies: TrustedProxies | undefined;
  readonly #origins: Origins | undefined;
  /** Those that are not yet ready for AMQP. */
  readonly #preparing = new Set<Transport>();
  /** WebSockets that are not yet closed. */
  readonly #webSockets = new Set<WebSocketStream>();
  readonly #done: Promise<void>;
  #closed = false;

  /**
   * Starts listening.
   *
   * @throws {TypeError} When an option makes no sense.
   * @throws {Deno.errors.AddrInUse} When another program listens there.
   */
  static async open(
    options: ListenOptions,
    surroundings: ListenerSurroundings,
  ): Promise<Listener> {
    checkOptions(options);
    const { proxyProtocol, websocket = false, origins } = options;
    const proxies = proxyProtocol === undefined ? undefined : new TrustedProxies(proxyProtocol);
    const allowed = websocket ? new Origins(origins) : undefined;
    const accepting = options.path === undefined
      ? acceptTcp(options, websocket)
      : await acceptOnPath(options.path, options.mode);
    return new Listener(accepting, surroundings, proxies, allowed);
  }

  private constructor(
    accepting: Accepting,
    surroundings: ListenerSurroundings,
    proxies: TrustedProxies | undefined,
    origins: Origins | undefined,
  ) {
    this.#accepting = accepting;
    this.#surroundings = surroundings;
    this.#proxies = proxies;
    this.#origins = origins;
    const { hostname, port, path } = accepting;
    this.hostname = hostname;
    this.port = port;
    this.path = path;
    this.url = urlOf(accepting, origins !== undefined);
    this.#done = this.#acceptAll();
  }

  /** Stops accepting, and drops what is not yet ready for AMQP. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const transport of this.#preparing) transport.close();
    this.#accepting.close();
    await this.#done;
    await this.#accepting.remove();
  }

  /** Resolves when the goodbyes of all WebSockets are said. */
  async settled(): Promise<void> {
    await Promise.all([...this.#webSockets].map(({ closed }) => closed));
  }

  async #acceptAll(): Promise<void> {
    const plain = this.#proxies === undefined && this.#origins === undefined;
    while (true) {
      try {
        const transport = await this.#accepting.accept();
        if (plain) this.#surroundings.onTransport(transport);
        else this.#prepare(transport);
      } catch (cause) {
        // a client that went away at once, or no file descriptor left: the next one may be luckier
        if (this.#closed || cause instanceof Deno.errors.BadResource) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  /** What comes before AMQP: the header of a proxy, the opening of a WebSocket. */
  async #prepare(accepted: Transport): Promise<void> {
    const { clock, timeoutMs, onTransport } = this.#surroundings;
    this.#preparing.add(accepted);
    const stopTimer = clock.after(timeoutMs, () => {
      this.#log(accepted, `not ready for AMQP within ${timeoutMs} ms`);
      accepted.close();
    });
    let ready: Transport | undefined = accepted;
    try {
      if (this.#proxies !== undefined) ready = await takeProxyHeader(ready, this.#proxies);
      if (this.#origins !== undefined && ready !== undefined) {
        ready = await acceptWebSocket(ready, this.#origins);
      }
    } catch (cause) {
      // what we have closed ourselves was logged then
      if (cause instanceof RefusedError) this.#log(ready ?? accepted, cause.message);
      ready = undefined;
    } finally {
      stopTimer();
      this.#preparing.delete(accepted);
    }
    if (ready === undefined || this.#closed) accepted.close();
    else onTransport(this.#origins === undefined ? ready : this.#webSocket(ready));
  }

  #webSocket(ready: Transport): WebSocketStream {
    const stream = new WebSocketStream(ready, {
      clock: this.#surroundings.clock,
      onViolation: (text) => this.#log(ready, `its WebSocket was closed: it sent ${text}`),
    });
    this.#webSockets.add(stream);
    stream.closed.then(() => this.#webSockets.delete(stream));
    return stream;
  }

  #log({ peer }: Transport, text: string): void {
    this.#surroundings.logger.log("warning", `connection ${endpointName(peer)}: ${text}`);
  }
}

/** Something that sockets are accepted from. */
interface Accepting {
  readonly hostname: string;
  readonly port: number;
  readonly path: string | undefined;
  readonly accept: () => Promise<Transport>;
  readonly close: () => void;
  /** Takes away what is left of it when it is closed. */
  readonly remove: () => Promise<void>;
}

function acceptTcp({ hostname = "127.0.0.1", port }: ListenOptions, websocket: boolean): Accepting {
  const listener = Deno.listen({
    hostname,
    port: port ?? (websocket ? 15670 : 5672),
    transport: "tcp",
  });
  return {
    hostname: listener.addr.hostname,
    port: listener.addr.port,
    path: undefined,
    accept: async () => tcpTransport(await listener.accept()),
    close: () => closeListener(listener),
    remove: () => Promise.resolve(),
  };
}

async function acceptOnPath(path: string, mode: number | undefined): Promise<Accepting> {
  const { listener, remove } = await listenOnPath(path, mode);
  const local = { hostname: "127.0.0.1", port: 0, path };
  let accepted = 0;
  return {
    hostname: "",
    port: 0,
    path,
    async accept() {
      const connection = await listener.accept();
      return streamTransport(connection, { peer: { ...local, port: ++accepted }, local });
    },
    close: () => closeListener(listener),
    remove,
  };
}

function closeListener(listener: { close(): void }): void {
  try {
    listener.close();
  } catch {
    // it was closed before
  }
}

function urlOf({ hostname, port, path }: Accepting, websocket: boolean): string {
  if (path !== undefined) return `${websocket ? "ws" : "amqp"}+unix://${encodeURI(path)}`;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return `${websocket ? "ws" : "amqp"}://${host}:${port}`;
}

function checkOptions({ hostname, port, path, mode, websocket, origins }: ListenOptions): void {
  if (path !== undefined && (hostname !== undefined || port !== undefined)) {
    throw new TypeError("Cannot listen: a path is listened on, or a hostname and port, not both");
  }
  if (path === "") throw new TypeError("Cannot listen: the path is empty");
  if (mode !== undefined && path === undefined) {
    throw new TypeError("Cannot listen: mode belongs to a path");
  }
  if (origins !== undefined && websocket !== true) {
    throw new TypeError("Cannot listen: origins belong to a WebSocket");
  }
}
