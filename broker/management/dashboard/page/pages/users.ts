import { actionsColumn } from "../actions_column.ts";
import { type Data, path } from "../api.ts";
import { setUser } from "../forms/user.ts";
import { showList } from "../list.ts";
import { button, confirmed, head } from "../parts.ts";
import type { View } from "../view.ts";

/** All users. */
export function showUsers(view: View): void {
  /** The vhosts that each may enter. */
  let entered = new Map<string, string[]>();
  const set = async (user?: Data) => {
    if (await setUser(view, user)) await list.refresh();
  };
  const remove = async ({ name }: Data) => {
    if (await deleteUser(view, name)) await list.refresh();
  };
  const list = showList(view, {
    title: "Users",
    path: "/users",
    key: ({ name }) => name,
    actions: [button("New user", () => void set(), "primary")],
    before: async () => {
      const told: Data[] = await view.api.get("/permissions", view.signal);
      entered = new Map(
        Object.entries(Object.groupBy(told, ({ user }) => user as string))
          .map(([user, all = []]) => [user, all.map(({ vhost }) => vhost as string)]),
      );
    },
    columns: [
      {
        title: "Name",
        sort: "name",
        text: ({ name }) => name,
        href: ({ name }) => path`#/users/${name}`,
      },
      { title: "Tags", text: ({ tags }) => tags.join(", ") },
      { title: "Virtual hosts", minor: true, text: ({ name }) => listed(entered.get(name)) },
      { title: "Limits", minor: true, text: ({ limits }) => limitsText(limits) },
      {
        title: "Password",
        minor: true,
        text: ({ has_password }) => has_password ? "set" : "none",
      },
      actionsColumn(set, remove),
    ],
  });
  view.main.append(head("Users"), list.element);
}

/** Asks whether a user is to go. True when it is gone. */
export function deleteUser({ api }: View, name: string): Promise<boolean> {
  const work = () => api.ask("DELETE", path`/users/${name}`);
  const text = "Its permissions go with it, and its connections are closed.";
  return confirmed(`Delete ${name}?`, text, "Delete", work, "The user is gone.");
}

/** A few names, and how many there are besides. */
function listed(names: readonly string[] = []): string {
  if (names.length === 0) return "none";
  return names.length > 3
    ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more`
    : names.join(", ");
}

function limitsText(limits: Data): string {
  return Object.entries(limits ?? {}).map(([name, value]) => `${name} ${value}`).join(", ");
}
