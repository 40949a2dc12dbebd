import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { notify } from "../notice.ts";
import type { View } from "../view.ts";

/** Asks who a user is: a new one, or one that is there. True when it was set. */
export function setUser({ api }: View, before?: Data): Promise<boolean> {
  return showForm({
    title: before === undefined ? "New user" : `Change ${before.name}`,
    action: "Save",
    fields: [
      ...before === undefined ? [{ name: "name", label: "Name", required: true }] : [],
      {
        name: "password",
        label: "Password",
        kind: "password",
        hint: before === undefined
          ? "Empty: nobody can log in by a password"
          : "Empty: it stays as it is",
      },
      {
        name: "tags",
        label: "Tags",
        value: before?.tags.join(", ") ?? "",
        hint: "Some of administrator, monitoring, policymaker, management; or none",
      },
    ],
    submit: async ({ name = before?.name as string, password = "", tags = "" }) => {
      const body = { tags: tags.split(/[\s,]+/).filter(Boolean) };
      // without one, the password that is there stays
      if (before !== undefined && password === "") {
        await api.ask("PUT", path`/users/${name}/tags`, { body });
      } else await api.ask("PUT", path`/users/${name}`, { body: { ...body, password } });
      notify(`The user ${name} is set.`);
    },
  });
}
