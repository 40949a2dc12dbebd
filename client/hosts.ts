import { abortable } from "./abortable.ts";
import type { Connection } from "./connection.ts";
import { dial, dialPath } from "./dial.ts";
import { type Endpoint, streamTransport, type Transport } from "../broker/amqp/transport.ts";
import { encrypt } from "./dial_tls.ts";
import { type Host, open } from "./open.ts";
import type { ConnectOptions, ResolvedOptions } from "./options.ts";
import { dialWebSocket } from "./websocket.ts";

/** Connects to the first of some hosts that answers, in whatever way each of them is reached. */
export function openHosts(hosts: readonly ResolvedOptions[]): Promise<Connection> {
  return open(hosts.map(toHost));
}

function toHost(options: ResolvedOptions): Host {
  const { hostname, path, port, tls, clock, webSocketUrl } = options;
  return {
    options,
    name: webSocketUrl ?? path ?? `${hostname}:${port}`,
    async dial(signal) {
      if (webSocketUrl !== undefined) return await dialWebSocket(webSocketUrl, signal);
      if (path !== undefined) return await dialPath(path, signal);
      const transport = options.dial === undefined
        ? await dial(hostname, port, signal)
        : await dialOwn(options.dial, { hostname, port }, signal);
      return tls === false ? transport : await encrypt(transport, hostname, tls, { clock, signal });
    },
  };
}

/** Reaches the broker in the program's own way. */
async function dialOwn(
  dial: NonNullable<ConnectOptions["dial"]>,
  peer: Endpoint,
  signal: AbortSignal,
): Promise<Transport> {
  // nobody knows whether it heeds the signal
  const stream = await abortable(Promise.resolve(dial(signal)), signal, (late) => late.close());
  return streamTransport(stream, { peer, local: { hostname: "", port: 0 } });
}
