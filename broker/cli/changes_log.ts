import type { Logger, LogLevel } from "../amqp/logger.ts";
import type { Broker } from "../broker.ts";
import type { BrokerEventMap, BrokerEventName, ParameterEvent } from "../events.ts";

/** The line of an event; undefined when another event says the same. */
type Tell<Name extends BrokerEventName> = (fields: BrokerEventMap[Name]) => string | undefined;

/** Parameters whose changes have events of their own. */
const TOLD_OTHERWISE: readonly string[] = ["operator_policy", "vhost-limits"];

/** What is logged of what operators change: names alone, since values may be secrets. */
const CHANGES: { readonly [Name in BrokerEventName]?: Tell<Name> } = {
  "vhost.created": ({ name }) => `vhost '${name}' was added`,
  "vhost.updated": ({ name }) => `vhost '${name}' was changed`,
  "vhost.deleted": ({ name }) => `vhost '${name}' and all that was in it was deleted`,
  "vhost.limits.set": ({ vhost }) => `vhost '${vhost}': limits were set`,
  "vhost.limits.cleared": ({ vhost }) => `vhost '${vhost}': limits were cleared`,
  "user.created": ({ name }) => `user '${name}' was added`,
  "user.deleted": ({ name }) => `user '${name}' was deleted`,
  "user.password.changed": ({ name }) => `user '${name}': the password was changed`,
  "user.password.cleared": ({ name }) => `user '${name}': the password was cleared`,
  "user.tags.set": ({ name, tags }) => `user '${name}': tags were set to [${tags.join(", ")}]`,
  "user.limits.set": ({ name }) => `user '${name}': limits were set`,
  "permission.created": ({ user, vhost, configure, write, read }) =>
    `user '${user}': permissions in vhost '${vhost}' were set to ` +
    `'${configure}', '${write}', '${read}'`,
  "permission.deleted": ({ user, vhost }) =>
    `user '${user}': permissions in vhost '${vhost}' were cleared`,
  "topic.permission.created": ({ user, vhost, exchange }) =>
    `user '${user}': topic permissions on exchange '${exchange}' in vhost '${vhost}' were set`,
  "topic.permission.deleted": ({ user, vhost }) =>
    `user '${user}': topic permissions in vhost '${vhost}' were cleared`,
  "policy.set": ({ name, vhost, operator }) =>
    `vhost '${vhost}': ${operator ? "operator policy" : "policy"} '${name}' was set`,
  "policy.cleared": ({ name, vhost }) => `vhost '${vhost}': policy '${name}' was cleared`,
  "operator.policy.cleared": ({ name, vhost }) =>
    `vhost '${vhost}': operator policy '${name}' was cleared`,
  "parameter.set": (parameter) => parameterLine(parameter, "set"),
  "parameter.cleared": (parameter) => parameterLine(parameter, "cleared"),
};

function parameterLine(
  { vhost, component, name }: ParameterEvent,
  what: "set" | "cleared",
): string | undefined {
  if (TOLD_OTHERWISE.includes(component)) return undefined;
  if (vhost === undefined) return `global parameter '${name}' was ${what}`;
  return `vhost '${vhost}': parameter '${name}' of '${component}' was ${what}`;
}

/** What clients change, of which there may be much. */
const DETAILS: { readonly [Name in BrokerEventName]?: Tell<Name> } = {
  "queue.created": ({ name, vhost }) => `vhost '${vhost}': queue '${name}' was declared`,
  "queue.deleted": ({ name, vhost }) => `vhost '${vhost}': queue '${name}' was deleted`,
  "exchange.created": ({ name, vhost }) => `vhost '${vhost}': exchange '${name}' was declared`,
  "exchange.deleted": ({ name, vhost }) => `vhost '${vhost}': exchange '${name}' was deleted`,
};

/**
 * Logs a line for each change that an operator makes to users, permissions, vhosts, policies and
 * parameters, with the name of who made it.
 *
 * @param options Asked whenever clients have declared or deleted something: whether that is logged as well,
 * as `debug`. Default: no.
 */
export function logChanges(
  broker: Broker,
  logger: Logger,
  { details = () => false }: { readonly details?: () => boolean } = {},
): void {
  const follow = <Name extends BrokerEventName>(level: LogLevel, name: Name, tell: Tell<Name>) =>
    broker.on(name, (fields, _time, user) => {
      if (level === "debug" && !details()) return;
      const line = tell(fields);
      if (line === undefined) return;
      if (user === undefined) logger.log(level, line);
      else logger.log(level, `${line} by '${user}'`, { user });
    });
  const all = [["info", CHANGES], ["debug", DETAILS]] as const;
  for (const [level, table] of all) {
    for (const [name, tell] of Object.entries(table)) {
      follow(level, name as BrokerEventName, tell as Tell<BrokerEventName>);
    }
  }
}
