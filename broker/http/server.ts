import { getRequestListener, RequestError } from "@hono/node-server";
import { createServer, type Server, type ServerOptions, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../amqp/clock.ts";
import type { Logger } from "../amqp/logger.ts";
import { TlsError } from "../amqp/tls_error.ts";
import { type Endpoint, endpointName } from "../amqp/transport.ts";
import { ConnectionGate } from "../connection_gate.ts";
import { reasonOf, type TlsContext } from "../net/tls_context.ts";
import type { HttpLimits } from "./limits.ts";
import { UnreadAnswers } from "./unread_answers.ts";

/** Who sent a request. */
export interface Peer {
  /** Its address. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
  /** Aborted when it has gone, and nobody waits for the answer any more. Missing: that is not known. */
  readonly gone?: AbortSignal | undefined;
}

/** Answers a request. */
export type Handle = (request: Request, peer: Peer) => Response | Promise<Response>;

/** What a server is surrounded by. */
export interface GuardedServerOptions {
  /** What it lets clients have. */
  readonly limits: Required<HttpLimits>;
  /** Its certificates; undefined: no TLS. */
  readonly tls: TlsContext | undefined;
  /** Time; what a request may take is measured by the machine's. */
  readonly clock: Clock;
  /** Where it is told what went wrong. */
  readonly logger: Logger;
}

/** Of what clients do there is a line each so many milliseconds at most. */
const LOG_EVERY_MS = 1000;
/** So many timers in a row may be left of a request whose connection is gone. */
const LOOKS = 2;

/** What is answered to a request that cannot be read, by what is wrong with it. */
const ANSWERS: Readonly<Record<string, readonly [status: string, why: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "its request was not there in time"],
  HPE_HEADER_OVERFLOW: [
    "431 Request Header Fields Too Large",
    "the head of its request is too long",
  ],
};
const BAD_REQUEST = ["400 Bad Request", "what came is no request"] as const;

/** An HTTP server that no client can fill up: it counts connections, and waits for none for ever. */
export class GuardedServer {
  readonly #options: GuardedServerOptions;
  readonly #server: Server;
  readonly #gate: ConnectionGate;
  readonly #slowReaders: UnreadAnswers;
  /** All that are open, those in the middle of TLS too. */
  readonly #sockets = new Map<Socket, Endpoint>();
  /** Those with TLS that have got through its handshake. */
  readonly #secured = new WeakSet<Duplex>();
  /** What was last begun to be answered on a connection. */
  readonly #answers = new WeakMap<Duplex, ServerResponse>();
  #loggedAt = -Infinity;

  private constructor(options: GuardedServerOptions, server: Server, handle: Handle) {
    this.#options = options;
    this.#server = server;
    const { limits, clock, logger, tls } = options;
    this.#gate = new ConnectionGate({
      ...limits,
      socketMax: limits.connectionMax,
      what: "HTTP connection",
      clock,
      logger,
    });
    this.#slowReaders = new UnreadAnswers(clock, limits.writeTimeoutMs);
    // before the one that reads from it
    server.prependListener("connection", (socket) => this.#admit(socket));
    if (tls !== undefined) {
      server.prependListener("secureConnection", (socket) => this.#verify(socket, tls));
    }
    server.on("clientError", (error, socket) => this.#refuse(error, socket));
    this.#answerBy(handle);
  }

  /** Makes one that does not listen yet. */
  static async create(options: GuardedServerOptions, handle: Handle): Promise<GuardedServer> {
    const { limits, tls } = options;
    const { headTimeoutMs, requestTimeoutMs, idleTimeoutMs, headSizeMax } = limits;
    const how: ServerOptions = {
      headersTimeout: Math.min(headTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: idleTimeoutMs,
      connectionsCheckingInterval: Math.max(1, Math.min(1000, Math.ceil(headTimeoutMs / 4))),
      maxHeaderSize: headSizeMax,
      noDelay: true,
    };
    if (tls === undefined) return new GuardedServer(options, createServer(how), handle);
    const https = await import("node:https");
    const server = https.createServer({
      ...how,
      ...tls.options,
      handshakeTimeout: headTimeoutMs,
      requestCert: tls.asks,
      rejectUnauthorized: tls.insists,
      SNICallback: tls.findNamed,
    });
    return new GuardedServer(options, server, handle);
  }

  /**
   * Listens.
   *
   * @returns Where it listens.
   * @throws {Deno.errors.AddrInUse} When another program listens there.
   */
  listen(hostname: string, port: number): Promise<Peer> {
    const { promise, resolve, reject } = Promise.withResolvers<Peer>();
    const server = this.#server;
    const fail = (error: Error) => reject(listenError(error, hostname, port));
    server.once("error", fail);
    server.listen({ host: hostname, port }, () => {
      server.off("error", fail);
      // which would end the process: a socket that cannot be accepted is no reason to
      server.on("error", (error) => this.#log(undefined, `internal error: ${error.message}`));
      const { address, port } = server.address() as AddressInfo;
      resolve({ hostname: address, port });
    });
    return promise;
  }

  /** Takes the certificates that its context has by now. */
  useCertificates({ options }: TlsContext): void {
    (this.#server as Server & { setSecureContext(options: object): void })
      .setSecureContext(options);
  }

  /** Stops listening, and ends what is not done. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets.keys()) socket.destroy();
    await closed;
    this.#slowReaders[Symbol.dispose]();
    // the library looks for the rest of a body, by one timer after the other
    for (let looks = 0; looks < LOOKS; looks++) await new Promise((then) => setTimeout(then, 0));
  }

  #answerBy(handle: Handle): void {
    const { logger } = this.#options;
    const listener = getRequestListener(
      (request, { incoming, outgoing }) => {
        const { remoteAddress: hostname = "", remotePort: port = 0 } = incoming.socket as Socket;
        let gone: AbortController | undefined;
        return handle(request, {
          hostname,
          port,
          // few want to know
          get gone() {
            if (gone === undefined) {
              const controller = gone = new AbortController();
              if (outgoing.closed) controller.abort();
              else (outgoing as ServerResponse).once("close", () => controller.abort());
            }
            return gone.signal;
          },
        });
      },
      {
        overrideGlobalObjects: false,
        hostname: "localhost", // who is asked by HTTP/1.0 needs no name
        errorHandler(error) {
          if (error instanceof RequestError) return new Response(null, { status: 400 });
          const text = error instanceof Error ? error.stack ?? error.message : error;
          logger.log("error", `internal error: ${text}`);
          return new Response(null, { status: 500 });
        },
      },
    );
    this.#server.on("request", (request, response) => {
      this.#answers.set(request.socket, response);
      this.#slowReaders.watch(request, response, (waiting) => {
        const { writeTimeoutMs } = this.#options.limits;
        const what = `${waiting} bytes that wait for it`;
        this.#log(request.socket, `took next to none of ${what} within ${writeTimeoutMs} ms`);
        request.socket.destroy();
      });
      void listener(request, response);
    });
  }

  #admit(socket: Socket): void {
    const { remoteAddress: hostname = "", remotePort: port = 0 } = socket;
    const peer = { hostname, port };
    const leave = this.#gate.enter(peer);
    if (leave === undefined) {
      socket.destroy();
      return;
    }
    this.#sockets.set(socket, peer);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      leave();
    });
  }

  /** The runtime looks at certificates of clients, but lets everybody in. */
  #verify(socket: TLSSocket, tls: TlsContext): void {
    try {
      tls.certificateOf(socket);
      this.#secured.add(socket);
    } catch (cause) {
      if (!(cause instanceof TlsError)) throw cause;
      this.#log(socket, `TLS failed: ${reasonOf(cause)}`);
      socket.destroy();
    }
  }

  /** What comes cannot be read, or does not come. */
  #refuse(error: Error & { readonly code?: string }, socket: Duplex): void {
    const { code = "" } = error;
    if (this.#options.tls !== undefined && !this.#secured.has(socket)) {
      this.#log(socket as Socket, `TLS failed: ${whyNoTls(error)}`);
    } else if (code !== "ECONNRESET" && code !== "EPIPE") {
      const [status, why] = ANSWERS[code] ?? BAD_REQUEST;
      this.#log(socket as Socket, why);
      const answer = this.#answers.get(socket);
      const inTheMiddle = answer !== undefined && answer.headersSent && !answer.writableFinished;
      if (socket.writable && !inTheMiddle) {
        socket.write(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`);
      }
    }
    socket.destroy();
  }

  #log(socket: Socket | undefined, text: string): void {
    const now = this.#options.clock.now();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    const who = this.#nameOf(socket);
    this.#options.logger.log("warning", `HTTP${who}: ${text}`);
  }

  #nameOf(socket: Socket | undefined): string {
    if (socket === undefined) return "";
    // TLS stands on the socket that came; one that has gone does not say any more where from
    const { _parent: below } = socket as Socket & { readonly _parent?: Socket };
    const peer = this.#sockets.get(socket) ?? (below && this.#sockets.get(below));
    return peer === undefined ? " connection" : ` connection ${endpointName(peer)}`;
  }
}

function whyNoTls({ code = "", message }: Error & { readonly code?: string }): string {
  // for which the runtime has more than one code
  if (/InvalidContentType/.test(message)) return "the peer does not speak TLS";
  return code === "" ? message : reasonOf(new TlsError(code, message));
}

/** The runtime's own errors, as other listeners have them. */
function listenError(error: Error, hostname: string, port: number): Error {
  const { code } = error as Error & { readonly code?: string };
  const text = `Cannot listen on ${hostname}:${port}: ${error.message}`;
  if (code === "EADDRINUSE") return new Deno.errors.AddrInUse(text, { cause: error });
  if (code === "EADDRNOTAVAIL") return new Deno.errors.AddrNotAvailable(text, { cause: error });
  if (code === "EACCES") return new Deno.errors.PermissionDenied(text, { cause: error });
  return error;
}
