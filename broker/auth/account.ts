import { DefinitionError } from "../policy/error.ts";
import type { JsonValue } from "../policy/json.ts";
import type { PasswordHash } from "./password.ts";
import { compilePermission, type Permissions, type TopicPermissions } from "./permissions.ts";
import type { UserLimits } from "./user_limits.ts";
import { readPermissions, readUser } from "./user_records.ts";

/** A user as operators see it. */
export interface UserInfo {
  /** Its name. */
  readonly name: string;
  /** What it is: `administrator`, `monitoring`, `policymaker`, `management`, `impersonator`, or any
   * other word. */
  readonly tags: readonly string[];
  /** How much it may have. */
  readonly limits: UserLimits;
  /** False when it cannot log in with a password. */
  readonly hasPassword: boolean;
}

/** One of the users. */
export interface Account {
  /** Its name. */
  readonly name: string;
  /** What is kept of its password; undefined: none lets it in. */
  password: PasswordHash | undefined;
  tags: readonly string[];
  limits: UserLimits;
  /** What it may do, by vhost; it may not enter others. */
  readonly permissions: Map<string, Permissions>;
  /** What it may do with topic exchanges, by vhost and exchange. */
  readonly topics: Map<string, Map<string, Pick<TopicPermissions, "write" | "read">>>;
}

/** A user without its secrets. */
export function userInfo({ name, tags, limits, password }: Account): UserInfo {
  return { name, tags, limits, hasPassword: password !== undefined };
}

/**
 * Makes users of what is written down. What of it cannot be used permits nothing, and must not keep the
 * broker from starting.
 *
 * @param onProblem Told what cannot be used.
 */
export function readAccounts(
  records: readonly (readonly [key: readonly string[], value: JsonValue])[],
  onProblem: (text: string) => void,
): Account[] {
  const accounts = new Map<string, Account>();
  const tolerant = (what: string, action: () => void) => {
    try {
      action();
    } catch (error) {
      if (!(error instanceof DefinitionError)) throw error;
      onProblem(`${what}: ${error.message.replaceAll("\n", " ")}`);
    }
  };
  for (const [[kind, name], value] of records) {
    if (kind !== "user") continue;
    tolerant(`user '${name}'`, () => {
      const record = readUser(value);
      accounts.set(name!, {
        name: name!,
        ...record,
        permissions: new Map(),
        topics: new Map(),
      });
    });
  }
  for (const [[kind, name, vhost, exchange], value] of records) {
    const account = accounts.get(name!);
    if (account === undefined) continue;
    const { configure, write, read } = readPermissions(value);
    if (kind === "permission") {
      tolerant(`permissions of user '${name}'`, () => {
        for (const pattern of [configure, write, read]) compilePermission(pattern);
        account.permissions.set(vhost!, Object.freeze({ configure, write, read }));
      });
    } else if (kind === "topic-permission") {
      const exchanges = account.topics.get(vhost!) ?? new Map();
      account.topics.set(vhost!, exchanges.set(exchange!, Object.freeze({ write, read })));
    }
  }
  return [...accounts.values()];
}
