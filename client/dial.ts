/**
 * The client's only use of the runtime's network: whoever brings another transport needs none of it.
 *
 * @module
 */

import { streamTransport, tcpTransport, type Transport } from "../broker/amqp/transport.ts";

/**
 * Opens a TCP connection.
 *
 * The runtime tries each address that it finds for a name. `localhost` is tried as `::1` as well, as
 * not every machine lists it there and a broker may listen on either.
 *
 * @param hostname Name or address of the host.
 * @param port Its port.
 * @param signal Gives up.
 * @returns The connection as a transport, which the caller must close.
 * @throws {Error} What the runtime throws: refused, not found, not permitted; or the signal's reason.
 */
export async function dial(
  hostname: string,
  port: number,
  signal: AbortSignal,
): Promise<Transport> {
  try {
    return tcpTransport(await Deno.connect({ hostname, port, signal }));
  } catch (error) {
    if (hostname !== "localhost" || signal.aborted) throw error;
    try {
      return tcpTransport(await Deno.connect({ hostname: "::1", port, signal }));
    } catch {
      throw error;
    }
  }
}

/**
 * Connects to a socket file.
 *
 * @param path The file.
 * @param signal Gives up.
 * @returns The connection as a transport, which the caller must close.
 * @throws {Error} What the runtime throws: not found, refused, not permitted; or the signal's reason.
 */
export async function dialPath(path: string, signal: AbortSignal): Promise<Transport> {
  const connection = await Deno.connect({ transport: "unix", path });
  if (signal.aborted) connection.close();
  signal.throwIfAborted();
  const end = { hostname: "127.0.0.1", port: 0, path };
  return streamTransport(connection, { peer: end, local: end });
}
