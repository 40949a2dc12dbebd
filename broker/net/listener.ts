import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import { sourceOf } from "../amqp/source.ts";
import { SparseLog } from "../amqp/sparse_log.ts";
import {
  type Endpoint,
  endpointName,
  streamTransport,
  tcpTransport,
  type Transport,
} from "../amqp/transport.ts";
import { worked } from "../amqp/turn.ts";
import { Origins } from "./origins.ts";
import { Paced } from "./paced.ts";
import { Preparing } from "./preparing.ts";
import { type ProxyProtocolOptions, takeProxyHeader, TrustedProxies } from "./proxied.ts";
import { RefusedError } from "./refused_error.ts";
import { listenOnPath } from "./socket_file.ts";
import { TlsAcceptor } from "./tls_acceptor.ts";
import type { CertificateValidity, TlsCertificates } from "./tls_certificates.ts";
import type { TlsOptions } from "./tls_context.ts";
import { WebSocketStream } from "./websocket_stream.ts";
import { acceptWebSocket } from "./websocket_upgrade.ts";

/** So many begin TLS at once: some forty milliseconds of work. With fewer, ten thousand clients that all
 * come back to a broker that is busy anyway would not be done in the time that they have. */
const TLS_AT_ONCE = 64;

/** So long it takes to let somebody in, about, in milliseconds. */
const ACCEPT_MS = 0.1;

/** So many refusals of an address are logged in a second, before they are only counted: who is refused may
 * come again at once, and the log is not his to fill. */
const REFUSALS_LOGGED = 20;

/** Where to listen, and for what. */
export interface ListenOptions {
  /** The address. Default: `127.0.0.1`. */
  readonly hostname?: string;
  /** The port; 0 for any free one. Default: 5672, 5671 with TLS, or 15670 for WebSocket. */
  readonly port?: number;
  /** A socket file to listen on, instead of an address and a port. Not on Windows. */
  readonly path?: string;
  /** The permissions of the socket file, such as `0o660`. Default: what the process's umask leaves. */
  readonly mode?: number;
  /** True when AMQP comes inside a WebSocket. Default: false. */
  readonly websocket?: boolean;
  /** Encrypts what comes and goes, and tells who clients are. Default: no TLS. */
  readonly tls?: TlsOptions;
  /** Web pages that may open a WebSocket, such as `https://app.example`, or `*` for all. Pages from
   * this machine always may, and what is no browser. Default: no others. */
  readonly origins?: readonly string[];
  /** When every connection comes through a proxy that says in HAProxy's PROXY protocol (version 1 or
   * 2) who is behind it: who may be such a proxy. Others are refused. */
  readonly proxyProtocol?: ProxyProtocolOptions;
}

/** What a listener needs from its broker. */
export interface ListenerSurroundings {
  /** Is asked as soon as it is known where a socket comes from, which a proxy says in its header:
   * what to call when the socket has gone; undefined when it may not come in. */
  readonly admit: (peer: Endpoint) => (() => void) | undefined;
  /** Takes each socket, when it is ready for AMQP, and from then on has to call `leave`. Must not
   * throw. */
  readonly onTransport: (transport: Transport, leave: () => void) => void;
  /** How many may be in the middle of that at once. */
  readonly openingMax: number;
  /** How long a PROXY header, TLS and the opening of a WebSocket may take, all together. */
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
  readonly #open: () => Promise<Accepting>;
  #accepting: Accepting;
  readonly #surroundings: ListenerSurroundings;
  readonly #proxies: TrustedProxies | undefined;
  readonly #tls: TlsAcceptor | undefined;
  readonly #origins: Origins | undefined;
  readonly #preparing: Preparing;
  readonly #tlsTurns = new Paced(TLS_AT_ONCE);
  readonly #refusals: SparseLog;
  /** WebSockets that are not yet closed. */
  readonly #webSockets = new Set<WebSocketStream>();
  #done: Promise<void>;
  #suspended = false;
  #closed = false;

  /**
   * Starts listening.
   *
   * @throws {TypeError} When an option makes no sense, or a certificate cannot be used.
   * @throws {Deno.errors.AddrInUse} When another program listens there.
   */
  static async open(
    options: ListenOptions,
    surroundings: ListenerSurroundings,
  ): Promise<Listener> {
    checkOptions(options);
    const { proxyProtocol, websocket = false, origins, tls } = options;
    const proxies = proxyProtocol === undefined ? undefined : new TrustedProxies(proxyProtocol);
    const allowed = websocket ? new Origins(origins) : undefined;
    const acceptor = tls === undefined ? undefined : await loadTls(tls, surroundings.clock);
    const open = (port = options.port) => acceptOn({ ...options, port });
    const accepting = await open();
    const steps = { proxies, tls: acceptor, origins: allowed };
    // the same port again, whatever it was that was asked for
    return new Listener(accepting, () => open(accepting.port), surroundings, steps);
  }

  private constructor(
    accepting: Accepting,
    open: () => Promise<Accepting>,
    surroundings: ListenerSurroundings,
    { proxies, tls, origins }: Steps,
  ) {
    this.#accepting = accepting;
    this.#open = open;
    this.#surroundings = surroundings;
    this.#refusals = new SparseLog(surroundings.clock, surroundings.logger, REFUSALS_LOGGED);
    this.#preparing = new Preparing(surroundings.openingMax);
    this.#proxies = proxies;
    this.#tls = tls;
    this.#origins = origins;
    const { hostname, port, path } = accepting;
    this.hostname = hostname;
    this.port = port;
    this.path = path;
    this.url = urlOf(accepting, schemeOf({ proxies, tls, origins }));
    this.#warn();
    this.#done = this.#acceptAll();
  }

  /** Stops accepting, and drops what is not yet ready for AMQP. */
  async close(): Promise<void> {
    this.#closed = true;
    this.dropPreparing();
    this.#refusals.close();
    this.#accepting.close();
    await this.#done;
    await this.#accepting.remove();
  }

  /** True while nobody can connect. */
  get suspended(): boolean {
    return this.#suspended;
  }

  /** Lets go of the address, so that nobody can connect. Who has connected is not touched. */
  async suspend(): Promise<void> {
    if (this.#suspended || this.#closed) return;
    this.#suspended = true;
    this.#accepting.close();
    await this.#done;
    await this.#accepting.remove();
  }

  /**
   * Takes the address again.
   *
   * @throws {Deno.errors.AddrInUse} When somebody else has taken it meanwhile.
   */
  async resume(): Promise<void> {
    if (!this.#suspended || this.#closed) return;
    this.#accepting = await this.#open();
    this.#suspended = false;
    this.#done = this.#acceptAll();
    // it was closed while that was on its way
    if (this.#closed) await this.close();
  }

  /** Drops what is not yet ready for AMQP. */
  dropPreparing(): void {
    for (const transport of this.#preparing) transport.close();
  }

  /** True when it speaks TLS. */
  get secure(): boolean {
    return this.#tls !== undefined;
  }

  /** From when to when its certificates are valid; none without TLS. */
  get certificates(): readonly CertificateValidity[] {
    return this.#tls?.validities ?? [];
  }

  /**
   * Takes other certificates for the connections that come from now on. When they cannot be used, the
   * ones before stay in use.
   *
   * @param certificates Undefined: the files are read again.
   * @throws {TypeError} When it speaks no TLS, or something is not what it should be.
   */
  async reloadCertificates(certificates?: TlsCertificates): Promise<void> {
    const tls = this.#tls;
    if (tls === undefined) {
      throw new TypeError(`Cannot reload certificates: ${this.url} has none`);
    }
    await during("reload certificates", () => tls.reload(certificates));
    this.#surroundings.logger.log("info", `${this.url}: certificates reloaded`);
    this.#warn();
  }

  /** Resolves when the goodbyes of all WebSockets are said. */
  async settled(): Promise<void> {
    await Promise.all([...this.#webSockets].map(({ closed }) => closed));
  }

  async #acceptAll(): Promise<void> {
    const plain = (this.#proxies ?? this.#tls ?? this.#origins) === undefined;
    while (true) {
      try {
        const transport = await this.#accepting.accept();
        const leave = this.#proxies === undefined ? this.#admit(transport) : undefined;
        if (plain && leave !== undefined) this.#surroundings.onTransport(transport, leave);
        else if (leave !== undefined || this.#proxies !== undefined) {
          this.#prepare(transport, leave);
        }
        // the next one of a thousand may be there already
        const others = worked(ACCEPT_MS);
        if (others !== undefined) await others;
      } catch (cause) {
        // a client that went away at once, or no file descriptor left: the next one may be luckier
        if (this.#closed || this.#suspended || cause instanceof Deno.errors.BadResource) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  /** Closes what may not come in. */
  #admit(transport: Transport): (() => void) | undefined {
    const leave = this.#surroundings.admit(transport.peer);
    if (leave === undefined) transport.close();
    return leave;
  }

  /**
   * What comes before AMQP: the header of a proxy, TLS, the opening of a WebSocket.
   *
   * @param leave Undefined: a proxy has still to say who it is.
   */
  async #prepare(accepted: Transport, leave: (() => void) | undefined): Promise<void> {
    const { clock, timeoutMs, openingMax, onTransport } = this.#surroundings;
    const loser = this.#preparing.add(accepted);
    if (loser !== undefined) this.#giveUp(loser, `not ready for AMQP, as ${openingMax} others`);
    const stopTimer = clock.after(timeoutMs, () => {
      this.#preparing.delete(accepted);
      this.#giveUp(accepted, `not ready for AMQP within ${timeoutMs} ms`);
    });
    let ready: Transport | undefined = accepted;
    try {
      if (this.#proxies !== undefined) {
        ready = await takeProxyHeader(ready, this.#proxies);
        leave = ready && this.#admit(ready);
        if (leave === undefined) ready = undefined;
      }
      if (this.#tls !== undefined && ready !== undefined) {
        const turn = this.#tlsTurns.turn(() => this.#preparing.has(accepted));
        const there = turn === undefined || await turn;
        ready = there ? await this.#tls.accept(ready) : undefined;
      }
      if (this.#origins !== undefined && ready !== undefined) {
        ready = await acceptWebSocket(ready, this.#origins);
      }
    } catch (cause) {
      if (cause instanceof RefusedError && this.#preparing.delete(accepted) && !this.#closed) {
        this.#log(ready ?? accepted, cause.message);
      }
      await ready?.close();
      ready = undefined;
    }
    stopTimer();
    // what was given up is closed already
    const isOurs = this.#preparing.delete(accepted) && !this.#closed;
    if (ready !== undefined && isOurs) {
      onTransport(this.#origins === undefined ? ready : this.#webSocket(ready), leave!);
      return;
    }
    (ready ?? accepted).close();
    leave?.();
  }

  #giveUp(transport: Transport, why: string): void {
    this.#log(transport, why);
    transport.close();
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

  #warn(): void {
    for (const warning of this.#tls?.warnings ?? []) {
      this.#surroundings.logger.log("warning", `${this.url}: ${warning}`);
    }
  }

  #log({ peer }: Transport, text: string): void {
    this.#refusals.warn(sourceOf(peer.hostname), `connection ${endpointName(peer)}: ${text}`);
  }
}

/** What connections pass before AMQP, in this order; undefined: not that. */
interface Steps {
  readonly proxies: TrustedProxies | undefined;
  readonly tls: TlsAcceptor | undefined;
  readonly origins: Origins | undefined;
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

/** Listens, by what the options say. */
type AcceptOptions = Omit<ListenOptions, "port"> & { readonly port: number | undefined };

async function acceptOn(options: AcceptOptions): Promise<Accepting> {
  const { path, mode } = options;
  return path === undefined ? acceptTcp(options) : await acceptOnPath(path, mode);
}

function acceptTcp(
  { hostname = "127.0.0.1", port, websocket = false, tls }: AcceptOptions,
): Accepting {
  const usual = websocket ? 15670 : tls === undefined ? 5672 : 5671;
  const listener = Deno.listen({ hostname, port: port ?? usual, transport: "tcp" });
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

/** `amqp`, `amqps`, `ws` or `wss`. */
function schemeOf({ tls, origins }: Steps): string {
  return `${origins === undefined ? "amqp" : "ws"}${tls === undefined ? "" : "s"}`;
}

function urlOf({ hostname, port, path }: Accepting, scheme: string): string {
  if (path !== undefined) return `${scheme}+unix://${encodeURI(path)}`;
  return `${scheme}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

function loadTls(options: TlsOptions, clock: Clock): Promise<TlsAcceptor> {
  return during("listen", () => TlsAcceptor.load(options, clock));
}

/** What goes wrong with certificates says what it was meant for. */
async function during<Result>(what: string, action: () => Promise<Result>): Promise<Result> {
  try {
    return await action();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const Kind = cause instanceof TypeError ? TypeError : Error;
    throw new Kind(`Cannot ${what}: ${cause.message}`, { cause });
  }
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
