import { hashPassword, type PasswordHashing } from "../../auth/password.ts";
import type { JsonValue } from "../../policy/json.ts";
import type { ManagementClient, Row } from "../management_client.ts";
import { CtlAtoms, type CtlCommand, CtlError, CtlUsageError, EXIT } from "./command.ts";
import { noSuchUser, readJson, requireUser, validated } from "./errors.ts";
import { readSecret } from "./secret.ts";

/** What passwords may be hashed with, as it is written. MD5 is of no use to anybody. */
const HASHINGS: ReadonlyMap<string, PasswordHashing> = new Map([
  ["sha256", "rabbitmq-sha256"],
  ["sha-256", "rabbitmq-sha256"],
  ["sha512", "rabbitmq-sha512"],
  ["sha-512", "rabbitmq-sha512"],
]);

/** The tool may change and delete users that the API alone may not. */
const PROTECTED = "protected=true";

function badArgument(why: string): CtlUsageError {
  return new CtlUsageError(`Bad argument: ${why}`, EXIT.dataError);
}

/** Users, their passwords, tags and limits. */
export const USER_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  add_user: {
    summary: "Creates a new user in the internal database. " +
      "This user will have no permissions for any virtual hosts by default.",
    usage: "<username> <password>",
    args: [1, 2],
    options: { "pre-hashed-password": "flag" },
    banner: ({ args: [user] }) => `Adding user "${user}" ...`,
    async run({ args: [user = "", given], client, options, terminal }) {
      const secret = given ?? await readSecret(terminal);
      if (await client.find(["users", user]) !== undefined) {
        throw new CtlError(EXIT.software, `User "${user}" already exists`);
      }
      await client.put(["users", user], {
        tags: [],
        ...options["pre-hashed-password"] === true
          ? { password_hash: secret }
          : { password: secret },
      });
      const text = "Done. Don't forget to grant the user permissions to some virtual hosts! " +
        "See 'rabbitmqctl help set_permissions' to learn more.";
      return { text };
    },
  },
  delete_user: {
    summary: "Removes a user from the internal database. " +
      "Has no effect on users provided by external backends such as LDAP",
    usage: "<username>",
    args: [1, 1],
    banner: ({ args: [user] }) => `Deleting user "${user}" ...`,
    async run({ args: [user = ""], client }) {
      await requireUser(client, user);
      await client.delete(["users", user], { query: PROTECTED });
    },
  },
  list_users: {
    summary: "List user names and tags",
    usage: "[--no-table-headers] [--timeout <timeout>]",
    banner: () => "Listing users ...",
    async run({ client }) {
      const users = await client.get<Row[]>(["users"]);
      const rows = users.map(({ name, tags }) => ({
        user: name!,
        tags: new CtlAtoms((tags ?? []) as string[]),
      }));
      return { columns: ["user", "tags"], rows, collected: true };
    },
  },
  change_password: {
    summary: "Changes the user password",
    usage: "<username> <password>",
    args: [1, 2],
    banner: ({ args: [user] }) => `Changing password for user "${user}" ...`,
    async run({ args: [user = "", given], client, terminal }) {
      await setPassword(client, user, { password: given ?? await readSecret(terminal) });
    },
  },
  clear_password: {
    summary: "Clears (resets) password and disables password login for a user",
    usage: "<username>",
    args: [1, 1],
    banner: ({ args: [user] }) => `Clearing password for user "${user}" ...`,
    async run({ args: [user = ""], client }) {
      await setPassword(client, user, { password_hash: "" });
    },
  },
  hash_password: {
    summary: "Hashes a plaintext password",
    usage: "<cleartext_password> [--hashing-algorithm <algorithm>]",
    args: [0, 1],
    options: { "hashing-algorithm": "value" },
    banner: ({ args: [password] }) =>
      password === undefined ? "Will hash provided password" : `Will hash password ${password}`,
    async run({ args: [given], options, terminal }) {
      if (given === "") throw badArgument("password cannot be an empty string");
      const name = String(options["hashing-algorithm"] ?? "sha256");
      const hashing = HASHINGS.get(name.toLowerCase());
      if (hashing === undefined) throw badArgument(`unsupported hashing algorithm: ${name}`);
      const { hash } = await hashPassword(given ?? await readSecret(terminal), hashing);
      return { text: hash };
    },
  },
  authenticate_user: {
    summary: "Attempts to authenticate a user. Exits with a non-zero code if authentication fails.",
    usage: "<username> <password>",
    args: [1, 2],
    banner: ({ args: [user] }) => `Authenticating user "${user}" ...`,
    async run({ args: [user = "", given], client, terminal }) {
      const password = given ?? await readSecret(terminal);
      const answer = await client.find<Row>(["users", user]) === undefined
        ? undefined
        : await client.post(["users", user, "authenticate"], { password });
      if (answer?.["authenticated"] === true) return { text: "Success" };
      throw new CtlError(
        EXIT.dataError,
        `Error: failed to authenticate user "${user}"\nuser '${user}' - invalid credentials`,
      );
    },
  },
  set_user_tags: {
    summary: "Sets user tags",
    usage: "<username> <tag> [...]",
    args: [1, Infinity],
    banner: ({ args: [user, ...tags] }) =>
      `Setting tags for user "${user}" to [${tags.join(", ")}] ...`,
    async run({ args: [user = "", ...tags], client }) {
      await requireUser(client, user);
      await client.put(["users", user, "tags"], { tags } as Row, { query: PROTECTED });
    },
  },
  set_user_limits: {
    summary: "Sets user limits",
    usage: "<username> <definition>",
    args: [2, 2],
    banner: ({ args: [user, limits] }) =>
      `Setting user limits to "${limits}" for user "${user}" ...`,
    async run({ args: [user = "", text = ""], client }) {
      const limits = readJson<Row>(text);
      if (await client.find(["users", user]) === undefined) {
        throw new CtlError(EXIT.unavailable, `{:no_such_user, "${user}"}`);
      }
      for (const [name, value] of Object.entries(limits)) {
        await validated(client.put(["user-limits", user, name], { value }));
      }
    },
  },
  clear_user_limits: {
    summary: "Clears user connection/channel limits",
    usage: "<username> <limit-name> | all",
    args: [2, 2],
    banner: ({ args: [user, limit] }) =>
      `Clearing ${limit === "all" ? "all limits" : `"${limit}" limit`} for user "${user}" ...`,
    async run({ args: [user = "", limit = ""], client }) {
      await requireUser(client, user);
      for (const name of limit === "all" ? ["max-connections", "max-channels"] : [limit]) {
        await client.delete(["user-limits", user, name]);
      }
    },
  },
  list_user_limits: {
    summary: "Displays configured user limits",
    usage: "[--user <username>] [--global]",
    options: { user: "value", global: "flag" },
    banner: ({ options }) =>
      options["global"] === true
        ? "Listing limits for all users ..."
        : `Listing limits for user "${options["user"] ?? "guest"}" ...`,
    async run({ options, client }) {
      if (options["global"] === true) {
        const all = await client.get<Row[]>(["user-limits"]);
        const rows = all.map(({ user, value }) => ({ user: user!, limits: JSON.stringify(value) }));
        return { columns: ["user", "limits"], rows, collected: true };
      }
      const user = String(options["user"] ?? "guest");
      await requireUser(client, user);
      const [found] = await client.get<Row[]>(["user-limits", user]);
      return { text: JSON.stringify(found?.["value"] ?? {}), value: found?.["value"] ?? {} };
    },
  },
  close_all_user_connections: {
    summary: "Instructs the broker to close all connections of the specified user",
    usage: "<username> <reason>",
    args: [2, 2],
    banner: ({ args: [user, reason] }) =>
      `Closing connections of user ${user}, reason: ${reason}...`,
    async run({ args: [user = "", reason = ""], client }) {
      await client.delete(["connections", "username", user], { reason });
    },
  },
};

async function setPassword(
  client: ManagementClient,
  user: string,
  secret: Readonly<Record<string, JsonValue>>,
): Promise<void> {
  const found = await client.find<Row>(["users", user]);
  if (found === undefined) throw noSuchUser(user);
  const body = { tags: found["tags"] ?? [], ...secret };
  await client.put(["users", user], body, { query: PROTECTED });
}
