import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import { isLoopback } from "../auth/authenticator.ts";
import type { CertificateInfo } from "../mod.ts";
import type { TlsCertificates } from "../net/tls_certificates.ts";
import { TlsContext, type TlsOptions } from "../net/tls_context.ts";
import { completeLimits, type HttpLimits } from "./limits.ts";
import { GuardedServer, type Handle } from "./server.ts";

/** Something that is served over HTTP, on a port. */
export interface HttpServer extends AsyncDisposable {
  /** The address listened on. */
  readonly hostname: string;
  /** The port, also when 0 was asked for. */
  readonly port: number;
  /** Where clients find it. */
  readonly url: string;
  /** True when it speaks TLS. */
  readonly secure: boolean;
  /** From when to when its certificates are valid; none without TLS. */
  readonly certificates: readonly CertificateInfo[];
  /**
   * Takes other certificates for the connections that come from now on. When they cannot be used, the ones
   * before stay in use.
   *
   * @param certificates Undefined: the files are read again.
   * @throws {TypeError} When it speaks no TLS, or something is not what it should be.
   */
  reloadCertificates(certificates?: TlsCertificates): Promise<void>;
  /** Stops listening, and ends requests that are not done. */
  close(): Promise<void>;
}

/** Where to serve, and to whom. */
export interface ServeHttpOptions {
  /** The address. Default: `127.0.0.1`. */
  readonly hostname?: string;
  /** The port; 0 for any free one. Default: RabbitMQ's. */
  readonly port?: number;
  /** Encrypts what comes and goes. Default: no TLS. */
  readonly tls?: TlsOptions;
  /** What clients may have of it. Default: those of {@linkcode HttpLimits}. */
  readonly limits?: HttpLimits;
}

/** The same, and as what. */
export interface HttpListenOptions extends ServeHttpOptions {
  /** The address. */
  readonly hostname: string;
  /** The port; 0 for any free one. */
  readonly port: number;
  /** What its URL has behind the port. */
  readonly path?: string;
  /** Time. */
  readonly clock: Clock;
  /** Where it is told what went wrong with an answer. */
  readonly logger: Logger;
  /** What is to be said in the log when other machines reach it; undefined: nothing. */
  readonly warnOfReach?: (server: HttpServer) => string | undefined;
  /** Called when it listens no more. */
  readonly onClose?: () => void;
}

/**
 * Listens for HTTP.
 *
 * @throws {TypeError} When a limit makes no sense, or a certificate cannot be used.
 * @throws {Deno.errors.AddrInUse} When another program listens there.
 */
export async function listenHttp(
  handle: Handle,
  options: HttpListenOptions,
): Promise<HttpServer> {
  const { path = "", limits = {}, clock, logger, onClose, warnOfReach } = options;
  const tls = options.tls === undefined ? undefined : await TlsContext.load(options.tls, clock);
  const complete = completeLimits(limits);
  const server = await GuardedServer.create({ limits: complete, tls, clock, logger }, handle);
  const { hostname, port } = await server.listen(options.hostname, options.port);
  const host = options.hostname.includes(":") ? `[${options.hostname}]` : options.hostname;
  const url = `http${tls === undefined ? "" : "s"}://${host}:${port}${path}`;
  const warn = () => {
    for (const warning of tls?.warnings ?? []) logger.log("warning", `${url}: ${warning}`);
  };
  warn();
  const close = async () => {
    onClose?.();
    await server.close();
  };
  const served: HttpServer = {
    hostname,
    port,
    url,
    secure: tls !== undefined,
    get certificates() {
      return tls?.validities ?? [];
    },
    async reloadCertificates(certificates) {
      if (tls === undefined) throw new TypeError(`Cannot reload certificates: ${url} has none`);
      await tls.reload(certificates);
      server.useCertificates(tls);
      logger.log("info", `${url}: certificates reloaded`);
      warn();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  const warning = isLoopback(hostname) ? undefined : warnOfReach?.(served);
  if (warning !== undefined) {
    logger.log("warning", `${url} can be reached from elsewhere${warning}`);
  }
  return served;
}

/** A server that ends what it serves when it is closed. */
export async function owning(
  serving: Promise<HttpServer>,
  handler: Disposable,
): Promise<HttpServer> {
  let server: HttpServer;
  try {
    server = await serving;
  } catch (cause) {
    handler[Symbol.dispose]();
    throw cause;
  }
  const close = async () => {
    await server.close();
    handler[Symbol.dispose]();
  };
  return {
    ...server,
    // others, when they were reloaded
    get certificates() {
      return server.certificates;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
