import type { CtlOptions } from "./command.ts";

/** How long a command may take when nobody says, in seconds: what RabbitMQ's takes. Its lists, but for
 * that of queues, have no limit, which nobody waits for. */
const USUAL: Readonly<Record<string, number>> = {
  ping: 60,
  status: 60,
  cluster_status: 60,
  node_health_check: 70,
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
