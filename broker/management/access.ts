import type { Session, Vhost } from "../mod.ts";
import type { Broker } from "../mod.ts";
import type { Call } from "./context.ts";
import { notAuthorised, notFound, noVhost } from "./errors.ts";

/**
 * Who may see and do what: tags decide about kinds of things, permissions about vhosts.
 *
 * @module
 */

/** True for those who may use the API at all. */
export function mayManage({ tags }: Session): boolean {
  return ["management", "policymaker", "monitoring", "administrator"]
    .some((tag) => tags.includes(tag));
}

/** True for those who may do everything. */
export function isAdministrator({ tags }: Session): boolean {
  return tags.includes("administrator");
}

/** True for those who may see everything but secrets. */
export function isMonitor({ tags }: Session): boolean {
  return tags.includes("monitoring") || tags.includes("administrator");
}

/** True for those who may set policies and parameters. */
export function isPolicymaker({ tags }: Session): boolean {
  return tags.includes("policymaker") || tags.includes("administrator");
}

/** @throws {HttpError} 401 when the request is not an administrator's. */
export function requireAdministrator(call: Call): void {
  if (!isAdministrator(call.var.session)) throw notAuthorised("Not administrator user");
}

/** @throws {HttpError} 401 when who is asking may not see everything. */
export function requireMonitor(call: Call): void {
  if (!isMonitor(call.var.session)) throw notAuthorised("Not monitor user");
}

/** @throws {HttpError} 401 when who is asking may not see policies' kind of things. */
export function requirePolicymaker(call: Call): void {
  if (isPolicymaker(call.var.session)) return;
  throw notAuthorised("User not authorised to access object");
}

/** @throws {HttpError} 401 when a thing is another user's and who is asking is no monitor. */
export function requireOwn(call: Call, user: string): void {
  const { session } = call.var;
  if (session.user === user || isMonitor(session)) return;
  throw notAuthorised("User not authorised to access object");
}

/**
 * The vhost that a path names.
 *
 * @param changing True when something is to be changed in it.
 * @param thing What somebody who may not see it is told that it is.
 * @throws {HttpError} 404 when there is none, 401 when who is asking may not see it; 404 then as well
 * with a profile of RabbitMQ 4, which since 4.3.3 does not tell him that there is one.
 */
export function vhostOf(
  call: Call,
  broker: Broker,
  changing = false,
  thing = "virtual host",
): string {
  const name = call.req.param("vhost") ?? "";
  const isThere = broker.hasVhost(name);
  const { session } = call.var;
  if (isThere && (isAdministrator(session) || session.mayEnter(name))) return name;
  if (!isThere || broker.node().httpApi === 4) {
    throw changing ? noVhost() : notFound();
  }
  throw notAuthorised(`User not authorised to access ${thing}`);
}

/**
 * The same for a single policy or parameter in it.
 *
 * @throws {HttpError} 404 when there is no such vhost, 401 when who is asking may not see it, or is no policymaker.
 */
export function policyVhostOf(call: Call, broker: Broker, changing = false): string {
  requirePolicymaker(call);
  return vhostOf(call, broker, changing, "object");
}

/**
 * The same for what monitors may see of any vhost.
 *
 * @throws {HttpError} 404 when there is none, 401 when who is asking may not see it.
 */
export function visibleVhostOf(call: Call, broker: Broker): string {
  const name = call.req.param("vhost") ?? "";
  return isMonitor(call.var.session) && broker.hasVhost(name) ? name : vhostOf(call, broker);
}

/** True when what is in a vhost may be listed for who is asking. */
export function seesVhost({ var: { session } }: Call): (vhost: string) => boolean {
  return isAdministrator(session) ? () => true : remembering((vhost) => session.mayEnter(vhost));
}

/** The vhosts that are listed for who is asking. */
export function visibleVhosts(call: Call, broker: Broker): Vhost[] {
  const { session } = call.var;
  const all = broker.vhosts();
  return isMonitor(session) ? all : all.filter(({ name }) => session.mayEnter(name));
}

function remembering(decide: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const now = decide(name);
    known.set(name, now);
    return now;
  };
}
