import { type Data, path } from "../api.ts";
import { showForm } from "../dialog.ts";
import { count } from "../format.ts";
import { showList } from "../list.ts";
import { notify } from "../notice.ts";
import { button, confirmed, head } from "../parts.ts";
import type { View } from "../view.ts";

/** All virtual hosts. */
export function showVhosts(view: View): void {
  const add = async () => {
    if (await addVhost(view)) await list.refresh();
  };
  const remove = async ({ name }: Data) => {
    const work = () => view.api.ask("DELETE", path`/vhosts/${name}`);
    const text = "All its exchanges, queues, messages and permissions will be gone.";
    if (await confirmed(`Delete ${name}?`, text, "Delete", work, "The virtual host is gone.")) {
      await list.refresh();
    }
  };
  const list = showList(view, {
    title: "Virtual hosts",
    path: "/vhosts",
    key: ({ name }) => name,
    actions: [button("New virtual host", () => void add(), "primary")],
    columns: [
      { title: "Name", sort: "name", text: ({ name }) => name },
      { title: "Description", minor: true, text: ({ description }) => description ?? "" },
      { title: "Queues by default", minor: true, text: (one) => defaultType(one) },
      { title: "Tracing", minor: true, text: ({ tracing }) => tracing ? "on" : "off" },
      {
        title: "Ready",
        sort: "messages_ready",
        numeric: true,
        text: ({ messages_ready }) => count(messages_ready ?? 0),
      },
      {
        title: "Unacked",
        sort: "messages_unacknowledged",
        numeric: true,
        text: ({ messages_unacknowledged }) => count(messages_unacknowledged ?? 0),
      },
      {
        title: "Actions",
        numeric: true,
        text: () => "",
        draw: ({ name }, now) =>
          button("Delete", () => void remove(now()), "small danger", {
            "aria-label": `Delete ${name}`,
          }),
      },
    ],
  });
  view.main.append(head("Virtual hosts"), list.element);
}

function defaultType({ default_queue_type }: Data): string {
  return default_queue_type === "undefined" ? "classic" : default_queue_type;
}

function addVhost({ api }: View): Promise<boolean> {
  return showForm({
    title: "New virtual host",
    action: "Add",
    fields: [
      { name: "name", label: "Name", required: true },
      { name: "description", label: "Description" },
      {
        name: "type",
        label: "Queues by default",
        kind: "select",
        options: ["classic", "quorum", "stream"],
      },
    ],
    submit: async ({ name = "", description, type }) => {
      const body = { description, default_queue_type: type };
      await api.ask("PUT", path`/vhosts/${name}`, { body });
      notify(`The virtual host ${name} is there.`);
    },
  });
}
