/**
 * Rich authorization requests (RFC 9396): what a token permits, as a list of actions and locations
 * instead of scopes. RabbitMQ turns them into scopes, and so does this.
 *
 * ```text
 * { "type": "rabbitmq", "actions": ["read"], "locations": ["cluster:prod/vhost:v/queue:q*"] }
 * prod.read:v/q*\/*
 * ```
 *
 * @module
 */
import { wildcard } from "./wildcard.ts";

const TAGS: readonly unknown[] = ["monitoring", "administrator", "management", "policymaker"];
const PERMISSIONS: readonly unknown[] = ["read", "write", "configure"];
const ATTRIBUTES = ["cluster", "vhost", "queue", "exchange", "routing-key"];

/** The scopes, prefix included, that the claim `authorization_details` comes to. */
export function richScopes(
  details: unknown,
  resourceServerId: string,
  resourceServerType: string,
): string[] {
  if (!Array.isArray(details) || resourceServerType === "") return [];
  return details.flatMap((detail) => {
    if (typeof detail !== "object" || detail === null) return [];
    const { type, actions, locations } = detail as Record<string, unknown>;
    if (type !== resourceServerType) return [];
    const resources = list(locations).map(attributesOf)
      .filter((location) => isHere(location, resourceServerId) && isOneThing(location))
      .map(resourceOf);
    if (resources.length === 0) return [];
    return list(actions).flatMap((action) => {
      if (TAGS.includes(action)) return [`${resourceServerId}.tag:${action}`];
      if (!PERMISSIONS.includes(action)) return [];
      return resources.map((resource) => `${resourceServerId}.${action}:${resource}`);
    });
  });
}

type Attributes = Readonly<Record<string, string>>;

/** Reads `cluster:A/vhost:B/queue:C`. */
function attributesOf(location: string): Attributes {
  const pairs = location.split("/").map((part) => part.split(":").filter(Boolean))
    .filter(([name, value]) => value !== undefined && ATTRIBUTES.includes(name!));
  return Object.fromEntries(pairs);
}

function isHere({ cluster }: Attributes, resourceServerId: string): boolean {
  return cluster !== undefined && wildcard(cluster)(resourceServerId);
}

/** Who names both a queue and an exchange must mean the same by them. */
function isOneThing({ queue, exchange }: Attributes): boolean {
  return queue === undefined || exchange === undefined || queue === exchange;
}

function resourceOf({ vhost = "*", queue, exchange, ...others }: Attributes): string {
  return `${vhost}/${queue ?? exchange ?? "*"}/${others["routing-key"] ?? "*"}`;
}

function list(value: unknown): string[] {
  const all = Array.isArray(value) ? value : [value];
  return all.filter((one) => typeof one === "string");
}
