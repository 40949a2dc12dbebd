import { type Data, path } from "./api.ts";
import { button, confirmed } from "./parts.ts";
import { type Column, Table } from "./table.ts";
import type { View } from "./view.ts";

/** Tables of permissions: of one user in all vhosts, or of all users in one vhost. */
export function permissionsTables(view: View, of: "user" | "vhost", onGone: () => void): {
  readonly permissions: Table<Data>;
  readonly topics: Table<Data>;
} {
  const other: Column<Data> = of === "user"
    ? {
      title: "Virtual host",
      text: ({ vhost }) => vhost,
      href: ({ vhost }) => path`#/vhosts/${vhost}`,
    }
    : { title: "User", text: ({ user }) => user, href: ({ user }) => path`#/users/${user}` };
  const clear = async (at: string) => {
    const work = () => view.api.ask("DELETE", at);
    const text = "It takes effect at once.";
    if (await confirmed("Clear these permissions?", text, "Clear", work, "They are cleared.")) {
      onGone();
    }
  };
  const permissions = new Table<Data>(
    "Permissions",
    [
      other,
      { title: "Configure", text: ({ configure }) => configure },
      { title: "Write", text: ({ write }) => write },
      { title: "Read", text: ({ read }) => read },
      actions(({ vhost, user }) => clear(path`/permissions/${vhost}/${user}`)),
    ],
    ({ vhost, user }) => `${vhost}\0${user}`,
    of === "user" ? "This user may not enter any virtual host." : "Nobody may enter it.",
  );
  const topics = new Table<Data>(
    "Permissions for topics",
    [
      other,
      { title: "Exchange", text: ({ exchange }) => exchange },
      { title: "Write", text: ({ write }) => write },
      { title: "Read", text: ({ read }) => read },
      actions(({ vhost, user, exchange }) =>
        clear(path`/topic-permissions/${vhost}/${user}/${exchange}`)
      ),
    ],
    ({ vhost, user, exchange }) => `${vhost}\0${user}\0${exchange}`,
    "All routing keys are allowed.",
  );
  return { permissions, topics };
}

function actions(clear: (row: Data) => Promise<void>): Column<Data> {
  return {
    title: "Actions",
    numeric: true,
    text: () => "",
    draw: (row, now) =>
      button("Clear", () => void clear(now()), "small danger", {
        "aria-label": `Clear ${row.user} in ${row.vhost} ${row.exchange ?? ""}`.trim(),
      }),
  };
}
