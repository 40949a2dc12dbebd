import type { Logger } from "./amqp/logger.ts";
import { readAccounts } from "./auth/account.ts";
import { hashPasswordSync, type PasswordHashing, PublicPassword } from "./auth/password.ts";
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
  const accounts = readAccounts(
    records,
    (problem) => logger.log("error", `${problem}; it has no effect`),
  );
  const users = new Users({ events, records: durable, accounts });
  const { name = "guest", password = "guest", tags, permissions } = defaultUser ?? {};
  // any record will do: a damaged store that has lost the one for this must not let guest in again
  if (records.length > 0) {
    if (defaultUser !== undefined && users.find(name) === undefined) {
      const text =
        `user '${name}' is not added: only a new data directory begins with a default user`;
      logger.log("warning", text);
    }
    return users;
  }
  // everybody knows the password of guest, so there is nothing that a slow hash could hide
  const hash = password === ""
    ? undefined
    : password === "guest"
    ? new PublicPassword(password)
    : hashPasswordSync(password, options.passwordHashing);
  users.begin(name, hash, { vhosts: options.vhosts, tags, permissions });
  return users;
}
