import type { Logger } from "../amqp/logger.ts";

/** Something that is served over HTTP, on a port. */
export interface HttpServer extends AsyncDisposable {
  /** The address listened on. */
  readonly hostname: string;
  /** The port, also when 0 was asked for. */
  readonly port: number;
  /** Where clients find it. */
  readonly url: string;
  /** Stops listening, and ends requests that are not done. */
  close(): Promise<void>;
}

/** Where, and as what. */
export interface HttpListenOptions {
  /** The address. */
  readonly hostname: string;
  /** The port; 0 for any free one. */
  readonly port: number;
  /** What its URL has behind the port. */
  readonly path?: string;
  /** Where it is told what went wrong with an answer. */
  readonly logger: Logger;
  /** Called when it listens no more. */
  readonly onClose?: () => void;
}

/**
 * Listens for HTTP.
 *
 * @throws {Deno.errors.AddrInUse} When another program listens there.
 */
export function listenHttp(
  handle: (request: Request, peer: Deno.NetAddr) => Response | Promise<Response>,
  { hostname, port, path = "", logger, onClose }: HttpListenOptions,
): HttpServer {
  const stopping = new AbortController();
  const server = Deno.serve({
    hostname,
    port,
    signal: stopping.signal,
    onListen: () => {},
    onError: (error) => {
      logger.log("error", `internal error: ${error instanceof Error ? error.stack : error}`);
      return new Response(null, { status: 500 });
    },
  }, (request, { remoteAddr }) => handle(request, remoteAddr as Deno.NetAddr));
  const address = { hostname: server.addr.hostname, port: server.addr.port };
  const close = async () => {
    onClose?.();
    stopping.abort();
    await server.finished;
  };
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const url = `http://${host}:${address.port}${path}`;
  return { ...address, url, close, [Symbol.asyncDispose]: close };
}

/** A server that ends what it serves when it is closed. */
export function owning(server: HttpServer, handler: Disposable): HttpServer {
  const close = async () => {
    await server.close();
    handler[Symbol.dispose]();
  };
  const { hostname, port, url } = server;
  return { hostname, port, url, close, [Symbol.asyncDispose]: close };
}
