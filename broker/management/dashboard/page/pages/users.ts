import { actionsColumn } from "../actions_column.ts";
import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { showList } from "../list.ts";
import { notify } from "../notice.ts";
import { button, confirmed, head } from "../parts.ts";
import type { View } from "../view.ts";

/** All users. */
export function showUsers(view: View): void {
  const add = async () => {
    if (await setUser(view)) await list.refresh();
  };
  const edit = async (user: Data) => {
    if (await setUser(view, user)) await list.refresh();
  };
  const remove = async ({ name }: Data) => {
    const work = () => view.api.ask("DELETE", path`/users/${name}`);
    const text = "Its permissions go with it, and its connections are closed.";
    if (await confirmed(`Delete ${name}?`, text, "Delete", work, "The user is gone.")) {
      await list.refresh();
    }
  };
  const list = showList(view, {
    title: "Users",
    path: "/users",
    key: ({ name }) => name,
    actions: [button("New user", () => void add(), "primary")],
    columns: [
      {
        title: "Name",
        sort: "name",
        text: ({ name }) => name,
        href: ({ name }) => path`#/users/${name}`,
      },
      { title: "Tags", text: ({ tags }) => tags.join(", ") },
      {
        title: "Password",
        minor: true,
        text: ({ password_hash }) => password_hash === "" ? "none" : "set",
      },
      actionsColumn(edit, remove),
    ],
  });
  view.main.append(head("Users"), list.element);
}

function setUser({ api }: View, before?: Data): Promise<boolean> {
  return showForm({
    title: before === undefined ? "New user" : `Change ${before.name}`,
    action: "Save",
    fields: [
      ...before === undefined ? [{ name: "name", label: "Name", required: true }] : [],
      {
        name: "password",
        label: "Password",
        kind: "password",
        required: before === undefined,
        ...before === undefined ? {} : { hint: "Empty: it stays as it is" },
      },
      {
        name: "tags",
        label: "Tags",
        value: before?.tags.join(", ") ?? "",
        hint: "Some of administrator, monitoring, policymaker, management; or none",
      },
    ],
    submit: async ({ name = before?.name as string, password = "", tags = "" }) => {
      const secret = password !== "" || before === undefined ? { password } : {
        password_hash: before.password_hash,
        hashing_algorithm: before.hashing_algorithm,
      };
      const body = { ...secret, tags: tags.split(/[\s,]+/).filter(Boolean) };
      await api.ask("PUT", path`/users/${name}`, { body });
      notify(`The user ${name} is set.`);
    },
  });
}
