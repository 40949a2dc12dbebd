import type { ManagementClient, Row } from "../management_client.ts";
import { ApiError } from "../management_client.ts";
import { type CtlCommand, CtlError, type CtlRow, EXIT } from "./command.ts";
import { requireVhost } from "./errors.ts";

const OF_USER = ["vhost", "configure", "write", "read"];
const OF_VHOST = ["user", "configure", "write", "read"];

/** Who may do what, in vhosts and with routing keys. */
export const PERMISSION_COMMANDS: Readonly<Record<string, CtlCommand>> = {
  set_permissions: {
    summary: "Sets user permissions for a vhost",
    usage: "[--vhost <vhost>] <username> <conf> <write> <read>",
    args: [4, 4],
    banner: ({ args: [user], vhost }) =>
      `Setting permissions for user "${user}" in vhost "${vhost}" ...`,
    async run({ args: [user = "", configure = "", write = "", read = ""], vhost, client }) {
      await requireBoth(client, vhost, user);
      await patterns(client.put(["permissions", vhost, user], { configure, write, read }));
    },
  },
  set_permissions_globally: {
    summary: "Sets user permissions for all virtual hosts.",
    usage: "<username> <conf> <write> <read>",
    args: [4, 4],
    banner: ({ args: [user] }) => `Setting permissions for user "${user}" in all virtual hosts ...`,
    async run({ args: [user = "", configure = "", write = "", read = ""], client }) {
      await requirePermitted(client, user);
      for (const { name } of await client.get<Row[]>(["vhosts"], "columns=name")) {
        const path = ["permissions", String(name), user];
        await patterns(client.put(path, { configure, write, read }));
      }
    },
  },
  clear_permissions: {
    summary: "Revokes user permissions for a vhost",
    usage: "[--vhost <vhost>] <username>",
    args: [1, 1],
    banner: ({ args: [user], vhost }) =>
      `Clearing permissions for user "${user}" in vhost "${vhost}" ...`,
    async run({ args: [user = ""], vhost, client }) {
      await requireBoth(client, vhost, user);
      await withoutMissing(client.delete(["permissions", vhost, user]));
    },
  },
  list_permissions: {
    summary: "Lists user permissions in a virtual host",
    usage: "[--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
    banner: ({ vhost }) => `Listing permissions for vhost "${vhost}" ...`,
    async run({ vhost, client }) {
      await requireVhost(client, vhost);
      const rows = await client.get<Row[]>(["vhosts", vhost, "permissions"]);
      return listed(OF_VHOST, rows);
    },
  },
  list_user_permissions: {
    summary: "Lists permissions of a user across all virtual hosts",
    usage: "[--no-table-headers] <username>",
    args: [1, 1],
    banner: ({ args: [user] }) => `Listing permissions for user "${user}" ...`,
    async run({ args: [user = ""], client }) {
      return listed(OF_USER, await ofUser(client, user, "permissions"));
    },
  },
  set_topic_permissions: {
    summary: "Sets user topic permissions for an exchange",
    usage: "[--vhost <vhost>] <username> <exchange> <write> <read>",
    args: [4, 4],
    banner: ({ args: [user, exchange], vhost }) =>
      `Setting topic permissions on "${exchange}" for user "${user}" in vhost "${vhost}" ...`,
    async run({ args: [user = "", exchange = "", write = "", read = ""], vhost, client }) {
      await requireBoth(client, vhost, user);
      await patterns(client.put(["topic-permissions", vhost, user], { exchange, write, read }));
    },
  },
  clear_topic_permissions: {
    summary: "Clears user topic permissions for a vhost or exchange",
    usage: "[--vhost <vhost>] <username> [<exchange>]",
    args: [1, 2],
    banner: ({ args: [user, exchange], vhost }) =>
      `Clearing topic permissions ${
        exchange === undefined ? "" : `on "${exchange}" `
      }for user "${user}" in vhost "${vhost}" ...`,
    async run({ args: [user = "", exchange], vhost, client }) {
      await requireBoth(client, vhost, user);
      const path = ["topic-permissions", vhost, user];
      await withoutMissing(client.delete(exchange === undefined ? path : [...path, exchange]));
    },
  },
  list_topic_permissions: {
    summary: "Lists topic permissions in a virtual host",
    usage: "[--vhost <vhost>] [--no-table-headers] [--timeout <timeout>]",
    banner: ({ vhost }) => `Listing topic permissions for vhost "${vhost}" ...`,
    async run({ vhost, client }) {
      await requireVhost(client, vhost);
      const rows = await client.get<Row[]>(["vhosts", vhost, "topic-permissions"]);
      return listed(["user", "exchange", "write", "read"], rows);
    },
  },
  list_user_topic_permissions: {
    summary: "Lists user topic permissions",
    usage: "[--no-table-headers] <username>",
    args: [1, 1],
    banner: ({ args: [user] }) => `Listing topic permissions for user "${user}" ...`,
    async run({ args: [user = ""], client }) {
      const rows = await ofUser(client, user, "topic-permissions");
      return { ...listed(["vhost", "exchange", "write", "read"], rows), headless: true };
    },
  },
};

function listed(columns: readonly string[], found: readonly Row[]) {
  const rows: CtlRow[] = found.map((row) =>
    Object.fromEntries(columns.map((name) => [name, row[name] ?? ""]))
  );
  return { columns, rows, collected: true };
}

async function ofUser(client: ManagementClient, user: string, what: string): Promise<Row[]> {
  const rows = await client.find<Row[]>(["users", user, what]);
  if (rows !== undefined) return rows;
  throw new CtlError(EXIT.unavailable, `{:no_such_user, "${user}"}`);
}

async function requirePermitted(client: ManagementClient, user: string): Promise<void> {
  if (await client.find(["users", user]) !== undefined) return;
  throw new CtlError(EXIT.noUser, `User ${user} does not exist`);
}

async function requireBoth(client: ManagementClient, vhost: string, user: string): Promise<void> {
  await requirePermitted(client, user);
  if (await client.find(["vhosts", vhost]) === undefined) {
    throw new CtlError(EXIT.unavailable, `Virtual host ${vhost} does not exist`);
  }
}

/** What is not there need not be cleared. */
async function withoutMissing(clearing: Promise<void>): Promise<void> {
  try {
    await clearing;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
}

async function patterns(setting: Promise<void>): Promise<void> {
  try {
    await setting;
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 400) throw error;
    throw new CtlError(EXIT.unavailable, error.reason);
  }
}
