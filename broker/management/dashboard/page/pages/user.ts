import { type Data, path } from "../api.ts";
import { h } from "../dom.ts";
import { setPermissions, setTopicPermissions } from "../forms/permissions.ts";
import { setUser } from "../forms/user.ts";
import { limitsOf, limitsTable, setLimit } from "../limits_table.ts";
import { button, card, head, listCard, tellFacts } from "../parts.ts";
import { permissionsTables } from "../permissions_tables.ts";
import { repeat, type View } from "../view.ts";
import { deleteUser } from "./users.ts";

const EVERY_MS = 5000;

/** What one user may do. */
export function showUser(view: View): void {
  const [name = ""] = view.names;
  const { api, signal } = view;
  const facts = h("dl", { class: "facts" });
  const limits = limitsTable(view, "user", () => void refresh(), name);
  const { permissions, topics } = permissionsTables(view, "user", () => void refresh());
  let user: Data;
  const then = async (form: Promise<boolean>) => {
    if (await form) await refresh();
  };
  const remove = async () => {
    if (await deleteUser(view, name)) location.hash = "#/users";
  };
  // without what is known of the user, the form would be that of a new one
  const edit = button("Edit", () => void then(setUser(view, user)), "primary", { disabled: true });
  view.main.append(
    head(name, [h("a", { href: "#/users" }, "Users")], [
      edit,
      button("Delete", () => void remove(), "danger"),
    ]),
    h(
      "div",
      { class: "columns wide" },
      card("Facts", facts),
      listCard("Limits", [
        button("Set a limit", () => void then(setLimit(view, "user", name))),
      ], limits.element),
    ),
    listCard("Permissions", [
      button("Set permissions", () => void then(setPermissions(view, { user: name }))),
    ], permissions.element),
    listCard("Permissions for topics", [
      button(
        "Set for a topic exchange",
        () => void then(setTopicPermissions(view, { user: name })),
      ),
    ], topics.element),
  );
  const refresh = repeat(view, EVERY_MS, async () => {
    const at = path`/users/${name}`;
    const [told, all, ofTopics, limited, open]: Data[] = await Promise.all([
      api.get(at, signal),
      api.get(`${at}/permissions`, signal),
      api.get(`${at}/topic-permissions`, signal),
      api.get(path`/user-limits/${name}`, signal),
      api.get(path`/connections/username/${name}`, signal),
    ]);
    user = told;
    edit.disabled = false;
    permissions.set(all);
    topics.set(ofTopics);
    limits.set(limitsOf("user", limited));
    tellFacts(facts, [
      ["Tags", told.tags.join(", ") || "none: no access to this page"],
      ["Password", told.has_password ? "set" : "none: nobody can log in by one"],
      ["Connections", `${open.length}`],
    ]);
  });
}
