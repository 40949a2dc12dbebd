import type { Access, ResourceKind } from "../auth/access.ts";
import type { Permission } from "../auth/permissions.ts";
import type { Claims } from "./claims.ts";
import { wildcard } from "./wildcard.ts";

/** What stands before the tags of a user. */
const TAG_PREFIX = "tag:";

type Fits = (text: string) => boolean;

/** What one scope permits: `read:vhost/name` or `read:vhost/name/routing-key`. */
interface ScopePermission {
  readonly permission: Permission;
  readonly vhost: Fits;
  readonly name: Fits;
  /** Undefined: nothing with topic exchanges, as in RabbitMQ. */
  readonly routingKey: Fits | undefined;
}

/** The tags among scopes. */
export function tagsOf(scopes: readonly string[]): string[] {
  return scopes.filter((scope) => scope.startsWith(TAG_PREFIX))
    .map((scope) => scope.slice(TAG_PREFIX.length));
}

/**
 * What scopes permit in a vhost.
 *
 * @param scopes Scopes without their prefix.
 * @param claims What variables in them stand for.
 * @param vhost The vhost, which is a variable too.
 * @returns Undefined when none of them is about the vhost: then it may not be entered.
 */
export function accessTo(
  scopes: readonly string[],
  claims: Claims,
  vhost: string,
): Access | undefined {
  const permissions = scopes.map((scope) => permissionOf(expand(scope, claims, vhost)))
    .filter((one) => one !== undefined)
    .filter((one) => one.vhost(vhost));
  return permissions.length === 0 ? undefined : new ScopeAccess(permissions);
}

class ScopeAccess implements Access {
  readonly #permissions: readonly ScopePermission[];

  constructor(permissions: readonly ScopePermission[]) {
    this.#permissions = permissions;
  }

  permits(wanted: Permission, _kind: ResourceKind, resource: string): boolean {
    return this.#permissions.some(({ permission, name }) =>
      permission === wanted && name(resource)
    );
  }

  permitsTopic(wanted: "write" | "read", exchange: string, key: string): boolean {
    return this.#permissions.some(({ permission, name, routingKey }) =>
      permission === wanted && name(exchange) && routingKey?.(key) === true
    );
  }
}

function permissionOf(scope: string): ScopePermission | undefined {
  const [, permission, patterns] = /^(configure|write|read):(.*)$/s.exec(scope) ?? [];
  const parts = patterns?.split("/") ?? [];
  if (parts.length !== 2 && parts.length !== 3) return undefined;
  return {
    permission: permission as Permission,
    vhost: wildcard(parts[0]!),
    name: wildcard(parts[1]!),
    routingKey: parts[2] === undefined ? undefined : wildcard(parts[2]),
  };
}

/**
 * Fills in `{vhost}` and claims of the token, such as `{sub}`; a claim that there is not, or that is no
 * text, stands for its own name. What is no variable between braces makes the scope permit nothing.
 * What a variable stands for is taken letter by letter, where RabbitMQ takes it for a part of the scope:
 * somebody called `*` would be permitted everything.
 */
function expand(scope: string, claims: Claims, vhost: string): string {
  let broken = false;
  const expanded = scope.replace(/\{([^{}.*]*)(\}?)/g, (_, name: string, closed: string) => {
    broken ||= closed === "";
    const claim = name === "vhost" ? vhost : Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (typeof claim !== "string") return name;
    broken ||= !claim.isWellFormed();
    return encodeURIComponent(claim.toWellFormed()).replaceAll("*", "%2A");
  });
  return broken ? "" : expanded;
}
