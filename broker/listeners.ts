import { isLoopback } from "./auth/authenticator.ts";
import type { Entrance } from "./entrance.ts";
import type { ListenOptions } from "./net/listener.ts";
import {
  openWebSocket,
  type RequestInfo,
  type ServeWebSocketOptions,
} from "./net/websocket_handler.ts";
import type { ListenerInfo } from "./operator_info.ts";
import type { CompleteOptions } from "./options.ts";
import { type BrokerServer, type ServedConnections, Server } from "./server.ts";

/** What the listeners of a broker are made of. */
export interface ListenersOptions {
  /** Those of the broker. */
  readonly options: CompleteOptions;
  /** Where all of them lead. */
  readonly entrance: Entrance;
  /** True while there is a user guest whose password everybody knows. */
  readonly admitsGuest: () => Promise<boolean>;
}

/** Where clients reach a broker: wherever it listens, and through somebody else's HTTP server. `Broker`
 * tells what each of it means. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #servers = new Set<Server>();
  /** What came through somebody else's HTTP server. */
  readonly #mounted: ServedConnections;
  #stopped = false;
  #closed = false;

  /** @param options What they are made of. */
  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#mounted = options.entrance.served();
  }

  /** True from when they are stopped until they are started again. */
  get stopped(): boolean {
    return this.#stopped;
  }

  async open(options: ListenOptions): Promise<BrokerServer> {
    this.#checkOpen();
    const { entrance } = this.#options;
    const { clock, logger, openingMax, handshakeTimeoutMs: timeoutMs } = this.#options.options;
    const connections = entrance.served();
    const { take: onTransport } = connections;
    const admit = entrance.admit.bind(entrance);
    // as it is now, whatever its owner does with it meanwhile
    const asked = options && { ...options };
    const { Listener } = await entrance.sockets();
    this.#checkOpen();
    const listener = await Listener.open(asked, {
      admit,
      onTransport,
      openingMax,
      timeoutMs,
      clock,
      logger,
    });
    const server = new Server(listener, connections, () => this.#servers.delete(server));
    try {
      // it may have been closed meanwhile
      this.#checkOpen();
    } catch (error) {
      await server.close();
      throw error;
    }
    this.#servers.add(server);
    if (server.path === undefined && !isLoopback(server.hostname)) await this.#warnOfGuest(server);
    return server;
  }

  #checkOpen(): void {
    if (this.#closed) throw new TypeError("Cannot listen: broker is closed");
    if (this.#stopped) throw new TypeError("Cannot listen: broker is stopped");
  }

  /** `guest` comes in from this machine alone, unless somebody has changed that; but its password is
   * known to everybody. */
  async #warnOfGuest({ url }: BrokerServer): Promise<void> {
    const { admitsGuest, options: { logger } } = this.#options;
    if (!await admitsGuest()) return;
    logger.log(
      "warning",
      `${url} can be reached from elsewhere, and there is a user guest with the password guest: ` +
        "add a user of your own, and delete guest or change its password",
    );
  }

  serveWebSocket(request: Request, info: RequestInfo, options: ServeWebSocketOptions): Response {
    if (this.#closed) return new Response("broker is closed\n", { status: 503 });
    if (this.#stopped) return new Response("broker is stopped\n", { status: 503 });
    const { entrance } = this.#options;
    return openWebSocket(request, info, options, async (transport) => {
      const leave = entrance.admit(transport.peer);
      if (leave === undefined) return void transport.close();
      try {
        await entrance.sockets();
        this.#mounted.take(transport, leave);
      } catch (error) {
        this.#options.options.logger.log("error", `cannot serve a WebSocket: ${error}`);
        transport.close();
        leave();
      }
    });
  }

  async reloadCertificates(): Promise<void> {
    const secure = [...this.#servers].filter(({ secure }) => secure);
    const results = await Promise.allSettled(secure.map((server) => server.reloadCertificates()));
    const failed = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled") continue;
      const { message } = result.reason as Error;
      this.#options.options.logger.log("error", `${secure[index]!.url}: ${message}`);
    }
    if (failed.length > 0) throw failed[0]!.reason;
  }

  /** Tells of those where clients can connect. */
  describe(): ListenerInfo[] {
    return [...this.#servers].filter(({ suspended }) => !suspended).map(
      ({ url, hostname, port, path = null, certificates }) => ({
        url,
        ipAddress: hostname,
        port,
        path,
        certificates,
      }),
    );
  }

  /** Lets nobody in any more; who is there stays. */
  async suspend(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => server.suspend()));
  }

  /** Lets clients in again. What cannot be listened on does not keep the others from it, and may be
   * tried again. */
  async resume(): Promise<void> {
    const results = await Promise.allSettled([...this.#servers].map((server) => server.resume()));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  /** Lets nobody in any more, and closes the connections that came this way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#servers].map((server) => server.stop()));
    await this.#mounted.close();
  }

  /** Lets clients in again after that; as `resume`. */
  start(): Promise<void> {
    this.#mounted.reopen();
    this.#stopped = false;
    return this.resume();
  }

  /** Ends them all, and the connections that came this way. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#servers, this.#mounted].map((one) => one.close()));
  }
}
