import { AmqpError } from "./amqp/error.ts";
import type { Transport } from "./amqp/transport.ts";
import type { WireLink } from "./amqp/wire_link.ts";
import type { BrokerConnection } from "./connection/connection.ts";
import type { Listener } from "./net/listener.ts";
import type { CertificateValidity, TlsCertificates } from "./net/tls_certificates.ts";

/** A port or a socket file on which a broker is served. */
export interface BrokerServer extends AsyncDisposable {
  /** The address listened on; empty for a socket file. */
  readonly hostname: string;
  /** The port, also when 0 was asked for; 0 for a socket file. */
  readonly port: number;
  /** The socket file, if it is one. */
  readonly path: string | undefined;
  /** The address for clients, such as `amqp://127.0.0.1:5672`, `amqps://127.0.0.1:5671`,
   * `ws://127.0.0.1:15670` or `amqp+unix:///run/warren.sock`. */
  readonly url: string;
  /**
   * Takes other certificates for the connections that come from now on; those that are open stay as they
   * are. When they cannot be used, the ones before stay in use.
   *
   * @param certificates Undefined: the files that it was given are read again.
   * @throws {TypeError} When it speaks no TLS, or something is not what it should be.
   * @throws {Error} When a file cannot be read.
   */
  reloadCertificates(certificates?: TlsCertificates): Promise<void>;
  /** Stops listening and closes the connections that came this way, with 320 CONNECTION_FORCED. */
  close(): Promise<void>;
}

/** Makes a connection of a socket; undefined when it never became one. */
type Serve = (
  transport: Transport,
  opening: Set<WireLink>,
) => Promise<BrokerConnection | undefined>;

/** The connections that came one way. */
export class ServedConnections {
  readonly #serve: Serve;
  /** Links whose handshake is not done. */
  readonly #opening = new Set<WireLink>();
  readonly #connections = new Set<BrokerConnection>();
  readonly #serving = new Set<Promise<void>>();
  #closing = false;

  /** @param serve The life of one socket. */
  constructor(serve: Serve) {
    this.#serve = serve;
  }

  /**
   * Takes one more socket.
   *
   * @param transport The socket.
   * @param leave Is called when it has gone.
   */
  readonly take = (transport: Transport, leave: () => void): void => {
    if (this.#closing) {
      transport.close();
      leave();
      return;
    }
    const serving = this.#live(transport);
    this.#serving.add(serving);
    serving.then(() => {
      this.#serving.delete(serving);
      leave();
    });
  };

  /** Closes them all, and those that still come, until it is opened again. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const link of this.#opening) link.abort();
    await closeAll(this.#connections);
    await Promise.all(this.#serving);
  }

  /** Takes what comes from now on. */
  reopen(): void {
    this.#closing = false;
  }

  async #live(transport: Transport): Promise<void> {
    const connection = await this.#serve(transport, this.#opening);
    if (connection === undefined) return;
    this.#connections.add(connection);
    if (this.#closing) connection.close(shutdown());
    await connection.closedPromise;
    this.#connections.delete(connection);
  }
}

/** A listener and the connections that came through it. */
export class Server implements BrokerServer {
  readonly hostname: string;
  readonly port: number;
  readonly path: string | undefined;
  readonly url: string;
  readonly #listener: Listener;
  readonly #connections: ServedConnections;
  readonly #onClosed: () => void;

  /**
   * @param listener What accepts them.
   * @param connections What it hands them to.
   * @param onClosed Is called when all is closed.
   */
  constructor(listener: Listener, connections: ServedConnections, onClosed: () => void) {
    this.#listener = listener;
    this.#connections = connections;
    this.#onClosed = onClosed;
    this.hostname = listener.hostname;
    this.port = listener.port;
    this.path = listener.path;
    this.url = listener.url;
  }

  /** True when it speaks TLS. */
  get secure(): boolean {
    return this.#listener.secure;
  }

  /** From when to when its certificates are valid; none without TLS. */
  get certificates(): readonly CertificateValidity[] {
    return this.#listener.certificates;
  }

  /** True while nobody can connect. */
  get suspended(): boolean {
    return this.#listener.suspended;
  }

  /** Lets nobody in any more. */
  suspend(): Promise<void> {
    return this.#listener.suspend();
  }

  /** The same, and closes the connections that came this way. */
  async stop(): Promise<void> {
    await this.#listener.suspend();
    this.#listener.dropPreparing();
    await this.#connections.close();
  }

  /**
   * Lets clients in again.
   *
   * @throws {Deno.errors.AddrInUse} When somebody else has taken the address meanwhile.
   */
  async resume(): Promise<void> {
    this.#connections.reopen();
    await this.#listener.resume();
  }

  reloadCertificates(certificates?: TlsCertificates): Promise<void> {
    return this.#listener.reloadCertificates(certificates);
  }

  async close(): Promise<void> {
    await this.#listener.close();
    await this.#connections.close();
    await this.#listener.settled();
    this.#onClosed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Closes connections because of a shutdown, and waits until they are gone. */
export async function closeAll(connections: ReadonlySet<BrokerConnection>): Promise<void> {
  const all = [...connections];
  for (const connection of all) connection.close(shutdown());
  await Promise.all(all.map((connection) => connection.closedPromise));
}

function shutdown(): AmqpError {
  return new AmqpError(320, "broker forced connection closure with reason 'shutdown'");
}
