import type { Logger } from "./amqp/logger.ts";
import { readAccounts } from "./auth/account.ts";
import {
  hashPasswordSync,
  type PasswordHash,
  type PasswordHashing,
  PublicPassword,
} from "./auth/password.ts";
import { RECORD_KINDS } from "./auth/user_records.ts";
import { Users } from "./auth/users.ts";
import type { BrokerEvents } from "./events.ts";
import type { DefaultUser } from "./options.ts";
import type { Store } from "./store/store.ts";
import { DurableSettings, readRecords } from "./vhost/durable_settings.ts";

/** What the users of a broker are made of. */
export interface StoredUsersOptions {
  /** Where they survive a restart; undefined when they do not. */
  readonly store: Store | undefined;
  /** Who is told what happens. */
  readonly events: BrokerEvents;
  /** Where warnings go. */
  readonly logger: Logger;
  /** The user to begin with. */
  readonly defaultUser: DefaultUser | undefined;
  /** What its password is hashed with. */
  readonly passwordHashing: PasswordHashing;
  /** The vhosts that there are: the first user may do everything in them. */
  readonly vhosts: readonly string[];
}

/**
 * The users that a store knows. A new one, and one of a version that knew no users, begins with one
 * user, who is an administrator.
 *
 * @throws {StoreError} When a newer version wrote them.
 */
export function openUsers(options: StoredUsersOptions): Users {
  const { store, events, logger, defaultUser } = options;
  const durable = store === undefined ? undefined : new DurableSettings(store);
  const records = store === undefined ? [] : readRecords(store, RECORD_KINDS);
  const accounts = records.length === 0 ? [] : readAccounts(
    records,
    (problem) => logger.log("error", `${problem}; it has no effect`),
  );
  const users = new Users({ events, records: durable, accounts });
  // any record will do: a damaged store that has lost the one for this must not let guest in again
  if (records.length === 0) beginUsers(users, options, firstPassword(options, hashPasswordSync));
  else if (defaultUser !== undefined && users.find(nameOf(defaultUser)) === undefined) {
    const text = `user '${nameOf(defaultUser)}' is not added: only a new data directory begins ` +
      "with a default user";
    logger.log("warning", text);
  }
  return users;
}

/**
 * Adds the user that a new broker begins with.
 *
 * @param password The hash of its password; undefined: none lets it in.
 */
export function beginUsers(
  users: Users,
  { defaultUser, vhosts }: Pick<StoredUsersOptions, "defaultUser" | "vhosts">,
  password: PasswordHash | undefined,
): void {
  const { tags, permissions } = defaultUser ?? {};
  users.begin(nameOf(defaultUser), password, { vhosts, tags, permissions });
}

/**
 * The hash of its password.
 *
 * @param hash Makes the hash of one that not everybody knows.
 */
export function firstPassword<Hash>(
  { defaultUser, passwordHashing }: Pick<StoredUsersOptions, "defaultUser" | "passwordHashing">,
  hash: (password: string, hashing: PasswordHashing) => Hash,
): Hash | PasswordHash | undefined {
  const { password = "guest" } = defaultUser ?? {};
  if (password === "") return undefined;
  // everybody knows the password of guest, so there is nothing that a slow hash could hide
  return password === "guest" ? new PublicPassword(password) : hash(password, passwordHashing);
}

function nameOf(user: DefaultUser | undefined): string {
  return user?.name ?? "guest";
}
