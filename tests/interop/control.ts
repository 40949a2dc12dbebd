import type { RunningBroker } from "./brokers.ts";

/** What programs can ask for, by path. */
const COMMANDS: ReadonlyMap<string, (broker: Controlled) => Promise<void>> = new Map([
  ["/restart", (broker) => broker.restart("stop")],
  ["/kill", (broker) => broker.restart("kill")],
  ["/disconnect", async (broker) => void await broker.control("close_all_connections", "enough")],
  ["/block", (broker) => setWatermark(broker, "0")],
  ["/unblock", (broker) => setWatermark(broker, "0.9")],
  ["/renew", (broker) => broker.tls.renew?.() ?? Promise.reject(new Error("it cannot"))],
]);

type Controlled = Pick<RunningBroker, "output" | "restart" | "control" | "tls">;

/** With none of the memory allowed, nobody may publish. */
async function setWatermark(broker: Controlled, fraction: string): Promise<void> {
  await broker.control("set_vm_memory_high_watermark", fraction);
}

/** Where programs reach the control of the broker. */
export interface Control extends AsyncDisposable {
  /** Its address, with a slash at the end. */
  readonly url: string;
}

/**
 * Lets the programs end the broker and start it again, by HTTP so that each language can:
 * `POST restart` stops it in an orderly way, `POST kill` asks nobody, `POST renew` puts another
 * certificate in place, `POST disconnect` closes all connections as an operator may, and `POST block` keeps
 * publishers waiting until `POST unblock`. The answer comes when it listens again, or has done that.
 * `GET log` is what the broker has written so far; nothing where that cannot be had.
 */
export function serveControl(broker: Controlled): Control {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (
    request,
  ) => {
    const { pathname } = new URL(request.url);
    if (request.method === "GET" && pathname === "/log") return new Response(broker.output);
    const command = COMMANDS.get(pathname);
    if (request.method !== "POST" || command === undefined) {
      return new Response("POST one of the commands, or GET log\n", { status: 404 });
    }
    await command(broker);
    return new Response(null, { status: 204 });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
