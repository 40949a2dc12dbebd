import type { Logger } from "../amqp/logger.ts";
import type { ServeHttpOptions } from "../http/listen.ts";
import type { BrokerServer } from "../server.ts";
import type { Terminal } from "./terminal.ts";

/** Loopback as it is spelt in both versions of IP. */
export const LOOPBACK: readonly string[] = ["127.0.0.1", "::1"];

/** Where the program tells of something. */
export interface Output {
  /** While it goes on. */
  readonly logger: Logger;
  /** When it gives up. */
  readonly terminal: Terminal;
}

/** Something with a port of its own. */
interface Side {
  /** What it is called. */
  readonly what: string;
  /** What its options are called. */
  readonly option: string;
  /** Its port; 0 for any free one. */
  readonly port: number;
  /** True when somebody asked for that port. */
  readonly asked: boolean;
  /** How it is served there. */
  readonly how: Pick<ServeHttpOptions, "limits" | "tls">;
}

interface Server {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves something beside AMQP, which is served already: clients need not wait until this is loaded.
 *
 * A port that cannot be had is no reason to end, unless somebody asked for it: several brokers on one
 * machine have ports of their own, and the usual one is the first one's.
 *
 * @param where The addresses that were asked for; none for those of AMQP, or loopback.
 * @param servers Where AMQP is served.
 * @returns What listens; undefined when the process should end.
 */
export async function serveBeside<Served extends Server>(
  { what, option, port, asked, how }: Side,
  handler: { serve(where: ServeHttpOptions): Promise<Served> },
  { hosts, usual }: { readonly hosts: readonly string[]; readonly usual: readonly string[] },
  servers: readonly BrokerServer[],
  { logger, terminal }: Output,
): Promise<Served[] | undefined> {
  const opened: Served[] = [];
  const ports = servers.filter(({ path }) => path === undefined);
  const amqp = usual.length === 0 ? LOOPBACK : usual;
  for (const hostname of hosts.length === 0 ? amqp : hosts) {
    // not every machine has IPv6
    const has = ports.length === 0 || ports.some((server) => server.hostname === hostname);
    if (hosts.length === 0 && !has) continue;
    try {
      opened.push(await handler.serve({ ...how, hostname, port: opened[0]?.port ?? port }));
    } catch (cause) {
      const why = `no ${what} on ${urlHost(hostname)}${whyNot(cause, option, port)}`;
      if (asked) {
        terminal.complain(`warren: ${why}`);
        await Promise.all(opened.map((server) => server.close()));
        return undefined;
      }
      logger.log("warning", why);
    }
  }
  return opened;
}

/** An address as it stands in a URL. */
export function urlHost(hostname: string): string {
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}

function whyNot(cause: unknown, option: string, port: number): string {
  if (cause instanceof Deno.errors.AddrInUse) {
    return `: port ${port} is in use: stop the other program, or choose another one with ` +
      `--${option}-port, or --no-${option.replace(/-tls$/, "")}`;
  }
  return `:${port}: ${cause instanceof Error ? cause.message : cause}`;
}
