import { isJsonObject, type JsonObject, type JsonValue } from "../policy/json.ts";
import type { PasswordHash } from "./password.ts";
import type { Permissions } from "./permissions.ts";
import { checkUserLimits, type UserLimits, userLimitsValue } from "./user_limits.ts";

/**
 * Users and what they may do as they are written down: JSON under keys that name them.
 *
 * @module
 */

/** Where they are written down. */
export interface UserRecords {
  /** Writes something down, in place of what was there. */
  set(key: readonly string[], value: JsonValue): void;
  /** Crosses it out. */
  delete(key: readonly string[]): void;
}

/** What is written down, for those who read it. */
export const RECORD_KINDS = ["users-begun", "user", "permission", "topic-permission"] as const;

/** Written once there was a first user: who there is is the store's to know from then on. */
export const BEGUN_KEY: readonly string[] = ["users-begun"];

/** A user as it is written down. */
export interface UserRecord {
  readonly password: PasswordHash | undefined;
  readonly tags: readonly string[];
  readonly limits: UserLimits;
}

/** The key of a user. */
export function userKey(user: string): readonly string[] {
  return ["user", user];
}

/** The key of what a user may do in a vhost. */
export function permissionKey(user: string, vhost: string): readonly string[] {
  return ["permission", user, vhost];
}

/** The key of what a user may do with a topic exchange. */
export function topicPermissionKey(
  user: string,
  vhost: string,
  exchange: string,
): readonly string[] {
  return ["topic-permission", user, vhost, exchange];
}

/** Writes a user. */
export function userValue({ password, tags, limits }: UserRecord): JsonObject {
  return {
    ...password === undefined
      ? {}
      : { hashing_algorithm: password.algorithm, password_hash: password.hash },
    tags,
    limits: userLimitsValue(limits),
  };
}

/** Reads a user; one with a password that nobody can verify any more cannot log in. */
export function readUser(value: JsonValue): UserRecord {
  const record = isJsonObject(value) ? value : {};
  const { hashing_algorithm: algorithm, password_hash: hash, tags, limits } = record;
  return {
    password: typeof algorithm === "string" && typeof hash === "string"
      ? { algorithm, hash }
      : undefined,
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === "string") : [],
    limits: checkUserLimits(isJsonObject(limits) ? limits : {}),
  };
}

/** Reads what a user may do; what is missing is not permitted. */
export function readPermissions(value: JsonValue): Permissions {
  const { configure, write, read } = isJsonObject(value) ? value : {};
  const text = (pattern: JsonValue | undefined) => typeof pattern === "string" ? pattern : "";
  return { configure: text(configure), write: text(write), read: text(read) };
}
