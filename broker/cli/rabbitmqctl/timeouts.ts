import type { CtlOptions } from "./command.ts";

/** How long all ports of a broker are tried together when nobody says, in seconds. */
const PORTS_SECONDS = 30;

/** How long a command may take when nobody says, in seconds: what RabbitMQ's takes. Its lists, but for
 * that of queues, have no limit, which nobody waits for. */
const USUAL: Readonly<Record<string, number>> = {
  ping: 60,
  status: 60,
  cluster_status: 60,
  node_health_check: 70,
  check_port_connectivity: PORTS_SECONDS,
  await_startup: 300,
  await_online_nodes: 300,
  wait: 10,
};

/** What changes nothing. */
const LOOKS = /^(?:list_|check_|is_|alarms$|listeners$|server_version$)/;

/**
 * How long a command may take in all, in seconds. What changes something takes as long as it takes when
 * nobody says: given up, it may have been done or not.
 *
 * @param name The command's.
 */
export function timeoutOf(name: string, { timeout }: CtlOptions): number {
  if (timeout === undefined) return USUAL[name] ?? (LOOKS.test(name) ? 60 : Infinity);
  return timeout === "infinity" ? Infinity : Number(timeout);
}

/**
 * How long each port of a broker may take, in milliseconds: so that the last one as well is told before
 * there is no time left.
 *
 * @param timeoutMs How long the command may take in all.
 * @param ports How many there are.
 */
export function portTimeout(timeoutMs: number, ports: number): number {
  const all = Number.isFinite(timeoutMs) ? timeoutMs : PORTS_SECONDS * 1000;
  return Math.floor(all / (ports + 1));
}
