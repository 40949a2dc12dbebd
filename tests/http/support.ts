import { systemClock } from "../../broker/amqp/clock.ts";
import { type HttpListenOptions, type HttpServer, listenHttp } from "../../broker/http/listen.ts";
import type { Handle } from "../../broker/http/server.ts";
import { RecordingLogger } from "../support/recording_logger.ts";

/** A server that a test asks, and what it logs. */
export interface Served extends AsyncDisposable {
  readonly server: HttpServer;
  readonly logger: RecordingLogger;
}

/** Serves on a free port. */
export async function serveHttp(
  handle: Handle,
  options: Partial<HttpListenOptions> = {},
): Promise<Served> {
  const logger = new RecordingLogger();
  const server = await listenHttp(handle, {
    hostname: "127.0.0.1",
    port: 0,
    clock: systemClock,
    logger,
    ...options,
  });
  return { server, logger, [Symbol.asyncDispose]: () => server.close() };
}

/** A client that sends octets as it likes. */
export class RawClient implements Disposable {
  readonly #socket: Deno.TcpConn;

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Connects, and says nothing. */
  static async connect({ port }: HttpServer): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends a text. */
  async send(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
  }

  /** What comes until the server closes. */
  async rest(): Promise<string> {
    let text = "";
    for (let more = await this.some(); more !== undefined; more = await this.some()) text += more;
    return text;
  }

  /** What comes, up to this. */
  async until(end: string): Promise<string> {
    let text = "";
    while (!text.endsWith(end)) {
      const more = await this.some();
      if (more === undefined) throw new Error(`Cannot read on: it was closed after ${text}`);
      text += more;
    }
    return text;
  }

  /** What comes next; undefined at the end. */
  async some(): Promise<string | undefined> {
    const bytes = new Uint8Array(4096);
    try {
      const count = await this.#socket.read(bytes);
      return count === null ? undefined : new TextDecoder().decode(bytes.subarray(0, count));
    } catch (cause) {
      if (cause instanceof Deno.errors.ConnectionReset) return undefined;
      throw cause;
    }
  }

  /** Closes. */
  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** A request without a body. */
export const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
