// deno-lint-ignore-file no-console -- a program of its own
/**
 * The broker that `tls_places.ts` measures: it prints the port of each place, and for each line that it
 * is sent, what its threads have used.
 *
 * @module
 */
import { Broker } from "../../mod.ts";
import { certificate } from "../../tests/support/certificates.ts";
import { threadTimes } from "../support/process_figures.ts";
import type { WorkerTask } from "./tls_places_worker.ts";

const places = Deno.args;
const directory = await Deno.makeTempDir({ prefix: "tls-places-" });
const path = `${directory}/socket`;
const behindProxy = `${directory}/proxied`;
await using broker = new Broker();
await broker.listen({ path });
await broker.listen({ path: behindProxy, proxyProtocol: { trusted: ["unix"] } });
const ports: Record<string, number> = {};
for (const place of places) ports[place] = await open(place);
console.log(JSON.stringify({ ports, directory }));
for await (const _line of Deno.stdin.readable) console.log(JSON.stringify([...threadTimes()]));
await Deno.remove(directory, { recursive: true });

async function open(place: string): Promise<number> {
  switch (place) {
    case "plain":
      return (await broker.listen({ port: 0 })).port;
    case "main":
      return (await broker.listen({ port: 0, tls: certificate("server") })).port;
    case "main-runtime":
      return await listenByRuntime();
    case "worker-runtime":
      return await startWorker("runtime");
    case "worker":
      return await startWorker("node");
    case "worker-plain":
      return await startWorker("plain");
    case "accept-main":
      return acceptHere();
    case "accept-workers": {
      const port = await startWorker("accept");
      await startWorker("accept", port);
      return port;
    }
    default:
      return 0; // somebody else's
  }
}

/** A broker has no such option, so what it listens by is replaced while it does. */
async function listenByRuntime(): Promise<number> {
  const listen = Deno.listen;
  const listenTls = () =>
    Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...certificate("server") });
  Object.assign(Deno, { listen: listenTls });
  try {
    return (await broker.listen({ port: 0 })).port;
  } finally {
    Object.assign(Deno, { listen });
  }
}

function startWorker(kind: WorkerTask["kind"], port = 0): Promise<number> {
  const worker = new Worker(import.meta.resolve("./tls_places_worker.ts"), { type: "module" });
  const started = new Promise<number>((resolve) => worker.onmessage = ({ data }) => resolve(data));
  worker.postMessage({ kind, port, path, ...certificate("server") } satisfies WorkerTask);
  return started;
}

function acceptHere(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const socket of listener) socket.close();
  })();
  return listener.addr.port;
}
