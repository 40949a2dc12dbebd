import { richScopes } from "./rich_authorization.ts";

/** What a token says. */
export type Claims = Readonly<Record<string, unknown>>;

/** Where the scopes of a token are. */
export interface ScopeSources {
  /** The name that this broker has for those who give out tokens. */
  readonly resourceServerId: string;
  /** What its scopes begin with. */
  readonly scopePrefix: string;
  /** Scopes that stand for others. */
  readonly scopeAliases: Readonly<Record<string, string | readonly string[]>>;
  /** Claims with scopes besides `scope`: names with dots between. */
  readonly extraScopeClaims: readonly string[];
  /** The type by which rich authorization requests name it; undefined: there are none. */
  readonly resourceServerType: string | undefined;
}

/** Where requesting party tokens of User-Managed Access have their scopes. */
const REQUESTING_PARTY_SCOPES = "authorization.permissions.scopes";
/** A token may have so many that are ours, RabbitMQ's number. */
const SCOPES_MAX = 2048;

/**
 * The scopes of a token that are about this broker, without their prefix.
 *
 * @throws {RangeError} When there are too many.
 */
export function scopesOf(claims: Claims, sources: ScopeSources): string[] {
  const { resourceServerId, scopeAliases, scopePrefix, extraScopeClaims } = sources;
  const named = [REQUESTING_PARTY_SCOPES, ...extraScopeClaims].flatMap((path) =>
    found(claims, path.split(".").filter(Boolean)).flatMap((value) =>
      scopesIn(value, resourceServerId)
    )
  );
  const own = claims.scope;
  const scopes = [...texts(typeof own === "string" ? words(own) : own), ...named];
  const aliased = scopes.flatMap((scope) =>
    Object.hasOwn(scopeAliases, scope) ? scopeAliases[scope]! : []
  );
  const rich = sources.resourceServerType === undefined
    ? []
    : richScopes(claims.authorization_details, resourceServerId, sources.resourceServerType);
  const ours = [...scopes, ...aliased, ...rich].filter((scope) => scope.startsWith(scopePrefix))
    .map((scope) => scope.slice(scopePrefix.length));
  const unique = [...new Set(ours)].sort();
  if (unique.length > SCOPES_MAX) throw new RangeError("it has too many scopes");
  return unique;
}

/** True when a token is meant for this broker. */
export function isFor({ aud }: Claims, resourceServerId: string): boolean {
  return texts(typeof aud === "string" ? words(aud) : aud).includes(resourceServerId);
}

/** Whose token it is, by the first of some claims that is a text. */
export function usernameOf(claims: Claims, names: readonly string[]): string {
  for (const name of names) {
    const claim = Object.hasOwn(claims, name) ? claims[name] : undefined;
    if (typeof claim === "string") return claim;
  }
  return "unknown";
}

/** All values at a path, in whatever lists are on the way. */
function found(value: unknown, path: readonly string[], inList = false): unknown[] {
  const [name, ...rest] = path;
  if (Array.isArray(value) && name !== undefined) {
    return value.flatMap((one) => Array.isArray(one) ? [] : found(one, path, true));
  }
  // RabbitMQ looks into an object at the end of a path only where no list was on the way
  if (name === undefined) return inList && isObject(value) ? [] : [value];
  return isObject(value) && Object.hasOwn(value, name) ? found(value[name], rest, inList) : [];
}

/** Scopes as a list, as one text, or by the names of those whom they are for, without prefix then. */
function scopesIn(value: unknown, resourceServerId: string): string[] {
  if (typeof value === "string") return words(value);
  if (!isObject(value)) return texts(value);
  const ours = Object.hasOwn(value, resourceServerId) ? value[resourceServerId] : undefined;
  return texts(typeof ours === "string" ? words(ours) : ours)
    .map((scope) => `${resourceServerId}.${scope}`);
}

function isObject(value: unknown): value is Claims {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.flat(8).filter((one) => typeof one === "string") : [];
}

function words(text: string): string[] {
  return text.split(" ").filter(Boolean);
}
