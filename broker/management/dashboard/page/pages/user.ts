import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { h } from "../dom.ts";
import { notify } from "../notice.ts";
import { button, confirmed, head, listCard } from "../parts.ts";
import { type Column, Table } from "../table.ts";
import { repeat, type View } from "../view.ts";

const EVERY_MS = 5000;

/** What one user may do. */
export function showUser(view: View): void {
  const [user = ""] = view.names;
  const { api, signal } = view;
  const clear = async (at: string) => {
    const work = () => api.ask("DELETE", at);
    const text = "It takes effect at once.";
    await confirmed("Clear these permissions?", text, "Clear", work, "They are cleared.");
    await refresh();
  };
  const set = async (form: Promise<boolean>) => {
    if (await form) await refresh();
  };
  const permissions = new Table<Data>(
    "Permissions",
    [
      { title: "Virtual host", text: ({ vhost }) => vhost },
      { title: "Configure", text: (one) => one.configure },
      { title: "Write", text: ({ write }) => write },
      { title: "Read", text: ({ read }) => read },
      actions(({ vhost }) => clear(path`/permissions/${vhost}/${user}`)),
    ],
    ({ vhost }) => vhost,
    "This user may not enter any virtual host.",
  );
  const topics = new Table<Data>(
    "Permissions for topics",
    [
      { title: "Virtual host", text: ({ vhost }) => vhost },
      { title: "Exchange", text: ({ exchange }) => exchange },
      { title: "Write", text: ({ write }) => write },
      { title: "Read", text: ({ read }) => read },
      actions(({ vhost, exchange }) =>
        clear(path`/topic-permissions/${vhost}/${user}/${exchange}`)
      ),
    ],
    ({ vhost, exchange }) => `${vhost}\0${exchange}`,
    "All routing keys are allowed.",
  );
  view.main.append(
    head(user, [h("a", { href: "#/users" }, "Users")]),
    listCard(
      "Permissions",
      [button("Set permissions", () => void set(setPermissions(view, user)), "primary")],
      permissions.element,
    ),
    listCard(
      "Permissions for topics",
      [button("Set for a topic exchange", () => void set(setTopics(view, user)))],
      topics.element,
    ),
  );
  const refresh = repeat(view, EVERY_MS, async () => {
    const [all, ofTopics]: Data[] = await Promise.all([
      api.get(path`/users/${user}/permissions`, signal),
      api.get(path`/users/${user}/topic-permissions`, signal),
    ]);
    permissions.set(all);
    topics.set(ofTopics);
  });
}

function actions(clear: (row: Data) => Promise<void>): Column<Data> {
  return {
    title: "Actions",
    numeric: true,
    text: () => "",
    draw: (row, now) =>
      button("Clear", () => void clear(now()), "small danger", {
        "aria-label": `Clear ${row.vhost} ${row.exchange ?? ""}`.trim(),
      }),
  };
}

const PATTERN = "A regular expression of names: .* for all, empty for none";

function setPermissions({ api, vhost = "/" }: View, user: string): Promise<boolean> {
  return showForm({
    title: `What ${user} may do`,
    action: "Save",
    fields: [
      { name: "vhost", label: "Virtual host", value: vhost, required: true },
      { name: "configure", label: "Configure", value: ".*", hint: PATTERN },
      { name: "write", label: "Write", value: ".*" },
      { name: "read", label: "Read", value: ".*" },
    ],
    submit: async ({ vhost: where = "", ...body }) => {
      await api.ask("PUT", path`/permissions/${where}/${user}`, { body });
      notify("The permissions are set.");
    },
  });
}

function setTopics({ api, vhost = "/" }: View, user: string): Promise<boolean> {
  return showForm({
    title: `Which routing keys ${user} may use`,
    action: "Save",
    fields: [
      { name: "vhost", label: "Virtual host", value: vhost, required: true },
      { name: "exchange", label: "Exchange", value: "amq.topic", required: true },
      { name: "write", label: "Write", value: ".*", hint: "A regular expression of routing keys" },
      { name: "read", label: "Read", value: ".*" },
    ],
    submit: async ({ vhost: where = "", ...body }) => {
      await api.ask("PUT", path`/topic-permissions/${where}/${user}`, { body });
      notify("The permissions are set.");
    },
  });
}
