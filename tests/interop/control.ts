import type { RunningBroker } from "./brokers.ts";

/** Where programs reach the control of the broker. */
export interface Control extends AsyncDisposable {
  /** Its address, with a slash at the end. */
  readonly url: string;
}

/**
 * Lets the programs end the broker and start it again, by HTTP so that each language can:
 * `POST restart` stops it in an orderly way, `POST kill` asks nobody. The answer comes when it
 * listens again.
 */
export function serveControl(broker: Pick<RunningBroker, "restart">): Control {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (
    request,
  ) => {
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || !["/restart", "/kill"].includes(pathname)) {
      return new Response("POST restart or kill\n", { status: 404 });
    }
    await broker.restart(pathname === "/kill" ? "kill" : "stop");
    return new Response(null, { status: 204 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
