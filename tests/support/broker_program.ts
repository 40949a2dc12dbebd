// deno-lint-ignore-file no-console -- a program that is spoken to over standard input and output
/**
 * A served broker in a process of its own that answers questions about itself, one JSON a line each
 * way. It is a `Broker` as `broker/main.ts` makes one, and in addition collects garbage when it is asked
 * to, so that what it holds can be told from what it has not cleaned up yet.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";
import type { LogLevel } from "../../broker/amqp/logger.ts";
import { Broker } from "../../broker/broker.ts";
import type { BrokerOptions } from "../../broker/options.ts";
import { certificate } from "./certificates.ts";

/** What it is asked. */
export type Question =
  | { readonly ask: "figures" }
  | { readonly ask: "clean"; readonly keep: string }
  | { readonly ask: "permit"; readonly pattern: string };

/** What it tells of itself. */
export interface Figures {
  /** What the process has in memory, after garbage was collected, in bytes. */
  readonly rss: number;
  /** What V8 knows to be in use, buffers outside of its heap included, in bytes. */
  readonly inUse: number;
  /** Connections that are open. */
  readonly connections: number;
  /** What went wrong that nobody had foreseen: errors in the log, and exceptions nobody caught. */
  readonly errors: readonly string[];
}

/** What it says once it serves. */
export interface Serving {
  readonly port: number;
  readonly tlsPort: number;
  readonly webSocketPort: number;
  /** 0 unless it was asked for. */
  readonly managementPort: number;
}

/** Cleans up until nothing more goes; the figures of a broker that still closes sockets mean nothing. */
async function figures(broker: Broker, errors: readonly string[]): Promise<Figures> {
  const { gc } = globalThis as { gc?: () => void };
  for (let round = 0; round < 3; round++) {
    gc?.();
    await new Promise<void>((resolve) => setTimeout(resolve, 50));
  }
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return {
    rss,
    inUse: heapUsed + external,
    connections: [...broker.connections()].length,
    errors,
  };
}

/** Deletes all queues and exchanges but those whose name begins so, and what is bound between the
 * exchanges that are always there. */
export async function clean(broker: Broker, keep: string): Promise<void> {
  for (const { name } of [...broker.queues()]) {
    if (!name.startsWith(keep)) await broker.deleteQueue({ queue: name }).catch(() => {});
  }
  for (const { name } of [...broker.exchanges()]) {
    if (name === "" || name.startsWith("amq.") || name.startsWith(keep)) continue;
    await broker.deleteExchange({ exchange: name }).catch(() => {});
  }
  for (const binding of [...broker.bindings()]) {
    const { source, destination } = binding;
    if (source.startsWith(keep) || destination.startsWith(keep)) continue;
    // those of the default exchange are not anybody's
    if (source !== "") await broker.unbind(binding).catch(() => {});
  }
}

/** Tries to give a user a permission; tells why not. */
async function permit(broker: Broker, pattern: string): Promise<string> {
  try {
    await broker.setPermissions({ user: "guest", configure: pattern, write: ".*", read: ".*" });
    return "set";
  } catch (error) {
    return (error as Error).message;
  }
}

if (import.meta.main) {
  const options = JSON.parse(Deno.args[0] ?? "{}") as BrokerOptions;
  const errors: string[] = [];
  const note = (text: string) => errors.length < 20 && errors.push(text);
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    note(`unhandled rejection: ${event.reason?.stack ?? event.reason}`);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    note(`uncaught: ${event.error?.stack ?? event.message}`);
  });
  const logger = {
    log(level: LogLevel, text: string) {
      if (level === "error") note(text);
    },
  };
  const broker = new Broker({ ...options, logger });
  const [plain, secure, web] = [
    await broker.listen({ port: 0 }),
    // on both versions of IP, so that clients can come from two addresses of this machine
    await broker.listen({ port: 0, tls: certificate("server"), hostname: "::" }),
    await broker.listen({ port: 0, websocket: true }),
  ];
  // loaded only where it is needed: what there is in memory is compared
  const management = Deno.args.includes("--management")
    ? await (await import("../../broker/management/mod.ts")).serveManagement(broker, {
      port: 0,
      logger,
    })
    : undefined;
  const say = (answer: unknown) => console.log(JSON.stringify(answer));
  const serving = {
    port: plain.port,
    tlsPort: secure.port,
    webSocketPort: web.port,
    managementPort: management?.port ?? 0,
  };
  say(serving satisfies Serving);
  const lines = Deno.stdin.readable
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TextLineStream());
  for await (const line of lines) {
    const question = JSON.parse(line) as Question;
    if (question.ask === "figures") say(await figures(broker, errors));
    else if (question.ask === "clean") say(await clean(broker, question.keep) ?? {});
    else say(await permit(broker, question.pattern));
  }
  await management?.close();
  await broker.close();
}
