import type { Endpoint, Transport } from "../amqp/transport.ts";
import { webSocketTransport } from "../amqp/websocket_transport.ts";
import { Origins } from "./origins.ts";
import { chooseSubprotocol } from "./websocket_upgrade.ts";

/** So much may come while the broker asks for a pause, which a WebSocket of the runtime has no word
 * for. */
const WAITING_MAX = 64 * 1024 * 1024;

/** What an HTTP server knows of a request besides the request; `Deno.serve` gives it to its handler. */
export interface RequestInfo {
  /** Where it comes from. */
  readonly remoteAddr?:
    | { readonly hostname: string; readonly port: number }
    | { readonly path: string | null };
}

/** Options of `Broker.serveWebSocket`. */
export interface ServeWebSocketOptions {
  /** Web pages that may open a WebSocket, as in `ListenOptions.origins`. */
  readonly origins?: readonly string[];
}

/**
 * Answers a request of somebody's HTTP server by opening a WebSocket.
 *
 * @param request The request.
 * @param info Where it comes from.
 * @param options Who may.
 * @param onTransport Takes the socket when it is open. Must not throw.
 * @returns The answer: 101, or why not.
 */
export function openWebSocket(
  request: Request,
  info: RequestInfo,
  options: ServeWebSocketOptions,
  onTransport: (transport: Transport) => void,
): Response {
  const { headers } = request;
  if (headers.get("upgrade")?.toLowerCase() !== "websocket") {
    return new Response("AMQP is served here over WebSocket\n", {
      status: 426,
      headers: { upgrade: "websocket" },
    });
  }
  if (!new Origins(options.origins).allow(headers.get("origin"), headers.get("host"))) {
    return new Response("pages of this origin may not connect\n", { status: 403 });
  }
  const ends = endsOf(request, info); // which nobody tells any more after the upgrade
  const protocol = chooseSubprotocol(headers.get("sec-websocket-protocol"));
  const { socket, response } = Deno.upgradeWebSocket(request, {
    idleTimeout: 0, // AMQP has heartbeats of its own
    ...(protocol === undefined ? {} : { protocol }),
  });
  const transport = webSocketTransport(socket, { ...ends, waitingMax: WAITING_MAX });
  socket.onopen = () => onTransport(transport);
  return response;
}

function endsOf(
  request: Request,
  { remoteAddr }: RequestInfo,
): { peer: Endpoint; local: Endpoint } {
  const { hostname, port } = new URL(request.url);
  const local = { hostname, port: Number(port) };
  if (remoteAddr === undefined) return { peer: { hostname: "unknown", port: 0 }, local };
  if ("hostname" in remoteAddr) {
    return { peer: { hostname: remoteAddr.hostname, port: remoteAddr.port }, local };
  }
  // who can open the server's socket file is on this machine
  return { peer: { hostname: "127.0.0.1", port: 0 }, local };
}
