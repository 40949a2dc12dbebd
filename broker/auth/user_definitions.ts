import { DefinitionError } from "../policy/error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../policy/json.ts";
import type { Account } from "./account.ts";
import {
  hashPassword,
  newHashKind,
  type PasswordHash,
  type PasswordHashing,
  problemOfHash,
} from "./password.ts";
import { checkUserLimits, userLimitsValue } from "./user_limits.ts";
import type { TopicPermissions, UserPermissions } from "./permissions.ts";
import type { Users } from "./users.ts";

/**
 * Users and permissions as RabbitMQ's definitions file has them, both ways.
 *
 * A password that RabbitMQ cannot verify is written under a name of our own, and none under RabbitMQ's:
 * RabbitMQ takes the user with all that it may do, and lets nobody in by a password until it gets one.
 *
 * @module
 */

/** The field for passwords that RabbitMQ cannot verify: algorithm, `$`, hash. */
const OWN_HASH = "warren_password_hash";
/** What RabbitMQ takes a hash for that says nothing, unless it makes others itself. */
const DEFAULT_ALGORITHM = "rabbit_password_hashing_sha256";
/** And in a file that a RabbitMQ before 3.6 has written, which knew no other. */
const OLD_ALGORITHM = "rabbit_password_hashing_md5";
const OLD_VERSION = /^(?:[0-2]|3\.[0-5])\./;

/** Things that a file has entries for, in no order. */
interface Described<Thing> {
  readonly rows: readonly Thing[];
  /** By what they are put in order. */
  readonly key: (thing: Thing) => string;
  readonly describe: (thing: Thing) => JsonObject;
}

/** Who there is, for a file. */
export function exportUsers({ accounts }: Users): Described<Account> {
  return { rows: [...accounts], key: ({ name }) => name, describe: userEntry };
}

/** What they may do. */
export function exportPermissions({ accounts }: Users): Described<UserPermissions> {
  const rows: UserPermissions[] = [];
  for (const { name: user, permissions } of accounts) {
    for (const [vhost, { configure, write, read }] of permissions) {
      rows.push({ user, vhost, configure, write, read });
    }
  }
  return { rows, key: ({ user, vhost }) => `${user}\0${vhost}`, describe: (row) => ({ ...row }) };
}

/** And with topic exchanges. */
export function exportTopicPermissions({ accounts }: Users): Described<TopicPermissions> {
  const rows: TopicPermissions[] = [];
  for (const { name: user, topics } of accounts) {
    for (const [vhost, exchanges] of topics) {
      for (const [exchange, { write, read }] of exchanges) {
        rows.push({ user, vhost, exchange, write, read });
      }
    }
  }
  return {
    rows,
    key: ({ user, vhost, exchange }) => `${user}\0${vhost}\0${exchange}`,
    describe: (row) => ({ ...row }),
  };
}

/** Those who will have no password where RabbitMQ imports them. */
export function withoutRabbitmqHash(users: Users): string[] {
  const names: string[] = [];
  for (const { name, password } of users.accounts) {
    if (password?.algorithm === "scrypt") names.push(name);
  }
  return names.sort();
}

/** A user as the file has it. */
export function userEntry({ name, password, tags, limits }: Account): JsonObject {
  const own = password?.algorithm === "scrypt";
  return {
    name,
    password_hash: password === undefined || own ? "" : password.hash,
    hashing_algorithm: password === undefined || own ? DEFAULT_ALGORITHM : password.algorithm,
    ...own ? { [OWN_HASH]: `${password.algorithm}$${password.hash}` } : {},
    tags,
    limits: userLimitsValue(limits),
  };
}

/** What an entry says of a password: its hash; none; or the password itself, which somebody wrote. */
export type ImportedPassword = PasswordHash | undefined;

/**
 * Hashes the passwords that somebody has written into a file.
 *
 * @returns The hash of each entry that has one.
 */
export async function hashImported(
  entries: readonly JsonObject[],
  hashing: PasswordHashing,
): Promise<ReadonlyMap<JsonObject, PasswordHash>> {
  const hashes = new Map<JsonObject, PasswordHash>();
  for (const entry of entries) {
    const { password } = entry;
    if (typeof password !== "string" || password === "" || "password_hash" in entry) continue;
    hashes.set(entry, await hashPassword(password, hashing));
  }
  return hashes;
}

/**
 * What hashes of a file were made with of which it does not say it.
 *
 * @param hashing What new ones are made with.
 * @param version The RabbitMQ that has written the file, if it says so.
 */
export function usualAlgorithm(hashing: PasswordHashing, version: JsonValue | undefined): string {
  if (typeof version === "string" && OLD_VERSION.test(version)) return OLD_ALGORITHM;
  return hashing === "scrypt" ? DEFAULT_ALGORITHM : newHashKind(hashing).algorithm;
}

/**
 * Adds a user, or changes the one that is there.
 *
 * @param hashed The hash of the password that the entry has, if it has one.
 * @param usual What its hash was made with if it does not say it: see {@linkcode usualAlgorithm}.
 * @throws {DefinitionError} When something about it is wrong.
 */
export function importUser(
  users: Users,
  entry: JsonObject,
  hashed: PasswordHash | undefined,
  usual: string,
): void {
  const name = textOf(entry, "name", "user");
  if ("password" in entry && "password_hash" in entry) {
    const text = `user '${name}' has both a password and a password hash`;
    throw new DefinitionError("invalid", text);
  }
  const password = hashed ?? passwordOf(name, entry, usual);
  const tags = tagsOf(name, entry);
  const limits = isJsonObject(entry["limits"]) ? checkUserLimits(entry["limits"]) : undefined;
  const before = users.find(name);
  if (before === undefined) return users.add(name, password, tags, limits);
  users.setPassword(name, password);
  users.setTags(name, tags);
  // those that the entry does not name stay, as in RabbitMQ
  if (limits !== undefined) users.setLimits(name, Object.freeze({ ...before.limits, ...limits }));
}

/** Sets what a user may do in a vhost. */
export function importPermission(users: Users, entry: JsonObject): void {
  const text = (field: string) => textOf(entry, field, "permission");
  users.setPermissions({
    user: text("user"),
    vhost: text("vhost"),
    configure: text("configure"),
    write: text("write"),
    read: text("read"),
  });
}

/** Sets what a user may do with a topic exchange. */
export function importTopicPermission(users: Users, entry: JsonObject): void {
  const text = (field: string) => textOf(entry, field, "topic permission");
  users.setTopicPermissions({
    user: text("user"),
    vhost: text("vhost"),
    exchange: text("exchange"),
    write: text("write"),
    read: text("read"),
  });
}

function passwordOf(
  name: string,
  entry: JsonObject,
  usual: string,
): ImportedPassword {
  const { password_hash: hash, hashing_algorithm: algorithm = usual } = entry;
  const { [OWN_HASH]: own } = entry;
  const kept = typeof own === "string"
    ? { algorithm: own.slice(0, own.indexOf("$")), hash: own.slice(own.indexOf("$") + 1) }
    : typeof hash === "string" && hash !== ""
    ? { algorithm: String(algorithm), hash }
    : undefined;
  const problem = kept === undefined ? undefined : problemOfHash(kept);
  if (problem === undefined) return kept;
  throw new DefinitionError("invalid", `user '${name}': ${problem}`);
}

/** Tags, which may also come as one text with commas, or as RabbitMQ 2 had them. */
function tagsOf(name: string, { tags, administrator }: JsonObject): string[] {
  if (typeof tags === "string") return tags.split(",").map((tag) => tag.trim()).filter(Boolean);
  if (Array.isArray(tags)) {
    return tags.filter((tag) => typeof tag === "string").map((tag) => tag.trim());
  }
  if (tags === undefined && administrator !== undefined) {
    return administrator === true || administrator === "true" ? ["administrator"] : [];
  }
  throw new DefinitionError("invalid", `user '${name}' has no tags`);
}

function textOf(entry: JsonObject, field: string, thing: string): string {
  const value: JsonValue | undefined = entry[field];
  if (typeof value === "string") return value;
  throw new DefinitionError("invalid", `${thing} has no ${field}`);
}
