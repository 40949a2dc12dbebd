/**
 * The client over WebSocket, for programs in a browser: nothing here needs more than the standard
 * `WebSocket`. The package's main entry connects to the same addresses, and to others.
 *
 * @example In a page
 * ```ts ignore
 * import { connect } from "@warren/amqp/websocket";
 *
 * const connection = await connect("ws://broker.example:15670/", { username: "ann", password });
 * const channel = await connection.openChannel();
 * ```
 *
 * @module
 */
import type { Transport } from "../broker/amqp/transport.ts";
import { webSocketTransport } from "../broker/amqp/websocket_transport.ts";
import type { Connection } from "./connection.ts";
import { type Host, open } from "./open.ts";
import { type ConnectOptions, resolveOptions } from "./options.ts";
import { parseUri } from "./uri.ts";

/**
 * Connects to a broker over WebSocket: Warren, LavinMQ, or a relay in front of another one.
 *
 * A WebSocket has no way to ask the peer to pause, so what is delivered faster than it is handled
 * waits in memory: set a prefetch with `basicQos`.
 *
 * @param address An address such as `wss://user:password@host/path?vhost=orders`. User, password and
 * what {@linkcode parseUri} reads from the query are not sent to the HTTP server. Several addresses are
 * several hosts of one broker: the first that answers is taken, now and whenever the connection is made
 * anew.
 * @param options More options; they win over the address.
 * @returns The open connection.
 * @throws {AmqpError} 403 when the broker refuses the login, 530 when it refuses the vhost.
 * @throws {DOMException} `TimeoutError` when it took too long; the signal's reason when it aborted.
 * @throws {TypeError} When the address or an option makes no sense.
 * @throws {Error} When the WebSocket cannot be opened, or the other end is no AMQP broker.
 *
 * @example A broker behind a WebSocket
 * ```ts
 * import { Broker } from "@warren/amqp";
 * import { connect } from "@warren/amqp/websocket";
 * import { assertEquals } from "@std/assert";
 *
 * await using broker = new Broker();
 * await using server = await broker.listen({ websocket: true, port: 0 });
 *
 * await using connection = await connect(`ws://guest:guest@127.0.0.1:${server.port}/`);
 * const channel = await connection.openChannel();
 * const { queue } = await channel.queueDeclare();
 * await channel.basicPublish({ routingKey: queue }, "hello");
 * assertEquals((await channel.basicGet(queue))?.text(), "hello");
 * ```
 */
export async function connect(
  address: string | readonly string[],
  options: ConnectOptions = {},
): Promise<Connection> {
  const addresses = typeof address === "string" ? [address] : address;
  if (addresses.length === 0) {
    throw new TypeError("Cannot connect: the list of addresses is empty; give one");
  }
  return await open(addresses.map((one) => toHost(one, options)));
}

function toHost(address: string, options: ConnectOptions): Host {
  const resolved = resolveOptions({ ...parseUri(address), ...options });
  const { webSocketUrl } = resolved;
  if (webSocketUrl === undefined) {
    throw new TypeError("Cannot connect: the address is not one of a WebSocket, ws: or wss:");
  }
  const dial = (signal: AbortSignal) => dialWebSocket(webSocketUrl, signal);
  return { options: resolved, dial, name: webSocketUrl };
}

/**
 * Opens a WebSocket.
 *
 * @param url Its address, without a user.
 * @param signal Gives up.
 * @returns The socket as a transport, which the caller must close.
 * @throws {Error} When it cannot be opened; or the signal's reason.
 */
export async function dialWebSocket(url: string, signal: AbortSignal): Promise<Transport> {
  // no subprotocol is asked for: a browser would insist on it, and not every relay knows one
  const socket = new WebSocket(url);
  const { hostname, port, protocol } = new URL(url);
  const transport = webSocketTransport(socket, {
    peer: { hostname, port: Number(port) || (protocol === "wss:" ? 443 : 80) },
    local: { hostname: "", port: 0 }, // which is not told
  });
  const giveUp = () => transport.close();
  signal.addEventListener("abort", giveUp);
  try {
    await opened(socket);
    return transport;
  } catch (error) {
    await transport.close();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener(
      "close",
      ({ code }) =>
        reject(new Error(`Cannot connect: the WebSocket could not be opened (code ${code})`)),
      {
        once: true,
      },
    );
  });
}

export * from "./common.ts";
export { AmqpError } from "../broker/amqp/error.ts";
export { type BasicProperties } from "../broker/amqp/properties.ts";
export { Decimal, Double, type FieldTable, type FieldValue } from "../broker/amqp/field_table.ts";
export { EncodeError } from "../broker/amqp/field_value.ts";
