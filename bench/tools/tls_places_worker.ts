/**
 * A thread that accepts sockets, for `tls_places.ts`: it ends TLS, or does not, and passes what is in it
 * on to the socket file of a broker; or it closes at once what it has accepted.
 *
 * @module
 */
import { systemClock } from "../../broker/amqp/clock.ts";
import { type ByteStream, tcpTransport } from "../../broker/amqp/transport.ts";
import { TlsAcceptor } from "../../broker/net/tls_acceptor.ts";

const BUFFER_SIZE = 64 * 1024;

/** What such a thread is told first. It answers with its port. */
export interface WorkerTask {
  /** `runtime` and `node` end TLS, by what the runtime has or as a broker does; `plain` does not; and
   * `accept` closes what comes. */
  readonly kind: "runtime" | "node" | "plain" | "accept";
  /** The port; 0 for any free one. */
  readonly port: number;
  readonly path: string;
  readonly cert: string;
  readonly key: string;
}

declare const self: DedicatedWorkerGlobalScope;
interface DedicatedWorkerGlobalScope {
  onmessage: ((event: MessageEvent<WorkerTask>) => void) | null;
  postMessage(port: number): void;
}

self.onmessage = ({ data }) => serve(data);

async function serve(task: WorkerTask): Promise<void> {
  const { kind, path, cert, key } = task;
  const at = { hostname: "127.0.0.1", port: task.port };
  const listener = kind === "runtime"
    ? Deno.listenTls({ ...at, cert, key })
    : Deno.listen({ ...at, reusePort: kind === "accept" });
  self.postMessage((listener.addr as Deno.NetAddr).port);
  const acceptor = kind === "node" ? await TlsAcceptor.load({ cert, key }, systemClock) : undefined;
  for await (const socket of listener) {
    if (kind === "accept") socket.close();
    else void relay(socket, path, acceptor).catch(() => {}); // the client has gone
  }
}

async function relay(
  socket: Deno.Conn,
  path: string,
  acceptor: TlsAcceptor | undefined,
): Promise<void> {
  if ("handshake" in socket) await (socket as Deno.TlsConn).handshake();
  const above = acceptor === undefined
    ? socket
    : await acceptor.accept(tcpTransport(socket as Deno.TcpConn));
  if (above === undefined) return;
  const below = await Deno.connect({ transport: "unix", path });
  void copy(above, below);
  void copy(below, above);
}

type Closable = Omit<ByteStream, "close"> & { close(): void | Promise<void> };

async function copy(from: Closable, to: Closable): Promise<void> {
  const buffer = new Uint8Array(BUFFER_SIZE);
  try {
    for (let count; (count = await from.read(buffer)) !== null;) {
      for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
    }
  } catch {
    // one of the two has gone, so the other has to
  }
  for (const end of [from, to]) {
    try {
      await end.close();
    } catch {
      // it was closed already
    }
  }
}
